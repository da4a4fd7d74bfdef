#include "control/build.h"
#include "control/build_tls.h"

#include "proto/weft.pb.h"

/* A stream on which nothing moves for this long is ended, on both sides of the mesh. */
#define STREAM_IDLE_TIMEOUT     DURATION_SECONDS(300)
#define CONNECTION_IDLE_TIMEOUT DURATION_SECONDS(3600)
/* Inbound connections outlive the idle time of the pools that use them, so that it is the
 * client that closes and no request meets a closing connection. */
#define INBOUND_IDLE_TIMEOUT    DURATION_SECONDS(2 * 3600)
#define HANDSHAKE_TIMEOUT       DURATION_SECONDS(15)
#define HEADERS_KB              60
#define HEADERS_COUNT           100
#define BUFFER_BYTES            (1024 * 1024)

/* A client's proxy chooses; ours takes HTTP/1.1 (build_cluster.c). */
static const struct str alpn[] = { STR_INIT("h2"), STR_INIT("http/1.1") };

static void http_filters(struct pb_message *manager)
{
	struct pb_message *filter = pb_add_message(manager, PB_HttpConnectionManager_http_filters);
	struct pb_message *router = pb_new(&pb_Router, manager->pool);

	pb_set_bool(router, PB_Router_suppress_envoy_headers, true);
	pb_set_text(filter, PB_HttpFilter_name, STR("envoy.filters.http.router"));
	pb_set_any(filter, PB_HttpFilter_typed_config, router);
}

/* What both directions have in common. */
static struct pb_message *http_manager(struct pool *pool, struct str stat_prefix,
				       struct duration idle_timeout)
{
	struct pb_message *m = pb_new(&pb_HttpConnectionManager, pool);
	struct pb_message *options;

	pb_set_number(m, PB_HttpConnectionManager_codec_type,
		      PB_HttpConnectionManager_CodecType_AUTO);
	pb_set_text(m, PB_HttpConnectionManager_stat_prefix, stat_prefix);
	pb_set_number(m, PB_HttpConnectionManager_server_header_transformation,
		      PB_HttpConnectionManager_ServerHeaderTransformation_PASS_THROUGH);
	pb_set_wrapped_bool(m, PB_HttpConnectionManager_use_remote_address, false);
	pb_set_wrapped_bool(m, PB_HttpConnectionManager_generate_request_id, true);
	pb_set_bool(m, PB_HttpConnectionManager_preserve_external_request_id, true);
	pb_set_duration(m, PB_HttpConnectionManager_stream_idle_timeout, STREAM_IDLE_TIMEOUT);
	pb_set_wrapped(m, PB_HttpConnectionManager_max_request_headers_kb, HEADERS_KB);
	options = pb_add_message(m, PB_HttpConnectionManager_common_http_protocol_options);
	pb_set_duration(options, PB_HttpProtocolOptions_idle_timeout, idle_timeout);
	pb_set_wrapped(options, PB_HttpProtocolOptions_max_headers_count, HEADERS_COUNT);
	options = pb_add_message(m, PB_HttpConnectionManager_http_protocol_options);
	pb_set_bool(options, PB_Http1ProtocolOptions_accept_http_10, true);
	http_filters(m);
	return m;
}

static void add_filter(struct pb_message *chain, const char *name, const struct pb_message *config)
{
	struct pb_message *filter = pb_add_message(chain, PB_FilterChain_filters);

	pb_set_text(filter, PB_Filter_name, str_from(name));
	pb_set_any(filter, PB_Filter_typed_config, config);
}

static void add_tcp_proxy(struct pb_message *chain, struct str cluster)
{
	struct pb_message *tcp = pb_new(&pb_TcpProxy, chain->pool);

	pb_set_text(tcp, PB_TcpProxy_stat_prefix, cluster);
	pb_set_text(tcp, PB_TcpProxy_cluster, cluster);
	pb_set_duration(tcp, PB_TcpProxy_idle_timeout, CONNECTION_IDLE_TIMEOUT);
	pb_set_wrapped(tcp, PB_TcpProxy_max_connect_attempts, 3);
	add_filter(chain, "envoy.filters.network.tcp_proxy", tcp);
}

static struct pb_message *listener_begin(struct pool *pool, struct str name, int direction)
{
	struct pb_message *l = pb_new(&pb_Listener, pool);

	pb_set_text(l, PB_Listener_name, name);
	pb_set_text(l, PB_Listener_stat_prefix, name);
	pb_set_number(l, PB_Listener_traffic_direction, direction);
	pb_set_wrapped_bool(l, PB_Listener_bind_to_port, false);
	pb_set_wrapped(l, PB_Listener_per_connection_buffer_limit_bytes, BUFFER_BYTES);
	return l;
}

