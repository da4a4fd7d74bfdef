#include "fixture.h"

#include "model/listener.h"
#include "yaml.h"

#define CHAIN(filter)      "name: l\n" ADDRESS "filter_chains: [{filters: [" filter "]}]\n"
#define MANAGER_OF(fields) CHAIN(HCM_OF(fields))
#define MANAGER(fields)    CHAIN(HCM(", " fields))
#define FILTERS(list)      MANAGER_OF("stat_prefix: s, route_config: {}, http_filters: [" list "]")
#define AT                 "filter_chains[0].filters[0].typed_config."

static struct http_manager *manager(struct part *p)
{
	return listener_of(p)->chains[0].http;
}

TEST(a_connection_manager_without_settings_means_what_it_means_in_envoy)
{
	struct part *p = compiled(PART_LISTENER, MANAGER("codec_type: AUTO"));
	const struct http_manager *h = manager(p);

	assert_str_equal(h->stat_prefix, "s");
	assert_int_equal(h->codec, HTTP_MANAGER_AUTO);
	assert_non_null(h->inline_routes);
	assert_int_equal(h->routes_name.len, 0);
	assert_int_equal(h->filter_count, 1);
	assert_int_equal(h->access_log_count, 0);
	assert_int_equal(h->stream_idle_timeout.ns, DURATION_SECONDS(300).ns);
	assert_int_equal(h->request_timeout.ns, 0);
	assert_int_equal(h->request_headers_timeout.ns, 0);
	assert_int_equal(h->max_stream_duration.ns, 0);
	assert_int_equal(h->idle_timeout.ns, DURATION_SECONDS(3600).ns);
	assert_int_equal(h->headers_bytes_max, 60 * 1024);
	assert_int_equal(h->headers_count_max, 100);
	assert_int_equal(h->requests_per_connection_max, 0);
	assert_int_equal(h->http2.streams_max, 1024);
	assert_int_equal(h->host_port, HOST_PORT_KEEP);
	assert_false(h->use_remote_address || h->skip_xff_append || h->request_id_in_response);
	assert_true(h->generate_request_id);
	assert_false(h->preserve_external_request_id || h->trailers_enabled);
	assert_false(h->normalize_path || h->merge_slashes || h->reject_escaped_slashes);
	assert_int_equal(h->xff_num_trusted_hops, 0);
	assert_str_equal(h->server_name, "weft");
	assert_int_equal(h->server_header, SERVER_HEADER_OVERWRITE);
	assert_int_equal(h->forward_client_certificate, XFCC_SANITIZE);
	assert_false(h->xfcc_subject || h->xfcc_uri || h->xfcc_dns || h->xfcc_cert ||
		     h->xfcc_chain);
	part_unref(p);
}

TEST(each_timeout_of_a_connection_manager_is_taken_over)
{
	struct part *p = compiled(
		PART_LISTENER,
		MANAGER("stream_idle_timeout: 1s, request_timeout: 2s, request_headers_timeout: "
			"3s, "
			"common_http_protocol_options: "
			"{idle_timeout: 6s, max_stream_duration: 7s, max_headers_count: 8, "
			"max_requests_per_connection: 9}, max_request_headers_kb: 96"));
	const struct http_manager *h = manager(p);

	assert_int_equal(h->stream_idle_timeout.ns, DURATION_SECONDS(1).ns);
	assert_int_equal(h->request_timeout.ns, DURATION_SECONDS(2).ns);
	assert_int_equal(h->request_headers_timeout.ns, DURATION_SECONDS(3).ns);
	assert_int_equal(h->idle_timeout.ns, DURATION_SECONDS(6).ns);
	assert_int_equal(h->max_stream_duration.ns, DURATION_SECONDS(7).ns);
	assert_int_equal(h->headers_count_max, 8);
	assert_int_equal(h->requests_per_connection_max, 9);
	assert_int_equal(h->headers_bytes_max, 96 * 1024);
	part_unref(p);
}

