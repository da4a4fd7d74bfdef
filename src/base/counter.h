#pragma once

/*
 * Counters
 *
 * One writer, any number of readers: a relaxed add that compiles to a plain one where the
 * owner is a single thread. Workers each own a set of counters; whoever reads adds them up.
 * counter_add_shared() is for the few that several threads write.
 */

#include <stdatomic.h>
#include <stdint.h>

struct counter {
	_Atomic uint64_t value;
};

/* A gauge goes both ways: it is a counter whose delta may be negative. */
struct gauge {
	_Atomic int64_t value;
};

static inline uint64_t counter_read(const struct counter *c)
{
	return atomic_load_explicit(&c->value, memory_order_relaxed);
}

/* Only from the owning thread. */
static inline void counter_add(struct counter *c, uint64_t n)
{
	atomic_store_explicit(&c->value, counter_read(c) + n, memory_order_relaxed);
}

static inline void counter_add_shared(struct counter *c, uint64_t n)
{
	atomic_fetch_add_explicit(&c->value, n, memory_order_relaxed);
}

static inline int64_t gauge_read(const struct gauge *g)
{
	return atomic_load_explicit(&g->value, memory_order_relaxed);
}

/* Only from the owning thread. */
static inline void gauge_add(struct gauge *g, int64_t n)
{
	atomic_store_explicit(&g->value, gauge_read(g) + n, memory_order_relaxed);
}

static inline void gauge_set(struct gauge *g, int64_t n)
{
	atomic_store_explicit(&g->value, n, memory_order_relaxed);
}
