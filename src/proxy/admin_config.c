/*
 * /config_dump and /certs
 */

#include "codec/node.h"
#include "codec/pb_message.h"
#include "net/tls.h"
#include "proxy/admin.h"
#include "proxy/cluster_state.h"
#include "proxy/listener_state.h"
#include "proxy/proxy.h"

#define DUMP_TYPE(name) "type.googleapis.com/envoy.admin.v3." name

/* How Envoy's dumps call each kind. */
static const struct {
	enum part_kind kind;
	const char *type;
	const char *fixed; /* from the bootstrap */
	const char *active;
	const char *warming;
	const char *resource;
	bool nested; /* version and resource stand in active_state */
} dumps[] = {
	// clang-format off
	{ PART_LISTENER,  DUMP_TYPE("ListenersConfigDump"), "static_listeners",
	  "dynamic_listeners", "dynamic_warming_listeners", "listener", true },
	{ PART_CLUSTER,   DUMP_TYPE("ClustersConfigDump"), "static_clusters",
	  "dynamic_active_clusters", "dynamic_warming_clusters", "cluster", false },
	{ PART_ROUTES,    DUMP_TYPE("RoutesConfigDump"), "static_route_configs",
	  "dynamic_route_configs", "dynamic_warming_route_configs", "route_config", false },
	{ PART_ENDPOINTS, DUMP_TYPE("EndpointsConfigDump"), "static_endpoint_configs",
	  "dynamic_endpoint_configs", "dynamic_warming_endpoint_configs", "endpoint_config", false },
	{ PART_SECRET,    DUMP_TYPE("SecretsConfigDump"), "static_secrets",
	  "dynamic_active_secrets", "dynamic_warming_secrets", "secret", false },
	// clang-format on
};

/* The resource as it came, opened by its descriptor; what is secret is not shown. */
static struct node *resource_node(struct pool *pool, const struct part *p)
{
	struct str url = part_type_url(p->kind);
	const struct pb_desc *desc = pb_desc_by_type_url(url);
	struct diag d = DIAG_INIT;
	struct pb_message *m;
	struct node *n = NULL;

	if (p->raw.len && desc && pb_decode(desc, p->raw, pool, &m, NULL, &d) == 0)
		n = pb_to_node(m, pool);
	diag_fini(&d);
	if (!n) {
		n = node_new(pool, NODE_MAP);
		node_map_add(n, STR("name"), node_new_text(pool, p->name));
	}
	return n;
}

struct str admin_source(const struct part *p)
{
	if (p->from_bootstrap)
		return STR("bootstrap");
	if (p->kept)
		return STR("kept");
	/* What was received is there as it came; a secret of our own was made here. */
	return p->raw.len ? STR("control_plane") : STR("identity");
}

static struct node *entry_node(struct pool *pool, size_t which, const struct part *p)
{
	struct node *n = node_new(pool, NODE_MAP), *inner = n;

	if (dumps[which].nested && !p->from_bootstrap) {
		node_map_add(n, STR("name"), node_new_text(pool, p->name));
		inner = node_new(pool, NODE_MAP);
		node_map_add(n, STR("active_state"), inner);
	}
	if (p->version.len)
		node_map_add(inner, STR("version_info"), node_new_text(pool, p->version));
	node_map_add(inner, STR("source"), node_new_text(pool, admin_source(p)));
	if (p->report.warnings)
		node_map_add(inner, STR("warning"),
			     node_new_text(pool, str_from(p->report.first_warning)));
	node_map_add(inner, str_from(dumps[which].resource), resource_node(pool, p));
	return n;
}

static void add_list(struct node *dump, const char *name, struct node *list)
{
	if (list->count)
		node_map_add(dump, str_from(name), list);
}

static struct node *dump_node(struct pool *pool, const struct proxy *p, size_t which)
{
	struct node *n = node_new(pool, NODE_MAP);
	struct node *fixed = node_new(pool, NODE_LIST);
	struct node *active = node_new(pool, NODE_LIST);
	struct node *warming = node_new(pool, NODE_LIST);

	node_map_add(n, STR("@type"), node_new_text(pool, str_from(dumps[which].type)));
	map_for_each (entry, &p->resources.by_name[dumps[which].kind]) {
		struct part *part = resource_active(entry->value);
		struct part *staged = resource_staged(entry->value);

		if (part)
			node_list_add(part->from_bootstrap ? fixed : active,
				      entry_node(pool, which, part));
		if (staged)
			node_list_add(warming, entry_node(pool, which, staged));
	}
	add_list(n, dumps[which].fixed, fixed);
	add_list(n, dumps[which].active, active);
	add_list(n, dumps[which].warming, warming);
	return n;
}

