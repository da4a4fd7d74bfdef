#include "model/route.h"

#include "model/header_mutations.h"
#include "model/retry_policy.h"

#define TIMEOUT_ABSENT        DURATION_SECONDS(15)
#define DIRECT_BODY_BYTES_MAX 4096

/* What the connection manager says holds. */
#define INHERIT               DURATION_NS(-1)

static int weighted_cluster_read(struct compile *c, const struct pb_message *m,
				 struct weighted_cluster *w)
{
	int r;

	w->cluster.name = pb_text(m, PB_WeightedCluster_ClusterWeight_name);
	if (w->cluster.name.len == 0)
		return pb_fail_field(c->d, m, PB_WeightedCluster_ClusterWeight_name, ERR_CONFIG,
				     "is missing");
	w->weight = (uint32_t)pb_wrapped(m, PB_WeightedCluster_ClusterWeight_weight, 0);
	r = header_mutations_compile(c, m, PB_WeightedCluster_ClusterWeight_request_headers_to_add,
				     PB_WeightedCluster_ClusterWeight_request_headers_to_remove,
				     &w->request);
	if (r < 0)
		return r;
	return header_mutations_compile(
		c, m, PB_WeightedCluster_ClusterWeight_response_headers_to_add,
		PB_WeightedCluster_ClusterWeight_response_headers_to_remove, &w->response);
}

static int weighted_clusters_read(struct compile *c, const struct pb_message *m,
				  struct route *route)
{
	uint32_t count = pb_count(m, PB_WeightedCluster_clusters);

	route->forward.clusters = pool_new_array(c->pool, struct weighted_cluster, count);
	route->forward.cluster_count = count;
	for (uint32_t i = 0; i < count; i++) {
		struct weighted_cluster *w = &route->forward.clusters[i];
		int r = weighted_cluster_read(c, pb_sub_at(m, PB_WeightedCluster_clusters, i), w);

		if (r < 0)
			return r;
		route->forward.weight_total += w->weight;
	}
	if (route->forward.weight_total == 0 || route->forward.weight_total > UINT32_MAX)
		return pb_fail_field(c->d, m, PB_WeightedCluster_clusters, ERR_CONFIG,
				     "the sum of the weights must be between 1 and %u", UINT32_MAX);
	return 0;
}

static int clusters_read(struct compile *c, const struct pb_message *m, struct route *route)
{
	if (pb_has(m, PB_RouteAction_weighted_clusters))
		return weighted_clusters_read(c, pb_sub(m, PB_RouteAction_weighted_clusters),
					      route);
	if (pb_text(m, PB_RouteAction_cluster).len == 0)
		return pb_fail_field(c->d, m, PB_RouteAction_cluster, ERR_CONFIG,
				     "must not be empty");
	route->forward.clusters = pool_new(c->pool, struct weighted_cluster);
	route->forward.clusters[0].cluster.name = pb_text(m, PB_RouteAction_cluster);
	route->forward.clusters[0].weight = 1;
	route->forward.cluster_count = 1;
	route->forward.weight_total = 1;
	return 0;
}

static int forward_durations(struct compile *c, const struct pb_message *m, struct route *route)
{
	const struct pb_message *stream = pb_sub(m, PB_RouteAction_max_stream_duration);
	int r;

	r = compile_duration(c, m, PB_RouteAction_timeout, TIMEOUT_ABSENT, &route->forward.timeout);
	if (r < 0)
		return r;
	r = compile_duration(c, m, PB_RouteAction_idle_timeout, INHERIT,
			     &route->forward.idle_timeout);
	if (r < 0)
		return r;
	return compile_duration(c, stream, PB_RouteAction_MaxStreamDuration_max_stream_duration,
				INHERIT, &route->forward.max_stream_duration);
}

static int forward_rewrites(struct compile *c, const struct pb_message *m, struct route *route)
{
	struct str host = pb_text(m, PB_RouteAction_host_rewrite_literal);
	struct str prefix = pb_text(m, PB_RouteAction_prefix_rewrite);

	if (!compile_is_header_value(host))
		return pb_fail_field(c->d, m, PB_RouteAction_host_rewrite_literal, ERR_CONFIG,
				     "holds a control character");
	if (!compile_is_header_value(prefix))
		return pb_fail_field(c->d, m, PB_RouteAction_prefix_rewrite, ERR_CONFIG,
				     "holds a control character");
	route->forward.host_rewrite = host;
	route->forward.prefix_rewrite = prefix;
	route->forward.auto_host_rewrite =
		pb_wrapped_bool(m, PB_RouteAction_auto_host_rewrite, false);
	route->forward.append_x_forwarded_host = pb_bool(m, PB_RouteAction_append_x_forwarded_host);
	return 0;
}

