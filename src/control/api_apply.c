/*
 * Changes of many objects at once: apply and register
 */

#include "control/api_batch.h"

#include "base/error.h"
#include "codec/node.h"
#include "message/spiffe.h"

static int add_item(struct batch *b, const struct node *item, struct diag *d)
{
	struct diag problem = DIAG_INIT;
	int r = batch_write(b, item, item, &problem);

	if (r < 0)
		batch_blame(b, item, &problem, d);
	diag_fini(&problem);
	return r;
}

/* The path of an object in the API. */
static int delete_path(struct batch *b, const struct node *item, struct diag *d)
{
	struct api_request *q = b->q;
	const struct state_object *o;
	struct kind_path path;

	if (item->kind != NODE_TEXT || kind_path_parse(item->text, &path) < 0 || !path.name.len ||
	    path.status) {
		diag_fail(d, ERR_CONFIG,
			  "a deletion is the path of an object, as "
			  "/api/v1/namespaces/NAMESPACE/services/NAME");
		diag_at(d, item->at);
		return d->error;
	}
	o = state_get(q->api->options.state, path.kind->id, path.name_space, path.name);
	if (o)
		return batch_delete(b, o, item, d);
	return api_flag(q, API_IGNORE_MISSING) ? 0 : api_fail_absent(&path, d);
}

static int add_deletion(struct batch *b, const struct node *item, struct diag *d)
{
	struct diag problem = DIAG_INIT;
	int r = delete_path(b, item, &problem);

	if (r < 0)
		batch_blame(b, item, &problem, d);
	diag_fini(&problem);
	return r;
}

/* What a List holds. */
static const struct list_field {
	const char *name;
	/* NULL: not looked at. */
	int (*add)(struct batch *b, const struct node *item, struct diag *d);
	const char *text; /* of what it is a list */
	bool applied;     /* no program registers it */
} list_fields[] = {
	{ "apiVersion", NULL, NULL, false },
	{ "kind", NULL, NULL, false },
	{ "metadata", NULL, NULL, false },
	{ "items", add_item, "a List has the documents in \"items\", a list", false },
	{ "deletions", add_deletion, "\"deletions\" is a list of the paths of objects", true },
};

static const struct list_field *list_field_of(const struct batch *b, const struct node *field)
{
	for (size_t i = 0; i < array_count(list_fields); i++)
		if (str_eq(field->key, str_from(list_fields[i].name)))
			return b->registers && list_fields[i].applied ? NULL : &list_fields[i];
	return NULL;
}

static int fail_coded(struct diag *d, enum code code)
{
	diag_code(d, code_text(code)->name);
	return d->error;
}

static int check_field(const struct batch *b, const struct node *field, struct diag *d)
{
	const struct list_field *f = list_field_of(b, field);

	if (!f) {
		node_fail_key(d, field, ERR_CONFIG, "unknown field \"%.*s\" in a List",
			      STR_ARGS(field->key));
		return fail_coded(d, CODE_UNKNOWN_FIELD);
	}
	if (!f->add || field->kind == NODE_LIST)
		return 0;
	node_fail(d, field, ERR_CONFIG, "%s", f->text);
	return fail_coded(d, CODE_FIELD_MISSING);
}

static int check_list(const struct batch *b, const struct node *root, struct diag *d)
{
	uint32_t lists = 0, objects = 0;

	node_for_each (field, root) {
		int r = check_field(b, field, d);

		if (r < 0)
			return r;
		lists += list_field_of(b, field)->add != NULL;
		objects += list_field_of(b, field)->add ? field->count : 0;
	}
	if (!lists) {
		node_fail(d, root, ERR_CONFIG, "a List has the documents in \"items\", a list");
		return fail_coded(d, CODE_FIELD_MISSING);
	}
	if (objects <= BATCH_OBJECTS_MAX)
		return 0;
	node_fail(d, root, ERR_LIMIT, "more than %d documents at once", BATCH_OBJECTS_MAX);
	return fail_coded(d, CODE_LIMIT);
}

static int add_list(struct batch *b, const struct node *root, struct diag *d)
{
	int r = check_list(b, root, d);

	node_for_each (field, root) {
		const struct list_field *f = r == 0 ? list_field_of(b, field) : NULL;

		if (!f || !f->add)
			continue;
		node_for_each (item, field) {
			r = f->add(b, item, d);
			if (r < 0)
				return r;
		}
	}
	return r;
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
	const struct node *kind;
	struct node *root;
	int r;

	r = check_namespace(q, d);
	if (r == 0)
		r = json_parse(buf_str(&q->body), NULL, &q->pool, &root, d);
	if (r < 0)
		return r;
	kind = node_get(root, STR("kind"));
	if (!kind || kind->kind != NODE_TEXT || !str_eq(kind->text, STR("List")))
		return add_item(b, root, d);
	return add_list(b, root, d);
}

/* For history. */
static struct str message_of(const struct batch *b)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->writes[i].document)
			return b->registers ? STR("register") : STR("apply");
	return STR("delete");
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
	change->message = message_of(&b);
	batch_run(&b, change, r, &d);
	batch_fini(&b);
	diag_fini(&d);
}

void api_apply(struct api_request *q)
{
	struct state_change change = {
		.origin = STATE_APPLIED,
		.allow_dangling = api_flag(q, API_ALLOW_DANGLING),
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
	};

	serve_body(q, &change);
}
