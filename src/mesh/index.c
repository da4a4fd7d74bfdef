/*
 * The index over documents: sorted arrays
 *
 * Per kind, documents by namespace and name; every reference of a route to a Service, as its
 * parent and as a backend, by that Service; and the pairs of labels and selectors as numbers.
 * All are searched by halves. A Service that selects by several labels is found by its first,
 * and its Workloads by the rarest; what was found is then looked at whole.
 *
 * An index does not change. The one after a change is made of the one before: each array is
 * copied with what the change takes out and puts in.
 */

#include "mesh/index.h"

#include <stdlib.h>

#include "base/hash.h"
#include "mesh/sorted.h"

static int name_cmp(struct str space_a, struct str name_a, struct str space_b, struct str name_b)
{
	int order = str_cmp(space_a, space_b);

	return order ? order : str_cmp(name_a, name_b);
}

int document_order(const struct document *a, const struct document *b)
{
	int order = (a->kind->id > b->kind->id) - (a->kind->id < b->kind->id);

	return order ? order : name_cmp(a->name_space, a->name, b->name_space, b->name);
}

static int document_cmp(const void *a, const void *b)
{
	return document_order(*(struct document *const *)a, *(struct document *const *)b);
}

static int address_cmp(const void *a, const void *b)
{
	return ((uintptr_t)a > (uintptr_t)b) - ((uintptr_t)a < (uintptr_t)b);
}

static int attachment_cmp(const void *a, const void *b)
{
	const struct attachment *left = a;
	const struct attachment *right = b;
	int order = name_cmp(left->parent->name_space, left->parent->name,
			     right->parent->name_space, right->parent->name);

	if (!order)
		order = document_order(left->route, right->route);
	return order ? order : address_cmp(left->parent, right->parent);
}

static int use_cmp(const void *a, const void *b)
{
	const struct backend_use *left = a;
	const struct backend_use *right = b;
	int order = name_cmp(left->backend->name_space, left->backend->name,
			     right->backend->name_space, right->backend->name);

	if (!order)
		order = document_order(left->route, right->route);
	return order ? order : address_cmp(left->backend, right->backend);
}

static uint64_t turned(uint64_t n, unsigned bits)
{
	return n << bits | n >> (64 - bits);
}

static uint64_t label_hash(struct str name_space, const struct text_pair *label)
{
	return hash_bytes(name_space) ^ turned(hash_bytes(label->key), 21) ^
	       turned(hash_bytes(label->value), 42);
}

static int label_cmp(const void *a, const void *b)
{
	const struct label_place *left = a, *right = b;
	int order = (left->hash > right->hash) - (left->hash < right->hash);

	return order ? order : document_order(left->document, right->document);
}

/*
 * Building: what some documents have in one of the arrays
 */

/* Counts the items of a document, and writes them where `out` is not NULL. */
typedef size_t collect_fn(const struct document *doc, void *out);

static size_t collect_document(const struct document *doc, void *out)
{
	if (out)
		*(const struct document **)out = doc;
	return 1;
}

static size_t collect_attachments(const struct document *doc, void *out)
{
	struct attachment *items = out;
	uint32_t i;

	if (doc->kind->id != KIND_HTTP_ROUTE)
		return 0;
	for (i = 0; items && i < doc->http_route->parent_count; i++)
		items[i] = (struct attachment){ &doc->http_route->parents[i], doc };
	return doc->http_route->parent_count;
}

static size_t collect_uses(const struct document *doc, void *out)
{
	struct backend_use *items = out;
	size_t count = 0;

	if (doc->kind->id != KIND_HTTP_ROUTE)
		return 0;
	for (uint32_t i = 0; i < doc->http_route->rule_count; i++) {
		const struct route_rule *rule = &doc->http_route->rules[i];

		for (uint32_t k = 0; items && k < rule->backend_count; k++)
			items[count + k] = (struct backend_use){ &rule->backends[k], doc };
		count += rule->backend_count;
	}
	return count;
}

