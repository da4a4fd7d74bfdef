/*
 * HTTP/1, client side
 *
 * One request at a time; the connection is available again when request and response are
 * both complete and nothing came behind. A byte that arrives when no response is due ends the
 * connection: it could be taken for the answer to the next request.
 */

#include "http/conn_private.h"
#include "net/tls.h"

static struct http_client_conn *client_of(const struct h1 *h)
{
	return container_of((struct h1 *)h, struct http_client_conn, h1);
}

static void on_fault(struct h1 *h, enum http1_fault why)
{
	(void)why;
	conn_close(h->conn);
}

static void fault(struct h1 *h)
{
	if (h->stream)
		h1_stream_over(h->stream, STREAM_RESET_PROTOCOL);
	h->keep_alive = false;
	conn_close(h->conn);
}

/* 1xx: told, and forgotten. 101 answers a question that is never asked. */
static bool take_interim(struct h1 *h, const struct http1_head *head)
{
	struct h1_stream *x = h->stream;

	if (x->head.status == 101 || ++x->interims > H1_INTERIMS_MAX) {
		fault(h);
		return false;
	}
	if (x->s.handler->on_interim)
		x->s.handler->on_interim(&x->s, &x->head);
	conn_consume(h->conn, head->len);
	h->reader = (struct http1_reader){ 0 };
	return h1_stream_is_live(x);
}

static void take_final(struct h1 *h, const struct http1_head *head)
{
	struct h1_stream *x = h->stream;

	h1_head_taken(h, x, head);
	h->keep_alive = head->keep_alive;
	if (!h->keep_alive)
		http_client_conn_draining(client_of(h));
	if (!h1_stream_is_live(x))
		return;
	x->s.handler->on_headers(&x->s, &x->head, head->body == HTTP1_BODY_NONE);
	if (h1_stream_is_live(x))
		h1_check_over(x);
}

static bool read_head(struct h1 *h)
{
	struct h1_stream *x = h->stream;
	struct http1_head head;

	/* Nobody asked. */
	if (!h1_stream_is_live(x) || !x->s.is.send_started) {
		fault(h);
		return false;
	}
	switch (http1_read_response(&h->reader, &h->limits, conn_input(h->conn), x->request,
				    &x->head, &head)) {
	case HTTP1_MORE:
		return false;
	case HTTP1_BAD:
		fault(h);
		return false;
	default:
		if (x->head.status < 200)
			return take_interim(h, &head);
		take_final(h, &head);
		return true;
	}
}

static void on_over(struct h1 *h)
{
	struct http_client_conn *hc = client_of(h);

	if (!h1_is_open(h))
		return;
	if (h->recv != H1_RECV_END || !h->keep_alive || h->conn->in || h->conn->eof_received) {
		http_client_conn_draining(hc);
		conn_close(h->conn);
		return;
	}
	conn_resume(h->conn);
	h->recv = H1_RECV_HEAD;
	if (!hc->draining && hc->handler->on_available)
		hc->handler->on_available(hc);
}

/* A client drops nothing: what is unwanted ends with its connection. */
static void on_dropped(struct h1 *h)
{
	conn_close(h->conn);
}

static unsigned frame_request(struct h1_stream *x, bool declared, bool end)
{
	if (declared) {
		x->send = H1_SEND_LENGTH;
		return 0;
	}
	if (!end) {
		x->send = H1_SEND_CHUNKED;
		return HTTP1_ADD_CHUNKED;
	}
	x->send = H1_SEND_NONE;
	/* RFC 9110 §8.6: where a body is to be expected, its absence is said. */
	return x->request == METHOD_POST || x->request == METHOD_PUT || x->request == METHOD_PATCH
		       ? HTTP1_ADD_LENGTH_ZERO
		       : 0;
}

static enum send_result send_headers(struct stream *s, const struct headers *h, bool end)
{
	struct h1_stream *x = h1_stream_of(s);
	bool declared;

	if (s->is.closed || s->is.send_started)
		return SEND_CLOSED;
	x->request = h->method_id;
	if (h->status != 0 || h->method_id == METHOD_CONNECT || headers_get(h, HEADER_UPGRADE) ||
	    !h1_read_length(h, &declared, &x->send_left))
		return h1_fail(x);
	return h1_send_head(x, h, frame_request(x, declared, end), end);
}

