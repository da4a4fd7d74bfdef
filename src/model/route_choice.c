/*
 * What the proxy runs for each request, and `why` afterwards: the virtual host by the name
 * asked for, the first route that matches, one of its clusters by weight.
 */

#include "model/routes.h"

#include <assert.h>

#include "model/route_index.h"

#define FRACTION_WHOLE 1000000

/* Without ":port"; an IPv6 address stands in brackets. */
static struct str without_port(struct str authority)
{
	size_t i = authority.len;

	while (i > 0 && authority.ptr[i - 1] != ':' && authority.ptr[i - 1] != ']')
		i--;
	return i > 0 && authority.ptr[i - 1] == ':' ? str_slice(authority, 0, i - 1) : authority;
}

struct virtual_host *route_table_host(const struct route_table *t, struct str authority)
{
	struct str host = t->ignore_port_in_host ? without_port(authority) : authority;
	uint32_t number = route_index_find(t->index, host);

	return number == ROUTE_INDEX_NONE ? NULL : &t->hosts[number];
}

/* What of a request the routes of a host are asked about, worked out once. */
struct question {
	const struct headers *headers;
	struct str path;
	struct str query;
	struct random *random;
	uint32_t draw; /* of the request, the same for all its routes, as in Envoy */
	bool is_drawn;
};

static struct question question_of(const struct headers *h, struct random *random)
{
	struct str target = str_slice(h->path, 0, str_find(h->path, 0, '#'));
	size_t mark = str_find(target, 0, '?');

	return (struct question){ .headers = h,
				  .path = str_slice(target, 0, mark),
				  .query = str_slice(target, mark + 1, target.len),
				  .random = random };
}

static bool is_grpc(const struct headers *h)
{
	const struct header *type = headers_get(h, HEADER_CONTENT_TYPE);
	struct str prefix = STR("application/grpc");

	return type && str_has_prefix(type->value, prefix) &&
	       (type->value.len == prefix.len || type->value.ptr[prefix.len] == '+');
}

static bool fraction_holds(uint32_t per_million, struct question *q)
{
	if (per_million >= FRACTION_WHOLE)
		return true;
	if (!q->is_drawn) {
		q->draw = (uint32_t)random_below(q->random, FRACTION_WHOLE);
		q->is_drawn = true;
	}
	return q->draw < per_million;
}

static bool route_matches(const struct route *r, struct question *q)
{
	if (!path_match(&r->path, q->path))
		return false;
	if (r->grpc_only && !is_grpc(q->headers))
		return false;
	for (uint32_t i = 0; i < r->header_count; i++)
		if (!header_match(&r->headers[i], q->headers))
			return false;
	for (uint32_t i = 0; i < r->query_count; i++)
		if (!query_match(&r->queries[i], q->query))
			return false;
	return fraction_holds(r->fraction_per_million, q);
}

struct route *virtual_host_route(const struct virtual_host *v, const struct headers *h,
				 struct random *random)
{
	struct question q = question_of(h, random);

	if (q.path.len == 0)
		return NULL;
	for (uint32_t i = 0; i < v->route_count; i++)
		if (route_matches(&v->routes[i], &q))
			return &v->routes[i];
	return NULL;
}

struct weighted_cluster *route_cluster(const struct route *r, struct random *random)
{
	uint64_t place;

	assert(r->action == ROUTE_FORWARD && r->forward.cluster_count > 0);
	if (r->forward.cluster_count == 1)
		return &r->forward.clusters[0];
	place = random_below(random, r->forward.weight_total);
	for (uint32_t i = 0; i < r->forward.cluster_count; i++) {
		if (place < r->forward.clusters[i].weight)
			return &r->forward.clusters[i];
		place -= r->forward.clusters[i].weight;
	}
	assert(!"the weights add up to weight_total");
	return NULL;
}
