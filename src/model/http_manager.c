#include "model/compile.h"
#include "model/listener.h"

#define STREAM_IDLE_ABSENT   DURATION_SECONDS(300)
#define DELAYED_CLOSE_ABSENT DURATION_SECONDS(1)
#define HEADERS_KB_ABSENT    60
#define STREAMS_ABSENT       1024
#define SERVER_NAME          "weft"

/* A duration and what it means when absent. */
static const struct {
	unsigned field;
	size_t offset;
	struct duration absent;
} durations[] = {
	{ PB_HttpConnectionManager_stream_idle_timeout,
	  offsetof(struct http_manager, stream_idle_timeout), STREAM_IDLE_ABSENT },
	{ PB_HttpConnectionManager_request_timeout, offsetof(struct http_manager, request_timeout),
	  DURATION_NS(0) },
	{ PB_HttpConnectionManager_request_headers_timeout,
	  offsetof(struct http_manager, request_headers_timeout), DURATION_NS(0) },
	{ PB_HttpConnectionManager_drain_timeout, offsetof(struct http_manager, drain_timeout),
	  DURATION_NS(0) },
	{ PB_HttpConnectionManager_delayed_close_timeout,
	  offsetof(struct http_manager, delayed_close_timeout), DELAYED_CLOSE_ABSENT },
};

static int durations_read(struct compile *c, const struct pb_message *m, struct http_manager *h)
{
	for (size_t i = 0; i < array_count(durations); i++) {
		struct duration *d = (void *)((char *)h + durations[i].offset);
		int r = compile_duration(c, m, durations[i].field, durations[i].absent, d);

		if (r < 0)
			return r;
	}
	return 0;
}

static int protocols_read(struct compile *c, const struct pb_message *m, struct http_manager *h)
{
	struct http_settings s = HTTP_SETTINGS_INIT;
	const struct pb_message *common =
		pb_sub(m, PB_HttpConnectionManager_common_http_protocol_options);
	int r;

	r = http_settings_common(c, common, &s);
	if (r < 0)
		return r;
	r = http_settings_http1(c, pb_sub(m, PB_HttpConnectionManager_http_protocol_options), &s);
	if (r < 0)
		return r;
	r = http_settings_http2(c, pb_sub(m, PB_HttpConnectionManager_http2_protocol_options), &s);
	if (r < 0)
		return r;
	h->idle_timeout = s.idle_timeout;
	h->max_stream_duration = s.max_stream_duration;
	h->headers_count_max = s.headers_count_max;
	h->requests_per_connection_max = s.requests_per_connection_max;
	h->trailers_enabled = s.trailers_enabled;
	h->http10_accepted = s.http10_accepted;
	h->http10_host = s.http10_host;
	h->http2 = s.http2;
	if (h->http2.streams_max == 0)
		h->http2.streams_max = STREAMS_ABSENT;
	h->headers_bytes_max =
		(uint32_t)pb_wrapped(m, PB_HttpConnectionManager_max_request_headers_kb,
				     HEADERS_KB_ABSENT) *
		1024;
	if (h->headers_bytes_max == 0)
		return pb_fail_field(c->d, m, PB_HttpConnectionManager_max_request_headers_kb,
				     ERR_CONFIG, "must be at least 1");
	return 0;
}

static int routes_read(struct compile *c, const struct pb_message *m, struct http_manager *h)
{
	const struct pb_message *rds = pb_sub(m, PB_HttpConnectionManager_rds);
	struct route_table *t;
	int r;

	if (rds) {
		h->routes_name = pb_text(rds, PB_Rds_route_config_name);
		return compile_ads(c, rds, PB_Rds_config_source);
	}
	t = pool_new(c->pool, struct route_table);
	t->part.kind = PART_ROUTES;
	r = routes_compile(c, pb_sub(m, PB_HttpConnectionManager_route_config), &t->part);
	if (r < 0)
		return r;
	h->inline_routes = t;
	return 0;
}

static void headers_read(const struct pb_message *m, struct http_manager *h)
{
	h->use_remote_address =
		pb_wrapped_bool(m, PB_HttpConnectionManager_use_remote_address, false);
	h->skip_xff_append = pb_bool(m, PB_HttpConnectionManager_skip_xff_append);
	h->xff_num_trusted_hops =
		(uint32_t)pb_number(m, PB_HttpConnectionManager_xff_num_trusted_hops);
	h->generate_request_id =
		pb_wrapped_bool(m, PB_HttpConnectionManager_generate_request_id, true);
	h->preserve_external_request_id =
		pb_bool(m, PB_HttpConnectionManager_preserve_external_request_id);
	h->request_id_in_response =
		pb_bool(m, PB_HttpConnectionManager_always_set_request_id_in_response);
	h->normalize_path = pb_wrapped_bool(m, PB_HttpConnectionManager_normalize_path, false);
	h->merge_slashes = pb_bool(m, PB_HttpConnectionManager_merge_slashes);
	h->reject_escaped_slashes =
		pb_number(m, PB_HttpConnectionManager_path_with_escaped_slashes_action) ==
		PB_HttpConnectionManager_PathWithEscapedSlashesAction_REJECT_REQUEST;
	if (pb_bool(m, PB_HttpConnectionManager_strip_any_host_port))
		h->host_port = HOST_PORT_STRIP;
	else if (pb_bool(m, PB_HttpConnectionManager_strip_matching_host_port))
		h->host_port = HOST_PORT_STRIP_OWN;
}

