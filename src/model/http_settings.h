#pragma once

/*
 * What holds for HTTP connections, to clients and to endpoints alike
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"
#include "codec/pb_message.h"

/* 0 leaves it to the codec. */
struct http2_settings {
	uint32_t streams_max;
	uint32_t stream_window_bytes;
	uint32_t connection_window_bytes;
};

struct http_settings {
	struct duration idle_timeout; /* 1 h */
	struct duration max_stream_duration;
	uint32_t headers_count_max; /* 100 */
	uint32_t requests_per_connection_max;
	bool trailers_enabled;
	bool http10_accepted;
	struct str http10_host; /* of requests of HTTP/1.0 without Host; empty: they are refused */
	struct http2_settings http2;
};

#define HTTP_SETTINGS_INIT                                                       \
	{                                                                        \
		.idle_timeout = DURATION_SECONDS(3600), .headers_count_max = 100 \
	}

/* Each takes over what the message says, which may be NULL. */
struct compile;
must_check int http_settings_common(struct compile *c, const struct pb_message *m,
				    struct http_settings *s);
must_check int http_settings_http1(struct compile *c, const struct pb_message *m,
				   struct http_settings *s);
must_check int http_settings_http2(struct compile *c, const struct pb_message *m,
				   struct http_settings *s);
