#pragma once

/*
 * Hash map from text to pointer
 *
 * Keys are copied; values are borrowed. Hashing is keyed per process, so a peer cannot
 * choose colliding names. Iteration follows insertion order, which keeps every dump and
 * every response deterministic; removal during iteration of the current entry is allowed. A
 * map must not be moved in memory.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/str.h"

struct map_entry {
	struct list in_order;
	struct map_entry *chain;
	uint64_t hash;
	struct str key; /* terminated */
	void *value;
};

struct map {
	struct map_entry **buckets;
	size_t bucket_count;
	size_t count;
	struct list in_order;
};

void map_init(struct map *m);
/* Frees keys and table; the values are the caller's. Accepts zeroed memory. */
void map_fini(struct map *m);

/* NULL when absent. */
void *map_get(const struct map *m, struct str key);
/* Replaces; returns the earlier value or NULL. value must not be NULL. */
void *map_set(struct map *m, struct str key, void *value);
/* Returns the removed value or NULL. */
void *map_remove(struct map *m, struct str key);

static inline struct map_entry *map_entry_at(const struct map *m, const struct list *node)
{
	return node == &m->in_order ? NULL
				    : container_of((struct list *)node, struct map_entry, in_order);
}

static inline struct map_entry *map_first(const struct map *m)
{
	return m->count ? map_entry_at(m, m->in_order.next) : NULL;
}

/* NULL behind the last. */
static inline struct map_entry *map_next(const struct map *m, const struct map_entry *entry)
{
	return entry ? map_entry_at(m, entry->in_order.next) : NULL;
}

/* `entry` is a struct map_entry *. */
#define map_for_each(entry, m)                                                                \
	for (struct map_entry *entry = map_first(m), *next_of_##entry = map_next((m), entry); \
	     entry; entry = next_of_##entry, next_of_##entry = map_next((m), entry))
