#include "control/api_request.h"

#include <assert.h>

#include "base/error.h"
#include "base/log.h"
#include "codec/node.h"

/* What an error means as a status. */
static const struct {
	int error;
	uint16_t status;
} error_statuses[] = {
	{ ERR_CONFIG, 422 },      { ERR_SYNTAX, 400 },   { ERR_LIMIT, 422 },
	{ ERR_UNSUPPORTED, 422 }, { ERR_DENIED, 403 },   { ERR_NOT_FOUND, 404 },
	{ ERR_EXISTS, 409 },      { ERR_CONFLICT, 409 }, { ERR_UNAVAILABLE, 503 },
};

/* The reasons that Kubernetes clients know. */
static const struct {
	uint16_t status;
	const char *reason;
} status_reasons[] = {
	{ 400, "BadRequest" }, { 403, "Forbidden" },
	{ 404, "NotFound" },   { 405, "MethodNotAllowed" },
	{ 408, "Timeout" },    { 409, "Conflict" },
	{ 410, "Expired" },    { 413, "RequestEntityTooLarge" },
	{ 422, "Invalid" },    { 503, "ServiceUnavailable" },
};

void api_answer_text(struct api_request *q, uint16_t status, struct str type, struct str body)
{
	struct iovec iov = { (void *)body.ptr, body.len };
	struct stream *s = q->stream;
	struct headers h;

	assert(!q->answered);
	q->answered = true;
	headers_init(&h, &s->pool);
	h.status = status;
	headers_add(&h, HEADER_CONTENT_TYPE, type);
	headers_add(&h, HEADER_CONTENT_LENGTH, pool_printf(&s->pool, "%zu", body.len));
	if (q->allow.len)
		headers_add_named(&h, STR("allow"), q->allow);
	if (stream_send_headers(s, &h, body.len == 0) != SEND_CLOSED && body.len)
		stream_send_data(s, &iov, 1, true);
}

void api_answer(struct api_request *q, uint16_t status, const struct node *body)
{
	struct buf text = BUF_INIT(0);

	json_write(body, &text);
	buf_append_char(&text, '\n');
	api_answer_text(q, status, STR("application/json"), buf_str(&text));
	buf_fini(&text);
}

static const char *reason_of(uint16_t status, const struct diag *d)
{
	if (d->error == ERR_EXISTS)
		return "AlreadyExists";
	for (size_t i = 0; i < array_count(status_reasons); i++)
		if (status_reasons[i].status == status)
			return status_reasons[i].reason;
	return "InternalError";
}

static void add_details(struct api_request *q, struct node *body, const struct diag *d)
{
	struct node *details = api_add_map(q, body, "details");

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
}

struct node *api_status_node(struct api_request *q, uint16_t status, const struct diag *d)
{
	struct node *body = api_map(q);

	api_add_text(q, body, "kind", STR("Status"));
	api_add_text(q, body, "apiVersion", STR("v1"));
	api_add_text(q, body, "status", STR("Failure"));
	api_add_number(q, body, "code", status);
	api_add_text(q, body, "reason", str_from(reason_of(status, d)));
	api_add_text(q, body, "message", str_from(d->text));
	add_details(q, body, d);
	return body;
}

void api_answer_status(struct api_request *q, uint16_t status, const struct diag *d)
{
	api_answer(q, status, api_status_node(q, status, d));
}

void api_answer_problem(struct api_request *q, const struct diag *d)
{
	uint16_t status = 500;

	for (size_t i = 0; i < array_count(error_statuses); i++)
		if (error_statuses[i].error == d->error)
			status = error_statuses[i].status;
	if (status == 500)
		log_error("api.failed", "path=%s reason=%s", log_quote(q->path),
			  log_quote(str_from(d->text)));
	api_answer_status(q, status, d);
}

void api_refuse(struct api_request *q, uint16_t status, const char *text, const char *hint)
{
	struct diag d = DIAG_INIT;

	diag_fail(&d, ERR_SYNTAX, "%s", text);
	if (hint)
		diag_hint(&d, "%s", hint);
	api_answer_status(q, status, &d);
	diag_fini(&d);
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

struct str api_actor(struct api_request *q)
{
	return q->uid ? pool_printf(&q->pool, "uid %u", q->uid) : STR("root");
}
