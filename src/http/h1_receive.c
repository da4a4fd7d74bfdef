/*
 * Receiving on an HTTP/1 connection
 *
 * h1_run() takes steps until the input is used up, somebody has to be waited for, or the
 * connection closed. A step may call the near side, which may close the stream or the
 * connection; both stay in memory until the reap, so each step looks afterwards.
 *
 * The last piece of a chunked body and the end behind it are told in one call, so that they
 * can leave in one write on the other side.
 */

#include "http/h1.h"

#include <assert.h>

void h1_init(struct h1 *h, struct conn *c, const struct h1_role *role)
{
	*h = (struct h1){ .conn = c, .role = role, .keep_alive = true };
}

void h1_head_taken(struct h1 *h, struct h1_stream *x, const struct http1_head *head)
{
	x->head_chunk = chunk_ref(h->conn->in);
	conn_consume(h->conn, head->len);
	h->reader = (struct http1_reader){ 0 };
	h->chunked = (struct http1_chunked){ 0 };
	h->body = head->body;
	h->left = head->length;
	h->recv = head->body == HTTP1_BODY_NONE ? H1_RECV_END : H1_RECV_BODY;
	x->s.is.recv_ended = head->body == HTTP1_BODY_NONE;
}

static void recv_ended(struct h1 *h)
{
	h->recv = H1_RECV_END;
	h->reader = (struct http1_reader){ 0 };
	if (h->stream)
		h->stream->s.is.recv_ended = true;
}

/* The message is complete, and the near side has been told. */
static void after_end(struct h1 *h)
{
	if (h->dropping)
		h->role->on_dropped(h);
	else if (h1_stream_is_live(h->stream))
		h1_check_over(h->stream);
}

/* Nobody wants more of this body: so many bytes are dropped, then the connection goes. */
static bool may_drop(struct h1 *h, size_t len)
{
	if (len <= h->drop_left) {
		h->drop_left -= (uint32_t)len;
		return true;
	}
	if (h1_stream_is_live(h->stream))
		h1_stream_over(h->stream, STREAM_RESET_LIMIT);
	else
		conn_close_after_sent(h->conn, h->linger);
	h->keep_alive = false;
	return false;
}

/* Gives a piece of the body to the near side. False: stop, nobody is there to take more. */
static bool deliver(struct h1 *h, struct str data, bool end)
{
	struct h1_stream *x = h->stream;
	bool unwanted = h->dropping || (h->role->sent_first_ends && x && x->s.is.send_ended);

	if (unwanted && !may_drop(h, data.len))
		return false;
	if (end)
		recv_ended(h);
	if (h1_stream_is_live(x)) {
		x->continue_owed = false;
		x->s.bytes_received += data.len;
		x->s.handler->on_data(&x->s, data, end);
	}
	return h->dropping || h1_stream_is_live(x);
}

static void fault(struct h1 *h, enum http1_fault why)
{
	if (h1_stream_is_live(h->stream))
		h1_stream_over(h->stream, STREAM_RESET_PROTOCOL);
	h->keep_alive = false;
	h->role->on_fault(h, why);
}

static bool step_length(struct h1 *h)
{
	struct str input = conn_input(h->conn);
	struct str data = str_slice(input, 0, h->left < input.len ? (size_t)h->left : input.len);
	bool go_on;

	h->left -= data.len;
	go_on = deliver(h, data, h->left == 0);
	conn_consume(h->conn, data.len);
	if (go_on && h->recv == H1_RECV_END)
		after_end(h);
	return go_on;
}

static bool step_close(struct h1 *h)
{
	struct str input = conn_input(h->conn);
	bool go_on = deliver(h, input, false);

	conn_consume(h->conn, input.len);
	return go_on;
}

/* Trailers that nobody takes have no stream to live in. */
static enum http1_result read_trailers(struct h1 *h, struct str input, struct http1_head *head)
{
	struct h1_stream *x = h->stream;
	struct pool pool = POOL_INIT(1024);
	struct headers unwanted;
	enum http1_result result;

	if (x) {
		headers_init(&x->trailers, &x->s.pool);
		return http1_read_trailers(&h->reader, &h->limits, input, &x->trailers, head);
	}
	headers_init(&unwanted, &pool);
	result = http1_read_trailers(&h->reader, &h->limits, input, &unwanted, head);
	pool_fini(&pool);
	return result;
}

