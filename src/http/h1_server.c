/*
 * HTTP/1, server side
 *
 * Whatever is wrong with a request is answered here, and the connection ends with the answer:
 * what follows a doubtful message cannot be told from it. A connection that is done waits
 * until its last answer left, shuts its side, and lingers for a moment, so that the answer is
 * not lost to a reset.
 *
 * Upgrade and CONNECT are answered 403. An upgrade to h2c is an offer that may be passed
 * over, and some clients make it with each request: it is taken out.
 */

#include <stdio.h>

#include "http/conn_private.h"
#include "net/tls.h"

static struct http_server_conn *server_of(const struct h1 *h)
{
	return container_of((struct h1 *)h, struct http_server_conn, h1);
}

/* Nothing more is read; the connection goes when all is sent. */
static void finish(struct h1 *h)
{
	struct http_server_conn *hc = server_of(h);

	if (!h1_is_open(h))
		return;
	h->recv = H1_RECV_END;
	if (!h->conn->send_queued) {
		conn_close_after_sent(h->conn, h->linger);
		return;
	}
	hc->sent_before = h->conn->bytes_sent;
	http_server_conn_phase(hc, HTTP_PHASE_SENDING);
}

/* Ends the connection with an answer of our own. No stream is there, or it is over. */
static void refuse(struct h1 *h, enum http_fault fault, uint16_t status, const char *detail)
{
	struct http_server_conn *hc = server_of(h);
	struct str reason = status_text(status);
	/* RFC 9110 §15.5.22: what to change to has to be said. */
	const char *connection = status == 426 ? "upgrade: HTTP/1.1\r\nconnection: upgrade, close"
					       : "connection: close";
	char text[512];
	int len;

	hc->fault_detail = detail;
	len = snprintf(text, sizeof(text),
		       "HTTP/1.1 %d %.*s\r\ncontent-type: text/plain\r\ncontent-length: %zu\r\n"
		       "%s\r\n\r\n%s\n",
		       status, STR_ARGS(reason), strlen(detail) + 1, connection, detail);
	conn_send_str(h->conn, str_of(text, (size_t)len));
	h->keep_alive = false;
	if (hc->handler->on_fault)
		hc->handler->on_fault(hc, fault, status);
	finish(h);
}

static const struct {
	enum http1_fault why;
	enum http_fault fault;
	uint16_t status;
} fault_answers[] = {
	{ HTTP1_FAULT_BYTES, HTTP_FAULT_HEAD_LARGE, 431 },
	{ HTTP1_FAULT_COUNT, HTTP_FAULT_HEAD_MANY, 431 },
	{ HTTP1_FAULT_HOST_MISSING, HTTP_FAULT_HOST_MISSING, 400 },
	{ HTTP1_FAULT_CODING_LENGTH, HTTP_FAULT_CODING_LENGTH, 400 },
	{ HTTP1_FAULT_VALUE, HTTP_FAULT_CHARACTERS, 400 },
	/* RFC 9112 §6.1: what stands behind it cannot be framed. */
	{ HTTP1_FAULT_CODING, HTTP_FAULT_CODING, 501 },
};

static void on_fault(struct h1 *h, enum http1_fault why)
{
	enum http_fault fault = HTTP_FAULT_CODEC;
	uint16_t status = 400;

	for (size_t i = 0; i < array_count(fault_answers); i++)
		if (fault_answers[i].why == why) {
			fault = fault_answers[i].fault;
			status = fault_answers[i].status;
		}
	if (!h->stream || !h->stream->s.is.send_started) {
		refuse(h, fault, status, http1_fault_text(why));
		return;
	}
	server_of(h)->fault_detail = http1_fault_text(why);
	if (server_of(h)->handler->on_fault)
		server_of(h)->handler->on_fault(server_of(h), fault, 0);
	conn_close(h->conn);
}

static void send_continue(struct h1_stream *x)
{
	if (!x->continue_owed || x->s.is.send_started)
		return;
	x->continue_owed = false;
	conn_send_str(x->h1->conn, STR("HTTP/1.1 100 Continue\r\n\r\n"));
}

