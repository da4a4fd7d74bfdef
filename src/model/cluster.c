#include "model/cluster.h"

#include <math.h>

#include "model/compile.h"

#define CONNECT_TIMEOUT_ABSENT DURATION_SECONDS(5)
#define BUFFER_LIMIT_ABSENT    (1 << 20)
#define PANIC_THRESHOLD_ABSENT 50
#define CHOICE_COUNT_ABSENT    2
#define BREAKER_ABSENT         1024
#define RETRIES_ABSENT         3
#define RETRY_BUDGET_ABSENT    20

#define HTTP_OPTIONS_KEY       "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"

/* A share in hundredths, rounded. */
static int percent_read(struct compile *c, const struct pb_message *m, unsigned field,
			uint32_t absent, uint32_t *ret_percent)
{
	double value = pb_real(pb_sub(m, field), PB_Percent_value);

	*ret_percent = absent;
	if (!pb_has(m, field))
		return 0;
	if (!(value >= 0 && value <= 100))
		return pb_fail_field(c->d, m, field, ERR_CONFIG, "must be between 0 and 100");
	*ret_percent = (uint32_t)(value + 0.5);
	return 0;
}

/* Endpoints */

static int static_endpoints(struct compile *c, const struct pb_message *m, struct cluster *k)
{
	k->static_endpoints = pool_new(c->pool, struct endpoint_set);
	k->static_endpoints->part.kind = PART_ENDPOINTS;
	return endpoints_compile(c, pb_sub(m, PB_Cluster_load_assignment), k->static_endpoints);
}

static int discovery_read(struct compile *c, const struct pb_message *m, struct cluster *k)
{
	const struct pb_message *eds = pb_sub(m, PB_Cluster_eds_cluster_config);

	if (pb_number(m, PB_Cluster_type) != PB_Cluster_DiscoveryType_EDS) {
		k->type = CLUSTER_STATIC;
		k->endpoints_name = k->part.name;
		if (eds)
			return pb_fail_field(c->d, m, PB_Cluster_eds_cluster_config, ERR_CONFIG,
					     "belongs to a cluster of type EDS");
		return static_endpoints(c, m, k);
	}
	k->type = CLUSTER_EDS;
	if (!eds)
		return pb_fail_field(c->d, m, PB_Cluster_eds_cluster_config, ERR_CONFIG,
				     "is missing: a cluster of type EDS needs it");
	if (pb_has(m, PB_Cluster_load_assignment))
		return pb_fail_field(c->d, m, PB_Cluster_load_assignment, ERR_CONFIG,
				     "belongs to a cluster of type STATIC");
	k->endpoints_name = pb_text(eds, PB_Cluster_EdsClusterConfig_service_name);
	if (k->endpoints_name.len == 0)
		k->endpoints_name = k->part.name;
	return compile_ads(c, eds, PB_Cluster_EdsClusterConfig_eds_config);
}

/* Balancing */

static int balancing_read(struct compile *c, const struct pb_message *m, struct cluster *k)
{
	static const enum balance_policy policies[] = {
		[PB_Cluster_LbPolicy_ROUND_ROBIN] = BALANCE_ROUND_ROBIN,
		[PB_Cluster_LbPolicy_LEAST_REQUEST] = BALANCE_LEAST_REQUEST,
		[PB_Cluster_LbPolicy_RANDOM] = BALANCE_RANDOM,
	};
	const struct pb_message *least = pb_sub(m, PB_Cluster_least_request_lb_config);

	k->policy = policies[pb_number(m, PB_Cluster_lb_policy)];
	k->choice_count = (uint32_t)pb_wrapped(least, PB_Cluster_LeastRequestLbConfig_choice_count,
					       CHOICE_COUNT_ABSENT);
	if (k->choice_count < 2)
		return pb_fail_field(c->d, least, PB_Cluster_LeastRequestLbConfig_choice_count,
				     ERR_CONFIG, "must be at least 2");
	return percent_read(c, pb_sub(m, PB_Cluster_common_lb_config),
			    PB_Cluster_CommonLbConfig_healthy_panic_threshold,
			    PANIC_THRESHOLD_ABSENT, &k->panic_threshold_percent);
}

/* Circuit breakers */

static int retry_budget_read(struct compile *c, const struct pb_message *m,
			     struct breaker_limits *b)
{
	const struct pb_message *budget = pb_sub(m, PB_CircuitBreakers_Thresholds_retry_budget);
	int r;

