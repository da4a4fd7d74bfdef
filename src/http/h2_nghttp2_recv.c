/*
 * What a session tells us
 *
 * nghttp2 has checked the order of frames, the windows, the pseudo-fields, the characters of
 * names and values, and that a body has its declared length. What is left for us is what it
 * leaves to its users: limits, Host against :authority, and what an HTTP/1 hop could not
 * bear.
 *
 * A field is held in nghttp2's own memory, which the stream keeps.
 */

#include <assert.h>

#include "http/h2_nghttp2.h"

static struct str str_of_rcbuf(nghttp2_rcbuf *b)
{
	nghttp2_vec v = nghttp2_rcbuf_get_buf(b);

	return str_of((const char *)v.base, v.len);
}

static void hold(struct h2_stream *x, nghttp2_rcbuf *b)
{
	if (nghttp2_rcbuf_is_static(b))
		return;
	if (x->buf_count == x->buf_capacity) {
		uint32_t capacity = x->buf_capacity ? x->buf_capacity * 2 : 32;
		nghttp2_rcbuf **bufs = pool_new_array(&x->s.pool, nghttp2_rcbuf *, capacity);

		if (x->buf_count)
			memcpy(bufs, x->bufs, x->buf_count * sizeof(*bufs));
		x->bufs = bufs;
		x->buf_capacity = capacity;
	}
	nghttp2_rcbuf_incref(b);
	x->bufs[x->buf_count++] = b;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
	struct h2 *h = user_data;
	struct h2_stream *x = h2_stream_find(h, frame->hd.stream_id);

	if (frame->hd.type != NGHTTP2_HEADERS)
		return 0;
	if (frame->headers.cat == NGHTTP2_HCAT_REQUEST && h->server) {
		x = h2_stream_new(h, frame->hd.stream_id);
		nghttp2_session_set_stream_user_data(session, x->id, x);
	}
	if (!x)
		return 0;
	x->reading = x->head_done ? &x->trailers : &x->head;
	headers_clear(x->reading);
	x->reading->version = 20;
	x->field_count = x->field_bytes = 0;
	x->fault = HTTP_FAULT_NONE;
	return 0;
}

static void read_pseudo(struct headers *h, struct str name, struct str value)
{
	uint64_t status;

	if (str_eq(name, STR(":method"))) {
		h->method = value;
		h->method_id = method_of(value);
	} else if (str_eq(name, STR(":scheme"))) {
		h->scheme = value;
	} else if (str_eq(name, STR(":authority"))) {
		h->authority = value;
	} else if (str_eq(name, STR(":path"))) {
		h->path = value;
	} else if (str_eq(name, STR(":status")) && str_to_u64(value, 999, &status) == 0) {
		h->status = (uint16_t)status;
	}
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
		     nghttp2_rcbuf *value, uint8_t flags, void *user_data)
{
	struct h2 *h = user_data;
	struct h2_stream *x = h2_stream_find(h, frame->hd.stream_id);
	struct str name_text = str_of_rcbuf(name), value_text = str_of_rcbuf(value);

	(void)session;
	(void)flags;
	if (!x || frame->hd.type != NGHTTP2_HEADERS || x->fault != HTTP_FAULT_NONE)
		return 0;
	x->field_bytes += (uint32_t)(name_text.len + value_text.len + H2_FIELD_OVERHEAD_BYTES);
	if (x->field_bytes > h->limits.bytes_max) {
		x->fault = HTTP_FAULT_HEADERS_LARGE;
		return 0;
	}
	if (name_text.len > 0 && name_text.ptr[0] == ':') {
		hold(x, value);
		read_pseudo(x->reading, name_text, value_text);
		return 0;
	}
	if (++x->field_count > h->limits.count_max) {
		x->fault = HTTP_FAULT_HEADERS_MANY;
		return 0;
	}
	hold(x, name);
	hold(x, value);
	headers_add_named(x->reading, name_text, value_text);
	return 0;
}

/* Without a callback nghttp2 would leave the field out and go on. */
static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame,
			     nghttp2_rcbuf *name, nghttp2_rcbuf *value, uint8_t flags,
			     void *user_data)
{
	struct h2 *h = user_data;

	(void)name;
	(void)value;
	(void)flags;
	if (h->server)
		h2_server_fault(h, HTTP_FAULT_MESSAGE, 0, "a header field is invalid");
	nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
				  NGHTTP2_PROTOCOL_ERROR);
	return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

