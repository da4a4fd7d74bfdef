/*
 * The identity that is always there: obtained, renewed, kept over failures and crashes
 */

#include "identity/source.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "identity/csr.h"
#include "identity/openssl.h"

#include "authority.h"
#include "test.h"

/* Turns that one call over connections in memory takes at most. */
#define CALL_TURNS 12
#define HOUR       DURATION_SECONDS(3600)

struct stage {
	struct world world;
	struct authority authority;
	struct random random;
	struct identity_options options;
	struct identity *identity;
	char base[64];
	char *dir;

	uint32_t svids;
	uint32_t failures;
	char *serial; /* of the last SVID */
	char *key;    /* its key */
	char *reason; /* of the last failure */
	bool free_in_callback;
};

static void keep(char **text, struct str s)
{
	mem_free(*text);
	*text = mem_strdup_str(s);
}

static void on_svid(void *user, struct svid *s)
{
	struct stage *t = user;

	t->svids++;
	keep(&t->serial, s->serial);
	keep(&t->key, s->key_pem);
	assert_str_equal(s->id_text, AUTHORITY_ID);
	assert_ptr_equal(identity_svid(t->identity), s);
	if (t->free_in_callback)
		t->identity = identity_free(t->identity);
}

static void on_failure(void *user, const char *reason)
{
	struct stage *t = user;

	t->failures++;
	keep(&t->reason, str_from(reason));
	assert_string_equal(identity_failure(t->identity), reason);
	if (t->free_in_callback)
		t->identity = identity_free(t->identity);
}

static const struct identity_callbacks callbacks = {
	.on_svid = on_svid,
	.on_failure = on_failure,
};

static struct conn *on_connect(void *user)
{
	return authority_connect(&((struct stage *)user)->authority);
}

static void stage_init(struct stage *t)
{
	*t = (struct stage){ 0 };
	world_init(&t->world);
	authority_init(&t->authority, &t->world);
	random_init(&t->random, 1);
	t->options = (struct identity_options){
		.loop = t->world.loop,
		.chunks = &t->world.chunks,
		.random = &t->random,
		.spiffe_id = STR(AUTHORITY_ID),
		.connect = on_connect,
	};
}

/* With a place for files. */
static void stage_init_dir(struct stage *t)
{
	stage_init(t);
	snprintf(t->base, sizeof(t->base), "/tmp/weft-test-XXXXXX");
	assert_non_null(mkdtemp(t->base));
	t->dir = mem_printf("%s/id", t->base);
	t->options.dir = str_from(t->dir);
}

static void stage_fini(struct stage *t)
{
	t->identity = identity_free(t->identity);
	world_turn(&t->world, CALL_TURNS);
	authority_fini(&t->authority);
	if (t->dir) {
		char *file = mem_printf("%s/" SVID_FILE, t->dir);

		unlink(file);
		rmdir(t->dir);
		assert_int_equal(rmdir(t->base), 0);
		mem_free(file);
	}
	mem_free(t->dir);
	mem_free(t->serial);
	mem_free(t->key);
	mem_free(t->reason);
	world_fini(&t->world);
}

static void begin(struct stage *t)
{
	assert_int_equal(identity_new(&t->options, &callbacks, t, &t->identity, NULL), 0);
	assert_int_equal(t->svids + t->failures, 0);
	world_turn(&t->world, CALL_TURNS);
}

/* As if the program had been killed: what is in memory is gone. */
static void crash(struct stage *t)
{
	t->identity = identity_free(t->identity);
	world_turn(&t->world, CALL_TURNS);
	t->svids = t->failures = 0;
	t->authority.connections = t->authority.requests = 0;
}

static void advance(struct stage *t, struct duration by)
{
	loop_advance(t->world.loop, by);
	world_turn(&t->world, CALL_TURNS);
}

/* In steps, so that every timer on the way is seen at its time. */
static void advance_slowly(struct stage *t, int64_t seconds, int64_t step)
{
	for (; seconds > 0; seconds -= step)
		advance(t, DURATION_SECONDS(min_of(seconds, step)));
}

