/*
 * Idle connections that go from worker to worker
 *
 * Two workers on one loop, endpoints as peers. What was dialled is counted: a request that came
 * to the second worker and was sent on a connection of the first opened none.
 */

#include "crew.h"
#include "rig.h"

#include <errno.h>

#include "base/fault.h"
#include "http/server.h"
#include "net/certs.h"
#include "net/memory_conn.h"
#include "net/socket_conn.h"
#include "proxy/ports.h"
#include "proxy/upstream.h"

#define GET      "GET / HTTP/1.1\r\nhost: x\r\n\r\n"
#define OK_HELLO "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
#define TO_ONE   "{match: {prefix: '/'}, route: {cluster: one}}"
#define TLS                                                                                  \
	"transport_socket: {name: tls, typed_config: {'@type': "                             \
	"type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext, " \
	"common_tls_context: {tls_certificate_sds_secret_configs: [{name: default}], "       \
	"validation_context_sds_secret_config: {name: ROOTCA}}}},"
#define LIMIT(n) "circuit_breakers: {thresholds: [{max_connections: " n "}]},"
#define IDLE_MS  1500 /* longer than a connection must rest to be given away */

static struct rig r;
static struct test_cert *ca, *own;

static int64_t count(enum stat_cluster row)
{
	return rig_cluster_count(&r, "one", row);
}

static void begin(const char *cluster)
{
	rig_init_workers(&r, 2);
	rig_cluster(&r, "one", "1001", cluster);
	rig_http(&r, "web", TO_ONE, "", "");
}

/* Nothing is open any more, and nothing is counted as if it were. */
static void end(void)
{
	for (uint32_t i = 0; i < r.dialled_count; i++)
		peer_close(&r.dialled[i]);
	rig_run(&r);
	assert_int_equal(count(CLUSTER_CX_ACTIVE), 0);
	assert_int_equal(count(CLUSTER_RQ_PENDING_ACTIVE), 0);
	assert_int_equal(count(CLUSTER_CX_TOTAL), count(CLUSTER_CX_DESTROY));
	rig_fini(&r);
}

static void begin_tls_with(const char *cluster, const struct str *alpn, uint32_t alpn_count)
{
	struct tls_options o = { .role = TLS_SERVER, .verify = TLS_VERIFY_REQUIRED };

	o.alpn = alpn;
	o.alpn_count = alpn_count;

	ca = test_ca_new("ca");
	own = test_svid_new(ca, "spiffe://weft.local/ns/shop/sa/cart");
	o.certificate_pem = str_from(own->chain_pem);
	o.key_pem = str_from(own->key_pem);
	o.trust_pem = str_from(ca->pem);
	begin(cluster);
	secrets_apply(&r.resources, own, ca, "1");
	rig_run(&r);
	assert_int_equal(tls_context_new(&o, &r.dialled_tls, NULL), 0);
}

static void begin_tls(void)
{
	begin_tls_with(TLS, NULL, 0);
}

static void end_tls(void)
{
	end();
	tls_context_unref(r.dialled_tls);
	ca = test_cert_free(ca);
	own = test_cert_free(own);
}

/* Requests to one worker that run at the same time, on as many connections from `first` on. */
static void exchange(uint32_t worker, uint32_t first, uint32_t requests)
{
	struct peer *clients[4];

	for (uint32_t i = 0; i < requests; i++) {
		clients[i] = rig_client_of(&r, worker, "web");
		peer_say(clients[i], GET);
	}
	rig_run(&r);
	for (uint32_t i = 0; i < requests; i++)
		peer_say(rig_dialled(&r, first + i), OK_HELLO);
	rig_run(&r);
	for (uint32_t i = 0; i < requests; i++)
		assert_contains(peer_heard(clients[i]), "hello");
}

static struct upstream *upstream_of(uint32_t worker)
{
	return worker_cluster_at(r.group.workers[worker], 0)->by_index[0];
}

/* A request comes to the second worker, which has asked the first and has no answer yet. */
static struct peer *ask(void)
{
	struct peer *client = rig_client_of(&r, 1, "web");

	peer_say(client, GET);
	for (int i = 0; i < 8 && !(upstream_of(1) && upstream_of(1)->ask); i++)
		assert_int_equal(loop_turn(r.loop, DURATION_NS(0)), 0);
	assert_non_null(upstream_of(1)->ask);
	return client;
}

