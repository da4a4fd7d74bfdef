#include "cli/run_documents.h"

#include <assert.h>

#include "base/error.h"
#include "cli/tree.h"

struct str run_port_name(struct pool *pool, const struct run_port *port)
{
	return pool_printf(pool, "mesh-%u", port->number);
}

struct str run_upstream_name(struct pool *pool, uint32_t index)
{
	return pool_printf(pool, "upstream-%u", index);
}

static struct str format_address(struct pool *pool, const struct address *a)
{
	return pool_strdup(pool, str_from(address_text(a)));
}

static void add_binding(struct pool *pool, struct node *list, struct str listener,
			const struct address *a, struct str descriptor)
{
	struct node *n = tree_map(pool, list, NULL);

	tree_text(pool, n, "listener", listener);
	tree_text(pool, n, "address", format_address(pool, a));
	tree_text(pool, n, "descriptor", descriptor);
}

static void add_bindings(struct pool *pool, struct node *facts, const struct run_plan *p)
{
	struct node *list = tree_list(pool, facts, "bindings");

	for (uint32_t i = 0; i < p->port_count; i++)
		add_binding(pool, list,
			    pool_printf(pool, "inbound/%.*s/%.*s:%u", STR_ARGS(p->name_space),
					STR_ARGS(p->service), p->ports[i].number),
			    &p->ports[i].mesh, run_port_name(pool, &p->ports[i]));
	for (uint32_t i = 0; i < p->upstream_count; i++) {
		const struct run_upstream *u = &p->upstreams[i];

		add_binding(pool, list,
			    pool_printf(pool, "%.*s.%.*s.svc.%.*s:%u", STR_ARGS(u->name),
					STR_ARGS(u->name_space), STR_ARGS(p->trust_domain),
					u->port),
			    &u->address, run_upstream_name(pool, i));
	}
}

static void add_node(struct pool *pool, struct node *root, const struct run_plan *p)
{
	struct node *n = tree_map(pool, root, "node");
	struct node *facts, *identity;

	tree_text(pool, n, "id",
		  pool_printf(pool, "%.*s/%.*s", STR_ARGS(p->name_space), STR_ARGS(p->workload)));
	tree_text(pool, n, "cluster", p->service);
	facts = tree_map(pool, tree_map(pool, n, "metadata"), "weft.dev");
	tree_text(pool, facts, "service", p->service);
	tree_text(pool, facts, "namespace", p->name_space);
	tree_text(pool, facts, "version", p->version);
	tree_text(pool, facts, "workload", p->workload);
	identity = tree_map(pool, facts, "identity");
	tree_text(pool, identity, "spiffeId",
		  pool_printf(pool, "spiffe://%.*s/ns/%.*s/sa/%.*s", STR_ARGS(p->trust_domain),
			      STR_ARGS(p->name_space), STR_ARGS(p->service)));
	tree_text(pool, identity, "certificateSocket",
		  pool_printf(pool, "unix:%.*s", STR_ARGS(p->socket)));
	tree_text(pool, identity, "directory",
		  pool_printf(pool, "%.*s/identity", STR_ARGS(p->dir)));
	add_bindings(pool, facts, p);
}

static void add_endpoint(struct pool *pool, struct node *cluster, const struct address *a)
{
	struct node *assignment = tree_map(pool, cluster, "load_assignment");
	struct node *endpoints, *endpoint, *socket;

	tree_text(pool, assignment, "cluster_name", node_get(cluster, STR("name"))->text);
	endpoints = tree_list(pool, tree_map(pool, tree_list(pool, assignment, "endpoints"), NULL),
			      "lb_endpoints");
	endpoint = tree_map(pool, tree_map(pool, endpoints, NULL), "endpoint");
	socket = tree_map(pool, tree_map(pool, endpoint, "address"), "socket_address");
	tree_text(pool, socket, "address", run_ip_text(pool, a));
	tree_number(pool, socket, "port_value", address_port(a));
}

static struct node *add_http_options(struct pool *pool, struct node *cluster, const char *protocol)
{
	struct node *all = tree_map(pool, cluster, "typed_extension_protocol_options");
	struct node *options =
		tree_map(pool, all, "envoy.extensions.upstreams.http.v3.HttpProtocolOptions");
	struct node *explicit;

	tree_text(
		pool, options, "@type",
		STR("type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions"));
	explicit = tree_map(pool, options, "explicit_http_config");
	tree_map(pool, explicit, protocol);
	return options;
}

/* The program behind the proxy takes what comes: its own limits are its own business. */
static void add_no_breakers(struct pool *pool, struct node *cluster)
{
	static const char *const names[] = {
		"max_connections",
		"max_pending_requests",
		"max_requests",
	};
	struct node *thresholds =
		tree_list(pool, tree_map(pool, cluster, "circuit_breakers"), "thresholds");
	struct node *n = tree_map(pool, thresholds, NULL);

	for (size_t i = 0; i < array_count(names); i++)
		tree_number(pool, n, names[i], 1000000);
}

