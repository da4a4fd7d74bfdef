#include "control/build.h"
#include "control/build_tls.h"

#include "proto/weft.pb.h"

#define CONNECT_TIMEOUT   DURATION_SECONDS(5)
#define POOL_IDLE_TIMEOUT DURATION_SECONDS(3600)
#define BUFFER_BYTES      (1024 * 1024)

/* HTTP/1.1 between proxies: a pooled connection costs a request less than half of what an
 * HTTP/2 stream costs, and a program behind a dead proxy is noticed at once. */
static const struct str alpn[] = { STR_INIT("http/1.1") };

static void protocol_options(struct pb_message *cluster)
{
	struct pb_message *entry =
		pb_add_message(cluster, PB_Cluster_typed_extension_protocol_options);
	struct pb_message *options = pb_new(&pb_UpstreamsHttpProtocolOptions, cluster->pool);
	struct pb_message *common, *explicit_config;

	common = pb_add_message(options,
				PB_UpstreamsHttpProtocolOptions_common_http_protocol_options);
	pb_set_duration(common, PB_HttpProtocolOptions_idle_timeout, POOL_IDLE_TIMEOUT);
	explicit_config =
		pb_add_message(options, PB_UpstreamsHttpProtocolOptions_explicit_http_config);
	pb_add_message(explicit_config,
		       PB_UpstreamsHttpProtocolOptions_ExplicitHttpConfig_http_protocol_options);
	pb_set_text(entry, PB_Cluster_TypedExtensionProtocolOptionsEntry_key,
		    STR("envoy.extensions.upstreams.http.v3.HttpProtocolOptions"));
	pb_set_any(entry, PB_Cluster_TypedExtensionProtocolOptionsEntry_value, options);
}

static void circuit_breakers(struct pb_message *cluster)
{
	struct pb_message *breakers = pb_add_message(cluster, PB_Cluster_circuit_breakers);
	struct pb_message *t = pb_add_message(breakers, PB_CircuitBreakers_thresholds);

	pb_set_wrapped(t, PB_CircuitBreakers_Thresholds_max_connections, 1024);
	pb_set_wrapped(t, PB_CircuitBreakers_Thresholds_max_pending_requests, 1024);
	pb_set_wrapped(t, PB_CircuitBreakers_Thresholds_max_requests, 1024);
	/* Retries go to endpoints that have not been tried, when one has just died: as many of
	 * them as there may be requests on it. */
	pb_set_wrapped(t, PB_CircuitBreakers_Thresholds_max_retries, 256);
}

struct pb_message *build_cluster(struct pool *pool, const struct build_port *port)
{
	struct pb_message *c = pb_new(&pb_Cluster, pool);
	const struct build_fact facts[] = {
		{ "service", port->service },
		{ "namespace", port->name_space },
	};
	struct build_tls tls = {
		.sans = port->accounts,
		.san_count = port->account_count,
		.sni = pool_printf(pool, "%.*s.%.*s.svc.%.*s", STR_ARGS(port->service),
				   STR_ARGS(port->name_space), STR_ARGS(port->trust_domain)),
	};
	struct pb_message *eds;

	pb_set_text(c, PB_Cluster_name, port->name);
	pb_set_number(c, PB_Cluster_type, PB_Cluster_DiscoveryType_EDS);
	eds = pb_add_message(c, PB_Cluster_eds_cluster_config);
	build_ads_source(pb_add_message(eds, PB_Cluster_EdsClusterConfig_eds_config));
	pb_set_text(eds, PB_Cluster_EdsClusterConfig_service_name, port->name);
	pb_set_duration(c, PB_Cluster_connect_timeout, CONNECT_TIMEOUT);
	pb_set_wrapped(c, PB_Cluster_per_connection_buffer_limit_bytes, BUFFER_BYTES);
	pb_set_number(c, PB_Cluster_lb_policy, PB_Cluster_LbPolicy_LEAST_REQUEST);
	circuit_breakers(c);
	build_facts(c, PB_Cluster_metadata, facts, array_count(facts));
	if (port->protocol != PROTOCOL_TCP) {
		protocol_options(c);
		tls.alpn = alpn;
		tls.alpn_count = array_count(alpn);
	}
	build_upstream_tls(pb_add_message(c, PB_Cluster_transport_socket), &tls);
	return c;
}

static void add_endpoint(struct pb_message *locality, const struct build_endpoint *e)
{
	struct pb_message *lb = pb_add_message(locality, PB_LocalityLbEndpoints_lb_endpoints);
	const struct build_fact facts[] = {
		{ "workload", e->workload },
		{ "service", e->service },
		{ "version", e->version },
	};
	struct pb_message *endpoint = pb_add_message(lb, PB_LbEndpoint_endpoint);

	build_address(pb_add_message(endpoint, PB_Endpoint_address), e->address, e->port);
	pb_set_number(lb, PB_LbEndpoint_health_status, PB_HealthStatus_HEALTHY);
	build_facts(lb, PB_LbEndpoint_metadata, facts, array_count(facts));
	pb_set_wrapped(lb, PB_LbEndpoint_load_balancing_weight, 1);
}

static bool same_locality(const struct build_endpoint *a, const struct build_endpoint *b)
{
	return str_eq(a->region, b->region) && str_eq(a->zone, b->zone);
}

struct pb_message *build_endpoints(struct pool *pool, const struct build_port *port,
				   const struct build_endpoint *endpoints, uint32_t count)
{
	struct pb_message *cla = pb_new(&pb_ClusterLoadAssignment, pool);
	struct pb_message *group = NULL, *locality;
	uint32_t in_group = 0;

	pb_set_text(cla, PB_ClusterLoadAssignment_cluster_name, port->name);
	/* The caller sorts by locality, so each is one run. */
	for (uint32_t i = 0; i < count; i++) {
		if (i == 0 || !same_locality(&endpoints[i], &endpoints[i - 1])) {
			group = pb_add_message(cla, PB_ClusterLoadAssignment_endpoints);
			locality = pb_add_message(group, PB_LocalityLbEndpoints_locality);
			pb_set_text(locality, PB_Locality_region, endpoints[i].region);
			pb_set_text(locality, PB_Locality_zone, endpoints[i].zone);
			in_group = 0;
		}
		add_endpoint(group, &endpoints[i]);
		pb_set_wrapped(group, PB_LocalityLbEndpoints_load_balancing_weight, ++in_group);
	}
	return cla;
}
