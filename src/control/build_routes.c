#include "control/build.h"

#include "proto/weft.pb.h"

/* Only failures that leave no doubt are tried again without being asked for: nothing of the
 * request reached a program. What a client's proxy does for idempotent requests beside this is
 * its own rule (docs/architecture.md, "A dead program behind a live proxy"). */
#define RETRY_ON_DEFAULT        "connect-failure,refused-stream,reset-before-request"
#define RETRIES_DEFAULT         2
#define HOST_SELECTION_ATTEMPTS 5

/* What every function below needs. */
struct builder {
	struct pool *pool;
	const struct build_port *port;
};

static void add_header(struct pb_message *owner, unsigned field, const struct header_pair *pair,
		       int action)
{
	struct pb_message *option = pb_add_message(owner, field);
	struct pb_message *header = pb_add_message(option, PB_HeaderValueOption_header);

	pb_set_text(header, PB_HeaderValue_key, pair->name);
	pb_set_text(header, PB_HeaderValue_value, pair->value);
	pb_set_number(option, PB_HeaderValueOption_append_action, action);
}

/* The four places of one message where edits of headers go. */
struct edit_fields {
	unsigned request_add, request_remove, response_add, response_remove;
};

static const struct edit_fields route_fields = {
	PB_Route_request_headers_to_add,
	PB_Route_request_headers_to_remove,
	PB_Route_response_headers_to_add,
	PB_Route_response_headers_to_remove,
};

static const struct edit_fields weight_fields = {
	PB_WeightedCluster_ClusterWeight_request_headers_to_add,
	PB_WeightedCluster_ClusterWeight_request_headers_to_remove,
	PB_WeightedCluster_ClusterWeight_response_headers_to_add,
	PB_WeightedCluster_ClusterWeight_response_headers_to_remove,
};

static void add_edit(struct pb_message *owner, unsigned add_field, unsigned remove_field,
		     const struct header_edit *edit)
{
	for (uint32_t i = 0; i < edit->set_count; i++)
		add_header(owner, add_field, &edit->set[i],
			   PB_HeaderValueOption_HeaderAppendAction_OVERWRITE_IF_EXISTS_OR_ADD);
	for (uint32_t i = 0; i < edit->add_count; i++)
		add_header(owner, add_field, &edit->add[i],
			   PB_HeaderValueOption_HeaderAppendAction_APPEND_IF_EXISTS_OR_ADD);
	for (uint32_t i = 0; i < edit->remove_count; i++)
		pb_add_text(owner, remove_field, edit->remove[i]);
}

static void add_edits(struct pb_message *owner, const struct edit_fields *fields,
		      const struct route_filter *filters, uint32_t count)
{
	const struct route_filter *f;

	f = route_filter_find(filters, count, ROUTE_FILTER_REQUEST_HEADERS);
	if (f)
		add_edit(owner, fields->request_add, fields->request_remove, f->request_headers);
	f = route_filter_find(filters, count, ROUTE_FILTER_RESPONSE_HEADERS);
	if (f)
		add_edit(owner, fields->response_add, fields->response_remove, f->response_headers);
}

static void add_exact_header(struct pb_message *match, struct str name, struct str value)
{
	struct pb_message *header = pb_add_message(match, PB_RouteMatch_headers);

	pb_set_text(header, PB_HeaderMatcher_name, name);
	pb_set_text(pb_add_message(header, PB_HeaderMatcher_string_match), PB_StringMatcher_exact,
		    value);
}

static void add_conditions(struct pb_message *match, const struct route_match *m)
{
	for (uint32_t i = 0; i < m->header_count; i++)
		add_exact_header(match, m->headers[i].name, m->headers[i].value);
	if (m->method.len)
		add_exact_header(match, STR(":method"), m->method);
	for (uint32_t i = 0; i < m->query_count; i++) {
		struct pb_message *query = pb_add_message(match, PB_RouteMatch_query_parameters);

		pb_set_text(query, PB_QueryParameterMatcher_name, m->queries[i].name);
		pb_set_text(pb_add_message(query, PB_QueryParameterMatcher_string_match),
			    PB_StringMatcher_exact, m->queries[i].value);
	}
}

