/*
 * Attempts that failed: another one, or the end
 */

#include <assert.h>

#include "proxy/attempt.h"

static void reply(struct exchange *x, enum reason reason)
{
	exchange_reply(x, &(struct reply){ .reason = reason });
}

void attempt_retry_give(struct exchange *x)
{
	if (!x->retry_counted)
		return;
	x->retry_counted = false;
	breaker_give(x->last_upstream->state->breakers, attempt_priority(x), BREAKER_RETRIES);
}

static void again_run(struct deferred *d)
{
	attempt_start(container_of(d, struct exchange, again));
}

/* False: the breaker has no retry left. */
static bool retry_take(struct exchange *x)
{
	const struct upstream *u = x->last_upstream;
	uint8_t priority = attempt_priority(x);

	if (!breaker_take(u->state->breakers, &u->state->cluster->breakers[priority], priority,
			  BREAKER_RETRIES)) {
		stat_inc(u->cluster->cells, CLUSTER_RQ_RETRY_OVERFLOW);
		return false;
	}
	x->retry_counted = true;
	stat_inc(u->cluster->cells, CLUSTER_RQ_RETRY);
	return true;
}

/* Ends the attempt and arranges for another one. False: none may follow. */
static bool retry_schedule(struct exchange *x, enum retry_decision decision)
{
	struct duration after = { 0 };

	if (decision == RETRY_DECISION_NO || decision == RETRY_DECISION_LIMIT)
		return false;
	attempt_retry_give(x);
	if (decision == RETRY_DECISION_POLICY) {
		if (!retry_take(x))
			return false;
		after = retry_backoff(attempt_policy(x), x->retry.by_policy, &x->worker->random);
	} else {
		stat_inc(x->last_upstream->cluster->cells, CLUSTER_RQ_RETRY_IMPLICIT);
	}
	attempt_end(x);
	x->attempt.pooled.fresh = decision == RETRY_DECISION_FRESH;
	x->attempt.pooled.fresh_since = loop_now(x->worker->loop);
	exchange_move(x, EXCHANGE_BACKOFF);
	/* Behind the present callback at least, so that a row of refusals is no recursion. */
	if (after.ns > 0)
		deadline_set(x->deadlines, DEADLINE_BACKOFF, after);
	else
		defer(x->worker->loop, &x->again, again_run);
	return true;
}

static void note_limit(struct exchange *x, enum retry_decision decision)
{
	if (decision != RETRY_DECISION_LIMIT)
		return;
	x->flags |= response_flag_bit(FLAG_URX);
	stat_inc(x->last_upstream->cluster->cells, CLUSTER_RQ_RETRY_LIMIT);
}

bool attempt_retry_response(struct exchange *x, const struct headers *h)
{
	struct retry_input in = {
		.policy = attempt_policy(x),
		.response = h,
		.idempotent = method_is_idempotent(x->request->method_id),
		.replayable = !x->body.lost,
		.sent = true,
	};
	enum retry_decision decision;

	if (!in.policy)
		return false;
	decision = retry_decide(&x->retry, &in);
	note_limit(x, decision);
	if (decision != RETRY_DECISION_POLICY)
		return false;
	tried_hosts_add(&x->tried, x->attempt.upstream->host);
	return retry_schedule(x, decision);
}

static enum retry_decision decide(struct exchange *x, const struct reason_row *row)
{
	struct worker_cluster *wc = worker_cluster_at(x->worker, x->target->cluster.slot);
	struct retry_input in = {
		.policy = attempt_policy(x),
		.failure = row->retry,
		.idempotent = method_is_idempotent(x->request->method_id),
		.replayable = !x->body.lost,
		.sent = x->attempt.sent,
		.reused = x->attempt.reused,
	};

	tried_hosts_add(&x->tried, x->attempt.upstream->host);
	in.others = wc && worker_cluster_has_untried(wc, &x->tried);
	return retry_decide(&x->retry, &in);
}

static void count_failure(const struct exchange *x, const struct reason_row *row)
{
	if (row->scope == REASON_COUNTS_CLUSTER)
		stat_inc(x->last_upstream->cluster->cells, row->counter);
}

/*
 * A program that does not answer must not look like one that answers 503: the proxy in front
 * of it ends the mesh stream without an answer, so that the caller's proxy takes another
 * endpoint.
 */
static bool ends_without_answer(const struct exchange *x, const struct reason_row *row)
{
	return x->client->listener->listener->direction == TRAFFIC_INBOUND &&
	       (row->retry == RETRY_UNREACHED || row->retry == RETRY_REFUSED ||
		row->retry == RETRY_RESET);
}

void attempt_failed(struct exchange *x, enum reason reason, struct str detail)
{
	const struct reason_row *row = reason_row(reason);
	bool unsent = !x->attempt.sent || row->retry == RETRY_REFUSED;
	enum retry_decision decision;

	assert(x->attempt.upstream);
	if (row->retry == RETRY_UNREACHED || (row->retry == RETRY_RESET && !x->attempt.reused))
		upstream_failed(x->attempt.upstream);
	x->transport_failure = detail.len ? pool_strdup(exchange_pool(x), detail) : STR_EMPTY;
	if (x->state == EXCHANGE_RESPONSE) {
		exchange_reset(x, reason, false);
		return;
	}
	decision = decide(x, row);
	if (retry_schedule(x, decision)) {
		count_failure(x, row);
		return;
	}
	note_limit(x, decision);
	if (ends_without_answer(x, row)) {
		x->flags |= response_flag_bit(row->flag);
		count_failure(x, row);
		exchange_reset(x, REASON_PROGRAM, unsent);
		return;
	}
	reply(x, reason);
}
