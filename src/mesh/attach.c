#include "mesh/attach.h"

#include <assert.h>
#include <stdlib.h>

#include "mesh/index.h"

bool parent_ref_means(const struct parent_ref *p, const struct document *service,
		      const struct service_port *port)
{
	return str_eq(p->name_space, service->name_space) && str_eq(p->name, service->name) &&
	       (p->port == 0 || p->port == port->port) &&
	       (p->section_name.len == 0 || str_eq(p->section_name, port->name));
}

/* The routes of one namespace that hold on the port, each once. */
static struct documents routes_from(const struct attachments *all, struct str name_space,
				    const struct document *service, const struct service_port *port,
				    struct pool *pool)
{
	struct documents routes = { 0 };

	routes.items = pool_new_array(pool, struct document *, all->count);
	for (uint32_t i = 0; i < all->count; i++) {
		const struct attachment *a = &all->items[i];

		if (!str_eq(a->route->name_space, name_space) ||
		    !parent_ref_means(a->parent, service, port))
			continue;
		if (routes.count && routes.items[routes.count - 1] == a->route)
			continue;
		routes.items[routes.count++] = (struct document *)a->route;
	}
	return routes;
}

static int more_first(uint64_t a, uint64_t b)
{
	return (a < b) - (a > b);
}

static int less_first(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* Negative: the match of `a` is tried first, whatever its route. */
static int precedence_cmp(const struct route_match *a, const struct route_match *b)
{
	int order =
		more_first(a->path->type == ROUTE_PATH_EXACT, b->path->type == ROUTE_PATH_EXACT);

	if (!order)
		order = more_first(a->path->value.len, b->path->value.len);
	if (!order)
		order = more_first(a->method.len > 0, b->method.len > 0);
	if (!order)
		order = more_first(a->header_count, b->header_count);
	if (!order)
		order = more_first(a->query_count, b->query_count);
	return order;
}

/* 0 is a route that is not stored yet: the youngest. */
static int age_cmp(const struct document *a, const struct document *b)
{
	int order = less_first(a->created - 1, b->created - 1);

	if (!order)
		order = str_cmp(a->name_space, b->name_space);
	return order ? order : str_cmp(a->name, b->name);
}

static int match_cmp(const void *left, const void *right)
{
	const struct attached_match *a = left;
	const struct attached_match *b = right;
	int order = precedence_cmp(a->match, b->match);

	if (!order)
		order = age_cmp(a->route, b->route);
	if (!order)
		order = less_first(a->rule_index, b->rule_index);
	return order ? order : less_first(a->match_index, b->match_index);
}

static struct attached_matches matches_of(const struct documents *routes, struct pool *pool)
{
	struct attached_matches matches = { .route_count = routes->count };
	uint32_t count = 0;

	for (uint32_t i = 0; i < routes->count; i++)
		for (uint32_t k = 0; k < routes->items[i]->http_route->rule_count; k++)
			count += routes->items[i]->http_route->rules[k].match_count;
	matches.items = pool_new_array(pool, struct attached_match, count);

	for (uint32_t i = 0; i < routes->count; i++) {
		const struct http_route *route = routes->items[i]->http_route;

		for (uint32_t k = 0; k < route->rule_count; k++)
			for (uint32_t m = 0; m < route->rules[k].match_count; m++)
				matches.items[matches.count++] = (struct attached_match){
					.route = routes->items[i],
					.rule = &route->rules[k],
					.match = &route->rules[k].matches[m],
					.rule_index = k,
					.match_index = m,
				};
	}
	qsort(matches.items, matches.count, sizeof(matches.items[0]), match_cmp);
	return matches;
}

static int value_cmp(const void *a, const void *b)
{
	const struct route_value_match *left = *(const struct route_value_match *const *)a;
	const struct route_value_match *right = *(const struct route_value_match *const *)b;
	int order = str_cmp(left->name, right->name);

	return order ? order : str_cmp(left->value, right->value);
}

#define VALUES_MAX 16 /* of headers, and of query parameters: as in the table of fields */

static void write_values(const struct route_value_match *values, uint32_t count, bool lower,
			 struct buf *out)
{
	const struct route_value_match *sorted[VALUES_MAX];

	assert(count <= VALUES_MAX);
	for (uint32_t i = 0; i < count; i++)
		sorted[i] = &values[i];
	qsort(sorted, count, sizeof(sorted[0]), value_cmp);
	for (uint32_t i = 0; i < count; i++) {
		for (size_t k = 0; k < sorted[i]->name.len; k++)
			buf_append_char(out, lower ? char_lower(sorted[i]->name.ptr[k])
						   : sorted[i]->name.ptr[k]);
		buf_printf(out, "=%.*s\n", STR_ARGS(sorted[i]->value));
	}
	buf_append_char(out, '\n');
}

/* What a match asks for, as text: equal texts take the same requests. */
static struct str match_text(const struct route_match *m, struct pool *pool)
{
	struct buf out = BUF_INIT(0);
	struct str text;

	buf_printf(&out, "%d %.*s\n%.*s\n", (int)m->path->type, STR_ARGS(m->path->value),
		   STR_ARGS(m->method));
	write_values(m->headers, m->header_count, true, &out);
	write_values(m->queries, m->query_count, false, &out);
	text = pool_strdup(pool, buf_str(&out));
	buf_fini(&out);
	return text;
}

struct asked {
	struct str text;
	struct attached_match *match;
};

static int asked_cmp(const void *left, const void *right)
{
	const struct asked *a = left;
	const struct asked *b = right;
	int order = str_cmp(a->text, b->text);

	return order ? order : (a->match > b->match) - (a->match < b->match);
}

/* Of matches that ask for the same, all but the first are never reached. */
static void mark_taken(struct attached_matches *matches, struct pool *pool)
{
	struct asked *asked = pool_new_array(pool, struct asked, matches->count);
	const struct asked *first = asked;

	for (uint32_t i = 0; i < matches->count; i++)
		asked[i] = (struct asked){ match_text(matches->items[i].match, pool),
					   &matches->items[i] };
	qsort(asked, matches->count, sizeof(asked[0]), asked_cmp);
	for (uint32_t i = 1; i < matches->count; i++) {
		if (str_eq(asked[i].text, first->text))
			asked[i].match->taken_by = first->match;
		else
			first = &asked[i];
	}
}

struct attached_matches attach_routes(const struct document_index *x,
				      const struct document *service,
				      const struct service_port *port, struct str client_namespace,
				      struct pool *pool)
{
	struct attachments all = document_index_attachments(x, service);
	struct documents routes = routes_from(&all, client_namespace, service, port, pool);
	struct attached_matches matches;

	if (!routes.count && !str_eq(client_namespace, service->name_space))
		routes = routes_from(&all, service->name_space, service, port, pool);
	matches = matches_of(&routes, pool);
	mark_taken(&matches, pool);
	return matches;
}

struct attached_namespaces attached_namespaces(const struct document_index *x,
					       const struct document *service,
					       const struct service_port *port, struct pool *pool)
{
	struct attachments all = document_index_attachments(x, service);
	struct attached_namespaces found = {
		.items = pool_new_array(pool, struct str, all.count),
	};

	/* Routes come by namespace, so those of one stand together. */
	for (uint32_t i = 0; i < all.count; i++) {
		const struct attachment *a = &all.items[i];
		struct str name_space = a->route->name_space;

		if (str_eq(name_space, service->name_space) ||
		    !parent_ref_means(a->parent, service, port) ||
		    (found.count && str_eq(found.items[found.count - 1], name_space)))
			continue;
		found.items[found.count++] = name_space;
	}
	return found;
}