static void add_local_cluster(struct pool *pool, struct node *clusters, const struct run_port *port)
{
	struct node *cluster = tree_map(pool, clusters, NULL);
	struct node *options;

	tree_text(pool, cluster, "name", pool_printf(pool, "local/%u", port->number));
	tree_text(pool, cluster, "type", STR("STATIC"));
	tree_text(pool, cluster, "connect_timeout", STR("5s"));
	add_endpoint(pool, cluster, &port->program);
	add_no_breakers(pool, cluster);
	if (port->protocol != PROTOCOL_HTTP)
		return;
	options = add_http_options(pool, cluster, "http_protocol_options");
	/* Shorter than what programs wait for the next request of a connection (five seconds are
	 * common): none meets a connection that is just being closed. */
	tree_text(pool, tree_map(pool, options, "common_http_protocol_options"), "idle_timeout",
		  STR("3s"));
}

/* What the control plane listens on may be every address of its machine. */
static struct address control_address(const struct run_plan *p)
{
	struct address a = { 0 };
	bool any;

	if (address_parse(p->xds_address, &a) < 0)
		return a;
	any = a.any.sa_family == AF_INET ? a.ip4.sin_addr.s_addr == INADDR_ANY
					 : IN6_IS_ADDR_UNSPECIFIED(&a.ip6.sin6_addr);
	if (any) {
		uint16_t port = address_port(&a);
		int r = address_from_ip(a.any.sa_family == AF_INET ? STR("127.0.0.1") : STR("::1"),
					port, &a);

		assert(r == 0);
	}
	return a;
}

/* Mutual TLS, with the identity that the proxy obtains, to the control plane's own. */
static void add_control_tls(struct pool *pool, struct node *cluster, const struct run_plan *p)
{
	struct node *socket = tree_map(pool, cluster, "transport_socket");
	struct node *config, *common, *validation, *san, *n;

	tree_text(pool, socket, "name", STR("envoy.transport_sockets.tls"));
	config = tree_map(pool, socket, "typed_config");
	tree_text(pool, config, "@type",
		  STR("type.googleapis.com/"
		      "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"));
	common = tree_map(pool, config, "common_tls_context");
	node_list_add(tree_list(pool, common, "alpn_protocols"), node_new_text(pool, STR("h2")));
	n = tree_map(pool, tree_list(pool, common, "tls_certificate_sds_secret_configs"), NULL);
	tree_text(pool, n, "name", STR("default"));
	validation = tree_map(pool, common, "combined_validation_context");
	n = tree_map(pool, validation, "default_validation_context");
	san = tree_map(pool, tree_list(pool, n, "match_typed_subject_alt_names"), NULL);
	tree_text(pool, san, "san_type", STR("URI"));
	tree_text(pool, tree_map(pool, san, "matcher"), "exact",
		  pool_printf(pool, "spiffe://%.*s/ns/weft-system/sa/control",
			      STR_ARGS(p->trust_domain)));
	tree_text(pool, tree_map(pool, validation, "validation_context_sds_secret_config"), "name",
		  STR("ROOTCA"));
}

static void add_control_cluster(struct pool *pool, struct node *clusters, const struct run_plan *p)
{
	struct node *cluster = tree_map(pool, clusters, NULL);
	struct address address = control_address(p);

	tree_text(pool, cluster, "name", STR("weft-control"));
	tree_text(pool, cluster, "type", STR("STATIC"));
	tree_text(pool, cluster, "connect_timeout", STR("5s"));
	add_endpoint(pool, cluster, &address);
	add_http_options(pool, cluster, "http2_protocol_options");
	add_control_tls(pool, cluster, p);
}

static void add_ads(struct pool *pool, struct node *root)
{
	struct node *ads = tree_map(pool, tree_map(pool, root, "dynamic_resources"), "ads_config");
	struct node *service;

	tree_text(pool, ads, "api_type", STR("DELTA_GRPC"));
	tree_text(pool, ads, "transport_api_version", STR("V3"));
	service = tree_map(pool, tree_list(pool, ads, "grpc_services"), NULL);
	tree_text(pool, tree_map(pool, service, "envoy_grpc"), "cluster_name", STR("weft-control"));
}

void run_bootstrap(const struct run_plan *p, struct buf *out)
{
	struct pool pool = POOL_INIT(0);
	struct node *root = node_new(&pool, NODE_MAP);
	struct node *admin, *clusters;

	add_node(&pool, root, p);
	admin = tree_map(&pool, tree_map(&pool, root, "admin"), "address");
	tree_text(&pool, tree_map(&pool, admin, "pipe"), "path",
		  pool_printf(&pool, "%.*s/admin.sock", STR_ARGS(p->dir)));
	clusters = tree_list(&pool, tree_map(&pool, root, "static_resources"), "clusters");
	for (uint32_t i = 0; i < p->port_count; i++)
		add_local_cluster(&pool, clusters, &p->ports[i]);
	add_control_cluster(&pool, clusters, p);
	add_ads(&pool, root);
	json_write_pretty(root, out);
	pool_fini(&pool);
}
