#include "control/api_batch.h"

#include "base/error.h"
#include "base/mem.h"
#include "codec/node.h"

void batch_init(struct batch *b, struct api_request *q)
{
	*b = (struct batch){ .q = q, .objects = node_new(&q->pool, NODE_LIST) };
	map_init(&b->seen);
}

void batch_fini(struct batch *b)
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

static struct state_write *add(struct batch *b, const struct node *item)
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
	struct buf title = BUF_INIT(0);
	int r = 0;

	document_title(doc, &title);
	if (map_set(&b->seen, buf_str(&title), b)) {
		r = diag_fail(d, ERR_CONFIG, "%.*s stands twice", STR_ARGS(buf_str(&title)));
		diag_code(d, code_text(CODE_OBJECT_TWICE)->name);
	}
	buf_fini(&title);
	return r;
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

int batch_write(struct batch *b, const struct node *tree, const struct node *item, struct diag *d)
{
	struct api_request *q = b->q;
	struct document_options options = {
		.default_namespace = api_parameter(q, API_NAMESPACE),
	};
	struct state_write *w = add(b, item);
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

int batch_delete(struct batch *b, const struct state_object *o, const struct node *item,
		 struct diag *d)
{
	const struct document *doc = o->document;
	struct state_write *w;
	int r = add_seen(b, doc, d);

	if (r < 0)
		return r;
	w = add(b, item);
	w->kind = doc->kind->id;
	w->name_space = pool_strdup(&b->q->pool, doc->name_space);
	w->name = pool_strdup(&b->q->pool, doc->name);
	describe(b, doc, NULL);
	return 0;
}

int batch_blame(struct batch *b, const struct node *item, const struct diag *problem,
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
		diag_path(d, pool_printf(&b->q->pool, "%.*s[%u]%s%s", STR_ARGS(item->parent->key),
					 item->index, *path ? "." : "", path));
	else if (*path)
		diag_path(d, str_from(path));
	return d->error;
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
	bool made_one = result->revision && result->origin == STATE_APPLIED;

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

void batch_run(struct batch *b, struct state_change *change, int r, struct diag *d)
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
			batch_blame(b, change->failed < b->count ? b->items[change->failed] : NULL,
				    &problem, d);
	}
	if (r < 0)
		api_answer_problem(q, d);
	else
		batch_answer(b, &result, change);
	diag_fini(&problem);
}