TEST(the_first_svid_is_asked_for_with_a_key_made_here)
{
	struct stage t;

	stage_init(&t);
	t.options.validity = HOUR;
	begin(&t);
	assert_int_equal(t.svids, 1);
	assert_int_equal(t.failures, 0);
	assert_string_equal(t.authority.wanted, AUTHORITY_ID);
	assert_int_equal(t.authority.wanted_seconds, 3600);
	assert_int_equal(t.authority.requests, 1);
	assert_null(t.authority.open);
	assert_str_equal(identity_svid(t.identity)->trust_pem, t.authority.root->pem);
	assert_str_equal(identity_spiffe_id(t.identity), AUTHORITY_ID);
	assert_int_equal(identity_stats(t.identity).granted, 1);
	assert_string_equal(identity_failure(t.identity), "");
	stage_fini(&t);
}

TEST(an_answer_in_single_bytes_is_an_answer)
{
	struct stage t;

	stage_init(&t);
	t.authority.transport.step_bytes = 1;
	begin(&t);
	world_turn(&t.world, 4000);
	assert_int_equal(t.svids, 1);
	stage_fini(&t);
}

TEST(it_is_renewed_at_half_life_with_a_fresh_key)
{
	struct stage t;
	char *key, *serial;

	stage_init(&t);
	begin(&t);
	key = mem_strdup(t.key);
	serial = mem_strdup(t.serial);
	/* Half of an hour, 10 % less or more. */
	advance_slowly(&t, 1619, 60);
	assert_int_equal(t.authority.requests, 1);
	advance_slowly(&t, 362, 60);
	assert_int_equal(t.authority.requests, 2);
	assert_int_equal(t.svids, 2);
	assert_string_not_equal(t.key, key);
	assert_string_not_equal(t.serial, serial);
	mem_free(key);
	mem_free(serial);
	stage_fini(&t);
}

/* Seconds until the second request. */
static int64_t renewal_after(uint64_t seed)
{
	struct stage t;
	int64_t seconds = 0;

	stage_init(&t);
	random_init(&t.random, seed);
	begin(&t);
	for (; t.authority.requests == 1; seconds += 10)
		advance(&t, DURATION_SECONDS(10));
	stage_fini(&t);
	return seconds;
}

TEST(the_renewals_of_many_spread)
{
	int64_t least = INT64_MAX, most = 0;

	for (uint64_t seed = 1; seed <= 8; seed++) {
		int64_t seconds = renewal_after(seed);

		assert_in_range(seconds, 1620, 1990);
		least = min_of(least, seconds);
		most = max_of(most, seconds);
	}
	assert_true(most - least > 60);
}

TEST(a_clock_that_was_set_forward_is_noticed_within_a_minute)
{
	struct stage t;

	stage_init(&t);
	begin(&t);
	/* The monotonic clock stood still, as in sleep. */
	loop_set_clock(t.world.loop, loop_now(t.world.loop),
		       (struct wall_time){ loop_wall_now(t.world.loop).ns + HOUR.ns });
	assert_null(identity_svid(t.identity));
	advance(&t, DURATION_SECONDS(60));
	assert_int_equal(t.authority.requests, 2);
	assert_non_null(identity_svid(t.identity));
	stage_fini(&t);
}

TEST(failures_are_retried_ever_more_slowly)
{
	static const int64_t waits[] = { 1, 2, 4, 8, 16, 32, 60, 60 };
	struct stage t;

	stage_init(&t);
	t.authority.mood = AUTHORITY_REFUSES;
	begin(&t);
	assert_int_equal(t.failures, 1);
	assert_string_equal(t.reason, "PERMISSION_DENIED: not you");
	for (size_t i = 0; i < array_count(waits); i++) {
		int64_t least_ms = waits[i] * 900 - 1;

		advance(&t, DURATION_MS(least_ms));
		assert_int_equal(t.failures, i + 1);
		/* The renewal time is looked at each minute at least. */
		advance(&t, DURATION_MS(waits[i] * 1100 - least_ms));
		advance(&t, DURATION_MS(1));
		assert_int_equal(t.failures, i + 2);
	}
	assert_int_equal(identity_stats(t.identity).failed, array_count(waits) + 1);

	/* Success begins anew. */
	t.authority.mood = AUTHORITY_GRANTS;
	advance_slowly(&t, 67, 10);
	assert_int_equal(t.svids, 1);
	assert_string_equal(identity_failure(t.identity), "");
	stage_fini(&t);
}

