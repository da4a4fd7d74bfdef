/*
 * One attempt of an exchange at one endpoint
 */

#include <assert.h>

#include "http/hop.h"
#include "proxy/exchange.h"
#include "proxy/exchange_metrics.h"

/* How much of a body is kept for Weft's own retries; a policy's get the listener's limit. */
#define KEEP_BYTES_OWN (64 * 1024)

static const struct stream_handler up_handler;

static const struct retry_policy *policy_of(const struct exchange *x)
{
	return x->route->forward.retry;
}

static uint8_t priority_of(const struct exchange *x)
{
	return x->route->forward.priority;
}

static struct loop *loop_of(const struct exchange *x)
{
	return x->worker->loop;
}

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

/* One of the breaker's retries that this exchange holds. */
static void retry_give(struct exchange *x)
{
	if (!x->retry_counted)
		return;
	x->retry_counted = false;
	breaker_give(x->last_upstream->state->breakers, priority_of(x), BREAKER_RETRIES);
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
	breaker_give(u->state->breakers, priority_of(x), BREAKER_REQUESTS);
	stat_dec(u->cluster->cells, CLUSTER_RQ_ACTIVE);
	a->upstream = NULL;
	upstream_unref(u);
}

void attempt_fini(struct exchange *x)
{
	attempt_end(x);
	defer_cancel(&x->again);
	retry_give(x);
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
	retry_give(x);
	if (x->last_upstream)
		upstream_unref(x->last_upstream);
	upstream_ref(u);
	x->last_upstream = u;
	if (counted)
		breaker_take_anyway(u->state->breakers, priority_of(x), BREAKER_RETRIES);
	x->retry_counted = counted;
}

/*
 * The body of the request
 */

static size_t keep_max(const struct exchange *x)
{
	return policy_of(x) ? x->client->listener->listener->buffer_limit_bytes : KEEP_BYTES_OWN;
}

/* Kept from the beginning on, if a later attempt might need it. */
static void body_init(struct exchange *x)
{
	x->body.keeping = !x->request_ended &&
			  (policy_of(x) != NULL || method_is_idempotent(x->request->method_id));
}

static void body_let_go(struct request_body *b)
{
	b->keeping = false;
	b->lost = true;
	buf_fini(&b->bytes);
	b->sent = 0;
}

static bool is_sending(const struct exchange *x)
{
	return x->attempt.stream &&
	       (x->state == EXCHANGE_UPSTREAM || x->state == EXCHANGE_RESPONSE);
}

static void pause_client(struct exchange *x)
{
	if (x->body.paused)
		return;
	x->body.paused = true;
	stream_pause(x->down);
}

static void resume_client(struct exchange *x)
{
	if (!x->body.paused)
		return;
	x->body.paused = false;
	stream_resume(x->down);
}

/* Ends the request towards the endpoint, with trailers where there are some. */
static enum send_result send_end(struct exchange *x, struct iovec *iov, int count)
{
	struct stream *s = x->attempt.stream;

	x->request_sent = true;
	if (!x->request_trailers)
		return stream_send_data(s, iov, count, true);
	if (count && stream_send_data(s, iov, count, false) == SEND_CLOSED)
		return SEND_CLOSED;
	return stream_send_trailers(s, x->request_trailers);
}

static enum send_result send_body(struct exchange *x, struct str data, bool end)
{
	struct iovec iov = { (void *)data.ptr, data.len };
	int count = data.len ? 1 : 0;
	enum send_result sent;

	sent = end ? send_end(x, &iov, count)
		   : stream_send_data(x->attempt.stream, &iov, count, false);
	if (sent == SEND_QUEUED && !end)
		pause_client(x);
	return sent;
}

/* Sends what waited for the connection. */
static void flush(struct exchange *x)
{
	struct request_body *b = &x->body;
	struct str unsent = str_slice(buf_str(&b->bytes), b->sent, SIZE_MAX);
	bool end = x->request_ended && !x->request_sent;
	enum send_result sent = SEND_DONE;

	if (unsent.len || end)
		sent = send_body(x, unsent, end);
	b->sent += unsent.len;
	if (!b->keeping && unsent.len)
		body_let_go(b);
	if (sent == SEND_DONE)
		resume_client(x);
}

static void hold_body(struct exchange *x, struct str data)
{
	struct request_body *b = &x->body;

	buf_append_str(&b->bytes, data);
	if (buf_len(&b->bytes) - b->sent >= x->client->listener->listener->buffer_limit_bytes)
		pause_client(x);
}

void attempt_data(struct exchange *x, struct str data, bool end)
{
	struct request_body *b = &x->body;

	if (!is_sending(x)) {
		hold_body(x, data);
		return;
	}
	if (b->keeping && buf_len(&b->bytes) + data.len > keep_max(x))
		body_let_go(b);
	if (b->keeping) {
		buf_append_str(&b->bytes, data);
		b->sent = buf_len(&b->bytes);
	} else if (data.len) {
		b->lost = true;
	}
	send_body(x, data, end);
}

/*
 * The response
 */