/* True: the request was answered, because it asks to leave HTTP. */
static bool refuse_other_protocol(struct h1 *h, struct h1_stream *x, const struct http1_head *head)
{
	if (likely(!head->upgrade && x->head.method_id != METHOD_CONNECT))
		return false;
	if (head->upgrade &&
	    str_eq_nocase(headers_get(&x->head, HEADER_UPGRADE)->value, STR("h2c"))) {
		headers_remove(&x->head, HEADER_UPGRADE);
		headers_remove(&x->head, HEADER_HTTP2_SETTINGS);
		return false;
	}
	h1_stream_free(x);
	refuse(h, HTTP_FAULT_UPGRADE, 403,
	       head->upgrade ? "upgrades are not allowed" : "CONNECT is not allowed");
	return true;
}

static void begin(struct h1 *h, struct h1_stream *x, const struct http1_head *head)
{
	struct http_server_conn *hc = server_of(h);
	bool end = head->body == HTTP1_BODY_NONE;

	h->keep_alive = head->keep_alive;
	h->dropping = false;
	x->request = x->head.method_id;
	x->version = x->head.version;
	if (!x->head.scheme.len)
		x->head.scheme = h->conn->tls ? STR("https") : STR("http");
	if (head->expect_continue && !hc->options->expect_forwarded) {
		headers_remove(&x->head, HEADER_EXPECT);
		x->continue_owed = !end;
	}
	http_server_conn_phase(hc, HTTP_PHASE_BUSY);
	h->stream = x;
	hc->handler->on_stream(hc, &x->s);
	if (h1_stream_is_live(x))
		x->s.handler->on_headers(&x->s, &x->head, end);
	if (h1_stream_is_live(x) && !x->s.is.paused)
		send_continue(x);
}

/* Not where the request is broken beside: that is told first. */
static bool refuse_old_version(struct h1 *h, struct h1_stream *x, enum http1_result result,
			       enum http1_fault fault)
{
	if (likely(x->head.version != 10) || !server_of(h)->options->http10_refused ||
	    (result == HTTP1_BAD && fault != HTTP1_FAULT_HOST_MISSING) || result == HTTP1_MORE)
		return false;
	h1_stream_free(x);
	refuse(h, HTTP_FAULT_OLD_VERSION, 426, "HTTP/1.0 is not accepted");
	return true;
}

/*
 * The answers before still wait for their reader. A client that asks again and again and reads
 * nothing is slowed here: no answer of its own would slow it, when each is short.
 */
static bool waits_for_reader(const struct h1 *h)
{
	return h->recv == H1_RECV_HEAD && h->conn->send_queued;
}

static bool read_head(struct h1 *h)
{
	struct h1_stream *x;
	struct http1_head head;
	enum http1_result result;

	if (waits_for_reader(h))
		return false;
	x = h1_stream_new(h);
	result = http1_read_request(&h->reader, &h->limits, conn_input(h->conn), &x->head, &head);
	if (refuse_old_version(h, x, result, head.fault))
		return false;
	if (result == HTTP1_DONE) {
		h1_head_taken(h, x, &head);
		if (!refuse_other_protocol(h, x, &head))
			begin(h, x, &head);
		return true;
	}
	h1_stream_free(x);
	if (result == HTTP1_BAD) {
		on_fault(h, head.fault);
		return false;
	}
	if (server_of(h)->phase != HTTP_PHASE_HEAD)
		http_server_conn_phase(server_of(h), HTTP_PHASE_HEAD);
	if (h->conn->eof_received)
		finish(h);
	return false;
}

/* At the end of input: a message that was cut, or no further one. */
static void check_eof(struct h1 *h)
{
	if (!h1_is_open(h) || !h->conn->eof_received || h->conn->read_paused)
		return;
	if (waits_for_reader(h) && conn_input(h->conn).len > 0)
		return;
	if (!h->stream) {
		finish(h);
	} else if (h1_stream_is_live(h->stream) && h->recv != H1_RECV_END) {
		h1_stream_over(h->stream, STREAM_RESET_CLOSED);
		h->keep_alive = false;
		conn_close(h->conn);
	}
}

