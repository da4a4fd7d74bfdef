/*
 * Both sides of delta xDS against each other, message by message, without a wire: each rule
 * of the protocol is one test. The server's side is also driven with requests written by
 * hand, for what our client never says.
 */

#include "delta_bench.h"

#include "base/error.h"
#include "base/mem.h"

TEST(a_name_is_answered_and_acknowledged)
{
	struct bench b;

	bench_init(&b);
	set(&b, XDS_LISTENER, "a", "1");
	set(&b, XDS_LISTENER, "other", "1");
	wire_open(&b);
	delta_client_subscribe(&b.client, XDS_LISTENER, STR("a"));
	settle(&b);
	assert_seen(&b, "+lds/a@1 |");
	assert_answers(&b, "a@1:ok ");
	assert_true(delta_stream_is_settled(&b.server));
	assert_str_equal(delta_client_held(&b.client, XDS_LISTENER, STR("a")), "1");
	assert_int_equal(b.server.revision_sent, 2);
	bench_fini(&b);
}

TEST(a_name_that_does_not_exist_is_removed_and_pushed_when_it_appears)
{
	struct bench b;

	bench_init(&b);
	wire_open(&b);
	delta_client_subscribe(&b.client, XDS_CLUSTER, STR("late"));
	settle(&b);
	assert_seen(&b, "-cds/late |");
	set(&b, XDS_CLUSTER, "late", "1");
	settle(&b);
	assert_seen(&b, "+cds/late@1 |");
	set(&b, XDS_CLUSTER, "late", "");
	settle(&b);
	assert_seen(&b, "-cds/late |");
	bench_fini(&b);
}

TEST(all_is_the_legacy_request_and_follows_new_names)
{
	struct bench b;

	bench_init(&b);
	set(&b, XDS_CLUSTER, "a", "1");
	wire_open(&b);
	delta_client_subscribe_all(&b.client, XDS_CLUSTER);
	settle(&b);
	assert_seen(&b, "+cds/a@1 |");
	set(&b, XDS_CLUSTER, "b", "1");
	set(&b, XDS_CLUSTER, "never", "");
	settle(&b);
	assert_seen(&b, "+cds/b@1 |");
	set(&b, XDS_CLUSTER, "a", "");
	settle(&b);
	assert_seen(&b, "-cds/a |");
	bench_fini(&b);
}

TEST(ten_changes_of_a_slow_client_are_sent_once)
{
	struct bench b;
	char version[8];

	bench_init(&b);
	wire_open(&b);
	delta_client_subscribe(&b.client, XDS_ROUTES, STR("r"));
	settle(&b);
	buf_clear(&b.seen);
	for (unsigned i = 1; i <= 10; i++) {
		snprintf(version, sizeof(version), "%u", i);
		set(&b, XDS_ROUTES, "r", version);
	}
	settle(&b);
	assert_seen(&b, "+rds/r@10 |");
	bench_fini(&b);
}

TEST(after_a_reconnect_nothing_unchanged_is_sent_again)
{
	struct bench b;

	bench_init(&b);
	set(&b, XDS_CLUSTER, "same", "1");
	set(&b, XDS_CLUSTER, "new", "1");
	set(&b, XDS_CLUSTER, "gone", "1");
	wire_open(&b);
	delta_client_subscribe(&b.client, XDS_CLUSTER, STR("same"));
	delta_client_subscribe(&b.client, XDS_CLUSTER, STR("new"));
	delta_client_subscribe(&b.client, XDS_CLUSTER, STR("gone"));
	settle(&b);
	assert_seen(&b, "+cds/same@1 +cds/new@1 +cds/gone@1 |");
	wire_cut(&b);
	set(&b, XDS_CLUSTER, "new", "2");
	set(&b, XDS_CLUSTER, "gone", "");
	wire_open(&b);
	settle(&b);
	assert_seen(&b, "+cds/new@2 |-cds/gone |");
	assert_int_equal(b.client.stats.unchanged, 0);
	bench_fini(&b);
}

