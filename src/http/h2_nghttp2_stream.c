/*
 * Streams of HTTP/2: their life, what they send, and the window of what they receive
 */

#include <assert.h>

#include "base/mem.h"
#include "codec/http1_scan.h"
#include "http/h2_nghttp2.h"

#define BIT(id) (1ull << (id))

/* Fields that HTTP/2 has no place for (RFC 9113 §8.2.2), and Host, which is :authority. */
#define NOT_IN_HTTP2                                                                        \
	(BIT(HEADER_CONNECTION) | BIT(HEADER_KEEP_ALIVE) | BIT(HEADER_PROXY_CONNECTION) |   \
	 BIT(HEADER_TRANSFER_ENCODING) | BIT(HEADER_UPGRADE) | BIT(HEADER_HTTP2_SETTINGS) | \
	 BIT(HEADER_HOST))

#define POOL_BLOCK_BYTES 4096
#define PSEUDO_MAX       4

struct h2_stream *h2_stream_new(struct h2 *h, int32_t id)
{
	struct h2_stream *x = mem_new(struct h2_stream);

	pool_init(&x->s.pool, POOL_BLOCK_BYTES);
	x->s.ops = h->stream_ops;
	x->s.conn = h->conn;
	x->s.loop = h->conn->loop;
	x->h2 = h;
	x->id = id;
	headers_init(&x->head, &x->s.pool);
	headers_init(&x->trailers, &x->s.pool);
	headers_init(&x->out_trailers, &x->s.pool);
	list_push_back(&h->streams, &x->in_conn);
	h->active++;
	return x;
}

struct h2_stream *h2_stream_find(struct h2 *h, int32_t id)
{
	return nghttp2_session_get_stream_user_data(h->session, id);
}

static void on_reap(struct deferred *d)
{
	struct h2_stream *x = container_of(d, struct h2_stream, over);

	for (uint32_t i = 0; i < x->buf_count; i++)
		nghttp2_rcbuf_decref(x->bufs[i]);
	buf_fini(&x->out);
	pool_fini(&x->s.pool);
	mem_free(x);
}

/* Out of the connection's books. */
static struct h2 *leave(struct h2_stream *x)
{
	struct h2 *h = TAKE(x->h2);

	list_remove(&x->in_conn);
	if (h)
		h->active--;
	return h;
}

static void on_over(struct deferred *d)
{
	struct h2_stream *x = container_of(d, struct h2_stream, over);
	struct h2 *h = leave(x);

	if (x->known && x->s.handler)
		x->s.handler->on_closed(&x->s, x->reason);
	loop_reap(x->s.loop, &x->over, on_reap);
	if (!h2_is_open(h))
		return;
	if (h->server)
		h2_server_on_over(h);
	else
		h2_client_on_over(h);
}

void h2_stream_over(struct h2_stream *x, enum stream_reset reason)
{
	if (x->s.is.closed)
		return;
	x->s.is.closed = true;
	x->reason = reason;
	if (x->id > 0)
		nghttp2_session_set_stream_user_data(x->h2->session, x->id, NULL);
	if (x->unconsumed > 0) {
		nghttp2_session_consume_connection(x->h2->session, x->unconsumed);
		x->unconsumed = 0;
		h2_schedule(x->h2);
	}
	defer(x->s.loop, &x->over, on_over);
}

void h2_stream_gone(struct h2_stream *x)
{
	leave(x);
	x->s.conn = NULL;
	if (!x->s.is.closed) {
		x->s.is.closed = true;
		x->reason = STREAM_RESET_CLOSED;
	}
	defer_cancel(&x->over);
	on_over(&x->over);
}

void h2_stream_rst(struct h2_stream *x, uint32_t code)
{
	struct h2 *h = x->h2;

	if (x->id > 0 && h2_is_open(h)) {
		h->own_resets++;
		nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, x->id, code);
		h2_schedule(h);
	}
}

enum send_result h2_fail(struct h2_stream *x)
{
	h2_stream_rst(x, NGHTTP2_INTERNAL_ERROR);
	h2_stream_over(x, STREAM_RESET_LOCAL);
	return SEND_CLOSED;
}

void h2_stream_consume(struct h2_stream *x)
{
	if (x->s.is.paused || x->unconsumed == 0)
		return;
	nghttp2_session_consume(x->h2->session, x->id, x->unconsumed);
	x->unconsumed = 0;
	h2_schedule(x->h2);
}

void h2_pause(struct stream *s)
{
	s->is.paused = true;
}

void h2_resume(struct stream *s)
{
	struct h2_stream *x = h2_stream_of(s);

	s->is.paused = false;
	if (!s->is.closed && x->h2)
		h2_stream_consume(x);
}

static nghttp2_nv nv_of(struct str name, struct str value)
{
	return (nghttp2_nv){ .name = (uint8_t *)name.ptr,
			     .namelen = name.len,
			     .value = (uint8_t *)value.ptr,
			     .valuelen = value.len };
}

static bool field_is_valid(const struct header *field)
{
	return field->name.len > 0 && http1_is_clean(field->value) &&
	       (field->id != HEADER_OTHER || http1_all_are(field->name, HTTP1_TOKEN));
}

