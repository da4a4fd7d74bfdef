#include "control/rpc.h"

#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/socket_conn.h"

struct rpc_connection {
	struct rpc *rpc;
	struct list in_rpc;
	struct conn *conn;             /* while the handshake runs */
	struct http_server_conn *http; /* afterwards */
};

static const struct http_server_options server_options = {
	.codec = HTTP_CODEC_HTTP2,
	.streams_max = 64,
	.stream_window_bytes = 4 * 1024 * 1024,
	.connection_window_bytes = 16 * 1024 * 1024,
	.headers_timeout = { 10 * INT64_C(1000000000) },
};

static void connection_free(struct rpc_connection *c)
{
	list_remove(&c->in_rpc);
	c->rpc->connection_count--;
	mem_free(c);
}

static void on_headers(struct stream *s, struct headers *h, bool end)
{
	const struct rpc_connection *c = http_server_conn_user(http_server_conn_of(s));

	grpc_serve_take(c->rpc->service, s, h, end);
}

static void on_stream_closed(unused_arg struct stream *s, unused_arg enum stream_reset reason)
{
}

static const struct stream_handler stream_handler = {
	.on_headers = on_headers,
	.on_closed = on_stream_closed,
};

static void on_stream(unused_arg struct http_server_conn *hc, struct stream *s)
{
	s->handler = &stream_handler;
}

static void on_http_closed(struct http_server_conn *hc)
{
	connection_free(http_server_conn_user(hc));
}

static const struct http_server_handler server_handler = {
	.on_stream = on_stream,
	.on_closed = on_http_closed,
};

static void on_open(struct conn *conn)
{
	struct rpc_connection *c = conn->user;

	c->conn = NULL;
	c->http = http_server_conn_open_take(conn, &server_options, &server_handler, c);
}

/* Only before on_open: afterwards the connection is the HTTP connection's. */
static void on_conn_closed(struct conn *conn)
{
	struct rpc_connection *c = conn->user;

	c->rpc->handshakes_failed++;
	log_warn("rpc.handshake_failed", "peer=%s reason=%s", address_text(&conn->peer),
		 conn->tls ? log_quote(str_from(conn->tls->failure_text)) : err_text(conn->error));
	connection_free(c);
}

static const struct conn_handler handshake_handler = {
	.on_open = on_open,
	.on_closed = on_conn_closed,
};

static void on_accept(struct acceptor *acceptor, int fd, const struct address *peer)
{
	struct rpc *r = container_of(acceptor, struct rpc, acceptor);
	struct tls_conn_options options = { .context = r->context };
	struct rpc_connection *c;
	struct conn *lower;

	if (!r->context || r->connection_count >= RPC_CONNECTIONS_MAX) {
		r->refused++;
		close(fd);
		return;
	}
	c = mem_new(struct rpc_connection);
	c->rpc = r;
	list_push_back(&r->connections, &c->in_rpc);
	r->connection_count++;
	lower = socket_conn_new_take(r->loop, r->chunks, fd, peer, NULL);
	c->conn = tls_conn_new_take(lower, &options, &handshake_handler);
	c->conn->user = c;
}

int rpc_start(struct rpc *r, int listening_fd)
{
	list_init(&r->connections);
	return acceptor_start(r->loop, &r->acceptor, listening_fd, on_accept);
}

void rpc_set_context(struct rpc *r, struct tls_context *context)
{
	struct tls_context *before = r->context;

	r->context = tls_context_ref(context);
	tls_context_unref(before);
}

void rpc_close(struct rpc *r)
{
	acceptor_stop(&r->acceptor);
	if (!r->connections.next)
		return;
	list_for_each_safe (node, &r->connections) {
		struct rpc_connection *c = container_of(node, struct rpc_connection, in_rpc);

		if (c->http)
			http_server_conn_close(c->http);
		else
			conn_close(c->conn);
	}
}

void rpc_fini(struct rpc *r)
{
	r->context = tls_context_unref(r->context);
}
