#include "codec/node_build.h"

#include <assert.h>

#include "base/hash.h"
#include "base/mem.h"

#define DEPTH_MAX_DEFAULT   64
#define NODES_MAX_DEFAULT   1000000
#define ALIASES_MAX_DEFAULT 10000
#define KEYS_LINEAR_MAX     16
#define SEEN_CAPACITY_FIRST 64

void node_build_init(struct node_build *b, const struct node_limits *limits, struct pool *pool,
		     struct diag *d)
{
	*b = (struct node_build){ .pool = pool, .diag = d };
	if (limits)
		b->limits = *limits;
	b->limits.depth_max = b->limits.depth_max ?: DEPTH_MAX_DEFAULT;
	b->limits.nodes_max = b->limits.nodes_max ?: NODES_MAX_DEFAULT;
	b->limits.aliases_max = b->limits.aliases_max ?: ALIASES_MAX_DEFAULT;
}

void node_build_fini(struct node_build *b)
{
	b->seen.slots = mem_free(b->seen.slots);
}

void node_build_next(struct node_build *b)
{
	b->root = b->current = NULL;
	b->depth = 0;
	b->key_pending = false;
}

int node_build_fail(struct node_build *b, int error, struct position at, const char *format, ...)
{
	struct buf text = BUF_INIT(0);
	va_list args;

	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);

	diag_fail(b->diag, error, "%.*s", STR_ARGS(buf_str(&text)));
	diag_at(b->diag, at);
	buf_fini(&text);
	return error;
}

static uint64_t seen_hash(const struct node *map, struct str key)
{
	return hash_bytes(key) ^ ((uint64_t)(uintptr_t)map * 0x9e3779b97f4a7c15u);
}

/* The slot that holds this key of this map, or the free one where it belongs. */
static struct node **seen_slot(const struct node_build *b, const struct node *map, struct str key)
{
	size_t mask = b->seen.capacity - 1;
	size_t i = seen_hash(map, key) & mask;

	while (b->seen.slots[i] &&
	       !(b->seen.slots[i]->parent == map && str_eq(b->seen.slots[i]->key, key)))
		i = (i + 1) & mask;
	return &b->seen.slots[i];
}

static void seen_grow(struct node_build *b)
{
	struct node **old = b->seen.slots;
	size_t old_capacity = b->seen.capacity;

	b->seen.capacity = old_capacity ? old_capacity * 2 : SEEN_CAPACITY_FIRST;
	b->seen.slots = mem_new_array(struct node *, b->seen.capacity);
	for (size_t i = 0; i < old_capacity; i++)
		if (old[i])
			*seen_slot(b, old[i]->parent, old[i]->key) = old[i];
	mem_free(old);
}

static void seen_add(struct node_build *b, struct node *child)
{
	if (b->seen.count >= b->seen.capacity / 2)
		seen_grow(b);
	*seen_slot(b, child->parent, child->key) = child;
	b->seen.count++;
}

static const struct node *duplicate_find(const struct node_build *b, struct str key)
{
	if (b->current->count < KEYS_LINEAR_MAX)
		return node_get(b->current, key);
	return *seen_slot(b, b->current, key);
}

int node_build_key(struct node_build *b, struct str key, struct position at)
{
	const struct node *earlier;

	assert(b->current && b->current->kind == NODE_MAP);
	assert(!b->key_pending);

	earlier = duplicate_find(b, key);
	if (earlier)
		return node_build_fail(b, ERR_CONFIG, at,
				       "duplicate key \"%.*s\": it stands at line %u, column %u "
				       "already",
				       STR_ARGS(key), earlier->key_at.line, earlier->key_at.column);
	b->key = key;
	b->key_at = at;
	b->key_pending = true;
	return 0;
}

static void map_add_pending(struct node_build *b, struct node *child)
{
	struct node *map = b->current;

	assert(b->key_pending);
	b->key_pending = false;
	child->key_at = b->key_at;
	node_map_add(map, b->key, child);

	if (map->count > KEYS_LINEAR_MAX) {
		seen_add(b, child);
	} else if (map->count == KEYS_LINEAR_MAX) {
		node_for_each (each, map)
			seen_add(b, each);
	}
}

int node_build_value(struct node_build *b, enum node_kind kind, struct position at,
		     struct node **ret_node)
{
	struct node *n;

	if (b->node_count == b->limits.nodes_max)
		return node_build_fail(b, ERR_LIMIT, at, "more than %u values in one text",
				       b->limits.nodes_max);
	b->node_count++;

	n = node_new(b->pool, kind);
	n->at = at;
	if (!b->current) {
		assert(!b->root);
		b->root = n;
	} else if (b->current->kind == NODE_MAP) {
		map_add_pending(b, n);
	} else {
		node_list_add(b->current, n);
	}
	*ret_node = n;
	return 0;
}

int node_build_open(struct node_build *b, enum node_kind kind, struct position at)
{
	struct node *n;
	int r;

	if (b->depth == b->limits.depth_max)
		return node_build_fail(b, ERR_LIMIT, at, "nested more than %u levels deep",
				       b->limits.depth_max);
	r = node_build_value(b, kind, at, &n);
	if (r < 0)
		return r;
	b->depth++;
	b->current = n;
	return 0;
}

void node_build_close(struct node_build *b)
{
	assert(b->current && b->depth > 0);
	assert(!b->key_pending);
	b->depth--;
	b->current = b->current->parent;
}