static size_t collect_labels(const struct document *doc, void *out)
{
	struct label_place *items = out;

	if (doc->kind->id != KIND_WORKLOAD)
		return 0;
	for (uint32_t i = 0; items && i < doc->labels.count; i++)
		items[i] = (struct label_place){ label_hash(doc->name_space, &doc->labels.items[i]),
						 doc };
	return doc->labels.count;
}

static size_t collect_selector(const struct document *doc, void *out)
{
	struct label_place *item = out;
	const struct text_map *selector;

	if (doc->kind->id != KIND_SERVICE || !doc->service->selector.count)
		return 0;
	selector = &doc->service->selector;
	if (item)
		*item = (struct label_place){ label_hash(doc->name_space, &selector->items[0]),
					      doc };
	return 1;
}

/* The arrays of an index; the first row is of each kind. */
static const struct array {
	collect_fn *collect;
	size_t item_bytes;
	int (*compare)(const void *a, const void *b);
} arrays[] = {
	{ collect_document, sizeof(struct document *), document_cmp },
	{ collect_attachments, sizeof(struct attachment), attachment_cmp },
	{ collect_uses, sizeof(struct backend_use), use_cmp },
	{ collect_labels, sizeof(struct label_place), label_cmp },
	{ collect_selector, sizeof(struct label_place), label_cmp },
};

/* One step from an index to the next. */
struct step {
	const struct document_change *changes;
	size_t count;
	struct pool *pool;
	enum kind_id kind; /* only documents of this one; KIND_COUNT: all */
};

static const struct document *side(const struct step *s, size_t i, bool after)
{
	const struct document *doc = after ? s->changes[i].after : s->changes[i].before;

	return doc && (s->kind == KIND_COUNT || doc->kind->id == s->kind) ? doc : NULL;
}

/* What the documents before, or after, have in an array; sorted. */
static struct sorted collected(const struct step *s, const struct array *a, bool after)
{
	size_t count = 0;
	char *items;

	for (size_t i = 0; i < s->count; i++)
		count += side(s, i, after) ? a->collect(side(s, i, after), NULL) : 0;
	items = pool_zalloc_array(s->pool, count + 1, a->item_bytes);
	count = 0;
	for (size_t i = 0; i < s->count; i++)
		if (side(s, i, after))
			count += a->collect(side(s, i, after), items + count * a->item_bytes);
	qsort(items, count, a->item_bytes, a->compare);
	return (struct sorted){ items, count };
}

static struct sorted next(const struct step *s, const struct array *a, const void *items,
			  size_t count)
{
	const struct sorted_edit edit = {
		.before = { items, count },
		.out = collected(s, a, false),
		.in = collected(s, a, true),
		.item_bytes = a->item_bytes,
		.compare = a->compare,
	};

	return sorted_next(&edit, s->pool);
}

/* Sets an array of `x` (items and count) to what follows on that of `before`. */
#define NEXT(step, row, x, before, member)                                                        \
	do {                                                                                      \
		struct sorted r =                                                                 \
			next(step, &arrays[row], (before)->member.items, (before)->member.count); \
		(x)->member.items = (typeof((x)->member.items))(uintptr_t)r.items;                \
		(x)->member.count = (uint32_t)r.count;                                            \
	} while (0)

struct document_index *document_index_next(const struct document_index *before,
					   const struct document_change *changes, size_t count,
					   struct pool *pool)
{
	struct step step = { changes, count, pool, KIND_COUNT };
	struct document_index *x = pool_new(pool, struct document_index);

	NEXT(&step, 1, x, before, attachments);
	NEXT(&step, 2, x, before, uses);
	NEXT(&step, 3, x, before, labels);
	NEXT(&step, 4, x, before, selectors);
	for (unsigned kind = 0; kind < KIND_COUNT; kind++) {
		step.kind = (enum kind_id)kind;
		NEXT(&step, 0, x, before, kinds[kind]);
	}
	return x;
}

struct document_index *document_index_new(const struct documents *documents, struct pool *pool)
{
	static const struct document_index nothing;
	struct document_change *changes =
		pool_new_array(pool, struct document_change, documents->count);

	for (uint32_t i = 0; i < documents->count; i++)
		changes[i].after = documents->items[i];
	return document_index_next(&nothing, changes, documents->count, pool);
}

