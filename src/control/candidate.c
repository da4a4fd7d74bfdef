#include "control/state_private.h"

#include "base/error.h"
#include "base/mem.h"

/* A new document is younger than all that are stored. */
#define CREATED_NEW (UINT64_MAX / 2)

struct state_view *state_view_new(void)
{
	struct state_view *v = mem_new(struct state_view);

	pool_init(&v->pool, 64 * 1024);
	return v;
}

struct state_view *state_view_free(struct state_view *v)
{
	if (!v)
		return NULL;
	pool_fini(&v->pool);
	mem_free(v);
	return NULL;
}

static void config_find(struct state_view *v)
{
	const struct document *config =
		document_index_get(v->index, KIND_MESH_CONFIG, STR_EMPTY, STR("default"));

	v->config = config ? config->mesh_config : mesh_config_default();
}

void state_view_fill(struct state_view *v, const struct documents *documents)
{
	v->index = document_index_new(documents, &v->pool);
	v->findings = check_documents(v->index, &v->pool);
	config_find(v);
}

void state_view_follow(struct state_view *v, const struct state_view *before,
		       const struct document_change *changes, size_t count)
{
	const struct check_before check = { changes, count, &before->findings };

	v->index = document_index_next(before->index, changes, count, &v->pool);
	v->findings = check_changes(v->index, &check, &v->pool);
	config_find(v);
}

static int conflict_check(struct candidate *c, const struct state_write *w,
			  const struct state_object *before, struct diag *d)
{
	struct buf title = BUF_INIT(0);
	struct str wanted;
	int r = 0;

	if (!w->document || !w->document->resource_version.len)
		return 0;
	wanted = w->document->resource_version;
	if (!before || !str_eq(wanted, state_object_version(before, &c->pool))) {
		document_title(w->document, &title);
		r = diag_fail(d, ERR_CONFLICT,
			      "%.*s was changed since resourceVersion %.*s was read",
			      STR_ARGS(buf_str(&title)), STR_ARGS(wanted));
		diag_hint(d, "get it again and apply the change to that");
	}
	buf_fini(&title);
	return r;
}

static struct str json_of(struct candidate *c, const struct document *doc)
{
	struct buf json = BUF_INIT(0);
	struct str copy;

	document_canonical_json(doc, &json);
	copy = pool_strdup(&c->pool, buf_str(&json));
	buf_fini(&json);
	return copy;
}

static bool is_unchanged(struct candidate *c, const struct state_write *w,
			 const struct state_object *before, struct str json)
{
	if (!before)
		return false;
	if (w->create_only)
		return true;
	/* What a person applies becomes the person's, also where `weft run` wrote the same. */
	if (before->origin == STATE_REGISTERED && c->change->origin == STATE_APPLIED)
		return false;
	return str_eq(json, json_of(c, before->document));
}

static int address_set(struct candidate *c, struct candidate_write *w,
		       const struct mesh_config *config, struct diag *d)
{
	struct state *s = c->state;
	const struct document *doc = w->document;
	struct virtual_address_request request;
	int r;

	if (!doc || doc->kind->id != KIND_SERVICE)
		return 0;
	if (w->before) {
		w->virtual_address = str_from(w->before->virtual_address);
		return 0;
	}
	request = (struct virtual_address_request){
		.range = &config->virtual_addresses->ip4,
		.name_space = doc->name_space,
		.name = doc->name,
		.store = s->store,
		.now = loop_wall_now(s->loop),
	};
	r = virtual_address_pick(&s->addresses, &request, &c->pool, &w->virtual_address);
	if (r < 0 && r != ERR_LIMIT)
		return diag_fail(d, r, "cannot read the virtual addresses: %s", err_text(r));
	if (r < 0)
		return diag_fail(d, r, "no virtual address is left for Service %.*s/%.*s",
				 STR_ARGS(doc->name_space), STR_ARGS(doc->name));
	/* Marked at once, so that two new Services of one change do not get the same. */
	virtual_addresses_use(&s->addresses, w->virtual_address);
	return 0;
}

