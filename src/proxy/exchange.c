#include "proxy/exchange.h"

#include <assert.h>

#include "base/mem.h"
#include "proxy/access_logger.h"
#include "proxy/exchange_metrics.h"

struct counter *exchange_cells(const struct exchange *x)
{
	return x->client->http.cells;
}

/* Of the cluster that the request went to, or should have gone to; NULL: of none. */
static struct counter *cluster_cells(const struct exchange *x)
{
	const struct worker_cluster *wc =
		x->last_upstream ? x->last_upstream->cluster
		: x->target      ? worker_cluster_at(x->worker, x->target->cluster.slot)
				 : NULL;

	return wc ? wc->cells : NULL;
}

void exchange_reason(struct exchange *x, enum reason reason)
{
	const struct reason_row *row = reason_row(reason);
	struct counter *cells;

	x->reason = reason;
	x->flags |= response_flag_bit(row->flag);
	if (row->scope == REASON_COUNTS_HTTP)
		stat_inc(exchange_cells(x), row->counter);
	else if (row->scope == REASON_COUNTS_CLUSTER && (cells = cluster_cells(x)))
		stat_inc(cells, row->counter);
}

/*
 * Deadlines
 */

static bool request_waits(const struct exchange *x)
{
	return !x->request_ended;
}

// clang-format off
static const uint8_t reasons_due[DEADLINE_COUNT] = {
	[DEADLINE_ROUTE]   = REASON_RESPONSE_TIMEOUT,
	[DEADLINE_IDLE]    = REASON_IDLE_RESPONSE,
	[DEADLINE_REQUEST] = REASON_REQUEST_TIMEOUT,
	[DEADLINE_MAX]     = REASON_MAX_DURATION,
};
// clang-format on

static void deadline_due(void *user, enum deadline which)
{
	struct exchange *x = user;
	enum reason reason = reasons_due[which];

	if (which == DEADLINE_BACKOFF) {
		attempt_start(x);
		return;
	}
	if (which == DEADLINE_TRY) {
		attempt_failed(x, REASON_TRY_TIMEOUT, STR_EMPTY);
		return;
	}
	if (which == DEADLINE_IDLE && request_waits(x))
		reason = REASON_IDLE_REQUEST;
	attempt_end(x);
	exchange_reply(x, &(struct reply){ .reason = reason });
}

/*
 * The end
 */

// clang-format off
static const uint8_t reasons_closed[] = {
	[STREAM_RESET_NONE]     = REASON_CLIENT_CLOSED,
	[STREAM_RESET_LOCAL]    = REASON_LOCAL_CLOSED,
	[STREAM_RESET_PEER]     = REASON_CLIENT_RESET,
	[STREAM_RESET_REFUSED]  = REASON_CLIENT_RESET,
	[STREAM_RESET_CLOSED]   = REASON_CLIENT_CLOSED,
	[STREAM_RESET_PROTOCOL] = REASON_CLIENT_PROTOCOL,
	[STREAM_RESET_LIMIT]    = REASON_CLIENT_PROTOCOL,
	[STREAM_RESET_CONNECT]  = REASON_CLIENT_CLOSED,
};
// clang-format on

static enum reason reason_closed(const struct exchange *x, enum stream_reset reset)
{
	enum reason reason = reasons_closed[reset];
	bool http2 = x->deadlines == x->own_deadlines;

	return reason == REASON_CLIENT_PROTOCOL && http2 ? REASON_CLIENT_MESSAGE : reason;
}

static void count_status(const struct exchange *x)
{
	unsigned class = x->status / 100;

	if (class >= 1 && class <= 5)
		stat_inc(exchange_cells(x), HTTP_RQ_1XX + class - 1);
	if (x->response_ended)
		stat_inc(exchange_cells(x), HTTP_RQ_COMPLETED);
	histogram_record(&x->client->http.times[HTTP_RQ_TIME],
			 instant_since(loop_now(x->worker->loop), x->since));
}

static void finish(struct exchange *x)
{
	struct downstream *client = x->client;

	deadlines_clear(x->deadlines);
	if (x->deadlines == x->own_deadlines)
		deadlines_fini(x->deadlines);
	chain_end(x);
	count_status(x);
	exchange_metrics_record(x);
	if (x->http->manager->access_log_count)
		access_logger_exchange(x);
	attempt_fini(x);
	stat_dec(client->http.cells, HTTP_RQ_ACTIVE);
	client->http.active--;
	snapshot_release(&x->worker->reader, x->snapshot);
}

