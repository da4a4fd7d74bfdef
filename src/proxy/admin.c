#include "proxy/admin.h"

#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "codec/node.h"
#include "codec/percent.h"
#include "http/server.h"
#include "net/acceptor.h"
#include "net/socket.h"
#include "net/socket_conn.h"
#include "proxy/proxy.h"

#define ANSWER_BYTES_MAX   (256 * 1024 * 1024)
#define CONNECTIONS_MAX    256
#define ADMIN_IDLE_TIMEOUT DURATION_SECONDS(60)

struct admin {
	struct proxy *proxy;
	struct acceptor acceptor;
	struct chunk_stock chunks;
	struct http_server_options options;
	struct address address;
	int fd;
	bool inherited;
	struct list conns; /* struct admin_conn */
	uint32_t conn_count;
};

struct admin_conn {
	struct admin *admin;
	struct list in_admin;
	struct http_server_conn *server;
	struct deferred reap;
};

struct endpoint_row {
	const char *path;
	bool changes; /* needs POST */
	void (*run)(struct admin_request *r);
	const char *text;
};

static void page_help(struct admin_request *r);

/*
 * Small pages
 */

static const char *const state_names[] = {
	[PROXY_STARTING] = "INITIALIZING",
	[PROXY_LIVE] = "LIVE",
	[PROXY_DRAINING] = "DRAINING",
	[PROXY_ENDED] = "DRAINING",
};

static void page_ready(struct admin_request *r)
{
	const char *name = state_names[r->proxy->state];

	if (r->proxy->state == PROXY_LIVE && !proxy_is_ready(r->proxy))
		name = state_names[PROXY_STARTING];
	if (!proxy_is_ready(r->proxy))
		r->status = 503;
	buf_printf(r->out, "%s\n", name);
}

static void json_out(struct admin_request *r, const struct node *n)
{
	r->content_type = STR("application/json");
	json_write_pretty(n, r->out);
	buf_append_char(r->out, '\n');
}

static void page_server_info(struct admin_request *r)
{
	struct proxy *p = r->proxy;
	struct pool pool = POOL_INIT(0);
	struct node *root = node_new(&pool, NODE_MAP), *node = node_new(&pool, NODE_MAP);
	struct duration up = instant_since(loop_now(p->loop), p->started);

	node_map_add(root, STR("version"), node_new_text(&pool, STR("weft/" WEFT_VERSION)));
	node_map_add(root, STR("state"), node_new_text(&pool, str_from(state_names[p->state])));
	node_map_add(
		root, STR("uptime_current_epoch"),
		node_new_text(&pool, pool_printf(&pool, "%llds", (long long)(up.ns / 1000000000))));
	node_map_add(root, STR("concurrency"), node_new_number(&pool, p->workers.count));
	node_map_add(root, STR("pid"), node_new_number(&pool, getpid()));
	node_map_add(root, STR("revision"),
		     node_new_number(&pool, (int64_t)p->resources.revision_applied));
	if (p->options.config_path)
		node_map_add(root, STR("config_path"),
			     node_new_text(&pool, str_from(p->options.config_path)));
	node_map_add(node, STR("id"), node_new_text(&pool, p->bootstrap->node_id));
	node_map_add(node, STR("cluster"), node_new_text(&pool, p->bootstrap->node_cluster));
	node_map_add(root, STR("node"), node);
	json_out(r, root);
	pool_fini(&pool);
}

static void page_memory(struct admin_request *r)
{
	struct pool pool = POOL_INIT(0);
	struct node *root = node_new(&pool, NODE_MAP);

	node_map_add(root, STR("allocated"),
		     node_new_text(&pool, pool_printf(&pool, "%llu",
						      (unsigned long long)mem_live_bytes())));
	json_out(r, root);
	pool_fini(&pool);
}

static void run_quit(struct admin_request *r)
{
	buf_append_str(r->out, STR("OK\n"));
	proxy_quit(r->proxy);
}

static void run_drain(struct admin_request *r)
{
	buf_append_str(r->out, STR("OK\n"));
	proxy_drain_listeners(r->proxy);
}

