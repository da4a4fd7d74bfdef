#include "cli/call.h"

#include <assert.h>

#include "base/mem.h"
#include "http/client.h"
#include "net/socket_conn.h"

#define RESPONSE_BYTES_DEFAULT (64u * 1024 * 1024)
#define CONNECT_TIMEOUT        DURATION_SECONDS(10)

/* One connection of a line. */
struct wire {
	struct list in_line;
	struct line *line;
	struct http_client_conn *http;
	struct call *call; /* NULL: idle, or its call has ended */
	bool ready;
	bool idle;
};

static const struct stream_handler stream_handler;

/*
 * The end of a call
 */

static void on_done_run(struct deferred *d)
{
	struct call *c = container_of(d, struct call, done);

	c->line = NULL;
	c->on_done(c);
}

/* The callback comes later in this turn, with nothing of ours on the stack. */
static void call_end(struct call *c, int error)
{
	struct loop *loop = c->line->options.loop;

	if (c->wire)
		c->wire->call = NULL;
	c->wire = NULL;
	c->error = error;
	timer_stop(&c->timer);
	defer(loop, &c->done, on_done_run);
}

/*
 * Requests
 */

static void headers_fill(const struct call *c, struct headers *h)
{
	h->method_id = c->method;
	h->method = method_text(c->method);
	h->scheme = STR("http");
	h->authority = c->line->options.host;
	h->path = c->path;
	headers_add(h, HEADER_USER_AGENT, STR("weft/" WEFT_VERSION));
	headers_add(h, HEADER_ACCEPT, STR("*/*"));
	if (!c->content_type.len)
		return;
	headers_add(h, HEADER_CONTENT_TYPE, c->content_type);
	headers_add(h, HEADER_CONTENT_LENGTH, pool_printf(h->pool, "%zu", c->body.len));
}

static void wire_begin(struct wire *w)
{
	struct call *c = w->call;
	struct stream *s = http_client_conn_begin(w->http, &stream_handler, w);
	struct iovec iov = { (void *)c->body.ptr, c->body.len };
	struct headers h;

	if (!s) {
		call_end(c, ERR_CLOSED);
		return;
	}
	headers_init(&h, &s->pool);
	headers_fill(c, &h);
	c->started = true;
	if (stream_send_headers(s, &h, c->body.len == 0) != SEND_CLOSED && c->body.len > 0)
		stream_send_data(s, &iov, 1, true);
}

/*
 * Wires
 */

static void wire_rest(struct wire *w)
{
	struct line *l = w->line;

	if (w->idle || w->call)
		return;
	if (l->closing || l->idle_count >= l->options.idle_max) {
		http_client_conn_close(w->http);
		return;
	}
	w->idle = true;
	l->idle_count++;
	list_remove(&w->in_line);
	list_push_front(&l->wires, &w->in_line);
}

static void wire_unrest(struct wire *w)
{
	w->line->idle_count -= w->idle;
	w->idle = false;
}

static void on_ready(struct http_client_conn *hc)
{
	struct wire *w = http_client_conn_user(hc);

	w->ready = true;
	if (w->call)
		wire_begin(w);
	else
		http_client_conn_close(hc); /* its call was cancelled, or timed out */
}

static void on_available(struct http_client_conn *hc)
{
	wire_rest(http_client_conn_user(hc));
}

static void on_draining(struct http_client_conn *hc)
{
	wire_unrest(http_client_conn_user(hc));
}

static void on_wire_closed(struct http_client_conn *hc, int error)
{
	struct wire *w = http_client_conn_user(hc);

	if (w->call)
		call_end(w->call, error ? error : ERR_CLOSED);
	wire_unrest(w);
	list_remove(&w->in_line);
	w->line->wire_count--;
	mem_free(w);
}

static const struct http_client_handler wire_handler = {
	.on_ready = on_ready,
	.on_available = on_available,
	.on_draining = on_draining,
	.on_closed = on_wire_closed,
};