TEST(what_an_earlier_process_kept_is_not_sent_again)
{
	struct bench b;

	bench_init(&b);
	set(&b, XDS_CLUSTER, "same", "1");
	set(&b, XDS_CLUSTER, "new", "2");
	delta_client_subscribe(&b.client, XDS_CLUSTER, STR("same"));
	delta_client_subscribe(&b.client, XDS_CLUSTER, STR("new"));
	delta_client_subscribe(&b.client, XDS_CLUSTER, STR("gone"));
	delta_client_hold(&b.client, XDS_CLUSTER, STR("same"), STR("1"));
	delta_client_hold(&b.client, XDS_CLUSTER, STR("new"), STR("1"));
	delta_client_hold(&b.client, XDS_CLUSTER, STR("gone"), STR("1"));
	delta_client_hold(&b.client, XDS_CLUSTER, STR("nobody wants it"), STR("1"));
	wire_open(&b);
	settle(&b);
	assert_seen(&b, "+cds/new@2 |-cds/gone |");
	assert_int_equal(b.client.stats.resources, 1);
	assert_int_equal(b.client.stats.unchanged, 0);
	assert_str_equal(delta_client_held(&b.client, XDS_CLUSTER, STR("same")), "1");
	assert_str_equal(delta_client_held(&b.client, XDS_CLUSTER, STR("nobody wants it")), "");
	bench_fini(&b);
}

TEST(what_was_kept_among_all_is_removed_when_it_is_gone)
{
	struct bench b;

	bench_init(&b);
	set(&b, XDS_CLUSTER, "a", "1");
	delta_client_subscribe_all(&b.client, XDS_CLUSTER);
	delta_client_hold(&b.client, XDS_CLUSTER, STR("a"), STR("1"));
	delta_client_hold(&b.client, XDS_CLUSTER, STR("b"), STR("1"));
	wire_open(&b);
	settle(&b);
	assert_seen(&b, "-cds/b |");
	assert_int_equal(b.client.stats.resources, 0);
	bench_fini(&b);
}

/* The server of this stream was told that nothing is held: it sends, and that is no waste. */
TEST(what_was_kept_is_not_held_once_the_stream_has_begun)
{
	struct bench b;

	bench_init(&b);
	set(&b, XDS_CLUSTER, "a", "1");
	delta_client_subscribe(&b.client, XDS_CLUSTER, STR("a"));
	wire_open(&b);
	(void)delta_client_next(&b.client, &b.any);
	delta_client_hold(&b.client, XDS_CLUSTER, STR("a"), STR("1"));
	assert_str_equal(delta_client_held(&b.client, XDS_CLUSTER, STR("a")), "");
	wire_cut(&b);
	wire_open(&b);
	settle(&b);
	assert_seen(&b, "+cds/a@1 |");
	bench_fini(&b);
}

TEST(what_a_client_of_all_holds_and_is_gone_is_removed_after_a_reconnect)
{
	struct bench b;

	bench_init(&b);
	set(&b, XDS_CLUSTER, "a", "1");
	set(&b, XDS_CLUSTER, "b", "1");
	wire_open(&b);
	delta_client_subscribe_all(&b.client, XDS_CLUSTER);
	settle(&b);
	buf_clear(&b.seen);
	wire_cut(&b);
	set(&b, XDS_CLUSTER, "a", "");
	wire_open(&b);
	settle(&b);
	assert_seen(&b, "-cds/a |");
	assert_int_equal(b.client.stats.unchanged, 0);
	bench_fini(&b);
}

TEST(good_resources_of_a_refused_response_are_used_and_the_culprit_is_parked)
{
	struct bench b;

	bench_init(&b);
	b.refuse = "bad";
	set(&b, XDS_LISTENER, "good", "1");
	set(&b, XDS_LISTENER, "bad", "1");
	wire_open(&b);
	delta_client_subscribe(&b.client, XDS_LISTENER, STR("good"));
	delta_client_subscribe(&b.client, XDS_LISTENER, STR("bad"));
	settle(&b);
	assert_answers(&b, "good@1:ok bad@1:bad ");
	assert_int_equal(delta_stream_parked(&b.server), 1);
	assert_false(delta_stream_is_settled(&b.server));
	assert_str_equal(delta_client_held(&b.client, XDS_LISTENER, STR("bad")), "");
	/* The refused version is never sent again… */
	buf_clear(&b.seen);
	delta_stream_changed(&b.server, XDS_LISTENER, STR("bad"));
	settle(&b);
	assert_seen(&b, "");
	/* …but better content is. */
	b.refuse = NULL;
	set(&b, XDS_LISTENER, "bad", "2");
	settle(&b);
	assert_seen(&b, "+lds/bad@2 |");
	assert_true(delta_stream_is_settled(&b.server));
	bench_fini(&b);
}

