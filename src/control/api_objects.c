#include "control/api_request.h"

#include "base/error.h"
#include "codec/node.h"

static int path_parse(struct api_request *q, struct kind_path *ret_path)
{
	int r = kind_path_parse(q->path, ret_path);

	if (r == 0)
		return 0;
	api_refuse(q, 404, "there is no such kind of object", NULL);
	return r;
}

/* The path of one object, to be written. */
static int path_parse_object(struct api_request *q, struct kind_path *ret_path)
{
	int r = path_parse(q, ret_path);

	if (r < 0)
		return r;
	if (ret_path->name.len && !ret_path->status)
		return 0;
	q->allow = STR("GET");
	api_refuse(q, 405,
		   ret_path->status ? "status is written by the control plane alone"
				    : "a list is read here; POST /apply takes many documents",
		   NULL);
	return ERR_UNSUPPORTED;
}

int api_fail_absent(const struct kind_path *path, struct diag *d)
{
	return diag_fail(d, ERR_NOT_FOUND, "there is no %s %.*s%s%.*s", path->kind->name,
			 STR_ARGS(path->name_space), path->name_space.len ? "/" : "",
			 STR_ARGS(path->name));
}

static void answer_absent(struct api_request *q, const struct kind_path *path)
{
	struct diag d = DIAG_INIT;

	(void)api_fail_absent(path, &d);
	api_answer_problem(q, &d);
	diag_fini(&d);
}

static const struct state_object *find(struct api_request *q, const struct kind_path *path)
{
	return state_get(q->api->options.state, path->kind->id, path->name_space, path->name);
}

void api_object_get(struct api_request *q)
{
	struct kind_path path;
	const struct state_object *o;

	if (path_parse(q, &path) < 0)
		return;
	if (!path.name.len) {
		api_list(q, &path);
		return;
	}
	if (q->query.len) {
		api_refuse(q, 400, "one object has no pages", NULL);
		return;
	}
	o = find(q, &path);
	if (!o)
		answer_absent(q, &path);
	else
		api_answer(q, 200, api_object_node(q, o));
}

static int document_read(struct api_request *q, const struct kind_path *path, struct pool *pool,
			 struct document **ret_document, struct diag *d)
{
	struct document_options options = { .default_namespace = path->name_space };
	struct document *doc;
	struct node *root;
	int r;

	r = json_parse(buf_str(&q->body), NULL, pool, &root, d);
	if (r == 0)
		r = document_parse(root, &options, pool, &doc, d);
	if (r < 0)
		return r;
	if (doc->kind != path->kind || !str_eq(doc->name, path->name) ||
	    !str_eq(doc->name_space, path->name_space))
		return diag_fail(d, ERR_CONFIG, "the document is not the object of the path");
	*ret_document = doc;
	return 0;
}

static int object_change(struct api_request *q, struct state_write *write,
			 struct state_result *ret_result, struct diag *d)
{
	struct state_change change = {
		.writes = write,
		.write_count = 1,
		.origin = STATE_APPLIED,
		.dry_run = api_flag(q, API_DRY_RUN),
		.allow_dangling = true, /* objects come one by one here, in any order */
		.actor = api_actor(q),
		.message = write->document ? STR("put") : STR("delete"),
	};

	return state_apply(q->api->options.state, &change, ret_result, d);
}

/* As it is now, or would be: without status then. */
static void answer_written(struct api_request *q, const struct kind_path *path,
			   const struct document *doc, const struct state_result *result)
{
	uint16_t status = result->created ? 201 : 200;

	if (api_flag(q, API_DRY_RUN))
		api_answer(q, status, document_canonical(doc, &q->pool));
	else
		api_answer(q, status, api_object_node(q, find(q, path)));
}

void api_object_put(struct api_request *q)
{
	struct pool pool = POOL_INIT(4096);
	struct state_write write = { .pool = &pool };
	struct state_result result = { 0 };
	struct diag d = DIAG_INIT;
	struct kind_path path;
	int r;

	if (path_parse_object(q, &path) < 0)
		return;
	r = document_read(q, &path, &pool, &write.document, &d);
	if (r == 0)
		r = object_change(q, &write, &result, &d);
	if (r < 0)
		api_answer_problem(q, &d);
	else
		answer_written(q, &path, write.document, &result);
	diag_fini(&d);
	pool_fini(&pool);
}

static void answer_deleted(struct api_request *q, uint64_t revision)
{
	struct node *body = api_map(q);

	api_add_text(q, body, "kind", STR("Status"));
	api_add_text(q, body, "apiVersion", STR("v1"));
	api_add_text(q, body, "status", STR("Success"));
	api_add_number(q, body, "revision", (int64_t)revision);
	api_answer(q, 200, body);
}

void api_object_delete(struct api_request *q)
{
	struct state_result result = { 0 };
	struct diag d = DIAG_INIT;
	struct state_write write;
	struct kind_path path;

	if (path_parse_object(q, &path) < 0)
		return;
	write = (struct state_write){
		.kind = path.kind->id,
		.name_space = path.name_space,
		.name = path.name,
	};
	if (object_change(q, &write, &result, &d) < 0)
		api_answer_problem(q, &d);
	else
		answer_deleted(q, result.origin == STATE_APPLIED ? result.revision : 0);
	diag_fini(&d);
}
