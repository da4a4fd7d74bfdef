#pragma once

/*
 * Circuit breakers
 *
 * Limits on what a cluster may have open at once, per priority, over all workers, as in Envoy:
 * connections, requests that wait for one, requests, retries. Each count is a relaxed atomic
 * on a cache line of its own. Taking looks first and adds then, so that several workers may
 * overshoot by one each; nobody can go below zero.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/dump.h"
#include "base/list.h"
#include "model/cluster.h"

enum breaker {
	BREAKER_CONNECTIONS,
	BREAKER_PENDING,
	BREAKER_REQUESTS,
	BREAKER_RETRIES,
	BREAKER_COUNT,
};

struct breaker_count {
	_Alignas(64) _Atomic uint32_t value;
};

/* Survives a change of the cluster's limits; main thread counts references. */
struct breakers {
	uint32_t refs;
	struct breaker_count *counts; /* [priority * BREAKER_COUNT + breaker] */
};

struct breakers *breakers_new(void);
struct breakers *breakers_ref(struct breakers *b);
struct breakers *breakers_unref(struct breakers *b); /* accepts NULL; returns NULL */

/* False: the limit is reached, nothing was taken. */
bool breaker_take(struct breakers *b, const struct breaker_limits *limits, uint8_t priority,
		  enum breaker which);
/* Takes whatever the limit says: for what must go on. */
void breaker_take_anyway(struct breakers *b, uint8_t priority, enum breaker which);
void breaker_give(struct breakers *b, uint8_t priority, enum breaker which);
uint32_t breaker_value(const struct breakers *b, uint8_t priority, enum breaker which);

/* Looking inside; see base/dump.h. */
void breakers_check(const struct breakers *b);
void breakers_dump(const struct breakers *b, struct dump *d);
