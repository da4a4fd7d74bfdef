/*
 * The router: from a request to what is to be done with it
 *
 * Which virtual host, which route, which of its clusters, is decided by model/; here the
 * decision is carried out: forwarded, redirected or answered.
 */

#include "proxy/exchange.h"
#include "proxy/path.h"

static const struct route_table *table_of(const struct exchange *x)
{
	struct route_state *state;

	if (x->http->routes_slot == SLOT_NONE)
		return x->http->manager->inline_routes;
	state = route_state_of(snapshot_get(x->snapshot, SNAPSHOT_ROUTES, x->http->routes_slot));
	return state ? state->table : NULL;
}

/* "host", ":port" apart. */
static struct str host_without_port(struct str authority)
{
	size_t at = authority.len;

	while (at > 0 && authority.ptr[at - 1] >= '0' && authority.ptr[at - 1] <= '9')
		at--;
	return at > 0 && authority.ptr[at - 1] == ':' ? str_slice(authority, 0, at - 1) : authority;
}

static struct str redirect_host(struct exchange *x, struct str scheme)
{
	const struct route *r = x->route;
	struct str host = r->redirect.host.len ? r->redirect.host : x->request->authority;

	if (r->redirect.port)
		return pool_printf(exchange_pool(x), "%.*s:%u", STR_ARGS(host_without_port(host)),
				   r->redirect.port);
	/* A port that belonged to the other scheme does not go along. */
	if (!str_eq(scheme, x->request->scheme) &&
	    (str_has_suffix(host, STR(":80")) || str_has_suffix(host, STR(":443"))))
		return host_without_port(host);
	return host;
}

static struct str redirect_path(struct exchange *x)
{
	const struct route *r = x->route;
	struct path_parts parts = path_split(x->request->path);
	struct str path = parts.path;

	if (r->redirect.path.len) {
		path = r->redirect.path;
		/* A query of its own wins over the request's. */
		if (path_split(path).has_query)
			return path;
	} else if (r->redirect.prefix_rewrite.len) {
		size_t matched = r->path.kind == PATH_MATCH_EXACT ? path.len : r->path.value.len;

		path = pool_printf(exchange_pool(x), "%.*s%.*s",
				   STR_ARGS(r->redirect.prefix_rewrite),
				   STR_ARGS(str_slice(path, matched, path.len)));
	}
	if (!parts.has_query || r->redirect.strip_query)
		return path;
	return pool_printf(exchange_pool(x), "%.*s?%.*s", STR_ARGS(path), STR_ARGS(parts.query));
}

static void redirect(struct exchange *x)
{
	const struct route *r = x->route;
	struct str scheme = x->request->scheme;
	struct str host, path;

	if (r->redirect.https_redirect)
		scheme = STR("https");
	else if (r->redirect.scheme.len)
		scheme = r->redirect.scheme;
	host = redirect_host(x, scheme);
	path = redirect_path(x);
	exchange_reply(x, &(struct reply){
				  .reason = REASON_REDIRECT,
				  .status = r->redirect.status,
				  .location = pool_printf(exchange_pool(x), "%.*s://%.*s%.*s",
							  STR_ARGS(scheme), STR_ARGS(host),
							  STR_ARGS(path)),
			  });
}

static void answer(struct exchange *x)
{
	exchange_reply(x, &(struct reply){
				  .reason = REASON_DIRECT,
				  .status = x->route->direct.status,
				  .text = x->route->direct.body,
			  });
}

static void forward(struct exchange *x)
{
	const struct route *r = x->route;

	x->target = route_cluster(r, &x->worker->random);
	x->upstream_cluster = x->target->cluster.name;
	if (!worker_cluster_at(x->worker, x->target->cluster.slot)) {
		exchange_reply(x, &(struct reply){ .reason = REASON_NO_CLUSTER,
						   .status = r->forward.cluster_not_found_status });
		return;
	}
	request_head_route(x);
	if (r->forward.idle_timeout.ns >= 0) {
		x->idle_timeout = r->forward.idle_timeout;
		deadline_set(x->deadlines, DEADLINE_IDLE, x->idle_timeout);
	}
	if (r->forward.max_stream_duration.ns > 0)
		deadline_set(x->deadlines, DEADLINE_MAX, r->forward.max_stream_duration);
	if (x->request_ended)
		deadline_set(x->deadlines, DEADLINE_ROUTE, r->forward.timeout);
	attempt_start(x);
}

static bool needs_https(const struct exchange *x)
{
	return (x->host->require_tls_all || x->host->require_tls_external) &&
	       !str_eq(x->request->scheme, STR("https"));
}

static void to_https(struct exchange *x)
{
	exchange_reply(x, &(struct reply){
				  .reason = REASON_REDIRECT,
				  .status = 301,
				  .location = pool_printf(exchange_pool(x), "https://%.*s%.*s",
							  STR_ARGS(x->request->authority),
							  STR_ARGS(x->request->path)),
			  });
}

void router_start(struct exchange *x)
{
	static void (*const actions[])(struct exchange * x) = {
		[ROUTE_FORWARD] = forward,
		[ROUTE_REDIRECT] = redirect,
		[ROUTE_DIRECT_RESPONSE] = answer,
	};

	exchange_move(x, EXCHANGE_ROUTED);
	x->table = table_of(x);
	if (x->table)
		x->host = route_table_host(x->table, x->request->authority);
	if (x->host && needs_https(x)) {
		to_https(x);
		return;
	}
	if (x->host)
		x->route = virtual_host_route(x->host, x->request, &x->worker->random);
	if (!x->route) {
		exchange_reply(x, &(struct reply){ .reason = REASON_NO_ROUTE });
		return;
	}
	actions[x->route->action](x);
}
