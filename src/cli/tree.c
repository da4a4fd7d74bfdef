#include "cli/tree.h"

static void add(struct node *owner, const char *key, struct node *value)
{
	if (owner->kind == NODE_LIST)
		node_list_add(owner, value);
	else
		node_map_add(owner, str_from(key), value);
}

void tree_text(struct pool *pool, struct node *owner, const char *key, struct str value)
{
	add(owner, key, node_new_text(pool, value.ptr ? value : STR("")));
}

void tree_number(struct pool *pool, struct node *owner, const char *key, int64_t value)
{
	add(owner, key, node_new_number(pool, value));
}

void tree_bool(struct pool *pool, struct node *owner, const char *key, bool value)
{
	add(owner, key, node_new_bool(pool, value));
}

void tree_real(struct pool *pool, struct node *owner, const char *key, double value, int digits)
{
	struct node *n = node_new_number(pool, 0);

	n->text = pool_printf(pool, "%.*f", digits, value);
	add(owner, key, n);
}

static struct node *add_new(struct pool *pool, struct node *owner, const char *key,
			    enum node_kind kind)
{
	struct node *n = node_new(pool, kind);

	add(owner, key, n);
	return n;
}

struct node *tree_map(struct pool *pool, struct node *owner, const char *key)
{
	return add_new(pool, owner, key, NODE_MAP);
}

struct node *tree_list(struct pool *pool, struct node *owner, const char *key)
{
	return add_new(pool, owner, key, NODE_LIST);
}