TEST(the_present_one_serves_until_it_ends_whatever_fails)
{
	struct stage t;

	stage_init(&t);
	begin(&t);
	t.authority.mood = AUTHORITY_IS_AWAY;
	advance_slowly(&t, 3599, 60);
	assert_true(t.failures > 10);
	assert_string_equal(t.reason, "no connection to the control plane");
	assert_non_null(identity_svid(t.identity));
	advance(&t, DURATION_SECONDS(1));
	assert_null(identity_svid(t.identity));

	t.authority.mood = AUTHORITY_GRANTS;
	advance_slowly(&t, 67, 10);
	assert_int_equal(t.svids, 2);
	assert_non_null(identity_svid(t.identity));
	stage_fini(&t);
}

static void fails_with(enum authority_mood mood, const char *reason)
{
	struct stage t;

	stage_init(&t);
	t.authority.mood = mood;
	begin(&t);
	assert_int_equal(t.svids, 0);
	assert_int_equal(t.failures, 1);
	assert_string_equal(t.reason, reason);
	assert_null(identity_svid(t.identity));
	assert_null(t.authority.open);
	stage_fini(&t);
}

TEST(an_answer_that_is_no_identity_is_not_served)
{
	fails_with(AUTHORITY_GIVES_LITTLE, "the authority answered with 1 certificates: it must be "
					   "a leaf and a trust anchor at least");
	fails_with(AUTHORITY_NAMES_ANOTHER,
		   "the certificate is for " AUTHORITY_ID "2, not for " AUTHORITY_ID);
	fails_with(AUTHORITY_SIGNS_ANOTHER, "the key does not belong to the certificate");
	fails_with(AUTHORITY_TALKS_NONSENSE, "the answer of the authority cannot be read: is no "
					     "valid istio.v1.auth.IstioCertificateResponse");
}

TEST(a_connection_that_ends_before_the_answer_is_a_failure)
{
	struct stage t;

	stage_init(&t);
	t.authority.mood = AUTHORITY_HANGS_UP;
	begin(&t);
	assert_int_equal(t.failures, 1);
	assert_true(str_has_prefix(str_from(t.reason), STR("connection to the control plane at ")));
	stage_fini(&t);
}

TEST(silence_has_an_end)
{
	struct stage t;

	stage_init(&t);
	t.authority.mood = AUTHORITY_IS_SILENT;
	begin(&t);
	advance(&t, DURATION_MS(14999));
	assert_int_equal(t.failures, 0);
	advance(&t, DURATION_MS(1));
	assert_int_equal(t.failures, 1);
	assert_null(t.authority.open);
	stage_fini(&t);
}

TEST(a_crash_needs_no_authority)
{
	struct stage t;
	char *serial;

	stage_init_dir(&t);
	begin(&t);
	serial = mem_strdup(t.serial);
	t.authority.mood = AUTHORITY_IS_AWAY;
	advance_slowly(&t, 900, 60);
	crash(&t);
	begin(&t);
	assert_int_equal(t.svids, 1);
	assert_string_equal(t.serial, serial);
	assert_true(identity_stats(t.identity).loaded);
	assert_int_equal(t.authority.connections, 0);

	/* And it is renewed as if nothing had been. */
	t.authority.mood = AUTHORITY_GRANTS;
	advance_slowly(&t, 1100, 60);
	assert_int_equal(t.svids, 2);
	mem_free(serial);
	stage_fini(&t);
}

