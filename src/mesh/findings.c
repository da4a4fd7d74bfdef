/*
 * Which documents are to be looked at
 *
 *	changed             looked at
 *	Workload            Services that select it, as it was or as it is
 *	Service             itself, routes that name it; when it comes or goes also routes that
 *	                    miss one, for the names that they are offered instead
 *	HTTPRoute           itself, routes of the same parents, with which it may conflict
 *	MeshConfig          nothing
 *
 * What was said of all others still holds.
 */

#include "mesh/findings.h"

#include <stdlib.h>

#include "mesh/index.h"

struct finding *findings_add(struct findings *findings, struct pool *pool)
{
	uint32_t count = findings->count;

	/* The array is full when the count is a power of two. */
	if ((count & (count - 1)) == 0) {
		struct finding *items = pool_new_array(pool, struct finding, count ? count * 2 : 1);

		if (count)
			memcpy(items, findings->items, count * sizeof(items[0]));
		findings->items = items;
	}
	return &findings->items[findings->count++];
}

struct findings check_documents(const struct document_index *x, struct pool *pool)
{
	struct findings findings = { 0 };

	for (unsigned kind = 0; kind < KIND_COUNT; kind++)
		for (uint32_t i = 0; i < x->kinds[kind].count; i++)
			check_document(x, x->kinds[kind].items[i], &findings, pool);
	return findings;
}

/*
 * What changes concern: a list that may name a document twice
 */

struct concerned {
	const struct document_index *index;
	struct pool *pool;
	const struct document **items;
	size_t count;
	size_t capacity;
};

static void concern(struct concerned *c, const struct document *doc)
{
	if (c->count == c->capacity) {
		size_t capacity = c->capacity ? c->capacity * 2 : 64;
		const struct document **items =
			pool_new_array(c->pool, const struct document *, capacity);

		if (c->count)
			memcpy(items, c->items, c->count * sizeof(items[0]));
		c->items = items;
		c->capacity = capacity;
	}
	c->items[c->count++] = doc;
}

static void concern_attached(struct concerned *c, const struct document *service)
{
	struct attachments attached = document_index_attachments(c->index, service);

	for (uint32_t i = 0; i < attached.count; i++)
		concern(c, attached.items[i].route);
}

static void concern_by_service(struct concerned *c, const struct document *service)
{
	struct backend_uses uses = document_index_uses(c->index, service);

	concern_attached(c, service);
	for (uint32_t i = 0; i < uses.count; i++)
		concern(c, uses.items[i].route);
}

static void concern_by_workload(struct concerned *c, const struct document *workload)
{
	struct documents services = document_index_selecting(c->index, workload, c->pool);

	for (uint32_t i = 0; i < services.count; i++)
		concern(c, services.items[i]);
}

static void concern_by_route(struct concerned *c, const struct document *route)
{
	for (uint32_t i = 0; i < route->http_route->parent_count; i++) {
		const struct parent_ref *p = &route->http_route->parents[i];
		const struct document parent = { .name_space = p->name_space, .name = p->name };

		concern_attached(c, &parent);
	}
}

static void concern_by(struct concerned *c, const struct document *doc)
{
	static void (*const by[KIND_COUNT])(struct concerned * c, const struct document *doc) = {
		[KIND_SERVICE] = concern_by_service,
		[KIND_WORKLOAD] = concern_by_workload,
		[KIND_HTTP_ROUTE] = concern_by_route,
	};

	if (doc && by[doc->kind->id])
		by[doc->kind->id](c, doc);
}

static bool misses_service(const struct finding *f)
{
	return f->code == CODE_NO_BACKEND || f->code == CODE_NO_PARENT;
}

static void concern_by_all(struct concerned *c, const struct check_before *before)
{
	bool services_differ = false;

	for (size_t i = 0; i < before->count; i++) {
		const struct document_change *change = &before->changes[i];
		const struct document *doc = change->after ? change->after : change->before;

		/* What is gone stands here too: what was said of it goes with it. */
		concern(c, doc);
		concern_by(c, change->before);
		concern_by(c, change->after);
		services_differ |=
			doc->kind->id == KIND_SERVICE && (!change->before || !change->after);
	}
	for (uint32_t i = 0; services_differ && i < before->findings->count; i++)
		if (misses_service(&before->findings->items[i]))
			concern(c, before->findings->items[i].document);
}

static int document_cmp(const void *a, const void *b)
{
	return document_order(*(const struct document *const *)a,
			      *(const struct document *const *)b);
}

static void carry(struct findings *findings, const struct finding *f, struct pool *pool)
{
	struct finding *copy = findings_add(findings, pool);

	*copy = *f;
	copy->text = pool_strdup(pool, f->text);
	if (f->hint.len)
		copy->hint = pool_strdup(pool, f->hint);
}

/* Looks at the document as it is now, once. */
static void look_at(const struct document_index *x, const struct concerned *c, size_t i,
		    struct findings *findings)
{
	const struct document *doc = c->items[i];
	const struct document *now;

	if (i > 0 && document_order(c->items[i - 1], doc) == 0)
		return;
	now = document_index_get(x, doc->kind->id, doc->name_space, doc->name);
	if (now)
		check_document(x, now, findings, c->pool);
}

struct findings check_changes(const struct document_index *x, const struct check_before *before,
			      struct pool *pool)
{
	const struct findings *old = before->findings;
	struct concerned c = { .index = x, .pool = pool };
	struct findings findings = { 0 };
	uint32_t carried = 0;

	concern_by_all(&c, before);
	if (c.count)
		qsort(c.items, c.count, sizeof(c.items[0]), document_cmp);
	for (size_t i = 0; i < c.count; i++) {
		while (carried < old->count &&
		       document_order(old->items[carried].document, c.items[i]) < 0)
			carry(&findings, &old->items[carried++], pool);
		while (carried < old->count &&
		       document_order(old->items[carried].document, c.items[i]) == 0)
			carried++;
		look_at(x, &c, i, &findings);
	}
	while (carried < old->count)
		carry(&findings, &old->items[carried++], pool);
	return findings;
}