static void set_path(struct pb_message *match, const struct route_path_match *path)
{
	if (path->type == ROUTE_PATH_EXACT)
		pb_set_text(match, PB_RouteMatch_path, path->value);
	else if (str_eq(path->value, STR("/")))
		pb_set_text(match, PB_RouteMatch_prefix, path->value);
	else
		pb_set_text(match, PB_RouteMatch_path_separated_prefix, path->value);
}

static const int redirect_codes[][2] = {
	{ 301, PB_RedirectAction_RedirectResponseCode_MOVED_PERMANENTLY },
	{ 302, PB_RedirectAction_RedirectResponseCode_FOUND },
	{ 303, PB_RedirectAction_RedirectResponseCode_SEE_OTHER },
	{ 307, PB_RedirectAction_RedirectResponseCode_TEMPORARY_REDIRECT },
	{ 308, PB_RedirectAction_RedirectResponseCode_PERMANENT_REDIRECT },
};

/*
 * Prefixes replaced
 *
 * The Gateway API replaces whole segments and sees to it that exactly one slash stands between
 * the parts; Envoy replaces text. So for a match of "/" the replacement ends with a slash, for
 * others it does not, and where nothing is left of it (/a becomes /) two routes do the work:
 * /a/ becomes /, and /a by itself becomes / too. With one, /a/b would become //b.
 */

/* The edit of a route that replaces the prefix of its match; NULL: none does. */
static const struct path_edit *prefix_edit(const struct route_rule *rule)
{
	const struct route_filter *f;
	const struct path_edit *edit = NULL;

	f = route_filter_find(rule->filters, rule->filter_count, ROUTE_FILTER_REWRITE);
	if (f)
		edit = f->rewrite->path;
	f = route_filter_find(rule->filters, rule->filter_count, ROUTE_FILTER_REDIRECT);
	if (f)
		edit = f->redirect->path;
	return edit && edit->type == PATH_REPLACE_PREFIX ? edit : NULL;
}

static struct str without_slash(struct str path)
{
	while (path.len && path.ptr[path.len - 1] == '/')
		path.len--;
	return path;
}

static struct str replacement(struct pool *pool, const struct route_path_match *match,
			      const struct path_edit *edit)
{
	struct str text = without_slash(edit->replace_prefix);

	if (!text.len)
		return STR("/");
	return match->value.len > 1 ? text : pool_printf(pool, "%.*s/", STR_ARGS(text));
}

static bool strips_prefix(const struct attached_match *m)
{
	const struct path_edit *edit = prefix_edit(m->rule);

	return edit && m->match->path->value.len > 1 && !without_slash(edit->replace_prefix).len;
}

static void set_redirect(struct builder *b, struct pb_message *route,
			 const struct attached_match *m, const struct route_redirect *r)
{
	struct pb_message *action = pb_add_message(route, PB_Route_redirect);

	if (r->scheme != REDIRECT_SCHEME_KEEP)
		pb_set_text(action, PB_RedirectAction_scheme_redirect,
			    r->scheme == REDIRECT_SCHEME_HTTPS ? STR("https") : STR("http"));
	if (r->hostname.len)
		pb_set_text(action, PB_RedirectAction_host_redirect, r->hostname);
	if (r->port)
		pb_set_number(action, PB_RedirectAction_port_redirect, r->port);
	if (r->path && r->path->type == PATH_REPLACE_FULL)
		pb_set_text(action, PB_RedirectAction_path_redirect, r->path->replace_full);
	else if (r->path)
		pb_set_text(action, PB_RedirectAction_prefix_rewrite,
			    replacement(b->pool, m->match->path, r->path));
	for (size_t i = 0; i < array_count(redirect_codes); i++)
		if ((uint32_t)redirect_codes[i][0] == r->status)
			pb_set_number(action, PB_RedirectAction_response_code,
				      redirect_codes[i][1]);
}

