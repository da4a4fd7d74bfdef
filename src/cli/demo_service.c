/*
 * weft demo-service: one service of the shop
 *
 * A small HTTP/1 server whose pages are rows of demo_pages.c. The calls of a page are made side
 * by side; when all have answered, the page is written. One that fails is answered with 502 and
 * its name. SIGTERM: no new connections, and an end when those that are open have finished.
 */

#include <signal.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "cli/call.h"
#include "cli/commands.h"
#include "cli/demo_pages.h"
#include "cli/demo_shop.h"
#include "codec/node.h"
#include "event/signal.h"
#include "http/server.h"
#include "net/acceptor.h"
#include "net/socket.h"
#include "net/socket_conn.h"

#define CHUNKS_KEPT     64
#define CONNECTIONS_MAX 1024
#define BODY_BYTES_MAX  (64 * 1024)
#define CALL_TIMEOUT    DURATION_SECONDS(10)
#define IDLE_MAX        32
#define STOP_TIMEOUT    DURATION_SECONDS(1)

struct service_settings {
	setting_text service;
	setting_text version;
	setting_text listen;
	setting_list upstream; /* NAME=ADDRESS:PORT */
};

static const struct setting table[] = {
	SETTING(struct service_settings, service, text, NULL, "NAME", "Which service."),
	SETTING(struct service_settings, version, text, "", "VERSION", "And which version."),
	SETTING(struct service_settings, listen, text, NULL, "ADDRESS:PORT", "Where it listens."),
	SETTING(struct service_settings, upstream, list, NULL, "NAME=ADDRESS:PORT",
		"Where it finds another one."),
	{ 0 },
};

struct upstream {
	struct str name;
	struct line line;
};

struct service {
	const struct service_settings *settings;
	struct loop *loop;
	struct chunk_stock chunks;
	struct acceptor acceptor;
	struct signal_source signals;
	struct timer stop;
	int fd;
	struct list connections; /* struct guest */
	uint32_t connection_count;
	struct upstream upstreams[SHOP_CALLS_MAX];
	size_t upstream_count;
	uint64_t visits;
	bool stopping;
};

/* A connection to us. */
struct guest {
	struct list in_service;
	struct service *service;
	struct http_server_conn *http;
};

/* A request under way. */
struct visit {
	struct service *service;
	struct stream *stream; /* NULL: the client is gone */
	const struct page *page;
	struct page_visit facts;
	struct call calls[PAGE_CALLS_MAX];
	uint32_t call_count;
	uint32_t pending;
	uint64_t body_bytes;
};

/*
 * Answering
 */

static void visit_free(struct visit *v)
{
	for (uint32_t i = 0; i < v->call_count; i++) {
		call_cancel(&v->calls[i]);
		call_fini(&v->calls[i]);
	}
	mem_free(v);
}

/* The first call that did not end with a good answer. */
static const char *failed_call(const struct visit *v)
{
	for (uint32_t i = 0; i < v->call_count; i++)
		if (v->calls[i].error || v->calls[i].status != 200)
			return v->page->calls[i].service;
	return NULL;
}

static void answer(struct visit *v)
{
	struct pool pool = POOL_INIT(0);
	struct diag d = DIAG_INIT;
	struct buf body = BUF_INIT(0);
	const char *failed = failed_call(v);

	for (uint32_t i = 0; !failed && i < v->call_count; i++) {
		struct node *n = NULL;

		if (json_parse(buf_str(&v->calls[i].response), NULL, &pool, &n, &d) == 0)
			v->facts.answers[i] = n;
	}
	if (failed) {
		buf_printf(&body, "%s did not answer\n", failed);
		stream_reply(v->stream, 502, STR("text/plain"), buf_str(&body));
	} else {
		v->page->write(&v->facts, &body);
		stream_reply(v->stream, 200, str_from(v->page->type), buf_str(&body));
	}
	buf_fini(&body);
	diag_fini(&d);
	pool_fini(&pool);
}

static void on_call_done(struct call *c)
{
	struct visit *v = c->user;

	if (--v->pending == 0 && v->stream)
		answer(v);
}

