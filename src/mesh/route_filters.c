/*
 * Filters: what a rule does to a request or answers itself
 *
 * A filter has a type and one member, named like the type. Filters of a backend edit headers
 * only, so they have a table of their own.
 */

#include "mesh/route_filters.h"

#define EDITS_MAX 16

static const struct field pair_fields[] = {
	FIELD(struct header_pair, name, text, "name", .required = true,
	      .format = &format_header_name, .text = "Name of the header, in any case."),
	FIELD(struct header_pair, value, text, "value", .required = true,
	      .format = &format_header_value, .text = "Its value."),
	{ 0 },
};

/* They frame the message on its connection, or have a field of their own. */
static const struct {
	enum header_id id;
	const char *hint;
} fixed_headers[] = {
	{ HEADER_HOST, "use the filter URLRewrite with hostname" },
	{ HEADER_CONNECTION, "it belongs to the connection" },
	{ HEADER_CONTENT_LENGTH, "it belongs to the connection" },
	{ HEADER_TRANSFER_ENCODING, "it belongs to the connection" },
	{ HEADER_UPGRADE, "it belongs to the connection" },
	{ HEADER_TE, "it belongs to the connection" },
	{ HEADER_TRAILER, "it belongs to the connection" },
	{ HEADER_KEEP_ALIVE, "it belongs to the connection" },
	{ HEADER_PROXY_CONNECTION, "it belongs to the connection" },
};

static int header_check(struct reader *r, const struct node *n, struct str name)
{
	enum header_id id = header_id_of(name);
	int code;

	for (size_t i = 0; id != HEADER_OTHER && i < array_count(fixed_headers); i++) {
		if (fixed_headers[i].id != id)
			continue;
		code = reader_fail(r, n, CODE_BAD_VALUE, "the header %.*s cannot be edited",
				   STR_ARGS(name));
		diag_hint(r->diag, "%s", fixed_headers[i].hint);
		return code;
	}
	return 0;
}

static int pair_check(struct reader *r, void *value)
{
	const struct header_pair *p = value;

	return header_check(r, node_get(p->node, STR("name")), p->name);
}

static const struct object pair_object = {
	.size = sizeof(struct header_pair),
	.fields = pair_fields,
	.check = pair_check,
};

static const struct field edit_fields[] = {
	FIELD_OBJECTS(struct header_edit, set, set_count, pair_object, "set",
		      .entries_max = EDITS_MAX, .key = "name",
		      .text = "Headers that get this value, whatever they had."),
	FIELD_OBJECTS(struct header_edit, add, add_count, pair_object, "add",
		      .entries_max = EDITS_MAX, .key = "name",
		      .text = "Headers that get this value beside what they had."),
	FIELD_LIST(struct header_edit, remove, remove_count, text, "remove",
		   .format = &format_header_name, .entries_max = EDITS_MAX,
		   .text = "Headers that are removed."),
	{ 0 },
};

static int pairs_check(struct reader *r, const struct header_pair *pairs, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t k = 0; k < i; k++)
			if (str_eq_nocase(pairs[i].name, pairs[k].name))
				return reader_fail(r, pairs[i].node, CODE_TWICE_IN_LIST,
						   "header \"%.*s\" stands at line %u already",
						   STR_ARGS(pairs[i].name), pairs[k].node->at.line);
	return 0;
}

static int edit_check(struct reader *r, void *value)
{
	const struct header_edit *e = value;
	uint32_t i = 0;
	int code;

	code = pairs_check(r, e->set, e->set_count);
	if (code < 0)
		return code;
	code = pairs_check(r, e->add, e->add_count);
	if (code < 0)
		return code;
	node_for_each (n, node_get(e->node, STR("remove"))) {
		code = header_check(r, n, e->remove[i++]);
		if (code < 0)
			return code;
	}
	return 0;
}

static const struct object edit_object = {
	.size = sizeof(struct header_edit),
	.fields = edit_fields,
	.check = edit_check,
};

static const struct choice path_edit_types[] = {
	[PATH_REPLACE_FULL] = { "ReplaceFullPath" },
	[PATH_REPLACE_PREFIX] = { "ReplacePrefixMatch" },
	{ 0 },
};

static const struct field path_edit_fields[] = {
	FIELD(struct path_edit, type, choice, "type", .required = true, .choices = path_edit_types,
	      .text = "What of the path is replaced."),
	FIELD(struct path_edit, replace_full, text, "replaceFullPath", .format = &format_path_edit,
	      .text = "What the path becomes."),
	FIELD(struct path_edit, replace_prefix, text, "replacePrefixMatch",
	      .format = &format_path_edit,
	      .text = "What the prefix that matched becomes; the rest of the path stays."),
	{ 0 },
};