static bool trailers_are_wanted(const struct h1 *h)
{
	const struct h1_stream *x = h->stream;

	return h->trailers_enabled && h1_stream_is_live(x) && x->s.handler->on_trailers &&
	       headers_count(&x->trailers) > 0;
}

/*
 * The trailers stand at `input`, a part of the connection's input; `data` is a piece of the
 * body that was held back for this. Returns how many bytes were used up, and the step's
 * answer.
 */
static size_t end_chunked(struct h1 *h, struct str input, struct str data, bool *ret_go_on)
{
	struct http1_head head;
	enum http1_result result = HTTP1_MORE;

	if (input.len > 0)
		result = read_trailers(h, input, &head);
	*ret_go_on = false;
	if (result == HTTP1_BAD) {
		fault(h, head.fault);
		return 0;
	}
	if (result == HTTP1_MORE) {
		if (data.len > 0)
			deliver(h, data, false);
		return 0;
	}
	if (!trailers_are_wanted(h)) {
		*ret_go_on = deliver(h, data, true);
		return head.len;
	}
	if (data.len > 0 && !deliver(h, data, false))
		return head.len;
	h->stream->trailers_chunk = chunk_ref(h->conn->in);
	recv_ended(h);
	h->stream->s.handler->on_trailers(&h->stream->s, &h->stream->trailers);
	*ret_go_on = h1_stream_is_live(h->stream);
	return head.len;
}

static bool step_trailers(struct h1 *h)
{
	bool go_on;
	size_t used = end_chunked(h, conn_input(h->conn), STR_EMPTY, &go_on);

	conn_consume(h->conn, used);
	if (go_on && h->recv == H1_RECV_END)
		after_end(h);
	return go_on;
}

static bool step_chunked(struct h1 *h)
{
	struct str whole = conn_input(h->conn), input = whole, pending = STR_EMPTY, data;
	enum http1_chunked_event event;
	bool go_on = true;
	size_t used;

	while ((event = http1_chunked_next(&h->chunked, &input, &data)) == HTTP1_CHUNKED_DATA) {
		if (pending.len > 0 && !deliver(h, pending, false))
			return false;
		pending = data;
	}
	used = whole.len - input.len;
	if (event == HTTP1_CHUNKED_BAD) {
		fault(h, h->chunked.fault);
		return false;
	}
	if (event == HTTP1_CHUNKED_TRAILERS) {
		h->recv = H1_RECV_TRAILERS;
		h->reader = (struct http1_reader){ 0 };
		used += end_chunked(h, input, pending, &go_on);
	} else if (pending.len > 0) {
		go_on = deliver(h, pending, false);
	}
	conn_consume(h->conn, used);
	if (go_on && h->recv == H1_RECV_END)
		after_end(h);
	return go_on;
}

static bool step_body(struct h1 *h)
{
	switch (h->body) {
	case HTTP1_BODY_LENGTH:
		return step_length(h);
	case HTTP1_BODY_CHUNKED:
		return step_chunked(h);
	case HTTP1_BODY_CLOSE:
		return step_close(h);
	default:
		assert(!"a body that is none");
		return false;
	}
}

static bool step(struct h1 *h)
{
	switch (h->recv) {
	case H1_RECV_HEAD:
		return h->role->read_head(h);
	case H1_RECV_BODY:
		return step_body(h);
	case H1_RECV_TRAILERS:
		return step_trailers(h);
	default:
		return false; /* until the exchange is over */
	}
}

static bool can_go_on(const struct h1 *h)
{
	return h->conn && h->conn->state == CONN_OPEN && !h->conn->read_paused &&
	       !h->conn->write_shut && conn_input(h->conn).len > 0;
}

void h1_run(struct h1 *h)
{
	while (can_go_on(h) && step(h))
		;
	debug_check(1, h1_check(h));
}

bool h1_end_of_input(struct h1 *h)
{
	if (h->recv != H1_RECV_BODY || h->body != HTTP1_BODY_CLOSE || !h1_stream_is_live(h->stream))
		return false;
	deliver(h, STR_EMPTY, true);
	after_end(h);
	return true;
}
