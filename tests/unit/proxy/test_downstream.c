/*
 * Connections before, and while, they are served
 */

#include "rig.h"

#include "proxy/downstream.h"

#define GET      "GET /a HTTP/1.1\r\nhost: x\r\n\r\n"
#define OK_HELLO "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
#define TO_ONE   "{match: {prefix: '/'}, route: {cluster: one}}"

static struct rig r;

static int64_t server_count(enum stat_server row)
{
	return stat_scope_value(r.group.server_stats, row);
}

static void begin(void)
{
	rig_init(&r);
	/* The name has a slot while a binding refers to it. */
	slots_get(&r.resources.listener_slots, STR("web"));
	rig_cluster(&r, "one", "1001", "");
}

TEST(a_connection_waits_for_its_listener)
{
	struct peer *client;

	begin();
	client = rig_client(&r, "web");
	peer_say(client, GET);
	rig_run(&r);
	assert_int_equal(r.dialled_count, 0);
	assert_false(peer_is_left(client));
	rig_http(&r, "web", TO_ONE, "", "");
	assert_contains(peer_heard(rig_dialled(&r, 0)), "GET /a");
	rig_fini(&r);
}

TEST(a_listener_that_does_not_come_is_not_waited_for_longer)
{
	struct peer *client;

	begin();
	client = rig_client(&r, "web");
	rig_pass(&r, 14000);
	assert_false(peer_is_left(client));
	rig_pass(&r, 1100);
	assert_true(peer_is_left(client));
	assert_int_equal(server_count(SERVER_HOLD_TIMEOUT), 1);
	rig_fini(&r);
}

TEST(only_so_many_connections_wait_for_a_listener)
{
	struct peer *clients[3];

	begin();
	for (int i = 0; i < 3; i++)
		clients[i] = rig_client(&r, "web");
	rig_run(&r);
	assert_false(peer_is_left(clients[1]));
	assert_true(peer_is_left(clients[2]));
	assert_int_equal(server_count(SERVER_HOLD_OVERFLOW), 1);
	rig_fini(&r);
}

TEST(lines_that_peers_cause_are_so_many_a_second)
{
	begin();
	for (int i = 0; i < WORKER_LOGGED_MAX; i++)
		assert_true(worker_may_log(r.worker));
	assert_false(worker_may_log(r.worker));
	assert_false(worker_may_log(r.worker));
	assert_int_equal(r.worker->unlogged_count, 2);
	rig_pass(&r, 1000);
	assert_true(worker_may_log(r.worker));
	assert_int_equal(r.worker->unlogged_count, 0);
	rig_fini(&r);
}

TEST(without_a_chain_a_connection_is_refused)
{
	struct peer *client;

	begin();
	rig_apply(
		&r, PART_LISTENER,
		"{name: web, address: {socket_address: {address: 127.0.0.1, port_value: 80}},"
		" bind_to_port: false, filter_chains: [{filter_chain_match: {destination_port: 81},"
		" filters: [{name: tcp, typed_config: {'@type': type.googleapis.com/"
		"envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy, stat_prefix: s,"
		" cluster: one}}]}]}");
	client = rig_client(&r, "web");
	rig_run(&r);
	assert_true(peer_is_left(client));
	rig_fini(&r);
}

TEST(a_listener_that_changed_drains_its_connections)
{
	struct peer *client;

	begin();
	rig_http(&r, "web", TO_ONE, "", "");
	client = rig_client(&r, "web");
	peer_say(client, GET);
	rig_run(&r);
	rig_http(&r, "web", TO_ONE, "server_name: other,", "");
	peer_say(rig_dialled(&r, 0), OK_HELLO);
	rig_run(&r);
	assert_contains(peer_heard(client), "connection: close\r\n");
	rig_pass(&r, 2000);
	assert_true(peer_is_left(client));
	rig_fini(&r);
}

TEST(routes_that_changed_hold_for_the_next_request_of_a_connection)
{
	struct peer *client;

	begin();
	rig_cluster(&r, "two", "1002", "");
	rig_apply(&r, PART_ROUTES,
		  "{name: routes, virtual_hosts: [{name: all, domains: ['*'], routes: [" TO_ONE
		  "]}]}");
	rig_apply(&r, PART_LISTENER,
		  "{name: web, address: {socket_address: {address: 127.0.0.1, port_value: 80}},"
		  " bind_to_port: false, filter_chains: [{filters: [{name: http, typed_config: {"
		  "'@type': type.googleapis.com/envoy.extensions.filters.network."
		  "http_connection_manager.v3.HttpConnectionManager, stat_prefix: web,"
		  " http_filters: [{name: router, typed_config: {'@type': type.googleapis.com/"
		  "envoy.extensions.filters.http.router.v3.Router}}],"
		  " rds: {route_config_name: routes, config_source: {ads: {}}}}}]}]}");
	client = rig_client(&r, "web");
	peer_say(client, GET);
	rig_run(&r);
	rig_apply(&r, PART_ROUTES,
		  "{name: routes, virtual_hosts: [{name: all, domains: ['*'], routes: ["
		  "{match: {prefix: '/'}, route: {cluster: two}}]}]}");
	peer_say(rig_dialled(&r, 0), OK_HELLO);
	rig_run(&r);
	assert_contains(peer_heard(client), "hello");
	peer_say(client, GET);
	rig_run(&r);
	assert_int_equal(rig_dialled(&r, 1)->port, 1002);
	rig_fini(&r);
}

