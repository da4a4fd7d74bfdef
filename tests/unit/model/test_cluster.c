#include "fixture.h"

#include "model/cluster.h"
#include "yaml.h"

#define CLUSTER(lines) "name: c\n" lines
#define EDS(lines)     "name: c\ntype: EDS\neds_cluster_config: {eds_config: {ads: {}}}\n" lines
#define OPTIONS_KEY    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
#define OPTIONS(fields)                                           \
	CLUSTER("typed_extension_protocol_options: {" OPTIONS_KEY \
		": {" TYPE(OPTIONS_KEY) ", " fields "}}\n")
#define TLS                                                 \
	"transport_socket: {name: t, typed_config: {" TYPE( \
		"envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext") "}}\n"
#define OPTIONS_AT "typed_extension_protocol_options[\"" OPTIONS_KEY "\"]"

static struct cluster *cluster(const char *yaml)
{
	return cluster_of(compiled(PART_CLUSTER, yaml));
}

TEST(a_cluster_without_settings_means_what_it_means_in_envoy)
{
	struct cluster *c = cluster(CLUSTER(""));

	assert_str_equal(c->part.name, "c");
	assert_str_equal(c->alt_stat_name, "c");
	assert_int_equal(c->type, CLUSTER_STATIC);
	assert_str_equal(c->endpoints_name, "c");
	assert_int_equal(c->static_endpoints->count, 0);
	assert_int_equal(c->static_endpoints->overprovisioning_percent, 140);
	assert_int_equal(c->policy, BALANCE_ROUND_ROBIN);
	assert_int_equal(c->choice_count, 2);
	assert_int_equal(c->panic_threshold_percent, 50);
	assert_int_equal(c->connect_timeout.ns, DURATION_SECONDS(5).ns);
	for (int i = 0; i < PRIORITY_COUNT; i++) {
		assert_int_equal(c->breakers[i].connections_max, 1024);
		assert_int_equal(c->breakers[i].pending_max, 1024);
		assert_int_equal(c->breakers[i].requests_max, 1024);
		assert_int_equal(c->breakers[i].retries_max, 3);
		assert_int_equal(c->breakers[i].retry_budget_percent, 0);
	}
	assert_null(c->tls);
	assert_int_equal(c->protocol, UPSTREAM_HTTP1);
	assert_int_equal(c->idle_timeout.ns, DURATION_SECONDS(3600).ns);
	assert_int_equal(c->headers_count_max, 100);
	assert_int_equal(c->requests_per_connection_max, 0);
	assert_int_equal(c->buffer_limit_bytes, 1 << 20);
	assert_false(c->trailers_enabled);
	part_unref(&c->part);
}

TEST(each_setting_of_a_cluster_is_taken_over)
{
	struct cluster *c = cluster(
		CLUSTER("alt_stat_name: other\n"
			"connect_timeout: 0.5s\n"
			"per_connection_buffer_limit_bytes: 1000\n"
			"lb_policy: LEAST_REQUEST\n"
			"least_request_lb_config: {choice_count: 5}\n"
			"common_lb_config: {healthy_panic_threshold: {value: 0}}\n"
			"max_requests_per_connection: 7\n"
			"metadata: {filter_metadata: {weft.dev: {service: web, namespace: shop}}}\n"
			"load_assignment: {cluster_name: c, endpoints: [{lb_endpoints: [{endpoint: "
			"{address: {socket_address: {address: 10.0.0.1, port_value: 80}}}}]}]}\n"));

	assert_str_equal(c->alt_stat_name, "other");
	assert_int_equal(c->connect_timeout.ns, DURATION_MS(500).ns);
	assert_int_equal(c->buffer_limit_bytes, 1000);
	assert_int_equal(c->policy, BALANCE_LEAST_REQUEST);
	assert_int_equal(c->choice_count, 5);
	assert_int_equal(c->panic_threshold_percent, 0);
	assert_int_equal(c->requests_per_connection_max, 7);
	assert_str_equal(c->service, "web");
	assert_str_equal(c->service_namespace, "shop");
	assert_int_equal(c->static_endpoints->count, 1);
	assert_string_equal(address_text(&c->static_endpoints->items[0].address), "10.0.0.1:80");
	part_unref(&c->part);
}

TEST(endpoints_are_asked_for_by_the_clusters_name_or_another)
{
	struct cluster *c = cluster(EDS(""));

	assert_int_equal(c->type, CLUSTER_EDS);
	assert_str_equal(c->endpoints_name, "c");
	assert_null(c->static_endpoints);
	part_unref(&c->part);

	c = cluster("name: c\ntype: EDS\neds_cluster_config: {eds_config: {ads: {}}, service_name: "
		    "other}\n");
	assert_str_equal(c->endpoints_name, "other");
	part_unref(&c->part);
}

