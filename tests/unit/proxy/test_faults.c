/*
 * Every call of the system fails once
 *
 * A request from a client in memory over real sockets to an endpoint, with the 1st, 2nd, …
 * fallible call failing. Whatever becomes of that request, the next one is served, nothing is
 * left over, and what was counted up is counted down.
 */

#include "rig.h"

#include <errno.h>

#include "base/fault.h"
#include "net/socket_conn.h"
#include "proxy/ports.h"

#ifdef WEFT_FAULTS

#define GET        "GET / HTTP/1.1\r\nhost: x\r\n\r\n"
#define FAULTS_MAX 60
#define TURNS_MAX  400

static struct rig r;

static struct conn *dial_socket(struct worker *w, const struct address *peer)
{
	static const struct conn_handler nobody = { 0 };

	return socket_conn_connect(w->loop, &w->chunks,
				   &(struct socket_connect_options){ .peer = peer }, &nobody);
}

/* Turns until the client has heard something or was left. */
static void run_for(struct peer *client)
{
	for (int i = 0; i < TURNS_MAX && buf_len(&client->heard) == 0 && !peer_is_left(client); i++)
		if (loop_turn(r.loop, DURATION_MS(5)) < 0)
			loop_advance(r.loop, DURATION_MS(1));
}

/* The nth call from here on fails; 0: none. True: the answer came. */
static bool ask_with_fault(unsigned n, bool *ret_delivered)
{
	struct peer *client = rig_client(&r, "web");
	bool good;

	peer_say(client, GET);
	fault_arm(n, -ENOBUFS);
	run_for(client);
	*ret_delivered = fault_delivered();
	fault_arm(0, 0);
	good = strstr(peer_heard(client), "fine") != NULL;
	peer_close(client);
	rig_run(&r);
	return good;
}

static uint16_t port_behind(void)
{
	return address_port(
		&port_of(snapshot_get(r.snapshots.current, SNAPSHOT_PORTS, 0))->address);
}

static void begin(void)
{
	char port[8];

	rig_init(&r);
	rig_apply(&r, PART_LISTENER,
		  "{name: behind, address: {socket_address: {address: 127.0.0.1, port_value: 0}},"
		  " filter_chains: [{filters: [{name: http, typed_config: {'@type': "
		  "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3."
		  "HttpConnectionManager, stat_prefix: behind, http_filters: [{name: router, "
		  "typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.http."
		  "router.v3.Router}}], route_config: {virtual_hosts: [{name: all, domains: ['*'],"
		  " routes: [{match: {prefix: '/'}, direct_response: {status: 200, body: "
		  "{inline_string: fine}}}]}]}}}]}]}");
	snprintf(port, sizeof(port), "%u", port_behind());
	rig_cluster(&r, "one", port, "");
	rig_http(&r, "web", "{match: {prefix: '/'}, route: {cluster: one}}", "", "");
	r.group.dial = dial_socket;
}

static void end(void)
{
	assert_int_equal(rig_cluster_count(&r, "one", CLUSTER_RQ_ACTIVE), 0);
	assert_int_equal(rig_http_count(&r, "web", HTTP_RQ_ACTIVE), 0);
	rig_fini(&r);
}

TEST(a_request_survives_the_failure_of_any_call)
{
	unsigned n = 1;
	bool delivered = true;

	for (; delivered && n < FAULTS_MAX; n++) {
		bool no_fault;

		begin();
		ask_with_fault(n, &delivered);
		/* Time passes over what rests, is suspect or was cut. */
		rig_pass(&r, 1200);
		assert_true(ask_with_fault(0, &no_fault));
		rig_pass(&r, 100);
		end();
	}
	/* There were calls to fail, and they came to an end. */
	assert_in_range(n, 5, FAULTS_MAX - 1);
}

#endif
