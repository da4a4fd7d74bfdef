#include "cli/fields.h"

struct field {
	struct str rest; /* of the path, from where the walk is */
	bool *found;
};

/* The key at the front of a path: the longest that the mapping has, else up to the first dot. */
static struct str head_of(const struct node *map, struct str path)
{
	for (size_t len = path.len; len > 0; len--)
		if ((len == path.len || path.ptr[len] == '.') &&
		    node_get(map, str_slice(path, 0, len)))
			return str_slice(path, 0, len);
	return str_slice(path, 0, str_find(path, 0, '.'));
}

static struct node *pick(const struct node *n, const struct field *fields, size_t count,
			 struct pool *pool);

/* What the fields from `first` on that begin with the same key want of its value. */
static struct node *pick_key(const struct node *map, struct str head, const struct field *fields,
			     size_t count, struct pool *pool)
{
	const struct node *value = node_get(map, head);
	struct field *deeper = pool_new_array(pool, struct field, count);
	size_t deeper_count = 0;
	struct node *picked;
	bool whole = false;

	for (size_t i = 0; i < count; i++) {
		if (!str_eq(head_of(map, fields[i].rest), head))
			continue;
		if (head.len < fields[i].rest.len) {
			deeper[deeper_count++] = (struct field){
				str_slice(fields[i].rest, head.len + 1, fields[i].rest.len),
				fields[i].found,
			};
			continue;
		}
		whole = true;
		*fields[i].found |= value != NULL;
	}

	if (!value)
		return node_new(pool, NODE_NULL);
	/* Also where it is not needed: so that each path is known to lead somewhere. */
	picked = pick(value, deeper, deeper_count, pool);
	return whole ? node_copy(pool, value) : picked;
}

static struct node *pick(const struct node *n, const struct field *fields, size_t count,
			 struct pool *pool)
{
	struct node *out;

	if (n->kind == NODE_LIST) {
		out = node_new(pool, NODE_LIST);
		node_for_each (element, n)
			node_list_add(out, pick(element, fields, count, pool));
		return out;
	}
	if (n->kind != NODE_MAP)
		return node_new(pool, NODE_NULL);
	out = node_new(pool, NODE_MAP);
	for (size_t i = 0; i < count; i++) {
		struct str head = head_of(n, fields[i].rest);

		if (!node_get(out, head))
			node_map_add(out, head, pick_key(n, head, fields, count, pool));
	}
	return out;
}

struct node *fields_pick(const struct node *n, struct str fields, struct pool *pool,
			 struct str *ret_missing)
{
	size_t count = 0, capacity = fields.len + 1;
	struct field *list = pool_new_array(pool, struct field, capacity);
	struct node *out;
	struct str path, rest = fields;

	*ret_missing = STR_EMPTY;
	while (str_split(&rest, ',', &path)) {
		bool *found = pool_new(pool, bool);

		*found = false;
		path = str_trim(path);
		if (path.len)
			list[count++] = (struct field){ path, found };
	}
	out = pick(n, list, count, pool);
	if (n->kind == NODE_LIST && !n->count)
		return out;
	for (size_t i = 0; i < count; i++)
		if (!*list[i].found) {
			*ret_missing = list[i].rest;
			break;
		}
	return out;
}