static void client_certificate_read(const struct pb_message *m, struct http_manager *h)
{
	static const int details[] = {
		[PB_HttpConnectionManager_ForwardClientCertDetails_SANITIZE] = XFCC_SANITIZE,
		[PB_HttpConnectionManager_ForwardClientCertDetails_FORWARD_ONLY] =
			XFCC_FORWARD_ONLY,
		[PB_HttpConnectionManager_ForwardClientCertDetails_APPEND_FORWARD] =
			XFCC_APPEND_FORWARD,
		[PB_HttpConnectionManager_ForwardClientCertDetails_SANITIZE_SET] =
			XFCC_SANITIZE_SET,
		[PB_HttpConnectionManager_ForwardClientCertDetails_ALWAYS_FORWARD_ONLY] =
			XFCC_ALWAYS_FORWARD_ONLY,
	};
	const struct pb_message *say =
		pb_sub(m, PB_HttpConnectionManager_set_current_client_cert_details);

	h->forward_client_certificate =
		details[pb_number(m, PB_HttpConnectionManager_forward_client_cert_details)];
	h->xfcc_subject = pb_wrapped_bool(
		say, PB_HttpConnectionManager_SetCurrentClientCertDetails_subject, false);
	h->xfcc_uri = pb_bool(say, PB_HttpConnectionManager_SetCurrentClientCertDetails_uri);
	h->xfcc_dns = pb_bool(say, PB_HttpConnectionManager_SetCurrentClientCertDetails_dns);
	h->xfcc_cert = pb_bool(say, PB_HttpConnectionManager_SetCurrentClientCertDetails_cert);
	h->xfcc_chain = pb_bool(say, PB_HttpConnectionManager_SetCurrentClientCertDetails_chain);
}

static int server_header_read(struct compile *c, const struct pb_message *m, struct http_manager *h)
{
	static const int transformations[] = {
		[PB_HttpConnectionManager_ServerHeaderTransformation_OVERWRITE] =
			SERVER_HEADER_OVERWRITE,
		[PB_HttpConnectionManager_ServerHeaderTransformation_APPEND_IF_ABSENT] =
			SERVER_HEADER_APPEND_IF_ABSENT,
		[PB_HttpConnectionManager_ServerHeaderTransformation_PASS_THROUGH] =
			SERVER_HEADER_PASS_THROUGH,
	};

	h->server_header = transformations[pb_number(
		m, PB_HttpConnectionManager_server_header_transformation)];
	h->server_name = pb_text(m, PB_HttpConnectionManager_server_name);
	if (!compile_is_header_value(h->server_name))
		return pb_fail_field(c->d, m, PB_HttpConnectionManager_server_name, ERR_CONFIG,
				     "holds a control character");
	if (h->server_name.len == 0)
		h->server_name = STR(SERVER_NAME);
	return 0;
}

int http_manager_compile(struct compile *c, const struct pb_message *m,
			 struct http_manager **ret_http)
{
	static const int codecs[] = {
		[PB_HttpConnectionManager_CodecType_AUTO] = HTTP_MANAGER_AUTO,
		[PB_HttpConnectionManager_CodecType_HTTP1] = HTTP_MANAGER_HTTP1,
		[PB_HttpConnectionManager_CodecType_HTTP2] = HTTP_MANAGER_HTTP2,
	};
	struct http_manager *h = pool_new(c->pool, struct http_manager);
	struct access_log_list logs = { 0 };
	struct filter_list filters = { 0 };
	int r;

	h->stat_prefix = pb_text(m, PB_HttpConnectionManager_stat_prefix);
	h->codec = codecs[pb_number(m, PB_HttpConnectionManager_codec_type)];
	headers_read(m, h);
	client_certificate_read(m, h);
	r = server_header_read(c, m, h);
	if (r < 0)
		return r;
	r = durations_read(c, m, h);
	if (r < 0)
		return r;
	r = protocols_read(c, m, h);
	if (r < 0)
		return r;
	r = routes_read(c, m, h);
	if (r < 0)
		return r;
	r = filters_compile(c, m, PB_HttpConnectionManager_http_filters, &filters);
	if (r < 0)
		return r;
	r = access_logs_compile(c, m, PB_HttpConnectionManager_access_log, &logs);
	if (r < 0)
		return r;
	h->filters = filters.items;
	h->filter_count = filters.count;
	h->access_logs = logs.items;
	h->access_log_count = logs.count;
	*ret_http = h;
	return 0;
}
