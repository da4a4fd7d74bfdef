#include "mesh/http_route.h"

#include "mesh/kinds.h"
#include "mesh/route_filters.h"

#define PARENTS_MAX       32
#define HOSTNAMES_MAX     16
#define RULES_MAX         16
#define MATCHES_MAX       64
#define VALUES_MAX        16
#define BACKENDS_MAX      16
#define CODES_MAX         32
#define WEIGHT_MAX        1000000
#define ATTEMPTS_MAX      100
/* Of all rules of a route together, as in the standard. */
#define MATCHES_TOTAL_MAX 128

#define GATEWAY_GROUP     "gateway.networking.k8s.io"

static const struct field parent_fields[] = {
	FIELD(struct parent_ref, group, text, "group", .format = &format_group,
	      .default_text = GATEWAY_GROUP, .text = "Write \"\": only Services are parents."),
	FIELD(struct parent_ref, kind, text, "kind", .format = &format_kind,
	      .default_text = "Gateway", .text = "Write Service: only Services are parents."),
	FIELD(struct parent_ref, name_space, text, "namespace", .format = &format_dns_label,
	      .text = "Namespace of the Service; that of the route where not set."),
	FIELD(struct parent_ref, name, text, "name", .required = true, .format = &format_dns_name,
	      .text = "Name of the Service."),
	FIELD(struct parent_ref, section_name, text, "sectionName", .format = &format_dns_name,
	      .text = "Name of one of its ports."),
	FIELD(struct parent_ref, port, count, "port", .min = 1, .max = UINT16_MAX,
	      .text = "Number of one of its ports; every port where neither is set."),
	{ 0 },
};

static int parent_check(struct reader *r, void *value)
{
	struct parent_ref *p = value;
	bool service = str_eq(p->kind, STR("Service"));
	int code;

	if (!p->name_space.len)
		p->name_space = r->name_space;
	if (service && p->group.len == 0)
		return 0;

	code = reader_fail(r, p->node, CODE_UNSUPPORTED,
			   "the parent is a %.*s of group %.*s, and only Services are supported by "
			   "this version",
			   STR_ARGS(p->kind), STR_ARGS(p->group));
	if (service || !node_get(p->node, STR("kind")))
		diag_hint(r->diag, "write group: \"\" and kind: Service");
	return code;
}

static const struct object parent_object = {
	.size = sizeof(struct parent_ref),
	.fields = parent_fields,
	.check = parent_check,
};

#define WHY_REGEX "write Exact or PathPrefix; regular expressions come with a later version"

static const struct choice path_types[] = {
	[ROUTE_PATH_PREFIX] = { "PathPrefix" },
	[ROUTE_PATH_EXACT] = { "Exact" },
	[ROUTE_PATH_REGEX] = { "RegularExpression", WHY_REGEX },
	{ 0 },
};

static const struct field path_fields[] = {
	FIELD(struct route_path_match, type, choice, "type", .choices = path_types,
	      .default_text = "PathPrefix",
	      .text = "Exact: the whole path. PathPrefix: whole segments from the start."),
	FIELD(struct route_path_match, value, text, "value", .format = &format_path,
	      .default_text = "/", .text = "The path."),
	{ 0 },
};

/* /abc/ and /abc mean the same as prefixes. */
static int path_check(struct reader *r unused_arg, void *value)
{
	struct route_path_match *p = value;

	if (p->type == ROUTE_PATH_PREFIX && p->value.len > 1 &&
	    p->value.ptr[p->value.len - 1] == '/')
		p->value.len--;
	return 0;
}

static const struct object path_object = {
	.size = sizeof(struct route_path_match),
	.fields = path_fields,
	.check = path_check,
};

static const struct choice value_types[] = {
	{ "Exact" },
	{ "RegularExpression", "write Exact; regular expressions come with a later version" },
	{ 0 },
};

static const struct field header_fields[] = {
	FIELD(struct route_value_match, type, choice, "type", .choices = value_types,
	      .default_text = "Exact", .text = "How the value is compared."),
	FIELD(struct route_value_match, name, text, "name", .required = true,
	      .format = &format_header_name, .text = "Name of the header, in any case."),
	FIELD(struct route_value_match, value, text, "value", .required = true,
	      .format = &format_header_value, .text = "Its value."),
	{ 0 },
};

