/*
 * "All": what the source lists for a client, no more, following what its routes need
 */

#include "delta_bench.h"

static void take_all(struct bench *b, const char *clusters)
{
	b->all = clusters;
	b->eds_cache = false;
	wire_open(b);
	delta_client_subscribe_all(&b->client, XDS_CLUSTER);
}

static void relist(struct bench *b, const char *clusters)
{
	b->all = clusters;
	delta_stream_relist(&b->server, XDS_CLUSTER);
	settle(b);
}

TEST(all_is_what_the_source_lists_and_no_more)
{
	struct bench b;

	bench_init(&b);
	set(&b, XDS_CLUSTER, "a", "1");
	set(&b, XDS_CLUSTER, "other", "1");
	take_all(&b, "a late");
	settle(&b);
	assert_seen(&b, "+cds/a@1 |");
	set(&b, XDS_CLUSTER, "other", "2");
	settle(&b);
	assert_seen(&b, "");
	set(&b, XDS_CLUSTER, "late", "1");
	settle(&b);
	assert_seen(&b, "+cds/late@1 |");
	set(&b, XDS_CLUSTER, "late", "");
	settle(&b);
	assert_seen(&b, "-cds/late |");
	set(&b, XDS_CLUSTER, "late", "2");
	settle(&b);
	assert_seen(&b, "+cds/late@2 |");
	bench_fini(&b);
}

TEST(what_is_listed_no_longer_is_taken_away)
{
	struct bench b;

	bench_init(&b);
	set(&b, XDS_CLUSTER, "a", "1");
	set(&b, XDS_CLUSTER, "b", "1");
	take_all(&b, "a b never");
	settle(&b);
	assert_seen(&b, "+cds/a@1 +cds/b@1 |");
	relist(&b, "b");
	assert_seen(&b, "-cds/a |");
	assert_int_equal(b.server.types[XDS_CLUSTER].names.count, 1);
	relist(&b, "a b");
	assert_seen(&b, "+cds/a@1 |");
	assert_true(delta_stream_is_settled(&b.server));
	bench_fini(&b);
}

TEST(a_list_that_is_the_same_again_sends_nothing)
{
	struct bench b;

	bench_init(&b);
	set(&b, XDS_CLUSTER, "a", "1");
	take_all(&b, "a");
	settle(&b);
	buf_clear(&b.seen);
	relist(&b, "a");
	assert_seen(&b, "");
	bench_fini(&b);
}

TEST(a_cluster_that_routes_gain_goes_first_and_one_they_lose_last)
{
	struct bench b;

	bench_init(&b);
	set(&b, XDS_CLUSTER, "old", "1");
	set(&b, XDS_CLUSTER, "new", "1");
	set(&b, XDS_ROUTES, "r", "old");
	take_all(&b, "old");
	delta_client_subscribe(&b.client, XDS_ROUTES, STR("r"));
	settle(&b);
	assert_seen(&b, "+cds/old@1 |+rds/r@old |");
	b.all = "new";
	set(&b, XDS_ROUTES, "r", "new"); /* the change itself has all listed anew */
	settle(&b);
	assert_seen(&b, "+cds/new@1 |+rds/r@new |-cds/old |");
	bench_fini(&b);
}

TEST(routes_wait_until_the_client_has_endpoints_of_every_cluster)
{
	struct bench b;

	bench_init(&b);
	set(&b, XDS_CLUSTER, "old", "1");
	set(&b, XDS_CLUSTER, "new", "1");
	set(&b, XDS_ENDPOINTS, "old", "1");
	set(&b, XDS_ENDPOINTS, "new", "1");
	set(&b, XDS_ROUTES, "r", "1");
	take_all(&b, "old");
	delta_client_subscribe(&b.client, XDS_ENDPOINTS, STR("old"));
	delta_client_subscribe(&b.client, XDS_ROUTES, STR("r"));
	settle(&b);
	assert_seen(&b, "+cds/old@1 |+eds/old@1 |+rds/r@1 |");
	b.all = "old new";
	set(&b, XDS_ROUTES, "r", "2");
	settle(&b);
	assert_seen(&b, "+cds/new@1 |");
	assert_true(delta_stream_is_warming(&b.server));
	delta_client_subscribe(&b.client, XDS_ENDPOINTS, STR("new"));
	settle(&b);
	assert_seen(&b, "+eds/new@1 |+rds/r@2 |");
	assert_false(delta_stream_is_warming(&b.server));
	bench_fini(&b);
}