static void down_closed(struct stream *s, enum stream_reset reason)
{
	struct exchange *x = s->user;

	/* Whatever it was before: without an end of its answer the client got none whole. */
	if (!x->response_ended && x->reason <= REASON_UPSTREAM) {
		exchange_reason(x, reason_closed(x, reason));
		if (x->attempt.upstream)
			stat_inc(x->attempt.upstream->cluster->cells, CLUSTER_RQ_CANCELLED);
	}
	x->bytes_sent = s->bytes_sent;
	x->bytes_received = s->bytes_received;
	exchange_move(x, EXCHANGE_ENDED);
	attempt_end(x);
	finish(x);
}

/* The answer is complete as far as the client's connection is concerned. */
static void response_ended(struct exchange *x)
{
	x->response_ended = true;
	exchange_move(x, EXCHANGE_ENDED);
	deadlines_clear(x->deadlines);
	if (x->request_ended)
		return;
	/* What is left of the request is nobody's. */
	stat_inc(exchange_cells(x), HTTP_RQ_EARLY_RESPONSE);
	stream_reset(x->down, false);
}

/*
 * To the client
 */

static void after_send(struct exchange *x, enum send_result sent, bool end)
{
	debug_check(1, exchange_check(x));
	if (sent == SEND_QUEUED && !end && x->attempt.stream)
		stream_pause(x->attempt.stream);
	if (sent == SEND_CLOSED || x->state == EXCHANGE_ENDED)
		return;
	if (end)
		response_ended(x);
}

void exchange_send_head(struct exchange *x, struct headers *h, bool end)
{
	response_head_finish(x, h);
	x->status = h->status;
	x->response_started = true;
	after_send(x, stream_send_headers(x->down, h, end), end);
}

void exchange_send_data(struct exchange *x, struct str data, bool end)
{
	struct iovec iov;

	deadline_extend(x->deadlines, DEADLINE_IDLE, x->idle_timeout);
	if (x->filter_waits) {
		buf_append_str(&x->filter_data[DIRECTION_RESPONSE], data);
		x->response_held = true;
		x->response_held_end = end;
		return;
	}
	if (unlikely(x->http->filters.sees_data || x->response_held)) {
		if (!chain_data(x, DIRECTION_RESPONSE, &data, end))
			return;
	}
	iov = (struct iovec){ (void *)data.ptr, data.len };
	after_send(x, stream_send_data(x->down, &iov, data.len ? 1 : 0, end), end);
	if (unlikely(x->filter_data[DIRECTION_RESPONSE].memory))
		buf_clear(&x->filter_data[DIRECTION_RESPONSE]);
}

void exchange_send_trailers(struct exchange *x, struct headers *trailers)
{
	after_send(x, stream_send_trailers(x->down, trailers), true);
}

void exchange_reset(struct exchange *x, enum reason reason, bool refused)
{
	if (exchange_is_over(x))
		return;
	exchange_reason(x, reason);
	exchange_move(x, EXCHANGE_ENDED);
	attempt_end(x);
	stat_inc(exchange_cells(x), HTTP_RQ_TX_RESET);
	stream_reset(x->down, refused);
}

/*
 * From the client
 */

static void request_ended(struct exchange *x)
{
	x->request_ended = true;
	x->request_end_at = loop_now(x->worker->loop);
	deadline_clear(x->deadlines, DEADLINE_REQUEST);
	if (x->route)
		deadline_set(x->deadlines, DEADLINE_ROUTE, x->route->forward.timeout);
}

static void down_data(struct stream *s, struct str data, bool end)
{
	struct exchange *x = s->user;

	if (exchange_is_over(x))
		return;
	deadline_extend(x->deadlines, DEADLINE_IDLE, x->idle_timeout);
	if (end)
		request_ended(x);
	if (unlikely(x->http->filters.sees_data) && !chain_data(x, DIRECTION_REQUEST, &data, end))
		return;
	attempt_data(x, data, end);
	if (unlikely(x->filter_data[DIRECTION_REQUEST].memory))
		buf_clear(&x->filter_data[DIRECTION_REQUEST]);
}

static void down_trailers(struct stream *s, struct headers *trailers)
{
	struct exchange *x = s->user;

	if (exchange_is_over(x))
		return;
	x->request_trailers = trailers;
	down_data(s, STR_EMPTY, true);
}

static void down_sent(struct stream *s)
{
	struct exchange *x = s->user;

	if (x->state == EXCHANGE_RESPONSE)
		attempt_resume_response(x);
}

