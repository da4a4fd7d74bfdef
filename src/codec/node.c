/*
 * The tree itself: building, copying, comparing
 */

#include "codec/node.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"

struct node *node_new(struct pool *pool, enum node_kind kind)
{
	struct node *n = pool_new(pool, struct node);

	n->kind = kind;
	return n;
}

struct node *node_new_text(struct pool *pool, struct str text)
{
	struct node *n = node_new(pool, NODE_TEXT);

	n->text = text;
	return n;
}

struct node *node_new_number(struct pool *pool, int64_t value)
{
	struct node *n = node_new(pool, NODE_NUMBER);

	n->text = pool_printf(pool, "%" PRId64, value);
	return n;
}

struct node *node_new_bool(struct pool *pool, bool value)
{
	struct node *n = node_new(pool, NODE_BOOL);

	n->boolean = value;
	n->text = value ? STR("true") : STR("false");
	return n;
}

static void child_add(struct node *parent, struct node *child)
{
	assert(!child->parent && !child->next);
	child->parent = parent;
	child->index = parent->count++;
	if (parent->last)
		parent->last->next = child;
	else
		parent->first = child;
	parent->last = child;
}

void node_map_add(struct node *map, struct str key, struct node *value)
{
	assert(map->kind == NODE_MAP);
	value->key = key;
	child_add(map, value);
}

void node_list_add(struct node *list, struct node *value)
{
	assert(list->kind == NODE_LIST);
	child_add(list, value);
}

struct node *node_copy(struct pool *pool, const struct node *n)
{
	struct node *copy = node_new(pool, n->kind);

	copy->at = n->at;
	copy->boolean = n->boolean;
	copy->text = pool_strdup(pool, n->text);
	node_for_each (child, n) {
		struct node *child_copy = node_copy(pool, child);

		child_copy->key_at = child->key_at;
		if (n->kind == NODE_MAP)
			node_map_add(copy, pool_strdup(pool, child->key), child_copy);
		else
			node_list_add(copy, child_copy);
	}
	return copy;
}

static int key_cmp(const void *a, const void *b)
{
	return str_cmp((*(struct node *const *)a)->key, (*(struct node *const *)b)->key);
}

/* The children of a map in the order of their keys; for mem_free(). */
static const struct node **children_sorted(const struct node *map)
{
	const struct node **children = mem_new_array(const struct node *, map->count);
	size_t count = 0;

	node_for_each (child, map)
		children[count++] = child;
	qsort(children, count, sizeof(children[0]), key_cmp);
	return children;
}

static bool map_eq_sorted(const struct node *a, const struct node *b)
{
	const struct node **in_a = children_sorted(a);
	const struct node **in_b = children_sorted(b);
	bool equal = true;

	for (uint32_t i = 0; equal && i < a->count; i++)
		equal = str_eq(in_a[i]->key, in_b[i]->key) && node_eq(in_a[i], in_b[i]);
	mem_free(in_a);
	mem_free(in_b);
	return equal;
}

static bool same_order(const struct node *a, const struct node *b)
{
	const struct node *in_b = b->first;

	node_for_each (in_a, a) {
		if (!str_eq(in_a->key, in_b->key))
			return false;
		in_b = in_b->next;
	}
	return true;
}

static bool children_eq(const struct node *a, const struct node *b)
{
	const struct node *in_b = b->first;

	node_for_each (in_a, a) {
		if (!node_eq(in_a, in_b))
			return false;
		in_b = in_b->next;
	}
	return true;
}

bool node_eq(const struct node *a, const struct node *b)
{
	if (a->kind != b->kind || a->count != b->count)
		return false;
	switch (a->kind) {
	case NODE_NULL:
		return true;
	case NODE_BOOL:
		return a->boolean == b->boolean;
	case NODE_NUMBER:
	case NODE_TEXT:
		return str_eq(a->text, b->text);
	case NODE_LIST:
		return children_eq(a, b);
	case NODE_MAP:
		return same_order(a, b) ? children_eq(a, b) : map_eq_sorted(a, b);
	}
	return false;
}

struct node *node_get(const struct node *map, struct str key)
{
	if (!map || map->kind != NODE_MAP)
		return NULL;
	node_for_each (child, map)
		if (str_eq(child->key, key))
			return child;
	return NULL;
}

void node_remove(struct node *n)
{
	struct node *parent = n->parent;
	struct node *before = NULL;

	if (!parent)
		return;
	node_for_each (child, parent) {
		if (child == n)
			break;
		before = child;
	}
	if (before)
		before->next = n->next;
	else
		parent->first = n->next;
	if (parent->last == n)
		parent->last = before;
	parent->count--;
	for (struct node *after = n->next; after; after = after->next)
		after->index--;
	n->parent = n->next = NULL;
	n->index = 0;
}

const char *node_kind_text(enum node_kind kind)
{
	static const char *const texts[] = {
		[NODE_NULL] = "null", [NODE_BOOL] = "boolean", [NODE_NUMBER] = "number",
		[NODE_TEXT] = "text", [NODE_LIST] = "list",    [NODE_MAP] = "mapping",
	};

	return texts[kind];
}