static const struct object header_object = {
	.size = sizeof(struct route_value_match),
	.fields = header_fields,
};

static const struct field query_fields[] = {
	FIELD(struct route_value_match, type, choice, "type", .choices = value_types,
	      .default_text = "Exact", .text = "How the value is compared."),
	FIELD(struct route_value_match, name, text, "name", .required = true,
	      .format = &format_query_name, .text = "Name of the parameter."),
	FIELD(struct route_value_match, value, text, "value", .required = true,
	      .format = &format_query_value, .text = "Its value."),
	{ 0 },
};

static const struct object query_object = {
	.size = sizeof(struct route_value_match),
	.fields = query_fields,
};

static const struct choice methods[] = {
	{ "GET" },     { "HEAD" },    { "POST" },  { "PUT" },   { "DELETE" },
	{ "CONNECT" }, { "OPTIONS" }, { "TRACE" }, { "PATCH" }, { 0 },
};

static const struct field match_fields[] = {
	FIELD_OBJECT(struct route_match, path, path_object, "path", .defaulted = true,
		     .text = "Path of the request; any where not set."),
	FIELD_OBJECTS(struct route_match, headers, header_count, header_object, "headers",
		      .entries_max = VALUES_MAX, .key = "name",
		      .text = "Headers that the request has, all of them."),
	FIELD_OBJECTS(struct route_match, queries, query_count, query_object, "queryParams",
		      .entries_max = VALUES_MAX, .key = "name", .unique = true,
		      .text = "Query parameters that the request has, all of them."),
	FIELD(struct route_match, method, text, "method", .choices = methods,
	      .text = "Method of the request; any where not set."),
	{ 0 },
};

static int match_check(struct reader *r, void *value)
{
	const struct route_match *m = value;

	for (uint32_t i = 0; i < m->header_count; i++)
		for (uint32_t k = 0; k < i; k++)
			if (str_eq_nocase(m->headers[i].name, m->headers[k].name))
				return reader_fail(r, m->headers[i].node, CODE_TWICE_IN_LIST,
						   "header \"%.*s\" stands at line %u already",
						   STR_ARGS(m->headers[i].name),
						   m->headers[k].node->at.line);
	return 0;
}

static const struct object match_object = {
	.size = sizeof(struct route_match),
	.fields = match_fields,
	.check = match_check,
};

static const struct field backend_fields[] = {
	FIELD(struct backend_ref, group, text, "group", .format = &format_group, .default_text = "",
	      .text = "\"\": only Services are backends."),
	FIELD(struct backend_ref, kind, text, "kind", .format = &format_kind,
	      .default_text = "Service", .text = "Service: only Services are backends."),
	FIELD(struct backend_ref, name_space, text, "namespace", .format = &format_dns_label,
	      .text = "Namespace of the Service; that of the route where not set."),
	FIELD(struct backend_ref, name, text, "name", .required = true, .format = &format_dns_name,
	      .text = "Name of the Service."),
	FIELD(struct backend_ref, port, count, "port", .required = true, .min = 1,
	      .max = UINT16_MAX, .text = "Port of the Service."),
	FIELD(struct backend_ref, weight, count, "weight", .max = WEIGHT_MAX, .default_text = "1",
	      .text = "Share of the requests, in proportion to the other backends; 0 takes none."),
	FIELD_OBJECTS(struct backend_ref, filters, filter_count, backend_filter_object, "filters",
		      .entries_max = FILTERS_MAX, .key = "type",
		      .text = "Edits of headers for requests that go to this backend."),
	{ 0 },
};

static int backend_check(struct reader *r, void *value)
{
	struct backend_ref *b = value;

	if (!b->name_space.len)
		b->name_space = r->name_space;
	if (b->group.len || !str_eq(b->kind, STR("Service")))
		return reader_fail(r, b->node, CODE_UNSUPPORTED,
				   "the backend is a %.*s of group \"%.*s\", and only Services are "
				   "supported by this version",
				   STR_ARGS(b->kind), STR_ARGS(b->group));
	return filters_check(r, b->filters, b->filter_count);
}