// clang-format off
static const struct { const char *name; enum log_level level; } levels[] = {
	{ "trace",    LOG_LEVEL_DEBUG },
	{ "debug",    LOG_LEVEL_DEBUG },
	{ "info",     LOG_LEVEL_INFO },
	{ "warning",  LOG_LEVEL_WARN },
	{ "warn",     LOG_LEVEL_WARN },
	{ "error",    LOG_LEVEL_ERROR },
	{ "critical", LOG_LEVEL_ERROR },
};
// clang-format on

static void run_logging(struct admin_request *r)
{
	struct str level = admin_parameter(r, STR("level"), NULL);

	for (size_t i = 0; i < array_count(levels); i++) {
		if (!str_eq(level, str_from(levels[i].name)))
			continue;
		log_set_level(levels[i].level);
		buf_printf(r->out, "level: %s\n", levels[i].name);
		return;
	}
	r->status = 400;
	buf_append_str(r->out, STR("usage: /logging?level=debug|info|warning|error\n"));
}

// clang-format off
static const struct endpoint_row rows[] = {
	{ "/certs",            false, admin_certs,            "certificates in use" },
	{ "/clusters",         false, admin_clusters,         "clusters and their endpoints" },
	{ "/config_dump",      false, admin_config_dump,      "the resources in use" },
	{ "/drain_listeners",  true,  run_drain,              "accept no further connection" },
	{ "/dump",             false, admin_dump,             "connections, pools and loops, by worker" },
	{ "/help",             false, page_help,              "this list" },
	{ "/listeners",        false, admin_listeners,        "addresses that are listened on" },
	{ "/logging",          true,  run_logging,            "set the level of the log: ?level=" },
	{ "/memory",           false, page_memory,            "memory in use" },
	{ "/quitquitquit",     true,  run_quit,               "end at once" },
	{ "/ready",            false, page_ready,             "200 when live" },
	{ "/server_info",      false, page_server_info,       "version, state, uptime" },
	{ "/stats",            false, admin_stats,            "counters: ?filter= ?format=json ?usedonly" },
	{ "/stats/prometheus", false, admin_stats_prometheus, "counters for Prometheus" },
	{ 0 },
};
// clang-format on

static void page_help(struct admin_request *r)
{
	buf_append_str(r->out, STR("admin commands are:\n"));
	for (const struct endpoint_row *row = rows; row->path; row++)
		buf_printf(r->out, "  %s%s: %s\n", row->path, row->changes ? " (POST)" : "",
			   row->text);
}

/*
 * Serving
 */

struct str admin_parameter(const struct admin_request *r, struct str name, bool *ret_there)
{
	struct str rest = r->query, part;

	if (ret_there)
		*ret_there = false;
	while (str_split(&rest, '&', &part)) {
		size_t at = str_find(part, 0, '=');

		if (!str_eq(str_slice(part, 0, at), name))
			continue;
		if (ret_there)
			*ret_there = true;
		return str_slice(part, at + 1, part.len);
	}
	return STR_EMPTY;
}

static const struct endpoint_row *find_row(struct str path)
{
	for (const struct endpoint_row *row = rows; row->path; row++)
		if (str_eq(path, str_from(row->path)))
			return row;
	return NULL;
}

static void run(struct admin_request *r, const struct headers *h)
{
	const struct endpoint_row *row = find_row(r->path);
	bool looks = h->method_id == METHOD_GET || h->method_id == METHOD_HEAD;

	if (str_eq(r->path, STR("/")))
		row = find_row(STR("/help"));
	if (!row) {
		r->status = 404;
		buf_printf(r->out, "invalid path %s; see /help\n", log_quote(r->path));
	} else if (row->changes ? h->method_id != METHOD_POST : !looks) {
		r->status = 405;
		buf_printf(r->out, "Method %.*s not allowed, %s required.\n", STR_ARGS(h->method),
			   row->changes ? "POST" : "GET");
	} else {
		row->run(r);
	}
}