static struct wire *wire_open(struct line *l)
{
	static const struct conn_handler none;
	static const struct http_client_options http_options = { .codec = HTTP_CODEC_HTTP1 };
	struct socket_connect_options options = {
		.peer = &l->options.address,
		.timeout = CONNECT_TIMEOUT,
	};
	struct wire *w = mem_new(struct wire);
	struct conn *c = socket_conn_connect(l->options.loop, l->options.chunks, &options, &none);

	w->line = l;
	w->http = http_client_conn_open_take(c, &http_options, &wire_handler, w);
	list_push_back(&l->wires, &w->in_line);
	l->wire_count++;
	return w;
}

static struct wire *wire_idle(struct line *l)
{
	struct wire *w = list_first(&l->wires, struct wire, in_line);

	return w && w->idle && http_client_conn_available(w->http) ? w : NULL;
}

static void call_begin(struct call *c, bool fresh)
{
	struct wire *w = fresh ? NULL : wire_idle(c->line);

	c->started = false;
	c->kept_wire = w;
	if (!w)
		w = wire_open(c->line);
	wire_unrest(w);
	list_remove(&w->in_line);
	list_push_back(&c->line->wires, &w->in_line);
	c->wire = w;
	w->call = c;
	if (w->ready)
		wire_begin(w);
}

/*
 * Answers
 */

static void on_headers(struct stream *s, struct headers *h, bool end)
{
	struct wire *w = s->user;

	if (!w->call)
		return;
	w->call->status = h->status;
	if (end)
		call_end(w->call, 0);
}

static void on_data(struct stream *s, struct str data, bool end)
{
	struct wire *w = s->user;

	if (!w->call)
		return;
	if (buf_append_str(&w->call->response, data) < 0) {
		call_end(w->call, ERR_LIMIT);
		stream_reset(s, false);
	} else if (end) {
		call_end(w->call, 0);
	}
}

static bool may_try_again(const struct call *c)
{
	return c->kept_wire && !c->status && !c->line->closing && method_is_idempotent(c->method);
}

static void on_closed(struct stream *s, enum stream_reset reason)
{
	struct wire *w = s->user;
	struct call *c = w->call;

	if (!c)
		return;
	if (may_try_again(c)) {
		w->call = NULL;
		call_begin(c, true);
		return;
	}
	call_end(c, reason == STREAM_RESET_PROTOCOL ? ERR_PROTO : ERR_CLOSED);
}

static const struct stream_handler stream_handler = {
	.on_headers = on_headers,
	.on_data = on_data,
	.on_closed = on_closed,
};

/*
 * From outside
 */

void line_init(struct line *l, const struct line_options *options)
{
	*l = (struct line){ .options = *options };
	list_init(&l->wires);
}

void line_close(struct line *l)
{
	l->closing = true;
	list_for_each_safe (node, &l->wires)
		http_client_conn_close(container_of(node, struct wire, in_line)->http);
}

bool line_is_closed(const struct line *l)
{
	return l->wire_count == 0;
}

/* Its connection cannot be used again: what is still to come would be taken for an answer. */
static void abandon(struct call *c)
{
	struct wire *w = c->wire;

	if (!w)
		return;
	w->call = NULL;
	c->wire = NULL;
	http_client_conn_close(w->http);
}

static void on_timeout(struct timer *t)
{
	struct call *c = container_of(t, struct call, timer);

	abandon(c);
	call_end(c, ERR_TIMEOUT);
}

void call_start(struct line *l, struct call *c)
{
	assert(!call_is_running(c) && !l->closing);

	c->line = l;
	c->error = 0;
	c->status = 0;
	buf_clear(&c->response);
	c->response.limit_bytes =
		c->response_bytes_max ? c->response_bytes_max : RESPONSE_BYTES_DEFAULT;
	timer_init(&c->timer, on_timeout);
	if (c->timeout.ns)
		timer_start(l->options.loop, &c->timer, c->timeout);
	call_begin(c, false);
}

void call_cancel(struct call *c)
{
	if (!call_is_running(c))
		return;
	abandon(c);
	timer_stop(&c->timer);
	defer_cancel(&c->done);
	c->line = NULL;
}

void call_fini(struct call *c)
{
	assert(!call_is_running(c));
	buf_fini(&c->response);
}
