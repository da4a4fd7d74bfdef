/*
 * x_check() and x_dump() of both sides of delta xDS
 */

#include "delta_bench.h"

#include "in_child.h"

static struct bench b;
static char memory[4096];

static void begin(void)
{
	bench_init(&b);
	set(&b, XDS_CLUSTER, "a", "1");
	wire_open(&b);
	delta_client_subscribe(&b.client, XDS_CLUSTER, STR("a"));
	delta_client_subscribe(&b.client, XDS_CLUSTER, STR("late"));
	settle(&b);
	delta_client_check(&b.client);
	delta_stream_check(&b.server);
}

TEST(both_sides_of_a_subscription_are_dumped)
{
	struct dump d;

	begin();
	dump_to_memory(&d, memory, sizeof(memory) - 1);
	delta_client_dump(&b.client, &d);
	delta_stream_dump(&b.server, &d);
	dump_end(&d);
	memory[dump_text(&d).len] = '\0';
	assert_non_null(strstr(memory, "    name is=\"a\" version=1 wanted sent\n"));
	assert_non_null(strstr(memory, "    name is=\"late\" version=none wanted sent\n"));
	assert_non_null(strstr(memory, " names=2 dirty=0 in_flight=0 parked=0\n"));
	bench_fini(&b);
}

TEST(a_side_that_lost_count_is_found)
{
	struct delta_stream_type *t = &b.server.types[XDS_CLUSTER];

	begin();
	t->dirty_count++;
	assert_aborts(delta_stream_check, &b.server);
	t->dirty_count--;
	t->parked_count++;
	assert_aborts(delta_stream_check, &b.server);
	t->parked_count--;
	b.client.stream_open = false;
	assert_aborts(delta_client_check, &b.client);
	b.client.stream_open = true;
	bench_fini(&b);
}