TEST(a_renewed_one_replaces_the_saved_one)
{
	struct stage t;
	char *serial;

	stage_init_dir(&t);
	begin(&t);
	identity_renew(t.identity);
	world_turn(&t.world, CALL_TURNS);
	assert_int_equal(t.svids, 2);
	serial = mem_strdup(t.serial);
	crash(&t);
	t.authority.mood = AUTHORITY_IS_AWAY;
	begin(&t);
	assert_string_equal(t.serial, serial);
	mem_free(serial);
	stage_fini(&t);
}

TEST(a_saved_one_that_has_ended_is_not_served)
{
	struct stage t;

	stage_init_dir(&t);
	begin(&t);
	crash(&t);
	loop_advance(t.world.loop, HOUR);
	begin(&t);
	assert_int_equal(t.authority.requests, 1);
	assert_int_equal(t.svids, 1);
	assert_false(identity_stats(t.identity).loaded);
	stage_fini(&t);
}

TEST(a_saved_one_past_half_of_its_life_is_served_and_renewed_at_once)
{
	struct stage t;

	stage_init_dir(&t);
	begin(&t);
	crash(&t);
	loop_advance(t.world.loop, DURATION_SECONDS(3000));
	begin(&t);
	assert_int_equal(t.svids, 1);
	assert_int_equal(t.authority.requests, 0);
	advance(&t, DURATION_SECONDS(1));
	assert_int_equal(t.svids, 2);
	stage_fini(&t);
}

TEST(what_was_saved_for_another_identity_is_left_alone)
{
	struct stage t;

	stage_init_dir(&t);
	begin(&t);
	crash(&t);
	t.options.spiffe_id = STR("spiffe://weft.local/ns/shop/sa/other");
	t.authority.mood = AUTHORITY_IS_AWAY;
	begin(&t);
	assert_int_equal(t.svids, 0);
	assert_int_equal(t.authority.connections, 1);
	stage_fini(&t);
}

TEST(a_directory_that_is_not_ours_is_refused_at_the_start)
{
	struct diag d = DIAG_INIT;
	struct stage t;

	stage_init_dir(&t);
	assert_int_equal(mkdir(t.dir, 0700), 0);
	assert_int_equal(chmod(t.dir, 0777), 0);
	assert_int_equal(identity_new(&t.options, &callbacks, &t, &t.identity, &d), ERR_DENIED);
	assert_non_null(strstr(d.text, "the directory is another user's or open to others"));
	assert_null(t.identity);
	diag_fini(&d);
	stage_fini(&t);
}

TEST(a_failed_save_is_counted_and_serves_all_the_same)
{
	struct stage t;

	stage_init_dir(&t);
	assert_int_equal(identity_new(&t.options, &callbacks, &t, &t.identity, NULL), 0);
	assert_int_equal(chmod(t.dir, 0777), 0);
	world_turn(&t.world, CALL_TURNS);
	assert_int_equal(t.svids, 1);
	assert_int_equal(identity_stats(t.identity).saves_failed, 1);
	stage_fini(&t);
}

TEST(options_that_make_no_sense_are_refused)
{
	struct diag d = DIAG_INIT;
	struct stage t;

	stage_init(&t);
	t.options.spiffe_id = STR("spiffe://weft.local");
	assert_int_equal(identity_new(&t.options, &callbacks, &t, &t.identity, &d), ERR_CONFIG);
	assert_string_equal(d.text, "\"spiffe://weft.local\" is not the SPIFFE ID of a workload");
	diag_fini(&d);
	t.options.spiffe_id = STR(AUTHORITY_ID);
	t.options.connect = NULL;
	assert_int_equal(identity_new(&t.options, &callbacks, &t, &t.identity, &d), ERR_CONFIG);
	assert_string_equal(d.text, "no control plane to ask for a certificate");
	diag_fini(&d);
	stage_fini(&t);
}

