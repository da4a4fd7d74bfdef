/*
 * HTTP/2, client side
 *
 * While streams are open the peer is asked for a sign of life each ping_interval; an answer
 * that does not come within ping_timeout ends the connection with ERR_TIMEOUT.
 */

#include "http/h2_nghttp2.h"
#include "net/tls.h"

#define PING_TIMEOUT DURATION_SECONDS(20)

static const uint8_t life_ping[8] = { 'l', 'i', 'f', 'e' };

static void watch_life(struct h2 *h)
{
	struct duration interval = h->client->options.ping_interval;

	if (interval.ns > 0 && h->active > 0 && !timer_is_running(&h->ping_timer))
		timer_start(h->conn->loop, &h->ping_timer, interval);
}

static void on_ping_due(struct timer *t)
{
	struct h2 *h = container_of(t, struct h2, ping_timer);
	struct duration timeout = h->client->options.ping_timeout;

	if (!h2_is_open(h))
		return;
	if (h->ping_waits) {
		h->client->error = ERR_TIMEOUT;
		conn_close(h->conn);
		return;
	}
	if (h->active == 0)
		return;
	h->ping_waits = true;
	nghttp2_submit_ping(h->session, NGHTTP2_FLAG_NONE, life_ping);
	timer_start(h->conn->loop, t, timeout.ns > 0 ? timeout : PING_TIMEOUT);
	h2_schedule(h);
}

void h2_client_on_pong(struct h2 *h)
{
	h->ping_waits = false;
	timer_stop(&h->ping_timer);
	watch_life(h);
}

static void refuse(struct h2_stream *x, uint32_t code, enum stream_reset reason)
{
	h2_stream_rst(x, code);
	h2_stream_over(x, reason);
}

static void on_interim(struct h2_stream *x)
{
	if (++x->interims > H2_INTERIMS_MAX)
		refuse(x, NGHTTP2_ENHANCE_YOUR_CALM, STREAM_RESET_LIMIT);
	else if (x->s.handler->on_interim)
		x->s.handler->on_interim(&x->s, &x->head);
}

void h2_client_on_head(struct h2_stream *x, bool end)
{
	if (!h2_stream_is_live(x))
		return;
	if (x->fault != HTTP_FAULT_NONE) {
		refuse(x, NGHTTP2_ENHANCE_YOUR_CALM, STREAM_RESET_LIMIT);
		return;
	}
	/* nghttp2 takes any three digits, and would have content behind these. */
	if (x->head.status < 100) {
		refuse(x, NGHTTP2_PROTOCOL_ERROR, STREAM_RESET_PROTOCOL);
		return;
	}
	if (x->head.status < 200) {
		on_interim(x);
		return;
	}
	x->head_done = true;
	x->s.is.recv_ended = end;
	x->s.handler->on_headers(&x->s, &x->head, end);
}

void h2_client_on_goaway(struct h2 *h)
{
	http_client_conn_draining(h->client);
	if (h->active == 0)
		h2_end(h, NGHTTP2_NO_ERROR);
}

void h2_client_on_over(struct h2 *h)
{
	struct http_client_conn *hc = h->client;

	if (hc->draining) {
		if (h->active == 0)
			h2_end(h, NGHTTP2_NO_ERROR);
	} else if (hc->handler->on_available) {
		hc->handler->on_available(hc);
	}
}

static enum send_result send_headers(struct stream *s, const struct headers *h, bool end)
{
	struct h2_stream *x = h2_stream_of(s);
	nghttp2_nv *nva;
	size_t count;

	if (s->is.closed || s->is.send_started || !h2_is_open(x->h2))
		return SEND_CLOSED;
	x->request = h->method_id;
	if (h->status != 0 || h->method_id == METHOD_CONNECT || !h->method.len || !h->path.len ||
	    !h2_write_fields(&s->pool, h, &nva, &count))
		return h2_fail(x);
	x->id = nghttp2_submit_request(x->h2->session, NULL, nva, count, end ? NULL : &h2_body, x);
	if (x->id < 0) {
		x->id = 0;
		h2_stream_over(x, STREAM_RESET_REFUSED);
		return SEND_CLOSED;
	}
	s->is.send_started = true;
	s->is.send_ended = end;
	h2_schedule(x->h2);
	return SEND_DONE;
}

static void reset(struct stream *s, bool refused)
{
	struct h2_stream *x = h2_stream_of(s);

	(void)refused;
	if (s->is.closed)
		return;
	h2_stream_rst(x, NGHTTP2_CANCEL);
	h2_stream_over(x, STREAM_RESET_LOCAL);
}

static const struct stream_ops client_stream_ops = {
	.send_headers = send_headers,
	.send_data = h2_send_data,
	.send_trailers = h2_send_trailers,
	.pause = h2_pause,
	.resume = h2_resume,
	.reset = reset,
};

static void on_data(struct conn *c)
{
	h2_on_data(((struct http_client_conn *)c->user)->h2);
}

static void on_sent(struct conn *c)
{
	h2_on_sent(((struct http_client_conn *)c->user)->h2);
}

static const struct conn_handler client_conn_handler = {
	.on_data = on_data,
	.on_sent = on_sent,
	.on_closed = http_client_conn_gone,
};

static void start(struct http_client_conn *hc)
{
	const struct http_client_options *o = &hc->options;

	hc->h2 = h2_new(hc->conn, &(struct h2_setup){
					  .linger = HTTP_LINGER,
					  .stream_window_bytes = o->stream_window_bytes,
					  .connection_window_bytes = o->connection_window_bytes,
					  .headers_count_max = o->headers_count_max,
					  .headers_bytes_max = o->headers_bytes_max,
				  });
	hc->h2->client = hc;
	hc->h2->stream_ops = &client_stream_ops;
	timer_init(&hc->h2->ping_timer, on_ping_due);
	hc->conn->handler = &client_conn_handler;
}

static bool available(const struct http_client_conn *hc)
{
	const struct h2 *h = hc->h2;
	uint32_t max = H2_STREAMS_MAX;

	if (!h2_is_open(h) || hc->draining || h->ending ||
	    !nghttp2_session_check_request_allowed(h->session))
		return false;
	if (h->settings_came)
		max = nghttp2_session_get_remote_settings(h->session,
							  NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
	return h->active < max;
}

static uint32_t active(const struct http_client_conn *hc)
{
	return hc->h2 ? hc->h2->active : 0;
}

static struct stream *begin(struct http_client_conn *hc, const struct stream_handler *handler,
			    void *user)
{
	struct h2_stream *x;

	if (!available(hc))
		return NULL;
	x = h2_stream_new(hc->h2, 0);
	x->known = true;
	x->s.handler = handler;
	x->s.user = user;
	watch_life(hc->h2);
	return &x->s;
}

static bool at_rest(const struct http_client_conn *hc)
{
	const struct h2 *h = hc->h2;

	return available(hc) && h->active == 0 && h->settings_came && !h->out &&
	       !list_is_linked(&h->flush.in_loop) && !nghttp2_session_want_write(h->session);
}

/* The answer to a PING that is out may come still; nobody waits for it. */
static void leave(struct http_client_conn *hc)
{
	timer_stop(&hc->h2->ping_timer);
	hc->h2->ping_waits = false;
}

static void gone(struct http_client_conn *hc)
{
	hc->h2 = h2_free(hc->h2);
}

const struct http_client_codec http_h2_client_codec = {
	.start = start,
	.available = available,
	.active = active,
	.begin = begin,
	.at_rest = at_rest,
	.leave = leave,
	.gone = gone,
};
