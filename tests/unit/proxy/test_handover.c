/*
 * Accepted connections that go to the least loaded worker
 *
 * Three workers with a loop each, turned by hand, and real sockets: one worker alone wakes up
 * and takes all that wait. Where they end up is counted.
 */

#include <sys/socket.h>
#include <unistd.h>

#include "model/fixture.h"
#include "model/yaml.h"
#include "net/socket.h"
#include "proxy/resources.h"
#include "proxy/worker.h"

#include "test.h"

#define WORKERS 3
#define CLIENTS 30

struct rig {
	struct loop *loop;
	struct shared_domain domain;
	struct stats stats;
	struct metrics metrics;
	struct worker_group group;
	struct snapshots snapshots;
	struct resources resources;
	int clients[CLIENTS];
	uint32_t drained;
};

static struct rig r;

static void turn_worker(uint32_t i)
{
	assert_int_equal(loop_turn(r.group.workers[i]->loop, DURATION_NS(0)), 0);
}

static void turn_all(void)
{
	for (int n = 0; n < 8; n++) {
		for (uint32_t i = 0; i < WORKERS; i++)
			turn_worker(i);
		assert_int_equal(loop_turn(r.loop, DURATION_NS(0)), 0);
	}
}

static void on_drained(struct worker_group *g)
{
	(void)g;
	r.drained++;
}

static void apply_listener(void)
{
	struct part *p = compiled(
		PART_LISTENER,
		"{name: web, address: {socket_address: {address: 127.0.0.1, port_value: 0}},"
		" filter_chains: [{filters: [{name: http, typed_config: {" HCM_TYPE
		", stat_prefix: web, http_filters: [" ROUTER "], route_config: {virtual_hosts: ["
		"{name: all, domains: ['*'], routes: [{match: {prefix: '/'}, direct_response: "
		"{status: 200}}]}]}}}]}]}");
	struct resource_change change = { .kind = PART_LISTENER, .name = p->name, .part = p };
	struct diag d = DIAG_INIT;

	assert_int_equal(resources_apply(&r.resources, &change, 1, 0, &d), 0);
	part_unref(p);
}

static void begin(void)
{
	struct worker_group_options o = {
		.count = WORKERS,
		.seed = 1,
		.domain = &r.domain,
		.stats = &r.stats,
		.metrics = &r.metrics,
		.limits = { .held_max = 10,
			    .hold_timeout = WORKER_HOLD_TIMEOUT,
			    .connections_max = 1000,
			    .endpoint_idle_max = 1000,
			    .drain_time = DURATION_SECONDS(100) },
	};

	r = (struct rig){ 0 };
	assert_int_equal(loop_new(&r.loop), 0);
	shared_domain_init(&r.domain, WORKERS);
	stats_init(&r.stats, WORKERS);
	metrics_init(&r.metrics, WORKERS);
	o.main_loop = r.loop;
	assert_int_equal(worker_group_init(&r.group, &o), 0);
	r.group.on_drained = on_drained;
	snapshots_init(&r.snapshots, r.loop, &r.domain, r.group.readers);
	resources_init(&r.resources, &(struct resources_options){ .loop = r.loop,
								  .domain = &r.domain,
								  .stats = &r.stats,
								  .snapshots = &r.snapshots });
	r.resources.wildcard[PART_LISTENER] = true;
	apply_listener();
	turn_all();
}

static void end(void)
{
	worker_group_stop(&r.group);
	worker_group_join(&r.group);
	turn_all();
	resources_close(&r.resources);
	snapshots_fini(&r.snapshots);
	shared_domain_collect(&r.domain);
	resources_fini(&r.resources);
	worker_group_fini(&r.group);
	metrics_fini(&r.metrics);
	stats_fini(&r.stats);
	loop_free(r.loop);
	for (int i = 0; i < CLIENTS; i++)
		if (r.clients[i])
			close(r.clients[i]);
}

/* So many connections stand in the backlog. */
static void connect_clients(int first, int count)
{
	const struct port *p = port_of(snapshot_get(r.snapshots.current, SNAPSHOT_PORTS, 0));
	struct address to = p->address;

	for (int i = first; i < first + count; i++) {
		r.clients[i] = socket(AF_INET, SOCK_STREAM, 0);
		assert_int_equal(connect(r.clients[i], (struct sockaddr *)&to.any, to.len), 0);
	}
}

static void assert_shares(uint32_t each)
{
	for (uint32_t i = 0; i < WORKERS; i++)
		assert_int_equal(r.group.workers[i]->downstream_count, each);
}

TEST(a_burst_that_one_worker_takes_is_spread_over_all)
{
	begin();
	connect_clients(0, CLIENTS);
	for (int i = 0; i < CLIENTS; i++)
		turn_worker(1);
	turn_all();
	assert_shares(CLIENTS / WORKERS);
	assert_int_equal(stat_scope_value(r.group.server_stats, SERVER_HANDED_OVER),
			 CLIENTS - CLIENTS / WORKERS);
	for (uint32_t i = 0; i < WORKERS; i++)
		assert_int_equal(r.group.loads[i].coming, 0);
	end();
}

TEST(a_worker_that_lost_its_connections_gets_the_next_ones)
{
	begin();
	connect_clients(0, 6);
	turn_all();
	assert_shares(2);
	for (uint32_t i = 0; i < 6; i++)
		close(r.clients[i]);
	turn_all();
	assert_shares(0);
	connect_clients(0, 3);
	for (int i = 0; i < 4; i++)
		turn_worker(2);
	turn_all();
	assert_shares(1);
	end();
}

TEST(nobody_is_drained_while_a_connection_is_on_its_way_to_it)
{
	begin();
	connect_clients(0, 3);
	for (int i = 0; i < 4; i++)
		turn_worker(0);
	assert_int_equal(r.group.loads[1].coming + r.group.loads[2].coming, 2);
	worker_group_drain(&r.group);
	turn_all();
	assert_int_equal(r.drained, 0);
	for (int i = 0; i < 3; i++)
		shutdown(r.clients[i], SHUT_RDWR);
	turn_all();
	assert_int_equal(r.drained, 1);
	end();
}