static struct line *line_to(struct service *s, const char *name)
{
	for (size_t i = 0; i < s->upstream_count; i++)
		if (str_eq(s->upstreams[i].name, str_from(name)))
			return &s->upstreams[i].line;
	return NULL;
}

static struct str call_path(const struct visit *v, const char *path)
{
	struct str own = str_from(path);

	if (own.len > 1 && own.ptr[own.len - 1] == '/')
		return pool_printf(&v->stream->pool, "%s%u", path, v->facts.item);
	return own;
}

static void calls_start(struct visit *v)
{
	const struct page *p = v->page;

	while (v->call_count < PAGE_CALLS_MAX && p->calls[v->call_count].service)
		v->call_count++;
	v->pending = v->call_count;
	for (uint32_t i = 0; i < v->call_count; i++) {
		struct line *line = line_to(v->service, p->calls[i].service);

		v->calls[i] = (struct call){
			.method = p->calls[i].method,
			.path = call_path(v, p->calls[i].path),
			.timeout = CALL_TIMEOUT,
			.on_done = on_call_done,
			.user = v,
		};
		if (line && !v->service->stopping) {
			call_start(line, &v->calls[i]);
			continue;
		}
		v->calls[i].error = ERR_UNAVAILABLE;
		v->pending--;
	}
	if (v->pending == 0)
		answer(v);
}

/*
 * Requests
 */

static void on_body(struct stream *s, struct str data, bool end)
{
	struct visit *v = s->user;

	v->body_bytes += data.len;
	if (v->body_bytes > BODY_BYTES_MAX)
		stream_reset(s, false);
	else if (end)
		calls_start(v);
}

static void on_headers(struct stream *s, struct headers *h, bool end)
{
	struct visit *v = s->user;
	struct service *service = v->service;

	v->facts.version = service->settings->version;
	v->facts.number = ++service->visits;
	v->page = page_find(str_from(service->settings->service), h->method_id, h->path,
			    &v->facts.item);
	if (!v->page)
		stream_reply(v->stream, 404, STR("text/plain"), STR("there is no such page\n"));
	else if (end)
		calls_start(v);
}

static void on_stream_closed(struct stream *s, unused_arg enum stream_reset reason)
{
	struct visit *v = s->user;

	v->stream = NULL;
	visit_free(v);
}

static const struct stream_handler stream_handler = {
	.on_headers = on_headers,
	.on_data = on_body,
	.on_closed = on_stream_closed,
};

static void on_stream(struct http_server_conn *hc, struct stream *s)
{
	struct guest *g = http_server_conn_user(hc);
	struct visit *v = mem_new(struct visit);

	v->service = g->service;
	v->stream = s;
	s->user = v;
	s->handler = &stream_handler;
}

/*
 * Connections
 */

static void check_stopped(struct service *s)
{
	if (s->stopping && list_is_empty(&s->connections))
		loop_stop(s->loop);
}

static void on_guest_closed(struct http_server_conn *hc)
{
	struct guest *g = http_server_conn_user(hc);
	struct service *s = g->service;

	list_remove(&g->in_service);
	s->connection_count--;
	mem_free(g);
	check_stopped(s);
}

static const struct http_server_handler server_handler = {
	.on_stream = on_stream,
	.on_closed = on_guest_closed,
};

static void on_accept(struct acceptor *a, int fd, const struct address *peer)
{
	static const struct http_server_options options = { .codec = HTTP_CODEC_HTTP1 };
	static const struct conn_handler none;
	struct service *s = container_of(a, struct service, acceptor);
	struct guest *g;

	if (s->connection_count >= CONNECTIONS_MAX) {
		close(fd);
		return;
	}
	g = mem_new(struct guest);
	g->service = s;
	list_push_back(&s->connections, &g->in_service);
	s->connection_count++;
	g->http = http_server_conn_open_take(
		socket_conn_new_take(s->loop, &s->chunks, fd, peer, &none), &options,
		&server_handler, g);
}

/*
 * Beginning and end
 */

static void on_stop_due(struct timer *t)
{
	loop_stop(container_of(t, struct service, stop)->loop);
}