struct pb_message *build_outbound_listener(struct pool *pool, const struct build_port *port)
{
	struct pb_message *l = listener_begin(pool, port->name, PB_TrafficDirection_OUTBOUND);
	const struct build_fact facts[] = {
		{ "service", port->service },
		{ "namespace", port->name_space },
	};
	struct pb_message *chain, *manager, *rds;

	build_address(pb_add_message(l, PB_Listener_address), port->virtual_address, port->port);
	build_facts(l, PB_Listener_metadata, facts, array_count(facts));
	chain = pb_add_message(l, PB_Listener_filter_chains);
	pb_set_text(chain, PB_FilterChain_name, port->name);
	if (port->protocol == PROTOCOL_TCP) {
		add_tcp_proxy(chain, port->name);
		return l;
	}
	manager = http_manager(pool, port->name, CONNECTION_IDLE_TIMEOUT);
	rds = pb_add_message(manager, PB_HttpConnectionManager_rds);
	pb_set_text(rds, PB_Rds_route_config_name, port->name);
	build_ads_source(pb_add_message(rds, PB_Rds_config_source));
	add_filter(chain, "envoy.filters.network.http_connection_manager", manager);
	return l;
}

/* Everything to the program; its own time limits are its business, so none is set here. */
static void inline_route(struct pb_message *manager, struct str name, struct str cluster)
{
	struct pb_message *config = pb_add_message(manager, PB_HttpConnectionManager_route_config);
	struct pb_message *host = pb_add_message(config, PB_RouteConfiguration_virtual_hosts);
	struct pb_message *route, *action;

	pb_set_text(config, PB_RouteConfiguration_name, name);
	pb_set_text(host, PB_VirtualHost_name, name);
	pb_add_text(host, PB_VirtualHost_domains, STR("*"));
	route = pb_add_message(host, PB_VirtualHost_routes);
	pb_set_text(pb_add_message(route, PB_Route_match), PB_RouteMatch_prefix, STR("/"));
	action = pb_add_message(route, PB_Route_route);
	pb_set_text(action, PB_RouteAction_cluster, cluster);
	pb_set_duration(action, PB_RouteAction_timeout, DURATION_NS(0));
}

static void inbound_http(struct pb_message *chain, const struct build_inbound *inbound,
			 struct str cluster)
{
	struct pb_message *manager = http_manager(chain->pool, inbound->name, INBOUND_IDLE_TIMEOUT);
	struct pb_message *details;

	/* What a peer says of itself in x-forwarded-client-cert is replaced by what its
	 * certificate proves. */
	pb_set_number(manager, PB_HttpConnectionManager_forward_client_cert_details,
		      PB_HttpConnectionManager_ForwardClientCertDetails_SANITIZE_SET);
	details = pb_add_message(manager, PB_HttpConnectionManager_set_current_client_cert_details);
	pb_set_bool(details, PB_HttpConnectionManager_SetCurrentClientCertDetails_uri, true);
	inline_route(manager, inbound->name, cluster);
	add_filter(chain, "envoy.filters.network.http_connection_manager", manager);
}

struct pb_message *build_inbound_listener(struct pool *pool, const struct build_inbound *inbound)
{
	struct pb_message *l = listener_begin(pool, inbound->name, PB_TrafficDirection_INBOUND);
	struct str cluster = pool_printf(pool, "local/%u", inbound->port);
	struct str anybody = pool_printf(pool, "spiffe://%.*s/", STR_ARGS(inbound->trust_domain));
	const struct build_fact facts[] = {
		{ "service", inbound->service },
		{ "namespace", inbound->name_space },
	};
	struct build_tls tls = { .sans = &anybody, .san_count = 1, .san_prefix = true };
	struct pb_message *chain;

	build_address(pb_add_message(l, PB_Listener_address), STR("0.0.0.0"), inbound->port);
	build_facts(l, PB_Listener_metadata, facts, array_count(facts));
	chain = pb_add_message(l, PB_Listener_filter_chains);
	pb_set_text(chain, PB_FilterChain_name, inbound->name);
	if (inbound->protocol != PROTOCOL_TCP) {
		tls.alpn = alpn;
		tls.alpn_count = array_count(alpn);
	}
	build_downstream_tls(pb_add_message(chain, PB_FilterChain_transport_socket), &tls);
	pb_set_duration(chain, PB_FilterChain_transport_socket_connect_timeout, HANDSHAKE_TIMEOUT);
	if (inbound->protocol == PROTOCOL_TCP)
		add_tcp_proxy(chain, cluster);
	else
		inbound_http(chain, inbound, cluster);
	return l;
}

void build_bind(struct pb_message *listener, struct str ip, uint16_t port)
{
	listener->slots[PB_Listener_address].count = 0;
	listener->slots[PB_Listener_bind_to_port].count = 0; /* which means that it does */
	build_address(pb_add_message(listener, PB_Listener_address), ip, port);
}