void admin_config_dump(struct admin_request *r)
{
	struct pool pool = POOL_INIT(0);
	struct node *root = node_new(&pool, NODE_MAP), *configs = node_new(&pool, NODE_LIST);

	for (size_t i = 0; i < array_count(dumps); i++)
		node_list_add(configs, dump_node(&pool, r->proxy, i));
	node_map_add(root, STR("configs"), configs);
	r->content_type = STR("application/json");
	json_write_pretty(root, r->out);
	buf_append_char(r->out, '\n');
	pool_fini(&pool);
}

/*
 * Certificates
 */

static struct node *time_node(struct pool *pool, struct wall_time t)
{
	struct buf text = BUF_INIT(0);
	struct node *n;

	wall_time_format(t, &text);
	n = node_new_text(pool, pool_strdup(pool, buf_str(&text)));
	buf_fini(&text);
	return n;
}

static void add_names(struct pool *pool, struct node *list, const char *kind,
		      const struct str *names, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct node *n = node_new(pool, NODE_MAP);

		node_map_add(n, str_from(kind), node_new_text(pool, names[i]));
		node_list_add(list, n);
	}
}

static struct node *certificate_node(struct pool *pool, const struct certificate *c,
				     struct wall_time now)
{
	struct node *n = node_new(pool, NODE_MAP), *names = node_new(pool, NODE_LIST);
	int64_t left = (c->not_after.ns - now.ns) / 1000000000;

	node_map_add(n, STR("serial_number"), node_new_text(pool, c->serial));
	node_map_add(n, STR("subject"), node_new_text(pool, c->subject));
	add_names(pool, names, "uri", c->uri_sans, c->uri_san_count);
	add_names(pool, names, "dns", c->dns_sans, c->dns_san_count);
	node_map_add(n, STR("subject_alt_names"), names);
	node_map_add(n, STR("valid_from"), time_node(pool, c->not_before));
	node_map_add(n, STR("expiration_time"), time_node(pool, c->not_after));
	node_map_add(n, STR("days_until_expiration"),
		     node_new_text(pool, pool_printf(pool, "%lld", (long long)(left / 86400))));
	node_map_add(n, STR("seconds_until_expiration"), node_new_number(pool, left));
	return n;
}

static void add_context(struct pool *pool, struct node *list, const char *user, struct str name,
			const struct tls_slot *tls, struct wall_time now)
{
	struct node *n, *anchors, *chain;

	if (!tls->context && !tls->missing)
		return;
	n = node_new(pool, NODE_MAP);
	anchors = node_new(pool, NODE_LIST);
	chain = node_new(pool, NODE_LIST);
	node_map_add(n, str_from(user), node_new_text(pool, name));
	if (tls->missing)
		node_map_add(n, STR("missing"), node_new_bool(pool, true));
	for (uint32_t i = 0; tls->context && i < tls_context_anchor_count(tls->context); i++)
		node_list_add(anchors,
			      certificate_node(pool, tls_context_anchor(tls->context, i), now));
	if (tls->context && tls_context_certificate(tls->context))
		node_list_add(chain,
			      certificate_node(pool, tls_context_certificate(tls->context), now));
	node_map_add(n, STR("ca_cert"), anchors);
	node_map_add(n, STR("cert_chain"), chain);
	node_list_add(list, n);
}

void admin_certs(struct admin_request *r)
{
	struct proxy *p = r->proxy;
	struct wall_time now = loop_wall_now(p->loop);
	struct pool pool = POOL_INIT(0);
	struct node *root = node_new(&pool, NODE_MAP), *list = node_new(&pool, NODE_LIST);

	map_for_each (entry, &p->resources.by_name[PART_LISTENER]) {
		struct listener_state *l = listener_state_of(resource_state(entry->value));

		for (uint32_t i = 0; l && i < l->chain_count; i++)
			add_context(&pool, list, "listener", l->listener->part.name,
				    &l->chains[i].tls, now);
	}
	map_for_each (entry, &p->resources.by_name[PART_CLUSTER]) {
		struct cluster_state *c = cluster_state_of(resource_state(entry->value));

		if (c)
			add_context(&pool, list, "cluster", c->cluster->part.name, &c->tls, now);
	}
	node_map_add(root, STR("certificates"), list);
	r->content_type = STR("application/json");
	json_write_pretty(root, r->out);
	buf_append_char(r->out, '\n');
	pool_fini(&pool);
}
