/*
 * Changes of many documents at once: apply, register, rollback
 *
 * Each document of the request becomes a write; what is wrong with one is told by its place in
 * the request, also when it shows only beside the others.
 */

#include "control/api_request.h"

#include "base/error.h"
#include "base/mem.h"
#include "codec/node.h"
#include "message/spiffe.h"

/* Documents of one request. */
#define DOCUMENTS_MAX 10000

/* A change under construction; each document in a pool of its own, as the state wants it. */
struct batch {
	struct api_request *q;
	struct state_write *writes;
	const struct node **items; /* what of the request each write is; NULL: of the store */
	size_t count;
	size_t capacity;
	struct map seen;      /* "KIND NS/NAME": the same object twice is refused */
	struct node *objects; /* of the answer: what happens to each */
	bool registers;       /* Services are only created */
};

static void batch_init(struct batch *b, struct api_request *q)
{
	*b = (struct batch){ .q = q, .objects = node_new(&q->pool, NODE_LIST) };
	map_init(&b->seen);
}

static void batch_fini(struct batch *b)
{
	for (size_t i = 0; i < b->count; i++) {
		if (!b->writes[i].pool)
			continue;
		pool_fini(b->writes[i].pool);
		mem_free(b->writes[i].pool);
	}
	mem_free(b->writes);
	mem_free(b->items);
	map_fini(&b->seen);
}

static struct state_write *batch_add(struct batch *b, const struct node *item)
{
	if (b->count == b->capacity) {
		b->capacity = b->capacity ? b->capacity * 2 : 16;
		b->writes = mem_realloc(b->writes, b->capacity * sizeof(*b->writes));
		b->items = mem_realloc(b->items, b->capacity * sizeof(*b->items));
	}
	b->items[b->count] = item;
	b->writes[b->count] = (struct state_write){ 0 };
	return &b->writes[b->count++];
}

static struct str difference_text(struct api_request *q, const struct node *n)
{
	struct buf text = BUF_INIT(0);
	struct str copy;

	difference_value(n, &text);
	copy = pool_strdup(&q->pool, buf_str(&text));
	buf_fini(&text);
	return copy;
}

/* What happens to an object: for the plan that a person sees. */
static void describe(struct batch *b, const struct document *before, const struct document *after)
{
	struct api_request *q = b->q;
	const struct document *doc = after ? after : before;
	struct differences differences = document_diff(before, after, &q->pool);
	struct node *object = api_add_map(q, b->objects, NULL);
	struct node *list;
	const char *action = "changed";

	if (!after)
		action = "deleted";
	else if (!before)
		action = "created";
	else if (!differences.count)
		action = "unchanged";
	api_add_text(q, object, "kind", str_from(doc->kind->name));
	api_add_text(q, object, "namespace", pool_strdup(&q->pool, doc->name_space));
	api_add_text(q, object, "name", pool_strdup(&q->pool, doc->name));
	api_add_text(q, object, "action", str_from(action));
	list = api_add_list(q, object, "differences");
	for (uint32_t i = 0; before && after && i < differences.count; i++) {
		struct node *difference = api_add_map(q, list, NULL);

		api_add_text(q, difference, "path", differences.items[i].path);
		api_add_text(q, difference, "before",
			     difference_text(q, differences.items[i].before));
		api_add_text(q, difference, "after",
			     difference_text(q, differences.items[i].after));
	}
}

static const struct state_object *current_of(struct api_request *q, const struct document *doc)
{
	return state_get(q->api->options.state, doc->kind->id, doc->name_space, doc->name);
}

static int add_seen(struct batch *b, const struct document *doc, struct diag *d)
{
	struct str key = pool_printf(&b->q->pool, "%s %.*s/%.*s", doc->kind->name,
				     STR_ARGS(doc->name_space), STR_ARGS(doc->name));

	if (map_set(&b->seen, key, b)) {
		diag_fail(d, ERR_CONFIG, "%.*s stands twice", STR_ARGS(key));
		diag_code(d, code_text(CODE_OBJECT_TWICE)->name);
		return d->error;
	}
	return 0;
}

static int check_kind(const struct batch *b, const struct document *doc, struct diag *d)
{
	if (!b->registers || doc->kind->id == KIND_SERVICE || doc->kind->id == KIND_WORKLOAD)
		return 0;
	diag_fail(d, ERR_CONFIG, "a program registers Services and Workloads, and no %s",
		  doc->kind->name);
	diag_hint(d, "apply it");
	return d->error;
}

/* One document; of the request, or of the store (item NULL). */
static int add_document(struct batch *b, const struct node *tree, const struct node *item,
			struct diag *d)
{
	struct api_request *q = b->q;
	struct document_options options = {
		.default_namespace = api_parameter(q, API_NAMESPACE),
	};
	struct state_write *w = batch_add(b, item);
	const struct state_object *before;
	int r;

