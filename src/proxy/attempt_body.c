/*
 * The body of a request, on its way to an endpoint
 *
 * It is passed on as it arrives. What comes before there is a connection is held, and the client
 * is paused when that is much. While another attempt may follow, the body is kept from its
 * beginning on, up to a limit; beyond it is let go, and with it the chance of a retry.
 */

#include "proxy/attempt.h"

/* How much is kept for Weft's own retries; a policy's get the listener's limit. */
#define KEEP_BYTES_OWN (64 * 1024)

static size_t keep_max(const struct exchange *x)
{
	return attempt_policy(x) ? x->client->listener->listener->buffer_limit_bytes
				 : KEEP_BYTES_OWN;
}

/* HTTP/2 can refuse a request that was sent, and then says that it did nothing with it. */
static bool may_come_again(const struct exchange *x, const struct cluster *cluster)
{
	return attempt_policy(x) || method_is_idempotent(x->request->method_id) ||
	       cluster->protocol != UPSTREAM_HTTP1;
}

void attempt_body_init(struct exchange *x, const struct cluster *cluster)
{
	x->body.keeping = !x->request_ended && may_come_again(x, cluster);
}

static void body_let_go(struct request_body *b)
{
	b->keeping = false;
	b->lost = true;
	buf_fini(&b->bytes);
	b->sent = 0;
}

void attempt_body_answered(struct exchange *x)
{
	if (x->body.keeping)
		body_let_go(&x->body);
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

void attempt_body_resume(struct exchange *x)
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

void attempt_body_flush(struct exchange *x)
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
		attempt_body_resume(x);
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
