/*
 * /clusters and /listeners
 */

#include "codec/node.h"
#include "proxy/admin.h"
#include "proxy/cluster_state.h"
#include "proxy/proxy.h"

static const char *const health_names[] = {
	[ENDPOINT_HEALTHY] = "healthy",
	[ENDPOINT_DEGRADED] = "/degraded_eds_health",
	[ENDPOINT_UNHEALTHY] = "/failed_eds_health",
	[ENDPOINT_DRAINING] = "/eds_status_draining",
};

static bool wants_json(const struct admin_request *r)
{
	return str_eq(admin_parameter(r, STR("format"), NULL), STR("json"));
}

static void json_out(struct admin_request *r, const struct node *root)
{
	r->content_type = STR("application/json");
	json_write_pretty(root, r->out);
	buf_append_char(r->out, '\n');
}

static uint32_t load(const _Atomic uint32_t *value)
{
	return atomic_load_explicit(value, memory_order_relaxed);
}

static void host_text(struct buf *out, struct str cluster, const struct endpoint *e,
		      const struct host *h)
{
	const char *address = address_text(&e->address);

	buf_printf(out, "%.*s::%s::cx_active::%u\n", STR_ARGS(cluster), address,
		   load(&h->load->connections));
	buf_printf(out, "%.*s::%s::rq_active::%u\n", STR_ARGS(cluster), address,
		   load(&h->load->requests));
	buf_printf(out, "%.*s::%s::hostname::%.*s\n", STR_ARGS(cluster), address,
		   STR_ARGS(e->hostname));
	buf_printf(out, "%.*s::%s::health_flags::%s\n", STR_ARGS(cluster), address,
		   health_names[e->health]);
	buf_printf(out, "%.*s::%s::weight::%u\n", STR_ARGS(cluster), address, e->weight);
	buf_printf(out, "%.*s::%s::priority::%u\n", STR_ARGS(cluster), address, e->priority);
}

static void cluster_text(struct buf *out, const struct cluster_state *c)
{
	static const char *const names[PRIORITY_COUNT] = { "default", "high" };
	struct str name = c->cluster->part.name;

	buf_printf(out, "%.*s::observability_name::%.*s\n", STR_ARGS(name),
		   STR_ARGS(cluster_stat_name(c->cluster)));
	for (int i = 0; i < PRIORITY_COUNT; i++) {
		const struct breaker_limits *b = &c->cluster->breakers[i];

		buf_printf(out, "%.*s::%s_priority::max_connections::%u\n", STR_ARGS(name),
			   names[i], b->connections_max);
		buf_printf(out, "%.*s::%s_priority::max_pending_requests::%u\n", STR_ARGS(name),
			   names[i], b->pending_max);
		buf_printf(out, "%.*s::%s_priority::max_requests::%u\n", STR_ARGS(name), names[i],
			   b->requests_max);
		buf_printf(out, "%.*s::%s_priority::max_retries::%u\n", STR_ARGS(name), names[i],
			   b->retries_max);
	}
	buf_printf(out, "%.*s::added_via_api::%s\n", STR_ARGS(name),
		   c->cluster->part.from_bootstrap ? "false" : "true");
	buf_printf(out, "%.*s::source::%.*s\n", STR_ARGS(name),
		   STR_ARGS(admin_source(&c->cluster->part)));
	if (c->endpoints && c->cluster->type == CLUSTER_EDS)
		buf_printf(out, "%.*s::endpoints_source::%.*s\n", STR_ARGS(name),
			   STR_ARGS(admin_source(&c->endpoints->part)));
	if (c->tls.missing)
		buf_printf(out, "%.*s::tls_secrets::missing\n", STR_ARGS(name));
	for (uint32_t i = 0; i < cluster_state_host_count(c); i++)
		host_text(out, name, &c->endpoints->items[i], c->hosts[i]);
}

static struct node *host_node(struct pool *pool, const struct endpoint *e, const struct host *h)
{
	struct node *n = node_new(pool, NODE_MAP);

	node_map_add(n, STR("address"),
		     node_new_text(pool, pool_strdup(pool, str_from(address_text(&e->address)))));
	node_map_add(n, STR("hostname"), node_new_text(pool, e->hostname));
	node_map_add(n, STR("health"), node_new_text(pool, str_from(health_names[e->health])));
	node_map_add(n, STR("weight"), node_new_number(pool, e->weight));
	node_map_add(n, STR("priority"), node_new_number(pool, e->priority));
	node_map_add(n, STR("cx_active"), node_new_number(pool, load(&h->load->connections)));
	node_map_add(n, STR("rq_active"), node_new_number(pool, load(&h->load->requests)));
	return n;
}

static struct node *cluster_node(struct pool *pool, const struct cluster_state *c)
{
	struct node *n = node_new(pool, NODE_MAP), *hosts = node_new(pool, NODE_LIST);

	node_map_add(n, STR("name"), node_new_text(pool, c->cluster->part.name));
	node_map_add(n, STR("added_via_api"),
		     node_new_bool(pool, !c->cluster->part.from_bootstrap));
	node_map_add(n, STR("source"), node_new_text(pool, admin_source(&c->cluster->part)));
	if (c->endpoints && c->cluster->type == CLUSTER_EDS)
		node_map_add(n, STR("endpoints_source"),
			     node_new_text(pool, admin_source(&c->endpoints->part)));
	for (uint32_t i = 0; i < cluster_state_host_count(c); i++)
		node_list_add(hosts, host_node(pool, &c->endpoints->items[i], c->hosts[i]));
	node_map_add(n, STR("host_statuses"), hosts);
	return n;
}

void admin_clusters(struct admin_request *r)
{
	struct pool pool = POOL_INIT(0);
	struct node *root = node_new(&pool, NODE_MAP), *list = node_new(&pool, NODE_LIST);
	bool json = wants_json(r);

	map_for_each (entry, &r->proxy->resources.by_name[PART_CLUSTER]) {
		struct cluster_state *c = cluster_state_of(resource_state(entry->value));

		if (c && json)
			node_list_add(list, cluster_node(&pool, c));
		else if (c)
			cluster_text(r->out, c);
	}
	if (json) {
		node_map_add(root, STR("cluster_statuses"), list);
		json_out(r, root);
	}
	pool_fini(&pool);
}

static struct node *listener_node(struct pool *pool, const struct port *p)
{
	struct node *n = node_new(pool, NODE_MAP);

	node_map_add(n, STR("name"), node_new_text(pool, str_from(p->name)));
	node_map_add(n, STR("local_address"),
		     node_new_text(pool, pool_strdup(pool, str_from(address_text(&p->address)))));
	return n;
}

void admin_listeners(struct admin_request *r)
{
	const struct snapshots *s = &r->proxy->snapshots;
	uint32_t count = s->current ? s->current->tables[SNAPSHOT_PORTS]->count : 0;
	struct pool pool = POOL_INIT(0);
	struct node *root = node_new(&pool, NODE_MAP), *list = node_new(&pool, NODE_LIST);
	bool json = wants_json(r);

	for (uint32_t i = 0; i < count; i++) {
		struct port *p = port_of(snapshot_get(s->current, SNAPSHOT_PORTS, i));

		if (p && json)
			node_list_add(list, listener_node(&pool, p));
		else if (p)
			buf_printf(r->out, "%s::%s\n", p->name, address_text(&p->address));
	}
	if (json) {
		node_map_add(root, STR("listener_statuses"), list);
		json_out(r, root);
	}
	pool_fini(&pool);
}