TEST(each_switch_of_a_connection_manager_is_taken_over)
{
	struct part *p = compiled(
		PART_LISTENER,
		MANAGER("codec_type: HTTP2, use_remote_address: true, skip_xff_append: true, "
			"xff_num_trusted_hops: 2, generate_request_id: false, "
			"preserve_external_request_id: true, always_set_request_id_in_response: "
			"true, "
			"normalize_path: true, merge_slashes: true, "
			"path_with_escaped_slashes_action: "
			"REJECT_REQUEST, strip_any_host_port: true, server_name: edge, "
			"server_header_transformation: PASS_THROUGH, http_protocol_options: "
			"{enable_trailers: true}, http2_protocol_options: {max_concurrent_streams: "
			"5, "
			"initial_stream_window_size: 65536, initial_connection_window_size: "
			"131072}, "
			"forward_client_cert_details: APPEND_FORWARD, "
			"set_current_client_cert_details: "
			"{subject: true, uri: true, dns: true, cert: true, chain: true}"));
	const struct http_manager *h = manager(p);

	assert_int_equal(h->codec, HTTP_MANAGER_HTTP2);
	assert_true(h->use_remote_address && h->skip_xff_append);
	assert_int_equal(h->xff_num_trusted_hops, 2);
	assert_false(h->generate_request_id);
	assert_true(h->preserve_external_request_id && h->request_id_in_response);
	assert_true(h->normalize_path && h->merge_slashes && h->reject_escaped_slashes);
	assert_int_equal(h->host_port, HOST_PORT_STRIP);
	assert_str_equal(h->server_name, "edge");
	assert_int_equal(h->server_header, SERVER_HEADER_PASS_THROUGH);
	assert_true(h->trailers_enabled);
	assert_int_equal(h->http2.streams_max, 5);
	assert_int_equal(h->http2.stream_window_bytes, 65536);
	assert_int_equal(h->http2.connection_window_bytes, 131072);
	assert_int_equal(h->forward_client_certificate, XFCC_APPEND_FORWARD);
	assert_true(h->xfcc_subject && h->xfcc_uri && h->xfcc_dns && h->xfcc_cert && h->xfcc_chain);
	part_unref(p);
}

TEST(the_port_of_the_host_may_be_stripped_where_it_is_the_listeners)
{
	struct part *p = compiled(PART_LISTENER, MANAGER("strip_matching_host_port: true"));

	assert_int_equal(manager(p)->host_port, HOST_PORT_STRIP_OWN);
	part_unref(p);
}

TEST(routes_come_inline_or_by_name)
{
	struct part *p = compiled(
		PART_LISTENER, MANAGER_OF("stat_prefix: s, http_filters: [" ROUTER
					  "], rds: {route_config_name: r, "
					  "config_source: {ads: {}, resource_api_version: V3}}"));

	assert_null(manager(p)->inline_routes);
	assert_str_equal(manager(p)->routes_name, "r");
	part_unref(p);
}

#define FILTER(rest) "{name: f, " rest "}"

TEST(the_router_is_compiled)
{
	struct part *p = compiled(PART_LISTENER, FILTERS("{name: r, typed_config: {" TYPE(
							 "envoy.extensions.filters.http.router.v3."
							 "Router") ", suppress_envoy_headers: "
								   "true}}"));
	const struct filter_settings *f = manager(p)->filters[0];
	const struct router_settings *router = f->config;

	assert_int_equal(f->kind, FILTER_ROUTER);
	assert_str_equal(f->name, "r");
	assert_false(f->disabled);
	assert_true(router->suppress_envoy_headers);
	part_unref(p);
}

TEST(an_optional_filter_of_unknown_type_is_left_out_with_a_warning)
{
	struct part *p =
		compiled(PART_LISTENER, FILTERS(FILTER("is_optional: true, typed_config: {" TYPE(
						"envoy.extensions.filters.http.grpc_stats.v3."
						"FilterConfig") "}") ", " ROUTER));

	assert_int_equal(manager(p)->filter_count, 1);
	assert_int_equal(p->report.warnings, 1);
	assert_string_equal(p->report.first_warning,
			    AT "http_filters[0]: is optional and not supported: left out");
	part_unref(p);
}

// clang-format off
static const struct refusal list_of_filters_refused[] = {
	{ FILTERS(""), AT "http_filters: the last filter must be the router" },
	{ FILTERS(ROUTER ", {name: two, typed_config: {" TYPE(
		  "envoy.extensions.filters.http.router.v3.Router") "}}"),
	  AT
	  "http_filters: \"two\" stands behind the router, which must be the last filter" },
	{ FILTERS("{name: r, disabled: true, typed_config: {" TYPE(
		  "envoy.extensions.filters.http.router.v3.Router") "}}"),
	  AT "http_filters: the router cannot be disabled" },
	{ FILTERS(FILTER("typed_config: {" TYPE(
		  "envoy.extensions.filters.http.fault.v3.HTTPFault") "}") ", " ROUTER),
	  AT "http_filters[0].typed_config: HTTP filter \"f\" of type "
	  "envoy.extensions.filters.http.fault.v3.HTTPFault is not supported" },
	/* Optional or not: what guards is never left out. */
	{ FILTERS(FILTER("is_optional: true, typed_config: {" TYPE(
		  "envoy.extensions.filters.http.rbac.v3.RBAC") "}") ", " ROUTER),
	  AT "http_filters[0].typed_config: HTTP filter \"f\" of type "
	  "envoy.extensions.filters.http.rbac.v3.RBAC is not supported" },
	{ FILTERS(FILTER("is_optional: true, typed_config: {" TYPE(
		  "xds.type.v3.TypedStruct") "}") ", " ROUTER),
	  AT
	  "http_filters[0].typed_config: HTTP filter \"f\" of type xds.type.v3.TypedStruct is "
	  "not supported" },
	{ FILTERS("{name: envoy.filters.http.jwt_authn, is_optional: true}, " ROUTER), AT
	  "http_filters[0].typed_config: is missing: its \"@type\" says which HTTP filter it "
	  "is" },
	/* A filter that is known must be right, optional or not. */
	{ FILTERS("{name: r, is_optional: true, typed_config: {" TYPE(
		  "envoy.extensions.filters.http.router.v3.Router") ", strict_check_headers: "
	  "[x]}}"),
	  AT "http_filters[0].typed_config.strict_check_headers: is not supported by this "
	  "version" },
	{ FILTERS("{name: f, config_discovery: {}}, " ROUTER),
	  AT "http_filters[0].config_discovery: is not supported by this version" },
};
// clang-format on

