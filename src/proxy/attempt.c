/*
 * One attempt of an exchange at one endpoint
 */

#include "proxy/attempt.h"

/*
 * Cutting off
 */

static void detached_data(struct stream *s, struct str data, bool end)
{
	(void)s;
	(void)data;
	(void)end;
}

static void detached_headers(struct stream *s, struct headers *h, bool end)
{
	(void)s;
	(void)h;
	(void)end;
}

static void detached_closed(struct stream *s, enum stream_reset reason)
{
	(void)s;
	(void)reason;
}

/* Of a stream that no exchange belongs to any more. */
static const struct stream_handler detached_handler = {
	.on_headers = detached_headers,
	.on_data = detached_data,
	.on_closed = detached_closed,
};

static void detach_stream(struct attempt *a)
{
	struct stream *s = TAKE(a->stream);

	if (!s)
		return;
	s->handler = &detached_handler;
	s->user = NULL;
	if (s->is.closed || (s->is.recv_ended && s->is.send_ended))
		return;
	stat_inc(a->upstream->cluster->cells, CLUSTER_RQ_TX_RESET);
	stream_reset(s, false);
}

void attempt_end(struct exchange *x)
{
	struct attempt *a = &x->attempt;
	struct upstream *u = a->upstream;

	if (!u)
		return;
	pool_cancel(&a->pooled);
	detach_stream(a);
	deadline_clear(x->deadlines, DEADLINE_TRY);
	atomic_fetch_sub_explicit(&u->host->load->requests, 1, memory_order_relaxed);
	breaker_give(u->state->breakers, attempt_priority(x), BREAKER_REQUESTS);
	stat_dec(u->cluster->cells, CLUSTER_RQ_ACTIVE);
	a->upstream = NULL;
	upstream_unref(u);
}

void attempt_fini(struct exchange *x)
{
	attempt_end(x);
	defer_cancel(&x->again);
	attempt_retry_give(x);
	if (x->body.bytes.memory)
		buf_fini(&x->body.bytes);
	if (x->last_upstream)
		upstream_unref(x->last_upstream);
	x->last_upstream = NULL;
}

/* The endpoint of the newest attempt is kept until the end, for logs and metrics. A retry that
 * is counted goes along to the breakers of the other cluster, should it be another one. */
static void last_upstream_set(struct exchange *x, struct upstream *u)
{
	bool counted = x->retry_counted;

	if (x->last_upstream == u)
		return;
	attempt_retry_give(x);
	if (x->last_upstream)
		upstream_unref(x->last_upstream);
	upstream_ref(u);
	x->last_upstream = u;
	if (counted)
		breaker_take_anyway(u->state->breakers, attempt_priority(x), BREAKER_RETRIES);
	x->retry_counted = counted;
}

/*
 * Beginning
 */

static void note_connection(struct exchange *x, const struct upstream_conn *uc)
{
	const struct tls_info *tls = uc->conn->tls;

	x->upstream_tls_version = tls ? tls->version_text : NULL;
	x->upstream_tls = !tls ? METRIC_PLAINTEXT : tls->mutual ? METRIC_MUTUAL_TLS : METRIC_TLS;
	if (x->http->logs_upstream_connection) {
		x->upstream_local = pool_alloc(exchange_pool(x), sizeof(struct address));
		*x->upstream_local = uc->conn->local;
		if (tls && tls->peer)
			x->upstream_peer =
				pool_strdup(exchange_pool(x), certificate_spiffe_id(tls->peer));
	}
}

static void send_request(struct exchange *x, struct upstream_conn *uc)
{
	struct attempt *a = &x->attempt;
	bool end = x->request_ended && !x->request_trailers && buf_len(&x->body.bytes) == 0;
	struct stream *s;

	a->reused = uc->requests > 0;
	s = pool_begin(uc, &attempt_handler, x);
	if (unlikely(!s)) {
		attempt_failed(x, REASON_CONNECT, STR_EMPTY);
		return;
	}
	note_connection(x, uc);
	a->stream = s;
	a->sent = true;
	exchange_move(x, EXCHANGE_UPSTREAM);
	x->request_sent = end;
	request_head_attempt(x);
	if (stream_send_headers(s, x->request, end) != SEND_CLOSED && !end && a->stream == s)
		attempt_body_flush(x);
}

