#include "control/api_request.h"

#include "base/error.h"
#include "codec/node.h"
#include "codec/percent.h"

/* What an error means as a status, and the reason that Kubernetes clients know. */
static const struct {
	int error;
	uint16_t status;
	const char *reason;
} error_statuses[] = {
	{ ERR_CONFIG, 422, "Invalid" },
	{ ERR_SYNTAX, 400, "BadRequest" },
	{ ERR_LIMIT, 422, "Invalid" },
	{ ERR_UNSUPPORTED, 422, "Invalid" },
	{ ERR_DENIED, 403, "Forbidden" },
	{ ERR_NOT_FOUND, 404, "NotFound" },
	{ ERR_EXISTS, 409, "AlreadyExists" },
	{ ERR_CONFLICT, 409, "Conflict" },
	{ ERR_UNAVAILABLE, 503, "ServiceUnavailable" },
};

struct str api_parameter(struct api_request *q, const char *name)
{
	struct str rest = q->query, part, value;

	while (str_split(&rest, '&', &part)) {
		size_t equals = str_find(part, 0, '=');

		if (!str_eq(str_slice(part, 0, equals), str_from(name)))
			continue;
		if (percent_decode(str_slice(part, equals + 1, part.len), &q->pool, &value) < 0)
			return STR_EMPTY;
		return value;
	}
	return STR_EMPTY;
}

bool api_flag(struct api_request *q, const char *name)
{
	return str_eq(api_parameter(q, name), STR("true"));
}

void api_answer_text(struct api_request *q, uint16_t status, struct str type, struct str body)
{
	stream_reply(q->stream, status, type, body);
}

void api_answer(struct api_request *q, uint16_t status, const struct node *body)
{
	struct buf text = BUF_INIT(0);

	json_write(body, &text);
	buf_append_char(&text, '\n');
	api_answer_text(q, status, STR("application/json"), buf_str(&text));
	buf_fini(&text);
}

void api_answer_problem(struct api_request *q, const struct diag *d)
{
	struct node *body = api_map(q);
	struct node *details;
	uint16_t status = 500;
	const char *reason = "InternalError";

	for (size_t i = 0; i < array_count(error_statuses); i++) {
		if (error_statuses[i].error != d->error)
			continue;
		status = error_statuses[i].status;
		reason = error_statuses[i].reason;
	}
	api_add_text(q, body, "kind", STR("Status"));
	api_add_text(q, body, "apiVersion", STR("v1"));
	api_add_text(q, body, "status", STR("Failure"));
	api_add_number(q, body, "code", status);
	api_add_text(q, body, "reason", str_from(reason));
	api_add_text(q, body, "message", str_from(d->text));
	details = api_add_map(q, body, "details");
	if (d->code)
		api_add_text(q, details, "code", str_from(d->code));
	if (d->path)
		api_add_text(q, details, "path", str_from(d->path));
	if (d->hint)
		api_add_text(q, details, "hint", str_from(d->hint));
	if (d->at.line) {
		api_add_number(q, details, "line", d->at.line);
		api_add_number(q, details, "column", d->at.column);
	}
	api_answer(q, status, body);
}

struct node *api_map(struct api_request *q)
{
	return node_new(&q->pool, NODE_MAP);
}

static void add(struct node *map, const char *name, struct node *value)
{
	if (map->kind == NODE_LIST)
		node_list_add(map, value);
	else
		node_map_add(map, str_from(name), value);
}

void api_add_text(struct api_request *q, struct node *map, const char *name, struct str value)
{
	add(map, name, node_new_text(&q->pool, value.ptr ? value : STR("")));
}

void api_add_number(struct api_request *q, struct node *map, const char *name, int64_t value)
{
	add(map, name, node_new_number(&q->pool, value));
}

void api_add_bool(struct api_request *q, struct node *map, const char *name, bool value)
{
	add(map, name, node_new_bool(&q->pool, value));
}

struct node *api_add_map(struct api_request *q, struct node *map, const char *name)
{
	struct node *n = api_map(q);

	add(map, name, n);
	return n;
}

struct node *api_add_list(struct api_request *q, struct node *map, const char *name)
{
	struct node *n = node_new(&q->pool, NODE_LIST);

	add(map, name, n);
	return n;
}

void api_add_time(struct api_request *q, struct node *map, const char *name, struct wall_time t)
{
	struct buf text = BUF_INIT(0);

	wall_time_format(t, &text);
	api_add_text(q, map, name, pool_strdup(&q->pool, buf_str(&text)));
	buf_fini(&text);
}

void api_add_real(struct api_request *q, struct node *map, const char *name, double value)
{
	struct node *n = node_new_number(&q->pool, 0);

	n->text = pool_printf(&q->pool, "%.3f", value);
	add(map, name, n);
}
