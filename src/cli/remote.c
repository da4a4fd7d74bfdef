#include "cli/remote.h"

#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/place.h"
#include "cli/output.h"
#include "mesh/codes.h"

#define CHUNKS_KEPT       4
#define ANSWER_BYTES_MAX  (64u * 1024 * 1024)
#define LIST_PAGE_OBJECTS 500

static char *socket_path(void)
{
	const char *variable = getenv("WEFT_ADDR");
	char *dir, *path;

	if (variable && *variable)
		return mem_strdup(str_has_prefix(str_from(variable), STR("unix:"))
					  ? variable + strlen("unix:")
					  : variable);
	dir = place_dir(PLACE_RUN);
	path = mem_printf("%s/control.sock", dir);
	mem_free(dir);
	return path;
}

int remote_address(char **ret_socket, struct address *ret_address, struct diag *d)
{
	char *path = socket_path();
	int r = path[0] == '/' ? address_from_unix(str_from(path), ret_address) : ERR_CONFIG;

	if (r < 0) {
		diag_fail(d, ERR_CONFIG, "WEFT_ADDR=%s is not the path of a socket", path);
		diag_hint(d, "it is an absolute path of at most 107 bytes: "
			     "WEFT_ADDR=/run/weft/control.sock");
		mem_free(path);
		return ERR_CONFIG;
	}
	*ret_socket = path;
	return 0;
}

int remote_open(struct remote *r, const struct cli *c, struct diag *d)
{
	int error;

	*r = (struct remote){ .cli = c };
	pool_init(&r->pool, 0);
	error = remote_address(&r->socket, &r->address, d);
	if (error < 0)
		return error;
	error = loop_new(&r->loop);
	if (error < 0)
		return diag_fail(d, error, "cannot make an event loop: %s", err_text(error));
	chunk_stock_init(&r->chunks, CHUNKS_KEPT);
	return 0;
}

void remote_close(struct remote *r)
{
	if (r->loop) {
		loop_free(r->loop);
		chunk_stock_fini(&r->chunks);
	}
	pool_fini(&r->pool);
	mem_free(r->socket);
	*r = (struct remote){ 0 };
}

/*
 * Outcomes
 */

static int fail_unreachable(int error, const char *socket, struct diag *d)
{
	if (error == -EACCES || error == -EPERM) {
		diag_fail(d, ERR_DENIED, "not permitted to use the control plane at %s", socket);
		diag_hint(d, "run the command as root or as the control plane's user");
		return ERR_DENIED;
	}
	if (error == ERR_TIMEOUT)
		return diag_fail(d, ERR_TIMEOUT, "the control plane at %s did not answer in time",
				 socket);
	diag_fail(d, ERR_UNAVAILABLE, "no control plane answers at %s (%s)", socket,
		  err_text(error));
	diag_hint(d, "start one with weft control, or name its socket in WEFT_ADDR");
	return ERR_UNAVAILABLE;
}

// clang-format off
static const struct {
	uint16_t status;
	int error;
} status_errors[] = {
	{ 401, ERR_DENIED },
	{ 403, ERR_DENIED },
	{ 404, ERR_NOT_FOUND },
	{ 409, ERR_CONFLICT },
	{ 410, ERR_CONFLICT },
	{ 503, ERR_UNAVAILABLE },
};
// clang-format on

static int status_error(uint16_t status)
{
	for (size_t i = 0; i < array_count(status_errors); i++)
		if (status_errors[i].status == status)
			return status_errors[i].error;
	return ERR_CONFIG;
}

/* The code of a problem is static text in a diag; the server's is one that we know. */
static void set_code(struct diag *d, struct str name)
{
	const struct code_text *code = code_find(name);

	if (code)
		diag_code(d, code->name);
}

static int fail_refused(uint16_t status, const struct node *body, struct diag *d)
{
	struct str text = answer_text(body, "message");
	struct str path = answer_text(body, "details.path");
	struct str hint = answer_text(body, "details.hint");
	int error = status_error(status);

	if (!text.len) {
		diag_fail(d, error, "the control plane answered with %u", status);
		return error;
	}
	diag_fail(d, error, "%.*s", STR_ARGS(text));
	set_code(d, answer_text(body, "details.code"));
	if (path.len)
		diag_path(d, path);
	if (hint.len)
		diag_hint(d, "%.*s", STR_ARGS(hint));
	return error;
}

int remote_read(const struct remote *r, const struct http_fetch_result *result, struct pool *pool,
		struct node **ret_body, struct diag *d)
{
	struct diag syntax = DIAG_INIT;
	struct node *body = NULL;
	int error = 0;

	if (result->error)
		return fail_unreachable(result->error, r->socket, d);
	if (result->body.len > 0)
		error = json_parse(pool_strdup(pool, result->body), NULL, pool, &body, &syntax);
	diag_fini(&syntax);
	if (result->status / 100 != 2)
		return fail_refused(result->status, body, d);
	if (error < 0)
		return diag_fail(d, ERR_PROTO, "the control plane's answer is no JSON");
	*ret_body = body;
	return 0;
}

/*
 * Asking
 */

