#include "control/api_request.h"

#include <assert.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/socket.h"
#include "net/socket_conn.h"

#define CONNECTIONS_MAX        1024
/* Of those who may not write, so that the others always find room; and of one such user. */
#define CONNECTIONS_OTHERS_MAX 768
#define CONNECTIONS_USER_MAX   256
/* A connection that is in the middle of something and does not move is closed at the second
 * look. */
#define SWEEP_PERIOD           DURATION_SECONDS(15)

struct api_connection {
	struct api *api;
	struct list in_api;
	struct http_server_conn *http;
	uid_t uid;
	struct api_request *waiting; /* for the rest of its body */
	uint64_t moved;              /* bytes in and out at the last look; stalled when the same */
	bool was_busy;
};

static const struct http_server_options server_options = {
	.codec = HTTP_CODEC_AUTO,
	.idle_timeout = { 300 * INT64_C(1000000000) },
	.headers_timeout = { 10 * INT64_C(1000000000) },
};

static struct api_connection *connection_of(const struct stream *s)
{
	return http_server_conn_user(http_server_conn_of(s));
}

/*
 * Requests
 */

static void request_free(struct api_request *q)
{
	buf_fini(&q->body);
	pool_fini(&q->pool);
	mem_free(q);
}

static void serve(struct api_request *q)
{
	q->route->serve(q);
	assert(q->answered);
}

/* What still comes of a request that was answered is dropped. */
static void drop_rest(struct api_request *q)
{
	connection_of(q->stream)->waiting = NULL;
	if (!q->stream->is.recv_ended)
		stream_reset(q->stream, false);
}

static void on_data(struct stream *s, struct str data, bool end)
{
	struct api_request *q = s->user;

	if (q->answered)
		return;
	if (data.len && !q->route->takes_body)
		api_refuse(q, 400, "this request takes no body", NULL);
	else if (data.len && buf_append_str(&q->body, data) < 0)
		api_refuse(q, 413, "the request is larger than 8 MiB", "split it");
	else if (end)
		serve(q);
	if (q->answered)
		drop_rest(q);
}

/* A client that asks and asks and reads nothing would make us keep all its answers. */
static bool leaves_answers(const struct stream *s)
{
	return s->conn && s->conn->send_queued;
}

static void begin(struct api_request *q, struct headers *h, bool end)
{
	struct stream *s = q->stream;

	q->headers = h;
	q->api->counters.requests++;
	if (leaves_answers(s)) {
		q->api->counters.connections_stalled++;
		stream_reset(s, false);
		return;
	}
	if (api_route_request(q) && end)
		serve(q);
	if (q->answered)
		drop_rest(q);
	else
		connection_of(s)->waiting = q;
}

static void on_headers(struct stream *s, struct headers *h, bool end)
{
	struct api_request *q = s->user;
	const struct grpc_service *grpc = q->api->options.grpc;

	if (grpc && http_server_conn_codec(http_server_conn_of(s)) == HTTP_CODEC_HTTP2) {
		/* The call has a handler of its own from here on. */
		s->user = NULL;
		request_free(q);
		grpc_serve_take(grpc, s, h, end);
		return;
	}
	begin(q, h, end);
}

static void on_stream_closed(struct stream *s, unused_arg enum stream_reset reason)
{
	struct api_request *q = s->user;

	if (s->conn && connection_of(s)->waiting == q)
		connection_of(s)->waiting = NULL;
	request_free(q);
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

/*
 * Connections
 */

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

static void end_stalled(struct api_connection *c)
{
	struct api_request *q = c->waiting;

	c->api->counters.connections_stalled++;
	if (!q) {
		http_server_conn_close(c->http);
		return;
	}
	api_refuse(q, 408, "the request did not arrive in time", NULL);
	drop_rest(q);
}

static void look_at(struct api_connection *c)
{
	const struct conn *conn = http_server_conn_transport(c->http);
	uint64_t moved = conn->bytes_received + conn->bytes_sent;
	bool is_busy = c->waiting || conn->send_queued;

	if (is_busy && c->was_busy && moved == c->moved) {
		end_stalled(c);
		is_busy = false;
	}
	c->was_busy = is_busy;
	c->moved = moved;
}

static void on_sweep(struct timer *t)
{
	struct api *a = container_of(t, struct api, sweep);

	list_for_each_safe (node, &a->connections)
		look_at(container_of(node, struct api_connection, in_api));
	if (!list_is_empty(&a->connections))
		timer_start(a->options.loop, &a->sweep, SWEEP_PERIOD);
}

/* Is there room for one more of this user? */
static bool has_room(const struct api *a, uid_t uid)
{
	uint32_t others = 0, same = 0;

	if (a->connection_count >= CONNECTIONS_MAX)
		return false;
	if (api_may_write(uid))
		return true;
	list_for_each (node, &a->connections) {
		const struct api_connection *c = container_of(node, struct api_connection, in_api);

		others += !api_may_write(c->uid);
		same += c->uid == uid;
	}
	return others < CONNECTIONS_OTHERS_MAX && same < CONNECTIONS_USER_MAX;
}

static void on_accept(struct acceptor *acceptor, int fd, const struct address *peer)
{
	struct api *a = container_of(acceptor, struct api, acceptor);
	struct socket_peer who;
	struct api_connection *c;
	struct conn *conn;

	if (a->options.peer_of(fd, &who) < 0 || !has_room(a, who.uid)) {
		a->counters.connections_refused++;
		close(fd);
		return;
	}
	c = mem_new(struct api_connection);
	c->api = a;
	c->uid = who.uid;
	list_push_back(&a->connections, &c->in_api);
	a->connection_count++;
	if (!timer_is_running(&a->sweep))
		timer_start(a->options.loop, &a->sweep, SWEEP_PERIOD);
	conn = socket_conn_new_take(a->options.loop, a->options.chunks, fd, peer, NULL);
	c->http = http_server_conn_open_take(conn, &server_options, &server_handler, c);
}

int api_new(const struct api_options *options, int listening_fd, struct api **ret_api)
{
	struct api *a = mem_new(struct api);
	int r;

	a->options = *options;
	if (!a->options.peer_of)
		a->options.peer_of = socket_peer_of;
	a->started = loop_wall_now(options->loop);
	list_init(&a->connections);
	timer_init(&a->sweep, on_sweep);
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
	timer_stop(&a->sweep);
	list_for_each_safe (node, &a->connections) {
		struct api_connection *c = container_of(node, struct api_connection, in_api);

		if (http_server_conn_transport(c->http)->send_queued)
			http_server_conn_drain(c->http);
		else
			http_server_conn_close(c->http);
	}
}

void api_abort(struct api *a)
{
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
