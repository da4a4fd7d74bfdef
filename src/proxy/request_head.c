/*
 * The head of a request, from what the client sent to what the endpoint gets
 *
 * What is not changed is not touched: whole runs of received lines are sent on as they lie.
 */

#include "http/hop.h"
#include "proxy/exchange.h"
#include "proxy/header_mutate.h"
#include "proxy/path.h"
#include "proxy/xfcc.h"

static void reply(struct exchange *x, enum reason reason)
{
	exchange_reply(x, &(struct reply){ .reason = reason });
}

/* False: answered. */
static bool path_prepare(struct exchange *x)
{
	const struct http_manager *m = x->http->manager;
	struct headers *h = x->request;
	struct str path = h->path;

	if (m->reject_escaped_slashes && path_has_escaped_slash(path)) {
		reply(x, REASON_BAD_PATH);
		return false;
	}
	if (m->normalize_path && !path_normalize(path, exchange_pool(x), &path)) {
		reply(x, REASON_BAD_PATH);
		return false;
	}
	if (m->merge_slashes)
		path = path_merge_slashes(path, exchange_pool(x));
	h->path = path;
	return true;
}

/* "host:port" without its port, when the manager says so. */
static void host_port_strip(struct exchange *x)
{
	const struct http_manager *m = x->http->manager;
	struct headers *h = x->request;
	size_t colon = h->authority.len;
	uint64_t port;

	if (m->host_port == HOST_PORT_KEEP)
		return;
	while (colon > 0 && h->authority.ptr[colon - 1] != ':' &&
	       h->authority.ptr[colon - 1] != ']')
		colon--;
	if (colon == 0 || h->authority.ptr[colon - 1] == ']' ||
	    str_to_u64(str_slice(h->authority, colon, h->authority.len), UINT16_MAX, &port) < 0)
		return;
	if (m->host_port == HOST_PORT_STRIP_OWN && port != address_port(&x->client->conn->local))
		return;
	h->authority.len = colon - 1;
}

static struct str peer_ip(struct exchange *x)
{
	struct buf text = BUF_INIT(0);
	struct str ip;

	address_format_ip(&x->client->conn->peer, &text);
	ip = pool_strdup(exchange_pool(x), buf_str(&text));
	buf_fini(&text);
	return ip;
}

static void forwarded_for(struct exchange *x, uint64_t ids)
{
	const struct http_manager *m = x->http->manager;
	struct header *have = NULL;
	struct str ip;

	if (!m->use_remote_address || m->skip_xff_append)
		return;
	ip = peer_ip(x);
	if (headers_ids_have(ids, HEADER_X_FORWARDED_FOR))
		have = headers_get(x->request, HEADER_X_FORWARDED_FOR);
	if (have)
		ip = pool_printf(exchange_pool(x), "%.*s,%.*s", STR_ARGS(have->value),
				 STR_ARGS(ip));
	headers_set(x->request, HEADER_X_FORWARDED_FOR, ip);
}

static void forwarded_proto(struct exchange *x, uint64_t ids)
{
	const struct http_manager *m = x->http->manager;
	struct str proto = x->client->conn->tls ? STR("https") : STR("http");
	struct header *have;

	if (!headers_ids_have(ids, HEADER_X_FORWARDED_PROTO)) {
		headers_add(x->request, HEADER_X_FORWARDED_PROTO, proto);
		x->request->scheme = proto;
		return;
	}
	have = headers_get(x->request, HEADER_X_FORWARDED_PROTO);
	if (m->use_remote_address && m->xff_num_trusted_hops == 0)
		headers_set(x->request, HEADER_X_FORWARDED_PROTO, proto);
	else
		proto = have->value;
	if (str_eq(proto, STR("https")) || str_eq(proto, STR("http")))
		x->request->scheme = proto;
}

/* What steers Envoy's router and tracer. Of no request do we know that it comes from inside
 * (internal_address_config is not supported), so nobody says these to the proxies behind us. */
// clang-format off
static const struct str control_fields[] = {
	STR_INIT("expected-rq-timeout-ms"),
	STR_INIT("force-trace"),
	STR_INIT("hedge-on-per-try-timeout"),
	STR_INIT("internal"),
	STR_INIT("ip-tags"),
	STR_INIT("max-retries"),
	STR_INIT("original-url"),
	STR_INIT("retriable-header-names"),
	STR_INIT("retriable-status-codes"),
	STR_INIT("retry-grpc-on"),
	STR_INIT("retry-on"),
	STR_INIT("upstream-alt-stat-name"),
	STR_INIT("upstream-rq-per-try-timeout-ms"),
	STR_INIT("upstream-rq-timeout-alt-response"),
	STR_INIT("upstream-rq-timeout-ms"),
};
// clang-format on

