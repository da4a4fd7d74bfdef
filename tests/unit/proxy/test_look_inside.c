/*
 * x_check() and x_dump() of what a worker holds
 */

#include "rig.h"

#include "in_child.h"
#include "proxy/downstream.h"
#include "proxy/exchange.h"
#include "proxy/pool.h"

#define GET    "GET / HTTP/1.1\r\nhost: x\r\n\r\n"
#define TO_ONE "{match: {prefix: '/'}, route: {cluster: one}}"

static struct rig r;
static char memory[16384];

/* A request is under way: its endpoint has it and has not answered. */
static void begin(void)
{
	rig_init(&r);
	rig_cluster(&r, "one", "1001", "");
	rig_http(&r, "web", TO_ONE, "", "");
	peer_say(rig_client(&r, "web"), GET);
	rig_run(&r);
	worker_check(r.worker);
}

static struct upstream *upstream_of_one(void)
{
	return list_first(&r.worker->clusters[0]->upstreams, struct upstream, in_cluster);
}

static const char *dumped(size_t size)
{
	struct dump d;

	dump_to_memory(&d, memory, size);
	worker_dump(r.worker, &d);
	dump_end(&d);
	memory[dump_text(&d).len] = '\0';
	return memory;
}

TEST(a_dump_shows_a_request_from_its_client_to_its_endpoint)
{
	const char *text;

	begin();
	text = dumped(sizeof(memory) - 1);
	assert_contains(text, "worker index=0 downstreams=1 held=0 snapshot=");
	assert_contains(text, "\n  loop watches=");
	assert_contains(text, "\n  cluster name=\"one\" slot=0 endpoints=1");
	assert_contains(text,
			"\n    breakers priority=0 connections=1 pending=0 requests=1 retries=0");
	assert_contains(text, "\n    upstream address=\"127.0.0.1:1001\"");
	assert_contains(text, "\n      pooled state=busy requests=1");
	assert_contains(text,
			"\n  downstream id=1 stage=serving listener=\"web\" requests=1 active=1");
	assert_contains(text, "\n    http_server phase=busy");
	assert_contains(text, "\n      conn kind=memory state=open");
	assert_contains(text, "\n          exchange state=upstream");
	assert_contains(text, " endpoint=\"127.0.0.1:1001\" request_ended");
	rig_fini(&r);
}

TEST(a_dump_holds_to_its_limit_wherever_that_is)
{
	size_t whole;

	begin();
	whole = strlen(dumped(sizeof(memory) - 1));
	for (size_t size = 64; size < whole; size += 7) {
		assert_true(strlen(dumped(size)) <= size);
		assert_contains(memory, "cut: the dump is at its limit\n");
	}
	rig_fini(&r);
}

TEST(a_worker_that_lost_count_is_found)
{
	struct downstream *d;

	begin();
	d = list_first(&r.worker->downstreams, struct downstream, in_worker);
	r.worker->downstream_count++;
	assert_aborts(worker_check, r.worker);
	r.worker->downstream_count--;
	d->stage = DOWNSTREAM_HELD;
	assert_aborts(downstream_check, d);
	d->stage = DOWNSTREAM_SERVING;
	worker_check(r.worker);
	rig_fini(&r);
}

TEST(a_pool_that_lost_count_is_found)
{
	struct upstream *u;

	begin();
	u = upstream_of_one();
	pool_check(u);
	u->conn_count++;
	assert_aborts(pool_check, u);
	u->conn_count--;
	u->connecting = 1;
	assert_aborts(pool_check, u);
	u->connecting = 0;
	worker_cluster_check(u->cluster);
	u->cluster->detached = true;
	assert_aborts(worker_cluster_check, u->cluster);
	u->cluster->detached = false;
	rig_fini(&r);
}

static void move_on(const void *user)
{
	struct exchange x = *(const struct exchange *)user;

	exchange_move(&x, EXCHANGE_CONNECTING);
}

TEST(an_exchange_goes_only_where_its_table_leads)
{
	static const struct exchange ended = { .state = EXCHANGE_RESPONSE };

	assert_aborts(move_on, &ended);
}

TEST(snapshots_that_contradict_each_other_are_found)
{
	begin();
	snapshots_check(&r.snapshots);
	r.snapshots.served = r.snapshots.number + 1;
	assert_aborts(snapshots_check, &r.snapshots);
	r.snapshots.served = r.snapshots.number;
	r.domain.retired_count++;
	assert_aborts(snapshots_check, &r.snapshots);
	r.domain.retired_count--;
	rig_fini(&r);
}
