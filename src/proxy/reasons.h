#pragma once

/*
 * Reasons: why an answer is the proxy's own, or why a connection ended
 *
 * Every answer that the proxy makes itself and every end that is not the peers' own doing is a
 * row of this one table. Local replies, retries, counters, access logs, metrics and whatever
 * explains a request read it; none of them decides by itself what a failure is called. Flags
 * and details are Envoy's, because runbooks know them.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "http/server.h"
#include "http/stream.h"
#include "proxy/stats.h"

/* Envoy's response flags: the short form stands in logs. */
// clang-format off
#define RESPONSE_FLAG_MAP(X)                                 \
	X(FLAG_UH,    "UH",    "NoHealthyUpstream")          \
	X(FLAG_UF,    "UF",    "UpstreamConnectionFailure")  \
	X(FLAG_UO,    "UO",    "UpstreamOverflow")           \
	X(FLAG_NR,    "NR",    "NoRouteFound")               \
	X(FLAG_URX,   "URX",   "UpstreamRetryLimitExceeded") \
	X(FLAG_NC,    "NC",    "NoClusterFound")             \
	X(FLAG_DT,    "DT",    "DurationTimeout")            \
	X(FLAG_DC,    "DC",    "DownstreamConnectionTermination") \
	X(FLAG_LR,    "LR",    "LocalReset")                 \
	X(FLAG_UR,    "UR",    "UpstreamRemoteReset")        \
	X(FLAG_UC,    "UC",    "UpstreamConnectionTermination") \
	X(FLAG_UT,    "UT",    "UpstreamRequestTimeout")     \
	X(FLAG_SI,    "SI",    "StreamIdleTimeout")          \
	X(FLAG_DPE,   "DPE",   "DownstreamProtocolError")    \
	X(FLAG_UPE,   "UPE",   "UpstreamProtocolError")      \
	X(FLAG_OM,    "OM",    "OverloadManagerTerminated")
// clang-format on

enum response_flag {
	FLAG_NONE,
#define X(id, text, long_text) id,
	RESPONSE_FLAG_MAP(X)
#undef X
		RESPONSE_FLAG_COUNT,
};

/* The bit of a flag in a set; 0 for FLAG_NONE. */
static inline uint32_t response_flag_bit(enum response_flag f)
{
	return f == FLAG_NONE ? 0 : 1u << f;
}

/* "UH", "NoHealthyUpstream". */
const char *response_flag_text(enum response_flag f);
const char *response_flag_long_text(enum response_flag f);

/* What kind of failure of an attempt it is, for the decision to retry. */
enum retry_class {
	RETRY_NEVER,
	RETRY_UNREACHED, /* no byte of the request was sent */
	RETRY_REFUSED,   /* the peer says that it processed nothing */
	RETRY_RESET,     /* the peer may have begun */
	RETRY_TIMEOUT,   /* this attempt took too long */
};

enum reason_scope { REASON_COUNTS_NOTHING, REASON_COUNTS_HTTP, REASON_COUNTS_CLUSTER };

// clang-format off
#define REASON_BEFORE(what) "upstream_reset_before_response_started{" what "}"
#define REASON_AFTER(what)  "upstream_reset_after_response_started{" what "}"
#define REASON_RESET "upstream connect error or disconnect/reset before headers. "
#define REASON_RESET_TEXT(what) REASON_RESET "reset reason: " what

/*
 * id, word, status (0: no answer can be given), flag, details, counter, retry, text, when: for
 * the reference; "" for what is no reason to tell, or what nothing gives yet
 */
