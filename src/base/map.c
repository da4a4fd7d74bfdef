#include "base/map.h"

#include <assert.h>

#include "base/hash.h"
#include "base/mem.h"

/* The table doubles when it holds as many entries as buckets. */
#define BUCKET_COUNT_MIN 8

void map_init(struct map *m)
{
	*m = (struct map){ 0 };
	list_init(&m->in_order);
}

void map_fini(struct map *m)
{
	if (m->count)
		list_for_each_safe (node, &m->in_order)
			mem_free(container_of(node, struct map_entry, in_order));
	mem_free(m->buckets);
	map_init(m);
}

static inline size_t bucket_index(const struct map *m, uint64_t hash)
{
	return hash & (m->bucket_count - 1);
}

/* The place that points to the entry, or to NULL at the end of its chain. */
static struct map_entry **entry_place(const struct map *m, struct str key, uint64_t hash)
{
	struct map_entry **place = &m->buckets[bucket_index(m, hash)];

	while (*place && ((*place)->hash != hash || !str_eq((*place)->key, key)))
		place = &(*place)->chain;
	return place;
}

void *map_get(const struct map *m, struct str key)
{
	if (m->count == 0)
		return NULL;

	struct map_entry *entry = *entry_place(m, key, hash_bytes(key));

	return entry ? entry->value : NULL;
}

static void chain_in(struct map *m, struct map_entry *entry)
{
	struct map_entry **bucket = &m->buckets[bucket_index(m, entry->hash)];

	entry->chain = *bucket;
	*bucket = entry;
}

static void grow(struct map *m)
{
	size_t bucket_count = m->bucket_count ? m->bucket_count * 2 : BUCKET_COUNT_MIN;

	mem_free(m->buckets);
	m->buckets = mem_new_array(struct map_entry *, bucket_count);
	m->bucket_count = bucket_count;
	list_for_each (node, &m->in_order)
		chain_in(m, container_of(node, struct map_entry, in_order));
}

/* One piece of memory: the entry, then its key. */
static struct map_entry *entry_new(struct str key, uint64_t hash, void *value)
{
	struct map_entry *entry = mem_alloc(sizeof(*entry) + key.len + 1);
	char *text = (char *)(entry + 1);

	if (key.len)
		memcpy(text, key.ptr, key.len);
	text[key.len] = '\0';
	*entry = (struct map_entry){
		.hash = hash,
		.key = str_of(text, key.len),
		.value = value,
	};
	return entry;
}

void *map_set(struct map *m, struct str key, void *value)
{
	uint64_t hash = hash_bytes(key);

	assert(value);
	if (m->count) {
		struct map_entry *entry = *entry_place(m, key, hash);

		if (entry) {
			void *earlier = entry->value;

			entry->value = value;
			return earlier;
		}
	}
	if (m->count == m->bucket_count)
		grow(m);

	struct map_entry *entry = entry_new(key, hash, value);

	chain_in(m, entry);
	list_push_back(&m->in_order, &entry->in_order);
	m->count++;
	return NULL;
}

void *map_remove(struct map *m, struct str key)
{
	if (m->count == 0)
		return NULL;

	struct map_entry **place = entry_place(m, key, hash_bytes(key));
	struct map_entry *entry = *place;

	if (!entry)
		return NULL;

	void *value = entry->value;

	*place = entry->chain;
	list_remove(&entry->in_order);
	mem_free(entry);
	m->count--;
	return value;
}