TEST(what_no_list_of_filters_may_say_is_refused)
{
	assert_all_refused(PART_LISTENER, list_of_filters_refused);
}

// clang-format off
static const struct refusal connection_manager_refused[] = {
	{ MANAGER_OF("route_config: {}, http_filters: [" ROUTER "]"),
	  AT "stat_prefix: is missing" },
	{ MANAGER_OF("stat_prefix: s, http_filters: [" ROUTER "]"),
	  "filter_chains[0].filters[0].typed_config: needs one of its route_specifier" },
	{ MANAGER_OF("stat_prefix: s, http_filters: [" ROUTER
		     "], rds: {route_config_name: r, config_source: {path: x}}"),
	  AT "rds.config_source.path: is not supported by this version" },
	{ MANAGER_OF("stat_prefix: s, http_filters: [" ROUTER
		     "], rds: {config_source: {ads: {}}}"),
	  AT "rds.route_config_name: is missing" },
	{ MANAGER_OF("stat_prefix: s, http_filters: [" ROUTER
		     "], route_config: {virtual_hosts: [{name: a, domains: ['']}]}"),
	  AT "route_config.virtual_hosts[0].domains[0]: \"\" is not a domain: expected a host, "
	  "\"*.example.com\", \"example.*\" or \"*\"" },
	{ MANAGER("codec_type: HTTP3"),
	  AT "codec_type: HTTP3 is not supported by this version" },
	{ MANAGER("stream_idle_timeout: -1s"),
	  AT "stream_idle_timeout: must not be negative" },
	{ MANAGER("max_request_headers_kb: 0"),
	  AT "max_request_headers_kb: must be at least 1" },
	{ MANAGER("max_request_headers_kb: 8193"),
	  AT "max_request_headers_kb: is more than 8192" },
	{ MANAGER("common_http_protocol_options: {max_headers_count: 0}"),
	  AT "common_http_protocol_options.max_headers_count: must be at least 1" },
	{ MANAGER("common_http_protocol_options: {headers_with_underscores_action: "
	  "REJECT_REQUEST}"),
	  AT
	  "common_http_protocol_options.headers_with_underscores_action: is not supported by "
	  "this version" },
	{ MANAGER("http_protocol_options: {allow_absolute_url: false}"),
	  AT "http_protocol_options.allow_absolute_url: false is not supported" },
	{ MANAGER("http_protocol_options: {default_host_for_http_10: a b}"),
	  AT "http_protocol_options.default_host_for_http_10: is no host" },
	{ MANAGER("http2_protocol_options: {max_concurrent_streams: 0}"),
	  AT "http2_protocol_options.max_concurrent_streams: must be at least 1" },
	{ MANAGER("http2_protocol_options: {initial_stream_window_size: 1000}"),
	  AT "http2_protocol_options.initial_stream_window_size: must be at least 65535" },
	{ MANAGER("server_name: \"a\\nb\""), AT "server_name: holds a control character" },
	{ MANAGER("upgrade_configs: [{upgrade_type: websocket}]"),
	  AT "upgrade_configs: is not supported by this version" },
	{ MANAGER("path_with_escaped_slashes_action: UNESCAPE_AND_FORWARD"), AT
	  "path_with_escaped_slashes_action: UNESCAPE_AND_FORWARD is not supported by this "
	  "version" },
};
// clang-format on

TEST(what_no_connection_manager_may_say_is_refused)
{
	assert_all_refused(PART_LISTENER, connection_manager_refused);
}