TEST(policies_are_known)
{
	struct cluster *c = cluster(CLUSTER("lb_policy: RANDOM\n"));

	assert_int_equal(c->policy, BALANCE_RANDOM);
	part_unref(&c->part);
}

TEST(breakers_are_set_by_priority)
{
	struct cluster *c = cluster(
		CLUSTER("circuit_breakers: {thresholds: [{priority: HIGH, max_connections: 1, "
			"max_pending_requests: 2, max_requests: 0, max_retries: 4}]}\n"));

	assert_int_equal(c->breakers[0].connections_max, 1024);
	assert_int_equal(c->breakers[1].connections_max, 1);
	assert_int_equal(c->breakers[1].pending_max, 2);
	assert_int_equal(c->breakers[1].requests_max, 0);
	assert_int_equal(c->breakers[1].retries_max, 4);
	part_unref(&c->part);
}

TEST(retry_budgets_take_the_place_of_a_number)
{
	struct cluster *c = cluster(CLUSTER(
		"circuit_breakers: {thresholds: [{retry_budget: {budget_percent: {value: "
		"12.6}, min_retry_concurrency: 9}}, {priority: HIGH, retry_budget: {}}]}\n"));

	assert_int_equal(c->breakers[0].retry_budget_percent, 13);
	assert_int_equal(c->breakers[0].retry_budget_min, 9);
	assert_int_equal(c->breakers[1].retry_budget_percent, 20);
	assert_int_equal(c->breakers[1].retry_budget_min, 3);
	part_unref(&c->part);
}

TEST(a_retry_budget_of_nothing_leaves_its_minimum)
{
	struct cluster *c = cluster(CLUSTER(
		"circuit_breakers: {thresholds: [{retry_budget: {budget_percent: {value: 0}, "
		"min_retry_concurrency: 7}}]}\n"));

	assert_int_equal(c->breakers[0].retry_budget_percent, 0);
	assert_int_equal(c->breakers[0].retries_max, 7);
	part_unref(&c->part);
}

TEST(the_version_of_http_is_chosen)
{
	static const struct {
		const char *yaml;
		enum upstream_protocol protocol;
	} rows[] = {
		{ OPTIONS("explicit_http_config: {http_protocol_options: {}}"), UPSTREAM_HTTP1 },
		{ OPTIONS("explicit_http_config: {http2_protocol_options: {}}"), UPSTREAM_HTTP2 },
		{ OPTIONS("auto_config: {}") TLS, UPSTREAM_AUTO },
		{ OPTIONS("use_downstream_protocol_config: {}"), UPSTREAM_AS_DOWNSTREAM },
		{ CLUSTER("http2_protocol_options: {}\n"), UPSTREAM_HTTP2 },
	};

	for (size_t i = 0; i < array_count(rows); i++) {
		struct cluster *c = cluster(rows[i].yaml);

		assert_int_equal(c->protocol, rows[i].protocol);
		part_unref(&c->part);
	}
}

TEST(settings_of_http_to_the_endpoints_are_taken_over)
{
	struct cluster *c = cluster(OPTIONS(
		"common_http_protocol_options: {idle_timeout: 0s, max_headers_count: 50, "
		"max_requests_per_connection: 3}, explicit_http_config: {http_protocol_options: "
		"{enable_trailers: true}}"));

	assert_int_equal(c->idle_timeout.ns, 0);
	assert_int_equal(c->headers_count_max, 50);
	assert_int_equal(c->requests_per_connection_max, 3);
	assert_true(c->trailers_enabled);
	part_unref(&c->part);

	c = cluster(
		OPTIONS("explicit_http_config: {http2_protocol_options: {max_concurrent_streams: "
			"9, initial_stream_window_size: 70000}}"));
	assert_int_equal(c->http2.streams_max, 9);
	assert_int_equal(c->http2.stream_window_bytes, 70000);
	part_unref(&c->part);
}

TEST(what_only_degrades_a_cluster_is_a_warning)
{
	struct cluster *c = cluster(CLUSTER("alt_stat_name: c\n"));

	assert_int_equal(c->part.report.warnings, 0);
	part_unref(&c->part);

	c = cluster(CLUSTER(TLS));
	assert_int_equal(c->part.report.warnings, 1);
	assert_string_equal(c->part.report.first_warning,
			    "transport_socket.typed_config: the certificate of the endpoint is not "
			    "verified: no trusted_ca is set");
	part_unref(&c->part);
}

