/*
 * Objects and lists: the walk that reads a document
 *
 * First the keys that stand there are looked up in the table, so that a misspelt one is found
 * before the one that it should have been is missed; then the rows are read in order.
 */

#include "mesh/field.h"

#include <assert.h>
#include <stdlib.h>

#define FIELDS_MAX 32

const struct field *field_find(const struct object *object, struct str name)
{
	field_for_each(f, object) if (str_eq(name, str_from(f->name))) return f;
	return NULL;
}

/* Where in the document a field of that name may stand. */
struct elsewhere {
	struct str name;
	const struct object *but;
	struct buf path;
	uint32_t count;
	struct str first; /* in the pool */
};

static void look_elsewhere(struct elsewhere *e, const struct object *object, struct pool *pool)
{
	size_t len = buf_len(&e->path);

	field_for_each(f, object)
	{
		if (!f->object)
			continue;
		buf_printf(&e->path, "%s%s%s", len ? "." : "", f->name,
			   f->count_offset ? "[]" : "");
		if (f->object != e->but && field_find(f->object, e->name) && e->count++ == 0)
			e->first = pool_strdup(pool, buf_str(&e->path));
		look_elsewhere(e, f->object, pool);
		e->path.end = e->path.start + len;
	}
}

/* Only where there is one such place: "name" may stand nearly everywhere. */
static bool hint_elsewhere(struct reader *r, const struct object *object, struct str name)
{
	struct elsewhere e = { .name = name, .but = object };

	look_elsewhere(&e, r->kind->object, r->pool);
	buf_fini(&e.path);
	if (e.count != 1)
		return false;
	diag_hint(r->diag, "it belongs in %.*s", STR_ARGS(e.first));
	return true;
}

static void hint_names(struct reader *r, const struct object *object, struct str name)
{
	const char *names[FIELDS_MAX + 1] = { NULL };
	struct buf list = BUF_INIT(0);
	const char *nearest;
	size_t count = 0;

	field_for_each(f, object)
	{
		if (f->unsupported || f->type == &field_read_only)
			continue;
		assert(count < FIELDS_MAX);
		buf_printf(&list, "%s%s", count ? ", " : "", f->name);
		names[count++] = f->name;
	}
	nearest = str_nearest(name, names);
	if (nearest)
		diag_hint(r->diag, "did you mean \"%s\"?", nearest);
	else
		diag_hint(r->diag, "fields here: %.*s", STR_ARGS(buf_str(&list)));
	buf_fini(&list);
}

static int fail_unknown(struct reader *r, const struct object *object, const struct node *child)
{
	int code = reader_fail_key(r, child, CODE_UNKNOWN_FIELD, "unknown field \"%.*s\"",
				   STR_ARGS(reader_shown(child->key)));

	if (!hint_elsewhere(r, object, child->key))
		hint_names(r, object, child->key);
	return code;
}

static int keys_check(struct reader *r, const struct object *object, const struct node *map)
{
	node_for_each (child, map) {
		const struct field *f = field_find(object, child->key);
		int code;

		if (!f)
			return fail_unknown(r, object, child);
		if (f->unsupported) {
			code = reader_fail_key(r, child, CODE_UNSUPPORTED,
					       "%s is not supported by this version", f->name);
			diag_hint(r->diag, "%s", f->unsupported);
			return code;
		}
	}
	return 0;
}

static int read_into(struct reader *r, const struct object *object, const struct node *n,
		     const struct node *parent, void *value);

static int object_value_read(struct reader *r, const struct field *f, const struct node *n,
			     void *ret_value)
{
	return read_into(r, f->object, n, n, ret_value);
}

