/*
 * Sending on an HTTP/1 connection
 */

#include "http/h1.h"

#include <assert.h>

#define IOV_DATA_MAX 56 /* pieces of a body in one vector */
#define IOV_MAX_     (IOV_DATA_MAX + 4)

/* What goes out in one system call. */
struct vector {
	struct iovec iov[IOV_MAX_];
	int count;
};

static void add(struct vector *v, const void *ptr, size_t len)
{
	if (len > 0)
		v->iov[v->count++] = (struct iovec){ (void *)ptr, len };
}

static void add_str(struct vector *v, struct str s)
{
	add(v, s.ptr, s.len);
}

static enum send_result send_vector(struct h1_stream *x, const struct vector *v)
{
	enum send_result sent = SEND_DONE;

	if (v->count > 0)
		sent = conn_send(x->h1->conn, v->iov, v->count);
	if (sent == SEND_QUEUED)
		x->sent_owed = true;
	return sent;
}

/* Begins a vector: the head that was held goes first. Its chunk is free once it was sent. */
static struct chunk *unhold(struct h1 *h, struct vector *v)
{
	struct chunk *held = TAKE(h->held);

	v->count = 0;
	if (held) {
		defer_cancel(&h->flush);
		add(v, held->data, held->end);
	}
	return held;
}

void h1_flush(struct h1 *h)
{
	struct chunk *held = TAKE(h->held);

	defer_cancel(&h->flush);
	if (!held)
		return;
	if (h->conn)
		conn_send_str(h->conn, str_of(held->data, held->end));
	chunk_unref(held);
}

static void on_flush(struct deferred *d)
{
	h1_flush(container_of(d, struct h1, flush));
}

enum send_result h1_fail(struct h1_stream *x)
{
	h1_stream_over(x, STREAM_RESET_LOCAL);
	x->h1->keep_alive = false;
	conn_reset(x->h1->conn);
	return SEND_CLOSED;
}

static void send_ended(struct h1_stream *x)
{
	x->send = H1_SEND_END;
	x->s.is.send_ended = true;
	if (!x->s.is.recv_ended)
		x->h1->drop_left = H1_DROP_BYTES_MAX;
	h1_check_over(x);
}

bool h1_read_length(const struct headers *h, bool *ret_declared, uint64_t *ret_length)
{
	const struct header *found = NULL;

	for (const struct header *field = h->items, *end = field + h->count; field != end;
	     field++) {
		if (likely(field->id != HEADER_CONTENT_LENGTH))
			continue;
		if (found)
			return false;
		found = field;
	}
	*ret_declared = found != NULL;
	return !found || str_to_u64(found->value, INT64_MAX, ret_length) == 0;
}

/* What a writer of the codec said of a chunk. True: it is to be tried again, in a larger one. */
static bool is_too_small(struct h1_stream *x, struct chunk **c, size_t len)
{
	uint32_t size = (*c)->size;

	if (len > 0 && len <= size) {
		(*c)->end = (uint32_t)len;
		return false;
	}
	*c = chunk_unref(*c);
	if (len == 0 || len > UINT32_MAX / 2)
		return false;
	*c = chunk_new(x->h1->conn->chunks, (uint32_t)len);
	return true;
}

/* NULL: it cannot be written. */
static struct chunk *write_head(struct h1_stream *x, const struct headers *h, unsigned add)
{
	struct chunk *c = chunk_new(x->h1->conn->chunks, CHUNK_BYTES);

	while (is_too_small(x, &c, http1_write_head(h, add, c->data, c->size)))
		;
	return c;
}

static struct chunk *write_trailers(struct h1_stream *x, const struct headers *trailers)
{
	struct chunk *c = chunk_new(x->h1->conn->chunks, CHUNK_BYTES);

	while (is_too_small(x, &c, http1_write_trailers(trailers, c->data, c->size)))
		;
	return c;
}

/* Sends what was written, behind a head that may be held from before. */
static enum send_result send_chunk(struct h1_stream *x, struct chunk *c)
{
	struct vector v;
	struct chunk *held = unhold(x->h1, &v);
	enum send_result sent;

	add(&v, c->data, c->end);
	sent = send_vector(x, &v);
	chunk_unref(held);
	chunk_unref(c);
	return sent;
}

