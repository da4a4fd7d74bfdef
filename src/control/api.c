#include "control/api_request.h"

#include <errno.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/node.h"
#include "codec/percent.h"
#include "net/socket.h"
#include "net/socket_conn.h"

#define CONNECTIONS_MAX 1024

struct api_connection {
	struct api *api;
	struct list in_api;
	struct http_server_conn *http;
	uid_t uid;
};

/* One row per route: method, path (a prefix where it ends in "/"), and who may. */
struct api_route {
	const char *method;
	struct str path;
	void (*serve)(struct api_request *q);
	bool writes;
};

// clang-format off
static const struct api_route routes[] = {
	{ "GET",    STR_INIT("/healthz"),           api_healthz,       false },
	{ "GET",    STR_INIT("/metrics"),           api_metrics,       false },
	{ "GET",    STR_INIT("/api/"),              api_object_get,    false },
	{ "GET",    STR_INIT("/apis/"),             api_object_get,    false },
	{ "PUT",    STR_INIT("/api/"),              api_object_put,    true },
	{ "PUT",    STR_INIT("/apis/"),             api_object_put,    true },
	{ "DELETE", STR_INIT("/api/"),              api_object_delete, true },
	{ "DELETE", STR_INIT("/apis/"),             api_object_delete, true },
	{ "POST",   STR_INIT("/apply"),             api_apply,         true },
	{ "POST",   STR_INIT("/weft/v1/register"),  api_register,      true },
	{ "GET",    STR_INIT("/weft/v1/history"),   api_history,       false },
	{ "GET",    STR_INIT("/weft/v1/revisions/"), api_revision,     false },
	{ "POST",   STR_INIT("/weft/v1/rollback"),  api_rollback,      true },
	{ "POST",   STR_INIT("/weft/v1/backup"),    api_backup,        true },
	{ "GET",    STR_INIT("/weft/v1/info"),      api_info,          false },
	{ "GET",    STR_INIT("/weft/v1/status"),    api_status,        false },
	{ "GET",    STR_INIT("/weft/v1/proxies"),   api_proxies,       false },
	{ "GET",    STR_INIT("/weft/v1/stat"),      api_stat,          false },
};
// clang-format on

static const struct http_server_options server_options = {
	.codec = HTTP_CODEC_AUTO,
	.idle_timeout = { 300 * INT64_C(1000000000) },
	.headers_timeout = { 10 * INT64_C(1000000000) },
};

static bool route_has_path(const struct api_route *r, struct str path)
{
	if (r->path.ptr[r->path.len - 1] == '/')
		return str_has_prefix(path, r->path);
	return str_eq(path, r->path);
}

static void refuse(struct api_request *q, int error, const char *text, const char *hint)
{
	struct diag d = DIAG_INIT;

	diag_fail(&d, error, "%s", text);
	if (hint)
		diag_hint(&d, "%s", hint);
	api_answer_problem(q, &d);
	diag_fini(&d);
}

static void dispatch(struct api_request *q)
{
	bool path_known = false;

	q->api->requests++;
	for (size_t i = 0; i < array_count(routes); i++) {
		const struct api_route *r = &routes[i];

		if (!route_has_path(r, q->path))
			continue;
		path_known = true;
		if (!str_eq(q->headers->method, str_from(r->method)))
			continue;
		if (r->writes && q->uid != 0 && q->uid != geteuid()) {
			q->api->refused++;
			log_warn("api.denied", "uid=%u method=%s path=%s", q->uid, r->method,
				 log_quote(q->path));
			refuse(q, ERR_DENIED,
			       "only root and the user of the control plane may change things",
			       "run the command as that user");
			return;
		}
		r->serve(q);
		return;
	}
	if (path_known)
		refuse(q, ERR_UNSUPPORTED, "this path does not take that method", NULL);
	else
		refuse(q, ERR_NOT_FOUND, "there is no such path", NULL);
}

/*
 * Streams
 */

static void on_data(struct stream *s, struct str data, bool end)
{
	struct api_request *q = s->user;

	if (buf_append_str(&q->body, data) < 0) {
		refuse(q, ERR_LIMIT, "the request is larger than 8 MiB", "split it");
		stream_reset(s, false);
		return;
	}
	if (end)
		dispatch(q);
}

static void on_headers(struct stream *s, struct headers *h, bool end)
{
	struct api_request *q = s->user;
	const struct grpc_service *grpc = q->api->options.grpc;
	size_t mark;

	if (grpc && grpc_request_is(h)) {
		/* The call has a handler of its own from here on. */
		s->user = NULL;
		pool_fini(&q->pool);
		mem_free(q);
		grpc_serve_take(grpc, s, h, end);
		return;
	}
	mark = str_find(h->path, 0, '?');
	q->headers = h;
	q->path = str_slice(h->path, 0, mark);
	q->query = str_slice(h->path, mark + 1, h->path.len);
	if (end)
		dispatch(q);
}

static void on_stream_closed(struct stream *s, unused_arg enum stream_reset reason)
{
	struct api_request *q = s->user;

	buf_fini(&q->body);
	pool_fini(&q->pool);
	mem_free(q);
}

static const struct stream_handler stream_handler = {
	.on_headers = on_headers,
	.on_data = on_data,
	.on_closed = on_stream_closed,
};

static void on_stream(struct http_server_conn *hc, struct stream *s)
{
	struct api_connection *c = http_server_conn_user(hc);
	struct api_request *q = mem_new(struct api_request);

	q->api = c->api;
	q->stream = s;
	q->uid = c->uid;
	buf_init(&q->body, API_BODY_BYTES_MAX);
	pool_init(&q->pool, 16 * 1024);
	s->user = q;
	s->handler = &stream_handler;
}

static void on_connection_closed(struct http_server_conn *hc)
{
	struct api_connection *c = http_server_conn_user(hc);

	list_remove(&c->in_api);
	c->api->connection_count--;
	mem_free(c);
}

static const struct http_server_handler server_handler = {
	.on_stream = on_stream,
	.on_closed = on_connection_closed,
};

static void on_accept(struct acceptor *acceptor, int fd, const struct address *peer)
{
	struct api *a = container_of(acceptor, struct api, acceptor);
	struct socket_peer who;
	struct api_connection *c;
	struct conn *conn;

	if (a->connection_count >= CONNECTIONS_MAX || socket_peer_of(fd, &who) < 0) {
		close(fd);
		return;
	}
	c = mem_new(struct api_connection);
	c->api = a;
	c->uid = who.uid;
	list_push_back(&a->connections, &c->in_api);
	a->connection_count++;
	conn = socket_conn_new_take(a->options.loop, a->options.chunks, fd, peer, NULL);
	c->http = http_server_conn_open_take(conn, &server_options, &server_handler, c);
}

int api_new(const struct api_options *options, int listening_fd, struct api **ret_api)
{
	struct api *a = mem_new(struct api);
	int r;

	a->options = *options;
	a->started = loop_wall_now(options->loop);
	list_init(&a->connections);
	r = acceptor_start(options->loop, &a->acceptor, listening_fd, on_accept);
	if (r < 0) {
		mem_free(a);
		return r;
	}
	*ret_api = a;
	return 0;
}

void api_close(struct api *a)
{
	acceptor_stop(&a->acceptor);
	list_for_each_safe (node, &a->connections)
		http_server_conn_close(container_of(node, struct api_connection, in_api)->http);
}

bool api_is_idle(const struct api *a)
{
	return a->connection_count == 0;
}

struct api *api_free(struct api *a)
{
	mem_free(a);
	return NULL;
}