TEST(a_connection_that_rests_serves_another_worker)
{
	begin_tls();
	exchange(0, 0, 1);
	rig_pass(&r, IDLE_MS);
	exchange(1, 0, 1);
	assert_int_equal(r.dialled_count, 1);
	assert_int_equal(count(CLUSTER_CX_TOTAL), 1);
	assert_int_equal(count(CLUSTER_CX_ACTIVE), 1);
	assert_int_equal(count(CLUSTER_CX_HANDED_OVER), 1);
	assert_int_equal(count(CLUSTER_TLS_HANDSHAKE), 1);
	/* And back again. */
	rig_pass(&r, IDLE_MS);
	exchange(0, 0, 1);
	assert_int_equal(r.dialled_count, 1);
	assert_int_equal(count(CLUSTER_CX_HANDED_OVER), 2);
	end_tls();
}

/*
 * An endpoint that speaks HTTP/2
 */

static void on_head(struct stream *s, struct headers *h unused_arg, bool end unused_arg)
{
	stream_reply(s, 200, STR_EMPTY, STR("hello"));
}

static void on_over(struct stream *s unused_arg, enum stream_reset reason unused_arg)
{
}

static const struct stream_handler answering = { .on_headers = on_head, .on_closed = on_over };

static void on_stream(struct http_server_conn *hc unused_arg, struct stream *s)
{
	s->handler = &answering;
}

static void on_left(struct http_server_conn *hc unused_arg)
{
}

static void on_agreed(struct conn *c)
{
	static const struct http_server_options options = { .codec = HTTP_CODEC_HTTP2 };
	static const struct http_server_handler handler = { .on_stream = on_stream,
							    .on_closed = on_left };

	http_server_conn_open_take(c, &options, &handler, NULL);
}

static void on_gone(struct conn *c unused_arg)
{
}

static struct conn *dial_http2(struct worker *w, const struct address *to unused_arg)
{
	static const struct conn_handler handler = { .on_open = on_agreed, .on_closed = on_gone };
	struct conn *ours, *theirs;

	memory_conn_pair(r.loop, &w->chunks, &(struct memory_conn_options){ .connecting = true },
			 &ours, &theirs);
	tls_conn_new_take(theirs, &(struct tls_conn_options){ .context = r.dialled_tls }, &handler);
	memory_conn_establish(ours, 0);
	return ours;
}

TEST(an_http2_connection_without_streams_moves_too)
{
	struct str h2 = STR_INIT("h2");
	struct peer *client;

	begin_tls_with(TLS "typed_extension_protocol_options: {"
			   "envoy.extensions.upstreams.http.v3.HttpProtocolOptions: {'@type': "
			   "type.googleapis.com/envoy.extensions.upstreams.http.v3."
			   "HttpProtocolOptions, explicit_http_config: {http2_protocol_options: "
			   "{}}}},",
		       &h2, 1);
	r.group.dial = dial_http2;
	for (uint32_t i = 0; i < 4; i++) {
		client = rig_client_of(&r, i % 2, "web");
		peer_say(client, GET);
		rig_run(&r);
		assert_contains(peer_heard(client), "hello");
		assert_int_equal(count(CLUSTER_CX_HANDED_OVER), i);
		rig_pass(&r, IDLE_MS);
	}
	assert_int_equal(count(CLUSTER_CX_HTTP2_TOTAL), 1);
	assert_int_equal(count(CLUSTER_CX_ACTIVE), 1);
	rig_fini(&r);
	tls_context_unref(r.dialled_tls);
	ca = test_cert_free(ca);
	own = test_cert_free(own);
}

TEST(a_connection_that_was_used_lately_stays)
{
	begin_tls();
	exchange(0, 0, 1);
	exchange(1, 1, 1);
	assert_int_equal(r.dialled_count, 2);
	assert_int_equal(count(CLUSTER_CX_HANDED_OVER), 0);
	end_tls();
}

TEST(without_a_handshake_to_save_nobody_is_asked)
{
	begin("");
	exchange(0, 0, 1);
	rig_pass(&r, IDLE_MS);
	exchange(1, 1, 1);
	assert_int_equal(r.dialled_count, 2);
	end();
}

TEST(at_the_limit_of_connections_idle_ones_of_others_are_used)
{
	begin(LIMIT("2"));
	exchange(0, 0, 2);
	exchange(1, 0, 1);
	assert_int_equal(r.dialled_count, 2);
	assert_int_equal(count(CLUSTER_CX_HANDED_OVER), 1);
	end();
}