/* The member named by the type is there, and only it. */
static int union_check(struct reader *r, const struct node *n, const char *type,
		       const char *const *members, size_t count, size_t wanted)
{
	for (size_t i = 0; i < count; i++) {
		const struct node *member = node_get(n, str_from(members[i]));

		if (i == wanted && !member)
			return reader_fail(r, n, CODE_FIELD_MISSING,
					   "\"%s\" is missing, which type %s needs", members[i],
					   type);
		if (i != wanted && member)
			return reader_fail_key(r, member, CODE_EXCLUSIVE,
					       "%s does not go together with type %s", members[i],
					       type);
	}
	return 0;
}

static int path_edit_check(struct reader *r, void *value)
{
	static const char *const members[] = {
		[PATH_REPLACE_FULL] = "replaceFullPath",
		[PATH_REPLACE_PREFIX] = "replacePrefixMatch",
	};
	const struct path_edit *p = value;
	struct str path = p->type == PATH_REPLACE_FULL ? p->replace_full : p->replace_prefix;
	int code;

	code = union_check(r, p->node, path_edit_types[p->type].word, members, array_count(members),
			   p->type);
	if (code < 0)
		return code;
	if (str_has_prefix(path, STR("/")) || (p->type == PATH_REPLACE_PREFIX && !path.len))
		return 0;
	return reader_fail(r, node_get(p->node, str_from(members[p->type])), CODE_BAD_VALUE,
			   "\"%.*s\" does not begin with /", STR_ARGS(reader_shown(path)));
}

static const struct object path_edit_object = {
	.size = sizeof(struct path_edit),
	.fields = path_edit_fields,
	.check = path_edit_check,
};

static const struct choice schemes[] = {
	[REDIRECT_SCHEME_KEEP] = { "", "leave it out to keep the scheme" },
	[REDIRECT_SCHEME_HTTP] = { "http" },
	[REDIRECT_SCHEME_HTTPS] = { "https" },
	{ 0 },
};

static const uint16_t redirect_statuses[] = { 301, 302, 303, 307, 308, 0 };

static const struct field redirect_fields[] = {
	FIELD(struct route_redirect, scheme, choice, "scheme", .choices = schemes,
	      .text = "Scheme of the new location; as requested where not set."),
	FIELD(struct route_redirect, hostname, text, "hostname", .format = &format_dns_name,
	      .text = "Host of the new location; as requested where not set."),
	FIELD_OBJECT(struct route_redirect, path, path_edit_object, "path",
		     .text = "Path of the new location; as requested where not set."),
	FIELD(struct route_redirect, port, count, "port", .min = 1, .max = UINT16_MAX,
	      .text = "Port of the new location; by the scheme where that is set."),
	FIELD(struct route_redirect, status, count, "statusCode", .max = 308,
	      .only = redirect_statuses, .default_text = "302", .text = "Status of the answer."),
	{ 0 },
};

static const struct object redirect_object = {
	.size = sizeof(struct route_redirect),
	.fields = redirect_fields,
};

static const struct field rewrite_fields[] = {
	FIELD(struct route_rewrite, hostname, text, "hostname", .format = &format_dns_name,
	      .text = "Host that the backend is asked for."),
	FIELD_OBJECT(struct route_rewrite, path, path_edit_object, "path",
		     .text = "Path that the backend is asked for."),
	{ 0 },
};

static const struct object rewrite_object = {
	.size = sizeof(struct route_rewrite),
	.fields = rewrite_fields,
};

#define WHY_MIRROR    "mirroring comes with a later version"
#define WHY_CORS      "answering for CORS comes with a later version"
#define WHY_AUTH      "external authorization comes with a later version"
#define WHY_EXTENSION "there are no filters beside the standard's"
#define WHY_BACKEND   "on a backend only headers can be edited; put the filter on the rule"

static const struct choice rule_filter_types[] = {
	[ROUTE_FILTER_REQUEST_HEADERS] = { "RequestHeaderModifier" },
	[ROUTE_FILTER_RESPONSE_HEADERS] = { "ResponseHeaderModifier" },
	[ROUTE_FILTER_REDIRECT] = { "RequestRedirect" },
	[ROUTE_FILTER_REWRITE] = { "URLRewrite" },
	{ "RequestMirror", WHY_MIRROR },
	{ "CORS", WHY_CORS },
	{ "ExternalAuth", WHY_AUTH },
	{ "ExtensionRef", WHY_EXTENSION },
	{ 0 },
};