static void on_signal(struct signal_source *source, unused_arg int number)
{
	struct service *s = container_of(source, struct service, signals);

	if (s->stopping)
		return;
	s->stopping = true;
	acceptor_stop(&s->acceptor);
	list_for_each_safe (node, &s->connections)
		http_server_conn_drain(container_of(node, struct guest, in_service)->http);
	timer_start(s->loop, &s->stop, STOP_TIMEOUT);
	check_stopped(s);
}

static int upstream_add(struct service *s, const char *text, struct diag *d)
{
	struct upstream *u = &s->upstreams[s->upstream_count];
	struct str whole = str_from(text);
	size_t equals = str_find(whole, 0, '=');
	struct line_options options = {
		.loop = s->loop,
		.chunks = &s->chunks,
		.idle_max = IDLE_MAX,
	};

	if (s->upstream_count == SHOP_CALLS_MAX ||
	    address_parse(str_slice(whole, equals + 1, whole.len), &options.address) < 0)
		return diag_fail(d, ERR_CONFIG, "--upstream: \"%s\" is not NAME=ADDRESS:PORT",
				 text);
	u->name = str_slice(whole, 0, equals);
	options.host = u->name;
	line_init(&u->line, &options);
	s->upstream_count++;
	return 0;
}

static int service_open(struct service *s, struct diag *d)
{
	static const int signals[] = { SIGTERM, SIGINT };
	struct address address;
	int r = 0;

	if (!s->settings->service || !s->settings->listen ||
	    address_parse(str_from(s->settings->listen), &address) < 0)
		return diag_fail(d, ERR_CONFIG, "--service and --listen ADDRESS:PORT are needed");
	r = loop_new(&s->loop);
	for (size_t i = 0; r == 0 && i < s->settings->upstream.count; i++)
		r = upstream_add(s, s->settings->upstream.items[i], d);
	if (r == 0)
		r = socket_listen(&address, NULL, &s->fd);
	if (r == 0)
		r = acceptor_start(s->loop, &s->acceptor, s->fd, on_accept);
	if (r == 0)
		r = signal_source_start(s->loop, &s->signals, signals, array_count(signals),
					on_signal);
	return r < 0 ? diag_fail(d, r, "cannot serve on %s: %s", s->settings->listen, err_text(r))
		     : 0;
}

static bool is_closed(const struct service *s)
{
	for (size_t i = 0; i < s->upstream_count; i++)
		if (!line_is_closed(&s->upstreams[i].line))
			return false;
	return list_is_empty(&s->connections);
}

static void service_close(struct service *s)
{
	int r = 0;

	if (!s->loop)
		return;
	s->stopping = true;
	list_for_each_safe (node, &s->connections)
		http_server_conn_close(container_of(node, struct guest, in_service)->http);
	for (size_t i = 0; i < s->upstream_count; i++)
		line_close(&s->upstreams[i].line);
	while (r == 0 && !is_closed(s))
		r = loop_turn(s->loop, DURATION_FOREVER);
	timer_stop(&s->stop);
	acceptor_stop(&s->acceptor);
	signal_source_stop(&s->signals);
	if (s->fd >= 0)
		close(s->fd);
	if (loop_turn(s->loop, DURATION_NS(0)) == 0)
		loop_free(s->loop);
	chunk_stock_fini(&s->chunks);
}

static int run(const struct invocation *in)
{
	struct service s = { .settings = in->settings, .fd = -1 };
	struct diag d = DIAG_INIT;
	int code = EXIT_DONE;
	int r;

	list_init(&s.connections);
	chunk_stock_init(&s.chunks, CHUNKS_KEPT);
	timer_init(&s.stop, on_stop_due);
	r = service_open(&s, &d);
	if (r == 0)
		r = loop_run(s.loop);
	if (r < 0) {
		diag_fail(&d, r, "%s", err_text(r));
		code = cli_problem(in->cli, &d, STR_EMPTY);
	}
	service_close(&s);
	diag_fini(&d);
	return code;
}

const struct command demo_service_command = {
	.name = "demo-service",
	.summary = "One service of the demo's shop",
	.usage = "--service NAME --listen ADDRESS:PORT [flags]",
	.settings = table,
	.settings_size = sizeof(struct service_settings),
	.hidden = true,
	.run = run,
};