TEST(at_the_limit_the_last_connection_is_kept)
{
	struct peer *clients[2];

	begin(LIMIT("2"));
	exchange(0, 0, 2);
	for (int i = 0; i < 2; i++) {
		clients[i] = rig_client_of(&r, 1, "web");
		peer_say(clients[i], GET);
	}
	rig_pass(&r, 100);
	assert_int_equal(r.dialled_count, 2);
	assert_int_equal(upstream_of(0)->conn_count, 1);
	assert_int_equal(upstream_of(1)->conn_count, 1);
	/* The second request waits for the first one's connection. */
	for (int i = 0; i < 2; i++) {
		peer_say(rig_dialled(&r, 0), OK_HELLO);
		rig_run(&r);
		assert_contains(peer_heard(clients[i]), "hello");
	}
	exchange(0, 1, 1);
	assert_int_equal(r.dialled_count, 2);
	end();
}

TEST(an_answer_that_is_late_finds_the_request_on_its_way)
{
	struct peer *client;

	begin_tls();
	exchange(0, 0, 1);
	rig_pass(&r, IDLE_MS);
	client = ask();
	r.silent[0] = 1001; /* the connection that is opened then gets through later still */
	loop_advance(r.loop, DURATION_MS(2));
	rig_run(&r);
	assert_int_equal(r.dialled_count, 2);
	assert_contains(peer_heard(rig_dialled(&r, 0)), "GET /");
	peer_say(rig_dialled(&r, 0), OK_HELLO);
	rig_run(&r);
	assert_contains(peer_heard(client), "hello");
	r.silent[0] = 0;
	rig_run(&r);
	assert_int_equal(upstream_of(1)->ready_count, 2);
	end_tls();
}

TEST(a_connection_of_an_older_secret_is_not_used_again)
{
	struct peer *client;

	begin_tls();
	exchange(0, 0, 1);
	rig_pass(&r, IDLE_MS);
	client = ask();
	own = (test_cert_free(own), test_svid_new(ca, "spiffe://weft.local/ns/shop/sa/cart"));
	secrets_apply(&r.resources, own, ca, "2");
	rig_run(&r);
	assert_int_equal(r.dialled_count, 2);
	assert_true(peer_is_left(rig_dialled(&r, 0)));
	peer_say(rig_dialled(&r, 1), OK_HELLO);
	rig_run(&r);
	assert_contains(peer_heard(client), "hello");
	assert_int_equal(count(CLUSTER_CX_HANDED_OVER), 0);
	end_tls();
}

TEST(a_connection_of_older_settings_is_not_used_again)
{
	begin_tls();
	exchange(0, 0, 1);
	rig_pass(&r, IDLE_MS);
	ask();
	rig_cluster(&r, "one", "1001", TLS LIMIT("7"));
	assert_int_equal(r.dialled_count, 2);
	assert_true(peer_is_left(rig_dialled(&r, 0)));
	assert_int_equal(count(CLUSTER_CX_HANDED_OVER), 0);
	end_tls();
}

TEST(a_connection_to_an_endpoint_that_left_ends)
{
	begin_tls();
	exchange(0, 0, 1);
	rig_pass(&r, IDLE_MS);
	ask();
	rig_cluster(&r, "one", "1002", TLS);
	assert_int_equal(rig_dialled(&r, r.dialled_count - 1)->port, 1002);
	assert_true(peer_is_left(rig_dialled(&r, 0)));
	end_tls();
}

TEST(a_connection_that_speaks_on_the_way_is_not_used)
{
	struct peer *client;

	begin_tls();
	exchange(0, 0, 1);
	rig_pass(&r, IDLE_MS);
	client = ask();
	assert_int_equal(loop_turn(r.loop, DURATION_NS(0)), 0);
	assert_null(rig_dialled(&r, 0)->far->loop);
	peer_say(rig_dialled(&r, 0), "HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n");
	rig_run(&r);
	assert_true(peer_is_left(rig_dialled(&r, 0)));
	assert_int_equal(r.dialled_count, 2);
	peer_say(rig_dialled(&r, 1), OK_HELLO);
	rig_run(&r);
	assert_contains(peer_heard(client), "HTTP/1.1 200");
	end_tls();
}

TEST(a_worker_that_stops_in_the_middle_leaves_nothing)
{
	begin_tls();
	exchange(0, 0, 1);
	rig_pass(&r, IDLE_MS);
	ask();
	worker_group_stop(&r.group);
	rig_run(&r);
	end_tls();
}

