#include "fixture.h"

#include "model/listener.h"
#include "yaml.h"

#define LISTENER(lines) "name: l\n" ADDRESS lines
#define CHAIN(fields)   LISTENER("filter_chains: [{" fields "}]\n")
#define ONE_CHAIN       "filter_chains: [{filters: [" TCP("cluster: a") "]}]\n"
#define AT              "filter_chains[0]."

static struct listener *listener(const char *yaml)
{
	return listener_of(compiled(PART_LISTENER, yaml));
}

TEST(a_listener_without_settings_means_what_it_means_in_envoy)
{
	struct listener *l = listener(LISTENER(ONE_CHAIN));

	assert_str_equal(l->part.name, "l");
	assert_string_equal(address_text(&l->address), "127.0.0.1:80");
	assert_str_equal(l->stat_prefix, "127.0.0.1:80");
	assert_true(l->bind_to_port);
	assert_int_equal(l->direction, TRAFFIC_UNSPECIFIED);
	assert_false(l->needs_tls_inspector);
	assert_false(l->needs_http_inspector);
	assert_int_equal(l->inspect_timeout.ns, DURATION_SECONDS(15).ns);
	assert_false(l->continue_on_inspect_timeout);
	assert_int_equal(l->buffer_limit_bytes, 1 << 20);
	assert_int_equal(l->chain_count, 1);
	assert_null(l->default_chain);
	assert_null(l->chains[0].tls);
	assert_null(l->chains[0].http);
	assert_non_null(l->chains[0].tcp);
	assert_int_equal(l->chains[0].transport_timeout.ns, DURATION_SECONDS(15).ns);
	assert_int_equal(l->access_log_count, 0);
	part_unref(&l->part);
}

TEST(each_setting_of_a_listener_is_taken_over)
{
	struct listener *l =
		listener(LISTENER("stat_prefix: front\n"
				  "bind_to_port: false\n"
				  "traffic_direction: OUTBOUND\n"
				  "listener_filters_timeout: 2s\n"
				  "continue_on_listener_filters_timeout: true\n"
				  "per_connection_buffer_limit_bytes: 4096\n"
				  "access_log: [{name: a, typed_config: {" TYPE(
					  "envoy.extensions.access_loggers.stream.v3."
					  "StdoutAccessLog") "}}]\n"
							     "metadata: {filter_metadata: "
							     "{weft.dev: {service: web, namespace: "
							     "shop, "
							     "version: v2}, other: {service: "
							     "x}}}\n" ONE_CHAIN));

	assert_str_equal(l->stat_prefix, "front");
	assert_false(l->bind_to_port);
	assert_int_equal(l->direction, TRAFFIC_OUTBOUND);
	assert_int_equal(l->inspect_timeout.ns, DURATION_SECONDS(2).ns);
	assert_true(l->continue_on_inspect_timeout);
	assert_int_equal(l->buffer_limit_bytes, 4096);
	assert_int_equal(l->access_log_count, 1);
	assert_str_equal(l->service, "web");
	assert_str_equal(l->service_namespace, "shop");
	assert_str_equal(l->service_version, "v2");
	part_unref(&l->part);
}

TEST(a_listener_without_a_name_is_named_by_its_address)
{
	struct listener *l =
		listener("address: {socket_address: {address: '::1', port_value: 81}}\n" ONE_CHAIN);

	assert_str_equal(l->part.name, "[::1]:81");
	part_unref(&l->part);
}

TEST(a_listener_may_be_a_unix_socket)
{
	struct listener *l = listener("address: {pipe: {path: /run/x.sock}}\n" ONE_CHAIN);

	assert_str_equal(l->part.name, "unix:/run/x.sock");
	part_unref(&l->part);
}

#define LISTENER_FILTER(name) \
	"{name: f, typed_config: {" TYPE("envoy.extensions.filters.listener." name) "}}"

#define BOTH_INSPECTORS                                  \
	LISTENER_FILTER("tls_inspector.v3.TlsInspector") \
	", " LISTENER_FILTER("http_inspector.v3.HttpInspector")

TEST(inspectors_are_asked_for)
{
	struct listener *l =
		listener(LISTENER("listener_filters: [" BOTH_INSPECTORS "]\n" ONE_CHAIN));

	assert_true(l->needs_tls_inspector);
	assert_true(l->needs_http_inspector);
	part_unref(&l->part);
}

#define MATCHING(match) CHAIN("filter_chain_match: {" match "}, filters: [" TCP("cluster: a") "]")

TEST(a_match_that_needs_an_inspector_gets_one_as_in_envoy)
{
	static const struct {
		const char *yaml;
		bool needed;
	} rows[] = {
		{ MATCHING("transport_protocol: tls"), true },
		{ MATCHING("server_names: [a.example]"), true },
		{ MATCHING("application_protocols: [h2]"), true },
		{ MATCHING("transport_protocol: raw_buffer, application_protocols: [h2c]"), false },
		{ MATCHING("destination_port: 80"), false },
	};

	for (size_t i = 0; i < array_count(rows); i++) {
		struct listener *l = listener(rows[i].yaml);

		assert_int_equal(l->needs_tls_inspector, rows[i].needed);
		part_unref(&l->part);
	}
}

