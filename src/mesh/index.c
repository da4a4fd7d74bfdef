/*
 * The index over documents: sorted arrays
 *
 * Per kind, documents by namespace and name; and every reference of a route to a Service as
 * its parent, by that Service. Both are built once and searched by halves.
 */

#include "mesh/index.h"

#include <stdlib.h>

static int name_cmp(struct str space_a, struct str name_a, struct str space_b, struct str name_b)
{
	int order = str_cmp(space_a, space_b);

	return order ? order : str_cmp(name_a, name_b);
}

static int document_cmp(const void *a, const void *b)
{
	const struct document *left = *(struct document *const *)a;
	const struct document *right = *(struct document *const *)b;

	return name_cmp(left->name_space, left->name, right->name_space, right->name);
}

static int attachment_cmp(const void *a, const void *b)
{
	const struct attachment *left = a;
	const struct attachment *right = b;
	int order = name_cmp(left->parent->name_space, left->parent->name,
			     right->parent->name_space, right->parent->name);

	if (order)
		return order;
	order = document_cmp(&left->route, &right->route);
	return order ? order : (left->parent > right->parent) - (left->parent < right->parent);
}

static void kinds_fill(struct document_index *x, struct pool *pool)
{
	for (uint32_t i = 0; i < x->all.count; i++)
		x->kinds[x->all.items[i]->kind->id].count++;
	for (size_t k = 0; k < KIND_COUNT; k++) {
		x->kinds[k].items = pool_new_array(pool, struct document *, x->kinds[k].count);
		x->kinds[k].count = 0;
	}
	for (uint32_t i = 0; i < x->all.count; i++) {
		struct documents *kind = &x->kinds[x->all.items[i]->kind->id];

		kind->items[kind->count++] = x->all.items[i];
	}
	for (size_t k = 0; k < KIND_COUNT; k++)
		qsort(x->kinds[k].items, x->kinds[k].count, sizeof(x->kinds[k].items[0]),
		      document_cmp);
}

static void attachments_fill(struct document_index *x, struct pool *pool)
{
	const struct documents *routes = &x->kinds[KIND_HTTP_ROUTE];
	uint32_t count = 0;

	for (uint32_t i = 0; i < routes->count; i++)
		count += routes->items[i]->http_route->parent_count;
	x->attachments = pool_new_array(pool, struct attachment, count);
	for (uint32_t i = 0; i < routes->count; i++) {
		const struct http_route *route = routes->items[i]->http_route;

		for (uint32_t k = 0; k < route->parent_count; k++)
			x->attachments[x->attachment_count++] =
				(struct attachment){ &route->parents[k], routes->items[i] };
	}
	qsort(x->attachments, x->attachment_count, sizeof(x->attachments[0]), attachment_cmp);
}

struct document_index *document_index_new(const struct documents *documents, struct pool *pool)
{
	struct document_index *x = pool_new(pool, struct document_index);

	x->all = *documents;
	kinds_fill(x, pool);
	attachments_fill(x, pool);
	return x;
}

/* The first place in the kind that is not before namespace and name. */
static uint32_t place_of(const struct documents *kind, struct str name_space, struct str name)
{
	uint32_t low = 0;
	uint32_t high = kind->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct document *doc = kind->items[middle];

		if (name_cmp(doc->name_space, doc->name, name_space, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct document *document_index_get(const struct document_index *x, enum kind_id kind,
					  struct str name_space, struct str name)
{
	uint32_t place = place_of(&x->kinds[kind], name_space, name);
	const struct document *doc;

	if (place == x->kinds[kind].count)
		return NULL;
	doc = x->kinds[kind].items[place];
	return str_eq(doc->name_space, name_space) && str_eq(doc->name, name) ? doc : NULL;
}

struct documents document_index_kind(const struct document_index *x, enum kind_id kind)
{
	return x->kinds[kind];
}

struct documents document_index_namespace(const struct document_index *x, enum kind_id kind,
					  struct str name_space)
{
	const struct documents *all = &x->kinds[kind];
	uint32_t from = place_of(all, name_space, STR_EMPTY);
	uint32_t to = from;

	while (to < all->count && str_eq(all->items[to]->name_space, name_space))
		to++;
	return (struct documents){ all->items + from, to - from };
}

struct documents document_index_selected(const struct document_index *x,
					 const struct document *service, struct pool *pool)
{
	struct documents workloads =
		document_index_namespace(x, KIND_WORKLOAD, service->name_space);
	struct documents selected = { 0 };

	selected.items = pool_new_array(pool, struct document *, workloads.count);
	for (uint32_t i = 0; i < workloads.count; i++)
		if (text_map_selects(&service->service->selector, &workloads.items[i]->labels))
			selected.items[selected.count++] = workloads.items[i];
	return selected;
}

struct attachments document_index_attachments(const struct document_index *x,
					      const struct document *service)
{
	uint32_t low = 0;
	uint32_t high = x->attachment_count;
	uint32_t end;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct parent_ref *p = x->attachments[middle].parent;

		if (name_cmp(p->name_space, p->name, service->name_space, service->name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < x->attachment_count; end++) {
		const struct parent_ref *p = x->attachments[end].parent;

		if (!str_eq(p->name_space, service->name_space) || !str_eq(p->name, service->name))
			break;
	}
	return (struct attachments){ x->attachments + low, end - low };
}