	if (!budget)
		return 0;
	b->retry_budget_min = (uint32_t)pb_wrapped(
		budget, PB_CircuitBreakers_Thresholds_RetryBudget_min_retry_concurrency,
		RETRIES_ABSENT);
	r = percent_read(c, budget, PB_CircuitBreakers_Thresholds_RetryBudget_budget_percent,
			 RETRY_BUDGET_ABSENT, &b->retry_budget_percent);
	if (r < 0)
		return r;
	if (b->retry_budget_percent == 0)
		b->retries_max = b->retry_budget_min; /* a share of nothing */
	return 0;
}

static int thresholds_read(struct compile *c, const struct pb_message *m, struct breaker_limits *b)
{
	b->connections_max = (uint32_t)pb_wrapped(m, PB_CircuitBreakers_Thresholds_max_connections,
						  BREAKER_ABSENT);
	b->pending_max = (uint32_t)pb_wrapped(m, PB_CircuitBreakers_Thresholds_max_pending_requests,
					      BREAKER_ABSENT);
	b->requests_max =
		(uint32_t)pb_wrapped(m, PB_CircuitBreakers_Thresholds_max_requests, BREAKER_ABSENT);
	b->retries_max =
		(uint32_t)pb_wrapped(m, PB_CircuitBreakers_Thresholds_max_retries, RETRIES_ABSENT);
	return retry_budget_read(c, m, b);
}

static int breakers_read(struct compile *c, const struct pb_message *m, struct cluster *k)
{
	const struct pb_message *breakers = pb_sub(m, PB_Cluster_circuit_breakers);
	bool seen[PRIORITY_COUNT] = { false };

	for (int i = 0; i < PRIORITY_COUNT; i++) {
		int r = thresholds_read(c, NULL, &k->breakers[i]);

		if (r < 0)
			return r;
	}
	for (uint32_t i = 0; i < pb_count(breakers, PB_CircuitBreakers_thresholds); i++) {
		const struct pb_message *t = pb_sub_at(breakers, PB_CircuitBreakers_thresholds, i);
		bool high = pb_number(t, PB_CircuitBreakers_Thresholds_priority) ==
			    PB_RoutingPriority_HIGH;
		int r;

		if (seen[high])
			return pb_fail_field(c->d, t, PB_CircuitBreakers_Thresholds_priority,
					     ERR_CONFIG, "is there twice");
		seen[high] = true;
		r = thresholds_read(c, t, &k->breakers[high]);
		if (r < 0)
			return r;
	}
	return 0;
}

/* HTTP to the endpoints */

static int explicit_read(struct compile *c, const struct pb_message *m, struct cluster *k,
			 struct http_settings *s)
{
	const struct pb_message *http2 = pb_sub(
		m, PB_UpstreamsHttpProtocolOptions_ExplicitHttpConfig_http2_protocol_options);

	if (http2) {
		k->protocol = UPSTREAM_HTTP2;
		return http_settings_http2(c, http2, s);
	}
	k->protocol = UPSTREAM_HTTP1;
	return http_settings_http1(
		c,
		pb_sub(m, PB_UpstreamsHttpProtocolOptions_ExplicitHttpConfig_http_protocol_options),
		s);
}

static int either_read(struct compile *c, const struct pb_message *http1,
		       const struct pb_message *http2, struct http_settings *s)
{
	int r = http_settings_http1(c, http1, s);

	return r < 0 ? r : http_settings_http2(c, http2, s);
}

static int http_options_read(struct compile *c, const struct pb_message *m, struct cluster *k,
			     struct http_settings *s)
{
	const struct pb_message *common =
		pb_sub(m, PB_UpstreamsHttpProtocolOptions_common_http_protocol_options);
	const struct pb_message *same =
		pb_sub(m, PB_UpstreamsHttpProtocolOptions_use_downstream_protocol_config);
	const struct pb_message *by_alpn = pb_sub(m, PB_UpstreamsHttpProtocolOptions_auto_config);
	int r;

	r = http_settings_common(c, common, s);
	if (r < 0)
		return r;
	if (s->max_stream_duration.ns > 0)
		return pb_fail_field(c->d, common, PB_HttpProtocolOptions_max_stream_duration,
				     ERR_UNSUPPORTED, "is not supported in a cluster");
	if (by_alpn) {
		k->protocol = UPSTREAM_AUTO;
		if (!k->tls)
			return pb_fail_field(c->d, m, PB_UpstreamsHttpProtocolOptions_auto_config,
					     ERR_CONFIG,
					     "needs TLS: the version is agreed on by ALPN");
		return either_read(
			c,
			pb_sub(by_alpn,
			       PB_UpstreamsHttpProtocolOptions_AutoHttpConfig_http_protocol_options),
			pb_sub(by_alpn,
			       PB_UpstreamsHttpProtocolOptions_AutoHttpConfig_http2_protocol_options),
			s);
	}
	if (same) {
		k->protocol = UPSTREAM_AS_DOWNSTREAM;
		return either_read(
			c,
			pb_sub(same,
			       PB_UpstreamsHttpProtocolOptions_UseDownstreamHttpConfig_http_protocol_options),
			pb_sub(same,
			       PB_UpstreamsHttpProtocolOptions_UseDownstreamHttpConfig_http2_protocol_options),
			s);
	}
	return explicit_read(c, pb_sub(m, PB_UpstreamsHttpProtocolOptions_explicit_http_config), k,
			     s);
}

