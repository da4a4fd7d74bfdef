#include "control/state_private.h"

#include <assert.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/node.h"

/* "NS/NAME": the key of an object among those of its kind. */
static struct str object_key(struct pool *pool, struct str name_space, struct str name)
{
	return pool_printf(pool, "%.*s/%.*s", STR_ARGS(name_space), STR_ARGS(name));
}

struct state_object *state_find(const struct state *s, enum kind_id kind, struct str name_space,
				struct str name)
{
	struct pool scratch = POOL_INIT(512);
	struct state_object *o = map_get(&s->objects[kind], object_key(&scratch, name_space, name));

	pool_fini(&scratch);
	return o;
}

const struct state_object *state_get(const struct state *s, enum kind_id kind,
				     struct str name_space, struct str name)
{
	return state_find(s, kind, name_space, name);
}

static void object_free(struct state_object *o)
{
	pool_fini(&o->pool);
	mem_free(o->virtual_address);
	mem_free(o);
}

/* Puts an object into its map; the one that was there comes back. */
static struct state_object *object_put(struct state *s, struct state_object *o)
{
	const struct document *doc = o->document;
	struct pool scratch = POOL_INIT(512);
	struct state_object *before = map_set(&s->objects[doc->kind->id],
					      object_key(&scratch, doc->name_space, doc->name), o);

	pool_fini(&scratch);
	return before;
}

static void object_take_out(struct state *s, const struct state_object *o)
{
	const struct document *doc = o->document;
	struct pool scratch = POOL_INIT(512);

	map_remove(&s->objects[doc->kind->id], object_key(&scratch, doc->name_space, doc->name));
	pool_fini(&scratch);
}

static bool always_live(unused_arg void *user, unused_arg const struct document *workload)
{
	return true;
}

struct graph_input state_graph_input(const struct state *s, const struct state_view *view,
				     struct str (*virtual_address)(void *user,
								   const struct document *service),
				     void *user)
{
	return (struct graph_input){
		.index = view->index,
		.config = view->config,
		.trust_domain = str_from(s->trust_domain),
		.virtual_address = virtual_address,
		.is_live = s->options.is_live ? s->options.is_live : always_live,
		.user = user,
		.live_user = s->options.user,
	};
}

/*
 * Loading
 */

struct load {
	struct state *state;
	struct diag *diag;
};

/* What a row says beside its document is input as well. */
static bool is_sound(const struct state *s, const struct store_object *stored,
		     const struct document *doc)
{
	return doc->kind->id == stored->kind && str_eq(doc->name_space, stored->name_space) &&
	       str_eq(doc->name, stored->name) &&
	       (stored->origin == STATE_REGISTERED || stored->revision <= s->revision);
}

static int on_stored(void *user, const struct store_object *stored)
{
	struct load *load = user;
	struct state_object *o = mem_new(struct state_object);
	struct document *doc;
	struct node *root;
	int r;

	pool_init(&o->pool, 4096);
	r = json_parse(pool_strdup(&o->pool, stored->json), NULL, &o->pool, &root, load->diag);
	if (r == 0)
		r = document_parse(root, &(struct document_options){ 0 }, &o->pool, &doc,
				   load->diag);
	if (r < 0) {
		diag_hint(load->diag, "in the stored %s %.*s/%.*s", kind_of(stored->kind)->name,
			  STR_ARGS(stored->name_space), STR_ARGS(stored->name));
		object_free(o);
		return r;
	}
	if (!is_sound(load->state, stored, doc)) {
		object_free(o);
		return diag_fail(load->diag, ERR_CORRUPT,
				 "the stored %s %.*s/%.*s is not what its row says: the store is "
				 "damaged",
				 kind_of(stored->kind)->name, STR_ARGS(stored->name_space),
				 STR_ARGS(stored->name));
	}
	doc->created = stored->created;
	doc->user = o;
	o->document = doc;
	o->origin = stored->origin;
	o->revision = stored->revision;
	o->changed_at = stored->changed_at;
	if (stored->virtual_address.len) {
		o->virtual_address = mem_strdup_str(stored->virtual_address);
		virtual_addresses_use(&load->state->addresses, stored->virtual_address);
	}
	object_put(load->state, o);
	return 0;
}

