#include "http/fetch.h"

#include "base/mem.h"
#include "net/socket_conn.h"
#include "net/tls.h"

#define BODY_BYTES_DEFAULT (16 * 1024 * 1024)
#define TIMEOUT_DEFAULT    DURATION_SECONDS(30)

struct http_fetch {
	struct loop *loop;
	struct http_client_conn *hc; /* NULL: closed */
	struct stream *s;            /* NULL: not begun, or over */
	struct headers *answer;      /* the stream's; NULL: no head came */
	struct pool pool;            /* of the request */
	struct headers request;
	struct str request_body;
	struct buf body;
	struct timer timer;
	struct deferred reap;
	bool done; /* on_done came, or was cancelled */
	char *tls_failure;
	void (*on_head)(struct http_fetch *f, const struct headers *h);
	void (*on_data)(struct http_fetch *f, struct str data);
	void (*on_done)(struct http_fetch *f, const struct http_fetch_result *result);
	void *user;
};

static void on_reap(struct deferred *d)
{
	struct http_fetch *f = container_of(d, struct http_fetch, reap);

	buf_fini(&f->body);
	pool_fini(&f->pool);
	mem_free(f->tls_failure);
	mem_free(f);
}

/* Tells the outcome, once; the connection's end frees the rest. */
static void finish(struct http_fetch *f, int error)
{
	struct http_fetch_result result = {
		.error = error,
		.detail = f->tls_failure ? f->tls_failure : err_text(error),
		.status = f->answer ? f->answer->status : 0,
		.headers = f->answer,
		.body = buf_str(&f->body),
	};

	if (f->done)
		return;
	f->done = true;
	timer_stop(&f->timer);
	f->on_done(f, &result);
	if (f->hc)
		http_client_conn_close(f->hc);
}

static void on_headers(struct stream *s, struct headers *h, unused_arg bool end)
{
	struct http_fetch *f = s->user;

	f->answer = h;
	if (!f->done && f->on_head)
		f->on_head(f, h);
}

static void on_data(struct stream *s, struct str data, unused_arg bool end)
{
	struct http_fetch *f = s->user;

	if (f->done || data.len == 0)
		return;
	if (f->on_data)
		f->on_data(f, data);
	else if (buf_append_str(&f->body, data) < 0)
		finish(f, ERR_LIMIT);
}

/* What the end of a stream is as an error. */
static const int reset_errors[] = {
	[STREAM_RESET_NONE] = 0,
	[STREAM_RESET_LOCAL] = ERR_PROTO,
	[STREAM_RESET_PEER] = ERR_CLOSED,
	[STREAM_RESET_REFUSED] = ERR_UNAVAILABLE,
	[STREAM_RESET_CLOSED] = ERR_CLOSED,
	[STREAM_RESET_PROTOCOL] = ERR_PROTO,
	[STREAM_RESET_LIMIT] = ERR_LIMIT,
	[STREAM_RESET_CONNECT] = ERR_UNAVAILABLE,
};

static void on_stream_closed(struct stream *s, enum stream_reset reason)
{
	struct http_fetch *f = s->user;

	finish(f, reset_errors[reason]);
	f->s = NULL;
	f->answer = NULL;
}

static const struct stream_handler stream_handler = {
	.on_headers = on_headers,
	.on_data = on_data,
	.on_closed = on_stream_closed,
};

static void on_ready(struct http_client_conn *hc)
{
	struct http_fetch *f = http_client_conn_user(hc);
	struct iovec iov = { (void *)f->request_body.ptr, f->request_body.len };

	if (f->done)
		return;
	f->s = http_client_conn_begin(hc, &stream_handler, f);
	if (!f->s) {
		finish(f, ERR_UNAVAILABLE);
		return;
	}
	f->request.scheme = http_client_conn_transport(hc)->tls ? STR("https") : STR("http");
	stream_send_headers(f->s, &f->request, iov.iov_len == 0);
	if (iov.iov_len > 0)
		stream_send_data(f->s, &iov, 1, true);
}

