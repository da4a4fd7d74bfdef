/*
 * Differences between two versions of a document
 *
 * A walk over both canonical trees along the tables of the kind. Entries of a list are paired
 * by the field that tells them apart for a person, where every entry has it and no two have the
 * same; a change of their order is a difference of its own.
 */

#include "mesh/document.h"

#include "mesh/field.h"

struct differ {
	struct pool *pool;
	struct differences found;
	struct buf path;
};

static void add(struct differ *d, const struct node *before, const struct node *after)
{
	uint32_t count = d->found.count;

	/* The array is full when the count is a power of two. */
	if ((count & (count - 1)) == 0) {
		struct difference *items =
			pool_new_array(d->pool, struct difference, count ? count * 2 : 1);

		if (count)
			memcpy(items, d->found.items, count * sizeof(items[0]));
		d->found.items = items;
	}
	d->found.items[d->found.count++] = (struct difference){
		.path = pool_strdup(d->pool, buf_str(&d->path)),
		.before = before,
		.after = after,
	};
}

static void path_name(struct differ *d, struct str name)
{
	if (buf_len(&d->path))
		buf_append_char(&d->path, '.');
	buf_append_str(&d->path, name);
}

static void path_cut(struct differ *d, size_t len)
{
	d->path.end = d->path.start + len;
}

static void diff_value(struct differ *d, const struct field *f, const struct node *before,
		       const struct node *after);

static void diff_texts(struct differ *d, const struct node *before, const struct node *after)
{
	size_t len = buf_len(&d->path);

	node_for_each (old, before) {
		const struct node *new = node_get(after, old->key);

		if (new &&node_eq(old, new))
			continue;
		path_name(d, old->key);
		add(d, old, new);
		path_cut(d, len);
	}
	node_for_each (new, after) {
		if (node_get(before, new->key))
			continue;
		path_name(d, new->key);
		add(d, NULL, new);
		path_cut(d, len);
	}
}

static void diff_field(struct differ *d, const struct field *f, const struct node *before,
		       const struct node *after)
{
	if (before && after)
		diff_value(d, f, before, after);
	else if (before || after)
		add(d, before, after);
}

static void diff_object(struct differ *d, const struct object *object, const struct node *before,
			const struct node *after)
{
	size_t len = buf_len(&d->path);

	field_for_each(f, object)
	{
		struct str name = str_from(f->name);

		path_name(d, name);
		diff_field(d, f, node_get(before, name), node_get(after, name));
		path_cut(d, len);
	}
}

/* The entry of that key, or NULL. */
static const struct node *entry_of(const struct node *list, struct str field,
				   const struct node *key)
{
	node_for_each (entry, list) {
		const struct node *own = node_get(entry, field);

		if (own && node_eq(own, key))
			return entry;
	}
	return NULL;
}

static bool keys_tell_apart(const struct node *list, struct str field)
{
	node_for_each (entry, list) {
		const struct node *key = node_get(entry, field);

		if (!key || entry_of(list, field, key) != entry)
			return false;
	}
	return true;
}

/* The keys of `list` that `other` has too, in the order of `list`. */
static struct node *common_keys(struct differ *d, const struct node *list, const struct node *other,
				struct str field)
{
	struct node *keys = node_new(d->pool, NODE_LIST);

	node_for_each (entry, list) {
		const struct node *key = node_get(entry, field);

		if (entry_of(other, field, key))
			node_list_add(keys, node_copy(d->pool, key));
	}
	return keys;
}

static void diff_order(struct differ *d, struct str field, const struct node *before,
		       const struct node *after)
{
	struct node *old = common_keys(d, before, after, field);
	struct node *new = common_keys(d, after, before, field);

	if (node_eq(old, new))
		return;
	buf_append_str(&d->path, STR(" (order)"));
	add(d, old, new);
}

static void diff_keyed(struct differ *d, const struct field *f, const struct node *before,
		       const struct node *after)
{
	struct str field = str_from(f->key);
	size_t len = buf_len(&d->path);

	node_for_each (old, before) {
		const struct node *key = node_get(old, field);
		const struct node *new = entry_of(after, field, key);

		buf_printf(&d->path, "[%.*s]", STR_ARGS(key->text));
		if (new)
			diff_object(d, f->object, old, new);
		else
			add(d, old, NULL);
		path_cut(d, len);
	}
	node_for_each (new, after) {
		const struct node *key = node_get(new, field);

		if (entry_of(before, field, key))
			continue;
		buf_printf(&d->path, "[%.*s]", STR_ARGS(key->text));
		add(d, NULL, new);
		path_cut(d, len);
	}
	diff_order(d, field, before, after);
	path_cut(d, len);
}

static void diff_indexed(struct differ *d, const struct field *f, const struct node *before,
			 const struct node *after)
{
	const struct node *old = before->first;
	const struct node *new = after->first;
	size_t len = buf_len(&d->path);

	while (old || new) {
		buf_printf(&d->path, "[%u]", (old ? old : new)->index);
		if (old && new)
			diff_object(d, f->object, old, new);
		else
			add(d, old, new);
		path_cut(d, len);
		old = old ? old->next : NULL;
		new = new ? new->next : NULL;
	}
}

static void diff_value(struct differ *d, const struct field *f, const struct node *before,
		       const struct node *after)
{
	if (node_eq(before, after))
		return;
	if (f->type == &field_text_map)
		diff_texts(d, before, after);
	else if (!f->object)
		add(d, before, after);
	else if (!f->count_offset)
		diff_object(d, f->object, before, after);
	else if (f->key && keys_tell_apart(before, str_from(f->key)) &&
		 keys_tell_apart(after, str_from(f->key)))
		diff_keyed(d, f, before, after);
	else
		diff_indexed(d, f, before, after);
}

struct differences document_diff(const struct document *before, const struct document *after,
				 struct pool *pool)
{
	struct differ d = { .pool = pool };
	const struct node *old;
	const struct node *new;

	if (!before || !after)
		return d.found;
	old = document_canonical(before, pool);
	new = document_canonical(after, pool);
	field_for_each(f, after->kind->object)
	{
		struct str name = str_from(f->name);

		/* What people know by its name alone is everything in spec. */
		if (!str_eq(name, STR("spec")))
			path_name(&d, name);
		diff_field(&d, f, node_get(old, name), node_get(new, name));
		path_cut(&d, 0);
	}
	buf_fini(&d.path);
	return d.found;
}

static bool is_word(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] <= ' ' || text.ptr[i] > '~' || text.ptr[i] == '"')
			return false;
	return text.len > 0;
}

void difference_value(const struct node *n, struct buf *out)
{
	if (!n)
		buf_append_char(out, '-');
	else if (n->kind == NODE_TEXT && is_word(n->text))
		buf_append_str(out, n->text);
	else
		json_write(n, out);
}
