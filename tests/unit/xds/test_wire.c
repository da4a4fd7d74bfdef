/*
 * The xDS client and server over gRPC on connections in memory, with the clock moved by hand:
 * what belongs to the wire. The protocol itself is test_delta.c's.
 */

#include "xds/client.h"
#include "xds/server.h"

#include "base/error.h"
#include "base/mem.h"
#include "codec/pb.h"
#include "net/memory_conn.h"

#include "test.h"

struct rig {
	struct loop *loop;
	struct chunk_stock chunks;
	struct random random;
	struct xds_server server;
	struct xds_client *client;
	struct grpc_service service;
	struct http_server_conn *server_conn;
	bool server_is_there;
	char version[8]; /* of the only resource, cluster "a" */
	struct buf any;
	struct buf seen; /* "a@1 up down " */
	unsigned connects;
	enum grpc_status down_status;
	bool down_connected;
};

static int on_node(struct delta_stream *s, struct str node, struct diag *d)
{
	if (str_eq(node, STR("stranger")))
		return diag_fail(d, ERR_DENIED, "not you");
	s->eds_cache = true;
	return 0;
}

static struct rig *rig_of(struct delta_stream *s)
{
	return xds_stream_of(s)->server->user;
}

static bool on_lookup(struct delta_stream *s, enum xds_type type, struct str name,
		      struct delta_content *ret_content)
{
	struct rig *g = rig_of(s);

	if (type != XDS_CLUSTER || !str_eq(name, STR("a")))
		return false;
	buf_clear(&g->any);
	pb_write_bytes(&g->any, 1, xds_types[XDS_CLUSTER].url);
	pb_write_bytes(&g->any, 2, STR("body"));
	*ret_content = (struct delta_content){ str_from(g->version), buf_str(&g->any) };
	return true;
}

static void on_list(unused_arg struct delta_stream *s, unused_arg enum xds_type type)
{
}

static uint64_t revision(unused_arg struct delta_stream *s)
{
	return 7;
}

static void on_stream_closed(unused_arg struct xds_stream *s)
{
}

static const struct xds_server_callbacks server_callbacks = {
	.source = {
		.on_node = on_node,
		.on_lookup = on_lookup,
		.on_list = on_list,
		.revision = revision,
	},
	.on_closed = on_stream_closed,
};

static void on_begin(struct grpc_call *call, unused_arg const struct headers *h)
{
	xds_server_accept(&((struct rig *)grpc_call_service_user(call))->server, call);
}

static const struct grpc_method methods[] = {
	{ .path = STR_INIT(XDS_METHOD_PATH), .on_begin = on_begin },
};

static void on_headers(struct stream *s, struct headers *h, bool end)
{
	struct rig *g = http_server_conn_user(http_server_conn_of(s));

	grpc_serve_take(&g->service, s, h, end);
}

static void on_http_stream_closed(unused_arg struct stream *s, unused_arg enum stream_reset r)
{
}

static const struct stream_handler stream_handler = {
	.on_headers = on_headers,
	.on_closed = on_http_stream_closed,
};

static void on_stream(unused_arg struct http_server_conn *hc, struct stream *s)
{
	s->handler = &stream_handler;
}

static void on_server_conn_closed(struct http_server_conn *hc)
{
	((struct rig *)http_server_conn_user(hc))->server_conn = NULL;
}

static const struct http_server_handler http_handler = {
	.on_stream = on_stream,
	.on_closed = on_server_conn_closed,
};

static const struct http_server_options http_options = { .codec = HTTP_CODEC_HTTP2 };

static struct conn *on_connect(void *user)
{
	struct rig *g = user;
	struct conn *near, *far;

	g->connects++;
	if (!g->server_is_there)
		return NULL;
	memory_conn_pair(g->loop, &g->chunks, NULL, &near, &far);
	g->server_conn = http_server_conn_open_take(far, &http_options, &http_handler, g);
	return near;
}

static int on_resource(void *user, const struct xds_resource *r, unused_arg struct diag *d)
{
	buf_printf(&((struct rig *)user)->seen, "%.*s@%.*s ", STR_ARGS(r->name),
		   STR_ARGS(r->version));
	return 0;
}