struct http_fetch *remote_start(struct remote *r, const struct remote_request *q,
				void (*on_done)(struct http_fetch *f,
						const struct http_fetch_result *result),
				void *user)
{
	static const struct http_fetch_field json = { STR_INIT("content-type"),
						      STR_INIT("application/json") };
	struct http_fetch_options options = {
		.address = &r->address,
		.codec = HTTP_CODEC_HTTP1,
		.method = method_text(q->method ? q->method : METHOD_GET),
		.path = q->path,
		.authority = STR("weft"),
		.fields = &json,
		.field_count = q->body.len > 0,
		.body = q->body,
		.body_bytes_max = ANSWER_BYTES_MAX,
		.timeout = q->timeout.ns ? q->timeout : REMOTE_TIMEOUT,
		.on_done = on_done,
		.user = user,
	};

	return http_fetch_start(r->loop, &r->chunks, &options);
}

/* An answer that is waited for. */
struct waiting {
	struct remote *remote;
	struct diag *diag;
	struct node **ret_body;
	int error;
	bool done;
};

static void on_done(struct http_fetch *f, const struct http_fetch_result *result)
{
	struct waiting *w = http_fetch_user(f);

	w->error = remote_read(w->remote, result, &w->remote->pool, w->ret_body, w->diag);
	w->done = true;
}

/* What -v tells: "GET /weft/v1/status  3.2ms  done", or why not. */
static void say_call(const struct remote *r, const struct remote_request *q, struct instant began,
		     const struct waiting *w)
{
	struct str method = method_text(q->method ? q->method : METHOD_GET);
	struct buf took = BUF_INIT(0);

	if (!r->cli->look.verbose)
		return;
	short_duration(instant_since(time_monotonic_now(), began), &took);
	cli_say(r->cli, "%.*s %.*s at %s: %s, %.*s", STR_ARGS(method), STR_ARGS(q->path), r->socket,
		w->error < 0 ? err_text(w->error) : "done", STR_ARGS(buf_str(&took)));
	buf_fini(&took);
}

int remote_try(struct remote *r, const struct remote_request *q, struct node **ret_body,
	       struct diag *d)
{
	struct waiting w = { .remote = r, .diag = d, .ret_body = ret_body };
	struct instant began = time_monotonic_now();
	struct http_fetch *fetch = remote_start(r, q, on_done, &w);
	int error = 0;

	while (!w.done && error == 0)
		error = loop_turn(r->loop, DURATION_FOREVER);
	if (error < 0) {
		http_fetch_cancel(fetch);
		return diag_fail(d, error, "waiting failed: %s", err_text(error));
	}
	say_call(r, q, began, &w);
	return w.error;
}

int remote_call(struct remote *r, const struct remote_request *q, struct node **ret_body)
{
	struct diag d = DIAG_INIT;
	int code = EXIT_DONE;

	if (remote_try(r, q, ret_body, &d) < 0)
		code = cli_problem(r->cli, &d, STR_EMPTY);
	diag_fini(&d);
	return code;
}

void remote_pause(struct remote *r, struct duration pause)
{
	struct instant end = instant_after(time_monotonic_now(), pause);

	while (time_monotonic_now().ns < end.ns)
		if (loop_turn(r->loop, instant_since(end, time_monotonic_now())) < 0)
			return;
}

int remote_ask(struct remote *r, const struct cli *c, struct str path, struct node **ret_body)
{
	struct remote_request request = { .path = path };
	struct diag d = DIAG_INIT;
	int code = EXIT_DONE;

	if (remote_open(r, c, &d) < 0 || remote_try(r, &request, ret_body, &d) < 0) {
		code = cli_problem(c, &d, STR_EMPTY);
		remote_close(r);
	}
	diag_fini(&d);
	return code;
}

/*
 * Lists
 */

static void take_items(struct node *items, struct node *list)
{
	while (list && list->first) {
		struct node *object = list->first;

		node_remove(object);
		node_list_add(items, object);
	}
}

/* ERR_CONFLICT: the list changed between two of its pages. */
static int list_pages(struct remote *r, struct str path, int limit, struct node *items,
		      struct diag *d)
{
	struct str next = STR_EMPTY;
	int error;

	do {
		struct str page = pool_printf(&r->pool, "%.*s?limit=%d%s%.*s", STR_ARGS(path),
					      limit, next.len ? "&continue=" : "", STR_ARGS(next));
		struct node *body = NULL;

		error = remote_try(r, &(struct remote_request){ .path = page }, &body, d);
		if (error < 0)
			return error;
		take_items(items, node_get(body, STR("items")));
		next = answer_text(body, "metadata.continue");
	} while (next.len);
	return 0;
}

int remote_list(struct remote *r, struct str path, struct node *items, struct diag *d)
{
	/* Of a mesh that never rests, all in one answer. */
	static const int limits[] = { LIST_PAGE_OBJECTS, LIST_PAGE_OBJECTS, 0 };
	int error = ERR_CONFLICT;

	for (size_t i = 0; error == ERR_CONFLICT && i < array_count(limits); i++) {
		struct node *found = node_new(&r->pool, NODE_LIST);

		diag_fini(d);
		*d = (struct diag)DIAG_INIT;
		error = list_pages(r, path, limits[i], found, d);
		if (error == 0)
			take_items(items, found);
	}
	return error;
}
