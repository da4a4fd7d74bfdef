/*
 * What is asked: the table of routes, and all that can be said of a request from its head
 *
 * Nothing in a query is passed over: who writes `dryrun=true` means something, and it is not
 * that the change be made.
 */

#include "control/api_request.h"

#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "codec/percent.h"

#define BIT(parameter) (1u << API_##parameter)

// clang-format off
static const struct api_route routes[] = {
	{ "GET",    STR_INIT("/healthz"),            api_healthz,       false, false, 0 },
	{ "GET",    STR_INIT("/metrics"),            api_metrics,       false, false, 0 },
	{ "GET",    STR_INIT("/api/"),               api_object_get,    false, false,
	  BIT(LIMIT) | BIT(CONTINUE) },
	{ "GET",    STR_INIT("/apis/"),              api_object_get,    false, false,
	  BIT(LIMIT) | BIT(CONTINUE) },
	{ "PUT",    STR_INIT("/api/"),               api_object_put,    true,  true,  BIT(DRY_RUN) },
	{ "PUT",    STR_INIT("/apis/"),              api_object_put,    true,  true,  BIT(DRY_RUN) },
	{ "DELETE", STR_INIT("/api/"),               api_object_delete, true,  false, BIT(DRY_RUN) },
	{ "DELETE", STR_INIT("/apis/"),              api_object_delete, true,  false, BIT(DRY_RUN) },
	{ "POST",   STR_INIT("/apply"),              api_apply,         true,  true,
	  BIT(DRY_RUN) | BIT(ALLOW_DANGLING) | BIT(IGNORE_MISSING) | BIT(NAMESPACE) },
	{ "POST",   STR_INIT("/weft/v1/register"),   api_register,      true,  true,
	  BIT(DRY_RUN) | BIT(NAMESPACE) },
	{ "GET",    STR_INIT("/weft/v1/history"),    api_history,       false, false, BIT(LIMIT) },
	{ "GET",    STR_INIT("/weft/v1/revisions/"), api_revision,      false, false, 0 },
	{ "POST",   STR_INIT("/weft/v1/rollback"),   api_rollback,      true,  false,
	  BIT(DRY_RUN) | BIT(TO) },
	{ "POST",   STR_INIT("/weft/v1/backup"),     api_backup,        true,  false, BIT(PATH) },
	{ "GET",    STR_INIT("/weft/v1/info"),       api_info,          false, false, 0 },
	{ "GET",    STR_INIT("/weft/v1/status"),     api_status,        false, false, 0 },
	{ "GET",    STR_INIT("/weft/v1/proxies"),    api_proxies,       false, false, 0 },
	{ "GET",    STR_INIT("/weft/v1/dump"),       api_dump,          false, false, 0 },
	{ "GET",    STR_INIT("/weft/v1/stat"),       api_stat,          false, false,
	  BIT(WINDOW) | BIT(BY) },
};

static const struct {
	const char *name;
	bool is_flag;
} parameters[API_PARAMETER_COUNT] = {
	[API_DRY_RUN]        = { "dryRun",        true },
	[API_ALLOW_DANGLING] = { "allowDangling", true },
	[API_IGNORE_MISSING] = { "ignoreMissing", true },
	[API_NAMESPACE]      = { "namespace",     false },
	[API_TO]             = { "to",            false },
	[API_LIMIT]          = { "limit",         false },
	[API_CONTINUE]       = { "continue",      false },
	[API_PATH]           = { "path",          false },
	[API_WINDOW]         = { "window",        false },
	[API_BY]             = { "by",            false },
};
// clang-format on

bool api_may_write(uid_t uid)
{
	return uid == 0 || uid == geteuid();
}

/*
 * Parameters
 */

/* The first value of a name, decoded. False: it is not there. */
static bool value_of(struct api_request *q, const char *name, struct str *ret_value)
{
	struct str rest = q->query, part;

	while (str_split(&rest, '&', &part)) {
		size_t equals = str_find(part, 0, '=');

		if (str_eq(str_slice(part, 0, equals), str_from(name)))
			return percent_decode(str_slice(part, equals + 1, part.len), &q->pool,
					      ret_value) == 0;
	}
	return false;
}

struct str api_parameter(struct api_request *q, enum api_parameter which)
{
	struct str value = STR_EMPTY;

	value_of(q, parameters[which].name, &value);
	return value;
}

bool api_flag(struct api_request *q, enum api_parameter which)
{
	return str_eq(api_parameter(q, which), STR("true"));
}