TEST(a_name_dropped_and_wanted_again_is_fetched_again)
{
	struct bench b;

	bench_init(&b);
	set(&b, XDS_CLUSTER, "a", "1");
	wire_open(&b);
	delta_client_subscribe(&b.client, XDS_CLUSTER, STR("a"));
	settle(&b);
	assert_seen(&b, "+cds/a@1 |");
	b.requests = 0;
	delta_client_unsubscribe(&b.client, XDS_CLUSTER, STR("a"));
	delta_client_subscribe(&b.client, XDS_CLUSTER, STR("a"));
	settle(&b);
	assert_seen(&b, "+cds/a@1 |");
	assert_int_equal(b.requests, 3); /* unsubscribe, subscribe, ACK: never together */
	bench_fini(&b);
}

TEST(unsubscribed_names_are_forgotten)
{
	struct bench b;

	bench_init(&b);
	set(&b, XDS_CLUSTER, "a", "1");
	wire_open(&b);
	delta_client_subscribe(&b.client, XDS_CLUSTER, STR("a"));
	settle(&b);
	delta_client_unsubscribe(&b.client, XDS_CLUSTER, STR("a"));
	settle(&b);
	buf_clear(&b.seen);
	set(&b, XDS_CLUSTER, "a", "2");
	settle(&b);
	assert_seen(&b, "");
	assert_false(delta_stream_wants(&b.server, XDS_CLUSTER, STR("a")));
	assert_int_equal(b.server.types[XDS_CLUSTER].names.count, 0);
	bench_fini(&b);
}

TEST(interest_that_ends_before_it_was_sent_costs_nothing)
{
	struct bench b;

	bench_init(&b);
	wire_open(&b);
	delta_client_subscribe(&b.client, XDS_CLUSTER, STR("first"));
	settle(&b);
	b.requests = 0;
	delta_client_subscribe(&b.client, XDS_CLUSTER, STR("a"));
	delta_client_unsubscribe(&b.client, XDS_CLUSTER, STR("a"));
	settle(&b);
	assert_int_equal(b.requests, 0);
	bench_fini(&b);
}

TEST(clusters_go_before_routes_and_removals_last)
{
	struct bench b;

	bench_init(&b);
	set(&b, XDS_CLUSTER, "old", "1");
	set(&b, XDS_ROUTES, "r", "old");
	wire_open(&b);
	delta_client_subscribe_all(&b.client, XDS_CLUSTER);
	delta_client_subscribe(&b.client, XDS_ROUTES, STR("r"));
	settle(&b);
	assert_seen(&b, "+cds/old@1 |+rds/r@old |");
	set(&b, XDS_ROUTES, "r", "new");
	set(&b, XDS_CLUSTER, "old", "");
	set(&b, XDS_CLUSTER, "new", "1");
	settle(&b);
	assert_seen(&b, "+cds/new@1 |+rds/r@new |-cds/old |");
	bench_fini(&b);
}

TEST(a_client_that_names_its_clusters_gets_routes_at_once)
{
	struct bench b;
	struct buf message = BUF_INIT(0);

	bench_init(&b);
	set(&b, XDS_CLUSTER, "c", "1");
	set(&b, XDS_ROUTES, "r", "1");
	wire_open(&b);
	delta_client_subscribe(&b.client, XDS_CLUSTER, STR("c"));
	delta_client_subscribe(&b.client, XDS_ROUTES, STR("r"));
	while (delta_client_next(&b.client, &message))
		server_take(&b, buf_str(&message));
	assert_true(delta_stream_next(&b.server, &message)); /* the cluster, not answered yet */
	assert_true(delta_stream_next(&b.server, &message)); /* and the routes */
	assert_false(delta_stream_next(&b.server, &message));
	buf_fini(&message);
	bench_fini(&b);
}

TEST(endpoints_follow_a_cluster_unless_the_client_keeps_them)
{
	for (unsigned cache = 0; cache < 2; cache++) {
		struct bench b;

		bench_init(&b);
		b.eds_cache = cache;
		set(&b, XDS_CLUSTER, "c", "1");
		set(&b, XDS_ENDPOINTS, "c", "1");
		wire_open(&b);
		delta_client_subscribe(&b.client, XDS_CLUSTER, STR("c"));
		delta_client_subscribe(&b.client, XDS_ENDPOINTS, STR("c"));
		settle(&b);
		buf_clear(&b.answers);
		set(&b, XDS_CLUSTER, "c", "2");
		settle(&b);
		assert_answers(&b, cache ? "c@2:ok " : "c@2:ok c@1:ok ");
		bench_fini(&b);
	}
}