static void on_headers(struct stream *s, struct headers *h, bool end)
{
	struct buf out = BUF_INIT(ANSWER_BYTES_MAX);
	size_t at = str_find(h->path, 0, '?');
	struct admin_conn *c = s->user;
	struct admin_request r = {
		.proxy = c->admin->proxy,
		.path = str_slice(h->path, 0, at),
		.query = str_slice(h->path, at + 1, h->path.len),
		.out = &out,
		.status = 200,
		.content_type = STR("text/plain; charset=UTF-8"),
		.stream = s,
	};

	run(&r, h);
	if (!r.later)
		stream_reply(s, r.status, r.content_type, buf_str(&out));
	buf_fini(&out);
	if (!end && !r.later)
		stream_reset(s, false);
}

static void on_data(struct stream *s, struct str data, bool end)
{
	(void)s;
	(void)data;
	(void)end;
}

static void on_closed(struct stream *s, enum stream_reset reason)
{
	(void)s;
	(void)reason;
}

static const struct stream_handler stream_handler = {
	.on_headers = on_headers,
	.on_data = on_data,
	.on_closed = on_closed,
};

static void on_stream(struct http_server_conn *hc, struct stream *s)
{
	s->handler = &stream_handler;
	s->user = http_server_conn_user(hc);
}

static void conn_reap(struct deferred *d)
{
	mem_free(container_of(d, struct admin_conn, reap));
}

static void on_conn_closed(struct http_server_conn *hc)
{
	struct admin_conn *c = http_server_conn_user(hc);

	list_remove(&c->in_admin);
	c->admin->conn_count--;
	loop_reap(c->admin->proxy->loop, &c->reap, conn_reap);
}

static const struct http_server_handler server_handler = {
	.on_stream = on_stream,
	.on_closed = on_conn_closed,
};

/* Of a connection that could not even begin. */
static void nobody_closed(struct conn *c)
{
	(void)c;
}

static void on_accept(struct acceptor *acceptor, int fd, const struct address *peer)
{
	static const struct conn_handler nobody = { .on_closed = nobody_closed };
	struct admin *a = container_of(acceptor, struct admin, acceptor);
	struct admin_conn *c;
	struct conn *conn;

	if (a->conn_count == CONNECTIONS_MAX) {
		close(fd);
		return;
	}
	conn = socket_conn_new_take(a->proxy->loop, &a->chunks, fd, peer, &nobody);
	if (conn->state != CONN_OPEN)
		return;
	c = mem_new(struct admin_conn);
	c->admin = a;
	list_push_back(&a->conns, &c->in_admin);
	a->conn_count++;
	c->server = http_server_conn_open_take(conn, &a->options, &server_handler, c);
}

static int listen_fd(struct proxy *p, const struct address *address, struct admin *a,
		     struct diag *d)
{
	int r;

	a->fd = inherited_find(&p->inherited, STR("admin"));
	a->inherited = a->fd >= 0;
	r = a->inherited ? socket_adopt_listening(a->fd) : socket_listen(address, NULL, &a->fd);
	if (r < 0)
		return diag_fail(d, r, "cannot listen on the admin address %s: %s",
				 address_text(address), err_text(r));
	return 0;
}

int admin_open(struct proxy *p, const struct address *address, struct admin **ret_admin,
	       struct diag *d)
{
	struct address peer;
	struct admin *a;
	int r;

	*ret_admin = NULL;
	if (address->len == 0)
		return 0;
	a = mem_new(struct admin);
	a->proxy = p;
	a->options.idle_timeout = ADMIN_IDLE_TIMEOUT;
	list_init(&a->conns);
	chunk_stock_init(&a->chunks, 4);
	r = listen_fd(p, address, a, d);
	if (r < 0) {
		mem_free(a);
		return r;
	}
	socket_addresses(a->fd, &a->address, &peer);
	*ret_admin = a;
	r = acceptor_start(p->loop, &a->acceptor, a->fd, on_accept);
	return r < 0 ? diag_fail(d, r, "cannot serve admin: %s", err_text(r)) : 0;
}

void admin_close(struct admin *a)
{
	if (!a)
		return;
	acceptor_stop(&a->acceptor);
	if (!a->inherited) {
		close(a->fd);
		socket_remove_file(&a->address);
	}
}

struct address admin_address(const struct admin *a)
{
	return a->address;
}