/* The endpoint has said its last byte. What it did not want of the request is not sent. */
static void upstream_ended(struct exchange *x)
{
	struct worker_cluster *wc = x->attempt.upstream->cluster;

	histogram_record(&wc->times[CLUSTER_RQ_TIME],
			 instant_since(loop_now(loop_of(x)), x->attempt.since));
	attempt_end(x);
}

static bool retry_schedule(struct exchange *x, enum retry_decision decision);
static void note_limit(struct exchange *x, enum retry_decision decision);

/* True: the answer asks for another attempt, and there will be one. */
static bool retry_for_response(struct exchange *x, const struct headers *h)
{
	struct retry_input in = {
		.policy = policy_of(x),
		.response = h,
		.idempotent = method_is_idempotent(x->request->method_id),
		.replayable = !x->body.lost,
		.sent = true,
	};
	enum retry_decision decision;

	if (!in.policy)
		return false;
	decision = retry_decide(&x->retry, &in);
	note_limit(x, decision);
	if (decision != RETRY_DECISION_POLICY)
		return false;
	tried_hosts_add(&x->tried, x->attempt.upstream->host);
	return retry_schedule(x, decision);
}

static void service_time(struct exchange *x, struct headers *h)
{
	const struct router_settings *router = x->http->filters.router;
	struct duration d;

	if (router && router->suppress_envoy_headers)
		return;
	d = instant_since(loop_now(loop_of(x)), x->attempt.since);
	headers_set(h, HEADER_X_ENVOY_UPSTREAM_SERVICE_TIME,
		    pool_decimal(exchange_pool(x), (uint64_t)(d.ns / 1000000)));
}

static void up_headers(struct stream *s, struct headers *h, bool end)
{
	struct exchange *x = s->user;

	deadline_extend(x->deadlines, DEADLINE_IDLE, x->http->manager->stream_idle_timeout);
	deadline_clear(x->deadlines, DEADLINE_TRY);
	upstream_worked(x->attempt.upstream);
	x->response_begin_at = loop_now(loop_of(x));
	x->upstream_protocol = h->version;
	exchange_metrics_answer(x->attempt.upstream->cluster->cells, h->status);
	if (retry_for_response(x, h))
		return;
	if (x->retry.by_policy && h->status < 500)
		stat_inc(x->attempt.upstream->cluster->cells, CLUSTER_RQ_RETRY_SUCCESS);
	exchange_move(x, EXCHANGE_RESPONSE);
	x->reason = REASON_UPSTREAM;
	http_strip_hop_by_hop(h);
	service_time(x, h);
	response_head_route(x, h);
	if (end)
		upstream_ended(x);
	chain_response(x, h, end);
}

static void up_interim(struct stream *s, struct headers *h)
{
	struct exchange *x = s->user;

	/* 100 is between this proxy and each side. */
	if (h->status == 100 || x->response_started)
		return;
	http_strip_hop_by_hop(h);
	stream_send_headers(x->down, h, false);
}

static void up_data(struct stream *s, struct str data, bool end)
{
	struct exchange *x = s->user;

	if (end)
		upstream_ended(x);
	exchange_send_data(x, data, end);
}

static void up_trailers(struct stream *s, struct headers *trailers)
{
	struct exchange *x = s->user;

	upstream_ended(x);
	if (x->http->logs_response_trailers) {
		x->logged_trailers = pool_new(exchange_pool(x), struct headers);
		headers_init(x->logged_trailers, exchange_pool(x));
		headers_copy(x->logged_trailers, trailers);
	}
	exchange_send_trailers(x, trailers);
}

static void up_sent(struct stream *s)
{
	struct exchange *x = s->user;

	resume_client(x);
}

static void up_closed(struct stream *s, enum stream_reset reason)
{
	struct exchange *x = s->user;

	attempt_failed(x, reason_of_reset(reason, x->response_started), STR_EMPTY);
}

static const struct stream_handler up_handler = {
	.on_headers = up_headers,
	.on_interim = up_interim,
	.on_data = up_data,
	.on_trailers = up_trailers,
	.on_sent = up_sent,
	.on_closed = up_closed,
};

void attempt_resume_response(struct exchange *x)
{
	if (x->attempt.stream && !x->filter_waits)
		stream_resume(x->attempt.stream);
}

/*
 * Sending
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
	s = pool_begin(uc, &up_handler, x);
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
		flush(x);
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
	a->since = loop_now(loop_of(x));
	a->sent = false;
	a->pooled.on_ready = pool_ready;
	a->pooled.on_failed = pool_failed;
	a->pooled.priority = priority_of(x);
	x->body.sent = 0;
	x->request_sent = false;
	x->attempts++;
	exchange_move(x, EXCHANGE_CONNECTING);
	atomic_fetch_add_explicit(&u->host->load->requests, 1, memory_order_relaxed);
	stat_inc(u->cluster->cells, CLUSTER_RQ_TOTAL);
	stat_inc(u->cluster->cells, CLUSTER_RQ_ACTIVE);
	if (policy_of(x))
		deadline_set(x->deadlines, DEADLINE_TRY, policy_of(x)->per_try_timeout);
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
	const struct breaker_limits *limits = &wc->state->cluster->breakers[priority_of(x)];
	struct upstream *u = choose(x, wc);

	if (!u) {
		stat_inc(wc->cells, CLUSTER_CX_NONE_HEALTHY);
		reply(x, REASON_NO_HEALTHY);
		return NULL;
	}
	if (!breaker_take(u->state->breakers, limits, priority_of(x), BREAKER_REQUESTS)) {
		stat_inc(wc->cells, CLUSTER_RQ_PENDING_OVERFLOW);
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
		body_init(x);
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

/*
 * Failing
 */

