/*
 * The client connection around its codec: waiting for the transport, choosing, the end
 */

#include "http/client.h"

#include <assert.h>

#include "base/mem.h"
#include "http/conn_private.h"
#include "net/tls.h"

static void on_reap(struct deferred *d)
{
	mem_free(container_of(d, struct http_client_conn, reap));
}

void http_client_conn_gone(struct conn *c)
{
	struct http_client_conn *hc = c->user;
	int error = hc->error ? hc->error : c->error;

	defer_cancel(&hc->reap);
	if (hc->ops)
		hc->ops->gone(hc);
	hc->handler->on_closed(hc, error);
	hc->conn = NULL;
	loop_reap(c->loop, &hc->reap, on_reap);
}

void http_client_conn_draining(struct http_client_conn *hc)
{
	if (hc->draining)
		return;
	hc->draining = true;
	if (hc->handler->on_draining)
		hc->handler->on_draining(hc);
}

static enum http_codec choose(const struct http_client_conn *hc)
{
	const struct conn *c = hc->conn;

	if (hc->options.codec != HTTP_CODEC_AUTO)
		return hc->options.codec;
	return c->tls && str_eq(c->tls->alpn, STR("h2")) ? HTTP_CODEC_HTTP2 : HTTP_CODEC_HTTP1;
}

/* The peer agreed on something else than what is asked of us. */
static bool disagrees(const struct http_client_conn *hc)
{
	const struct conn *c = hc->conn;

	return hc->codec == HTTP_CODEC_HTTP2 && c->tls && c->tls->alpn.len > 0 &&
	       !str_eq(c->tls->alpn, STR("h2"));
}

static void start(struct http_client_conn *hc)
{
	hc->codec = choose(hc);
	if (disagrees(hc)) {
		hc->error = ERR_PROTO;
		conn_close(hc->conn);
		return;
	}
	hc->ops = hc->codec == HTTP_CODEC_HTTP2 ? &http_h2_client_codec : &http_h1_client_codec;
	hc->ops->start(hc);
	if (hc->handler->on_ready)
		hc->handler->on_ready(hc);
}

static void on_open(struct conn *c)
{
	start(c->user);
}

static const struct conn_handler opening_handler = {
	.on_open = on_open,
	.on_closed = http_client_conn_gone,
};

static void on_first_look(struct deferred *d)
{
	struct http_client_conn *hc = container_of(d, struct http_client_conn, reap);

	if (!hc->conn || hc->conn->state != CONN_OPEN)
		return;
	start(hc);
	if (hc->conn->state == CONN_OPEN && hc->conn->in)
		hc->conn->handler->on_data(hc->conn);
}

struct http_client_conn *http_client_conn_open_take(struct conn *c,
						    const struct http_client_options *options,
						    const struct http_client_handler *handler,
						    void *user)
{
	struct http_client_conn *hc = mem_new(struct http_client_conn);
	uint32_t head = options->headers_bytes_max ? options->headers_bytes_max
						   : HTTP_HEADERS_BYTES_DEFAULT;

	hc->conn = c;
	hc->options = *options;
	hc->handler = handler;
	hc->user = user;
	c->user = hc;
	c->handler = &opening_handler;
	c->limits.input_bytes_max = max_of(head, (uint32_t)CHUNK_BYTES);
	if (c->state == CONN_OPEN)
		defer(c->loop, &hc->reap, on_first_look);
	return hc;
}

void *http_client_conn_user(const struct http_client_conn *hc)
{
	return hc->user;
}

struct conn *http_client_conn_transport(const struct http_client_conn *hc)
{
	return hc->conn;
}

enum http_codec http_client_conn_codec(const struct http_client_conn *hc)
{
	return hc->codec;
}

bool http_client_conn_available(const struct http_client_conn *hc)
{
	return hc->ops && hc->ops->available(hc);
}

uint32_t http_client_conn_active(const struct http_client_conn *hc)
{
	return hc->ops ? hc->ops->active(hc) : 0;
}

struct stream *http_client_conn_begin(struct http_client_conn *hc,
				      const struct stream_handler *handler, void *user)
{
	return hc->ops ? hc->ops->begin(hc, handler, user) : NULL;
}

void http_client_conn_close(struct http_client_conn *hc)
{
	if (hc->conn)
		conn_close(hc->conn);
}

int http_client_conn_detach(struct http_client_conn *hc)
{
	int r;

	if (!hc->ops || !hc->conn || hc->draining || hc->conn->read_paused ||
	    list_is_linked(&hc->reap.in_loop) || !hc->ops->at_rest(hc))
		return ERR_CONFLICT;
	r = conn_detach(hc->conn);
	if (r == 0 && hc->ops->leave)
		hc->ops->leave(hc);
	return r;
}

int http_client_conn_attach(struct http_client_conn *hc, struct loop *l, struct chunk_stock *chunks,
			    void *user)
{
	hc->user = user;
	return conn_attach(hc->conn, l, chunks);
}

void http_client_conn_discard(struct http_client_conn *hc)
{
	struct conn *c = hc->conn;

	hc->ops->gone(hc);
	conn_discard(c);
	mem_free(hc);
}

/*
 * Looking inside
 */

void http_client_conn_check(const struct http_client_conn *hc)
{
	assert(hc->handler);
	assert(!hc->h2 || hc->codec == HTTP_CODEC_HTTP2);
	if (hc->conn)
		conn_check(hc->conn);
	if (hc->h2)
		h2_check(hc->h2);
	else if (hc->ops && hc->codec == HTTP_CODEC_HTTP1)
		h1_check(&hc->h1);
}

void http_client_conn_dump(const struct http_client_conn *hc, struct dump *d)
{
	dump_line(d, "http_client");
	dump_flag(d, "opening", !hc->ops);
	dump_flag(d, "draining", hc->draining);
	dump_flag(d, "gone", !hc->conn);
	if (hc->error)
		dump_signed(d, "error", hc->error);
	dump_enter(d);
	if (hc->conn)
		conn_dump(hc->conn, d);
	if (hc->h2)
		h2_dump(hc->h2, d);
	else if (hc->ops && hc->codec == HTTP_CODEC_HTTP1)
		h1_dump(&hc->h1, d);
	dump_leave(d);
}