static int extension_options_read(struct compile *c, const struct pb_message *m, struct cluster *k,
				  struct http_settings *s)
{
	for (uint32_t i = 0; i < pb_count(m, PB_Cluster_typed_extension_protocol_options); i++) {
		const struct pb_message *entry =
			pb_sub_at(m, PB_Cluster_typed_extension_protocol_options, i);
		struct str key = pb_text(entry, PB_Cluster_TypedExtensionProtocolOptionsEntry_key);
		struct pb_message *options;
		int r;

		if (!str_eq(key, STR(HTTP_OPTIONS_KEY)) ||
		    compile_any_type(entry, PB_Cluster_TypedExtensionProtocolOptionsEntry_value) !=
			    &pb_UpstreamsHttpProtocolOptions)
			return pb_fail(c->d, entry, ERR_UNSUPPORTED,
				       "only " HTTP_OPTIONS_KEY " is supported");
		r = compile_any(c, entry, PB_Cluster_TypedExtensionProtocolOptionsEntry_value,
				&options);
		if (r < 0)
			return r;
		r = http_options_read(c, options, k, s);
		if (r < 0)
			return r;
	}
	return 0;
}

static int http_read(struct compile *c, const struct pb_message *m, struct cluster *k)
{
	struct http_settings s = HTTP_SETTINGS_INIT;
	int r;

	/* The older form: it says HTTP/2 by being there. */
	if (pb_has(m, PB_Cluster_http2_protocol_options)) {
		k->protocol = UPSTREAM_HTTP2;
		r = http_settings_http2(c, pb_sub(m, PB_Cluster_http2_protocol_options), &s);
		if (r < 0)
			return r;
	}
	r = extension_options_read(c, m, k, &s);
	if (r < 0)
		return r;
	k->idle_timeout = s.idle_timeout;
	k->headers_count_max = s.headers_count_max;
	k->trailers_enabled = s.trailers_enabled;
	k->http2 = s.http2;
	k->requests_per_connection_max = s.requests_per_connection_max;
	if (k->requests_per_connection_max == 0)
		k->requests_per_connection_max =
			(uint32_t)pb_wrapped(m, PB_Cluster_max_requests_per_connection, 0);
	return 0;
}

static int head_read(struct compile *c, const struct pb_message *m, struct cluster *k)
{
	const struct pb_message *metadata = pb_sub(m, PB_Cluster_metadata);
	int r;

	k->part.name = pb_text(m, PB_Cluster_name);
	k->alt_stat_name = pb_text(m, PB_Cluster_alt_stat_name);
	if (k->alt_stat_name.len == 0)
		k->alt_stat_name = k->part.name;
	k->service = compile_fact(metadata, "service");
	k->service_namespace = compile_fact(metadata, "namespace");
	k->buffer_limit_bytes = (uint32_t)pb_wrapped(
		m, PB_Cluster_per_connection_buffer_limit_bytes, BUFFER_LIMIT_ABSENT);
	r = compile_duration(c, m, PB_Cluster_connect_timeout, CONNECT_TIMEOUT_ABSENT,
			     &k->connect_timeout);
	if (r < 0)
		return r;
	if (k->connect_timeout.ns == 0)
		return pb_fail_field(c->d, m, PB_Cluster_connect_timeout, ERR_CONFIG,
				     "must be more than 0");
	return 0;
}

int cluster_compile(struct compile *c, const struct pb_message *m, struct part *p)
{
	struct cluster *k = cluster_of(p);
	int r;

	r = head_read(c, m, k);
	if (r < 0)
		return r;
	r = discovery_read(c, m, k);
	if (r < 0)
		return r;
	r = balancing_read(c, m, k);
	if (r < 0)
		return r;
	r = breakers_read(c, m, k);
	if (r < 0)
		return r;
	r = tls_upstream_compile(c, m, PB_Cluster_transport_socket, &k->tls);
	if (r < 0)
		return r;
	return http_read(c, m, k);
}
