#include "model/http_settings.h"

#include "codec/http1.h"
#include "model/compile.h"

#define IDLE_ABSENT DURATION_SECONDS(3600)

int http_settings_common(struct compile *c, const struct pb_message *m, struct http_settings *s)
{
	int r;

	r = compile_duration(c, m, PB_HttpProtocolOptions_idle_timeout, IDLE_ABSENT,
			     &s->idle_timeout);
	if (r < 0)
		return r;
	r = compile_duration(c, m, PB_HttpProtocolOptions_max_stream_duration, DURATION_NS(0),
			     &s->max_stream_duration);
	if (r < 0)
		return r;
	s->headers_count_max =
		(uint32_t)pb_wrapped(m, PB_HttpProtocolOptions_max_headers_count, 100);
	s->requests_per_connection_max =
		(uint32_t)pb_wrapped(m, PB_HttpProtocolOptions_max_requests_per_connection, 0);
	if (s->headers_count_max == 0)
		return pb_fail_field(c->d, m, PB_HttpProtocolOptions_max_headers_count, ERR_CONFIG,
				     "must be at least 1");
	return 0;
}

int http_settings_http1(struct compile *c, const struct pb_message *m, struct http_settings *s)
{
	if (!pb_wrapped_bool(m, PB_Http1ProtocolOptions_allow_absolute_url, true))
		return pb_fail_field(c->d, m, PB_Http1ProtocolOptions_allow_absolute_url,
				     ERR_UNSUPPORTED, "false is not supported");
	s->trailers_enabled = pb_bool(m, PB_Http1ProtocolOptions_enable_trailers);
	s->http10_accepted = pb_bool(m, PB_Http1ProtocolOptions_accept_http_10);
	s->http10_host = pb_text(m, PB_Http1ProtocolOptions_default_host_for_http_10);
	if (s->http10_host.len && !http1_host_is_valid(s->http10_host))
		return pb_fail_field(c->d, m, PB_Http1ProtocolOptions_default_host_for_http_10,
				     ERR_CONFIG, "is no host");
	return 0;
}

/* Envoy's bounds: less than the protocol's own first window makes no sense. */
static int window_read(struct compile *c, const struct pb_message *m, unsigned field,
		       uint32_t *ret_bytes)
{
	uint64_t bytes = pb_wrapped(m, field, 0);

	if (pb_has(m, field) && bytes < 65535)
		return pb_fail_field(c->d, m, field, ERR_CONFIG, "must be at least 65535");
	*ret_bytes = (uint32_t)bytes;
	return 0;
}

int http_settings_http2(struct compile *c, const struct pb_message *m, struct http_settings *s)
{
	int r;

	s->http2.streams_max =
		(uint32_t)pb_wrapped(m, PB_Http2ProtocolOptions_max_concurrent_streams, 0);
	if (pb_has(m, PB_Http2ProtocolOptions_max_concurrent_streams) && s->http2.streams_max == 0)
		return pb_fail_field(c->d, m, PB_Http2ProtocolOptions_max_concurrent_streams,
				     ERR_CONFIG, "must be at least 1");
	r = window_read(c, m, PB_Http2ProtocolOptions_initial_stream_window_size,
			&s->http2.stream_window_bytes);
	if (r < 0)
		return r;
	return window_read(c, m, PB_Http2ProtocolOptions_initial_connection_window_size,
			   &s->http2.connection_window_bytes);
}