static void again_run(struct deferred *d)
{
	attempt_start(container_of(d, struct exchange, again));
}

/* False: the breaker has no retry left. */
static bool retry_take(struct exchange *x)
{
	const struct upstream *u = x->last_upstream;
	uint8_t priority = priority_of(x);

	if (!breaker_take(u->state->breakers, &u->state->cluster->breakers[priority], priority,
			  BREAKER_RETRIES)) {
		stat_inc(u->cluster->cells, CLUSTER_RQ_RETRY_OVERFLOW);
		return false;
	}
	x->retry_counted = true;
	stat_inc(u->cluster->cells, CLUSTER_RQ_RETRY);
	return true;
}

/* Ends the attempt and arranges for another one. False: none may follow. */
static bool retry_schedule(struct exchange *x, enum retry_decision decision)
{
	struct duration after = { 0 };

	if (decision == RETRY_DECISION_NO || decision == RETRY_DECISION_LIMIT)
		return false;
	retry_give(x);
	if (decision == RETRY_DECISION_POLICY) {
		if (!retry_take(x))
			return false;
		after = retry_backoff(policy_of(x), x->retry.by_policy, &x->worker->random);
	} else {
		stat_inc(x->last_upstream->cluster->cells, CLUSTER_RQ_RETRY_IMPLICIT);
	}
	attempt_end(x);
	x->attempt.pooled.fresh = decision == RETRY_DECISION_FRESH;
	exchange_move(x, EXCHANGE_BACKOFF);
	/* Behind the present callback at least, so that a row of refusals is no recursion. */
	if (after.ns > 0)
		deadline_set(x->deadlines, DEADLINE_BACKOFF, after);
	else
		defer(loop_of(x), &x->again, again_run);
	return true;
}

static void note_limit(struct exchange *x, enum retry_decision decision)
{
	if (decision != RETRY_DECISION_LIMIT)
		return;
	x->flags |= response_flag_bit(FLAG_URX);
	stat_inc(x->last_upstream->cluster->cells, CLUSTER_RQ_RETRY_LIMIT);
}

static enum retry_decision decide(struct exchange *x, const struct reason_row *row)
{
	struct worker_cluster *wc = worker_cluster_at(x->worker, x->target->cluster.slot);
	struct retry_input in = {
		.policy = policy_of(x),
		.failure = row->retry,
		.idempotent = method_is_idempotent(x->request->method_id),
		.replayable = !x->body.lost,
		.sent = x->attempt.sent,
		.reused = x->attempt.reused,
	};

	tried_hosts_add(&x->tried, x->attempt.upstream->host);
	in.others = wc && worker_cluster_has_untried(wc, &x->tried);
	return retry_decide(&x->retry, &in);
}

static void count_failure(const struct exchange *x, const struct reason_row *row)
{
	if (row->scope == REASON_COUNTS_CLUSTER)
		stat_inc(x->last_upstream->cluster->cells, row->counter);
}

/*
 * A program that does not answer must not look like one that answers 503: the proxy in front
 * of it ends the mesh stream without an answer, so that the caller's proxy takes another
 * endpoint.
 */
static bool ends_without_answer(const struct exchange *x, const struct reason_row *row)
{
	return x->client->listener->listener->direction == TRAFFIC_INBOUND &&
	       (row->retry == RETRY_UNREACHED || row->retry == RETRY_REFUSED ||
		row->retry == RETRY_RESET);
}

void attempt_failed(struct exchange *x, enum reason reason, struct str detail)
{
	const struct reason_row *row = reason_row(reason);
	bool unsent = !x->attempt.sent || row->retry == RETRY_REFUSED;
	enum retry_decision decision;

	assert(x->attempt.upstream);
	if (row->retry == RETRY_UNREACHED || (row->retry == RETRY_RESET && !x->attempt.reused))
		upstream_failed(x->attempt.upstream);
	x->transport_failure = detail.len ? pool_strdup(exchange_pool(x), detail) : STR_EMPTY;
	if (x->state == EXCHANGE_RESPONSE) {
		exchange_reset(x, reason, false);
		return;
	}
	decision = decide(x, row);
	if (retry_schedule(x, decision)) {
		count_failure(x, row);
		return;
	}
	note_limit(x, decision);
	if (ends_without_answer(x, row)) {
		x->flags |= response_flag_bit(row->flag);
		count_failure(x, row);
		exchange_reset(x, REASON_PROGRAM, unsent);
		return;
	}
	reply(x, reason);
}