static int unique_check(struct reader *r, const struct field *f, const struct node *entry)
{
	struct str key = str_from(f->key);
	const struct node *own = node_get(entry, key);

	if (!own)
		return 0;
	for (const struct node *n = entry->parent->first; n != entry; n = n->next) {
		const struct node *other = node_get(n, key);

		if (other && node_eq(own, other))
			return reader_fail(r, own, CODE_TWICE_IN_LIST,
					   "%s \"%.*s\" stands at line %u already", f->key,
					   STR_ARGS(reader_shown(own->text)), other->at.line);
	}
	return 0;
}

static int list_check(struct reader *r, const struct field *f, const struct node *list)
{
	if (list->kind != NODE_LIST)
		return reader_fail(r, list, CODE_WRONG_TYPE, "expected a list, found %s%s",
				   list->kind == NODE_NULL ? "" : "a ",
				   list->kind == NODE_NULL ? "nothing"
							   : node_kind_text(list->kind));
	if (f->entries_max && list->count > f->entries_max)
		return reader_fail(r, list, CODE_LIMIT, "%u entries are more than the %u of %s",
				   list->count, f->entries_max, f->name);
	if (f->required && list->count == 0)
		return reader_fail(r, list, CODE_FIELD_MISSING, "%s needs at least one entry",
				   f->name);
	return 0;
}

static int list_read(struct reader *r, const struct field *f, const struct node *list, void *value)
{
	size_t size = f->object ? f->object->size : f->entry_size;
	char *entries;
	int code;

	code = list_check(r, f, list);
	if (code < 0)
		return code;
	entries = pool_zalloc_array(r->pool, list->count, size);
	node_for_each (entry, list) {
		code = f->type->read(r, f, entry, entries + size * entry->index);
		if (code < 0)
			return code;
		if (f->unique) {
			code = unique_check(r, f, entry);
			if (code < 0)
				return code;
		}
	}
	*(void **)(void *)((char *)value + f->offset) = list->count ? entries : NULL;
	*(uint32_t *)(void *)((char *)value + f->count_offset) = list->count;
	return 0;
}

static int absent(struct reader *r, const struct field *f, const struct node *parent, void *value)
{
	void *place = (char *)value + f->offset;

	if (f->required)
		return reader_fail(r, parent, CODE_FIELD_MISSING, "\"%s\" is missing", f->name);
	if (f->count_offset)
		return 0;
	if (f->defaulted) {
		void *object = pool_zalloc(r->pool, f->object->size);

		*(void **)place = object;
		return read_into(r, f->object, NULL, parent, object);
	}
	return f->type->fill ? f->type->fill(r, f, parent, place) : 0;
}

static int field_read(struct reader *r, const struct field *f, const struct node *child,
		      const struct node *parent, void *value)
{
	void *place = (char *)value + f->offset;
	void *object;

	if (f->type == &field_read_only)
		return 0;
	if (!child)
		return absent(r, f, parent, value);
	if (f->count_offset)
		return list_read(r, f, child, value);
	if (f->type != &field_object)
		return f->type->read(r, f, child, place);

	object = pool_zalloc(r->pool, f->object->size);
	*(void **)place = object;
	return f->type->read(r, f, child, object);
}

/* n: the map, or NULL to fill in defaults; parent: what messages point at then. */
static int read_into(struct reader *r, const struct object *object, const struct node *n,
		     const struct node *parent, void *value)
{
	int code;

	if (n && n->kind != NODE_MAP)
		return reader_fail(r, n, CODE_WRONG_TYPE, "expected a mapping, found %s%s",
				   n->kind == NODE_NULL ? "" : "a ",
				   n->kind == NODE_NULL ? "nothing" : node_kind_text(n->kind));
	code = keys_check(r, object, n);
	if (code < 0)
		return code;

	*(const struct node **)value = n ? n : parent;
	field_for_each(f, object)
	{
		code = field_read(r, f, node_get(n, str_from(f->name)), n ? n : parent, value);
		if (code < 0)
			return code;
	}
	return object->check ? object->check(r, value) : 0;
}

int object_read(struct reader *r, const struct object *object, const struct node *n, void *value)
{
	return read_into(r, object, n, n, value);
}

