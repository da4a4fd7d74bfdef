#pragma once

/*
 * Attempts: what their files share
 *
 *	attempt.c       begins an attempt, ends it, and sends the head of the request
 *	attempt_body.c  the request's body: kept, held back, sent
 *	attempt_up.c    what the endpoint says
 *	attempt_fail.c  another attempt, or the end
 */

#include "proxy/exchange.h"

/* Of streams to endpoints; `user` is the exchange. */
extern const struct stream_handler attempt_handler;

static inline const struct retry_policy *attempt_policy(const struct exchange *x)
{
	return x->route->forward.retry;
}

static inline uint8_t attempt_priority(const struct exchange *x)
{
	return x->route->forward.priority;
}

/* Before the first attempt, at an endpoint of the cluster: is the body to be kept? */
void attempt_body_init(struct exchange *x, const struct cluster *cluster);
/* An answer has begun: no attempt follows, and nothing is kept for one. */
void attempt_body_answered(struct exchange *x);
/* Sends what waited for the connection. */
void attempt_body_flush(struct exchange *x);
/* The endpoint can take more. */
void attempt_body_resume(struct exchange *x);

/* One of the breaker's retries that the exchange holds is given back. */
void attempt_retry_give(struct exchange *x);
/* The endpoint's answer asks for another attempt: true when there will be one. */
bool attempt_retry_response(struct exchange *x, const struct headers *h);
