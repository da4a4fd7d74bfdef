#include "model/routes.h"

#include "model/compile.h"
#include "model/header_mutations.h"
#include "model/retry_policy.h"
#include "model/route.h"
#include "model/route_index.h"

static uint32_t domains_count(const struct pb_message *m)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < pb_count(m, PB_RouteConfiguration_virtual_hosts); i++)
		count += pb_count(pb_sub_at(m, PB_RouteConfiguration_virtual_hosts, i),
				  PB_VirtualHost_domains);
	return count;
}

/* A "*" may stand alone, at the beginning or at the end, and once. */
static bool is_domain(struct str domain)
{
	size_t star = str_find(domain, 0, '*');

	if (domain.len == 0 || !compile_is_header_value(domain))
		return false;
	if (star == domain.len)
		return true;
	return (star == 0 || star == domain.len - 1) &&
	       str_find(domain, star + 1, '*') == domain.len;
}

static int domains_read(struct compile *c, const struct pb_message *m, struct route_table *t,
			uint32_t host)
{
	for (uint32_t i = 0; i < pb_count(m, PB_VirtualHost_domains); i++) {
		struct str domain = pb_text_at(m, PB_VirtualHost_domains, i);

		if (!is_domain(domain))
			return compile_fail_at(c, m, PB_VirtualHost_domains, i,
					       "\"%.*s\" is not a domain: expected a host, "
					       "\"*.example.com\", \"example.*\" or \"*\"",
					       STR_ARGS(domain));
		if (!route_index_add(t->index, domain, host))
			return compile_fail_at(c, m, PB_VirtualHost_domains, i,
					       "\"%.*s\" is there twice", STR_ARGS(domain));
	}
	return 0;
}

static int host_routes(struct compile *c, const struct pb_message *m, struct virtual_host *v)
{
	struct route_defaults defaults = { 0 };
	int r;

	if (pb_has(m, PB_VirtualHost_retry_policy)) {
		r = retry_policy_compile(c, pb_sub(m, PB_VirtualHost_retry_policy),
					 &defaults.retry);
		if (r < 0)
			return r;
	}
	v->route_count = pb_count(m, PB_VirtualHost_routes);
	v->routes = pool_new_array(c->pool, struct route, v->route_count);
	for (uint32_t i = 0; i < v->route_count; i++) {
		r = route_compile(c, pb_sub_at(m, PB_VirtualHost_routes, i), &defaults,
				  &v->routes[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int host_read(struct compile *c, const struct pb_message *m, struct virtual_host *v)
{
	int64_t tls = pb_number(m, PB_VirtualHost_require_tls);
	int r;

	v->name = pb_text(m, PB_VirtualHost_name);
	v->require_tls_all = tls == PB_VirtualHost_TlsRequirementType_ALL;
	v->require_tls_external = tls == PB_VirtualHost_TlsRequirementType_EXTERNAL_ONLY;
	v->include_attempt_count = pb_bool(m, PB_VirtualHost_include_request_attempt_count);
	r = header_mutations_compile(c, m, PB_VirtualHost_request_headers_to_add,
				     PB_VirtualHost_request_headers_to_remove, &v->request);
	if (r < 0)
		return r;
	r = header_mutations_compile(c, m, PB_VirtualHost_response_headers_to_add,
				     PB_VirtualHost_response_headers_to_remove, &v->response);
	if (r < 0)
		return r;
	return host_routes(c, m, v);
}

/* Writes down each reference; with NULL it only counts. */
static uint32_t gather(struct route_table *t, struct cluster_ref **items)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < t->host_count; i++)
		for (uint32_t j = 0; j < t->hosts[i].route_count; j++) {
			struct route *route = &t->hosts[i].routes[j];

			for (uint32_t k = 0; k < route->forward.cluster_count; k++, count++)
				if (items)
					items[count] = &route->forward.clusters[k].cluster;
		}
	return count;
}

int routes_compile(struct compile *c, const struct pb_message *m, struct part *p)
{
	struct route_table *t = route_table_of(p);
	int r;

	p->name = pb_text(m, PB_RouteConfiguration_name);
	t->ignore_port_in_host = pb_bool(m, PB_RouteConfiguration_ignore_port_in_host_matching);
	t->index = route_index_new(c->pool, domains_count(m));
	r = header_mutations_compile(c, m, PB_RouteConfiguration_request_headers_to_add,
				     PB_RouteConfiguration_request_headers_to_remove, &t->request);
	if (r < 0)
		return r;
	r = header_mutations_compile(c, m, PB_RouteConfiguration_response_headers_to_add,
				     PB_RouteConfiguration_response_headers_to_remove,
				     &t->response);
	if (r < 0)
		return r;
	t->host_count = pb_count(m, PB_RouteConfiguration_virtual_hosts);
	t->hosts = pool_new_array(c->pool, struct virtual_host, t->host_count);
	for (uint32_t i = 0; i < t->host_count; i++) {
		const struct pb_message *host =
			pb_sub_at(m, PB_RouteConfiguration_virtual_hosts, i);

		r = domains_read(c, host, t, i);
		if (r < 0)
			return r;
		r = host_read(c, host, &t->hosts[i]);
		if (r < 0)
			return r;
	}
	t->cluster_count = gather(t, NULL);
	t->clusters = pool_new_array(c->pool, struct cluster_ref *, t->cluster_count);
	(void)gather(t, t->clusters);
	return 0;
}