static int write_add(struct candidate *c, const struct state_write *w, struct diag *d)
{
	struct candidate_write *out = &c->writes[c->count];
	const struct document *doc = w->document;
	enum kind_id kind = doc ? doc->kind->id : w->kind;
	struct str name_space = doc ? doc->name_space : w->name_space;
	struct str name = doc ? doc->name : w->name;
	struct state_object *before = state_find(c->state, kind, name_space, name);
	int r;

	if (!doc && !before)
		return diag_fail(d, ERR_NOT_FOUND, "there is no %s %.*s%s%.*s", kind_of(kind)->name,
				 STR_ARGS(name_space), name_space.len ? "/" : "", STR_ARGS(name));
	r = conflict_check(c, w, before, d);
	if (r < 0)
		return r;
	*out = (struct candidate_write){ .write = w, .document = doc, .before = before };
	if (doc)
		out->json = json_of(c, doc);
	if (doc && is_unchanged(c, w, before, out->json)) {
		c->unchanged++;
		return 0;
	}
	if (doc) {
		w->document->created = before ? before->document->created : CREATED_NEW + c->count;
		w->document->user = before;
	}
	if (before)
		before->candidate = out;
	c->count++;
	return 0;
}

/* The write that brings a document of the view; NULL: it stays as it is. */
static const struct candidate_write *write_of(const struct candidate *c, const struct document *doc)
{
	const struct state_object *before = doc->user;
	const struct candidate_write *w;

	if (doc->created >= CREATED_NEW)
		return &c->writes[doc->created - CREATED_NEW];
	w = before ? before->candidate : NULL;
	return w && w->document == doc ? w : NULL;
}

/* The documents as they would stand. */
static void view_make(struct candidate *c)
{
	c->changes = pool_new_array(&c->pool, struct document_change, c->count);
	for (size_t i = 0; i < c->count; i++)
		c->changes[i] = (struct document_change){
			.before = c->writes[i].before ? c->writes[i].before->document : NULL,
			.after = c->writes[i].document,
		};
	c->view = state_view_new();
	state_view_follow(c->view, c->state->view, c->changes, c->count);
}

static bool is_dangling(const struct finding *f)
{
	return f->code == CODE_NO_BACKEND || f->code == CODE_NO_PARENT || f->code == CODE_NO_PORT;
}

static bool refuses(const struct candidate *c, const struct finding *f)
{
	return f->severity == FINDING_ERROR && write_of(c, f->document) &&
	       !(c->change->allow_dangling && is_dangling(f));
}

/* An error in a document that is being applied refuses the change; of several, that in the first
 * document as they were given. */
static int findings_check(struct candidate *c, struct diag *d)
{
	const struct finding *first = NULL;

	for (uint32_t i = 0; i < c->view->findings.count; i++) {
		const struct finding *f = &c->view->findings.items[i];

		if (refuses(c, f) &&
		    (!first || write_of(c, f->document) < write_of(c, first->document)))
			first = f;
	}
	if (!first)
		return 0;
	c->failed = write_of(c, first->document)->write - c->change->writes;
	finding_diag(first, d);
	return d->error;
}

static struct str finding_key(struct pool *pool, const struct finding *f)
{
	return pool_printf(pool, "%p %u %.*s", (const void *)f->document, f->code,
			   STR_ARGS(f->text));
}

/* The errors before the change, for candidates that delete: what they refer to may be gone. */
static void errors_before(struct candidate *c, struct map *errors)
{
	const struct findings *all = &c->state->view->findings;

	for (uint32_t i = 0; i < all->count; i++)
		if (all->items[i].severity == FINDING_ERROR)
			map_set(errors, finding_key(&c->pool, &all->items[i]), c);
}

static bool is_new_error(struct candidate *c, const struct map *errors, const struct finding *f)
{
	return f->severity == FINDING_ERROR && !map_get(errors, finding_key(&c->pool, f));
}

