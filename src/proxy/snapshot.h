#pragma once

/*
 * Snapshots: what the workers serve
 *
 * A snapshot is a tree of shared parts. Its tables are arrays of pointers by slot; a table
 * that did not change is shared with the snapshot before, so an endpoint change copies one
 * array of pointers and replaces one cluster.
 *
 *	snapshot ─┬─ listeners[slot] ── listener state ── filter chains, TLS contexts
 *	          ├─ routes[slot] ───── route state ───── route table
 *	          ├─ clusters[slot] ─── cluster state ─── hosts, TLS context, breakers
 *	          └─ ports[slot] ────── port ──────────── listening socket
 *
 * The main thread changes the next snapshot with snapshots_set() and publishes it: each
 * worker gets a task, takes the new one, lets the old one go and confirms. When all have
 * confirmed, no worker can find the snapshot before any more: the main thread gives up its
 * reference, and it goes as soon as the last stream that holds it ends. So an epoch is the
 * time between two confirmations, and a part is freed only after every worker left the last
 * epoch in which it could be seen.
 */

#include <stdbool.h>
#include <stdint.h>

#include "event/loop.h"
#include "proxy/shared.h"

enum snapshot_table {
	SNAPSHOT_LISTENERS,
	SNAPSHOT_ROUTES,
	SNAPSHOT_CLUSTERS,
	SNAPSHOT_PORTS,
	SNAPSHOT_TABLE_COUNT,
};

/* An array by slot; entries may be NULL. */
struct shared_table {
	uint32_t refs; /* main thread */
	uint32_t count;
	struct shared *items[];
};

struct snapshot_delivery;

struct snapshot {
	struct shared shared;
	uint64_t number; /* from 1 */
	struct shared_table *tables[SNAPSHOT_TABLE_COUNT];
	/* private to the main thread */
	struct snapshots *owner;
	struct snapshot *before; /* until all readers confirmed this one */
	uint32_t confirmed;
	struct snapshot_delivery *deliveries; /* one per reader */
};

/* NULL where the slot is empty or beyond the table. */
static inline struct shared *snapshot_get(const struct snapshot *s, enum snapshot_table table,
					  uint32_t slot)
{
	const struct shared_table *t = s->tables[table];

	return slot < t->count ? t->items[slot] : NULL;
}

/* Whoever serves snapshots: a worker. */
struct snapshot_reader {
	struct loop *loop;
	uint32_t index; /* of the worker */
	/*
	 * On the reader's thread: take over from `before` (NULL the first time) to `next`. Both are
	 * held for the call; `current` is changed and the holds are moved by the caller.
	 */
	void (*on_snapshot)(struct snapshot_reader *r, struct snapshot *before,
			    struct snapshot *next);
	struct snapshot *current; /* held; NULL before the first, and after it left */
	bool left;
};

struct snapshots {
	/* On the main thread, when all readers serve the snapshot of that number. May be NULL. */
	void (*on_served)(struct snapshots *s, uint64_t number);
	/* May be read by the main thread. */
	struct snapshot *current; /* published last; NULL before the first */
	uint64_t served;          /* number that all readers confirmed */
	/* private */
	struct loop *loop;
	struct shared_domain *domain;
	struct snapshot_reader **readers;
	uint32_t reader_count;
	struct shared_table *next[SNAPSHOT_TABLE_COUNT];
	bool changed;
	uint64_t number;
	struct timer collect;
};

/* `readers` is an array of domain->worker_count pointers that outlives the snapshots. */
void snapshots_init(struct snapshots *s, struct loop *main_loop, struct shared_domain *domain,
		    struct snapshot_reader **readers);
/* All readers have left (snapshot_reader_leave()) and their loops run no more. */
void snapshots_fini(struct snapshots *s);

/* Puts an object into the next snapshot, which takes a reference; NULL clears the slot. */
void snapshots_set(struct snapshots *s, enum snapshot_table table, uint32_t slot,
		   struct shared *object);
/* What the next snapshot holds in a slot so far. */
struct shared *snapshots_peek(const struct snapshots *s, enum snapshot_table table, uint32_t slot);
bool snapshots_changed(const struct snapshots *s);
/* Publishes what was set since the last time. Returns the number of the snapshot, or of the
 * current one when nothing was changed. */
uint64_t snapshots_publish(struct snapshots *s);

/* For streams, on the reader's thread: the current snapshot, held; and its release. */
static inline struct snapshot *snapshot_hold(struct snapshot_reader *r)
{
	shared_hold(&r->current->shared, r->index);
	return r->current;
}

static inline void snapshot_release(struct snapshot_reader *r, struct snapshot *s)
{
	shared_release(&s->shared, r->index);
}

/* The reader ends: lets its current snapshot go. On its thread, after its last stream. */
void snapshot_reader_leave(struct snapshot_reader *r);

/* Looking inside; see base/dump.h. */
void snapshots_check(const struct snapshots *s); /* on the main thread */
void snapshots_dump(const struct snapshots *s, struct dump *d);