static void run(struct h1 *h)
{
	h1_run(h);
	check_eof(h);
}

/* Waits for a request, or takes the one that waits. */
static void next(struct h1 *h)
{
	h->recv = H1_RECV_HEAD;
	h->dropping = false;
	http_server_conn_phase(server_of(h), HTTP_PHASE_IDLE);
	run(h);
}

static void on_over(struct h1 *h)
{
	if (!h1_is_open(h))
		return;
	conn_resume(h->conn);
	if (!h->keep_alive) {
		finish(h);
	} else if (h->recv == H1_RECV_END) {
		next(h);
	} else {
		http_server_conn_phase(server_of(h), HTTP_PHASE_DROP);
		run(h);
	}
}

/* When the near side has still to learn that its stream is over, on_over() goes on. */
static void on_dropped(struct h1 *h)
{
	if (!h->stream)
		next(h);
}

/* How the body of a response is framed; returns what the head says of it. */
static unsigned frame_response(struct h1_stream *x, uint16_t status, bool declared, bool end)
{
	if (status == 204 || status == 304 || x->request == METHOD_HEAD) {
		x->send = H1_SEND_NONE;
		return status == 204 ? HTTP1_DROP_LENGTH : 0;
	}
	if (declared) {
		x->send = H1_SEND_LENGTH;
		return 0;
	}
	if (end) {
		x->send = H1_SEND_NONE;
		return HTTP1_ADD_LENGTH_ZERO;
	}
	if (x->version >= 11) {
		x->send = H1_SEND_CHUNKED;
		return HTTP1_ADD_CHUNKED;
	}
	x->send = H1_SEND_CLOSE;
	x->h1->keep_alive = false;
	return 0;
}

static enum send_result send_interim(struct h1_stream *x, const struct headers *h)
{
	/* RFC 9110 §15.2: HTTP/1.0 knows none. 101 would be an upgrade. */
	if (x->version < 11 || h->status == 101)
		return SEND_DONE;
	if (h->status == 100)
		x->continue_owed = false;
	return h1_send_interim(x, h);
}

/*
 * More of the request may follow than is dropped behind an answer; RFC 9112 §9.6 wants the
 * answer to say that the connection ends with it.
 */
static bool rest_is_long(const struct h1 *h)
{
	return h->recv == H1_RECV_BODY &&
	       (h->body != HTTP1_BODY_LENGTH || h->left > H1_DROP_BYTES_MAX);
}

static enum send_result send_headers(struct stream *s, const struct headers *h, bool end)
{
	struct h1_stream *x = h1_stream_of(s);
	struct h1 *h1 = x->h1;
	bool declared;
	unsigned add;

	if (s->is.closed || s->is.send_started)
		return SEND_CLOSED;
	if (h->status < 200)
		return send_interim(x, h);
	if (!h1_read_length(h, &declared, &x->send_left))
		return h1_fail(x);
	add = frame_response(x, h->status, declared, end);
	/* Without the 100 that it waits for, the client may or may not send its body. */
	if (server_of(h1)->draining || x->continue_owed || rest_is_long(h1))
		h1->keep_alive = false;
	if (!h1->keep_alive)
		add |= HTTP1_ADD_CLOSE;
	else if (x->version < 11)
		add |= HTTP1_ADD_KEEP_ALIVE;
	return h1_send_head(x, h, add, end);
}

static void resume(struct stream *s)
{
	struct h1_stream *x = h1_stream_of(s);

	if (s->is.closed || !s->is.paused)
		return;
	send_continue(x);
	h1_resume(s);
}

/*
 * Closing is the only way to say that the answer is not whole. What was sent of it still gets
 * there; where its length is told by the end alone, the end must be no proper one.
 */
static void cut(struct h1 *h, struct h1_stream *x)
{
	h->keep_alive = false;
	if (!x->s.is.send_started) {
		conn_close(h->conn);
		return;
	}
	h1_flush(h);
	if (x->send == H1_SEND_CLOSE)
		conn_reset(h->conn);
	else
		finish(h);
}