static void down_headers(struct stream *s, struct headers *h, bool end)
{
	struct exchange *x = s->user;
	const struct http_manager *m = x->http->manager;

	x->request = h;
	x->original_path = h->path;
	x->idle_timeout = m->stream_idle_timeout;
	deadline_set(x->deadlines, DEADLINE_IDLE, x->idle_timeout);
	deadline_set(x->deadlines, DEADLINE_MAX, m->max_stream_duration);
	if (end)
		request_ended(x);
	else
		deadline_set(x->deadlines, DEADLINE_REQUEST, m->request_timeout);
	if (request_head_prepare(x))
		chain_request(x);
}

static void down_dump(const struct stream *s, struct dump *d);

static const struct stream_handler down_handler = {
	.on_headers = down_headers,
	.on_data = down_data,
	.on_trailers = down_trailers,
	.on_sent = down_sent,
	.on_closed = down_closed,
	.dump = down_dump,
};

static void count_begin(struct downstream *client, struct stream *s)
{
	struct counter *cells = client->http.cells;

	(void)s;
	stat_inc(cells, HTTP_RQ_TOTAL);
	stat_inc(cells, HTTP_RQ_ACTIVE);
	stat_inc(cells, http_server_conn_codec(client->http.server) == HTTP_CODEC_HTTP2
				? HTTP_RQ_HTTP2
				: HTTP_RQ_HTTP1);
	client->http.active++;
	client->http.requests++;
}

void exchange_open(struct downstream *client, struct stream *s)
{
	const struct http_state *http = client->http.state;
	struct worker *w = client->worker;
	bool http2 = http_server_conn_codec(client->http.server) == HTTP_CODEC_HTTP2;
	size_t align = _Alignof(max_align_t);
	size_t size = sizeof(struct exchange) + (http2 ? sizeof(struct deadlines) : 0);
	struct exchange *x;
	uint32_t limit = client->listener->listener->buffer_limit_bytes;

	size = (size + align - 1) / align * align;
	x = pool_zalloc(&s->pool, size + http->filters.state_bytes);
	x->down = s;
	x->client = client;
	x->worker = w;
	x->http = http;
	x->snapshot = snapshot_hold(&w->reader);
	x->filter_states = (char *)x + size;
	x->since = loop_now(w->loop);
	x->filter_data[DIRECTION_REQUEST].limit_bytes = limit;
	x->filter_data[DIRECTION_RESPONSE].limit_bytes = limit;
	x->deadlines = http2 ? x->own_deadlines : &client->http.deadlines;
	if (http2)
		deadlines_init(x->deadlines, w->loop);
	deadlines_use(x->deadlines, deadline_due, x);
	s->handler = &down_handler;
	s->user = x;
	count_begin(client, s);
}

/*
 * Looking inside
 */

const char *const exchange_state_names[] = {
	[EXCHANGE_FILTERS] = "filters",       [EXCHANGE_ROUTED] = "routed",
	[EXCHANGE_CONNECTING] = "connecting", [EXCHANGE_BACKOFF] = "backoff",
	[EXCHANGE_UPSTREAM] = "upstream",     [EXCHANGE_RESPONSE] = "response",
	[EXCHANGE_LOCAL] = "local",           [EXCHANGE_ENDED] = "ended",
};

void exchange_check(const struct exchange *x)
{
	const struct attempt *a = &x->attempt;

	assert(x->client);
	assert(x->worker == x->client->worker);
	assert(x->snapshot);
	assert(x->http);
	assert(!a->stream || a->upstream);
	assert(!a->upstream || a->upstream->refs > 0);
	assert(!x->response_ended || x->response_started);
	assert(x->state != EXCHANGE_BACKOFF || !a->stream);
	assert(x->body.sent <= buf_len(&x->body.bytes));
	assert(x->tried.count <= TRIED_MAX);
}

void exchange_dump(const struct exchange *x, struct dump *d)
{
	dump_line(d, "exchange");
	dump_word(d, "state", exchange_state_names[x->state]);
	dump_number(d, "snapshot", x->snapshot->number);
	dump_number(d, "attempts", x->attempts);
	dump_number(d, "status", x->status);
	dump_number(d, "body_kept", buf_len(&x->body.bytes));
	if (x->attempt.upstream)
		dump_str(d, "endpoint",
			 str_from(address_text(&x->attempt.upstream->host->address)));
	dump_flag(d, "request_ended", x->request_ended);
	dump_flag(d, "request_sent", x->request_sent);
	dump_flag(d, "response_started", x->response_started);
	dump_flag(d, "response_ended", x->response_ended);
	dump_flag(d, "filter_waits", x->filter_waits);
	dump_flag(d, "attempt_streams", x->attempt.stream != NULL);
}

static void down_dump(const struct stream *s, struct dump *d)
{
	exchange_dump(s->user, d);
}