static void on_up(void *user)
{
	buf_append_str(&((struct rig *)user)->seen, STR("up "));
}

static void on_down(void *user, const struct xds_down *down)
{
	struct rig *g = user;

	buf_append_str(&g->seen, down->replaced ? STR("replaced ") : STR("down "));
	g->down_status = down->status;
	g->down_connected = down->connected;
}

static void on_stopped(void *user)
{
	buf_append_str(&((struct rig *)user)->seen, STR("stopped "));
}

static const struct xds_client_callbacks client_callbacks = {
	.delta = { .on_resource = on_resource },
	.connect = on_connect,
	.on_up = on_up,
	.on_down = on_down,
	.on_stopped = on_stopped,
};

static void turns(struct rig *g, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(loop_turn(g->loop, DURATION_NS(0)), 0);
}

static void rig_init_with(struct rig *g, const char *node, struct duration unreached_max)
{
	struct xds_client_options options = {
		.node = str_from(node),
		.authority = STR("control"),
		.unreached_max = unreached_max,
	};

	memset(g, 0, sizeof(*g));
	assert_int_equal(loop_new(&g->loop), 0);
	loop_set_clock(g->loop, (struct instant){ 0 }, (struct wall_time){ 0 });
	chunk_stock_init(&g->chunks, 8);
	random_init(&g->random, 1);
	snprintf(g->version, sizeof(g->version), "1");
	g->server_is_there = true;
	g->service = (struct grpc_service){ methods, array_count(methods), g };
	xds_server_init(&g->server, g->loop, &server_callbacks, g);
	g->client = xds_client_new(g->loop, &g->random, &options, &client_callbacks, g);
	xds_client_subscribe(g->client, XDS_CLUSTER, STR("a"));
	xds_client_start(g->client);
	turns(g, 20);
}

static void rig_init(struct rig *g, const char *node)
{
	rig_init_with(g, node, DURATION_NS(0));
}

static void rig_fini(struct rig *g)
{
	xds_client_stop(g->client);
	turns(g, 20);
	if (g->server_conn)
		http_server_conn_close(g->server_conn);
	turns(g, 20);
	assert_true(xds_client_is_idle(g->client));
	xds_client_free(g->client);
	xds_server_fini(&g->server);
	buf_fini(&g->any);
	buf_fini(&g->seen);
	loop_free(g->loop);
	chunk_stock_fini(&g->chunks);
}

static void assert_seen(struct rig *g, const char *text)
{
	assert_str_equal(buf_str(&g->seen), text);
	buf_clear(&g->seen);
}

TEST(a_resource_travels_and_a_change_follows)
{
	struct rig g;

	rig_init(&g, "node");
	assert_seen(&g, "up a@1 ");
	snprintf(g.version, sizeof(g.version), "2");
	xds_server_changed(&g.server, XDS_CLUSTER, STR("a"));
	turns(&g, 20);
	assert_seen(&g, "a@2 ");
	assert_int_equal(xds_client_stats(g.client).delta.acks, 2);
	rig_fini(&g);
}

TEST(a_client_comes_back_after_a_back_off_and_is_sent_nothing_it_has)
{
	struct rig g;

	rig_init(&g, "node");
	assert_seen(&g, "up a@1 ");
	g.server_is_there = false;
	http_server_conn_close(g.server_conn);
	turns(&g, 20);
	assert_seen(&g, "down ");
	assert_false(xds_client_is_up(g.client));
	loop_advance(g.loop, DURATION_SECONDS(1));
	turns(&g, 5);
	assert_int_equal(g.connects, 2);
	g.server_is_there = true;
	loop_advance(g.loop, DURATION_SECONDS(31));
	turns(&g, 20);
	assert_seen(&g, "up ");
	assert_true(xds_client_is_up(g.client));
	snprintf(g.version, sizeof(g.version), "2");
	xds_server_changed(&g.server, XDS_CLUSTER, STR("a"));
	turns(&g, 20);
	assert_seen(&g, "a@2 ");
	assert_int_equal(xds_client_stats(g.client).delta.unchanged, 0);
	rig_fini(&g);
}

