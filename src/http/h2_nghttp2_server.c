/*
 * HTTP/2, server side
 *
 * Draining is in two steps: a GOAWAY that announces it and still lets everything through, and
 * the GOAWAY that counts. It follows after the time that the options name; without one, as soon
 * as a PING came back, so that the peer has seen the first.
 */

#include "codec/http1_scan.h"
#include "http/h2_nghttp2.h"
#include "net/tls.h"

/* So long a PING is waited for. */
#define DRAIN_PING_TIME DURATION_SECONDS(5)

static const uint8_t drain_ping[8] = { 'd', 'r', 'a', 'i', 'n' };

void h2_server_fault(struct h2 *h, enum http_fault fault, uint16_t status, const char *detail)
{
	struct http_server_conn *hc = h->server;

	hc->fault_detail = detail;
	if (hc->handler->on_fault)
		hc->handler->on_fault(hc, fault, status);
}

/* An answer by status alone, to a request that no near side sees. */
static void refuse(struct h2_stream *x, enum http_fault fault, uint16_t status, const char *detail)
{
	struct headers answer;
	nghttp2_nv *nva;
	size_t count;

	headers_init(&answer, &x->s.pool);
	answer.status = status;
	if (h2_write_fields(&x->s.pool, &answer, &nva, &count))
		nghttp2_submit_response(x->h2->session, x->id, nva, count, NULL);
	h2_server_fault(x->h2, fault, status, detail);
	/* A reset now would overtake the answer. */
	x->silent = true;
	h2_schedule(x->h2);
}

/* Host may repeat the authority, or stand in its place (RFC 9113 §8.3.1). */
static bool authority_is_valid(struct headers *h)
{
	const struct header *host = headers_get(h, HEADER_HOST);

	if (headers_count_of(h, HEADER_HOST) > 1)
		return false;
	if (host && h->authority.len && !str_eq_nocase(host->value, h->authority))
		return false;
	if (host && !h->authority.len)
		h->authority = host->value;
	headers_remove(h, HEADER_HOST);
	return http1_host_is_valid(h->authority);
}

static bool path_is_valid(const struct headers *h)
{
	const char *end = h->path.ptr + h->path.len;

	if (h->path.len == 0 || http1_scan_target(h->path.ptr, h->path.ptr, end) != end)
		return false;
	return h->path.ptr[0] == '/' ||
	       (h->method_id == METHOD_OPTIONS && str_eq(h->path, STR("*")));
}

/* RFC 9113 §8.2.3: crumbs of a cookie are one field where HTTP/1 may come next. */
static void join_cookies(struct headers *h)
{
	struct header *first = headers_get(h, HEADER_COOKIE);
	size_t len = 0;
	char *text, *place;

	if (headers_count_of(h, HEADER_COOKIE) < 2)
		return;
	headers_for_each (field, h)
		if (field->id == HEADER_COOKIE)
			len += field->value.len + 2;
	text = place = pool_alloc(h->pool, len);
	headers_for_each (field, h) {
		if (field->id != HEADER_COOKIE)
			continue;
		if (place != text) {
			memcpy(place, "; ", 2);
			place += 2;
		}
		if (field->value.len)
			memcpy(place, field->value.ptr, field->value.len);
		place += field->value.len;
		if (field != first)
			field->id = HEADER_REMOVED;
	}
	first->value = str_of(text, (size_t)(place - text));
}

/* True: it was answered here. */
static bool refuse_head(struct h2_stream *x)
{
	if (x->fault != HTTP_FAULT_NONE)
		refuse(x, x->fault, 431, "the fields are over a limit");
	else if (x->head.method_id == METHOD_CONNECT)
		refuse(x, HTTP_FAULT_UPGRADE, 403, "CONNECT is not allowed");
	else if (!authority_is_valid(&x->head))
		refuse(x, HTTP_FAULT_MESSAGE, 400, "Host or :authority is missing or invalid");
	else if (!path_is_valid(&x->head))
		refuse(x, HTTP_FAULT_MESSAGE, 400, ":path is invalid");
	else
		return false;
	return true;
}

void h2_server_on_head(struct h2_stream *x, bool end)
{
	struct http_server_conn *hc = x->h2->server;

	x->s.is.recv_ended = end;
	x->head_done = true;
	if (!h2_is_open(x->h2) || refuse_head(x))
		return;
	join_cookies(&x->head);
	x->request = x->head.method_id;
	http_server_conn_phase(hc, HTTP_PHASE_BUSY);
	x->known = true;
	hc->handler->on_stream(hc, &x->s);
	if (h2_stream_is_live(x))
		x->s.handler->on_headers(&x->s, &x->head, end);
}

void h2_server_on_settings(struct h2 *h)
{
	http_server_conn_phase(h->server, HTTP_PHASE_IDLE);
}

static void finish_drain(struct h2 *h)
{
	if (h->drain_final)
		return;
	h->drain_final = true;
	nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE,
			      nghttp2_session_get_last_proc_stream_id(h->session), NGHTTP2_NO_ERROR,
			      NULL, 0);
	h2_schedule(h);
}

static void drain_is_over(struct h2 *h)
{
	timer_stop(&h->drain_timer);
	if (h->active == 0)
		h2_end(h, NGHTTP2_NO_ERROR);
	else
		finish_drain(h);
}

static bool drain_has_time(const struct h2 *h)
{
	return h->server->options->drain_timeout.ns > 0;
}

void h2_server_on_pong(struct h2 *h)
{
	if (h->drain_noticed && !drain_has_time(h))
		drain_is_over(h);
}