static struct str stored_address(unused_arg void *user, const struct document *service)
{
	const struct state_object *o = service->user;

	return str_from(o->virtual_address);
}

static int compile_all(struct state *s, struct diag *d)
{
	struct graph_input input = state_graph_input(s, s->view, stored_address, s);
	struct graph_change *change = NULL;
	int r;

	r = graph_compute(&s->graph, &input, &(struct graph_scope){ .all = true }, &change, d);
	if (r < 0)
		return r;
	graph_commit_take(&s->graph, change, NULL, NULL);
	return 0;
}

static void view_load(struct state *s)
{
	struct documents documents = { 0 };
	size_t count = 0;

	for (unsigned kind = 0; kind < KIND_COUNT; kind++)
		count += s->objects[kind].count;
	s->view = state_view_new();
	documents.items = pool_new_array(&s->view->pool, struct document *, count + 1);
	for (unsigned kind = 0; kind < KIND_COUNT; kind++) {
		map_for_each (entry, &s->objects[kind]) {
			const struct state_object *o = entry->value;

			/* The index does not change documents. */
			documents.items[documents.count++] =
				(struct document *)(uintptr_t)o->document;
		}
	}
	state_view_fill(s->view, &documents);
}

static int load_all(struct state *s, struct diag *d)
{
	struct load load = { .state = s, .diag = d };
	int r;

	r = store_revision(s->store, &s->revision);
	if (r < 0)
		return diag_fail(d, r, "cannot read the store: %s", err_text(r));
	r = store_each(s->store, on_stored, &load);
	if (r < 0)
		return diag_fail(d, r, "cannot load the stored documents: %s", err_text(r));
	view_load(s);
	return compile_all(s, d);
}

int state_new(struct loop *loop, struct store *store, const struct state_options *options,
	      struct state **ret_state, struct diag *d)
{
	struct state *s = mem_new(struct state);
	int r;

	s->loop = loop;
	s->store = store;
	s->options = *options;
	s->trust_domain = mem_strdup_str(options->trust_domain);
	for (unsigned kind = 0; kind < KIND_COUNT; kind++)
		map_init(&s->objects[kind]);
	virtual_addresses_init(&s->addresses);
	graph_init(&s->graph);
	list_init(&s->watches);
	r = load_all(s, d);
	if (r < 0) {
		state_free(s);
		return r;
	}
	*ret_state = s;
	return 0;
}

struct state *state_free(struct state *s)
{
	if (!s)
		return NULL;
	assert(list_is_empty(&s->watches));
	graph_fini(&s->graph);
	state_view_free(s->view);
	state_view_free(s->shown);
	for (unsigned kind = 0; kind < KIND_COUNT; kind++) {
		map_for_each (entry, &s->objects[kind])
			object_free(entry->value);
		map_fini(&s->objects[kind]);
	}
	virtual_addresses_fini(&s->addresses);
	mem_free(s->trust_domain);
	mem_free(s);
	return NULL;
}

/*
 * Reading
 */

void state_watch_add(struct state *s, struct state_watch *w)
{
	list_push_back(&s->watches, &w->in_state);
}

void state_watch_remove(struct state_watch *w)
{
	list_remove(&w->in_state);
}

uint64_t state_revision(const struct state *s)
{
	return s->revision;
}

struct str state_trust_domain(const struct state *s)
{
	return str_from(s->trust_domain);
}

const struct mesh_config *state_mesh_config(const struct state *s)
{
	return s->view->config;
}