static void set_retry(struct builder *b, struct pb_message *action, const struct route_rule *rule)
{
	const struct route_retry *retry = rule ? rule->retry : NULL;
	struct pb_message *policy = pb_add_message(action, PB_RouteAction_retry_policy);
	struct pb_message *host, *backoff;

	pb_set_text(policy, PB_RetryPolicy_retry_on,
		    retry && retry->code_count ? STR(RETRY_ON_DEFAULT ",retriable-status-codes")
					       : STR(RETRY_ON_DEFAULT));
	pb_set_wrapped(policy, PB_RetryPolicy_num_retries,
		       retry ? retry->attempts : RETRIES_DEFAULT);
	if (rule && rule->timeouts && rule->timeouts->backend_request.ns > 0)
		pb_set_duration(policy, PB_RetryPolicy_per_try_timeout,
				rule->timeouts->backend_request);
	host = pb_add_message(policy, PB_RetryPolicy_retry_host_predicate);
	pb_set_text(host, PB_RetryPolicy_RetryHostPredicate_name,
		    STR("envoy.retry_host_predicates.previous_hosts"));
	pb_set_any(host, PB_RetryPolicy_RetryHostPredicate_typed_config,
		   pb_new(&pb_PreviousHostsPredicate, b->pool));
	pb_set_number(policy, PB_RetryPolicy_host_selection_retry_max_attempts,
		      HOST_SELECTION_ATTEMPTS);
	if (!retry)
		return;
	for (uint32_t i = 0; i < retry->code_count; i++)
		pb_add_number(policy, PB_RetryPolicy_retriable_status_codes, retry->codes[i]);
	backoff = pb_add_message(policy, PB_RetryPolicy_retry_back_off);
	pb_set_duration(backoff, PB_RetryPolicy_RetryBackOff_base_interval, retry->backoff);
	pb_set_duration(backoff, PB_RetryPolicy_RetryBackOff_max_interval,
			DURATION_NS(retry->backoff.ns * 10));
}

static void add_backends(struct builder *b, struct pb_message *action,
			 const struct route_rule *rule)
{
	struct pb_message *weighted = pb_add_message(action, PB_RouteAction_weighted_clusters);

	for (uint32_t i = 0; i < rule->backend_count; i++) {
		const struct backend_ref *backend = &rule->backends[i];
		struct pb_message *weight;

		if (!backend->weight)
			continue;
		weight = pb_add_message(weighted, PB_WeightedCluster_clusters);
		pb_set_text(weight, PB_WeightedCluster_ClusterWeight_name,
			    build_port_name(b->pool, backend->name, backend->name_space,
					    b->port->trust_domain, (uint16_t)backend->port));
		pb_set_wrapped(weight, PB_WeightedCluster_ClusterWeight_weight, backend->weight);
		add_edits(weight, &weight_fields, backend->filters, backend->filter_count);
	}
}

static bool has_backends(const struct route_rule *rule)
{
	for (uint32_t i = 0; i < rule->backend_count; i++)
		if (rule->backends[i].weight)
			return true;
	return false;
}

/* rule NULL: the port's own cluster. */
static struct pb_message *set_forward(struct builder *b, struct pb_message *route,
				      const struct route_rule *rule)
{
	struct pb_message *action = pb_add_message(route, PB_Route_route);
	struct duration timeout = { 0 };

	if (rule)
		add_backends(b, action, rule);
	else
		pb_set_text(action, PB_RouteAction_cluster, b->port->name);
	pb_set_number(action, PB_RouteAction_cluster_not_found_response_code,
		      PB_RouteAction_ClusterNotFoundResponseCode_INTERNAL_SERVER_ERROR);
	if (rule && rule->timeouts && rule->timeouts->request.ns > 0)
		timeout = rule->timeouts->request;
	pb_set_duration(action, PB_RouteAction_timeout, timeout);
	set_retry(b, action, rule);
	return action;
}