TEST(each_part_of_a_match_is_taken_over)
{
	struct listener *l = listener(MATCHING(
		"destination_port: 443, prefix_ranges: [{address_prefix: 10.1.2.3, "
		"prefix_len: 12}], direct_source_prefix_ranges: [{address_prefix: 'fd01::1', "
		"prefix_len: 9}], source_prefix_ranges: [{address_prefix: 0.0.0.0}], "
		"source_type: EXTERNAL, source_ports: [1, 65535], server_names: "
		"['A.Example', '*.B.example'], transport_protocol: tls, "
		"application_protocols: [h2, http/1.1]"));
	struct filter_chain *c = &l->chains[0];

	assert_int_equal(c->match.destination_port, 443);
	assert_string_equal(address_text(&c->match.destination_ranges[0].prefix), "10.0.0.0:0");
	assert_int_equal(c->match.destination_ranges[0].prefix_bits, 12);
	assert_string_equal(address_text(&c->match.direct_source_ranges[0].prefix), "[fd00::]:0");
	assert_int_equal(c->match.source_ranges[0].prefix_bits, 0);
	assert_int_equal(c->match.source_type, SOURCE_EXTERNAL);
	assert_int_equal(c->match.source_ports[1], 65535);
	assert_int_equal(c->match.server_name_count, 2);
	assert_str_equal(c->match.server_names[0], "a.example");
	assert_str_equal(c->match.server_names[1], ".b.example");
	assert_str_equal(c->match.transport_protocol, "tls");
	assert_int_equal(c->match.application_protocol_count, 2);
	part_unref(&l->part);
}

TEST(settings_of_a_chain_are_taken_over)
{
	struct listener *l = listener(CHAIN(
		"name: c, transport_socket_connect_timeout: 3s, "
		"filters: [" HCM("") "], transport_socket: {name: raw, "
				     "typed_config: {" TYPE("envoy.extensions.transport_sockets."
							    "raw_buffer.v3.RawBuffer") "}}"));

	assert_str_equal(l->chains[0].name, "c");
	assert_int_equal(l->chains[0].transport_timeout.ns, DURATION_SECONDS(3).ns);
	assert_null(l->chains[0].tls);
	assert_non_null(l->chains[0].http);
	assert_null(l->chains[0].tcp);
	part_unref(&l->part);
}

TEST(a_handshake_always_has_a_limit)
{
	struct listener *l = listener(
		CHAIN("transport_socket_connect_timeout: 0s, filters: [" TCP("cluster: a") "]"));

	assert_int_equal(l->chains[0].transport_timeout.ns, DURATION_SECONDS(15).ns);
	part_unref(&l->part);
}

// clang-format off
#define BY_NAME                                                                   \
	HCM_OF("stat_prefix: s, http_filters: [" ROUTER "], "                     \
	       "rds: {route_config_name: r, config_source: {ads: {}}}")
#define TO_CLUSTER(name)                                                          \
	HCM_OF("stat_prefix: s, http_filters: [" ROUTER "], "                     \
	       "route_config: {virtual_hosts: [{name: a, domains: [a], "          \
	       "routes: [{match: {prefix: /}, route: {cluster: " name "}}]}]}")

static const char with_references[] =
	LISTENER("filter_chains:\n"
		 "- filter_chain_match: {destination_port: 1}\n"
		 "  filters: [" TCP("cluster: one") "]\n"
		 "- filter_chain_match: {destination_port: 2}\n"
		 "  filters: [" BY_NAME "]\n"
		 "- filter_chain_match: {destination_port: 3}\n"
		 "  filters: [" BY_NAME "]\n"
		 "default_filter_chain:\n"
		 "  filters: [" TO_CLUSTER("two") "]\n");
// clang-format on

TEST(references_of_all_chains_are_gathered)
{
	struct listener *l = listener(with_references);

	assert_int_equal(l->cluster_count, 2);
	assert_str_equal(l->clusters[0]->name, "one");
	assert_str_equal(l->clusters[1]->name, "two");
	assert_int_equal(l->route_name_count, 1);
	assert_str_equal(l->route_names[0], "r");
	assert_non_null(l->default_chain);
	part_unref(&l->part);
}

TEST(a_listener_may_have_a_default_chain_alone)
{
	struct listener *l =
		listener(LISTENER("default_filter_chain: {filters: [" TCP("cluster: a") "]}\n"));

	assert_int_equal(l->chain_count, 0);
	assert_non_null(l->default_chain->tcp);
	part_unref(&l->part);
}

