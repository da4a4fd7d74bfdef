#include "control/api_request.h"

#include "base/error.h"
#include "codec/node.h"

#define HISTORY_DEFAULT 50
#define HISTORY_MAX     10000

/* An answer that the store fills row by row. */
struct rows {
	struct api_request *q;
	struct node *list;
};

static int on_revision(void *user, const struct store_revision_row *row)
{
	struct rows *rows = user;
	struct api_request *q = rows->q;
	struct node *n = api_add_map(q, rows->list, NULL);

	api_add_number(q, n, "revision", (int64_t)row->revision);
	api_add_time(q, n, "time", row->at);
	api_add_text(q, n, "actor", pool_strdup(&q->pool, row->actor));
	api_add_text(q, n, "message", pool_strdup(&q->pool, row->message));
	api_add_number(q, n, "created", row->created);
	api_add_number(q, n, "changed", row->changed);
	api_add_number(q, n, "deleted", row->deleted);
	return 0;
}

static void answer_failure(struct api_request *q, int error, const char *doing)
{
	struct diag d = DIAG_INIT;

	diag_fail(&d, error, "%s: %s", doing, err_text(error));
	api_answer_problem(q, &d);
	diag_fini(&d);
}

void api_history(struct api_request *q)
{
	struct node *body = api_map(q);
	struct rows rows = { .q = q, .list = api_add_list(q, body, "revisions") };
	struct str limit = api_parameter(q, API_LIMIT);
	uint64_t count = HISTORY_DEFAULT;
	int r;

	if (limit.len && str_to_u64(limit, HISTORY_MAX, &count) < 0) {
		api_refuse(q, 400, "limit= is a number up to 10000", NULL);
		return;
	}
	r = store_history(q->api->options.store, (uint32_t)count, on_revision, &rows);
	if (r < 0)
		answer_failure(q, r, "cannot read the history");
	else
		api_answer(q, 200, body);
}

static int on_object(void *user, const struct store_object *o)
{
	struct rows *rows = user;
	struct api_request *q = rows->q;
	struct node *root;
	struct diag d = DIAG_INIT;
	int r = json_parse(pool_strdup(&q->pool, o->json), NULL, &q->pool, &root, &d);

	diag_fini(&d);
	if (r < 0)
		return ERR_CORRUPT;
	node_list_add(rows->list, root);
	return 0;
}

void api_revision(struct api_request *q)
{
	struct str number = str_slice(q->path, strlen("/weft/v1/revisions/"), q->path.len);
	struct node *body = api_map(q);
	struct rows rows = { .q = q };
	uint64_t revision;
	int r;

	if (str_to_u64(number, INT64_MAX, &revision) < 0) {
		api_refuse(q, 404, "a revision is a number", NULL);
		return;
	}
	api_add_text(q, body, "kind", STR("List"));
	api_add_text(q, body, "apiVersion", STR("v1"));
	rows.list = api_add_list(q, body, "items");
	r = store_at_revision(q->api->options.store, revision, on_object, &rows);
	if (r == ERR_NOT_FOUND)
		api_refuse(q, 404,
			   pool_printf(&q->pool, "there is no revision %llu",
				       (unsigned long long)revision)
				   .ptr,
			   NULL);
	else if (r < 0)
		answer_failure(q, r, "cannot read that revision");
	else
		api_answer(q, 200, body);
}

void api_backup(struct api_request *q)
{
	struct str path = api_parameter(q, API_PATH);
	struct diag d = DIAG_INIT;
	struct node *body;
	int r;

	if (!path.len || path.ptr[0] != '/' || str_find(path, 0, '\0') != path.len)
		r = diag_fail(&d, ERR_SYNTAX, "path= must be an absolute path");
	else
		r = store_backup(q->api->options.store, pool_strdup(&q->pool, path).ptr, &d);
	if (r < 0) {
		api_answer_problem(q, &d);
		diag_fini(&d);
		return;
	}
	body = api_map(q);
	api_add_text(q, body, "path", path);
	api_add_number(q, body, "revision", (int64_t)state_revision(q->api->options.state));
	api_answer(q, 200, body);
}
