#include "proxy/retry.h"

#include "test.h"

#include "base/pool.h"

static struct retry_input failure(enum retry_class class)
{
	return (struct retry_input){
		.failure = class,
		.idempotent = true,
		.replayable = true,
		.others = true,
		.sent = class == RETRY_RESET,
	};
}

TEST(a_request_that_was_not_sent_goes_elsewhere_whatever_its_method)
{
	struct retry r = { 0 };
	struct retry_input in = failure(RETRY_UNREACHED);

	in.idempotent = false;
	for (int i = 0; i < RETRY_UNREACHED_MAX; i++)
		assert_int_equal(retry_decide(&r, &in), RETRY_DECISION_OTHER);
	assert_int_equal(retry_decide(&r, &in), RETRY_DECISION_NO);
}

TEST(a_refused_request_goes_elsewhere_whatever_its_method)
{
	struct retry r = { 0 };
	struct retry_input in = failure(RETRY_REFUSED);

	in.idempotent = false;
	in.sent = true;
	assert_int_equal(retry_decide(&r, &in), RETRY_DECISION_OTHER);
	in.others = false;
	assert_int_equal(retry_decide(&r, &in), RETRY_DECISION_FRESH);
}

TEST(a_request_that_was_sent_is_repeated_once_if_idempotent)
{
	struct retry r = { 0 };
	struct retry_input in = failure(RETRY_RESET);

	assert_int_equal(retry_decide(&r, &in), RETRY_DECISION_OTHER);
	assert_int_equal(retry_decide(&r, &in), RETRY_DECISION_NO);
	r = (struct retry){ 0 };
	in.idempotent = false;
	assert_int_equal(retry_decide(&r, &in), RETRY_DECISION_NO);
}

TEST(a_kept_connection_that_ended_is_no_endpoint_that_failed)
{
	struct retry r = { 0 };
	struct retry_input in = failure(RETRY_RESET);

	in.reused = true;
	in.others = false;
	assert_int_equal(retry_decide(&r, &in), RETRY_DECISION_FRESH);
	in.idempotent = false;
	assert_int_equal(retry_decide(&r, &in), RETRY_DECISION_NO);
}

TEST(without_another_endpoint_the_own_rule_does_nothing)
{
	struct retry r = { 0 };
	struct retry_input in = failure(RETRY_UNREACHED);

	in.others = false;
	assert_int_equal(retry_decide(&r, &in), RETRY_DECISION_NO);
}

TEST(a_body_that_is_gone_cannot_be_sent_again)
{
	struct retry r = { 0 };
	struct retry_policy p = { .retry_on = RETRY_ON_5XX, .retries_max = 3 };
	struct retry_input in = failure(RETRY_RESET);

	in.policy = &p;
	in.replayable = false;
	assert_int_equal(retry_decide(&r, &in), RETRY_DECISION_NO);
}

TEST(the_policy_says_how_often)
{
	struct retry r = { 0 };
	struct retry_policy p = { .retry_on = RETRY_ON_GATEWAY_ERROR, .retries_max = 2 };
	struct retry_input in = failure(RETRY_TIMEOUT);

	in.policy = &p;
	assert_int_equal(retry_decide(&r, &in), RETRY_DECISION_POLICY);
	assert_int_equal(retry_decide(&r, &in), RETRY_DECISION_POLICY);
	assert_int_equal(retry_decide(&r, &in), RETRY_DECISION_LIMIT);
}

TEST(what_the_policy_does_not_name_is_not_repeated)
{
	struct retry r = { 0 };
	struct retry_policy p = { .retry_on = RETRY_ON_CONNECT_FAILURE, .retries_max = 2 };
	struct retry_input in = failure(RETRY_TIMEOUT);

	in.policy = &p;
	assert_int_equal(retry_decide(&r, &in), RETRY_DECISION_NO);
	in.failure = RETRY_UNREACHED;
	in.others = false;
	assert_int_equal(retry_decide(&r, &in), RETRY_DECISION_POLICY);
}

struct answer_case {
	uint32_t on;
	uint16_t status;
	const char *grpc_status;
	enum retry_decision decision;
};

// clang-format off
static uint16_t listed[] = { 418, 425 };
static const struct answer_case answer_cases[] = {
	{ RETRY_ON_5XX,                    500, NULL, RETRY_DECISION_POLICY },
	{ RETRY_ON_5XX,                    599, NULL, RETRY_DECISION_POLICY },
	{ RETRY_ON_5XX,                    404, NULL, RETRY_DECISION_NO },
	{ RETRY_ON_GATEWAY_ERROR,          500, NULL, RETRY_DECISION_NO },
	{ RETRY_ON_GATEWAY_ERROR,          502, NULL, RETRY_DECISION_POLICY },
	{ RETRY_ON_GATEWAY_ERROR,          504, NULL, RETRY_DECISION_POLICY },
	{ RETRY_ON_RETRIABLE_4XX,          409, NULL, RETRY_DECISION_POLICY },
	{ RETRY_ON_RETRIABLE_4XX,          404, NULL, RETRY_DECISION_NO },
	{ RETRY_ON_RETRIABLE_STATUS_CODES, 425, NULL, RETRY_DECISION_POLICY },
	{ RETRY_ON_RETRIABLE_STATUS_CODES, 426, NULL, RETRY_DECISION_NO },
	{ RETRY_ON_RESET,                  503, NULL, RETRY_DECISION_NO },
	{ RETRY_ON_GRPC_UNAVAILABLE,       200, "14", RETRY_DECISION_POLICY },
	{ RETRY_ON_GRPC_UNAVAILABLE,       200, "13", RETRY_DECISION_NO },
	{ RETRY_ON_GRPC_INTERNAL,          200, "13", RETRY_DECISION_POLICY },
	{ RETRY_ON_GRPC_CANCELLED,         200, NULL, RETRY_DECISION_NO },
};
// clang-format on

TEST(answers_are_repeated_as_the_policy_names_them)
{
	for (size_t i = 0; i < array_count(answer_cases); i++) {
		const struct answer_case *c = &answer_cases[i];
		struct pool pool = POOL_INIT(0);
		struct retry r = { 0 };
		struct retry_policy p = { .retry_on = c->on,
					  .retries_max = 1,
					  .status_codes = listed,
					  .status_code_count = array_count(listed) };
		struct headers h;
		struct retry_input in = { .policy = &p, .response = &h, .replayable = true };

		headers_init(&h, &pool);
		h.status = c->status;
		if (c->grpc_status)
			headers_add(&h, HEADER_GRPC_STATUS, str_from(c->grpc_status));
		assert_int_equal(retry_decide(&r, &in), c->decision);
		pool_fini(&pool);
	}
}

TEST(backoff_grows_with_jitter_up_to_its_maximum)
{
	struct retry_policy p = { .backoff_base = DURATION_MS(25),
				  .backoff_max = DURATION_MS(250) };
	struct random random;
	int64_t longest[6] = { 0 };

	random_init(&random, 3);
	for (uint32_t n = 1; n <= 5; n++)
		for (int i = 0; i < 1000; i++)
			longest[n] = max_of(longest[n], retry_backoff(&p, n, &random).ns);
	assert_in_range(longest[1], 24000000, 25000000);
	assert_in_range(longest[2], 70000000, 75000000);
	assert_in_range(longest[3], 165000000, 175000000);
	assert_in_range(longest[4], 240000000, 250000000);
	assert_in_range(longest[5], 240000000, 250000000);
	assert_in_range(retry_backoff(&p, 4000000000u, &random).ns, 0, 250000000);
}
