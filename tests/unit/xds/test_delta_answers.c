/*
 * What an answer means when more has happened since: several responses about one name are on
 * their way, and it went, or came back, in between. Requests are written by hand.
 */

#include "delta_bench.h"

#include "base/error.h"

/* A stream that asked for the listener "a", and responses of which none was answered. */
struct flight {
	struct bench b;
	struct buf message;
};

static bool send_next(struct flight *f)
{
	return delta_stream_next(&f->b.server, &f->message);
}

static void ask(struct flight *f, const char *name)
{
	request_write(&f->message, XDS_LISTENER, name, NULL, NULL);
	server_take(&f->b, buf_str(&f->message));
}

static void flight_init(struct flight *f)
{
	*f = (struct flight){ .message = BUF_INIT(0) };
	bench_init(&f->b);
	ask(f, "a");
}

static void flight_fini(struct flight *f)
{
	buf_fini(&f->message);
	bench_fini(&f->b);
}

/* Response number n (from 1) is answered. */
static void answer(struct flight *f, unsigned n, bool accepted)
{
	answer_write(&f->message, XDS_LISTENER, n, accepted);
	server_take(&f->b, buf_str(&f->message));
}

TEST(an_answer_to_what_was_taken_away_since_counts_for_nothing)
{
	struct flight f;

	flight_init(&f);
	set(&f.b, XDS_LISTENER, "a", "1");
	assert_true(send_next(&f));
	set(&f.b, XDS_LISTENER, "a", "");
	assert_true(send_next(&f));
	answer(&f, 1, true);
	answer(&f, 2, true);
	assert_answers(&f.b, "");
	assert_true(delta_stream_is_settled(&f.b.server));
	/* The client has nothing: the same content as before must be sent again. */
	set(&f.b, XDS_LISTENER, "a", "1");
	assert_true(send_next(&f));
	answer(&f, 3, true);
	assert_answers(&f.b, "a@1:ok ");
	flight_fini(&f);
}

TEST(a_refusal_of_what_was_taken_away_since_leaves_nothing_behind)
{
	struct flight f;

	flight_init(&f);
	set(&f.b, XDS_LISTENER, "a", "1");
	assert_true(send_next(&f));
	set(&f.b, XDS_LISTENER, "a", "");
	assert_true(send_next(&f));
	answer(&f, 1, false);
	answer(&f, 2, true);
	assert_int_equal(delta_stream_parked(&f.b.server), 0);
	assert_true(delta_stream_is_settled(&f.b.server));
	flight_fini(&f);
}

TEST(a_refusal_is_forgotten_when_newer_content_on_its_way_is_taken)
{
	struct flight f;

	flight_init(&f);
	set(&f.b, XDS_LISTENER, "a", "1");
	assert_true(send_next(&f));
	set(&f.b, XDS_LISTENER, "a", "2");
	assert_true(send_next(&f));
	answer(&f, 1, false);
	assert_int_equal(delta_stream_parked(&f.b.server), 1);
	answer(&f, 2, true);
	assert_answers(&f.b, "a@1:bad a@2:ok ");
	assert_true(delta_stream_is_settled(&f.b.server));
	flight_fini(&f);
}

TEST(a_refusal_is_forgotten_when_the_content_is_again_what_the_client_has)
{
	struct flight f;

	flight_init(&f);
	set(&f.b, XDS_LISTENER, "a", "1");
	assert_true(send_next(&f));
	answer(&f, 1, true);
	set(&f.b, XDS_LISTENER, "a", "2");
	assert_true(send_next(&f));
	answer(&f, 2, false);
	assert_false(delta_stream_is_settled(&f.b.server));
	set(&f.b, XDS_LISTENER, "a", "1");
	assert_false(send_next(&f));
	assert_true(delta_stream_is_settled(&f.b.server));
	flight_fini(&f);
}

TEST(what_changed_since_is_not_taken_apart_again)
{
	struct flight f;

	flight_init(&f);
	ask(&f, "b");
	set(&f.b, XDS_LISTENER, "a", "1");
	set(&f.b, XDS_LISTENER, "b", "1");
	assert_true(send_next(&f)); /* both in one */
	set(&f.b, XDS_LISTENER, "b", "2");
	assert_true(send_next(&f));
	answer(&f, 1, false);
	assert_true(send_next(&f)); /* a alone; b is on its way with something better */
	assert_false(send_next(&f));
	answer(&f, 2, true);
	answer(&f, 3, false);
	assert_answers(&f.b, "b@2:ok a@1:bad ");
	assert_int_equal(delta_stream_parked(&f.b.server), 1);
	flight_fini(&f);
}