TEST(answers_to_all_in_flight_are_bounded)
{
	struct bench b;
	struct buf message = BUF_INIT(0);
	unsigned sent = 0;
	char version[8];

	bench_init(&b);
	wire_open(&b);
	delta_client_subscribe(&b.client, XDS_ROUTES, STR("r"));
	while (delta_client_next(&b.client, &message))
		server_take(&b, buf_str(&message));
	for (unsigned i = 0; i < 20; i++) {
		snprintf(version, sizeof(version), "%u", i);
		set(&b, XDS_ROUTES, "r", version);
		sent += delta_stream_next(&b.server, &message);
	}
	assert_int_equal(sent, DELTA_IN_FLIGHT_MAX);
	buf_fini(&message);
	bench_fini(&b);
}

TEST(a_stale_nonce_does_not_lose_a_subscription)
{
	struct bench b;
	struct buf message = BUF_INIT(0);

	bench_init(&b);
	set(&b, XDS_CLUSTER, "a", "1");
	request_write(&message, XDS_CLUSTER, "a", NULL, "777");
	server_take(&b, buf_str(&message));
	assert_true(delta_stream_next(&b.server, &message));
	buf_fini(&message);
	bench_fini(&b);
}

TEST(a_repeated_subscribe_is_answered_although_nothing_changed)
{
	struct bench b;
	struct buf message = BUF_INIT(0);

	bench_init(&b);
	set(&b, XDS_CLUSTER, "a", "1");
	for (unsigned i = 0; i < 2; i++) {
		request_write(&message, XDS_CLUSTER, "a", NULL, NULL);
		server_take(&b, buf_str(&message));
		assert_true(delta_stream_next(&b.server, &message));
		assert_false(delta_stream_next(&b.server, &message));
	}
	buf_fini(&message);
	bench_fini(&b);
}

TEST(star_subscribed_and_unsubscribed_at_once_means_nothing)
{
	struct bench b;
	struct buf message = BUF_INIT(0);

	bench_init(&b);
	set(&b, XDS_CLUSTER, "a", "1");
	request_write(&message, XDS_CLUSTER, "*", "*", NULL);
	server_take(&b, buf_str(&message));
	assert_false(delta_stream_next(&b.server, &message));
	assert_false(b.server.types[XDS_CLUSTER].wildcard);
	buf_fini(&message);
	bench_fini(&b);
}

TEST(a_name_unsubscribed_under_all_is_answered)
{
	struct bench b;
	struct buf message = BUF_INIT(0);

	bench_init(&b);
	set(&b, XDS_CLUSTER, "a", "1");
	request_write(&message, XDS_CLUSTER, "*", NULL, NULL);
	server_take(&b, buf_str(&message));
	assert_true(delta_stream_next(&b.server, &message));
	request_write(&message, XDS_CLUSTER, "a", NULL, NULL);
	server_take(&b, buf_str(&message));
	assert_true(delta_stream_next(&b.server, &message));
	request_write(&message, XDS_CLUSTER, NULL, "a", NULL);
	server_take(&b, buf_str(&message));
	assert_true(delta_stream_next(&b.server, &message));
	assert_true(delta_stream_wants(&b.server, XDS_CLUSTER, STR("a")));
	buf_fini(&message);
	bench_fini(&b);
}

TEST(bad_requests_end_the_stream_with_a_reason)
{
	struct bench b;
	struct buf message = BUF_INIT(0);
	struct diag d = DIAG_INIT;

	bench_init(&b);
	assert_int_equal(delta_stream_receive(&b.server, STR("\xff\xff"), &d), ERR_PROTO);
	diag_fini(&d);
	diag_init(&d);
	pb_write_bytes(&message, 2, xds_types[XDS_CLUSTER].url);
	assert_int_equal(delta_stream_receive(&b.server, buf_str(&message), &d), ERR_PROTO);
	assert_string_equal(d.text, "the first request carries no node");
	diag_fini(&d);
	diag_init(&d);
	buf_clear(&message);
	pb_write_bytes(&message, 1, STR("stranger"));
	pb_write_bytes(&message, 2, xds_types[XDS_CLUSTER].url);
	assert_int_equal(delta_stream_receive(&b.server, buf_str(&message), &d), ERR_DENIED);
	diag_fini(&d);
	diag_init(&d);
	b.server.names_max = 1;
	request_write(&message, XDS_CLUSTER, "a", NULL, NULL);
	server_take(&b, buf_str(&message));
	request_write(&message, XDS_CLUSTER, "b", NULL, NULL);
	assert_int_equal(delta_stream_receive(&b.server, buf_str(&message), &d), ERR_LIMIT);
	diag_fini(&d);
	buf_fini(&message);
	bench_fini(&b);
}