static size_t write_pseudo(struct pool *pool, const struct headers *h, nghttp2_nv *nva)
{
	size_t n = 0;

	if (h->status) {
		nva[n++] = nv_of(STR(":status"), pool_printf(pool, "%d", h->status));
		return n;
	}
	if (!h->method.len)
		return n;
	nva[n++] = nv_of(STR(":method"), h->method);
	nva[n++] = nv_of(STR(":scheme"), h->scheme.len ? h->scheme : STR("http"));
	if (h->authority.len)
		nva[n++] = nv_of(STR(":authority"), h->authority);
	nva[n++] = nv_of(STR(":path"), h->path);
	return n;
}

bool h2_write_fields(struct pool *pool, const struct headers *h, nghttp2_nv **ret_nva,
		     size_t *ret_count)
{
	nghttp2_nv *nva = pool_new_array(pool, nghttp2_nv, h->count + PSEUDO_MAX);
	size_t n = write_pseudo(pool, h, nva);

	for (size_t i = 0; i < n; i++)
		if (!http1_is_clean(str_of((char *)nva[i].value, nva[i].valuelen)))
			return false;
	headers_for_each (field, h) {
		if (NOT_IN_HTTP2 >> field->id & 1)
			continue;
		if (!field_is_valid(field))
			return false;
		nva[n++] = nv_of(field->name, field->value);
	}
	*ret_nva = nva;
	*ret_count = n;
	return true;
}

/* The end of the body: trailers follow, or END_STREAM does it. */
static int finish_body(struct h2_stream *x, uint32_t *data_flags)
{
	nghttp2_nv *nva;
	size_t count;

	*data_flags |= NGHTTP2_DATA_FLAG_EOF;
	if (!x->out_with_trailers)
		return 0;
	*data_flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
	if (!h2_write_fields(&x->s.pool, &x->out_trailers, &nva, &count))
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	return nghttp2_submit_trailer(x->h2->session, x->id, nva, count);
}

/* Body for a DATA frame of at most `length` bytes. */
static ssize_t read_body(struct h2_stream *x, uint8_t *buf, size_t length, uint32_t *data_flags)
{
	size_t len;
	int r;

	if (!x)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	len = min_of(length, buf_len(&x->out));
	if (len == 0 && !x->out_end) {
		x->out_waits = true;
		return NGHTTP2_ERR_DEFERRED;
	}
	if (len > 0) {
		memcpy(buf, buf_str(&x->out).ptr, len);
		buf_consume(&x->out, len);
	}
	if (buf_len(&x->out) > 0 || !x->out_end)
		return (ssize_t)len;
	r = finish_body(x, data_flags);
	return r < 0 ? r : (ssize_t)len;
}

/* The parameters are nghttp2's. */
static ssize_t on_read(nghttp2_session *session, int32_t id, uint8_t *buf, size_t length,
		       uint32_t *data_flags, nghttp2_data_source *source, void *user_data)
{
	(void)session;
	(void)source;
	return read_body(h2_stream_find(user_data, id), buf, length, data_flags);
}

const nghttp2_data_provider h2_body = { .read_callback = on_read };

void h2_stream_tell_sent(struct h2_stream *x)
{
	if (!x->sent_owed || buf_len(&x->out) > 0 || !h2_stream_is_live(x))
		return;
	x->sent_owed = false;
	if (x->s.handler->on_sent)
		x->s.handler->on_sent(&x->s);
}

static bool is_sending(const struct h2_stream *x)
{
	return !x->s.is.closed && x->s.is.send_started && !x->s.is.send_ended && h2_is_open(x->h2);
}

static void wake(struct h2_stream *x)
{
	if (x->out_waits) {
		x->out_waits = false;
		nghttp2_session_resume_data(x->h2->session, x->id);
	}
	h2_schedule(x->h2);
}

enum send_result h2_send_data(struct stream *s, const struct iovec *iov, int iov_count, bool end)
{
	struct h2_stream *x = h2_stream_of(s);

	if (!is_sending(x))
		return SEND_CLOSED;
	for (int i = 0; i < iov_count && !x->no_body; i++) {
		/* The near side was told to stop long before. */
		if (buf_append(&x->out, iov[i].iov_base, iov[i].iov_len) < 0)
			return h2_fail(x);
		s->bytes_sent += iov[i].iov_len;
	}
	s->is.send_ended = x->out_end = end;
	wake(x);
	if (buf_len(&x->out) <= H2_QUEUE_BYTES)
		return SEND_DONE;
	x->sent_owed = true;
	return SEND_QUEUED;
}

enum send_result h2_send_trailers(struct stream *s, const struct headers *trailers)
{
	struct h2_stream *x = h2_stream_of(s);

	if (!is_sending(x))
		return SEND_CLOSED;
	headers_copy(&x->out_trailers, trailers);
	x->out_with_trailers = headers_count(trailers) > 0;
	s->is.send_ended = x->out_end = true;
	wake(x);
	return SEND_DONE;
}