TEST(an_answer_from_before_a_name_was_asked_for_again_counts_for_nothing)
{
	struct flight f;

	flight_init(&f);
	set(&f.b, XDS_LISTENER, "a", "1");
	assert_true(send_next(&f));
	request_write(&f.message, XDS_LISTENER, NULL, "a", NULL);
	server_take(&f.b, buf_str(&f.message));
	ask(&f, "a");
	answer(&f, 1, false);
	assert_answers(&f.b, "");
	assert_true(send_next(&f));
	answer(&f, 2, true);
	assert_answers(&f.b, "a@1:ok ");
	flight_fini(&f);
}

TEST(a_name_held_in_no_version_is_answered_when_it_does_not_exist)
{
	struct bench b;
	struct buf message = BUF_INIT(0);

	bench_init(&b);
	request_write(&message, XDS_LISTENER, "a", NULL, NULL);
	initial_version_write(&message, "a", "");
	server_take(&b, buf_str(&message));
	assert_true(delta_stream_next(&b.server, &message));
	buf_fini(&message);
	bench_fini(&b);
}

TEST(names_that_a_client_claims_to_hold_are_limited)
{
	struct bench b;
	struct buf message = BUF_INIT(0);
	struct diag d = DIAG_INIT;

	bench_init(&b);
	b.server.names_max = 2;
	request_write(&message, XDS_LISTENER, "a", NULL, NULL);
	initial_version_write(&message, "a", "1");
	initial_version_write(&message, "b", "1");
	initial_version_write(&message, "c", "1");
	assert_int_equal(delta_stream_receive(&b.server, buf_str(&message), &d), ERR_LIMIT);
	assert_string_equal(d.text, "more than 2 names of LDS");
	diag_fini(&d);
	buf_fini(&message);
	bench_fini(&b);
}

TEST(many_removals_are_spread_over_responses)
{
	struct bench b;
	struct buf message = BUF_INIT(0);
	char name[XDS_NAME_BYTES_MAX + 1];
	unsigned responses = 0;

	bench_init(&b);
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (unsigned i = 0; i < 600; i++) {
		memcpy(name, "0000", 4);
		name[0] = (char)('0' + i / 100);
		name[1] = (char)('0' + i / 10 % 10);
		name[2] = (char)('0' + i % 10);
		request_write(&message, XDS_LISTENER, name, NULL, NULL);
		server_take(&b, buf_str(&message));
	}
	while (delta_stream_next(&b.server, &message)) {
		assert_true(buf_len(&message) < DELTA_RESPONSE_BYTES + 8192);
		responses++;
	}
	assert_int_equal(responses, 3);
	buf_fini(&message);
	bench_fini(&b);
}

TEST(a_source_that_offers_nothing_under_all_offers_nothing_later_either)
{
	struct bench b;
	struct buf message = BUF_INIT(0);
	struct delta_source nothing;

	bench_init(&b);
	nothing = *b.server.source;
	nothing.on_list = NULL;
	b.server.source = &nothing;
	request_write(&message, XDS_LISTENER, NULL, NULL, NULL);
	server_take(&b, buf_str(&message));
	assert_true(b.server.types[XDS_LISTENER].wildcard);
	set(&b, XDS_LISTENER, "a", "1");
	assert_false(delta_stream_next(&b.server, &message));
	buf_fini(&message);
	bench_fini(&b);
}

TEST(a_server_that_does_not_read_its_answers_is_left)
{
	struct bench b;
	struct buf message = BUF_INIT(0);
	int r = 0;

	bench_init(&b);
	wire_open(&b);
	delta_client_subscribe(&b.client, XDS_LISTENER, STR("a"));
	assert_true(delta_client_next(&b.client, &message));
	buf_clear(&message);
	pb_write_bytes(&message, 4, xds_types[XDS_LISTENER].url);
	pb_write_bytes(&message, 5, STR("a nonce"));
	for (unsigned i = 0; r == 0 && i < 100000; i++)
		r = delta_client_receive(&b.client, buf_str(&message));
	assert_int_equal(r, ERR_LIMIT);
	buf_fini(&message);
	bench_fini(&b);
}