/* The server goes, and nobody is there; every attempt is made when its time has come. */
static void lose_server(struct rig *g)
{
	g->server_is_there = false;
	http_server_conn_close(g->server_conn);
	turns(g, 10);
	for (unsigned i = 1; i <= 20; i++) {
		loop_advance(g->loop, DURATION_SECONDS(5));
		turns(g, 3);
		assert_int_equal(g->connects, 1 + i);
	}
}

/* An attempt was made just now: the next one is neither before a quarter of the back-off nor
 * after the whole. */
static void assert_back_off(struct rig *g, int64_t ms)
{
	for (unsigned i = 0; i < 20; i++) {
		unsigned before = g->connects;

		loop_advance(g->loop, DURATION_MS(ms / 4 - 1));
		turns(g, 3);
		assert_int_equal(g->connects, before);
		loop_advance(g->loop, DURATION_MS(ms - ms / 4 + 1));
		turns(g, 3);
		assert_int_equal(g->connects, before + 1);
	}
}

TEST(the_back_off_grows_to_five_seconds_and_no_further)
{
	struct rig g;

	rig_init(&g, "node");
	lose_server(&g);
	assert_back_off(&g, 5000);
	rig_fini(&g);
}

TEST(where_nobody_is_there_the_back_off_may_be_shorter)
{
	struct rig g;

	rig_init_with(&g, "node", DURATION_SECONDS(1));
	lose_server(&g);
	assert_back_off(&g, 1000);
	g.server_is_there = true;
	loop_advance(g.loop, DURATION_SECONDS(1));
	turns(&g, 20);
	assert_true(xds_client_is_up(g.client));
	rig_fini(&g);
}

/* Whoever refuses costs more than nobody: a stream each time. */
TEST(a_server_that_is_there_and_refuses_is_asked_less_often)
{
	struct rig g;

	rig_init_with(&g, "stranger", DURATION_SECONDS(1));
	for (unsigned i = 1; i <= 20; i++) {
		loop_advance(g.loop, DURATION_SECONDS(5));
		turns(&g, 20);
		assert_int_equal(g.connects, 1 + i);
	}
	loop_advance(g.loop, DURATION_MS(1249));
	turns(&g, 20);
	assert_int_equal(g.connects, 21);
	rig_fini(&g);
}

TEST(a_stream_that_lasted_without_a_response_begins_the_back_off_anew)
{
	struct rig g;

	rig_init(&g, "node");
	for (unsigned i = 1; i <= 20; i++) {
		http_server_conn_close(g.server_conn);
		turns(&g, 20);
		loop_advance(g.loop, DURATION_MS(240));
		turns(&g, 20);
		assert_int_equal(g.connects, i + 1);
		loop_advance(g.loop, DURATION_SECONDS(30));
		turns(&g, 20);
	}
	assert_int_equal(xds_client_stats(g.client).delta.responses, 1);
	rig_fini(&g);
}

/* A call that says nothing. */
struct silent {
	struct http_client_conn *http;
	enum grpc_status status;
};

static void on_silent_closed(struct grpc_call *call, enum grpc_status status,
			     unused_arg struct str text)
{
	((struct silent *)grpc_call_user(call))->status = status;
}

static const struct grpc_call_handler silent_handler = { .on_closed = on_silent_closed };

static void on_silent_ready(struct http_client_conn *hc)
{
	const struct grpc_call_options options = { .path = STR(XDS_METHOD_PATH),
						   .authority = STR("control") };

	assert_non_null(grpc_call_begin(hc, &options, &silent_handler, http_client_conn_user(hc)));
}

static void on_silent_conn_closed(struct http_client_conn *hc, unused_arg int error)
{
	((struct silent *)http_client_conn_user(hc))->http = NULL;
}

static const struct http_client_handler silent_conn_handler = {
	.on_ready = on_silent_ready,
	.on_closed = on_silent_conn_closed,
};