static int forward_read(struct compile *c, const struct pb_message *m,
			const struct route_defaults *defaults, struct route *route)
{
	static const uint16_t not_found[] = {
		[PB_RouteAction_ClusterNotFoundResponseCode_SERVICE_UNAVAILABLE] = 503,
		[PB_RouteAction_ClusterNotFoundResponseCode_NOT_FOUND] = 404,
		[PB_RouteAction_ClusterNotFoundResponseCode_INTERNAL_SERVER_ERROR] = 500,
	};
	int r;

	route->action = ROUTE_FORWARD;
	r = clusters_read(c, m, route);
	if (r < 0)
		return r;
	r = forward_durations(c, m, route);
	if (r < 0)
		return r;
	r = forward_rewrites(c, m, route);
	if (r < 0)
		return r;
	route->forward.cluster_not_found_status =
		not_found[pb_number(m, PB_RouteAction_cluster_not_found_response_code)];
	route->forward.priority = pb_number(m, PB_RouteAction_priority) == PB_RoutingPriority_HIGH;
	route->forward.retry = defaults->retry;
	if (!pb_has(m, PB_RouteAction_retry_policy))
		return 0;
	return retry_policy_compile(c, pb_sub(m, PB_RouteAction_retry_policy),
				    &route->forward.retry);
}

static int redirect_text(struct compile *c, const struct pb_message *m, unsigned field,
			 struct str *ret_text)
{
	*ret_text = pb_text(m, field);
	if (!compile_is_header_value(*ret_text))
		return pb_fail_field(c->d, m, field, ERR_CONFIG, "holds a control character");
	return 0;
}

static int redirect_read(struct compile *c, const struct pb_message *m, struct route *route)
{
	static const uint16_t statuses[] = {
		[PB_RedirectAction_RedirectResponseCode_MOVED_PERMANENTLY] = 301,
		[PB_RedirectAction_RedirectResponseCode_FOUND] = 302,
		[PB_RedirectAction_RedirectResponseCode_SEE_OTHER] = 303,
		[PB_RedirectAction_RedirectResponseCode_TEMPORARY_REDIRECT] = 307,
		[PB_RedirectAction_RedirectResponseCode_PERMANENT_REDIRECT] = 308,
	};
	int r;

	route->action = ROUTE_REDIRECT;
	r = redirect_text(c, m, PB_RedirectAction_host_redirect, &route->redirect.host);
	if (r < 0)
		return r;
	r = redirect_text(c, m, PB_RedirectAction_path_redirect, &route->redirect.path);
	if (r < 0)
		return r;
	r = redirect_text(c, m, PB_RedirectAction_prefix_rewrite, &route->redirect.prefix_rewrite);
	if (r < 0)
		return r;
	r = redirect_text(c, m, PB_RedirectAction_scheme_redirect, &route->redirect.scheme);
	if (r < 0)
		return r;
	route->redirect.https_redirect = pb_bool(m, PB_RedirectAction_https_redirect);
	route->redirect.strip_query = pb_bool(m, PB_RedirectAction_strip_query);
	route->redirect.port = (uint32_t)pb_number(m, PB_RedirectAction_port_redirect);
	route->redirect.status = statuses[pb_number(m, PB_RedirectAction_response_code)];
	return 0;
}

static int direct_read(struct compile *c, const struct pb_message *m, struct route *route)
{
	int64_t status = pb_number(m, PB_DirectResponseAction_status);

	if (status < 200 || status > 599)
		return pb_fail_field(c->d, m, PB_DirectResponseAction_status, ERR_CONFIG,
				     "must be between 200 and 599");
	route->action = ROUTE_DIRECT_RESPONSE;
	route->direct.status = (uint16_t)status;
	return compile_data(c, m, PB_DirectResponseAction_body, DIRECT_BODY_BYTES_MAX,
			    &route->direct.body);
}

static int action_read(struct compile *c, const struct pb_message *m,
		       const struct route_defaults *defaults, struct route *route)
{
	if (pb_has(m, PB_Route_route))
		return forward_read(c, pb_sub(m, PB_Route_route), defaults, route);
	if (pb_has(m, PB_Route_redirect))
		return redirect_read(c, pb_sub(m, PB_Route_redirect), route);
	if (pb_has(m, PB_Route_direct_response))
		return direct_read(c, pb_sub(m, PB_Route_direct_response), route);
	return pb_fail(c->d, m, ERR_CONFIG, "needs one of route, redirect, direct_response");
}

int route_compile(struct compile *c, const struct pb_message *m,
		  const struct route_defaults *defaults, struct route *ret_route)
{
	int r;

	ret_route->name = pb_text(m, PB_Route_name);
	if (!pb_has(m, PB_Route_match))
		return pb_fail_field(c->d, m, PB_Route_match, ERR_CONFIG, "is missing");
	r = route_match_compile(c, pb_sub(m, PB_Route_match), ret_route);
	if (r < 0)
		return r;
	r = action_read(c, m, defaults, ret_route);
	if (r < 0)
		return r;
	r = header_mutations_compile(c, m, PB_Route_request_headers_to_add,
				     PB_Route_request_headers_to_remove, &ret_route->request);
	if (r < 0)
		return r;
	return header_mutations_compile(c, m, PB_Route_response_headers_to_add,
					PB_Route_response_headers_to_remove, &ret_route->response);
}