	w->pool = mem_new(struct pool);
	pool_init(w->pool, 4096);
	r = document_parse(node_copy(w->pool, tree), &options, w->pool, &w->document, d);
	if (r == 0)
		r = check_kind(b, w->document, d);
	if (r == 0)
		r = add_seen(b, w->document, d);
	if (r < 0)
		return r;
	before = current_of(q, w->document);
	w->create_only = b->registers && w->document->kind->id == KIND_SERVICE;
	describe(b, before ? before->document : NULL,
		 before && w->create_only ? before->document : w->document);
	return 0;
}

/* Tells a problem of a document by its place in the request, so that the client can find it in
 * the person's file. */
static int blame(struct batch *b, const struct node *item, const struct diag *problem,
		 struct diag *d)
{
	bool in_list = item && item->parent;
	const char *path = problem->path ? problem->path : "";

	diag_fail(d, problem->error, "%s",
		  problem->text ? problem->text : err_text(problem->error));
	if (item)
		diag_at(d, problem->at);
	diag_code(d, problem->code);
	if (problem->hint)
		diag_hint(d, "%s", problem->hint);
	if (in_list)
		diag_path(d, pool_printf(&b->q->pool, "items[%u]%s%s", item->index,
					 *path ? "." : "", path));
	else if (*path)
		diag_path(d, str_from(path));
	return d->error;
}

static int add_item(struct batch *b, const struct node *item, struct diag *d)
{
	struct diag problem = DIAG_INIT;
	int r = add_document(b, item, item, &problem);

	if (r < 0)
		blame(b, item, &problem, d);
	diag_fini(&problem);
	return r;
}

static int check_list(const struct node *root, const struct node *items, struct diag *d)
{
	static const char *const fields[] = { "apiVersion", "kind", "metadata", "items", NULL };

	node_for_each (field, root) {
		size_t i = 0;

		while (fields[i] && !str_eq(field->key, str_from(fields[i])))
			i++;
		if (fields[i])
			continue;
		node_fail_key(d, field, ERR_CONFIG, "unknown field \"%.*s\" in a List",
			      STR_ARGS(field->key));
		diag_code(d, code_text(CODE_UNKNOWN_FIELD)->name);
		return d->error;
	}
	if (!items || items->kind != NODE_LIST) {
		node_fail(d, items ? items : root, ERR_CONFIG,
			  "a List has the documents in \"items\", a list");
		diag_code(d, code_text(CODE_FIELD_MISSING)->name);
		return d->error;
	}
	if (items->count <= DOCUMENTS_MAX)
		return 0;
	node_fail(d, items, ERR_LIMIT, "more than %d documents at once", DOCUMENTS_MAX);
	diag_code(d, code_text(CODE_LIMIT)->name);
	return d->error;
}

static int check_namespace(struct api_request *q, struct diag *d)
{
	struct str name_space = api_parameter(q, API_NAMESPACE);

	if (!name_space.len || name_is_dns_label(name_space))
		return 0;
	return diag_fail(d, ERR_SYNTAX, "namespace= is not the name of a namespace");
}

static int add_body(struct batch *b, struct diag *d)
{
	struct api_request *q = b->q;
	struct node *root, *items;
	const struct node *kind;
	int r;

	r = check_namespace(q, d);
	if (r == 0)
		r = json_parse(buf_str(&q->body), NULL, &q->pool, &root, d);
	if (r < 0)
		return r;
	kind = node_get(root, STR("kind"));
	if (!kind || kind->kind != NODE_TEXT || !str_eq(kind->text, STR("List")))
		return add_item(b, root, d);
	items = node_get(root, STR("items"));
	r = check_list(root, items, d);
	if (r < 0)
		return r;
	node_for_each (item, items) {
		r = add_item(b, item, d);
		if (r < 0)
			return r;
	}
	return 0;
}

static void add_warnings(struct api_request *q, struct node *body, const struct findings *findings)
{
	struct node *list = api_add_list(q, body, "warnings");

	for (uint32_t i = 0; i < findings->count; i++) {
		const struct finding *f = &findings->items[i];
		struct node *warning = api_add_map(q, list, NULL);
		struct buf title = BUF_INIT(0);

		document_title(f->document, &title);
		api_add_text(q, warning, "document", pool_strdup(&q->pool, buf_str(&title)));
		api_add_text(q, warning, "code", str_from(code_text(f->code)->name));
		api_add_text(q, warning, "text", pool_strdup(&q->pool, f->text));
		if (f->hint.len)
			api_add_text(q, warning, "hint", pool_strdup(&q->pool, f->hint));
		buf_fini(&title);
	}
}

static void batch_answer(struct batch *b, const struct state_result *result,
			 const struct state_change *change)
{
	struct api_request *q = b->q;
	struct node *body = api_map(q);
	uint64_t revision = state_revision(q->api->options.state);
	bool made_one = result->revision && change->origin == STATE_APPLIED;

	api_add_text(q, body, "kind", STR("Change"));
	api_add_bool(q, body, "dryRun", change->dry_run);
	/* The revision that now holds, and the one to go back to. */
	api_add_number(q, body, "revision", (int64_t)revision);
	api_add_number(q, body, "previous", (int64_t)(made_one ? revision - 1 : revision));
	api_add_number(q, body, "created", result->created);
	api_add_number(q, body, "changed", result->changed);
	api_add_number(q, body, "deleted", result->deleted);
	api_add_number(q, body, "unchanged", result->unchanged);
	add_warnings(q, body, &result->findings);
	node_map_add(body, STR("objects"), b->objects);
	api_answer(q, 200, body);
}