void state_each(const struct state *s, enum kind_id kind,
		void (*on_object)(void *user, const struct state_object *o), void *user)
{
	for (unsigned k = 0; k < KIND_COUNT; k++) {
		struct documents documents;

		if (kind != KIND_COUNT && kind != k)
			continue;
		documents = document_index_kind(s->view->index, (enum kind_id)k);
		for (uint32_t i = 0; i < documents.count; i++)
			on_object(user, documents.items[i]->user);
	}
}

uint64_t state_changes(const struct state *s, enum kind_id kind)
{
	return s->changes[kind];
}

struct str state_object_version(const struct state_object *o, struct pool *pool)
{
	return pool_printf(pool, "%s%llu", o->origin == STATE_REGISTERED ? "r" : "",
			   (unsigned long long)o->revision);
}

const struct findings *state_findings(const struct state *s)
{
	return &s->view->findings;
}

const struct document_index *state_index(const struct state *s)
{
	return s->view->index;
}

const struct graph *state_graph(const struct state *s)
{
	return &s->graph;
}

/*
 * Changing
 */

static void tell_resource(void *user, enum xds_type type, struct str name)
{
	struct state *s = user;

	list_for_each_safe (node, &s->watches) {
		struct state_watch *w = container_of(node, struct state_watch, in_state);

		if (w->on_resource)
			w->on_resource(w, type, name);
	}
}

static void tell_object(struct state *s, const struct state_object *before,
			const struct state_object *after)
{
	list_for_each_safe (node, &s->watches) {
		struct state_watch *w = container_of(node, struct state_watch, in_state);

		if (w->on_object)
			w->on_object(w, before, after);
	}
}

static void tell_commit(struct state *s)
{
	list_for_each_safe (node, &s->watches) {
		struct state_watch *w = container_of(node, struct state_watch, in_state);

		if (w->on_commit)
			w->on_commit(w, s->revision);
	}
}

static int write_store(struct candidate *c, uint64_t *ret_revision, uint64_t *ret_created,
		       struct diag *d)
{
	struct store_write *writes = pool_new_array(&c->pool, struct store_write, c->count);
	struct store_commit commit = {
		.writes = writes,
		.write_count = c->count,
		.origin = c->origin,
		.at = loop_wall_now(c->state->loop),
		.actor = c->change->actor,
		.message = c->change->message,
	};
	int r;

	for (size_t i = 0; i < c->count; i++) {
		const struct candidate_write *w = &c->writes[i];
		const struct document *doc = w->document ? w->document : w->before->document;

		writes[i] = (struct store_write){
			.kind = doc->kind->id,
			.name_space = doc->name_space,
			.name = doc->name,
			.json = w->json,
			.virtual_address = w->virtual_address,
		};
	}
	r = store_commit(c->state->store, &commit, ret_revision, ret_created);
	if (r < 0)
		return diag_fail(d, r, "the store did not take the change: %s", err_text(r));
	return 0;
}

static struct state_object *object_of(struct candidate *c, const struct candidate_write *w,
				      uint64_t revision, uint64_t created)
{
	struct state_object *o = mem_new(struct state_object);

	o->document = w->document;
	o->pool = *w->write->pool;
	pool_init(w->write->pool, 0);
	o->origin = c->origin;
	o->revision = revision;
	o->changed_at = loop_wall_now(c->state->loop);
	if (w->virtual_address.len)
		o->virtual_address = mem_strdup_str(w->virtual_address);
	w->write->document->created = created;
	w->write->document->user = o;
	w->write->document->file = NULL;
	return o;
}