static const struct choice backend_filter_types[] = {
	[ROUTE_FILTER_REQUEST_HEADERS] = { "RequestHeaderModifier" },
	[ROUTE_FILTER_RESPONSE_HEADERS] = { "ResponseHeaderModifier" },
	[ROUTE_FILTER_REDIRECT] = { "RequestRedirect", WHY_BACKEND },
	[ROUTE_FILTER_REWRITE] = { "URLRewrite", WHY_BACKEND },
	{ "RequestMirror", WHY_MIRROR },
	{ "CORS", WHY_CORS },
	{ "ExternalAuth", WHY_AUTH },
	{ "ExtensionRef", WHY_EXTENSION },
	{ 0 },
};

#define FIELD_TYPE(choices_)                                                                      \
	FIELD(struct route_filter, type, choice, "type", .required = true, .choices = (choices_), \
	      .text = "What the filter does.")
#define FIELD_REQUEST_HEADERS                                                                    \
	FIELD_OBJECT(struct route_filter, request_headers, edit_object, "requestHeaderModifier", \
		     .text = "Edits of the request's headers.")
#define FIELD_RESPONSE_HEADERS                                                                     \
	FIELD_OBJECT(struct route_filter, response_headers, edit_object, "responseHeaderModifier", \
		     .text = "Edits of the response's headers.")

static const struct field rule_filter_fields[] = {
	FIELD_TYPE(rule_filter_types),
	FIELD_REQUEST_HEADERS,
	FIELD_RESPONSE_HEADERS,
	FIELD_OBJECT(struct route_filter, redirect, redirect_object, "requestRedirect",
		     .text = "An answer that sends the client elsewhere."),
	FIELD_OBJECT(struct route_filter, rewrite, rewrite_object, "urlRewrite",
		     .text = "What the backend is asked for instead."),
	FIELD_UNSUPPORTED("requestMirror", WHY_MIRROR),
	FIELD_UNSUPPORTED("cors", WHY_CORS),
	FIELD_UNSUPPORTED("externalAuth", WHY_AUTH),
	FIELD_UNSUPPORTED("extensionRef", WHY_EXTENSION),
	{ 0 },
};

static const struct field backend_filter_fields[] = {
	FIELD_TYPE(backend_filter_types),
	FIELD_REQUEST_HEADERS,
	FIELD_RESPONSE_HEADERS,
	FIELD_UNSUPPORTED("requestRedirect", WHY_BACKEND),
	FIELD_UNSUPPORTED("urlRewrite", WHY_BACKEND),
	FIELD_UNSUPPORTED("requestMirror", WHY_MIRROR),
	FIELD_UNSUPPORTED("cors", WHY_CORS),
	FIELD_UNSUPPORTED("externalAuth", WHY_AUTH),
	FIELD_UNSUPPORTED("extensionRef", WHY_EXTENSION),
	{ 0 },
};

static int filter_check(struct reader *r, void *value)
{
	static const char *const members[] = {
		[ROUTE_FILTER_REQUEST_HEADERS] = "requestHeaderModifier",
		[ROUTE_FILTER_RESPONSE_HEADERS] = "responseHeaderModifier",
		[ROUTE_FILTER_REDIRECT] = "requestRedirect",
		[ROUTE_FILTER_REWRITE] = "urlRewrite",
	};
	const struct route_filter *f = value;

	return union_check(r, f->node, rule_filter_types[f->type].word, members,
			   array_count(members), f->type);
}

const struct object rule_filter_object = {
	.size = sizeof(struct route_filter),
	.fields = rule_filter_fields,
	.check = filter_check,
};

const struct object backend_filter_object = {
	.size = sizeof(struct route_filter),
	.fields = backend_filter_fields,
	.check = filter_check,
};

int filters_check(struct reader *r, const struct route_filter *filters, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct route_filter *first =
			route_filter_find(filters, count, filters[i].type);

		if (first != &filters[i])
			return reader_fail(r, filters[i].node, CODE_TWICE_IN_LIST,
					   "the filter %s stands at line %u already",
					   rule_filter_types[filters[i].type].word,
					   first->node->at.line);
	}
	return 0;
}

const struct route_filter *route_filter_find(const struct route_filter *filters, uint32_t count,
					     enum route_filter_type type)
{
	for (uint32_t i = 0; i < count; i++)
		if (filters[i].type == type)
			return &filters[i];
	return NULL;
}
