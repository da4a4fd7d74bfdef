#pragma once

/*
 * Objects that the main thread owns and workers use
 *
 * The main thread counts references (from snapshots and from other objects), plainly, since
 * nobody else does. A worker that needs an object for longer than the snapshot it found it in
 * takes a hold: a count of its own, which no other worker touches. An object is freed when
 * the main thread has no reference and no worker a hold.
 *
 *	main:    refs = 0 ──▶ retired ──▶ all holds 0? ──▶ freed
 *	worker:  may take a hold only on what it reaches through a snapshot that it holds or
 *	         through another object that it holds
 *
 * The second rule is what makes the test of the holds safe: when the last reference goes, the
 * snapshots that led to the object were themselves found without holds, so no worker can
 * take a new one. Holds are plain stores with release order, read with acquire; there is no
 * read-modify-write by two threads anywhere.
 */

#include <stdatomic.h>
#include <stdint.h>

#include "base/dump.h"
#include "base/list.h"

/* Whoever frees retired objects: one per process, on the main thread. */
struct shared_domain {
	uint32_t worker_count;
	struct list retired;
	uint32_t retired_count;
};

/* How holds lie in memory: held for each request, or seldom. */
enum shared_heat { SHARED_COLD, SHARED_HOT };

struct shared {
	struct shared_domain *domain;
	void (*on_free)(struct shared *s);
	uint32_t refs; /* main thread only */
	uint32_t stride;
	_Atomic uint32_t *holds; /* of worker i at [i * stride] */
	struct list in_retired;
};

void shared_domain_init(struct shared_domain *d, uint32_t worker_count);
/* Frees all that is retired, holds or not: the workers are gone. */
void shared_domain_fini(struct shared_domain *d);
/* Frees what nobody holds any more; returns how many objects are still held. */
uint32_t shared_domain_collect(struct shared_domain *d);

/* With one reference, the caller's. on_free releases the memory of the whole object. */
void shared_init(struct shared *s, struct shared_domain *d, enum shared_heat heat,
		 void (*on_free)(struct shared *s));
/* Releases what shared_init() took: on_free calls it before it frees the object. */
void shared_fini(struct shared *s);

/* Main thread. unref accepts NULL. */
void shared_ref(struct shared *s);
void shared_unref(struct shared *s);

/* The worker's thread. */
static inline void shared_hold(struct shared *s, uint32_t worker)
{
	_Atomic uint32_t *count = &s->holds[worker * s->stride];

	atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + 1,
			      memory_order_release);
}

static inline void shared_release(struct shared *s, uint32_t worker)
{
	_Atomic uint32_t *count = &s->holds[worker * s->stride];

	atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) - 1,
			      memory_order_release);
}

/* Looking inside; see base/dump.h. */
void shared_domain_check(const struct shared_domain *d);
/* refs and the holds of each worker, as fields of the present line. */
void shared_dump_fields(const struct shared *s, struct dump *d);