TEST(an_unknown_type_is_not_answered_and_the_stream_goes_on)
{
	struct bench b;
	struct buf message = BUF_INIT(0);

	bench_init(&b);
	pb_write_bytes(&message, 1, STR("node"));
	pb_write_bytes(&message, 2, STR("type.googleapis.com/none.such"));
	server_take(&b, buf_str(&message));
	assert_false(delta_stream_next(&b.server, &message));
	buf_fini(&message);
	bench_fini(&b);
}

/* Responses written by hand. */
static void resource(struct buf *out, const char *name, struct str url)
{
	size_t mark = pb_begin(out, 2);
	size_t any;

	pb_write_bytes(out, 1, STR("1"));
	any = pb_begin(out, 2);
	pb_write_bytes(out, 1, url);
	pb_write_bytes(out, 2, STR("1"));
	pb_finish(out, any);
	pb_write_bytes(out, 3, str_from(name));
	pb_finish(out, mark);
}

static void assert_refused_whole(struct bench *b, struct buf *message)
{
	struct buf reply = BUF_INIT(0);

	pb_write_bytes(message, 4, xds_types[XDS_CLUSTER].url);
	pb_write_bytes(message, 5, STR("9"));
	assert_int_equal(delta_client_receive(&b->client, buf_str(message)), 0);
	assert_int_equal(b->client.stats.nacks, 1);
	assert_seen(b, "");
	assert_true(delta_client_next(&b->client, &reply));
	buf_fini(&reply);
	buf_fini(message);
}

static void client_first(struct bench *b)
{
	struct buf message = BUF_INIT(0);

	bench_init(b);
	wire_open(b);
	delta_client_subscribe(&b->client, XDS_CLUSTER, STR("a"));
	assert_true(delta_client_next(&b->client, &message));
	buf_fini(&message);
}

TEST(a_name_twice_in_a_response_refuses_it_whole)
{
	struct bench b;
	struct buf message = BUF_INIT(0);

	client_first(&b);
	resource(&message, "a", xds_types[XDS_CLUSTER].url);
	resource(&message, "a", xds_types[XDS_CLUSTER].url);
	assert_refused_whole(&b, &message);
	bench_fini(&b);
}

TEST(a_name_added_and_removed_in_one_response_refuses_it_whole)
{
	struct bench b;
	struct buf message = BUF_INIT(0);

	client_first(&b);
	resource(&message, "a", xds_types[XDS_CLUSTER].url);
	pb_write_bytes(&message, 6, STR("a"));
	assert_refused_whole(&b, &message);
	bench_fini(&b);
}

TEST(a_resource_of_another_type_refuses_the_response)
{
	struct bench b;
	struct buf message = BUF_INIT(0);

	client_first(&b);
	resource(&message, "a", xds_types[XDS_LISTENER].url);
	assert_refused_whole(&b, &message);
	bench_fini(&b);
}

TEST(every_truncation_of_a_response_is_an_error_or_harmless)
{
	struct bench b;
	struct buf message = BUF_INIT(0);

	client_first(&b);
	pb_write_bytes(&message, 1, STR("7"));
	pb_write_bytes(&message, 4, xds_types[XDS_CLUSTER].url);
	pb_write_bytes(&message, 5, STR("9"));
	resource(&message, "a", xds_types[XDS_CLUSTER].url);
	for (size_t len = 0; len < buf_len(&message); len++) {
		char *copy = mem_alloc(len ? len : 1);

		memcpy(copy, buf_str(&message).ptr, len);
		(void)!delta_client_receive(&b.client, str_of(copy, len));
		mem_free(copy);
	}
	assert_int_equal(b.client.stats.nacks, 0);
	buf_fini(&message);
	bench_fini(&b);
}