static void set_rewrite(struct builder *b, struct pb_message *action,
			const struct attached_match *m, const struct route_rewrite *rewrite)
{
	if (rewrite->hostname.len)
		pb_set_text(action, PB_RouteAction_host_rewrite_literal, rewrite->hostname);
	if (rewrite->path)
		pb_set_text(action, PB_RouteAction_prefix_rewrite,
			    rewrite->path->type == PATH_REPLACE_FULL
				    ? rewrite->path->replace_full
				    : replacement(b->pool, m->match->path, rewrite->path));
}

static void set_action(struct builder *b, struct pb_message *route, const struct attached_match *m)
{
	const struct route_rule *rule = m->rule;
	const struct route_filter *filter =
		route_filter_find(rule->filters, rule->filter_count, ROUTE_FILTER_REDIRECT);
	struct pb_message *action;

	if (filter) {
		set_redirect(b, route, m, filter->redirect);
		return;
	}
	if (!has_backends(rule)) {
		action = pb_add_message(route, PB_Route_direct_response);
		pb_set_number(action, PB_DirectResponseAction_status, 500);
		return;
	}
	action = set_forward(b, route, rule);
	filter = route_filter_find(rule->filters, rule->filter_count, ROUTE_FILTER_REWRITE);
	if (filter)
		set_rewrite(b, action, m, filter->rewrite);
}

static struct str route_name(struct builder *b, const struct attached_match *m)
{
	if (m->rule->name.len)
		return pool_printf(b->pool, "%.*s/%.*s#%.*s", STR_ARGS(m->route->name_space),
				   STR_ARGS(m->route->name), STR_ARGS(m->rule->name));
	return pool_printf(b->pool, "%.*s/%.*s#%u", STR_ARGS(m->route->name_space),
			   STR_ARGS(m->route->name), m->rule_index);
}

static struct pb_message *add_route(struct builder *b, struct pb_message *host,
				    const struct attached_match *m,
				    const struct route_path_match *path)
{
	struct pb_message *route = pb_add_message(host, PB_VirtualHost_routes);
	struct pb_message *match = pb_add_message(route, PB_Route_match);

	pb_set_text(route, PB_Route_name, route_name(b, m));
	set_path(match, path);
	add_conditions(match, m->match);
	set_action(b, route, m);
	add_edits(route, &route_fields, m->rule->filters, m->rule->filter_count);
	return match;
}

static void add_match(struct builder *b, struct pb_message *host, const struct attached_match *m)
{
	struct route_path_match path = *m->match->path;
	struct pb_message *match;

	if (!strips_prefix(m)) {
		add_route(b, host, m, &path);
		return;
	}
	path.type = ROUTE_PATH_EXACT;
	add_route(b, host, m, &path);
	path.type = ROUTE_PATH_PREFIX;
	path.value = pool_printf(b->pool, "%.*s/", STR_ARGS(path.value));
	match = add_route(b, host, m, &path);
	match->slots[PB_RouteMatch_path_separated_prefix].count = 0;
	pb_set_text(match, PB_RouteMatch_prefix, path.value);
}

struct pb_message *build_routes(struct pool *pool, const struct build_port *port,
				const struct attached_matches *matches)
{
	struct builder b = { .pool = pool, .port = port };
	struct pb_message *config = pb_new(&pb_RouteConfiguration, pool);
	struct pb_message *host = pb_add_message(config, PB_RouteConfiguration_virtual_hosts);
	struct pb_message *route;

	pb_set_text(config, PB_RouteConfiguration_name, port->name);
	pb_set_text(host, PB_VirtualHost_name, port->name);
	pb_add_text(host, PB_VirtualHost_domains, STR("*"));
	for (uint32_t i = 0; i < matches->count; i++)
		if (!matches->items[i].taken_by)
			add_match(&b, host, &matches->items[i]);
	if (matches->route_count)
		return config;
	route = pb_add_message(host, PB_VirtualHost_routes);
	pb_set_text(route, PB_Route_name, STR("default"));
	pb_set_text(pb_add_message(route, PB_Route_match), PB_RouteMatch_prefix, STR("/"));
	set_forward(&b, route, NULL);
	return config;
}