static void note_tls_failure(struct http_fetch *f)
{
	const struct conn *c = http_client_conn_transport(f->hc);

	if (c && c->tls && c->tls->failure != TLS_FAILURE_NONE)
		f->tls_failure = mem_strdup(c->tls->failure_text);
}

static void on_closed(struct http_client_conn *hc, int error)
{
	struct http_fetch *f = http_client_conn_user(hc);

	note_tls_failure(f);
	f->hc = NULL;
	finish(f, error ? error : ERR_CLOSED);
	timer_stop(&f->timer);
	loop_reap(f->loop, &f->reap, on_reap);
}

static const struct http_client_handler client_handler = {
	.on_ready = on_ready,
	.on_closed = on_closed,
};

static void on_due(struct timer *t)
{
	finish(container_of(t, struct http_fetch, timer), ERR_TIMEOUT);
}

static struct str authority_of(struct http_fetch *f, const struct http_fetch_options *o)
{
	if (o->authority.len)
		return pool_strdup(&f->pool, o->authority);
	if (address_port(o->address) == 0)
		return STR("localhost");
	return pool_strdup(&f->pool, str_from(address_text(o->address)));
}

static void write_request(struct http_fetch *f, const struct http_fetch_options *o)
{
	struct headers *h = &f->request;

	headers_init(h, &f->pool);
	h->method = o->method.len ? pool_strdup(&f->pool, o->method) : STR("GET");
	h->method_id = method_of(h->method);
	h->path = o->path.len ? pool_strdup(&f->pool, o->path) : STR("/");
	h->authority = authority_of(f, o);
	for (size_t i = 0; i < o->field_count; i++)
		headers_add_named(h, pool_strdup(&f->pool, o->fields[i].name),
				  pool_strdup(&f->pool, o->fields[i].value));
	f->request_body = pool_strdup(&f->pool, o->body);
	if (o->body.len)
		headers_set(h, HEADER_CONTENT_LENGTH, pool_printf(&f->pool, "%zu", o->body.len));
}

/* Until the HTTP connection takes over nothing can happen: no turn of the loop is between. */
static const struct conn_handler no_handler = { 0 };

static struct conn *connect_to(struct loop *l, struct chunk_stock *chunks,
			       const struct http_fetch_options *o)
{
	const struct socket_connect_options target = { .peer = o->address };
	struct conn *c = socket_conn_connect(l, chunks, &target, &no_handler);

	if (!o->tls)
		return c;
	return tls_conn_new_take(c, &(struct tls_conn_options){ .context = o->tls, .sni = o->sni },
				 &no_handler);
}

struct http_fetch *http_fetch_start(struct loop *l, struct chunk_stock *chunks,
				    const struct http_fetch_options *o)
{
	struct http_fetch *f = mem_new(struct http_fetch);
	const struct http_client_options options = { .codec = o->codec };
	struct duration timeout = o->timeout.ns ? o->timeout : TIMEOUT_DEFAULT;

	f->loop = l;
	f->on_head = o->on_head;
	f->on_data = o->on_data;
	f->on_done = o->on_done;
	f->user = o->user;
	pool_init(&f->pool, 0);
	buf_init(&f->body, o->body_bytes_max ? o->body_bytes_max : BODY_BYTES_DEFAULT);
	write_request(f, o);
	timer_init(&f->timer, on_due);
	if (timeout.ns != DURATION_FOREVER.ns)
		timer_start(l, &f->timer, timeout);
	f->hc = http_client_conn_open_take(connect_to(l, chunks, o), &options, &client_handler, f);
	return f;
}

void *http_fetch_user(const struct http_fetch *f)
{
	return f->user;
}

void http_fetch_cancel(struct http_fetch *f)
{
	if (f->done)
		return;
	f->done = true;
	timer_stop(&f->timer);
	if (f->hc)
		http_client_conn_close(f->hc);
}