/* nghttp2 answers it; we say why. */
static int on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int error,
			    void *user_data)
{
	struct h2 *h = user_data;

	(void)session;
	(void)frame;
	if (h->server)
		h2_server_fault(h, HTTP_FAULT_MESSAGE, 0, nghttp2_strerror(error));
	return 0;
}

static void on_trailers(struct h2_stream *x)
{
	x->s.is.recv_ended = true;
	if (!h2_stream_is_live(x))
		return;
	if (x->fault != HTTP_FAULT_NONE) {
		h2_stream_rst(x, NGHTTP2_ENHANCE_YOUR_CALM);
		h2_stream_over(x, STREAM_RESET_LIMIT);
	} else if (x->s.handler->on_trailers) {
		x->s.handler->on_trailers(&x->s, &x->trailers);
	} else {
		x->s.handler->on_data(&x->s, STR_EMPTY, true);
	}
}

static void on_headers_frame(struct h2 *h, const nghttp2_frame *frame)
{
	struct h2_stream *x = h2_stream_find(h, frame->hd.stream_id);
	bool end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;

	if (!x || !x->reading)
		return;
	x->reading = NULL;
	if (x->head_done)
		on_trailers(x);
	else if (h->server)
		h2_server_on_head(x, end);
	else
		h2_client_on_head(x, end);
}

static void on_data_frame(struct h2 *h, const nghttp2_frame *frame)
{
	struct h2_stream *x = h2_stream_find(h, frame->hd.stream_id);

	if (!(frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) {
		if (frame->hd.length == 0)
			h2_flood(h, H2_FLOOD_EMPTIES);
		return;
	}
	if (!x)
		return;
	x->s.is.recv_ended = true;
	if (h2_stream_is_live(x))
		x->s.handler->on_data(&x->s, STR_EMPTY, true);
}

static void on_reset_frame(struct h2 *h, const nghttp2_frame *frame)
{
	struct h2_stream *x = h2_stream_find(h, frame->hd.stream_id);

	/* NO_ERROR behind a complete response asks for nothing but silence. */
	if (frame->rst_stream.error_code != NGHTTP2_NO_ERROR)
		h2_flood(h, H2_FLOOD_RESETS);
	if (x) {
		x->peer_reset = true;
		x->s.reset_code = frame->rst_stream.error_code;
	}
}

static void on_ping_frame(struct h2 *h, const nghttp2_frame *frame)
{
	if (!(frame->hd.flags & NGHTTP2_FLAG_ACK))
		h2_flood(h, H2_FLOOD_PINGS);
	else if (h->server)
		h2_server_on_pong(h);
	else
		h2_client_on_pong(h);
}

static void on_settings_frame(struct h2 *h, const nghttp2_frame *frame)
{
	if (frame->hd.flags & NGHTTP2_FLAG_ACK)
		return;
	if (!h->settings_came && h->server)
		h2_server_on_settings(h);
	h->settings_came = true;
	h2_flood(h, H2_FLOOD_SETTINGS);
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
	struct h2 *h = user_data;

	(void)session;
	switch (frame->hd.type) {
	case NGHTTP2_HEADERS:
		on_headers_frame(h, frame);
		break;
	case NGHTTP2_DATA:
		on_data_frame(h, frame);
		break;
	case NGHTTP2_RST_STREAM:
		on_reset_frame(h, frame);
		break;
	case NGHTTP2_PING:
		on_ping_frame(h, frame);
		break;
	case NGHTTP2_SETTINGS:
		on_settings_frame(h, frame);
		break;
	case NGHTTP2_GOAWAY:
		if (h->client)
			h2_client_on_goaway(h);
		break;
	default:
		break;
	}
	return 0;
}

static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *hd, void *user_data)
{
	(void)session;
	if (hd->type == NGHTTP2_PRIORITY || hd->type > NGHTTP2_CONTINUATION)
		h2_flood(user_data, H2_FLOOD_PRIORITIES);
	return 0;
}