TEST(a_request_that_gave_up_leaves_an_idle_connection)
{
	begin_tls();
	exchange(0, 0, 1);
	rig_pass(&r, IDLE_MS);
	conn_reset(ask()->conn);
	rig_run(&r);
	assert_int_equal(r.dialled_count, 1);
	assert_int_equal(upstream_of(1)->ready_count, 1);
	exchange(1, 0, 1);
	end_tls();
}

TEST(idle_connections_have_one_limit_for_all_workers)
{
	begin("");
	r.group.options.endpoint_idle_max = 3;
	exchange(0, 0, 4);
	assert_int_equal(count(CLUSTER_CX_ACTIVE), 3);
	exchange(1, 4, 2);
	assert_int_equal(count(CLUSTER_CX_ACTIVE), 3);
	assert_int_equal(upstream_of(0)->ready_count, 3);
	assert_int_equal(upstream_of(1)->ready_count, 0);
	/* What one has no use for is there for the other. */
	for (int i = 0; i < 4; i++)
		peer_close(rig_dialled(&r, (uint32_t)i));
	rig_run(&r);
	assert_int_equal(upstream_of(0)->idle_room, 0);
	exchange(1, 6, 3);
	assert_int_equal(upstream_of(1)->ready_count, 3);
	assert_int_equal(upstream_of(1)->host->load->idle_room, 3);
	end();
}

#ifdef WEFT_FAULTS

#define FAULTS_MAX 40
#define TURNS_MAX  400

static struct conn *dial_socket(struct worker *w, const struct address *peer)
{
	static const struct conn_handler nobody = { 0 };

	return socket_conn_connect(w->loop, &w->chunks,
				   &(struct socket_connect_options){ .peer = peer }, &nobody);
}

static bool answered(struct peer *client)
{
	for (int i = 0; i < TURNS_MAX && buf_len(&client->heard) == 0 && !peer_is_left(client); i++)
		if (loop_turn(r.loop, DURATION_MS(5)) < 0)
			loop_advance(r.loop, DURATION_MS(1));
	return strstr(peer_heard(client), "fine") != NULL;
}

/* Requests to one worker, with the nth call failing; 0: none. Says whether one failed. */
static bool ask_sockets(uint32_t worker, int requests, unsigned n)
{
	struct peer *clients[2];
	bool delivered, good = true;

	for (int i = 0; i < requests; i++) {
		clients[i] = rig_client_of(&r, worker, "web");
		peer_say(clients[i], GET);
	}
	fault_arm(n, -ENOBUFS);
	for (int i = 0; i < requests; i++)
		good &= answered(clients[i]);
	delivered = fault_delivered();
	fault_arm(0, 0);
	assert_true(good || n > 0);
	for (int i = 0; i < requests; i++)
		peer_close(clients[i]);
	rig_run(&r);
	return delivered;
}

static void begin_sockets(void)
{
	char port[8];

	rig_init_workers(&r, 2);
	rig_apply(&r, PART_LISTENER,
		  "{name: behind, address: {socket_address: {address: 127.0.0.1, port_value: 0}},"
		  " filter_chains: [{filters: [{name: http, typed_config: {'@type': "
		  "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3."
		  "HttpConnectionManager, stat_prefix: behind, http_filters: [{name: router, "
		  "typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.http."
		  "router.v3.Router}}], route_config: {virtual_hosts: [{name: all, domains: ['*'],"
		  " routes: [{match: {prefix: '/'}, direct_response: {status: 200, body: "
		  "{inline_string: fine}}}]}]}}}]}]}");
	snprintf(port, sizeof(port), "%u",
		 address_port(
			 &port_of(snapshot_get(r.snapshots.current, SNAPSHOT_PORTS, 0))->address));
	rig_cluster(&r, "one", port, LIMIT("2"));
	rig_http(&r, "web", TO_ONE, "", "");
	r.group.dial = dial_socket;
}

TEST(a_hand_over_survives_the_failure_of_any_call)
{
	unsigned n = 1;
	bool delivered = true;

	for (; delivered && n < FAULTS_MAX; n++) {
		begin_sockets();
		ask_sockets(0, 2, 0);
		delivered = ask_sockets(1, 1, n);
		rig_pass(&r, 1200);
		ask_sockets(1, 1, 0);
		/* Each worker may have one beyond the limit. */
		assert_in_range(count(CLUSTER_CX_ACTIVE), 1, 3);
		assert_true(delivered || count(CLUSTER_CX_HANDED_OVER) == 1);
		rig_fini(&r);
	}
	assert_in_range(n, 3, FAULTS_MAX - 1);
}

#endif