static enum api_parameter parameter_by_name(struct str name)
{
	unsigned i = 0;

	while (i < API_PARAMETER_COUNT && !str_eq(name, str_from(parameters[i].name)))
		i++;
	return i;
}

static bool refuse_unknown(struct api_request *q, struct str name)
{
	const char *known[API_PARAMETER_COUNT + 1] = { NULL };
	struct diag d = DIAG_INIT;
	const char *nearest;
	unsigned count = 0;

	for (unsigned i = 0; i < API_PARAMETER_COUNT; i++)
		if (q->route->parameters & 1u << i)
			known[count++] = parameters[i].name;
	nearest = str_nearest(name, known);
	diag_fail(&d, ERR_SYNTAX, "this request takes no parameter \"%.*s\"", STR_ARGS(name));
	if (nearest)
		diag_hint(&d, "did you mean \"%s\"?", nearest);
	api_answer_status(q, 400, &d);
	diag_fini(&d);
	return false;
}

static bool refuse_value(struct api_request *q, struct str name, const char *problem)
{
	struct diag d = DIAG_INIT;

	diag_fail(&d, ERR_SYNTAX, "the parameter \"%.*s\" %s", STR_ARGS(name), problem);
	api_answer_status(q, 400, &d);
	diag_fini(&d);
	return false;
}

static bool check_parameter(struct api_request *q, struct str part, unsigned *seen)
{
	size_t equals = str_find(part, 0, '=');
	struct str name = str_slice(part, 0, equals), value;
	enum api_parameter which = parameter_by_name(name);

	if (which == API_PARAMETER_COUNT || !(q->route->parameters & 1u << which))
		return refuse_unknown(q, name);
	if (*seen & 1u << which)
		return refuse_value(q, name, "stands twice");
	*seen |= 1u << which;
	if (!value_of(q, parameters[which].name, &value))
		return refuse_value(q, name, "is not encoded as a part of a URL");
	if (parameters[which].is_flag && !str_eq(value, STR("true")) &&
	    !str_eq(value, STR("false")))
		return refuse_value(q, name, "is true or false");
	return true;
}

static bool check_parameters(struct api_request *q)
{
	struct str rest = q->query, part;
	unsigned seen = 0;

	while (str_split(&rest, '&', &part))
		if (!check_parameter(q, part, &seen))
			return false;
	return true;
}

/*
 * Routes
 */

static bool has_path(const struct api_route *r, struct str path)
{
	if (r->path.ptr[r->path.len - 1] == '/')
		return str_has_prefix(path, r->path);
	return str_eq(path, r->path);
}

/* HEAD is GET whose body is not sent. */
static struct str asked_method(const struct api_request *q)
{
	return str_eq(q->headers->method, STR("HEAD")) ? STR("GET") : q->headers->method;
}

static bool refuse_method(struct api_request *q)
{
	struct buf allow = BUF_INIT(0);

	for (size_t i = 0; i < array_count(routes); i++)
		if (has_path(&routes[i], q->path))
			buf_printf(&allow, "%s%s", buf_len(&allow) ? ", " : "", routes[i].method);
	q->allow = pool_strdup(&q->pool, buf_str(&allow));
	buf_fini(&allow);
	api_refuse(q, 405, pool_printf(&q->pool, "this path takes %.*s", STR_ARGS(q->allow)).ptr,
		   NULL);
	return false;
}

static bool refuse_caller(struct api_request *q)
{
	q->api->counters.refused++;
	log_warn("api.denied", "uid=%u method=%s path=%s", q->uid, q->route->method,
		 log_quote(q->path));
	api_refuse(q, 403, "only root and the user of the control plane may change things",
		   "run the command as that user");
	return false;
}

bool api_route_request(struct api_request *q)
{
	struct str target = q->headers->path;
	size_t mark = str_find(target, 0, '?');
	bool path_known = false;

	q->path = str_slice(target, 0, mark);
	q->query = str_slice(target, mark + 1, target.len);
	for (size_t i = 0; !q->route && i < array_count(routes); i++) {
		if (!has_path(&routes[i], q->path))
			continue;
		path_known = true;
		if (str_eq(asked_method(q), str_from(routes[i].method)))
			q->route = &routes[i];
	}
	if (!path_known) {
		api_refuse(q, 404, "there is no such path", NULL);
		return false;
	}
	if (!q->route)
		return refuse_method(q);
	if (q->route->writes && !api_may_write(q->uid))
		return refuse_caller(q);
	return check_parameters(q);
}