TEST(a_stream_that_says_nothing_is_ended)
{
	static const struct http_client_options options = { .codec = HTTP_CODEC_HTTP2 };
	struct silent silent = { 0 };
	struct rig g;

	rig_init(&g, "node");
	xds_client_stop(g.client);
	turns(&g, 20);
	silent.http =
		http_client_conn_open_take(on_connect(&g), &options, &silent_conn_handler, &silent);
	turns(&g, 20);
	assert_int_equal(g.server.stream_count, 1);
	loop_advance(g.loop, XDS_NODE_TIMEOUT);
	turns(&g, 20);
	assert_int_equal(g.server.stream_count, 0);
	assert_int_equal(silent.status, GRPC_DEADLINE_EXCEEDED);
	http_client_conn_close(silent.http);
	turns(&g, 20);
	rig_fini(&g);
}

TEST(a_reconnect_on_purpose_is_at_once)
{
	struct rig g;

	rig_init(&g, "node");
	buf_clear(&g.seen);
	xds_client_reconnect(g.client);
	turns(&g, 30);
	assert_int_equal(g.connects, 2);
	assert_seen(&g, "replaced up ");
	assert_int_equal(xds_client_stats(g.client).failures, 0);
	rig_fini(&g);
}

TEST(a_node_that_is_refused_does_not_come_up)
{
	struct rig g;

	rig_init(&g, "stranger");
	assert_seen(&g, "down ");
	assert_true(g.down_connected);
	assert_int_equal(g.down_status, GRPC_PERMISSION_DENIED);
	assert_int_equal(g.server.stream_count, 0);
	rig_fini(&g);
}

TEST(a_client_that_stops_ends_its_stream_in_order)
{
	struct rig g;

	rig_init(&g, "node");
	buf_clear(&g.seen);
	xds_client_stop(g.client);
	assert_false(xds_client_is_idle(g.client));
	turns(&g, 20);
	assert_seen(&g, "down stopped ");
	assert_int_equal(g.down_status, GRPC_OK);
	assert_int_equal(g.server.stream_count, 0);
	assert_null(g.server_conn);
	loop_advance(g.loop, DURATION_SECONDS(30));
	turns(&g, 20);
	assert_int_equal(g.connects, 1);
	rig_fini(&g);
}

/* Takes a connection, and says nothing ever. */
static void on_dumb_data(struct conn *c)
{
	conn_consume(c, conn_input(c).len);
}

static void on_dumb_closed(unused_arg struct conn *c)
{
}

static const struct conn_handler dumb_handler = {
	.on_data = on_dumb_data,
	.on_closed = on_dumb_closed,
};

static struct conn *connect_to_nobody(void *user)
{
	struct rig *g = user;
	struct conn *near, *far;

	g->connects++;
	memory_conn_pair(g->loop, &g->chunks, NULL, &near, &far);
	memory_conn_use(far, &dumb_handler, NULL);
	return near;
}

TEST(a_stop_does_not_wait_for_a_server_that_says_nothing)
{
	struct xds_client_callbacks callbacks = client_callbacks;
	const struct xds_client_options options = { .node = STR_INIT("node") };
	struct rig g;

	rig_init(&g, "node");
	xds_client_stop(g.client);
	turns(&g, 20);
	xds_client_free(g.client);
	callbacks.connect = connect_to_nobody;
	g.client = xds_client_new(g.loop, &g.random, &options, &callbacks, &g);
	xds_client_start(g.client);
	turns(&g, 20);
	buf_clear(&g.seen);
	xds_client_stop(g.client);
	turns(&g, 20);
	assert_seen(&g, "");
	loop_advance(g.loop, XDS_STOP_TIME);
	turns(&g, 20);
	assert_seen(&g, "down stopped ");
	assert_true(xds_client_is_idle(g.client));
	rig_fini(&g);
}

TEST(a_server_that_stops_tells_its_clients)
{
	struct rig g;

	rig_init(&g, "node");
	buf_clear(&g.seen);
	xds_server_close(&g.server);
	turns(&g, 20);
	assert_seen(&g, "down ");
	assert_int_equal(g.server.stream_count, 0);
	rig_fini(&g);
}
