/*
 * The index and the findings after a change are those that would be made anew: random documents
 * come, change and go, a few at a time, and after each step both ways must agree to the byte.
 */

#include "mesh/index.h"

#include "base/random.h"

#include "fixture.h"

#define STEPS       400
#define NAMES       5 /* of each kind and namespace */
#define NAMESPACES  2
#define OBJECTS     (3 * NAMES * NAMESPACES)
#define CHANGES_MAX 4

struct world {
	struct random random;
	struct fixture fixtures[OBJECTS]; /* each object in a pool of its own */
	struct document *documents[OBJECTS];
	uint64_t created;
	struct pool pool; /* of the present index and findings */
	const struct document_index *index;
	struct findings findings;
};

static unsigned below(struct world *w, unsigned bound)
{
	return (unsigned)random_below(&w->random, bound);
}

static void write_service(struct world *w, unsigned name, const char *ns, struct buf *out)
{
	buf_printf(out,
		   "{apiVersion: v1, kind: Service, metadata: {name: service-%u, namespace: %s}, "
		   "spec: {"
		   "selector: {app: s%u%s}, ports: [{name: http, port: %u, appProtocol: %s, "
		   "targetPort: %u}]}}\n",
		   name, ns, below(w, NAMES), below(w, 2) ? ", version: v1" : "", 80 + below(w, 2),
		   below(w, 4) ? "http" : "tcp", 80 + below(w, 2));
}

static void write_workload(struct world *w, unsigned name, const char *ns, struct buf *out)
{
	buf_printf(out,
		   "{apiVersion: weft.dev/v1alpha1, kind: Workload, metadata: {name: w%u, "
		   "namespace: %s, labels: {app: s%u, version: v%u}}, spec: {address: 10.0.0.1, "
		   "serviceAccount: x, ports: [{port: %u}]}}\n",
		   name, ns, below(w, NAMES), below(w, 2), 80 + below(w, 2));
}

static const char *const namespaces[NAMESPACES] = { "blue", "green" };

static void write_route(struct world *w, unsigned name, const char *ns, struct buf *out)
{
	buf_printf(out,
		   "{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: "
		   "r%u, namespace: %s}, spec: {parentRefs: [{group: \"\", kind: Service, name: "
		   "service-%u, namespace: %s%s}], rules: [{matches: [{path: {type: PathPrefix, "
		   "value: "
		   "/%u}}], backendRefs: [{name: service-%u, port: %u}, {name: service-%u, "
		   "namespace: %s, port: "
		   "80}]}]}}\n",
		   name, ns, below(w, NAMES), namespaces[below(w, 2)],
		   below(w, 2) ? ", port: 80" : "", below(w, 2), below(w, NAMES), 80 + below(w, 2),
		   below(w, NAMES), ns);
}

static struct document *make(struct world *w, unsigned object, struct fixture *f)
{
	static void (*const writers[])(struct world * w, unsigned name, const char *ns,
				       struct buf *out) = { write_service, write_workload,
							    write_route };
	struct buf text = BUF_INIT(0);
	struct document *doc;

	writers[object % 3](w, object / 3 % NAMES, namespaces[object / 3 / NAMES], &text);
	buf_append_char(&text, '\0');
	doc = fixture_one(f, buf_str(&text).ptr);
	buf_fini(&text);
	return doc;
}

/* Each finding as finding_diag() tells it. */
static void tell(const struct findings *findings, struct buf *out)
{
	for (uint32_t i = 0; i < findings->count; i++) {
		const struct finding *f = &findings->items[i];
		struct diag d = DIAG_INIT;

		finding_diag(f, &d);
		buf_printf(out, "%d %d %s ", f->severity, f->parent_index,
			   f->condition ? f->condition : "-");
		diag_format(&d, out);
		buf_append_char(out, '\n');
		diag_fini(&d);
	}
}

static void assert_same_places(const struct label_places *a, const struct label_places *b)
{
	assert_int_equal(a->count, b->count);
	for (uint32_t i = 0; i < a->count; i++) {
		assert_int_equal(a->items[i].hash, b->items[i].hash);
		assert_ptr_equal(a->items[i].document, b->items[i].document);
	}
}