static int pair_cmp(const void *a, const void *b)
{
	return str_cmp(((const struct text_pair *)a)->key, ((const struct text_pair *)b)->key);
}

static int text_map_read(struct reader *r, const struct field *f, const struct node *n,
			 void *ret_value)
{
	struct text_map *m = ret_value;
	int code;

	if (n->kind != NODE_MAP)
		return reader_fail(r, n, CODE_WRONG_TYPE, "expected a mapping, found %s%s",
				   n->kind == NODE_NULL ? "" : "a ",
				   n->kind == NODE_NULL ? "nothing" : node_kind_text(n->kind));
	if (n->count > f->entries_max)
		return reader_fail(r, n, CODE_LIMIT, "%u entries are more than the %u of %s",
				   n->count, f->entries_max, f->name);
	m->items = pool_new_array(r->pool, struct text_pair, n->count);
	node_for_each (child, n) {
		struct text_pair *pair = &m->items[m->count];

		if (!format_fits(&format_label_key, child->key))
			return reader_fail_key(r, child, CODE_BAD_VALUE, "\"%.*s\" is not %s",
					       STR_ARGS(reader_shown(child->key)),
					       format_label_key.expected);
		pair->key = child->key;
		code = node_read_text(child, &pair->value, r->diag);
		if (code < 0)
			return reader_wrong_type(r, code);
		code = reader_check_format(r, f->format, child, pair->value);
		if (code < 0)
			return code;
		m->count++;
	}
	qsort(m->items, m->count, sizeof(m->items[0]), pair_cmp);
	return 0;
}

static int key_cmp(const void *a, const void *b)
{
	return str_cmp((*(struct node *const *)a)->key, (*(struct node *const *)b)->key);
}

static struct node *text_map_canonical(const struct field *f unused_arg, const struct node *n,
				       struct pool *pool)
{
	const struct node **sorted = pool_new_array(pool, const struct node *, n->count);
	struct node *canonical = node_new(pool, NODE_MAP);
	size_t count = 0;

	node_for_each (child, n)
		sorted[count++] = child;
	qsort(sorted, count, sizeof(sorted[0]), key_cmp);
	for (size_t i = 0; i < count; i++)
		node_map_add(canonical, sorted[i]->key, node_copy(pool, sorted[i]));
	return canonical;
}

static void text_map_schema(const struct field *f, struct node *schema, struct pool *pool)
{
	struct node *value = node_new(pool, NODE_MAP);

	schema_set(schema, STR("type"), "object", pool);
	schema_set(value, STR("type"), "string", pool);
	if (f->format->pattern)
		schema_set(value, STR("pattern"), f->format->pattern, pool);
	node_map_add(schema, STR("additionalProperties"), value);
	node_map_add(schema, STR("maxProperties"), node_new_number(pool, f->entries_max));
}

const struct field_type field_text_map = {
	.name = "mapping of text to text",
	.read = text_map_read,
	.canonical = text_map_canonical,
	.schema = text_map_schema,
};

static struct node *object_value_canonical(const struct field *f, const struct node *n,
					   struct pool *pool)
{
	return object_canonical(f->object, n, pool);
}

static void object_value_schema(const struct field *f, struct node *schema, struct pool *pool)
{
	struct node *object = object_schema(f->object, pool);

	while (object->first) {
		struct node *member = object->first;

		node_remove(member);
		node_map_add(schema, member->key, member);
	}
}

const struct field_type field_object = {
	.name = "mapping",
	.read = object_value_read,
	.canonical = object_value_canonical,
	.schema = object_value_schema,
};

static int read_only_read(struct reader *r unused_arg, const struct field *f unused_arg,
			  const struct node *n unused_arg, void *ret_value unused_arg)
{
	return 0;
}

const struct field_type field_read_only = {
	.name = "written by the control plane",
	.read = read_only_read,
};