/* r: how it went so far. Answers in any case. */
static void batch_run(struct batch *b, struct state_change *change, int r, struct diag *d)
{
	struct api_request *q = b->q;
	struct state_result result = { 0 };
	struct diag problem = DIAG_INIT;

	change->writes = b->writes;
	change->write_count = b->count;
	change->dry_run = api_flag(q, API_DRY_RUN);
	change->actor = api_actor(q);
	if (r == 0) {
		r = state_apply(q->api->options.state, change, &result, &problem);
		if (r < 0)
			blame(b, change->failed < b->count ? b->items[change->failed] : NULL,
			      &problem, d);
	}
	if (r < 0)
		api_answer_problem(q, d);
	else
		batch_answer(b, &result, change);
	diag_fini(&problem);
}

/* What the request holds becomes one change. */
static void serve_body(struct api_request *q, struct state_change *change)
{
	struct diag d = DIAG_INIT;
	struct batch b;
	int r;

	batch_init(&b, q);
	b.registers = change->origin == STATE_REGISTERED;
	r = add_body(&b, &d);
	batch_run(&b, change, r, &d);
	batch_fini(&b);
	diag_fini(&d);
}

void api_apply(struct api_request *q)
{
	struct state_change change = {
		.origin = STATE_APPLIED,
		.allow_dangling = api_flag(q, API_ALLOW_DANGLING),
		.message = STR("apply"),
	};

	serve_body(q, &change);
}

/*
 * What `weft run` writes: Services are created where they are absent and never changed, the
 * Workload is written.
 */
void api_register(struct api_request *q)
{
	struct state_change change = {
		.origin = STATE_REGISTERED,
		.allow_dangling = true,
		.message = STR("register"),
	};

	serve_body(q, &change);
}

/*
 * Rollback
 */

struct rollback {
	struct batch batch;
	struct diag *diag;
};

/* What a program has registered since is the program's: it is left as it is. */
static bool is_registered(const struct state_object *o)
{
	return o && o->origin == STATE_REGISTERED;
}

static int on_past(void *user, const struct store_object *past)
{
	struct rollback *rollback = user;
	struct api_request *q = rollback->batch.q;
	struct node *root;
	int r;

	if (is_registered(
		    state_get(q->api->options.state, past->kind, past->name_space, past->name)))
		return 0;
	r = json_parse(past->json, NULL, &q->pool, &root, rollback->diag);
	return r < 0 ? r : add_document(&rollback->batch, root, NULL, rollback->diag);
}

/* An applied object that was not there at that revision goes. */
static void on_present(void *user, const struct state_object *o)
{
	struct rollback *rollback = user;
	struct batch *b = &rollback->batch;
	const struct document *doc = o->document;
	struct diag ignored = DIAG_INIT;
	struct state_write *w;

	if (is_registered(o))
		return;
	if (add_seen(b, doc, &ignored) == 0) {
		w = batch_add(b, NULL);
		w->kind = doc->kind->id;
		w->name_space = pool_strdup(&b->q->pool, doc->name_space);
		w->name = pool_strdup(&b->q->pool, doc->name);
		describe(b, doc, NULL);
	}
	diag_fini(&ignored);
}

static int rollback_read(struct rollback *rollback, uint64_t revision, struct diag *d)
{
	struct api_request *q = rollback->batch.q;
	int r = store_at_revision(q->api->options.store, revision, on_past, rollback);

	if (r == ERR_NOT_FOUND)
		return diag_fail(d, r, "there is no revision %llu", (unsigned long long)revision);
	if (r < 0)
		return diag_fail(d, r, "cannot read revision %llu: %s",
				 (unsigned long long)revision, err_text(r));
	state_each(q->api->options.state, KIND_COUNT, on_present, rollback);
	return 0;
}

void api_rollback(struct api_request *q)
{
	struct state_change change = { .origin = STATE_APPLIED, .allow_dangling = true };
	struct diag d = DIAG_INIT;
	struct rollback rollback = { .diag = &d };
	uint64_t to = 0;
	int r;

	batch_init(&rollback.batch, q);
	r = str_to_u64(api_parameter(q, API_TO), INT64_MAX, &to);
	if (r < 0)
		diag_fail(&d, ERR_SYNTAX, "to= must be the number of a revision");
	else
		r = rollback_read(&rollback, to, &d);
	change.message = pool_printf(&q->pool, "rollback to %llu", (unsigned long long)to);
	batch_run(&rollback.batch, &change, r, &d);
	batch_fini(&rollback.batch);
	diag_fini(&d);
}