static void on_drain_due(struct timer *t)
{
	struct h2 *h = container_of(t, struct h2, drain_timer);

	if (h2_is_open(h))
		drain_is_over(h);
}

void h2_server_on_over(struct h2 *h)
{
	if (h->active > 0)
		return;
	http_server_conn_phase(h->server, HTTP_PHASE_IDLE);
	if (h->drain_final)
		h2_end(h, NGHTTP2_NO_ERROR);
}

static enum send_result send_interim(struct h2_stream *x, const struct headers *h)
{
	nghttp2_nv *nva;
	size_t count;

	if (h->status == 101)
		return SEND_DONE;
	if (!h2_write_fields(&x->s.pool, h, &nva, &count))
		return h2_fail(x);
	nghttp2_submit_headers(x->h2->session, NGHTTP2_FLAG_NONE, x->id, NULL, nva, count, NULL);
	h2_schedule(x->h2);
	return SEND_DONE;
}

static enum send_result send_headers(struct stream *s, const struct headers *h, bool end)
{
	struct h2_stream *x = h2_stream_of(s);
	nghttp2_nv *nva;
	size_t count;

	if (s->is.closed || s->is.send_started || !h2_is_open(x->h2))
		return SEND_CLOSED;
	if (h->status < 200)
		return send_interim(x, h);
	if (!h2_write_fields(&s->pool, h, &nva, &count) ||
	    nghttp2_submit_response(x->h2->session, x->id, nva, count, end ? NULL : &h2_body) < 0)
		return h2_fail(x);
	s->is.send_started = true;
	s->is.send_ended = end;
	x->no_body = x->request == METHOD_HEAD || h->status == 204 || h->status == 304;
	h2_schedule(x->h2);
	return SEND_DONE;
}

static uint32_t reset_code(const struct stream *s, bool refused)
{
	if (s->is.send_ended)
		return NGHTTP2_NO_ERROR;
	return refused && !s->is.send_started ? NGHTTP2_REFUSED_STREAM : NGHTTP2_CANCEL;
}

static void reset(struct stream *s, bool refused)
{
	struct h2_stream *x = h2_stream_of(s);

	if (s->is.closed)
		return;
	/* The answer is whole: it still goes out, and the rest of the request is dropped. */
	if (s->is.send_ended && !x->end_sent) {
		x->silent = true;
		s->is.paused = false;
		h2_stream_consume(x);
		return;
	}
	/* What there is of an answer that will not be whole still gets there. */
	if (s->is.send_started)
		h2_write_now(x->h2);
	h2_stream_rst(x, reset_code(s, refused));
	h2_stream_over(x, STREAM_RESET_LOCAL);
}

static const struct stream_ops server_stream_ops = {
	.send_headers = send_headers,
	.send_data = h2_send_data,
	.send_trailers = h2_send_trailers,
	.pause = h2_pause,
	.resume = h2_resume,
	.reset = reset,
};

static void on_data(struct conn *c)
{
	h2_on_data(((struct http_server_conn *)c->user)->h2);
}

static void on_sent(struct conn *c)
{
	h2_on_sent(((struct http_server_conn *)c->user)->h2);
}

static const struct conn_handler server_conn_handler = {
	.on_data = on_data,
	.on_sent = on_sent,
	.on_closed = http_server_conn_gone,
};

static void start(struct http_server_conn *hc)
{
	const struct http_server_options *o = hc->options;

	hc->h2 = h2_new(hc->conn, &(struct h2_setup){
					  .server = true,
					  .streams_max = o->streams_max,
					  .stream_window_bytes = o->stream_window_bytes,
					  .connection_window_bytes = o->connection_window_bytes,
					  .headers_count_max = o->headers_count_max,
					  .headers_bytes_max = o->headers_bytes_max,
					  .linger = http_server_linger(o),
				  });
	hc->h2->server = hc;
	hc->h2->stream_ops = &server_stream_ops;
	hc->conn->handler = &server_conn_handler;
	/* The preface has to come in time. */
	http_server_conn_phase(hc, HTTP_PHASE_HEAD);
}

static void drain(struct http_server_conn *hc)
{
	struct h2 *h = hc->h2;

	h->drain_noticed = true;
	nghttp2_submit_shutdown_notice(h->session);
	if (!drain_has_time(h))
		nghttp2_submit_ping(h->session, NGHTTP2_FLAG_NONE, drain_ping);
	timer_init(&h->drain_timer, on_drain_due);
	timer_start(h->conn->loop, &h->drain_timer,
		    drain_has_time(h) ? hc->options->drain_timeout : DRAIN_PING_TIME);
	h2_schedule(h);
}

static void gone(struct http_server_conn *hc)
{
	hc->h2 = h2_free(hc->h2);
}

static void on_timeout(struct http_server_conn *hc)
{
	if (hc->phase == HTTP_PHASE_HEAD)
		h2_server_fault(hc->h2, HTTP_FAULT_HEADERS_TIMEOUT, 0, "no preface came in time");
	else if (!hc->draining)
		h2_server_fault(hc->h2, HTTP_FAULT_IDLE, 0, "");
	h2_end(hc->h2, NGHTTP2_NO_ERROR);
}

const struct http_server_codec http_h2_server_codec = {
	.start = start,
	.drain = drain,
	.gone = gone,
	.on_timeout = on_timeout,
};

struct http_server_conn *http_h2_server_of(const struct stream *s)
{
	const struct h2_stream *x = h2_stream_of(s);

	return s->ops == &server_stream_ops && x->h2 ? x->h2->server : NULL;
}