/* With the answer complete, what is left of the request may be dropped, and the connection
 * lives on. */
static void reset(struct stream *s, bool refused)
{
	struct h1_stream *x = h1_stream_of(s);
	struct h1 *h = x->h1;

	(void)refused;
	if (s->is.closed)
		return;
	h1_stream_over(x, STREAM_RESET_LOCAL);
	if (!s->is.send_ended) {
		cut(h, x);
		return;
	}
	/* A rest that is too long was announced as the end of the connection. */
	h->dropping = h->keep_alive;
}

static const struct stream_ops server_stream_ops = {
	.send_headers = send_headers,
	.send_data = h1_send_data,
	.send_trailers = h1_send_trailers,
	.pause = h1_pause,
	.resume = resume,
	.reset = reset,
};

static const struct h1_role server_role = {
	.stream_ops = &server_stream_ops,
	.sent_first_ends = true,
	.read_head = read_head,
	.on_fault = on_fault,
	.on_over = on_over,
	.on_dropped = on_dropped,
	.run = run,
};

static void on_data(struct conn *c)
{
	run(&((struct http_server_conn *)c->user)->h1);
}

/*
 * The client has sent its last byte. A request that was complete is still answered, as all
 * that wait behind it.
 */
static void on_eof(struct conn *c)
{
	check_eof(&((struct http_server_conn *)c->user)->h1);
}

static void on_sent(struct conn *c)
{
	struct http_server_conn *hc = c->user;

	if (hc->phase == HTTP_PHASE_SENDING)
		conn_close_after_sent(c, hc->h1.linger);
	else if (hc->h1.recv == H1_RECV_HEAD)
		run(&hc->h1);
	else
		h1_on_sent(&hc->h1);
}

static const struct conn_handler server_conn_handler = {
	.on_data = on_data,
	.on_eof = on_eof,
	.on_sent = on_sent,
	.on_closed = http_server_conn_gone,
};

static void start(struct http_server_conn *hc)
{
	const struct http_server_options *o = hc->options;
	struct conn *c = hc->conn;

	h1_init(&hc->h1, c, &server_role);
	hc->h1.limits = (struct http1_limits){
		.count_max =
			o->headers_count_max ? o->headers_count_max : HTTP_HEADERS_COUNT_DEFAULT,
		.bytes_max =
			o->headers_bytes_max ? o->headers_bytes_max : HTTP_HEADERS_BYTES_DEFAULT,
		.default_host = o->default_host,
	};
	hc->h1.trailers_enabled = o->trailers_enabled;
	hc->h1.linger = http_server_linger(o);
	c->handler = &server_conn_handler;
}

/* Idle or busy, the next answer says `Connection: close`. */
static void drain(struct http_server_conn *hc)
{
	(void)hc;
}

static void gone(struct http_server_conn *hc)
{
	h1_gone(&hc->h1);
}

static void on_timeout(struct http_server_conn *hc)
{
	struct h1 *h = &hc->h1;

	switch (hc->phase) {
	case HTTP_PHASE_HEAD:
		refuse(h, HTTP_FAULT_HEADERS_TIMEOUT, 408, "the head did not arrive in time");
		break;
	case HTTP_PHASE_IDLE:
		if (!hc->draining && hc->handler->on_fault)
			hc->handler->on_fault(hc, HTTP_FAULT_IDLE, 0);
		finish(h);
		break;
	case HTTP_PHASE_DROP:
		conn_close_after_sent(h->conn, h->linger);
		break;
	default:
		conn_close(h->conn);
		break;
	}
}

const struct http_server_codec http_h1_server_codec = {
	.start = start,
	.drain = drain,
	.gone = gone,
	.on_timeout = on_timeout,
};

struct http_server_conn *http_h1_server_of(const struct stream *s)
{
	if (s->ops != &server_stream_ops || !h1_stream_of(s)->h1)
		return NULL;
	return server_of(h1_stream_of(s)->h1);
}