/* A frame of a kind that nobody here knows: it was counted, and that is all. */
static int on_unknown_frame(nghttp2_session *session, void **ret_payload,
			    const nghttp2_frame_hd *hd, void *user_data)
{
	(void)session;
	(void)ret_payload;
	(void)hd;
	(void)user_data;
	return NGHTTP2_ERR_CANCEL;
}

static int on_data_chunk(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
			 size_t len, void *user_data)
{
	struct h2_stream *x = h2_stream_find(user_data, id);

	(void)flags;
	if (!h2_stream_is_live(x)) {
		nghttp2_session_consume(session, id, len);
		return 0;
	}
	x->unconsumed += len;
	x->s.bytes_received += len;
	x->s.handler->on_data(&x->s, str_of((const char *)data, len), false);
	if (!x->s.is.closed)
		h2_stream_consume(x);
	return 0;
}

static enum stream_reset reason_of(const struct h2_stream *x, uint32_t code)
{
	if (x->s.is.recv_ended && x->s.is.send_ended)
		return STREAM_RESET_NONE;
	/* A server that answered whole may say that it wants no more. */
	if (x->s.is.recv_ended && code == NGHTTP2_NO_ERROR && x->h2->client)
		return STREAM_RESET_NONE;
	if (code == NGHTTP2_REFUSED_STREAM)
		return STREAM_RESET_REFUSED;
	return x->peer_reset ? STREAM_RESET_PEER : STREAM_RESET_PROTOCOL;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *user_data)
{
	struct h2_stream *x = h2_stream_find(user_data, id);

	(void)session;
	if (!x)
		return 0;
	x->s.reset_code = code;
	h2_stream_over(x, reason_of(x, code));
	return 0;
}

/* Our direction has ended on the wire; a near side that is silent waited for that. */
static void on_end_sent(struct h2_stream *x)
{
	if (!x)
		return;
	x->end_sent = true;
	if (!x->silent)
		return;
	if (!x->s.is.recv_ended)
		h2_stream_rst(x, NGHTTP2_NO_ERROR);
	h2_stream_over(x, STREAM_RESET_LOCAL);
}

static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
	struct h2 *h = user_data;
	uint8_t type = frame->hd.type;

	(void)session;
	if ((type == NGHTTP2_DATA || type == NGHTTP2_HEADERS) &&
	    frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
		on_end_sent(h2_stream_find(h, frame->hd.stream_id));
	/* gRPC measures the way with a PING for what comes, as often as it comes. */
	if (type == NGHTTP2_DATA && frame->hd.length > 0)
		h2_flood_give(&h->floods, H2_FLOOD_PINGS);
	if (type != NGHTTP2_RST_STREAM)
		return 0;
	/* Resets that we did not decide on were provoked. */
	if (h->own_resets > 0)
		h->own_resets--;
	else
		h2_flood(h, H2_FLOOD_RESETS);
	return 0;
}

static int on_frame_not_send(nghttp2_session *session, const nghttp2_frame *frame, int error,
			     void *user_data)
{
	struct h2 *h = user_data;
	struct h2_stream *x;

	(void)session;
	(void)error;
	if (frame->hd.type == NGHTTP2_RST_STREAM && h->own_resets > 0)
		h->own_resets--;
	if (frame->hd.type != NGHTTP2_HEADERS)
		return 0;
	/* A request that was too late for this connection: nothing of it was sent. */
	x = h2_stream_find(h, frame->hd.stream_id);
	if (x && h->client)
		h2_stream_over(x, STREAM_RESET_REFUSED);
	return 0;
}

void h2_recv_callbacks(nghttp2_session_callbacks *c)
{
	nghttp2_session_callbacks_set_on_begin_headers_callback(c, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback2(c, on_header);
	nghttp2_session_callbacks_set_on_invalid_header_callback2(c, on_invalid_header);
	nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(c, on_invalid_frame);
	nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame_recv);
	nghttp2_session_callbacks_set_on_begin_frame_callback(c, on_begin_frame);
	nghttp2_session_callbacks_set_unpack_extension_callback(c, on_unknown_frame);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data_chunk);
	nghttp2_session_callbacks_set_on_stream_close_callback(c, on_stream_close);
	nghttp2_session_callbacks_set_on_frame_send_callback(c, on_frame_send);
	nghttp2_session_callbacks_set_on_frame_not_send_callback(c, on_frame_not_send);
}