/*
 * Asking
 */

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

/* The run of places with that hash. */
static struct label_places places_of(const struct label_places *all, struct str name_space,
				     const struct text_pair *label)
{
	uint64_t hash = label_hash(name_space, label);
	uint32_t low = 0, high = all->count, end;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (all->items[middle].hash < hash)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < all->count && all->items[end].hash == hash; end++)
		;
	return (struct label_places){ all->items + low, end - low };
}

/* Those of a run that really have every pair: hashes may be equal by chance. */
static struct documents selected_of(const struct label_places *places, struct str name_space,
				    const struct text_map *selector, struct pool *pool)
{
	struct documents selected = { 0 };

	selected.items = pool_new_array(pool, struct document *, places->count);
	for (uint32_t i = 0; i < places->count; i++) {
		const struct document *w = places->items[i].document;

		if (str_eq(w->name_space, name_space) && text_map_selects(selector, &w->labels))
			selected.items[selected.count++] = (struct document *)w;
	}
	return selected;
}

struct documents document_index_labelled(const struct document_index *x, struct str name_space,
					 const struct text_pair *label, struct pool *pool)
{
	const struct text_map selector = { (struct text_pair *)label, 1 };
	struct label_places places = places_of(&x->labels, name_space, label);

	return selected_of(&places, name_space, &selector, pool);
}

struct documents document_index_selected(const struct document_index *x,
					 const struct document *service, struct pool *pool)
{
	const struct text_map *selector = &service->service->selector;
	struct label_places rarest = { 0 };

	for (uint32_t i = 0; i < selector->count; i++) {
		struct label_places places =
			places_of(&x->labels, service->name_space, &selector->items[i]);

		if (i == 0 || places.count < rarest.count)
			rarest = places;
	}
	return selected_of(&rarest, service->name_space, selector, pool);
}

/* Those of a run that really select the workload; counts them alone where there is no list. */
static void add_selecting(const struct label_places *places, const struct document *workload,
			  struct documents *found)
{
	for (uint32_t i = 0; i < places->count; i++) {
		const struct document *s = places->items[i].document;

		if (!str_eq(s->name_space, workload->name_space) ||
		    !text_map_selects(&s->service->selector, &workload->labels))
			continue;
		if (found->items)
			found->items[found->count] = (struct document *)s;
		found->count++;
	}
}

struct documents document_index_selecting(const struct document_index *x,
					  const struct document *workload, struct pool *pool)
{
	struct documents found = { 0 };
	struct label_places places;

	for (unsigned pass = 0; pass < 2; pass++) {
		if (pass == 1)
			found.items = pool_new_array(pool, struct document *, found.count + 1);
		found.count = 0;
		for (uint32_t i = 0; i < workload->labels.count; i++) {
			places = places_of(&x->selectors, workload->name_space,
					   &workload->labels.items[i]);
			add_selecting(&places, workload, &found);
		}
	}
	return found;
}

struct attachments document_index_attachments(const struct document_index *x,
					      const struct document *service)
{
	const struct attachments *all = &x->attachments;
	uint32_t low = 0;
	uint32_t high = all->count;
	uint32_t end;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct parent_ref *p = all->items[middle].parent;

		if (name_cmp(p->name_space, p->name, service->name_space, service->name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < all->count; end++) {
		const struct parent_ref *p = all->items[end].parent;

		if (!str_eq(p->name_space, service->name_space) || !str_eq(p->name, service->name))
			break;
	}
	return (struct attachments){ all->items + low, end - low };
}

struct backend_uses document_index_uses(const struct document_index *x,
					const struct document *service)
{
	const struct backend_uses *all = &x->uses;
	uint32_t low = 0;
	uint32_t high = all->count;
	uint32_t end;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct backend_ref *b = all->items[middle].backend;

		if (name_cmp(b->name_space, b->name, service->name_space, service->name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < all->count; end++) {
		const struct backend_ref *b = all->items[end].backend;

		if (!str_eq(b->name_space, service->name_space) || !str_eq(b->name, service->name))
			break;
	}
	return (struct backend_uses){ all->items + low, end - low };
}