#define REASON_MAP(X)                                                                             \
	X(REASON_NONE,             "none",                      0,   NONE, "",                    \
	  NOTHING, 0, NEVER, "",                                                                  \
	  "")                                                                                     \
	X(REASON_UPSTREAM,         "upstream",                  0,   NONE, "via_upstream",        \
	  NOTHING, 0, NEVER, "",                                                                  \
	  "")                                                                                     \
	X(REASON_DIRECT,           "direct_response",           0,   NONE, "direct_response",     \
	  HTTP, HTTP_RQ_DIRECT, NEVER, "",                                                        \
	  "The route answers with a direct_response.")                                            \
	X(REASON_REDIRECT,         "redirect",                  0,   NONE, "direct_response",     \
	  HTTP, HTTP_RQ_REDIRECT, NEVER, "",                                                      \
	  "The route answers with a redirect.")                                                   \
	X(REASON_NO_ROUTE,         "no_route",                  404, NR,   "route_not_found",     \
	  HTTP, HTTP_NO_ROUTE, NEVER, "",                                                         \
	  "No route matches the request.")                                                        \
	X(REASON_NO_CLUSTER,       "no_cluster",                503, NC,   "cluster_not_found",   \
	  HTTP, HTTP_NO_CLUSTER, NEVER, "",                                                       \
	  "The route's cluster does not exist.")                                                  \
	X(REASON_NO_HEALTHY,       "no_healthy_upstream",       503, UH,   "no_healthy_upstream", \
	  CLUSTER, CLUSTER_CX_NONE_HEALTHY, NEVER, "no healthy upstream",                         \
	  "The cluster has no endpoint that may be chosen.")                                      \
	X(REASON_OVERFLOW,         "breaker_open",              503, UO,                          \
	  REASON_BEFORE("overflow"),                                                              \
	  CLUSTER, CLUSTER_RQ_PENDING_OVERFLOW, NEVER, REASON_RESET_TEXT("overflow"),             \
	  "A circuit breaker of the cluster is open.")                                            \
	X(REASON_CONNECT,          "connect_failed",            503, UF,                          \
	  REASON_BEFORE("remote_connection_failure"),                                             \
	  CLUSTER, CLUSTER_RQ_PENDING_EJECT, UNREACHED,                                           \
	  REASON_RESET_TEXT("remote connection failure"),                                         \
	  "The endpoint could not be reached.")                                                   \
	X(REASON_CONNECT_TIMEOUT,  "connect_timeout",           503, UF,                          \
	  REASON_BEFORE("connection_timeout"),                                                    \
	  CLUSTER, CLUSTER_RQ_PENDING_EJECT, UNREACHED,                                           \
	  REASON_RESET_TEXT("connection timeout"),                                                \
	  "The endpoint did not take the connection in time.")                                    \
	X(REASON_TLS,              "upstream_tls_failed",       503, UF,                          \
	  REASON_BEFORE("remote_connection_failure|TLS_error"),                                   \
	  CLUSTER, CLUSTER_RQ_PENDING_EJECT, UNREACHED,                                           \
	  REASON_RESET_TEXT("remote connection failure, transport failure reason: TLS_error"),    \
	  "The TLS handshake with the endpoint failed.")                                          \
	X(REASON_NO_SECRETS,       "upstream_secrets_missing",  503, UF,                          \
	  REASON_BEFORE("local_connection_failure|TLS_secrets_not_ready"),                        \
	  CLUSTER, CLUSTER_RQ_PENDING_EJECT, NEVER,                                               \
	  REASON_RESET_TEXT("local connection failure"),                                          \
	  "The proxy has no certificate yet for connections to the endpoint.")                    \
	X(REASON_UPSTREAM_CLOSED,  "upstream_closed",           503, UC,                          \
	  REASON_BEFORE("connection_termination"),                                                \
	  NOTHING, 0, RESET, REASON_RESET_TEXT("connection termination"),                         \
	  "The endpoint closed the connection before it answered.")                               \
	X(REASON_UPSTREAM_RESET,   "upstream_reset",            503, UR,                          \
	  REASON_BEFORE("remote_reset"),                                                          \
	  CLUSTER, CLUSTER_RQ_RX_RESET, RESET, REASON_RESET_TEXT("remote reset"),                 \
	  "The endpoint cancelled the request before it answered.")                               \
	X(REASON_UPSTREAM_REFUSED, "upstream_refused",          503, UR,                          \
	  REASON_BEFORE("remote_refused_stream_reset"),                                           \
	  CLUSTER, CLUSTER_RQ_RX_RESET, REFUSED,                                                  \
	  REASON_RESET_TEXT("remote refused stream reset"),                                       \
	  "The endpoint says that it processed nothing of the request.")                          \
	X(REASON_UPSTREAM_PROTOCOL, "upstream_protocol_error",  502, UPE,                         \
	  REASON_BEFORE("protocol_error"),                                                        \
	  CLUSTER, CLUSTER_CX_PROTOCOL_ERROR, RESET, REASON_RESET_TEXT("protocol error"),         \
	  "The endpoint's answer breaks the protocol.")                                           \
	X(REASON_RESPONSE_TIMEOUT, "response_timeout",          504, UT,   "response_timeout",    \
	  CLUSTER, CLUSTER_RQ_TIMEOUT, NEVER, "upstream request timeout",                         \
	  "The answer was not whole within the route's timeout.")                                 \
	X(REASON_TRY_TIMEOUT,      "try_timeout",               504, UT,                          \
	  "upstream_per_try_timeout",                                                             \
	  CLUSTER, CLUSTER_RQ_TRY_TIMEOUT, TIMEOUT, "upstream request timeout",                   \
	  "The last attempt was not answered within per_try_timeout.")                            \
	X(REASON_MAX_DURATION,     "max_duration",              408, DT,   "max_duration_timeout", \
	  HTTP, HTTP_RQ_MAX_DURATION, NEVER, "downstream duration timeout",                       \
	  "The request outlived max_stream_duration.")                                            \
	X(REASON_IDLE_REQUEST,     "stream_idle",               408, SI,   "stream_idle_timeout", \
	  HTTP, HTTP_RQ_IDLE_TIMEOUT, NEVER, "stream timeout",                                    \
	  "The request stood still before it was whole.")                                         \
	X(REASON_IDLE_RESPONSE,    "stream_idle_response",      504, SI,   "stream_idle_timeout", \
	  HTTP, HTTP_RQ_IDLE_TIMEOUT, NEVER, "stream timeout",                                    \
	  "The answer stood still.")                                                              \
	X(REASON_REQUEST_TIMEOUT,  "request_timeout",           408, NONE,                        \
	  "request_overall_timeout", HTTP, HTTP_RQ_TIMEOUT, NEVER, "request timeout",             \
	  "The request was not whole within request_timeout.")                                    \
	X(REASON_HEADERS_TIMEOUT,  "request_headers_timeout",   408, NONE,                        \
	  "request_header_timeout", HTTP, HTTP_RQ_HEADER_TIMEOUT, NEVER,                          \
	  "request header timeout",                                                               \
	  "The head of the request was not whole in time.")                                       \
	X(REASON_BODY_LARGE,       "request_too_large",         413, NONE,                        \
	  "request_payload_too_large", HTTP, HTTP_RQ_TOO_LARGE, NEVER, "Payload Too Large",       \
	  "The body of the request is beyond the limit.")                                         \
	X(REASON_HEADERS_LARGE,    "request_headers_too_large", 431, DPE,                         \
	  "request_headers_too_large", HTTP, HTTP_RQ_TOO_LARGE, NEVER, "",                        \
	  "The headers of an HTTP/2 request are beyond a limit.")                                 \
	X(REASON_CODEC,            "malformed_request",         400, DPE,  "http1.codec_error",   \
	  HTTP, HTTP_CX_PROTOCOL_ERROR, NEVER, "Bad Request",                                     \
	  "The request breaks the rules of HTTP/1.")                                              \
	X(REASON_CODING,           "unknown_coding",            501, DPE,                         \
	  "http1.invalid_transfer_encoding", HTTP, HTTP_CX_PROTOCOL_ERROR, NEVER,                 \
	  "Not Implemented",                                                                      \
	  "The request has a transfer coding that is not known.")                                 \
	X(REASON_OLD_VERSION,      "old_version",               426, DPE,  "low_version",         \
	  NOTHING, 0, NEVER, "",                                                                  \
	  "The request is of HTTP/1.0, which is not accepted here.")                              \
	X(REASON_MESSAGE,          "malformed_request_http2",   400, DPE,                         \
	  "http2.violation.of.messaging.rule", HTTP, HTTP_CX_PROTOCOL_ERROR, NEVER, "Bad Request", \
	  "The request breaks the rules of HTTP/2.")                                              \
	X(REASON_HOST_MISSING,     "host_missing",              400, NONE, "missing_host_header", \
	  HTTP, HTTP_CX_PROTOCOL_ERROR, NEVER, "Bad Request",                                     \
	  "The request has no Host.")                                                             \
	X(REASON_CODING_LENGTH,    "coding_and_length",         400, DPE,                         \
	  "http1.content_length_and_chunked_not_allowed",                                         \
	  HTTP, HTTP_CX_PROTOCOL_ERROR, NEVER, "Bad Request",                                     \
	  "The request has both Transfer-Encoding and Content-Length.")                           \
	X(REASON_CHARACTERS,       "invalid_characters",        400, DPE,                         \
	  "http1.invalid_characters", HTTP, HTTP_CX_PROTOCOL_ERROR, NEVER, "Bad Request",         \
	  "A header has characters that are not allowed.")                                        \
	X(REASON_HEAD_LARGE,       "head_too_large",            431, DPE,                         \
	  "http1.headers_too_large", HTTP, HTTP_RQ_TOO_LARGE, NEVER, "",                          \
	  "The head of an HTTP/1 request is beyond the limit.")                                   \
	X(REASON_HEAD_MANY,        "too_many_headers",          431, DPE,                         \
	  "http1.too_many_headers", HTTP, HTTP_RQ_TOO_LARGE, NEVER, "",                           \
	  "An HTTP/1 request has too many headers.")                                              \
	X(REASON_FLOOD,            "http2_flood",               0,   DPE,  "http2.flood",         \
	  HTTP, HTTP_CX_PROTOCOL_ERROR, NEVER, "",                                                \
	  "The client sends more HTTP/2 control frames than anybody needs.")                      \
	X(REASON_UPGRADE,          "upgrade_refused",           403, NONE, "upgrade_failed",      \
	  HTTP, HTTP_RQ_UPGRADE_REFUSED, NEVER, "",                                               \
	  "The request asks for an upgrade or is CONNECT.")                                       \
	X(REASON_BAD_PATH,         "bad_path",                  400, NONE,                        \
	  "path_normalization_failed", HTTP, HTTP_RQ_BAD_PATH, NEVER, "",                         \
	  "The path cannot be brought into normal form.")                                         \
	X(REASON_NO_PATH,          "no_path",                   404, NONE, "missing_path_rejected", \
	  NOTHING, 0, NEVER, "",                                                                  \
	  "")                                                                                     \
	X(REASON_DENIED,           "denied",                    403, NONE, "denied_by_filter",    \
	  HTTP, HTTP_RQ_FILTER_DENIED, NEVER, "",                                                 \
	  "")                                                                                     \
	X(REASON_CONNECTION_IDLE,  "connection_idle",           0,   NONE, "idle_timeout",        \
	  HTTP, HTTP_CX_IDLE_TIMEOUT, NEVER, "",                                                  \
	  "The connection stood idle too long.")                                                  \
	X(REASON_CLIENT_CLOSED,    "client_closed",             0,   DC,                          \
	  "downstream_remote_disconnect", NOTHING, 0, NEVER, "",                                  \
	  "The client closed the connection before the answer was whole.")                        \
	X(REASON_CLIENT_RESET,     "client_reset",              0,   DC,   "http2.remote_reset",  \
	  HTTP, HTTP_RQ_RX_RESET, NEVER, "",                                                      \
	  "The client cancelled the request over HTTP/2.")                                        \
	X(REASON_CLIENT_PROTOCOL,  "client_protocol_error",     0,   DPE,  "http1.codec_error",   \
	  HTTP, HTTP_CX_PROTOCOL_ERROR, NEVER, "",                                                \
	  "The client broke the rules of HTTP/1 in the middle of a request.")                     \
	X(REASON_CLIENT_MESSAGE,   "client_protocol_error_http2", 0, DPE,                         \
	  "http2.violation.of.messaging.rule", HTTP, HTTP_CX_PROTOCOL_ERROR, NEVER, "",           \
	  "The client broke the rules of HTTP/2 in the middle of a request.")                     \
	X(REASON_LOCAL_CLOSED,     "closed_by_proxy",           0,   LR,                          \
	  "downstream_local_disconnect", NOTHING, 0, NEVER, "",                                   \
	  "The proxy ended it, at the end of a drain for example.")                               \
	X(REASON_AFTER_CLOSED,     "upstream_closed_midway",    0,   UC,                          \
	  REASON_AFTER("connection_termination"), NOTHING, 0, NEVER, "",                          \
	  "The endpoint closed the connection in the middle of its answer.")                      \
	X(REASON_AFTER_RESET,      "upstream_reset_midway",     0,   UR,                          \
	  REASON_AFTER("remote_reset"), CLUSTER, CLUSTER_RQ_RX_RESET, NEVER, "",                  \
	  "The endpoint cancelled in the middle of its answer.")                                  \
	X(REASON_AFTER_PROTOCOL,   "upstream_broke_midway",     0,   UPE,                         \
	  REASON_AFTER("protocol_error"), CLUSTER, CLUSTER_CX_PROTOCOL_ERROR, NEVER, "",          \
	  "The endpoint broke the protocol in the middle of its answer.")                         \
	X(REASON_PROGRAM,          "program_unreachable",       0,   UF,                          \
	  "program_unreachable", NOTHING, 0, NEVER, "",                                           \
	  "The program behind this proxy could not be reached; the caller's proxy "               \
	  "takes another endpoint.")                                                              \
	X(REASON_TCP_IDLE,         "tcp_idle",                  0,   NONE, "tcp_session_idle_timeout", \
	  NOTHING, 0, NEVER, "",                                                                  \
	  "A TCP connection stood idle too long.")                                                \
	X(REASON_NO_CHAIN,         "no_filter_chain",           0,   NR,                          \
	  "filter_chain_not_found", NOTHING, 0, NEVER, "",                                        \
	  "No filter chain of the listener matches the connection.")                              \
	X(REASON_TLS_REFUSED,      "tls_refused",               0,   DPE,  "tls_handshake_failed", \
	  NOTHING, 0, NEVER, "",                                                                  \
	  "The TLS handshake with the client failed.")                                            \
	X(REASON_SECRETS_MISSING,  "secrets_missing",           0,   DPE,  "tls_secrets_not_ready", \
	  NOTHING, 0, NEVER, "",                                                                  \
	  "The proxy has no certificate yet for the listener.")                                   \
	X(REASON_INSPECT_TIMEOUT,  "inspect_timeout",           0,   DPE,  "listener_filter_timeout", \
	  NOTHING, 0, NEVER, "",                                                                  \
	  "The first bytes of the connection did not come in time.")                              \
	X(REASON_NOT_CONFIGURED,   "not_configured",            0,   NR,   "listener_not_ready",  \
	  NOTHING, 0, NEVER, "",                                                                  \
	  "The listener has no configuration yet, and waiting for it was in vain.")               \
	X(REASON_CX_OVERFLOW,      "connection_limit",          0,   OM,   "connection_limit",    \
	  NOTHING, 0, NEVER, "",                                                                  \
	  "The proxy has as many connections as it takes.")
// clang-format on

enum reason {
#define X(id, ...) id,
	REASON_MAP(X)
#undef X
		REASON_COUNT,
};

struct reason_row {
	const char *word; /* stable, for metrics and documents */
	uint16_t status;  /* of the local reply; 0: none can be given, or it comes from elsewhere */
	uint8_t flag;     /* enum response_flag */
	uint8_t scope;    /* enum reason_scope: where the counter lies */
	uint8_t counter;  /* row in that scope's table */
	uint8_t retry;    /* enum retry_class */
	struct str details;
	struct str text; /* body of the local reply */
};

const struct reason_row *reason_row(enum reason r);

/* Of an upstream stream that ended early, before or after its response had begun. */
enum reason reason_of_reset(enum stream_reset reset, bool response_started);
/* Of a request that the client's codec refused before it became a stream. */
enum reason reason_of_fault(enum http_fault fault);
