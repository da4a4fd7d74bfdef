#include "proxy/retry.h"

#define BACKOFF_DOUBLINGS_MAX 16

static bool status_is_listed(const struct retry_policy *p, uint16_t status)
{
	for (uint32_t i = 0; i < p->status_code_count; i++)
		if (p->status_codes[i] == status)
			return true;
	return false;
}

// clang-format off
static const struct { uint32_t word; const char *status; } grpc_words[] = {
	{ RETRY_ON_GRPC_CANCELLED,          "1" },
	{ RETRY_ON_GRPC_DEADLINE_EXCEEDED,  "4" },
	{ RETRY_ON_GRPC_RESOURCE_EXHAUSTED, "8" },
	{ RETRY_ON_GRPC_INTERNAL,           "13" },
	{ RETRY_ON_GRPC_UNAVAILABLE,        "14" },
};
// clang-format on

static bool grpc_status_is_named(const struct retry_policy *p, const struct headers *h)
{
	const struct header *status = headers_get(h, HEADER_GRPC_STATUS);

	for (size_t i = 0; status && i < array_count(grpc_words); i++)
		if ((p->retry_on & grpc_words[i].word) &&
		    str_eq(status->value, str_from(grpc_words[i].status)))
			return true;
	return false;
}

static bool policy_names_response(const struct retry_policy *p, const struct headers *h)
{
	uint16_t s = h->status;
	uint32_t on = p->retry_on;

	return ((on & RETRY_ON_5XX) && s >= 500) ||
	       ((on & RETRY_ON_GATEWAY_ERROR) && s >= 502 && s <= 504) ||
	       ((on & RETRY_ON_RETRIABLE_4XX) && s == 409) ||
	       ((on & RETRY_ON_RETRIABLE_STATUS_CODES) && status_is_listed(p, s)) ||
	       grpc_status_is_named(p, h);
}

static bool policy_names_failure(const struct retry_policy *p, const struct retry_input *in)
{
	uint32_t on = p->retry_on;

	if (in->failure == RETRY_NEVER)
		return false;
	if (on & (RETRY_ON_5XX | RETRY_ON_GATEWAY_ERROR | RETRY_ON_RESET))
		return true;
	return ((on & RETRY_ON_CONNECT_FAILURE) && in->failure == RETRY_UNREACHED) ||
	       ((on & RETRY_ON_REFUSED_STREAM) && in->failure == RETRY_REFUSED) ||
	       ((on & RETRY_ON_RESET_BEFORE_REQUEST) && !in->sent);
}

static enum retry_decision take(uint32_t *count, uint32_t max, enum retry_decision decision)
{
	if (*count >= max)
		return RETRY_DECISION_NO;
	++*count;
	return decision;
}

/* Weft's own rule. */
static enum retry_decision decide_unasked(struct retry *r, const struct retry_input *in)
{
	bool reset = in->failure == RETRY_RESET && in->sent;

	if (in->failure == RETRY_NEVER || in->failure == RETRY_TIMEOUT)
		return RETRY_DECISION_NO;
	if (reset && !in->idempotent)
		return RETRY_DECISION_NO;
	if ((reset && in->reused) || (in->failure == RETRY_REFUSED && !in->others))
		return take(&r->reused, RETRY_REUSED_MAX, RETRY_DECISION_FRESH);
	if (!in->others)
		return RETRY_DECISION_NO;
	return reset ? take(&r->resets, RETRY_RESET_MAX, RETRY_DECISION_OTHER)
		     : take(&r->unreached, RETRY_UNREACHED_MAX, RETRY_DECISION_OTHER);
}

enum retry_decision retry_decide(struct retry *r, const struct retry_input *in)
{
	const struct retry_policy *p = in->policy;
	bool named = p && (in->response ? policy_names_response(p, in->response)
					: policy_names_failure(p, in));
	enum retry_decision own;

	if (!in->replayable)
		return RETRY_DECISION_NO;
	/* The own rule comes first: it costs the policy nothing. */
	own = in->response ? RETRY_DECISION_NO : decide_unasked(r, in);
	if (own != RETRY_DECISION_NO)
		return own;
	if (!named)
		return RETRY_DECISION_NO;
	return r->by_policy < p->retries_max ? (r->by_policy++, RETRY_DECISION_POLICY)
					     : RETRY_DECISION_LIMIT;
}

struct duration retry_backoff(const struct retry_policy *policy, uint32_t n, struct random *random)
{
	uint32_t doublings = n > BACKOFF_DOUBLINGS_MAX ? BACKOFF_DOUBLINGS_MAX : n;
	int64_t most = policy->backoff_base.ns * ((1 << doublings) - 1);

	if (policy->backoff_max.ns > 0 && most > policy->backoff_max.ns)
		most = policy->backoff_max.ns;
	return DURATION_NS(most > 0 ? (int64_t)random_below(random, (uint64_t)most) : 0);
}
