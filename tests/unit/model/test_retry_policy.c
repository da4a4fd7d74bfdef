#include "fixture.h"

#include "model/routes.h"

#define POLICY(fields)             \
	"name: r\n"                \
	"virtual_hosts:\n"         \
	"- name: a\n"              \
	"  domains: [a]\n"         \
	"  routes:\n"              \
	"  - match: {prefix: /}\n" \
	"    route: {cluster: a, retry_policy: {" fields "}}\n"

#define AT "virtual_hosts[0].routes[0].route.retry_policy"

static const struct retry_policy *policy(struct part *p)
{
	return route_table_of(p)->hosts[0].routes[0].forward.retry;
}

TEST(a_retry_policy_without_settings_means_what_it_means_in_envoy)
{
	struct part *p = compiled(PART_ROUTES, POLICY(""));

	assert_int_equal(policy(p)->retry_on, 0);
	assert_int_equal(policy(p)->retries_max, 1);
	assert_int_equal(policy(p)->per_try_timeout.ns, 0);
	assert_int_equal(policy(p)->backoff_base.ns, DURATION_MS(25).ns);
	assert_int_equal(policy(p)->backoff_max.ns, DURATION_MS(250).ns);
	assert_int_equal(policy(p)->status_code_count, 0);
	assert_false(policy(p)->avoid_previous_hosts);
	assert_int_equal(policy(p)->host_selection_attempts, 1);
	part_unref(p);
}

TEST(each_setting_of_a_retry_policy_is_taken_over)
{
	struct part *p = compiled(
		PART_ROUTES,
		POLICY("retry_on: 'retriable-status-codes', num_retries: 3, per_try_timeout: "
		       "0.25s, "
		       "retry_back_off: {base_interval: 0.1s, max_interval: 1s}, "
		       "retriable_status_codes: [503, 409], host_selection_retry_max_attempts: 5, "
		       "retry_host_predicate: [{name: p, typed_config: {'@type': "
		       "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3."
		       "PreviousHostsPredicate}}]"));

	assert_int_equal(policy(p)->retry_on, RETRY_ON_RETRIABLE_STATUS_CODES);
	assert_int_equal(policy(p)->retries_max, 3);
	assert_int_equal(policy(p)->per_try_timeout.ns, DURATION_MS(250).ns);
	assert_int_equal(policy(p)->backoff_base.ns, DURATION_MS(100).ns);
	assert_int_equal(policy(p)->backoff_max.ns, DURATION_SECONDS(1).ns);
	assert_int_equal(policy(p)->status_code_count, 2);
	assert_int_equal(policy(p)->status_codes[1], 409);
	assert_true(policy(p)->avoid_previous_hosts);
	assert_int_equal(policy(p)->host_selection_attempts, 5);
	part_unref(p);
}

TEST(each_word_of_envoy_that_we_serve_is_known)
{
	static const struct {
		const char *yaml;
		uint32_t bits;
	} rows[] = {
		{ POLICY("retry_on: 5xx"), RETRY_ON_5XX },
		{ POLICY("retry_on: gateway-error"), RETRY_ON_GATEWAY_ERROR },
		{ POLICY("retry_on: reset"), RETRY_ON_RESET },
		{ POLICY("retry_on: reset-before-request"), RETRY_ON_RESET_BEFORE_REQUEST },
		{ POLICY("retry_on: connect-failure"), RETRY_ON_CONNECT_FAILURE },
		{ POLICY("retry_on: refused-stream"), RETRY_ON_REFUSED_STREAM },
		{ POLICY("retry_on: retriable-4xx"), RETRY_ON_RETRIABLE_4XX },
		{ POLICY("retry_on: cancelled"), RETRY_ON_GRPC_CANCELLED },
		{ POLICY("retry_on: deadline-exceeded"), RETRY_ON_GRPC_DEADLINE_EXCEEDED },
		{ POLICY("retry_on: internal"), RETRY_ON_GRPC_INTERNAL },
		{ POLICY("retry_on: resource-exhausted"), RETRY_ON_GRPC_RESOURCE_EXHAUSTED },
		{ POLICY("retry_on: unavailable"), RETRY_ON_GRPC_UNAVAILABLE },
		{ POLICY("retry_on: http3-post-connect-failure"), 0 },
		{ POLICY("retry_on: ' reset , connect-failure,, '"),
		  RETRY_ON_RESET | RETRY_ON_CONNECT_FAILURE },
	};

	for (size_t i = 0; i < array_count(rows); i++) {
		struct part *p = compiled(PART_ROUTES, rows[i].yaml);

		assert_int_equal(policy(p)->retry_on, rows[i].bits);
		part_unref(p);
	}
}

TEST(a_backoff_is_at_least_a_millisecond_and_never_overflows)
{
	struct part *p = compiled(PART_ROUTES, POLICY("retry_back_off: {base_interval: 0.0001s}"));

	assert_int_equal(policy(p)->backoff_base.ns, DURATION_MS(1).ns);
	assert_int_equal(policy(p)->backoff_max.ns, DURATION_MS(10).ns);
	part_unref(p);

	p = compiled(PART_ROUTES, POLICY("retry_back_off: {base_interval: 5000000000s}"));
	assert_true(policy(p)->backoff_max.ns == DURATION_FOREVER.ns);
	part_unref(p);
}

// clang-format off
static const struct refusal retry_policy_refused[] = {
	{ POLICY("retry_on: conect-failure"), AT
	  ".retry_on: \"conect-failure\" is unknown (did you mean \"connect-failure\"?)" },
	{ POLICY("retry_on: 'reset,nonsense'"), AT ".retry_on: \"nonsense\" is unknown" },
	{ POLICY("retry_on: retriable-headers"),
	  AT ".retry_on: \"retriable-headers\" is not supported yet" },
	{ POLICY("retry_on: envoy-ratelimited"),
	  AT ".retry_on: \"envoy-ratelimited\" is not supported yet" },
	{ POLICY("retriable_status_codes: [503, 99]"),
	  AT ".retriable_status_codes[1]: 99 is not a status" },
	{ POLICY("retry_back_off: {base_interval: 2s, max_interval: 1s}"),
	  AT ".retry_back_off.max_interval: must not be less than base_interval" },
	{ POLICY("retry_back_off: {max_interval: 1s}"),
	  AT ".retry_back_off.base_interval: is missing" },
	{ POLICY("per_try_timeout: -1s"), AT ".per_try_timeout: must not be negative" },
	{ POLICY("host_selection_retry_max_attempts: -1"),
	  AT ".host_selection_retry_max_attempts: must be between 0 and 4294967295" },
	{ POLICY("retry_host_predicate: [{name: p}]"),
	  AT ".retry_host_predicate[0].typed_config: is missing: its \"@type\" says which "
	  "retry host predicate it is" },
	{ POLICY("retry_host_predicate: [{name: p, typed_config: {'@type': "
	  "type.googleapis.com/a.B}}]"),
	  AT ".retry_host_predicate[0].typed_config: retry host predicate \"p\" of type a.B is "
	  "not supported" },
	{ POLICY("retriable_headers: [{name: x}]"),
	  AT ".retriable_headers: is not supported by this version" },
};
// clang-format on

TEST(what_no_retry_policy_may_say_is_refused)
{
	assert_all_refused(PART_ROUTES, retry_policy_refused);
}