// clang-format off
static const struct refusal cluster_refused[] = {
	{ "type: STATIC\n", "name: is missing" },
	{ CLUSTER("type: STRICT_DNS\n"),
	  "type: STRICT_DNS is not supported by this version" },
	{ CLUSTER("type: LOGICAL_DNS\n"),
	  "type: LOGICAL_DNS is not supported by this version" },
	{ CLUSTER("type: ORIGINAL_DST\n"),
	  "type: ORIGINAL_DST is not supported by this version" },
	{ CLUSTER("cluster_type: {name: envoy.clusters.aggregate}\n"),
	  "cluster_type: is not supported by this version" },
	{ CLUSTER("type: EDS\n"),
	  "eds_cluster_config: is missing: a cluster of type EDS needs it" },
	{ CLUSTER("type: EDS\neds_cluster_config: {}\n"),
	  "eds_cluster_config.eds_config: only `ads: {}` is supported as a source" },
	{ CLUSTER("type: EDS\neds_cluster_config: {eds_config: {path: x}}\n"),
	  "eds_cluster_config.eds_config.path: is not supported by this version" },
	{ CLUSTER("eds_cluster_config: {eds_config: {ads: {}}}\n"),
	  "eds_cluster_config: belongs to a cluster of type EDS" },
	{ EDS("load_assignment: {cluster_name: c}\n"),
	  "load_assignment: belongs to a cluster of type STATIC" },
	{ CLUSTER("lb_policy: RING_HASH\n"),
	  "lb_policy: RING_HASH is not supported by this version" },
	{ CLUSTER("lb_policy: MAGLEV\n"),
	  "lb_policy: MAGLEV is not supported by this version" },
	{ CLUSTER("load_balancing_policy: {}\n"),
	  "load_balancing_policy: is not supported by this version" },
	{ CLUSTER("lb_subset_config: {}\n"),
	  "lb_subset_config: is not supported by this version" },
	{ CLUSTER("least_request_lb_config: {choice_count: 1}\n"),
	  "least_request_lb_config.choice_count: must be at least 2" },
	{ CLUSTER("common_lb_config: {healthy_panic_threshold: {value: 101}}\n"),
	  "common_lb_config.healthy_panic_threshold: must be between 0 and 100" },
	{ CLUSTER("connect_timeout: 0s\n"), "connect_timeout: must be more than 0" },
	{ CLUSTER("connect_timeout: -1s\n"), "connect_timeout: must not be negative" },
	{ CLUSTER("circuit_breakers: {thresholds: [{}, {}]}\n"),
	  "circuit_breakers.thresholds[1].priority: is there twice" },
	{ CLUSTER("circuit_breakers: {thresholds: [{retry_budget: {budget_percent: {value: "
	  "-1}}}]}\n"),
	  "circuit_breakers.thresholds[0].retry_budget.budget_percent: must be between 0 and "
	  "100" },
	{ OPTIONS("auto_config: {}"),
	  OPTIONS_AT ".auto_config: needs TLS: the version is agreed on by ALPN" },
	{ OPTIONS("explicit_http_config: {}"),
	  OPTIONS_AT ".explicit_http_config: needs one of its protocol_config" },
	{ OPTIONS("explicit_http_config: {http3_protocol_options: {}}"), OPTIONS_AT
	  ".explicit_http_config.http3_protocol_options: is not supported by this version" },
	{ OPTIONS("explicit_http_config: {http_protocol_options: {}}, "
	  "common_http_protocol_options: {max_stream_duration: 1s}"),
	  OPTIONS_AT
	  ".common_http_protocol_options.max_stream_duration: is not supported in a cluster" },
	{ CLUSTER("typed_extension_protocol_options: {x: {" TYPE(OPTIONS_KEY) "}}\n"),
	  "typed_extension_protocol_options.x: needs one of its upstream_protocol_options" },
	{ CLUSTER("transport_socket_matches: [{}]\n"),
	  "transport_socket_matches: is not supported by this version" },
	{ CLUSTER("transport_socket: {name: t, typed_config: {" TYPE(
		  "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext") "}}\n"),
	  "transport_socket.typed_config: transport socket \"t\" of type "
	  "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext is not supported" },
	{ CLUSTER("load_assignment: {cluster_name: c, endpoints: [{lb_endpoints: [{endpoint: "
	  "{address: {socket_address: {address: web, port_value: 80}}}}]}]}\n"),
	  "load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address."
	  "address: \"web\" is not an IP address: names are not resolved yet" },
};
// clang-format on

TEST(what_no_cluster_may_say_is_refused)
{
	assert_all_refused(PART_CLUSTER, cluster_refused);
}
