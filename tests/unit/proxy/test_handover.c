/*
 * Accepted connections that go to the least loaded worker
 *
 * Three workers with a loop each, turned by hand, and real sockets: one worker alone wakes up
 * and takes all that wait. Where they end up is counted.
 */

#include <sys/socket.h>
#include <unistd.h>

#include "crew.h"
#include "model/yaml.h"

#define WORKERS 3
#define CLIENTS 30

static struct crew c;
static int clients[CLIENTS];
static uint32_t drained;

static void turn_worker(uint32_t i)
{
	assert_int_equal(loop_turn(c.group.workers[i]->loop, DURATION_NS(0)), 0);
}

static void turn_all(void)
{
	for (int n = 0; n < 8; n++) {
		for (uint32_t i = 0; i < WORKERS; i++)
			turn_worker(i);
		crew_turn(&c, DURATION_NS(0));
	}
}

static void on_drained(struct worker_group *g)
{
	(void)g;
	drained++;
}

static void begin(void)
{
	drained = 0;
	crew_init(&c, WORKERS);
	c.group.on_drained = on_drained;
	crew_apply(&c, PART_LISTENER,
		   "{name: web, address: {socket_address: {address: 127.0.0.1, port_value: 0}},"
		   " filter_chains: [{filters: [{name: http, typed_config: {" HCM_TYPE
		   ", stat_prefix: web, http_filters: [" ROUTER "], route_config: {virtual_hosts: ["
		   "{name: all, domains: ['*'], routes: [{match: {prefix: '/'}, direct_response: "
		   "{status: 200}}]}]}}}]}]}");
	turn_all();
}

static void close_clients(void)
{
	for (int i = 0; i < CLIENTS; i++) {
		if (clients[i])
			close(clients[i]);
		clients[i] = 0;
	}
}

static void end(void)
{
	crew_fini(&c);
	close_clients();
}

/* So many connections stand in the backlog. */
static void connect_clients(int first, int count)
{
	const struct address *to = crew_address(&c, "web");

	for (int i = first; i < first + count; i++) {
		clients[i] = socket(AF_INET, SOCK_STREAM, 0);
		assert_int_equal(connect(clients[i], (const struct sockaddr *)&to->any, to->len),
				 0);
	}
}

static void assert_shares(uint32_t each)
{
	for (uint32_t i = 0; i < WORKERS; i++)
		assert_int_equal(c.group.workers[i]->downstream_count, each);
}

TEST(a_burst_that_one_worker_takes_is_spread_over_all)
{
	begin();
	connect_clients(0, CLIENTS);
	for (int i = 0; i < CLIENTS; i++)
		turn_worker(1);
	turn_all();
	assert_shares(CLIENTS / WORKERS);
	assert_int_equal(stat_scope_value(c.group.server_stats, SERVER_HANDED_OVER),
			 CLIENTS - CLIENTS / WORKERS);
	for (uint32_t i = 0; i < WORKERS; i++)
		assert_int_equal(c.group.loads[i].coming, 0);
	end();
}

TEST(a_worker_that_lost_its_connections_gets_the_next_ones)
{
	begin();
	connect_clients(0, 6);
	turn_all();
	assert_shares(2);
	close_clients();
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
	assert_int_equal(c.group.loads[1].coming + c.group.loads[2].coming, 2);
	worker_group_drain(&c.group);
	turn_all();
	assert_int_equal(drained, 0);
	for (int i = 0; i < 3; i++)
		shutdown(clients[i], SHUT_RDWR);
	turn_all();
	assert_int_equal(drained, 1);
	end();
}