TEST(draining_finishes_what_runs_and_nothing_more)
{
	struct peer *busy, *idle;

	begin();
	rig_http(&r, "web", TO_ONE, "", "");
	busy = rig_client(&r, "web");
	idle = rig_client(&r, "web");
	peer_say(busy, GET);
	rig_run(&r);
	worker_group_drain(&r.group);
	rig_pass(&r, 2000);
	assert_true(peer_is_left(idle));
	assert_false(peer_is_left(busy));
	assert_int_equal(r.group.drained, 0);
	peer_say(rig_dialled(&r, 0), OK_HELLO);
	rig_run(&r);
	assert_contains(peer_heard(busy), "connection: close\r\n");
	peer_close(busy);
	rig_pass(&r, 2000);
	assert_int_equal(r.group.drained, 1);
	rig_fini(&r);
}

TEST(a_connection_without_listener_does_not_hold_a_drain_up)
{
	struct peer *client;

	begin();
	client = rig_client(&r, "web");
	rig_run(&r);
	worker_group_drain(&r.group);
	rig_run(&r);
	assert_true(peer_is_left(client));
	assert_int_equal(r.group.drained, 1);
	rig_fini(&r);
}

TEST(draining_has_an_end)
{
	struct peer *busy;

	begin();
	rig_http(&r, "web", TO_ONE, "", "");
	busy = rig_client(&r, "web");
	peer_say(busy, GET);
	rig_run(&r);
	worker_group_drain(&r.group);
	rig_pass(&r, 9000);
	assert_false(peer_is_left(busy));
	rig_pass(&r, 1500);
	assert_true(peer_is_left(busy));
	assert_int_equal(r.group.drained, 1);
	rig_fini(&r);
}

TEST(an_endpoint_that_left_finishes_what_it_has)
{
	struct peer *client;

	begin();
	rig_http(&r, "web", TO_ONE, "", "");
	client = rig_client(&r, "web");
	peer_say(client, GET);
	rig_run(&r);
	rig_cluster(&r, "one", "1002", "");
	peer_say(rig_dialled(&r, 0), OK_HELLO);
	rig_run(&r);
	assert_contains(peer_heard(client), "hello");
	rig_run(&r);
	assert_true(peer_is_left(rig_dialled(&r, 0)));
	peer_say(client, GET);
	rig_run(&r);
	assert_int_equal(rig_dialled(&r, 1)->port, 1002);
	rig_fini(&r);
}

TEST(a_request_that_waits_for_an_endpoint_that_left_goes_to_another)
{
	struct peer *client;

	begin();
	rig_http(&r, "web", TO_ONE, "", "");
	r.silent[0] = 1001;
	client = rig_client(&r, "web");
	peer_say(client, GET);
	rig_run(&r);
	rig_cluster(&r, "one", "1002", "");
	assert_contains(peer_heard(rig_dialled(&r, 1)), "GET /a");
	rig_fini(&r);
}

TEST(idle_connections_to_endpoints_end)
{
	struct peer *client;

	begin();
	rig_cluster(&r, "one", "1001",
		    "typed_extension_protocol_options: {"
		    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions: {'@type': "
		    "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions, "
		    "common_http_protocol_options: {idle_timeout: 30s}, "
		    "explicit_http_config: {http_protocol_options: {}}}},");
	rig_http(&r, "web", TO_ONE, "", "");
	client = rig_client(&r, "web");
	peer_say(client, GET);
	rig_run(&r);
	peer_say(rig_dialled(&r, 0), OK_HELLO);
	rig_pass(&r, 29000);
	assert_false(peer_is_left(rig_dialled(&r, 0)));
	rig_pass(&r, 1500);
	assert_true(peer_is_left(rig_dialled(&r, 0)));
	assert_int_equal(rig_cluster_count(&r, "one", CLUSTER_CX_IDLE_TIMEOUT), 1);
	rig_fini(&r);
}

TEST(a_connection_carries_its_number_of_requests)
{
	struct peer *client;

	begin();
	rig_cluster(&r, "one", "1001", "max_requests_per_connection: 2,");
	rig_http(&r, "web", TO_ONE, "", "");
	client = rig_client(&r, "web");
	for (int i = 0; i < 4; i++) {
		peer_say(client, GET);
		rig_run(&r);
		peer_say(rig_dialled(&r, i / 2), OK_HELLO);
		rig_run(&r);
	}
	assert_int_equal(r.dialled_count, 2);
	assert_true(peer_is_left(rig_dialled(&r, 0)));
	rig_fini(&r);
}
