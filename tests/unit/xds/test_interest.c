/* Who is told of a change: streams that have the name, and no other. */

#include "delta_bench.h"

#define STREAMS 3

struct crowd {
	struct bench benches[STREAMS];
	struct interests interests;
	struct buf told; /* indexes of streams */
};

static void on_stream(void *user, struct delta_stream *s)
{
	struct crowd *c = user;

	buf_printf(&c->told, "%td", container_of(s, struct bench, server) - c->benches);
}

static void assert_told(struct crowd *c, enum xds_type type, const char *name, const char *expected)
{
	interests_each(&c->interests, type, str_from(name), on_stream, c);
	assert_str_equal(buf_str(&c->told), expected);
	buf_clear(&c->told);
}

static void crowd_init(struct crowd *c)
{
	memset(c, 0, sizeof(*c));
	interests_init(&c->interests);
	for (unsigned i = 0; i < STREAMS; i++) {
		bench_init(&c->benches[i]);
		c->benches[i].server.interests = &c->interests;
	}
}

static void crowd_fini(struct crowd *c)
{
	buf_fini(&c->told);
	for (unsigned i = 0; i < STREAMS; i++) {
		delta_stream_fini(&c->benches[i].server);
		delta_stream_init(&c->benches[i].server, c->benches[i].server.source, NULL);
	}
	interests_fini(&c->interests);
	for (unsigned i = 0; i < STREAMS; i++)
		bench_fini(&c->benches[i]);
}

static void ask(struct crowd *c, unsigned stream, enum xds_type type, const char *subscribe,
		const char *unsubscribe)
{
	struct buf message = BUF_INIT(0);

	request_write(&message, type, subscribe, unsubscribe, NULL);
	server_take(&c->benches[stream], buf_str(&message));
	buf_fini(&message);
}

TEST(those_who_asked_for_a_name_are_told_and_no_other)
{
	struct crowd c;

	crowd_init(&c);
	ask(&c, 0, XDS_CLUSTER, "a", NULL);
	ask(&c, 2, XDS_CLUSTER, "a", NULL);
	ask(&c, 1, XDS_CLUSTER, "b", NULL);
	ask(&c, 1, XDS_LISTENER, "a", NULL);
	assert_told(&c, XDS_CLUSTER, "a", "02");
	assert_told(&c, XDS_CLUSTER, "b", "1");
	assert_told(&c, XDS_LISTENER, "a", "1");
	assert_told(&c, XDS_ROUTES, "a", "");
	ask(&c, 0, XDS_CLUSTER, NULL, "a");
	assert_told(&c, XDS_CLUSTER, "a", "2");
	ask(&c, 2, XDS_CLUSTER, NULL, "a");
	assert_told(&c, XDS_CLUSTER, "a", "");
	assert_int_equal(c.interests.topics[XDS_CLUSTER].count, 1);
	crowd_fini(&c);
}

TEST(those_who_take_all_are_told_of_the_names_that_this_means)
{
	struct bench *b;
	struct buf none = BUF_INIT(0);
	struct crowd c;

	crowd_init(&c);
	b = &c.benches[0];
	b->all = "a b";
	ask(&c, 0, XDS_CLUSTER, "*", NULL);
	assert_false(delta_stream_next(&b->server, &none));
	assert_told(&c, XDS_CLUSTER, "a", "0");
	assert_told(&c, XDS_CLUSTER, "other", "");
	b->all = "b";
	delta_stream_relist(&b->server, XDS_CLUSTER);
	assert_false(delta_stream_next(&b->server, &none));
	assert_told(&c, XDS_CLUSTER, "a", "");
	ask(&c, 0, XDS_CLUSTER, NULL, "*");
	assert_told(&c, XDS_CLUSTER, "b", "");
	buf_fini(&none);
	crowd_fini(&c);
}

TEST(a_stream_that_ends_is_interested_in_nothing)
{
	struct crowd c;

	crowd_init(&c);
	ask(&c, 0, XDS_CLUSTER, "a", NULL);
	ask(&c, 0, XDS_LISTENER, "*", NULL);
	ask(&c, 1, XDS_CLUSTER, "a", NULL);
	wire_cut(&c.benches[0]);
	assert_told(&c, XDS_CLUSTER, "a", "1");
	assert_told(&c, XDS_LISTENER, "a", "");
	crowd_fini(&c);
}