static void assert_same_index(const struct document_index *a, const struct document_index *b)
{
	for (unsigned kind = 0; kind < KIND_COUNT; kind++) {
		assert_int_equal(a->kinds[kind].count, b->kinds[kind].count);
		for (uint32_t i = 0; i < a->kinds[kind].count; i++)
			assert_ptr_equal(a->kinds[kind].items[i], b->kinds[kind].items[i]);
	}
	assert_int_equal(a->attachments.count, b->attachments.count);
	for (uint32_t i = 0; i < a->attachments.count; i++)
		assert_ptr_equal(a->attachments.items[i].parent, b->attachments.items[i].parent);
	assert_int_equal(a->uses.count, b->uses.count);
	for (uint32_t i = 0; i < a->uses.count; i++)
		assert_ptr_equal(a->uses.items[i].backend, b->uses.items[i].backend);
	assert_same_places(&a->labels, &b->labels);
	assert_same_places(&a->selectors, &b->selectors);
}

static void assert_as_made_anew(struct world *w)
{
	struct pool pool = POOL_INIT(0);
	struct documents all = { .items = pool_new_array(&pool, struct document *, OBJECTS) };
	struct buf now = BUF_INIT(0), anew = BUF_INIT(0);
	const struct document_index *index;
	struct findings findings;

	for (unsigned i = 0; i < OBJECTS; i++)
		if (w->documents[i])
			all.items[all.count++] = w->documents[i];
	index = document_index_new(&all, &pool);
	assert_same_index(w->index, index);
	findings = check_documents(index, &pool);
	tell(&w->findings, &now);
	tell(&findings, &anew);
	buf_append_char(&anew, '\0');
	assert_str_equal(buf_str(&now), buf_str(&anew).ptr);
	buf_fini(&now);
	buf_fini(&anew);
	pool_fini(&pool);
}

static bool is_changed(const struct document_change *changes, unsigned count,
		       const struct document *doc)
{
	for (unsigned i = 0; i < count; i++)
		if (doc && changes[i].before == doc)
			return true;
	return false;
}

static void step(struct world *w)
{
	struct document_change changes[CHANGES_MAX];
	struct fixture gone[CHANGES_MAX] = { 0 };
	unsigned objects[CHANGES_MAX];
	unsigned count = 0, wanted = 1 + below(w, CHANGES_MAX);
	struct pool pool = POOL_INIT(0);
	struct check_before before = { changes, 0, &w->findings };

	for (unsigned i = 0; i < wanted; i++) {
		unsigned object = below(w, OBJECTS);
		struct document *old = w->documents[object];
		bool twice = is_changed(changes, count, old);

		for (unsigned k = 0; k < count; k++)
			twice |= objects[k] == object;
		if (twice || (!old && below(w, 3) == 0))
			continue;
		gone[count] = w->fixtures[object];
		w->fixtures[object] = (struct fixture){ 0 };
		w->documents[object] = NULL;
		if (!old || below(w, 3))
			w->documents[object] = make(w, object, &w->fixtures[object]);
		if (w->documents[object])
			w->documents[object]->created = old ? old->created : ++w->created;
		objects[count] = object;
		changes[count++] = (struct document_change){ old, w->documents[object] };
	}
	before.count = count;
	w->index = document_index_next(w->index, changes, count, &pool);
	w->findings = check_changes(w->index, &before, &pool);
	for (unsigned i = 0; i < count; i++)
		fixture_fini(&gone[i]);
	/* Nothing points into what was before. */
	pool_fini(&w->pool);
	w->pool = pool;
}

TEST(after_any_change_index_and_findings_are_as_made_anew)
{
	static struct world w;

	random_init(&w.random, 20261127);
	w.index = document_index_new(&(struct documents){ 0 }, &w.pool);
	for (unsigned i = 0; i < STEPS; i++) {
		step(&w);
		assert_as_made_anew(&w);
	}
	assert_true(w.findings.count > 0);
	for (unsigned i = 0; i < OBJECTS; i++)
		fixture_fini(&w.fixtures[i]);
	pool_fini(&w.pool);
}