/* From here on nothing fails: the store has it. */
static void swap(struct candidate *c, uint64_t revision, const uint64_t *created)
{
	struct state *s = c->state;
	struct state_object **after = pool_new_array(&c->pool, struct state_object *, c->count);
	struct state_view *view = s->view;

	for (size_t i = 0; i < c->count; i++) {
		struct candidate_write *w = &c->writes[i];

		s->changes[w->document ? w->document->kind->id : w->write->kind]++;
		if (!w->document) {
			object_take_out(s, w->before);
			if (w->before->virtual_address)
				virtual_addresses_release(&s->addresses,
							  str_from(w->before->virtual_address));
			continue;
		}
		after[i] = object_of(c, w, revision, created[i]);
		object_put(s, after[i]);
		w->virtual_address = STR_EMPTY; /* the object's now */
	}
	s->view = TAKE(c->view);
	if (c->origin == STATE_APPLIED)
		s->revision = revision;
	for (size_t i = 0; i < c->count; i++)
		tell_object(s, c->writes[i].before, after[i]);
	graph_commit_take(&s->graph, TAKE(c->graph), tell_resource, s);
	tell_commit(s);
	for (size_t i = 0; i < c->count; i++) {
		if (c->writes[i].before)
			object_free(c->writes[i].before);
		c->writes[i].before = NULL;
	}
	state_view_free(view);
}

static void result_count(const struct candidate *c, struct state_result *ret_result)
{
	ret_result->unchanged = c->unchanged;
	for (size_t i = 0; i < c->count; i++) {
		if (!c->writes[i].document)
			ret_result->deleted++;
		else if (c->writes[i].before)
			ret_result->changed++;
		else
			ret_result->created++;
	}
}

/* What a walk costs. */
static inline size_t objects_count(const struct state *s)
{
	size_t count = 0;

	for (int i = 0; i < KIND_COUNT; i++)
		count += s->objects[i].count;
	return count;
}

int state_apply(struct state *s, struct state_change *change, struct state_result *ret_result,
		struct diag *d)
{
	struct candidate c;
	struct state_result result = { 0 };
	uint64_t revision = 0;
	int r;

	r = candidate_make(&c, s, change, d);
	if (r == 0) {
		result_count(&c, &result);
		result.findings = candidate_findings(&c);
	}
	if (r == 0 && c.count && !change->dry_run) {
		uint64_t *created = pool_new_array(&c.pool, uint64_t, c.count);

		r = write_store(&c, &revision, created, d);
		if (r == 0)
			swap(&c, revision, created);
	}
	if (r == 0) {
		result.revision = revision;
		result.origin = c.origin;
		*ret_result = result;
		s->shown = state_view_free(s->shown);
		s->shown = TAKE(c.view); /* NULL after a swap */
	}
	change->failed = c.failed;
	candidate_fini(&c);
	debug_check(objects_count(s) * 4, state_check(s));
	return r;
}

void state_live_changed(struct state *s, const struct state_object *workload)
{
	struct graph_input input = state_graph_input(s, s->view, stored_address, s);
	const struct document_change change = { workload->document, workload->document };
	struct graph_scope scope = { .changes = &change, .change_count = 1 };
	struct graph_change *result;
	struct diag d = DIAG_INIT;

	/* It was checked when it was applied; only the set of endpoints differs. */
	if (graph_compute(&s->graph, &input, &scope, &result, &d) == 0)
		graph_commit_take(&s->graph, result, tell_resource, s);
	else
		log_error("state.compile_failed", "reason=%s", log_quote(str_from(d.text)));
	diag_fini(&d);
}

/*
 * Looking inside
 */

void state_check(const struct state *s)
{
	assert(s->view);
	store_check(s->store);
	list_check(&s->watches);
	for (int i = 0; i < KIND_COUNT; i++) {
		map_check(&s->objects[i]);
		map_for_each (entry, &s->objects[i]) {
			const struct state_object *o = entry->value;

			assert(o->document->user == o);
			assert(!o->candidate);
			assert(o->origin == STATE_REGISTERED || o->revision <= s->revision);
		}
	}
}

void state_dump(const struct state *s, struct dump *d)
{
	dump_line(d, "state");
	dump_str(d, "trust_domain", str_from(s->trust_domain));
	dump_number(d, "revision", s->revision);
	dump_number(d, "watches", list_count(&s->watches));
	dump_number(d, "objects", objects_count(s));
	dump_enter(d);
	store_dump(s->store, d);
	graph_dump(&s->graph, d);
	dump_leave(d);
}