/* A response that ends in its middle is broken; one that never began was not given. */
static enum stream_reset reason_of_eof(const struct h1 *h)
{
	return h->recv != H1_RECV_HEAD || conn_input(h->conn).len > 0 ? STREAM_RESET_PROTOCOL
								      : STREAM_RESET_CLOSED;
}

/* The response ended with the connection, or was cut; an idle connection has no more use. */
static void check_eof(struct h1 *h)
{
	if (!h1_is_open(h) || !h->conn->eof_received || h->conn->read_paused)
		return;
	h->keep_alive = false;
	if (h1_end_of_input(h))
		return;
	if (h1_stream_is_live(h->stream) && h->recv == H1_RECV_END)
		return;
	http_client_conn_draining(client_of(h));
	if (h->stream)
		h1_stream_over(h->stream, reason_of_eof(h));
	conn_close(h->conn);
}

static void run(struct h1 *h)
{
	h1_run(h);
	check_eof(h);
}

/* There is no way to end an exchange and keep its connection, unless nothing of it was sent. */
static void reset(struct stream *s, bool refused)
{
	struct h1_stream *x = h1_stream_of(s);

	(void)refused;
	if (s->is.closed)
		return;
	h1_stream_over(x, STREAM_RESET_LOCAL);
	if (!s->is.send_started) {
		x->h1->recv = H1_RECV_END;
		return;
	}
	x->h1->keep_alive = false;
	conn_close(x->h1->conn);
}

static const struct stream_ops client_stream_ops = {
	.send_headers = send_headers,
	.send_data = h1_send_data,
	.send_trailers = h1_send_trailers,
	.pause = h1_pause,
	.resume = h1_resume,
	.reset = reset,
};

static const struct h1_role client_role = {
	.stream_ops = &client_stream_ops,
	.read_head = read_head,
	.on_fault = on_fault,
	.on_over = on_over,
	.on_dropped = on_dropped,
	.run = run,
};

static void on_data(struct conn *c)
{
	run(&((struct http_client_conn *)c->user)->h1);
}

static void on_eof(struct conn *c)
{
	check_eof(&((struct http_client_conn *)c->user)->h1);
}

static void on_sent(struct conn *c)
{
	h1_on_sent(&((struct http_client_conn *)c->user)->h1);
}

static const struct conn_handler client_conn_handler = {
	.on_data = on_data,
	.on_eof = on_eof,
	.on_sent = on_sent,
	.on_closed = http_client_conn_gone,
};

static void start(struct http_client_conn *hc)
{
	const struct http_client_options *o = &hc->options;

	h1_init(&hc->h1, hc->conn, &client_role);
	hc->h1.limits = (struct http1_limits){
		.count_max =
			o->headers_count_max ? o->headers_count_max : HTTP_HEADERS_COUNT_DEFAULT,
		.bytes_max =
			o->headers_bytes_max ? o->headers_bytes_max : HTTP_HEADERS_BYTES_DEFAULT,
	};
	hc->h1.trailers_enabled = o->trailers_enabled;
	hc->h1.linger = HTTP_LINGER;
	hc->conn->handler = &client_conn_handler;
}

static bool available(const struct http_client_conn *hc)
{
	return h1_is_open(&hc->h1) && !hc->h1.stream && !hc->draining && !hc->h1.conn->eof_received;
}

static uint32_t active(const struct http_client_conn *hc)
{
	return hc->h1.stream ? 1 : 0;
}

static struct stream *begin(struct http_client_conn *hc, const struct stream_handler *handler,
			    void *user)
{
	struct h1 *h = &hc->h1;
	struct h1_stream *x;

	if (!available(hc))
		return NULL;
	x = h1_stream_new(h);
	x->s.handler = handler;
	x->s.user = user;
	h->stream = x;
	h->keep_alive = true;
	return &x->s;
}

static bool at_rest(const struct http_client_conn *hc)
{
	const struct h1 *h = &hc->h1;

	return available(hc) && !h->held && !list_is_linked(&h->flush.in_loop) &&
	       !list_is_linked(&h->again.in_loop);
}

static void gone(struct http_client_conn *hc)
{
	h1_gone(&hc->h1);
}

const struct http_client_codec http_h1_client_codec = {
	.start = start,
	.available = available,
	.active = active,
	.begin = begin,
	.at_rest = at_rest,
	.gone = gone,
};
