#include "http/h2_nghttp2.h"

#include <assert.h>

#include "base/mem.h"

/* nghttp2 takes its memory from us, so that it is counted. */
static void *on_malloc(size_t size, void *unused)
{
	(void)unused;
	return mem_alloc(size);
}

static void on_free(void *ptr, void *unused)
{
	(void)unused;
	mem_free(ptr);
}

static void *on_calloc(size_t count, size_t size, void *unused)
{
	(void)unused;
	return mem_zalloc_array(count, size);
}

static void *on_realloc(void *ptr, size_t size, void *unused)
{
	(void)unused;
	return mem_realloc(ptr, size);
}

static nghttp2_mem memory = { NULL, on_malloc, on_free, on_calloc, on_realloc };

/* What of nghttp2's can only fail for want of memory, and our memory never does. */
static void must(int r)
{
	assert(r == 0);
}

/* nghttp2 passes over frames of kinds that it does not know, and tells only who asks. */
static void ask_for_unknown_frames(nghttp2_option *option)
{
	for (unsigned type = NGHTTP2_CONTINUATION + 1; type <= UINT8_MAX; type++)
		nghttp2_option_set_user_recv_extension_type(option, (uint8_t)type);
}

static nghttp2_session *session_new(struct h2 *h, bool server)
{
	nghttp2_session_callbacks *callbacks;
	nghttp2_option *option;
	nghttp2_session *session;

	must(nghttp2_session_callbacks_new(&callbacks));
	must(nghttp2_option_new(&option));
	h2_recv_callbacks(callbacks);
	nghttp2_option_set_no_auto_window_update(option, 1);
	nghttp2_option_set_no_closed_streams(option, 1);
	nghttp2_option_set_max_outbound_ack(option, 200);
	nghttp2_option_set_max_settings(option, 32);
	/* Ours goes by the loop's clock. */
	nghttp2_option_set_stream_reset_rate_limit(option, UINT32_MAX, UINT32_MAX);
	nghttp2_option_set_max_deflate_dynamic_table_size(option, 4096);
	ask_for_unknown_frames(option);
	must(server ? nghttp2_session_server_new3(&session, callbacks, h, option, &memory)
		    : nghttp2_session_client_new3(&session, callbacks, h, option, &memory));
	nghttp2_option_del(option);
	nghttp2_session_callbacks_del(callbacks);
	return session;
}

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
	return value ? value : otherwise;
}

static void submit_settings(struct h2 *h, const struct h2_setup *setup)
{
	nghttp2_settings_entry entries[3] = {
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE,
		  or_default(setup->stream_window_bytes, H2_STREAM_WINDOW_BYTES) },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, h->limits.bytes_max },
		{ NGHTTP2_SETTINGS_ENABLE_PUSH, 0 },
	};

	if (setup->server)
		entries[2] = (nghttp2_settings_entry){
			NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS,
			or_default(setup->streams_max, H2_STREAMS_MAX),
		};
	must(nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, entries, array_count(entries)));
	must(nghttp2_session_set_local_window_size(
		h->session, NGHTTP2_FLAG_NONE, 0,
		(int32_t)or_default(setup->connection_window_bytes, H2_CONN_WINDOW_BYTES)));
}

struct h2 *h2_new(struct conn *c, const struct h2_setup *setup)
{
	struct h2 *h = mem_new(struct h2);

	h->conn = c;
	list_init(&h->streams);
	h->limits = (struct http1_limits){
		.count_max = or_default(setup->headers_count_max, HTTP_HEADERS_COUNT_DEFAULT),
		.bytes_max = or_default(setup->headers_bytes_max, HTTP_HEADERS_BYTES_DEFAULT),
	};
	h->linger = setup->linger;
	h2_flood_init(&h->floods, loop_now(c->loop));
	h2_goaway_init(&h->goaway);
	h->session = session_new(h, setup->server);
	submit_settings(h, setup);
	h2_schedule(h);
	return h;
}

struct h2 *h2_free(struct h2 *h)
{
	if (!h)
		return NULL;
	defer_cancel(&h->flush);
	timer_stop(&h->ping_timer);
	timer_stop(&h->drain_timer);
	h->out = chunk_unref(h->out);
	h->conn = NULL;
	list_for_each_safe (node, &h->streams)
		h2_stream_gone(container_of(node, struct h2_stream, in_conn));
	nghttp2_session_del(h->session);
	return mem_free(h);
}

/* Sends what was collected, and `data` behind it. */
static void send_out(struct h2 *h, struct str data)
{
	struct iovec iov[2];
	int count = 0;

	if (h->out && chunk_len(h->out) > 0)
		iov[count++] = (struct iovec){ h->out->data, h->out->end };
	if (data.len > 0)
		iov[count++] = (struct iovec){ (void *)data.ptr, data.len };
	if (count > 0)
		conn_send(h->conn, iov, count);
	h->out = chunk_unref(h->out);
}