// clang-format off
static const struct refusal listener_refused[] = {
	{ "name: l\n" ONE_CHAIN, "address: is missing" },
	{ "name: l\naddress: {}\n" ONE_CHAIN, "address: needs one of its address" },
	{ "name: l\naddress: {socket_address: {address: localhost, port_value: 1}}\n" ONE_CHAIN,
	  "address.socket_address.address: \"localhost\" is not an IP address: names are not "
	  "resolved yet" },
	{ "name: l\naddress: {socket_address: {address: 127.0.0.1}}\n" ONE_CHAIN,
	  "address.socket_address: needs one of its port_specifier" },
	{ "name: l\naddress: {socket_address: {address: 127.0.0.1, port_value: "
	  "65536}}\n" ONE_CHAIN,
	  "address.socket_address.port_value: is more than 65535" },
	{ "name: l\naddress: {socket_address: {protocol: UDP, address: 127.0.0.1, port_value: "
	  "1}}\n" ONE_CHAIN,
	  "address.socket_address.protocol: UDP is not supported by this version" },
	{ LISTENER(""), "filter_chains: a listener needs a filter chain" },
	{ LISTENER("use_original_dst: true\n" ONE_CHAIN),
	  "use_original_dst: is not supported by this version" },
	{ LISTENER("listener_filters: [{name: f}]\n" ONE_CHAIN),
	  "listener_filters[0].typed_config: is missing: its \"@type\" says which listener "
	  "filter it is" },
	{ LISTENER("listener_filters: [" LISTENER_FILTER(
		  "original_dst.v3.OriginalDst") "]\n" ONE_CHAIN),
	  "listener_filters[0].typed_config: listener filter \"f\" of type "
	  "envoy.extensions.filters.listener.original_dst.v3.OriginalDst is not supported" },
	{ LISTENER("listener_filters: [" LISTENER_FILTER(
		  "proxy_protocol.v3.ProxyProtocol") "]\n" ONE_CHAIN),
	  "listener_filters[0].typed_config: listener filter \"f\" of type "
	  "envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol is not "
	  "supported" },
	{ LISTENER("listener_filters_timeout: -1s\n" ONE_CHAIN),
	  "listener_filters_timeout: must not be negative" },
};
// clang-format on

TEST(what_no_listener_may_say_is_refused)
{
	assert_all_refused(PART_LISTENER, listener_refused);
}

// clang-format off
static const struct refusal chain_refused[] = {
	{ CHAIN("filters: []"), AT "filters: a chain needs a network filter" },
	{ CHAIN("filters: [" TCP("cluster: a") ", " TCP("cluster: b") "]"),
	  AT "filters: \"tcp\" takes the connection: no filter may stand behind it" },
	{ CHAIN("filters: [{name: f, typed_config: {" TYPE(
		  "envoy.extensions.filters.network.redis_proxy.v3.RedisProxy") "}}]"),
	  AT "filters[0].typed_config: network filter \"f\" of type "
	  "envoy.extensions.filters.network.redis_proxy.v3.RedisProxy is not supported" },
	{ CHAIN("filters: [{name: f, typed_config: {" TYPE(
		  "envoy.extensions.filters.network.rbac.v3.RBAC") "}}, " TCP("cluster: "
	  "a") "]"),
	  AT "filters[0].typed_config: network filter \"f\" of type "
	  "envoy.extensions.filters.network.rbac.v3.RBAC is not supported" },
	{ CHAIN("filters: [{name: f}]"), AT "filters[0].typed_config: is missing: its "
	  "\"@type\" says which network filter it is" },
	{ CHAIN("filters: [{name: f, typed_config: {" TYPE(
		  "envoy.extensions.filters.http.router.v3.Router") "}}]"),
	  AT "filters[0].typed_config: network filter \"f\" of type "
	  "envoy.extensions.filters.http.router.v3.Router is not supported" },
	{ CHAIN("use_proxy_proto: true, filters: [" TCP("cluster: a") "]"),
	  AT "use_proxy_proto: is not supported by this version" },
	{ CHAIN("filters: [" TCP(
		  "cluster: a") "], transport_socket: {name: t, typed_config: "
	  "{" TYPE("envoy.extensions.transport_sockets.quic.v3.QuicDownstreamTransport") "}}"),
	  AT "transport_socket.typed_config: transport socket \"t\" of type "
	  "envoy.extensions.transport_sockets.quic.v3.QuicDownstreamTransport is not "
	  "supported" },
	{ CHAIN("filters: [" TCP(
		  "cluster: a") "], transport_socket: {name: t, typed_config: "
	  "{" TYPE("envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext") "}}"),
	  AT "transport_socket.typed_config: transport socket \"t\" of type "
	  "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext is not supported" },
};
// clang-format on

TEST(what_no_chain_may_say_is_refused)
{
	assert_all_refused(PART_LISTENER, chain_refused);
}
