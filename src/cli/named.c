#include "cli/named.h"

#include <stdlib.h>

int named_parse(struct named *n, char *const *words, size_t word_count, struct pool *pool,
		struct diag *d)
{
	n->refs.items = pool_new_array(pool, struct object_ref, word_count + 1);
	for (size_t i = 0; i < word_count; i++) {
		int r = object_name_parse(n->kind, str_from(words[i]), n->name_space,
					  &n->refs.items[n->refs.count], d);

		if (r < 0)
			return r;
		n->refs.count++;
	}
	return 0;
}

static bool is_row_of(const struct named *n, const struct node *row, const struct object_ref *ref)
{
	return str_eq(answer_text(row, n->key), ref->name) &&
	       (!ref->name_space.len || str_eq(answer_text(row, "namespace"), ref->name_space));
}

static bool is_wanted(const struct named *n, const struct node *row)
{
	for (size_t i = 0; i < n->refs.count; i++)
		if (is_row_of(n, row, &n->refs.items[i]))
			return true;
	return !n->refs.count &&
	       (!n->name_space.len || str_eq(answer_text(row, "namespace"), n->name_space));
}

/* Fails where the mesh has no object of that name. */
static int check_exists(const struct named *n, struct remote *remote, const struct node *list,
			const struct object_ref *ref, struct diag *d)
{
	struct remote_request request = { 0 };
	struct buf path = BUF_INIT(0);
	struct node *object;
	int r;

	node_for_each (row, list)
		if (is_row_of(n, row, ref))
			return 0;
	if (!ref->name_space.len)
		return 0; /* of which namespace is not known */
	object_ref_path(ref, &path);
	request.path = buf_str(&path);
	r = remote_try(remote, &request, &object, d);
	buf_fini(&path);
	return r;
}

static int row_cmp(const void *a, const void *b)
{
	static const char *const keys[] = { "namespace", "service", "workload", "version", "peer" };
	const struct node *left = *(struct node *const *)a, *right = *(struct node *const *)b;
	int order = 0;

	for (size_t i = 0; !order && i < array_count(keys); i++)
		order = str_cmp(answer_text(left, keys[i]), answer_text(right, keys[i]));
	return order;
}

static void sort(struct node *list, struct pool *pool)
{
	uint32_t count = list ? list->count : 0;
	struct node **rows = pool_new_array(pool, struct node *, count + 1);

	for (uint32_t i = 0; i < count; i++) {
		rows[i] = list->first;
		node_remove(rows[i]);
	}
	qsort(rows, count, sizeof(struct node *), row_cmp);
	for (uint32_t i = 0; i < count; i++)
		node_list_add(list, rows[i]);
}

int named_filter(const struct named *n, struct remote *remote, struct node *list, struct diag *d)
{
	struct node *next;

	for (struct node *row = list ? list->first : NULL; row; row = next) {
		next = row->next;
		if (!is_wanted(n, row))
			node_remove(row);
	}
	sort(list, &remote->pool);
	for (size_t i = 0; i < n->refs.count; i++) {
		int r = check_exists(n, remote, list, &n->refs.items[i], d);

		if (r < 0)
			return r;
	}
	return 0;
}

void named_put(const struct named *n, const struct node *row, struct buf *out)
{
	if (!n->name_space.len)
		buf_printf(out, "%.*s/", STR_ARGS(answer_text(row, "namespace")));
	buf_append_str(out, answer_text(row, n->key));
}

void named_ref(const struct named *n, const struct node *row, struct buf *out)
{
	struct object_ref ref = {
		.kind = n->kind,
		.name_space = n->name_space.len ? STR_EMPTY : answer_text(row, "namespace"),
		.name = answer_text(row, n->key),
	};

	object_ref_name(&ref, out);
}
