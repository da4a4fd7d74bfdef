#include "control/graph_owner.h"

#include <stdlib.h>

#include "base/mem.h"
#include "control/build.h"

/* Different ports of the workloads of one class. */
#define PORTS_MAX 64

static struct str address_in_pool(struct pool *pool, const struct address *a)
{
	struct buf text = BUF_INIT(0);
	struct str copy;

	address_format_ip(a, &text);
	copy = pool_strdup(pool, buf_str(&text));
	buf_fini(&text);
	return copy;
}

static struct str label(const struct document *doc, const char *name)
{
	const struct str *value = text_map_get(&doc->labels, str_from(name));

	return value ? *value : STR_EMPTY;
}

/* The accounts that may serve, as SPIFFE IDs. */
static void set_accounts(struct graph_emit *e, const struct document *service,
			 struct build_port *port)
{
	const struct serving_rule *rule =
		mesh_config_serving(e->input->config, service->name_space, service->name);
	struct str fallback = service_account_default(service->service, service->name);
	const struct str *names = rule ? rule->accounts : &fallback;
	uint32_t count = rule ? rule->account_count : 1;
	struct str *ids = pool_new_array(e->pool, struct str, count);

	for (uint32_t i = 0; i < count; i++)
		ids[i] = pool_printf(e->pool, "spiffe://%.*s/ns/%.*s/sa/%.*s",
				     STR_ARGS(e->input->trust_domain),
				     STR_ARGS(service->name_space), STR_ARGS(names[i]));
	port->accounts = ids;
	port->account_count = count;
}

static int compare_endpoints(const void *left, const void *right)
{
	const struct build_endpoint *a = left, *b = right;
	int r = str_cmp(a->region, b->region);

	if (!r)
		r = str_cmp(a->zone, b->zone);
	return r ? r : str_cmp(a->workload, b->workload);
}

static bool endpoint_of(struct graph_emit *e, const struct document *service,
			const struct service_port *port, const struct document *workload,
			struct build_endpoint *ret_endpoint)
{
	const struct workload *w = workload->workload;
	const struct workload_port *target = workload_port_for(w, &port->target);

	if (!target || !target->mesh_port || !e->input->is_live(e->input->live_user, workload))
		return false;
	/* Who may serve is declared, never derived from what endpoints claim; the client's proxy
	 * would refuse this one's certificate. */
	if (!mesh_config_may_serve(e->input->config, service->name_space, service->name,
				   service->service, w->account))
		return false;
	*ret_endpoint = (struct build_endpoint){
		.address = address_in_pool(e->pool, &w->address),
		.port = (uint16_t)target->mesh_port,
		.workload = workload->name,
		.service = label(workload, "app"),
		.version = label(workload, "version"),
	};
	if (w->locality) {
		ret_endpoint->region = w->locality->region;
		ret_endpoint->zone = w->locality->zone;
	}
	return true;
}

static void emit_endpoints(struct graph_emit *e, const struct document *service,
			   const struct service_port *port, const struct build_port *built)
{
	struct documents selected = document_index_selected(e->input->index, service, e->pool);
	struct build_endpoint *endpoints =
		pool_new_array(e->pool, struct build_endpoint, selected.count + 1);
	uint32_t count = 0;

	for (uint32_t i = 0; i < selected.count; i++)
		if (endpoint_of(e, service, port, selected.items[i], &endpoints[count]))
			count++;
	qsort(endpoints, count, sizeof(*endpoints), compare_endpoints);
	e->on_resource(e, XDS_ENDPOINTS, built->name,
		       build_endpoints(e->pool, built, endpoints, count));
}

/* The key of a variant of routes: what only clients of that namespace see. */
static struct str variant_name(struct pool *pool, struct str client_namespace, struct str name)
{
	return pool_printf(pool, "%.*s|%.*s", STR_ARGS(client_namespace), STR_ARGS(name));
}

static void emit_routes(struct graph_emit *e, const struct document *service,
			const struct service_port *port, const struct build_port *built)
{
	struct attached_matches matches =
		attach_routes(e->input->index, service, port, service->name_space, e->pool);
	struct attached_namespaces foreign =
		attached_namespaces(e->input->index, service, port, e->pool);

	e->on_resource(e, XDS_ROUTES, built->name, build_routes(e->pool, built, &matches));
	for (uint32_t i = 0; i < foreign.count; i++) {
		struct str clients = foreign.items[i];

		matches = attach_routes(e->input->index, service, port, clients, e->pool);
		e->on_resource(e, XDS_ROUTES, variant_name(e->pool, clients, built->name),
			       build_routes(e->pool, built, &matches));
	}
}

void graph_emit_service(struct graph_emit *e, const struct document *service)
{
	const struct service *s = service->service;

	for (uint32_t i = 0; i < s->port_count; i++) {
		const struct service_port *port = &s->ports[i];
		struct build_port built = {
			.name = build_port_name(e->pool, service->name, service->name_space,
						e->input->trust_domain, (uint16_t)port->port),
			.service = service->name,
			.name_space = service->name_space,
			.trust_domain = e->input->trust_domain,
			.virtual_address = pool_strdup(
				e->pool, e->input->virtual_address(e->input->user, service)),
			.port = (uint16_t)port->port,
			.protocol = port->protocol,
		};

		set_accounts(e, service, &built);
		e->on_resource(e, XDS_CLUSTER, built.name, build_cluster(e->pool, &built));
		emit_endpoints(e, service, port, &built);
		e->on_resource(e, XDS_LISTENER, built.name,
			       build_outbound_listener(e->pool, &built));
		if (port->protocol == PROTOCOL_HTTP)
			emit_routes(e, service, port, &built);
	}
}

/* HTTP only where every workload of the class says so: TCP carries HTTP too, not the reverse. */
static enum port_protocol class_protocol(const struct documents *workloads, uint32_t port)
{
	const struct port_target target = { .number = port };

	for (uint32_t i = 0; i < workloads->count; i++) {
		const struct workload_port *p =
			workload_port_for(workloads->items[i]->workload, &target);

		if (p && p->protocol == PROTOCOL_TCP)
			return PROTOCOL_TCP;
	}
	return PROTOCOL_HTTP;
}

static bool seen(const uint32_t *ports, uint32_t count, uint32_t port)
{
	for (uint32_t i = 0; i < count; i++)
		if (ports[i] == port)
			return true;
	return false;
}

static void emit_inbound_port(struct graph_emit *e, struct build_inbound *inbound)
{
	inbound->name =
		build_inbound_name(e->pool, inbound->service, inbound->name_space, inbound->port);
	e->on_resource(e, XDS_LISTENER, inbound->name, build_inbound_listener(e->pool, inbound));
}

void graph_emit_inbound(struct graph_emit *e, struct str name_space, struct str app)
{
	const struct text_pair label = { STR("app"), app };
	struct documents workloads =
		document_index_labelled(e->input->index, name_space, &label, e->pool);
	struct build_inbound inbound = {
		.service = app,
		.name_space = name_space,
		.trust_domain = e->input->trust_domain,
	};
	uint32_t ports[PORTS_MAX];
	uint32_t count = 0;

	for (uint32_t i = 0; i < workloads.count; i++) {
		const struct workload *w = workloads.items[i]->workload;

		for (uint32_t j = 0; j < w->port_count; j++) {
			uint32_t port = w->ports[j].port;

			if (count == array_count(ports) || seen(ports, count, port))
				continue;
			ports[count++] = port;
			inbound.port = (uint16_t)port;
			inbound.protocol = class_protocol(&workloads, port);
			emit_inbound_port(e, &inbound);
		}
	}
}