static void pool_ready(struct pool_request *r, struct upstream_conn *uc)
{
	send_request(container_of(r, struct exchange, attempt.pooled), uc);
}

static void pool_failed(struct pool_request *r, enum reason reason, struct str detail)
{
	attempt_failed(container_of(r, struct exchange, attempt.pooled), reason, detail);
}

/* The attempt has an endpoint from now on, and what that counts is given back by attempt_end(). */
static void attempt_begin(struct exchange *x, struct upstream *u)
{
	struct attempt *a = &x->attempt;

	upstream_ref(u);
	last_upstream_set(x, u);
	a->upstream = u;
	a->since = loop_now(x->worker->loop);
	a->sent = false;
	a->pooled.on_ready = pool_ready;
	a->pooled.on_failed = pool_failed;
	a->pooled.priority = attempt_priority(x);
	x->body.sent = 0;
	x->request_sent = false;
	x->attempts++;
	exchange_move(x, EXCHANGE_CONNECTING);
	atomic_fetch_add_explicit(&u->host->load->requests, 1, memory_order_relaxed);
	stat_inc(u->cluster->cells, CLUSTER_RQ_TOTAL);
	stat_inc(u->cluster->cells, CLUSTER_RQ_ACTIVE);
	if (attempt_policy(x))
		deadline_set(x->deadlines, DEADLINE_TRY, attempt_policy(x)->per_try_timeout);
}

static enum http_codec codec_of(const struct exchange *x, const struct upstream *u)
{
	if (u->state->cluster->protocol != UPSTREAM_AS_DOWNSTREAM)
		return HTTP_CODEC_AUTO;
	return http_server_conn_codec(x->client->http.server);
}

static void reply(struct exchange *x, enum reason reason)
{
	exchange_reply(x, &(struct reply){ .reason = reason });
}

static struct upstream *choose(struct exchange *x, struct worker_cluster *wc)
{
	struct upstream *u = worker_cluster_pick(wc, &x->tried);

	/* All were tried: a retry by policy, or on a connection of its own, goes to any. */
	if (!u && x->tried.count)
		u = worker_cluster_pick(wc, NULL);
	return u;
}

/* One of the breaker's requests for an endpoint; NULL: answered. */
static struct upstream *endpoint_take(struct exchange *x, struct worker_cluster *wc)
{
	const struct breaker_limits *limits = &wc->state->cluster->breakers[attempt_priority(x)];
	struct upstream *u = choose(x, wc);

	if (!u) {
		reply(x, REASON_NO_HEALTHY);
		return NULL;
	}
	if (!breaker_take(u->state->breakers, limits, attempt_priority(x), BREAKER_REQUESTS)) {
		reply(x, REASON_OVERFLOW);
		return NULL;
	}
	return u;
}

void attempt_start(struct exchange *x)
{
	struct worker_cluster *wc = worker_cluster_at(x->worker, x->target->cluster.slot);
	struct upstream_conn *uc;
	struct upstream *u;

	if (!wc) {
		reply(x, REASON_NO_CLUSTER);
		return;
	}
	u = endpoint_take(x, wc);
	if (!u)
		return;
	if (x->attempts == 0)
		attempt_body_init(x, u->state->cluster);
	attempt_begin(x, u);
	x->attempt.pooled.codec = codec_of(x, u);
	switch (pool_get(u, &x->attempt.pooled, &uc)) {
	case POOL_READY:
		send_request(x, uc);
		break;
	case POOL_FULL:
		attempt_failed(x, REASON_OVERFLOW, STR_EMPTY);
		break;
	case POOL_NO_TLS:
		attempt_failed(x, REASON_NO_SECRETS, STR_EMPTY);
		break;
	case POOL_WAIT:
		break;
	}
}
