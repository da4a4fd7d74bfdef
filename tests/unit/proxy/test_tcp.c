#include "rig.h"

#include <errno.h>

#include "net/memory_conn.h"

static struct rig r;
static struct peer *client;

#define TCP_LISTENER(fields)                                                                    \
	"{name: tcp, address: {socket_address: {address: 127.0.0.1, port_value: 80}},"          \
	" bind_to_port: false, filter_chains: [{filters: [{name: tcp, typed_config: {'@type': " \
	"type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy,"           \
	" stat_prefix: tcp, " fields "}}]}]}"

static void begin(const char *ports)
{
	rig_init(&r);
	rig_cluster(&r, "one", ports, "");
	rig_apply(&r, PART_LISTENER, TCP_LISTENER("cluster: one, idle_timeout: 10s"));
	client = rig_client(&r, "tcp");
}

static int64_t tcp_count(enum stat_tcp row)
{
	return stat_scope_value(map_get(&r.stats.scopes[STAT_TCP], STR("tcp")), row);
}

TEST(bytes_go_both_ways)
{
	begin("1001");
	peer_say(client, "early ");
	rig_run(&r);
	peer_say(client, "bird");
	rig_run(&r);
	assert_string_equal(peer_heard(rig_dialled(&r, 0)), "early bird");
	peer_say(rig_dialled(&r, 0), "worm");
	rig_run(&r);
	assert_string_equal(peer_heard(client), "worm");
	rig_fini(&r);
}

TEST(a_server_may_speak_first)
{
	begin("1001");
	rig_run(&r);
	peer_say(rig_dialled(&r, 0), "220 ready");
	rig_run(&r);
	assert_string_equal(peer_heard(client), "220 ready");
	rig_fini(&r);
}

TEST(the_end_of_one_direction_leaves_the_other_open)
{
	begin("1001");
	peer_say(client, "question");
	peer_finish(client);
	rig_run(&r);
	assert_string_equal(peer_heard(rig_dialled(&r, 0)), "question");
	assert_true(rig_dialled(&r, 0)->eof);
	peer_say(rig_dialled(&r, 0), "answer");
	rig_run(&r);
	assert_string_equal(peer_heard(client), "answer");
	peer_finish(rig_dialled(&r, 0));
	rig_run(&r);
	assert_true(peer_is_left(client));
	assert_int_equal(tcp_count(TCP_CX_ACTIVE), 0);
	assert_int_equal(tcp_count(TCP_CX_RX_BYTES), 8);
	assert_int_equal(tcp_count(TCP_CX_TX_BYTES), 6);
	rig_fini(&r);
}

TEST(what_was_said_before_the_end_arrives)
{
	begin("1001");
	rig_run(&r);
	peer_say(rig_dialled(&r, 0), "last words");
	peer_close(rig_dialled(&r, 0));
	rig_run(&r);
	assert_string_equal(peer_heard(client), "last words");
	rig_fini(&r);
}

TEST(a_slow_reader_slows_the_writer)
{
	static char block[64 * 1024];
	struct peer *endpoint;

	memset(block, 'x', sizeof(block));
	begin("1001");
	rig_run(&r);
	endpoint = rig_dialled(&r, 0);
	memory_conn_set_capacity(endpoint->conn, 0);
	for (int i = 0; i < 100; i++) {
		peer_say_bytes(client, str_of(block, sizeof(block)));
		rig_run(&r);
	}
	assert_true(client->far->bytes_received < 256 * 1024);
	memory_conn_set_capacity(endpoint->conn, 1 << 20);
	for (int i = 0; i < 100; i++) {
		rig_run(&r);
		buf_clear(&endpoint->heard);
	}
	assert_int_equal(client->far->bytes_received, 100 * sizeof(block));
	rig_fini(&r);
}

TEST(the_next_endpoint_is_tried_when_one_cannot_be_reached)
{
	begin("1001 1002 1003");
	r.refused[0] = 1001;
	r.refused[1] = 1002;
	peer_say(client, "hello");
	rig_run(&r);
	assert_string_equal(peer_heard(rig_dialled(&r, r.dialled_count - 1)), "hello");
	assert_int_equal(rig_dialled(&r, r.dialled_count - 1)->port, 1003);
	rig_fini(&r);
}

TEST(when_none_can_be_reached_the_client_is_reset)
{
	begin("1001 1002");
	r.refused[0] = 1001;
	r.refused[1] = 1002;
	rig_run(&r);
	assert_true(peer_is_left(client));
	assert_int_equal(r.dialled_count, 2);
	assert_int_equal(rig_cluster_count(&r, "one", CLUSTER_CX_CONNECT_FAIL), 2);
	assert_int_equal(rig_cluster_count(&r, "one", CLUSTER_CX_ACTIVE), 0);
	rig_fini(&r);
}

TEST(a_connection_that_does_not_open_in_time_is_given_up)
{
	begin("1001");
	r.silent[0] = 1001;
	rig_pass(&r, 1100);
	assert_true(peer_is_left(client));
	assert_int_equal(rig_cluster_count(&r, "one", CLUSTER_CX_CONNECT_TIMEOUT), 1);
	rig_fini(&r);
}

TEST(a_session_that_is_idle_ends)
{
	begin("1001");
	rig_pass(&r, 9000);
	peer_say(client, "x");
	rig_pass(&r, 9000);
	assert_false(peer_is_left(client));
	rig_pass(&r, 1500);
	assert_true(peer_is_left(client));
	assert_int_equal(tcp_count(TCP_IDLE_TIMEOUT), 1);
	rig_fini(&r);
}

TEST(connections_beyond_the_breaker_are_refused)
{
	struct peer *second;

	rig_init(&r);
	rig_cluster(&r, "one", "1001", "circuit_breakers: {thresholds: [{max_connections: 1}]},");
	rig_apply(&r, PART_LISTENER, TCP_LISTENER("cluster: one"));
	client = rig_client(&r, "tcp");
	rig_run(&r);
	second = rig_client(&r, "tcp");
	rig_run(&r);
	assert_true(peer_is_left(second));
	assert_int_equal(rig_cluster_count(&r, "one", CLUSTER_CX_OVERFLOW), 1);
	peer_close(client);
	rig_run(&r);
	peer_close(rig_dialled(&r, 0));
	rig_pass(&r, 100);
	client = rig_client(&r, "tcp");
	peer_say(client, "in");
	rig_run(&r);
	assert_string_equal(peer_heard(rig_dialled(&r, 1)), "in");
	rig_fini(&r);
}

TEST(a_broken_connection_breaks_the_other_one)
{
	begin("1001");
	peer_say(client, "x");
	rig_run(&r);
	memory_conn_break(rig_dialled(&r, 0)->conn, -ECONNRESET);
	rig_run(&r);
	assert_true(client->closed);
	rig_fini(&r);
}

TEST(sessions_are_split_by_weight)
{
	int second = 0;

	rig_init(&r);
	rig_cluster(&r, "one", "1001", "");
	rig_cluster(&r, "two", "1002", "");
	rig_apply(&r, PART_LISTENER,
		  TCP_LISTENER("weighted_clusters: {clusters: [{name: one, weight: 50}, "
			       "{name: two, weight: 50}]}"));
	for (int i = 0; i < 60; i++) {
		rig_client(&r, "tcp");
		rig_run(&r);
		second += rig_dialled(&r, i)->port == 1002;
	}
	assert_in_range(second, 18, 42);
	rig_fini(&r);
}
