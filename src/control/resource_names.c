#include "control/resource_names.h"

#include "control/build.h"

/* Ports of a Workload, ports of a Service, parents of a route times their ports. */
#define NAMES_MAX 512

static void add(struct resource_names *names, enum xds_type type, struct str name)
{
	if (names->count < NAMES_MAX)
		names->items[names->count++] = (struct resource_name){ type, name };
}

static void add_service(const struct state *s, struct resource_names *names, enum xds_type type,
			const struct document *service, struct pool *pool)
{
	for (uint32_t i = 0; i < service->service->port_count; i++)
		add(names, type,
		    build_port_name(pool, service->name, service->name_space, state_trust_domain(s),
				    (uint16_t)service->service->ports[i].port));
}

static void add_parent(const struct state *s, struct resource_names *names,
		       const struct parent_ref *parent, struct pool *pool)
{
	const struct state_object *o = state_get(s, KIND_SERVICE, parent->name_space, parent->name);
	const struct service *service = o ? o->document->service : NULL;

	for (uint32_t i = 0; service && i < service->port_count; i++)
		if (parent_ref_means(parent, o->document, &service->ports[i]))
			add(names, XDS_ROUTES,
			    build_port_name(pool, parent->name, parent->name_space,
					    state_trust_domain(s),
					    (uint16_t)service->ports[i].port));
}

static void add_workload(struct resource_names *names, const struct document *workload,
			 struct pool *pool)
{
	const struct str *app = text_map_get(&workload->labels, STR("app"));

	for (uint32_t i = 0; app && i < workload->workload->port_count; i++)
		add(names, XDS_LISTENER,
		    build_inbound_name(pool, *app, workload->name_space,
				       (uint16_t)workload->workload->ports[i].port));
}

struct resource_names resource_names_of(const struct state *s, const struct document *doc,
					struct pool *pool)
{
	struct resource_names names = { .items = pool_new_array(pool, struct resource_name,
								NAMES_MAX) };

	switch (doc->kind->id) {
	case KIND_SERVICE:
		add_service(s, &names, XDS_LISTENER, doc, pool);
		break;
	case KIND_HTTP_ROUTE:
		for (uint32_t i = 0; i < doc->http_route->parent_count; i++)
			add_parent(s, &names, &doc->http_route->parents[i], pool);
		break;
	case KIND_WORKLOAD:
		add_workload(&names, doc, pool);
		break;
	case KIND_MESH_CONFIG:
	case KIND_COUNT:
		break;
	}
	return names;
}