static bool is_control(struct str name)
{
	for (size_t i = 0; i < array_count(control_fields); i++)
		if (str_eq_nocase(name, control_fields[i]))
			return true;
	return false;
}

/* At an edge all of Envoy's own fields go: only proxies write them. */
static void strip_control_fields(struct exchange *x)
{
	const struct str prefix = STR("x-envoy-");
	bool edge = x->http->manager->use_remote_address;

	headers_for_each (field, x->request) {
		struct str name = field->name;

		if (likely(name.len <= prefix.len || name.ptr[1] != '-') ||
		    !str_eq_nocase(str_slice(name, 0, prefix.len), prefix))
			continue;
		if (edge || is_control(str_slice(name, prefix.len, name.len)))
			field->id = HEADER_REMOVED;
	}
}

static void request_id(struct exchange *x, uint64_t ids)
{
	const struct http_manager *m = x->http->manager;
	bool have = headers_ids_have(ids, HEADER_X_REQUEST_ID);
	char *text;

	if (!m->generate_request_id)
		return;
	if (have && (!m->use_remote_address || m->preserve_external_request_id))
		return;
	text = pool_alloc(exchange_pool(x), RANDOM_UUID_LEN);
	random_uuid(&x->worker->random, text);
	if (have)
		headers_remove(x->request, HEADER_X_REQUEST_ID);
	headers_add(x->request, HEADER_X_REQUEST_ID, str_of(text, RANDOM_UUID_LEN));
}

bool request_head_prepare(struct exchange *x)
{
	struct headers *h = x->request;
	uint64_t ids;

	if (h->method_id == METHOD_CONNECT) {
		reply(x, REASON_UPGRADE);
		return false;
	}
	http_strip_hop_by_hop(h);
	if (!path_prepare(x))
		return false;
	host_port_strip(x);
	strip_control_fields(x);
	ids = headers_ids(h);
	forwarded_for(x, ids);
	forwarded_proto(x, ids);
	request_id(x, ids);
	if (x->client->conn->tls || headers_ids_have(ids, HEADER_X_FORWARDED_CLIENT_CERT))
		xfcc_apply(x->http->manager, x->client, h, exchange_pool(x));
	return true;
}

static void rewrite_path(struct exchange *x)
{
	const struct route *r = x->route;
	struct headers *h = x->request;
	size_t matched = r->path.value.len;

	if (r->forward.prefix_rewrite.len == 0)
		return;
	headers_remove_named(h, STR("x-envoy-original-path"));
	headers_add_named(h, STR("x-envoy-original-path"), h->path);
	if (r->path.kind == PATH_MATCH_EXACT)
		matched = path_split(h->path).path.len;
	h->path = pool_printf(exchange_pool(x), "%.*s%.*s", STR_ARGS(r->forward.prefix_rewrite),
			      STR_ARGS(str_slice(h->path, matched, h->path.len)));
}

static void rewrite_host(struct exchange *x, struct str host)
{
	if (x->route->forward.append_x_forwarded_host)
		headers_set(x->request, HEADER_X_FORWARDED_HOST, x->request->authority);
	x->request->authority = host;
}

void request_head_route(struct exchange *x)
{
	struct headers *h = x->request;

	rewrite_path(x);
	if (x->route->forward.host_rewrite.len)
		rewrite_host(x, x->route->forward.host_rewrite);
	/* The most specific first, so that the table has the last word. */
	header_mutations_apply(&x->target->request, h);
	header_mutations_apply(&x->route->request, h);
	header_mutations_apply(&x->host->request, h);
	header_mutations_apply(&x->table->request, h);
}

void request_head_attempt(struct exchange *x)
{
	const struct upstream *u = x->attempt.upstream;

	if (x->route->forward.auto_host_rewrite && u->endpoint->hostname.len)
		rewrite_host(x, u->endpoint->hostname);
	if (x->host->include_attempt_count)
		headers_set(x->request, HEADER_X_ENVOY_ATTEMPT_COUNT,
			    pool_printf(exchange_pool(x), "%u", x->attempts));
}