static void collect(struct h2 *h, struct str data)
{
	if (!h->out)
		h->out = chunk_new(h->conn->chunks, CHUNK_BYTES);
	if (data.len > h->out->size - h->out->end) {
		send_out(h, data);
		return;
	}
	memcpy(h->out->data + h->out->end, data.ptr, data.len);
	h->out->end += (uint32_t)data.len;
}

static void tell_sent(struct h2 *h)
{
	list_for_each_safe (node, &h->streams)
		h2_stream_tell_sent(container_of(node, struct h2_stream, in_conn));
}

static bool is_finished(struct h2 *h)
{
	return h->ending ||
	       (!nghttp2_session_want_read(h->session) && !nghttp2_session_want_write(h->session));
}

/* False: the session is broken. */
static bool write_frames(struct h2 *h)
{
	const uint8_t *data;
	ssize_t len = 0;

	while (!h->conn->send_queued && (len = nghttp2_session_mem_send(h->session, &data)) > 0)
		collect(h, str_of((const char *)data, (size_t)len));
	send_out(h, STR_EMPTY);
	return len >= 0;
}

void h2_write_now(struct h2 *h)
{
	if (h2_is_open(h) && !h->receiving)
		(void)write_frames(h); /* the end of the turn finds it broken again */
}

static void on_flush(struct deferred *d)
{
	struct h2 *h = container_of(d, struct h2, flush);

	if (!h2_is_open(h))
		return;
	if (!write_frames(h)) {
		conn_close(h->conn);
		return;
	}
	tell_sent(h);
	if (h2_is_open(h) && !h->conn->send_queued && is_finished(h))
		conn_close_after_sent(h->conn, h->linger);
}

void h2_schedule(struct h2 *h)
{
	if (h2_is_open(h))
		defer(h->conn->loop, &h->flush, on_flush);
}

void h2_on_sent(struct h2 *h)
{
	h2_schedule(h);
}

void h2_on_data(struct h2 *h)
{
	struct str input = conn_input(h->conn);
	ssize_t len;

	if (h->server)
		h2_goaway_pass(&h->goaway, h->conn->in->data + h->conn->in->start, input.len);
	h->receiving = true;
	len = nghttp2_session_mem_recv(h->session, (const uint8_t *)input.ptr, input.len);
	h->receiving = false;
	conn_consume(h->conn, input.len);
	if (len == NGHTTP2_ERR_FLOODED && h->server)
		h2_server_fault(h, HTTP_FAULT_FLOOD, 0, "nghttp2 met a flood");
	else if (len == NGHTTP2_ERR_BAD_CLIENT_MAGIC && h->server)
		h2_server_fault(h, HTTP_FAULT_MESSAGE, 0, "the HTTP/2 preface is wrong");
	if (len < 0)
		conn_close_after_sent(h->conn, h->linger);
	else
		h2_schedule(h);
	debug_check(h->active, h2_check(h));
}

void h2_end(struct h2 *h, uint32_t code)
{
	if (h->ending)
		return;
	h->ending = true;
	nghttp2_session_terminate_session(h->session, code);
	h2_schedule(h);
}

void h2_flood(struct h2 *h, enum h2_flood_kind kind)
{
	if (h->ending || h2_flood_take(&h->floods, kind, loop_now(h->conn->loop)))
		return;
	if (h->server)
		h2_server_fault(h, HTTP_FAULT_FLOOD, 0, "too many frames that ask for nothing");
	h2_end(h, NGHTTP2_ENHANCE_YOUR_CALM);
}

/*
 * Looking inside
 */

void h2_check(const struct h2 *h)
{
	uint32_t count = 0;

	assert(h->session);
	assert(!h->server != !h->client);
	list_check(&h->streams);
	list_for_each (node, &h->streams) {
		const struct h2_stream *x = container_of(node, struct h2_stream, in_conn);

		assert(x->h2 == h);
		stream_check(&x->s);
		count++;
	}
	assert(h->active == count);
}

void h2_dump(const struct h2 *h, struct dump *d)
{
	dump_line(d, "http2");
	dump_number(d, "streams", h->active);
	dump_number(d, "own_resets", h->own_resets);
	dump_flag(d, "settings_came", h->settings_came);
	dump_flag(d, "ping_waits", h->ping_waits);
	dump_flag(d, "drain_noticed", h->drain_noticed);
	dump_flag(d, "drain_final", h->drain_final);
	dump_flag(d, "ending", h->ending);
	dump_enter(d);
	list_for_each (node, &h->streams) {
		const struct h2_stream *x = container_of(node, struct h2_stream, in_conn);

		if (dump_is_full(d))
			break;
		stream_dump(&x->s, x->id, d);
	}
	dump_leave(d);
}