struct findings candidate_findings(struct candidate *c)
{
	struct findings shown = { 0 };
	const struct findings *all;
	struct map errors;
	bool deletes = false;

	if (!c->count)
		return shown;
	all = &c->view->findings;
	shown.items = pool_new_array(&c->view->pool, struct finding, all->count + 1);
	for (size_t i = 0; i < c->count; i++)
		deletes |= !c->writes[i].document;
	map_init(&errors);
	if (deletes)
		errors_before(c, &errors);
	for (uint32_t i = 0; i < all->count; i++)
		if (write_of(c, all->items[i].document) ||
		    (deletes && is_new_error(c, &errors, &all->items[i])))
			shown.items[shown.count++] = all->items[i];
	map_fini(&errors);
	return shown;
}

static struct str address_of(void *user, const struct document *service)
{
	const struct candidate_write *w = write_of(user, service);
	const struct state_object *o = service->user;

	return w ? w->virtual_address : str_from(o->virtual_address);
}

static int graph_make(struct candidate *c, struct diag *d)
{
	struct graph_input input = state_graph_input(c->state, c->view, address_of, c);
	struct graph_scope scope = { .changes = c->changes, .change_count = c->count };

	for (size_t i = 0; i < c->count; i++) {
		const struct candidate_write *w = &c->writes[i];
		enum kind_id kind = w->document ? w->document->kind->id : w->write->kind;

		scope.all |= kind == KIND_MESH_CONFIG;
	}
	return graph_compute(&c->state->graph, &input, &scope, &c->graph, d);
}

static int trust_domain_check(struct candidate *c, struct diag *d)
{
	struct str wanted = c->view->config->trust_domain;

	if (!wanted.len || str_eq(wanted, str_from(c->state->trust_domain)))
		return 0;
	diag_fail(d, ERR_CONFIG,
		  "the trust domain is %s since the first start and cannot become "
		  "%.*s",
		  c->state->trust_domain, STR_ARGS(wanted));
	diag_hint(d, "leave trustDomain out, or start a new mesh");
	return d->error;
}

static int writes_add(struct candidate *c, struct diag *d)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->change->write_count; i++) {
		r = write_add(c, &c->change->writes[i], d);
		if (r < 0)
			c->failed = i;
	}
	return r;
}

/* What is registered ends without a revision. */
static enum state_origin origin_of(const struct candidate *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->writes[i].document || c->writes[i].before->origin == STATE_APPLIED)
			return c->change->origin;
	return STATE_REGISTERED;
}

static int addresses_set(struct candidate *c, struct diag *d)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->count; i++) {
		r = address_set(c, &c->writes[i], c->view->config, d);
		if (r < 0)
			c->failed = c->writes[i].write - c->change->writes;
	}
	return r;
}

int candidate_make(struct candidate *c, struct state *s, const struct state_change *change,
		   struct diag *d)
{
	int r;

	*c = (struct candidate){ .state = s, .change = change, .failed = change->write_count };
	pool_init(&c->pool, 16 * 1024);
	c->writes = pool_new_array(&c->pool, struct candidate_write, change->write_count + 1);
	r = writes_add(c, d);
	/* Programs say again and again that they are there: that must cost nothing. */
	if (r < 0 || !c->count)
		return r;
	c->origin = origin_of(c);
	view_make(c);
	r = addresses_set(c, d);
	if (r == 0)
		r = trust_domain_check(c, d);
	if (r == 0)
		r = findings_check(c, d);
	if (r == 0)
		r = graph_make(c, d);
	return r;
}

void candidate_fini(struct candidate *c)
{
	for (size_t i = 0; i < c->count; i++) {
		struct candidate_write *w = &c->writes[i];

		if (w->before)
			w->before->candidate = NULL;
		/* Addresses that were picked for objects that did not come to be. */
		else if (w->virtual_address.len)
			virtual_addresses_release(&c->state->addresses, w->virtual_address);
	}
	graph_change_free(c->graph);
	state_view_free(c->view);
	pool_fini(&c->pool);
}
