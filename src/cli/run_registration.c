#include "cli/run_documents.h"

#include "cli/tree.h"
#include "mesh/kind.h"

static struct node *object_begin(struct pool *pool, struct node *items, enum kind_id id,
				 const struct run_plan *p)
{
	const struct kind *kind = kind_of(id);
	struct buf version = BUF_INIT(0);
	struct node *object = tree_map(pool, items, NULL);

	kind_api_version(kind, &version);
	tree_text(pool, object, "apiVersion", pool_strdup(pool, buf_str(&version)));
	tree_text(pool, object, "kind", str_from(kind->name));
	tree_text(pool, tree_map(pool, object, "metadata"), "namespace", p->name_space);
	buf_fini(&version);
	return object;
}

static void add_labels(struct pool *pool, struct node *labels, const struct run_plan *p,
		       bool version)
{
	tree_text(pool, labels, "app", p->service);
	if (version && p->version.len)
		tree_text(pool, labels, "version", p->version);
}

/* "http-9080" */
static struct str name_of_port(struct pool *pool, const struct run_port *port)
{
	return pool_printf(pool, "%s-%u", port_protocol_text(port->protocol), port->number);
}

static void add_service(struct pool *pool, struct node *items, const struct run_plan *p,
			bool version)
{
	struct node *object = object_begin(pool, items, KIND_SERVICE, p);
	struct node *spec = tree_map(pool, object, "spec");
	struct node *ports;

	tree_text(
		pool, node_get(object, STR("metadata")), "name",
		version ? pool_printf(pool, "%.*s-%.*s", STR_ARGS(p->service), STR_ARGS(p->version))
			: p->service);
	add_labels(pool, tree_map(pool, spec, "selector"), p, version);
	ports = tree_list(pool, spec, "ports");
	for (uint32_t i = 0; i < p->port_count; i++) {
		const struct run_port *port = &p->ports[i];
		struct node *n = tree_map(pool, ports, NULL);

		tree_text(pool, n, "name", name_of_port(pool, port));
		tree_number(pool, n, "port", port->number);
		tree_number(pool, n, "targetPort", port->number);
		tree_text(pool, n, "appProtocol", str_from(port_protocol_text(port->protocol)));
	}
}

struct str run_ip_text(struct pool *pool, const struct address *a)
{
	struct buf text = BUF_INIT(0);
	struct str copy;

	address_format_ip(a, &text);
	copy = pool_strdup(pool, buf_str(&text));
	buf_fini(&text);
	return copy;
}

static void add_workload(struct pool *pool, struct node *items, const struct run_plan *p,
			 bool ready)
{
	struct node *object = object_begin(pool, items, KIND_WORKLOAD, p);
	struct node *metadata = node_get(object, STR("metadata"));
	struct node *spec = tree_map(pool, object, "spec");
	struct node *ports;

	tree_text(pool, metadata, "name", p->workload);
	add_labels(pool, tree_map(pool, metadata, "labels"), p, true);
	/* Where others reach it: the mesh ports. */
	tree_text(pool, spec, "address",
		  run_ip_text(pool, p->port_count ? &p->ports[0].mesh : &p->address));
	tree_text(pool, spec, "serviceAccount", p->service);
	ports = tree_list(pool, spec, "ports");
	for (uint32_t i = 0; i < p->port_count; i++) {
		const struct run_port *port = &p->ports[i];
		struct node *n = tree_map(pool, ports, NULL);

		tree_text(pool, n, "name", name_of_port(pool, port));
		tree_number(pool, n, "port", port->number);
		tree_number(pool, n, "meshPort", address_port(&port->mesh));
		tree_text(pool, n, "protocol", str_from(port_protocol_text(port->protocol)));
	}
	tree_text(pool, spec, "readiness", ready ? STR("Ready") : STR("Starting"));
}

void run_registration(const struct run_plan *p, bool ready, struct buf *out)
{
	struct pool pool = POOL_INIT(0);
	struct node *body = node_new(&pool, NODE_MAP);
	struct node *items;

	tree_text(&pool, body, "kind", STR("List"));
	tree_text(&pool, body, "apiVersion", STR("v1"));
	items = tree_list(&pool, body, "items");
	if (p->port_count)
		add_service(&pool, items, p, false);
	if (p->port_count && p->version.len)
		add_service(&pool, items, p, true);
	add_workload(&pool, items, p, ready);
	json_write(body, out);
	pool_fini(&pool);
}

void run_workload_path(const struct run_plan *p, struct buf *out)
{
	struct kind_path path = {
		.kind = kind_of(KIND_WORKLOAD),
		.name_space = p->name_space,
		.name = p->workload,
	};

	kind_path_format(&path, out);
}
