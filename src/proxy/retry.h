#pragma once

/*
 * May a failed attempt be repeated?
 *
 * Two rules. The route's policy, as in Envoy: for what it names, so often, with backoff,
 * within the breaker's retries. And Weft's own, for every route: a request that reached no
 * program goes to an endpoint that was not yet tried, at once. Where no byte was sent that
 * holds for every method; where bytes were sent and no byte came back, for idempotent methods
 * alone, and once. A connection that had been kept open and ends as the request is sent on it
 * is the ordinary race with the peer's idle timeout: then the same endpoint may serve. So it
 * may when it refused a stream because its connection was about to end.
 *
 * Pure: the caller asks breakers and endpoints.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"
#include "base/time.h"
#include "message/headers.h"
#include "model/routes.h"
#include "proxy/reasons.h"

/* Own retries of one request, for each kind. */
#define RETRY_UNREACHED_MAX 5
#define RETRY_RESET_MAX     1
#define RETRY_REUSED_MAX    2

/* What one request has used up. */
struct retry {
	uint32_t by_policy;
	uint32_t unreached;
	uint32_t resets;
	uint32_t reused;
};

/* A failed attempt, or an answer. */
struct retry_input {
	const struct retry_policy *policy; /* NULL: none */
	enum retry_class failure;          /* RETRY_NEVER with a response */
	const struct headers *response;    /* NULL: a failure */
	bool idempotent;
	bool replayable; /* the request can be sent once more */
	bool sent;       /* a byte of it may have left */
	bool reused;     /* the connection had carried requests before */
	bool others;     /* there is an endpoint that was not tried */
};

enum retry_decision {
	RETRY_DECISION_NO,
	RETRY_DECISION_LIMIT,  /* the policy would, but its number is used up */
	RETRY_DECISION_POLICY, /* behind retry_backoff(), if the breaker allows */
	RETRY_DECISION_OTHER,  /* at once, only at an endpoint not yet tried */
	RETRY_DECISION_FRESH,  /* at once, at any endpoint, on a connection of its own */
};

/* Counts what it decides in *r. */
enum retry_decision retry_decide(struct retry *r, const struct retry_input *in);
/* Before the policy's nth retry, from 1: jittered, growing by powers of two. */
struct duration retry_backoff(const struct retry_policy *policy, uint32_t n, struct random *random);
