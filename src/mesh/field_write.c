/*
 * Walks over the tables that write: the canonical form and the JSON Schema
 */

#include "mesh/field.h"

static struct node *value_canonical(const struct field *f, const struct node *n, struct pool *pool)
{
	struct node *canonical =
		f->type->canonical ? f->type->canonical(f, n, pool) : node_copy(pool, n);

	canonical->at = n->at;
	return canonical;
}

static struct node *field_canonical(const struct field *f, const struct node *n, struct pool *pool)
{
	struct node *list;

	if (!f->count_offset)
		return value_canonical(f, n, pool);
	list = node_new(pool, NODE_LIST);
	list->at = n->at;
	node_for_each (entry, n)
		node_list_add(list, value_canonical(f, entry, pool));
	return list;
}

/* An empty list or map says what its absence says; an empty object may not. */
static bool is_void(const struct field *f, const struct node *n)
{
	return n->count == 0 && (f->count_offset || f->type == &field_text_map);
}

struct node *object_canonical(const struct object *object, const struct node *n, struct pool *pool)
{
	struct node *canonical = node_new(pool, NODE_MAP);

	canonical->at = n->at;
	field_for_each(f, object)
	{
		const struct node *child = node_get(n, str_from(f->name));
		struct node *copy;

		if (!child || f->passing || f->type == &field_read_only || is_void(f, child))
			continue;
		copy = field_canonical(f, child, pool);
		copy->key_at = child->key_at;
		node_map_add(canonical, str_from(f->name), copy);
	}
	return canonical;
}

void schema_set(struct node *schema, struct str key, const char *text, struct pool *pool)
{
	node_map_add(schema, key, node_new_text(pool, str_from(text)));
}

static struct node *field_schema(const struct field *f, struct pool *pool)
{
	struct node *schema = node_new(pool, NODE_MAP);
	struct node *value = f->count_offset ? node_new(pool, NODE_MAP) : schema;

	if (f->text)
		schema_set(schema, STR("description"), f->text, pool);
	if (f->type == &field_read_only)
		node_map_add(schema, STR("readOnly"), node_new_bool(pool, true));
	if (f->count_offset) {
		schema_set(schema, STR("type"), "array", pool);
		if (f->required)
			node_map_add(schema, STR("minItems"), node_new_number(pool, 1));
		if (f->entries_max)
			node_map_add(schema, STR("maxItems"),
				     node_new_number(pool, f->entries_max));
		node_map_add(schema, STR("items"), value);
	}
	if (f->type->schema)
		f->type->schema(f, value, pool);
	return schema;
}

struct node *object_schema(const struct object *object, struct pool *pool)
{
	struct node *schema = node_new(pool, NODE_MAP);
	struct node *properties = node_new(pool, NODE_MAP);
	struct node *required = node_new(pool, NODE_LIST);

	field_for_each(f, object)
	{
		if (f->unsupported)
			continue;
		node_map_add(properties, str_from(f->name), field_schema(f, pool));
		if (f->required)
			node_list_add(required, node_new_text(pool, str_from(f->name)));
	}
	schema_set(schema, STR("type"), "object", pool);
	node_map_add(schema, STR("properties"), properties);
	if (required->count)
		node_map_add(schema, STR("required"), required);
	node_map_add(schema, STR("additionalProperties"), node_new_bool(pool, false));
	return schema;
}
