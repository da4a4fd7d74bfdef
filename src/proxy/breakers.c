#include "proxy/breakers.h"

#include <assert.h>
#include <stdatomic.h>

#include "base/mem.h"

static _Atomic uint32_t *count_of(const struct breakers *b, uint8_t priority, enum breaker which)
{
	assert(priority < PRIORITY_COUNT);
	assert(which < BREAKER_COUNT);
	return &b->counts[priority * BREAKER_COUNT + which].value;
}

struct breakers *breakers_new(void)
{
	struct breakers *b = mem_new(struct breakers);

	b->refs = 1;
	b->counts = mem_new_array(struct breaker_count, PRIORITY_COUNT * BREAKER_COUNT);
	return b;
}

struct breakers *breakers_ref(struct breakers *b)
{
	b->refs++;
	return b;
}

struct breakers *breakers_unref(struct breakers *b)
{
	if (!b || --b->refs > 0)
		return NULL;
	mem_free(b->counts);
	mem_free(b);
	return NULL;
}

/* The share of active requests that may be retries, or the fixed number. */
static uint32_t retries_max(const struct breakers *b, const struct breaker_limits *limits,
			    uint8_t priority)
{
	uint64_t active;

	if (limits->retry_budget_percent == 0)
		return limits->retries_max;
	active = breaker_value(b, priority, BREAKER_REQUESTS);
	active = active * limits->retry_budget_percent / 100;
	return (uint32_t)max_of(active, (uint64_t)limits->retry_budget_min);
}

static uint32_t limit_of(const struct breakers *b, const struct breaker_limits *limits,
			 uint8_t priority, enum breaker which)
{
	switch (which) {
	case BREAKER_CONNECTIONS:
		return limits->connections_max;
	case BREAKER_PENDING:
		return limits->pending_max;
	case BREAKER_REQUESTS:
		return limits->requests_max;
	default:
		return retries_max(b, limits, priority);
	}
}

bool breaker_take(struct breakers *b, const struct breaker_limits *limits, uint8_t priority,
		  enum breaker which)
{
	_Atomic uint32_t *count = count_of(b, priority, which);

	if (atomic_load_explicit(count, memory_order_relaxed) >=
	    limit_of(b, limits, priority, which))
		return false;
	atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
	return true;
}

void breaker_take_anyway(struct breakers *b, uint8_t priority, enum breaker which)
{
	atomic_fetch_add_explicit(count_of(b, priority, which), 1, memory_order_relaxed);
}

void breaker_give(struct breakers *b, uint8_t priority, enum breaker which)
{
	uint32_t before =
		atomic_fetch_sub_explicit(count_of(b, priority, which), 1, memory_order_relaxed);

	assert(before > 0);
}

uint32_t breaker_value(const struct breakers *b, uint8_t priority, enum breaker which)
{
	return atomic_load_explicit(count_of(b, priority, which), memory_order_relaxed);
}

/*
 * Looking inside
 */

static const char *const names[] = {
	[BREAKER_CONNECTIONS] = "connections",
	[BREAKER_PENDING] = "pending",
	[BREAKER_REQUESTS] = "requests",
	[BREAKER_RETRIES] = "retries",
};

void breakers_check(const struct breakers *b)
{
	assert(b->refs > 0);
	assert(b->counts);
}

void breakers_dump(const struct breakers *b, struct dump *d)
{
	for (uint8_t priority = 0; priority < PRIORITY_COUNT; priority++) {
		dump_line(d, "breakers");
		dump_number(d, "priority", priority);
		for (int i = 0; i < BREAKER_COUNT; i++)
			dump_number(d, names[i], breaker_value(b, priority, (enum breaker)i));
	}
}