static const struct object backend_object = {
	.size = sizeof(struct backend_ref),
	.fields = backend_fields,
	.check = backend_check,
};

static const struct field timeout_fields[] = {
	FIELD(struct route_timeouts, request, duration, "request",
	      .text = "For a request with all its tries; 0s: none."),
	FIELD(struct route_timeouts, backend_request, duration, "backendRequest",
	      .text = "For one try; 0s: none."),
	{ 0 },
};

static int timeouts_check(struct reader *r, void *value)
{
	const struct route_timeouts *t = value;

	if (t->request.ns > 0 && t->backend_request.ns > t->request.ns)
		return reader_fail(r, node_get(t->node, STR("backendRequest")), CODE_EXCLUSIVE,
				   "backendRequest is longer than request");
	return 0;
}

static const struct object timeouts_object = {
	.size = sizeof(struct route_timeouts),
	.fields = timeout_fields,
	.check = timeouts_check,
};

static const struct field retry_fields[] = {
	FIELD_LIST(struct route_retry, codes, code_count, count, "codes", .min = 400, .max = 599,
		   .entries_max = CODES_MAX, .text = "Statuses that are tried again."),
	FIELD(struct route_retry, attempts, count, "attempts", .max = ATTEMPTS_MAX,
	      .default_text = "1", .text = "Tries after the first."),
	FIELD(struct route_retry, backoff, duration, "backoff", .default_text = "25ms",
	      .text = "Least wait before the next try; it doubles with each."),
	{ 0 },
};

static const struct object retry_object = {
	.size = sizeof(struct route_retry),
	.fields = retry_fields,
};

static const struct field rule_fields[] = {
	FIELD(struct route_rule, name, text, "name", .format = &format_dns_name,
	      .text = "Name of the rule, for people and policies."),
	FIELD_OBJECTS(struct route_rule, matches, match_count, match_object, "matches",
		      .entries_max = MATCHES_MAX,
		      .text = "What a request must be like; one is enough. Without any: every "
			      "request."),
	FIELD_OBJECTS(struct route_rule, filters, filter_count, rule_filter_object, "filters",
		      .entries_max = FILTERS_MAX, .key = "type",
		      .text = "What is done to the request, or answered."),
	FIELD_OBJECTS(struct route_rule, backends, backend_count, backend_object, "backendRefs",
		      .entries_max = BACKENDS_MAX, .key = "name",
		      .text = "Where the request goes, by weight."),
	FIELD_OBJECT(struct route_rule, timeouts, timeouts_object, "timeouts",
		     .text = "How long it may take."),
	FIELD_OBJECT(struct route_rule, retry, retry_object, "retry",
		     .text = "When it is tried again."),
	FIELD_UNSUPPORTED("sessionPersistence", "requests are balanced one by one"),
	{ 0 },
};

/* matches: [{path: {type: PathPrefix, value: /}}] */
static int default_match(struct reader *r, struct route_rule *rule)
{
	static struct node empty = { .kind = NODE_MAP };
	struct route_match *m = pool_new(r->pool, struct route_match);
	int code;

	code = object_read(r, &match_object, &empty, m);
	if (code < 0)
		return code;
	m->node = m->path->node = rule->node;
	rule->matches = m;
	rule->match_count = 1;
	return 0;
}

static bool all_match_by(const struct route_rule *rule, enum route_path_type type)
{
	for (uint32_t i = 0; i < rule->match_count; i++)
		if (rule->matches[i].path->type != type)
			return false;
	return true;
}

static int path_edit_fits(struct reader *r, const struct route_rule *rule,
			  const struct path_edit *edit)
{
	if (!edit || edit->type != PATH_REPLACE_PREFIX)
		return 0;
	if (rule->match_count == 1 && all_match_by(rule, ROUTE_PATH_PREFIX))
		return 0;
	return reader_fail(
		r, edit->node, CODE_EXCLUSIVE,
		"ReplacePrefixMatch needs exactly one match in the rule, and that of type "
		"PathPrefix");
}