TEST(over_tcp_a_first_certificate_cannot_be_had)
{
	struct stage t;

	stage_init(&t);
	t.options.connect = NULL;
	assert_int_equal(address_parse(STR("127.0.0.1:15012"), &t.options.address), 0);
	begin(&t);
	assert_int_equal(t.failures, 1);
	assert_string_equal(t.reason,
			    "a first certificate is given on the control plane's own machine, over "
			    "its Unix socket: at 127.0.0.1:15012 only a valid one can be renewed");
	stage_fini(&t);
}

TEST(nobody_behind_the_socket_is_a_failure_that_names_it)
{
	struct stage t;
	char *path, *expected;

	stage_init_dir(&t);
	path = mem_printf("unix:%s/control.sock", t.base);
	expected = mem_printf("connection to the control plane at %s: No such file or directory",
			      path);
	t.options.connect = NULL;
	assert_int_equal(address_parse(str_from(path), &t.options.address), 0);
	begin(&t);
	assert_int_equal(t.failures, 1);
	assert_string_equal(t.reason, expected);
	mem_free(path);
	mem_free(expected);
	stage_fini(&t);
}

TEST(it_may_be_freed_in_its_callbacks_and_while_it_asks)
{
	static const enum authority_mood moods[] = {
		AUTHORITY_GRANTS,   AUTHORITY_REFUSES,      AUTHORITY_IS_AWAY,
		AUTHORITY_HANGS_UP, AUTHORITY_GIVES_LITTLE,
	};

	for (size_t i = 0; i < array_count(moods); i++) {
		struct stage t;

		stage_init(&t);
		t.free_in_callback = true;
		t.authority.mood = moods[i];
		begin(&t);
		assert_null(t.identity);
		assert_int_equal(t.svids + t.failures, 1);
		stage_fini(&t);
	}
	for (int turns = 0; turns < CALL_TURNS; turns++) {
		struct stage t;

		stage_init(&t);
		assert_int_equal(identity_new(&t.options, &callbacks, &t, &t.identity, NULL), 0);
		world_turn(&t.world, turns);
		t.identity = identity_free(t.identity);
		t.svids = t.failures = 0;
		world_turn(&t.world, CALL_TURNS);
		assert_int_equal(t.svids + t.failures, 0);
		stage_fini(&t);
	}
}

TEST(asking_again_while_asking_changes_nothing)
{
	struct stage t;

	stage_init(&t);
	t.authority.mood = AUTHORITY_IS_SILENT;
	begin(&t);
	identity_renew(t.identity);
	world_turn(&t.world, CALL_TURNS);
	assert_int_equal(t.authority.connections, 1);
	stage_fini(&t);
}

/* Signs at once, or says why not. */
static int sign_here(void *sign_user, struct str csr_pem, unused_arg struct duration validity,
		     struct identity_grant *ret_grant, struct diag *d)
{
	struct authority *a = sign_user;
	struct test_cert *leaf;
	struct key *key;

	a->requests++;
	if (a->mood == AUTHORITY_REFUSES)
		return diag_fail(d, ERR_UNAVAILABLE, "the root certificate has expired");
	assert_int_equal(csr_read(csr_pem, &key, NULL), 0);
	leaf = authority_leaf(a, AUTHORITY_ID, key->pkey);
	buf_append_str(&ret_grant->chain_pem, str_from(leaf->pem));
	buf_append_str(&ret_grant->trust_pem, str_from(a->root->pem));
	test_cert_free(leaf);
	key_free(key);
	return 0;
}

TEST(who_can_sign_asks_nobody)
{
	struct stage t;

	stage_init(&t);
	t.options.connect = NULL;
	t.options.sign = sign_here;
	t.options.sign_user = &t.authority;
	t.authority.mood = AUTHORITY_REFUSES;
	begin(&t);
	assert_int_equal(t.failures, 1);
	assert_string_equal(t.reason, "the root certificate has expired");
	t.authority.mood = AUTHORITY_GRANTS;
	advance(&t, DURATION_SECONDS(2));
	assert_int_equal(t.svids, 1);
	advance_slowly(&t, 1981, 60);
	assert_int_equal(t.svids, 2);
	stage_fini(&t);
}
