#include "model/retry_policy.h"

#define BACKOFF_BASE_ABSENT DURATION_MS(25)
#define BACKOFF_BASE_LEAST  DURATION_MS(1)
#define BACKOFF_MAX_FACTOR  10
#define STATUS_COUNT_MAX    1000

static const struct {
	const char *word;
	uint32_t bits;
} words[] = {
	{ "5xx", RETRY_ON_5XX },
	{ "gateway-error", RETRY_ON_GATEWAY_ERROR },
	{ "reset", RETRY_ON_RESET },
	{ "reset-before-request", RETRY_ON_RESET_BEFORE_REQUEST },
	{ "connect-failure", RETRY_ON_CONNECT_FAILURE },
	{ "refused-stream", RETRY_ON_REFUSED_STREAM },
	{ "retriable-4xx", RETRY_ON_RETRIABLE_4XX },
	{ "retriable-status-codes", RETRY_ON_RETRIABLE_STATUS_CODES },
	{ "cancelled", RETRY_ON_GRPC_CANCELLED },
	{ "deadline-exceeded", RETRY_ON_GRPC_DEADLINE_EXCEEDED },
	{ "internal", RETRY_ON_GRPC_INTERNAL },
	{ "resource-exhausted", RETRY_ON_GRPC_RESOURCE_EXHAUSTED },
	{ "unavailable", RETRY_ON_GRPC_UNAVAILABLE },
	/* Upstreams speak no HTTP/3, so it never happens. */
	{ "http3-post-connect-failure", 0 },
};

/* Envoy's, but not ours yet. */
static const char *const words_unsupported[] = { "envoy-ratelimited", "retriable-headers", NULL };

static int word_unknown(struct compile *c, const struct pb_message *m, struct str word)
{
	const char *candidates[array_count(words) + 1] = { NULL };
	const char *nearest;
	int r;

	for (size_t i = 0; words_unsupported[i]; i++)
		if (str_eq(word, str_from(words_unsupported[i])))
			return pb_fail_field(c->d, m, PB_RetryPolicy_retry_on, ERR_UNSUPPORTED,
					     "\"%s\" is not supported yet", words_unsupported[i]);
	for (size_t i = 0; i < array_count(words); i++)
		candidates[i] = words[i].word;
	r = pb_fail_field(c->d, m, PB_RetryPolicy_retry_on, ERR_CONFIG, "\"%.*s\" is unknown",
			  STR_ARGS(word));
	nearest = str_nearest(word, candidates);
	if (nearest)
		diag_hint(c->d, "did you mean \"%s\"?", nearest);
	return r;
}

static int retry_on_read(struct compile *c, const struct pb_message *m, uint32_t *ret_bits)
{
	struct str rest = pb_text(m, PB_RetryPolicy_retry_on), word;
	uint32_t bits = 0;

	while (str_split(&rest, ',', &word)) {
		size_t i = 0;

		word = str_trim(word);
		if (word.len == 0)
			continue;
		while (i < array_count(words) && !str_eq(word, str_from(words[i].word)))
			i++;
		if (i == array_count(words))
			return word_unknown(c, m, word);
		bits |= words[i].bits;
	}
	*ret_bits = bits;
	return 0;
}

static int status_codes_read(struct compile *c, const struct pb_message *m, struct retry_policy *p)
{
	uint32_t count = pb_count(m, PB_RetryPolicy_retriable_status_codes);

	if (count > STATUS_COUNT_MAX)
		return pb_fail_field(c->d, m, PB_RetryPolicy_retriable_status_codes, ERR_LIMIT,
				     "has more than %d entries", STATUS_COUNT_MAX);
	p->status_codes = pool_new_array(c->pool, uint16_t, count);
	p->status_code_count = count;
	for (uint32_t i = 0; i < count; i++) {
		int64_t status = pb_number_at(m, PB_RetryPolicy_retriable_status_codes, i);

		if (status < 100 || status > 599)
			return compile_fail_at(c, m, PB_RetryPolicy_retriable_status_codes, i,
					       "%lld is not a status", (long long)status);
		p->status_codes[i] = (uint16_t)status;
	}
	return 0;
}

static int backoff_read(struct compile *c, const struct pb_message *m, struct retry_policy *p)
{
	const struct pb_message *backoff = pb_sub(m, PB_RetryPolicy_retry_back_off);
	int r;

	p->backoff_base = BACKOFF_BASE_ABSENT;
	r = compile_duration(c, backoff, PB_RetryPolicy_RetryBackOff_base_interval, p->backoff_base,
			     &p->backoff_base);
	if (r < 0)
		return r;
	if (p->backoff_base.ns < BACKOFF_BASE_LEAST.ns)
		p->backoff_base = BACKOFF_BASE_LEAST;
	if (__builtin_mul_overflow(p->backoff_base.ns, BACKOFF_MAX_FACTOR, &p->backoff_max.ns))
		p->backoff_max = DURATION_FOREVER;
	r = compile_duration(c, backoff, PB_RetryPolicy_RetryBackOff_max_interval, p->backoff_max,
			     &p->backoff_max);
	if (r < 0)
		return r;
	if (p->backoff_max.ns < p->backoff_base.ns)
		return pb_fail_field(c->d, backoff, PB_RetryPolicy_RetryBackOff_max_interval,
				     ERR_CONFIG, "must not be less than base_interval");
	return 0;
}

static int predicates_read(struct compile *c, const struct pb_message *m, struct retry_policy *p)
{
	static const struct extension predicates[] = {
		{ &pb_PreviousHostsPredicate, "envoy.retry_host_predicates.previous_hosts", NULL },
	};

	for (uint32_t i = 0; i < pb_count(m, PB_RetryPolicy_retry_host_predicate); i++) {
		const struct pb_message *entry =
			pb_sub_at(m, PB_RetryPolicy_retry_host_predicate, i);

		if (!compile_extension(predicates, array_count(predicates), entry,
				       PB_RetryPolicy_RetryHostPredicate_typed_config))
			return compile_unsupported(c, entry, PB_RetryPolicy_RetryHostPredicate_name,
						   PB_RetryPolicy_RetryHostPredicate_typed_config,
						   "retry host predicate");
		p->avoid_previous_hosts = true;
	}
	return 0;
}

int retry_policy_compile(struct compile *c, const struct pb_message *m,
			 struct retry_policy **ret_policy)
{
	struct retry_policy *p = pool_new(c->pool, struct retry_policy);
	int64_t attempts = pb_number(m, PB_RetryPolicy_host_selection_retry_max_attempts);
	int r;

	r = retry_on_read(c, m, &p->retry_on);
	if (r < 0)
		return r;
	r = status_codes_read(c, m, p);
	if (r < 0)
		return r;
	r = backoff_read(c, m, p);
	if (r < 0)
		return r;
	r = predicates_read(c, m, p);
	if (r < 0)
		return r;
	r = compile_duration(c, m, PB_RetryPolicy_per_try_timeout, DURATION_NS(0),
			     &p->per_try_timeout);
	if (r < 0)
		return r;
	if (attempts < 0 || attempts > UINT32_MAX)
		return pb_fail_field(c->d, m, PB_RetryPolicy_host_selection_retry_max_attempts,
				     ERR_CONFIG, "must be between 0 and %u", UINT32_MAX);
	p->host_selection_attempts = attempts ? (uint32_t)attempts : 1;
	p->retries_max = (uint32_t)pb_wrapped(m, PB_RetryPolicy_num_retries, 1);
	*ret_policy = p;
	return 0;
}