static int rewrite_check(struct reader *r, const struct route_rule *rule,
			 const struct route_filter *filter)
{
	const struct path_edit *edit = filter->rewrite->path;
	int code;

	if (edit && edit->type == PATH_REPLACE_FULL && !all_match_by(rule, ROUTE_PATH_EXACT)) {
		code = reader_fail(
			r, edit->node, CODE_UNSUPPORTED,
			"ReplaceFullPath in URLRewrite is supported by this version only "
			"for matches of type Exact");
		return code;
	}
	return path_edit_fits(r, rule, edit);
}

static int redirect_check(struct reader *r, const struct route_rule *rule,
			  const struct route_filter *filter)
{
	if (rule->backend_count)
		return reader_fail_key(r, node_get(rule->node, STR("backendRefs")), CODE_EXCLUSIVE,
				       "backendRefs do not go together with RequestRedirect");
	if (route_filter_find(rule->filters, rule->filter_count, ROUTE_FILTER_REWRITE))
		return reader_fail(r, filter->node, CODE_EXCLUSIVE,
				   "RequestRedirect does not go together with URLRewrite");
	return path_edit_fits(r, rule, filter->redirect->path);
}

static int rule_check(struct reader *r, void *value)
{
	struct route_rule *rule = value;
	const struct route_filter *filter;
	int code;

	if (!rule->match_count) {
		code = default_match(r, rule);
		if (code < 0)
			return code;
	}
	code = filters_check(r, rule->filters, rule->filter_count);
	if (code < 0)
		return code;
	filter = route_filter_find(rule->filters, rule->filter_count, ROUTE_FILTER_REDIRECT);
	if (filter) {
		code = redirect_check(r, rule, filter);
		if (code < 0)
			return code;
	}
	filter = route_filter_find(rule->filters, rule->filter_count, ROUTE_FILTER_REWRITE);
	return filter ? rewrite_check(r, rule, filter) : 0;
}

static const struct object rule_object = {
	.size = sizeof(struct route_rule),
	.fields = rule_fields,
	.check = rule_check,
};

static const struct field http_route_fields[] = {
	FIELD_OBJECTS(struct http_route, parents, parent_count, parent_object, "parentRefs",
		      .required = true, .entries_max = PARENTS_MAX, .key = "name",
		      .text = "Services whose requests the route directs."),
	FIELD_LIST(struct http_route, hostnames, hostname_count, text, "hostnames",
		   .format = &format_hostname, .entries_max = HOSTNAMES_MAX,
		   .text = "Kept, and without meaning: the Service is already known by its "
			   "address."),
	FIELD_OBJECTS(struct http_route, rules, rule_count, rule_object, "rules", .required = true,
		      .entries_max = RULES_MAX, .key = "name", .unique = true,
		      .text = "Rules; a request that none matches is answered with 404."),
	FIELD_UNSUPPORTED("useDefaultGateways", "only Services are parents"),
	{ 0 },
};

static bool parents_eq(const struct parent_ref *a, const struct parent_ref *b)
{
	return str_eq(a->name_space, b->name_space) && str_eq(a->name, b->name) &&
	       str_eq(a->section_name, b->section_name) && a->port == b->port;
}

static int parents_check(struct reader *r, const struct http_route *route)
{
	for (uint32_t i = 0; i < route->parent_count; i++)
		for (uint32_t k = 0; k < i; k++)
			if (parents_eq(&route->parents[i], &route->parents[k]))
				return reader_fail(r, route->parents[i].node, CODE_TWICE_IN_LIST,
						   "the same parent stands at line %u already",
						   route->parents[k].node->at.line);
	return 0;
}

static int http_route_check(struct reader *r, void *value)
{
	const struct http_route *route = value;
	uint32_t matches = 0;

	for (uint32_t i = 0; i < route->rule_count; i++)
		matches += route->rules[i].match_count;
	if (matches > MATCHES_TOTAL_MAX)
		return reader_fail(r, node_get(route->node, STR("rules")), CODE_LIMIT,
				   "%u matches are more than the %u of one route", matches,
				   MATCHES_TOTAL_MAX);
	return parents_check(r, route);
}

const struct object http_route_object = {
	.size = sizeof(struct http_route),
	.fields = http_route_fields,
	.check = http_route_check,
};