enum send_result h1_send_interim(struct h1_stream *x, const struct headers *h)
{
	struct chunk *c = write_head(x, h, HTTP1_DROP_LENGTH);

	return c ? send_chunk(x, c) : h1_fail(x);
}

enum send_result h1_send_head(struct h1_stream *x, const struct headers *h, unsigned add, bool end)
{
	struct h1 *h1 = x->h1;
	struct chunk *c = write_head(x, h, add);
	enum send_result sent;

	if (!c || (end && x->send == H1_SEND_LENGTH && x->send_left > 0)) {
		chunk_unref(c);
		return h1_fail(x);
	}
	x->s.is.send_started = true;
	if (!end) {
		assert(!h1->held);
		h1->held = c;
		defer(h1->conn->loop, &h1->flush, on_flush);
		return SEND_DONE;
	}
	sent = send_chunk(x, c);
	if (sent != SEND_CLOSED)
		send_ended(x);
	return sent;
}

static size_t iov_len(const struct iovec *iov, int iov_count)
{
	size_t len = 0;

	for (int i = 0; i < iov_count; i++)
		len += iov[i].iov_len;
	return len;
}

/* Body bytes in their framing; `line` is memory for that of a chunk. */
static void frame(struct vector *v, const struct h1_stream *x, const struct iovec *iov,
		  int iov_count, char *line)
{
	size_t len = iov_len(iov, iov_count);
	bool chunked = x->send == H1_SEND_CHUNKED && len > 0;

	if (x->send == H1_SEND_NONE)
		return;
	if (chunked)
		add(v, line, http1_write_chunk_line(line, len));
	for (int i = 0; i < iov_count; i++)
		add(v, iov[i].iov_base, iov[i].iov_len);
	if (chunked)
		add_str(v, HTTP1_CHUNK_END);
}

/* Does the body keep to the length that was announced? */
static bool count_sent(struct h1_stream *x, size_t len, bool end)
{
	x->s.bytes_sent += x->send == H1_SEND_NONE ? 0 : len;
	if (x->send != H1_SEND_LENGTH)
		return true;
	if (len > x->send_left)
		return false;
	x->send_left -= len;
	return !end || x->send_left == 0;
}

static bool is_sending(const struct h1_stream *x)
{
	return !x->s.is.closed && x->s.is.send_started && !x->s.is.send_ended;
}

enum send_result h1_send_data(struct stream *s, const struct iovec *iov, int iov_count, bool end)
{
	struct h1_stream *x = h1_stream_of(s);
	char line[HTTP1_CHUNK_LINE_MAX];
	struct vector v;
	enum send_result sent;
	struct chunk *held;

	if (!is_sending(x))
		return SEND_CLOSED;
	while (iov_count > IOV_DATA_MAX) {
		if (h1_send_data(s, iov, IOV_DATA_MAX, false) == SEND_CLOSED)
			return SEND_CLOSED;
		iov += IOV_DATA_MAX;
		iov_count -= IOV_DATA_MAX;
	}
	if (!count_sent(x, iov_len(iov, iov_count), end))
		return h1_fail(x);
	held = unhold(x->h1, &v);
	frame(&v, x, iov, iov_count, line);
	if (end && x->send == H1_SEND_CHUNKED)
		add_str(&v, HTTP1_CHUNK_LAST);
	sent = send_vector(x, &v);
	chunk_unref(held);
	if (end && sent != SEND_CLOSED)
		send_ended(x);
	return sent;
}

enum send_result h1_send_trailers(struct stream *s, const struct headers *trailers)
{
	struct h1_stream *x = h1_stream_of(s);
	enum send_result sent;
	struct chunk *c;

	if (!is_sending(x))
		return SEND_CLOSED;
	if (x->send != H1_SEND_CHUNKED || !x->h1->trailers_enabled)
		return h1_send_data(s, NULL, 0, true);
	c = write_trailers(x, trailers);
	if (!c)
		return h1_fail(x);
	sent = send_chunk(x, c);
	if (sent != SEND_CLOSED)
		send_ended(x);
	return sent;
}

void h1_on_sent(struct h1 *h)
{
	struct h1_stream *x = h->stream;

	if (!h1_stream_is_live(x) || !x->sent_owed)
		return;
	x->sent_owed = false;
	if (x->s.handler->on_sent)
		x->s.handler->on_sent(&x->s);
}