TEST(who_does_not_ask_for_endpoints_is_not_waited_for_for_ever)
{
	struct bench b;

	bench_init(&b);
	set(&b, XDS_CLUSTER, "lazy", "1");
	set(&b, XDS_ROUTES, "r", "1");
	take_all(&b, "lazy");
	delta_client_subscribe(&b.client, XDS_ENDPOINTS, STR("another"));
	settle(&b);
	delta_client_subscribe(&b.client, XDS_ROUTES, STR("r"));
	settle(&b);
	assert_seen(&b, "+cds/lazy@1 |-eds/another |");
	delta_stream_wait_no_longer(&b.server);
	settle(&b);
	assert_seen(&b, "+rds/r@1 |");
	bench_fini(&b);
}

TEST(a_cluster_that_is_listed_no_longer_while_it_is_on_its_way_is_taken_away)
{
	struct bench b;
	struct buf on_its_way = BUF_INIT(0), none = BUF_INIT(0);

	bench_init(&b);
	set(&b, XDS_CLUSTER, "a", "1");
	set(&b, XDS_ROUTES, "r", "1");
	take_all(&b, "a");
	delta_client_subscribe(&b.client, XDS_ROUTES, STR("r"));
	while (delta_client_next(&b.client, &none))
		server_take(&b, buf_str(&none));
	assert_true(delta_stream_next(&b.server, &on_its_way));
	b.all = "";
	set(&b, XDS_ROUTES, "r", "2");
	assert_false(delta_stream_next(&b.server, &none));
	assert_int_equal(delta_client_receive(&b.client, buf_str(&on_its_way)), 0);
	settle(&b);
	assert_seen(&b, "+cds/a@1 |+rds/r@2 |-cds/a |");
	assert_int_equal(b.server.types[XDS_CLUSTER].names.count, 0);
	buf_fini(&on_its_way);
	buf_fini(&none);
	bench_fini(&b);
}

TEST(a_name_beside_all_that_is_no_part_of_it_is_removed_when_it_is_given_up)
{
	struct bench b;
	struct buf message = BUF_INIT(0);

	bench_init(&b);
	set(&b, XDS_CLUSTER, "a", "1");
	set(&b, XDS_CLUSTER, "extra", "1");
	take_all(&b, "a");
	delta_client_subscribe(&b.client, XDS_CLUSTER, STR("extra"));
	settle(&b);
	assert_seen(&b, "+cds/extra@1 +cds/a@1 |");
	request_write(&message, XDS_CLUSTER, NULL, "extra", NULL);
	server_take(&b, buf_str(&message));
	settle(&b);
	assert_seen(&b, "-cds/extra |");
	request_write(&message, XDS_CLUSTER, "extra", NULL, NULL);
	server_take(&b, buf_str(&message));
	request_write(&message, XDS_CLUSTER, NULL, "*", NULL);
	server_take(&b, buf_str(&message));
	settle(&b);
	assert_false(delta_stream_wants(&b.server, XDS_CLUSTER, STR("a")));
	assert_true(delta_stream_wants(&b.server, XDS_CLUSTER, STR("extra")));
	buf_fini(&message);
	bench_fini(&b);
}

TEST(after_a_reconnect_all_is_compared_with_what_the_client_holds)
{
	struct bench b;

	bench_init(&b);
	set(&b, XDS_CLUSTER, "a", "1");
	set(&b, XDS_CLUSTER, "b", "1");
	take_all(&b, "a b");
	settle(&b);
	buf_clear(&b.seen);
	wire_cut(&b);
	wire_open(&b);
	settle(&b);
	assert_seen(&b, "");
	wire_cut(&b);
	b.all = "b";
	wire_open(&b);
	settle(&b);
	assert_seen(&b, "-cds/a |");
	assert_int_equal(b.client.stats.unchanged, 0);
	bench_fini(&b);
}
