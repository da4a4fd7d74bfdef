#pragma once

/*
 * Counters under Envoy's names
 *
 * A scope is what shares a prefix: one listener, one stat_prefix of HTTP, one cluster. Its
 * kind names a table of rows. Every worker has cells of its own in each scope, on cache lines
 * of their own; whoever reads adds them up. A worker resolves its cells once, when it meets
 * the listener or the cluster; on the request path a counter is an index into them.
 *
 * Gauges are counters that are also subtracted from: the sum over workers is the value.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/counter.h"
#include "base/histogram.h"
#include "base/list.h"
#include "base/map.h"

/* Counters and gauges: id, name, text. */
// clang-format off
#define STAT_SERVER_MAP(C, G)                                                                     \
	C(SERVER_HANDED_OVER, "worker_connections_handed_over",                                   \
	  "Connections that one worker accepted and another serves.")                             \
	C(SERVER_LOG_DROPPED, "access_log_dropped",                                               \
	  "Lines of access logs that were dropped because the file could not take "               \
	  "them in time.")                                                                        \
	C(SERVER_LOG_BYTES, "access_log_written_bytes",                                           \
	  "Bytes written to access logs.")                                                        \
	C(SERVER_SNAPSHOTS, "worker_snapshots_applied",                                           \
	  "Configurations that workers have gone over to, counted per worker.")                   \
	C(SERVER_HOLD_TIMEOUT, "connections_hold_timeout",                                        \
	  "Connections closed because their listener's configuration did not come in "            \
	  "time.")                                                                                \
	C(SERVER_HOLD_OVERFLOW, "connections_hold_overflow",                                      \
	  "Connections closed because too many waited for configuration already.")                \
	C(SERVER_CX_OVERFLOW, "connections_overflow",                                             \
	  "Connections closed because the proxy had as many as it takes.")                        \
	G(SERVER_HELD, "connections_held",                                                        \
	  "Connections that wait for their listener's configuration.")                            \
	G(SERVER_CONNECTIONS, "total_connections",                                                \
	  "Open connections from clients.")

#define STAT_TLS_MAP(P, C)                                                                        \
	C(P##_TLS_HANDSHAKE, "ssl.handshake",                                                     \
	  "TLS handshakes that were completed.")                                                  \
	C(P##_TLS_CONNECTION_ERROR, "ssl.connection_error",                                       \
	  "TLS handshakes that failed for a reason that has no counter of its own.")              \
	C(P##_TLS_NO_CERTIFICATE, "ssl.no_certificate",                                           \
	  "Completed handshakes in which the peer showed no certificate.")                        \
	C(P##_TLS_FAIL_NO_CERT, "ssl.fail_verify_no_cert",                                        \
	  "Handshakes refused because the peer showed no certificate.")                           \
	C(P##_TLS_FAIL_ERROR, "ssl.fail_verify_error",                                            \
	  "Handshakes refused because the peer's certificate is not valid or of "                 \
	  "another authority.")                                                                   \
	C(P##_TLS_FAIL_SAN, "ssl.fail_verify_san",                                                \
	  "Handshakes refused because the peer's certificate names somebody else.")

#define STAT_LISTENER_MAP(C, G)                                                                   \
	C(LISTENER_CX_TOTAL, "downstream_cx_total",                                               \
	  "Connections accepted.")                                                                \
	G(LISTENER_CX_ACTIVE, "downstream_cx_active",                                             \
	  "Open connections.")                                                                    \
	C(LISTENER_CX_DESTROY, "downstream_cx_destroy",                                           \
	  "Connections closed.")                                                                  \
	C(LISTENER_CX_TLS_TIMEOUT, "downstream_cx_transport_socket_connect_timeout",              \
	  "Connections closed because the TLS handshake took too long.")                          \
	C(LISTENER_PRE_CX_TIMEOUT, "downstream_pre_cx_timeout",                                   \
	  "Connections whose first bytes did not come in time to choose a filter "                \
	  "chain.")                                                                               \
	G(LISTENER_PRE_CX_ACTIVE, "downstream_pre_cx_active",                                     \
	  "Connections that no filter chain serves yet: first bytes or handshake are "            \
	  "awaited.")                                                                             \
	C(LISTENER_NO_CHAIN, "no_filter_chain_match",                                             \
	  "Connections closed because no filter chain matched.")                                  \
	C(LISTENER_NO_SECRETS, "server_ssl_socket_factory.downstream_context_secrets_not_ready",  \
	  "Connections closed because the certificate for them has not come yet.")                \
	STAT_TLS_MAP(LISTENER, C)

#define STAT_HTTP_MAP(C, G)                                                                       \
	C(HTTP_CX_TOTAL, "downstream_cx_total",                                                   \
	  "Connections.")                                                                         \
	G(HTTP_CX_ACTIVE, "downstream_cx_active",                                                 \
	  "Open connections.")                                                                    \
	C(HTTP_CX_DESTROY, "downstream_cx_destroy",                                               \
	  "Connections closed.")                                                                  \
	C(HTTP_CX_DESTROY_ACTIVE, "downstream_cx_destroy_active_rq",                              \
	  "Connections closed while a request was in flight.")                                    \
	C(HTTP_CX_HTTP1_TOTAL, "downstream_cx_http1_total",                                       \
	  "Connections that spoke HTTP/1.")                                                       \
	G(HTTP_CX_HTTP1_ACTIVE, "downstream_cx_http1_active",                                     \
	  "Open connections that speak HTTP/1.")                                                  \
	C(HTTP_CX_HTTP2_TOTAL, "downstream_cx_http2_total",                                       \
	  "Connections that spoke HTTP/2.")                                                       \
	G(HTTP_CX_HTTP2_ACTIVE, "downstream_cx_http2_active",                                     \
	  "Open connections that speak HTTP/2.")                                                  \
	C(HTTP_CX_SSL_TOTAL, "downstream_cx_ssl_total",                                           \
	  "Connections over TLS.")                                                                \
	G(HTTP_CX_SSL_ACTIVE, "downstream_cx_ssl_active",                                         \
	  "Open connections over TLS.")                                                           \
	C(HTTP_CX_PROTOCOL_ERROR, "downstream_cx_protocol_error",                                 \
	  "Requests or connections that broke the protocol.")                                     \
	C(HTTP_CX_IDLE_TIMEOUT, "downstream_cx_idle_timeout",                                     \
	  "Connections closed because they stood idle too long.")                                 \
	C(HTTP_CX_DRAIN_CLOSE, "downstream_cx_drain_close",                                       \
	  "Connections asked to end because listener or proxy goes away.")                        \
	C(HTTP_CX_DELAYED_CLOSE, "downstream_cx_delayed_close_timeout",                           \
	  "Closed connections whose client did not close its side in time.")                      \
	C(HTTP_CX_RX_BYTES, "downstream_cx_rx_bytes_total",                                       \
	  "Bytes received.")                                                                      \
	C(HTTP_CX_TX_BYTES, "downstream_cx_tx_bytes_total",                                       \
	  "Bytes sent.")                                                                          \
	C(HTTP_RQ_TOTAL, "downstream_rq_total",                                                   \
	  "Requests.")                                                                            \
	G(HTTP_RQ_ACTIVE, "downstream_rq_active",                                                 \
	  "Requests in flight.")                                                                  \
	C(HTTP_RQ_HTTP1, "downstream_rq_http1_total",                                             \
	  "Requests over HTTP/1.")                                                                \
	C(HTTP_RQ_HTTP2, "downstream_rq_http2_total",                                             \
	  "Requests over HTTP/2.")                                                                \
	C(HTTP_RQ_COMPLETED, "downstream_rq_completed",                                           \
	  "Requests whose response was sent whole.")                                              \
	C(HTTP_RQ_1XX, "downstream_rq_1xx",                                                       \
	  "Responses with a status of 1xx.")                                                      \
	C(HTTP_RQ_2XX, "downstream_rq_2xx",                                                       \
	  "Responses with a status of 2xx.")                                                      \
	C(HTTP_RQ_3XX, "downstream_rq_3xx",                                                       \
	  "Responses with a status of 3xx.")                                                      \
	C(HTTP_RQ_4XX, "downstream_rq_4xx",                                                       \
	  "Responses with a status of 4xx.")                                                      \
	C(HTTP_RQ_5XX, "downstream_rq_5xx",                                                       \
	  "Responses with a status of 5xx.")                                                      \
	C(HTTP_RQ_RX_RESET, "downstream_rq_rx_reset",                                             \
	  "Requests that the client cancelled over HTTP/2.")                                      \
	C(HTTP_RQ_TX_RESET, "downstream_rq_tx_reset",                                             \
	  "Requests that the proxy broke off, since no answer could be given any "                \
	  "more.")                                                                                \
	C(HTTP_RQ_TIMEOUT, "downstream_rq_timeout",                                               \
	  "Requests that did not come in whole within request_timeout.")                          \
	C(HTTP_RQ_HEADER_TIMEOUT, "downstream_rq_header_timeout",                                 \
	  "Requests whose head did not come in within request_headers_timeout.")                  \
	C(HTTP_RQ_IDLE_TIMEOUT, "downstream_rq_idle_timeout",                                     \
	  "Requests that stood still longer than the stream's idle timeout.")                     \
	C(HTTP_RQ_MAX_DURATION, "downstream_rq_max_duration_reached",                             \
	  "Requests that outlived max_stream_duration.")                                          \
	C(HTTP_RQ_TOO_LARGE, "downstream_rq_too_large",                                           \
	  "Requests whose head or body was beyond a limit.")                                      \
	C(HTTP_RQ_EARLY_RESPONSE, "downstream_rq_response_before_rq_complete",                    \
	  "Requests whose response ended before the request did.")                                \
	C(HTTP_RQ_UPGRADE_REFUSED, "downstream_rq_ws_on_non_ws_route",                            \
	  "Requests for an upgrade or CONNECT, which are refused.")                               \
	C(HTTP_RQ_BAD_PATH, "downstream_rq_failed_path_normalization",                            \
	  "Requests whose path cannot be brought into normal form.")                              \
	C(HTTP_RQ_FILTER_DENIED, "downstream_rq_denied_by_filter",                                \
	  "Requests that a filter denied; none of today's filters does.")                         \
	C(HTTP_NO_ROUTE, "no_route",                                                              \
	  "Requests that no route matched.")                                                      \
	C(HTTP_NO_CLUSTER, "no_cluster",                                                          \
	  "Requests whose route names a cluster that does not exist.")                            \
	C(HTTP_RQ_DIRECT, "rq_direct_response",                                                   \
	  "Requests answered by a direct_response of their route.")                               \
	C(HTTP_RQ_REDIRECT, "rq_redirect",                                                        \
	  "Requests answered by a redirect of their route.")

#define STAT_CLUSTER_MAP(C, G)                                                                    \
	C(CLUSTER_CX_TOTAL, "upstream_cx_total",                                                  \
	  "Connections opened.")                                                                  \
	G(CLUSTER_CX_ACTIVE, "upstream_cx_active",                                                \
	  "Open connections.")                                                                    \
	C(CLUSTER_CX_HTTP1_TOTAL, "upstream_cx_http1_total",                                      \
	  "Connections that spoke HTTP/1.")                                                       \
	C(CLUSTER_CX_HTTP2_TOTAL, "upstream_cx_http2_total",                                      \
	  "Connections that spoke HTTP/2.")                                                       \
	C(CLUSTER_CX_CONNECT_FAIL, "upstream_cx_connect_fail",                                    \
	  "Connections that could not be opened.")                                                \
	C(CLUSTER_CX_CONNECT_TIMEOUT, "upstream_cx_connect_timeout",                              \
	  "Connections that were not open within connect_timeout.")                               \
	C(CLUSTER_CX_IDLE_TIMEOUT, "upstream_cx_idle_timeout",                                    \
	  "Connections closed because they stood idle too long.")                                 \
	C(CLUSTER_CX_ATTEMPTS, "upstream_cx_connect_attempts_exceeded",                           \
	  "TCP connections of clients that ended since every attempt to connect "                 \
	  "failed.")                                                                              \
	C(CLUSTER_CX_OVERFLOW, "upstream_cx_overflow",                                            \
	  "Connections not opened because of the circuit breaker's max_connections.")             \
	C(CLUSTER_CX_DESTROY, "upstream_cx_destroy",                                              \
	  "Connections closed.")                                                                  \
	C(CLUSTER_CX_DESTROY_LOCAL, "upstream_cx_destroy_local",                                  \
	  "Connections closed by the proxy.")                                                     \
	C(CLUSTER_CX_DESTROY_REMOTE, "upstream_cx_destroy_remote",                                \
	  "Connections closed by the endpoint.")                                                  \
	C(CLUSTER_CX_PROTOCOL_ERROR, "upstream_cx_protocol_error",                                \
	  "Connections or responses that broke the protocol.")                                    \
	C(CLUSTER_CX_MAX_REQUESTS, "upstream_cx_max_requests",                                    \
	  "Connections closed after max_requests_per_connection.")                                \
	C(CLUSTER_CX_HANDED_OVER, "upstream_cx_handed_over",                                      \
	  "Idle connections that went from one worker to another.")                               \
	C(CLUSTER_CX_NONE_HEALTHY, "upstream_cx_none_healthy",                                    \
	  "Requests or connections for which there was no healthy endpoint.")                     \
	C(CLUSTER_CX_RX_BYTES, "upstream_cx_rx_bytes_total",                                      \
	  "Bytes received.")                                                                      \
	C(CLUSTER_CX_TX_BYTES, "upstream_cx_tx_bytes_total",                                      \
	  "Bytes sent.")                                                                          \
	C(CLUSTER_RQ_TOTAL, "upstream_rq_total",                                                  \
	  "Requests sent to endpoints, each attempt counted.")                                    \
	G(CLUSTER_RQ_ACTIVE, "upstream_rq_active",                                                \
	  "Requests in flight.")                                                                  \
	C(CLUSTER_RQ_COMPLETED, "upstream_rq_completed",                                          \
	  "Attempts that were answered.")                                                         \
	C(CLUSTER_RQ_1XX, "upstream_rq_1xx",                                                      \
	  "Answers with a status of 1xx.")                                                        \
	C(CLUSTER_RQ_2XX, "upstream_rq_2xx",                                                      \
	  "Answers with a status of 2xx.")                                                        \
	C(CLUSTER_RQ_3XX, "upstream_rq_3xx",                                                      \
	  "Answers with a status of 3xx.")                                                        \
	C(CLUSTER_RQ_4XX, "upstream_rq_4xx",                                                      \
	  "Answers with a status of 4xx.")                                                        \
	C(CLUSTER_RQ_5XX, "upstream_rq_5xx",                                                      \
	  "Answers with a status of 5xx.")                                                        \
	C(CLUSTER_RQ_200, "upstream_rq_200",                                                      \
	  "Answers with status 200.")                                                             \
	C(CLUSTER_RQ_404, "upstream_rq_404",                                                      \
	  "Answers with status 404.")                                                             \
	C(CLUSTER_RQ_429, "upstream_rq_429",                                                      \
	  "Answers with status 429.")                                                             \
	C(CLUSTER_RQ_500, "upstream_rq_500",                                                      \
	  "Answers with status 500.")                                                             \
	C(CLUSTER_RQ_502, "upstream_rq_502",                                                      \
	  "Answers with status 502.")                                                             \
	C(CLUSTER_RQ_503, "upstream_rq_503",                                                      \
	  "Answers with status 503.")                                                             \
	C(CLUSTER_RQ_504, "upstream_rq_504",                                                      \
	  "Answers with status 504.")                                                             \
	C(CLUSTER_RQ_PENDING_TOTAL, "upstream_rq_pending_total",                                  \
	  "Requests that had to wait for a connection.")                                          \
	G(CLUSTER_RQ_PENDING_ACTIVE, "upstream_rq_pending_active",                                \
	  "Requests that wait for a connection.")                                                 \
	C(CLUSTER_RQ_PENDING_OVERFLOW, "upstream_rq_pending_overflow",                            \
	  "Requests refused because of max_pending_requests or max_requests of the "              \
	  "circuit breaker.")                                                                     \
	C(CLUSTER_RQ_PENDING_EJECT, "upstream_rq_pending_failure_eject",                          \
	  "Attempts that failed because no connection could be opened.")                          \
	C(CLUSTER_RQ_CANCELLED, "upstream_rq_cancelled",                                          \
	  "Requests that ended before their answer was whole.")                                   \
	C(CLUSTER_RQ_TIMEOUT, "upstream_rq_timeout",                                              \
	  "Requests not answered within the route's timeout.")                                    \
	C(CLUSTER_RQ_TRY_TIMEOUT, "upstream_rq_per_try_timeout",                                  \
	  "Attempts not answered within per_try_timeout.")                                        \
	C(CLUSTER_RQ_RX_RESET, "upstream_rq_rx_reset",                                            \
	  "Attempts that the endpoint cancelled.")                                                \
	C(CLUSTER_RQ_TX_RESET, "upstream_rq_tx_reset",                                            \
	  "Attempts that the proxy cancelled.")                                                   \
	C(CLUSTER_RQ_RETRY, "upstream_rq_retry",                                                  \
	  "Retries by the route's retry policy.")                                                 \
	C(CLUSTER_RQ_RETRY_SUCCESS, "upstream_rq_retry_success",                                  \
	  "Retries by policy that were answered below 500.")                                      \
	C(CLUSTER_RQ_RETRY_OVERFLOW, "upstream_rq_retry_overflow",                                \
	  "Retries not made because of the circuit breaker's max_retries or "                     \
	  "retry_budget.")                                                                        \
	C(CLUSTER_RQ_RETRY_LIMIT, "upstream_rq_retry_limit_exceeded",                             \
	  "Requests that failed after all the retries that their policy allows.")                 \
	C(CLUSTER_RQ_RETRY_IMPLICIT, "upstream_rq_retry_implicit",                                \
	  "Retries that no policy asked for and that can do no harm twice.")                      \
	C(CLUSTER_LB_PANIC, "lb_healthy_panic",                                                   \
	  "Choices of an endpoint without regard to health, since too few were "                  \
	  "healthy.")                                                                             \
	STAT_TLS_MAP(CLUSTER, C)

#define STAT_TCP_MAP(C, G)                                                                        \
	C(TCP_CX_TOTAL, "downstream_cx_total",                                                    \
	  "Connections.")                                                                         \
	G(TCP_CX_ACTIVE, "downstream_cx_active",                                                  \
	  "Open connections.")                                                                    \
	C(TCP_CX_NO_ROUTE, "downstream_cx_no_route",                                              \
	  "Connections closed because their cluster does not exist.")                             \
	C(TCP_CX_RX_BYTES, "downstream_cx_rx_bytes_total",                                        \
	  "Bytes received from clients.")                                                         \
	C(TCP_CX_TX_BYTES, "downstream_cx_tx_bytes_total",                                        \
	  "Bytes sent to clients.")                                                               \
	C(TCP_IDLE_TIMEOUT, "idle_timeout",                                                       \
	  "Connections closed because they stood idle too long.")

/* What the admin port computes: its function there, name, text. */
#define STAT_COMPUTED_MAP(X)                                                                      \
	X(clusters_active, "cluster_manager.active_clusters",                                     \
	  "Clusters in use.")                                                                     \
	X(link_connected, "control_plane.connected_state",                                        \
	  "1 while the proxy is connected to its control plane.")                                 \
	X(listeners_active, "listener_manager.total_listeners_active",                            \
	  "Listeners in use.")                                                                    \
	X(concurrency, "server.concurrency",                                                      \
	  "Worker threads.")                                                                      \
	X(live, "server.live",                                                                    \
	  "1 while the proxy takes connections, 0 while it drains.")                              \
	X(memory, "server.memory_allocated",                                                      \
	  "Bytes of memory in use.")                                                              \
	X(state, "server.state",                                                                  \
	  "0 live, 1 draining, 2 before or after that.")                                          \
	X(uptime, "server.uptime",                                                                \
	  "Seconds since the start.")                                                             \
	X(revision_applied, "weft.config_revision_applied",                                       \
	  "Newest revision of the mesh that all workers serve.")                                  \
	X(revision_received, "weft.config_revision_received",                                     \
	  "Newest revision of the mesh that has come.")                                           \
	X(kept_used, "weft.kept_resources_used",                                                  \
	  "Resources taken from the disk at the start, since no control plane "                   \
	  "answered.")                                                                            \
	X(kept_writes, "weft.kept_writes",                                                        \
	  "Times that the accepted resources were written to disk.")                              \
	X(kept_writes_failed, "weft.kept_writes_failed",                                          \
	  "Times that writing them failed.")                                                      \
	X(resources_warming, "weft.resources_warming",                                            \
	  "Resources that wait for others before they are used.")                                 \
	X(snapshots_published, "weft.snapshots_published",                                        \
	  "Number of the newest configuration given to the workers.")                             \
	X(objects_retired, "weft.objects_retired",                                                \
	  "Parts of older configurations that a worker may still use.")                           \
	X(reports_failed, "weft.reports_failed",                                                  \
	  "Reports of metrics that the control plane did not take.")                              \
	X(reports_sent, "weft.reports_sent",                                                      \
	  "Reports of metrics sent to the control plane.")                                        \
	X(link_failures, "weft.xds_failures",                                                     \
	  "Connections to the control plane that failed or broke.")                               \
	X(link_resources, "weft.xds_resources",                                                   \
	  "Resources received.")                                                                  \
	X(link_refused, "weft.xds_resources_refused",                                             \
	  "Resources refused.")                                                                   \
	X(link_unchanged, "weft.xds_resources_unchanged",                                         \
	  "Resources received that the proxy had already.")

/* The same, of one cluster. */
#define STAT_CLUSTER_STATE_MAP(X)                                                                 \
	X(cx_open, "circuit_breakers.default.cx_open",                                            \
	  "1 while max_connections is reached.")                                                  \
	X(requests_open, "circuit_breakers.default.rq_open",                                      \
	  "1 while max_requests is reached.")                                                     \
	X(pending_open, "circuit_breakers.default.rq_pending_open",                               \
	  "1 while max_pending_requests is reached.")                                             \
	X(retries_open, "circuit_breakers.default.rq_retry_open",                                 \
	  "1 while max_retries is reached.")                                                      \
	X(membership_healthy, "membership_healthy",                                               \
	  "Endpoints that are healthy.")                                                          \
	X(membership_total, "membership_total",                                                   \
	  "Endpoints.")

#define STAT_ID(id, name, text) id,
enum stat_server   { STAT_SERVER_MAP(STAT_ID, STAT_ID) STAT_SERVER_COUNT };
enum stat_listener { STAT_LISTENER_MAP(STAT_ID, STAT_ID) STAT_LISTENER_COUNT };
enum stat_http     { STAT_HTTP_MAP(STAT_ID, STAT_ID) STAT_HTTP_COUNT };
enum stat_cluster  { STAT_CLUSTER_MAP(STAT_ID, STAT_ID) STAT_CLUSTER_COUNT };
enum stat_tcp      { STAT_TCP_MAP(STAT_ID, STAT_ID) STAT_TCP_COUNT };

/* Histograms of a scope, in milliseconds. */
#define STAT_HTTP_TIME_MAP(X)                                                                     \
	X(HTTP_RQ_TIME, "downstream_rq_time",                                                     \
	  "From the first byte of a request to the last of its response.")
#define STAT_CLUSTER_TIME_MAP(X)                                                                  \
	X(CLUSTER_RQ_TIME, "upstream_rq_time",                                                    \
	  "From the beginning of an attempt to the end of its answer.")                           \
	X(CLUSTER_CX_CONNECT_TIME, "upstream_cx_connect_ms",                                      \
	  "Until a connection was open, TLS handshake included.")

enum stat_http_time    { STAT_HTTP_TIME_MAP(STAT_ID) STAT_HTTP_TIME_COUNT };
enum stat_cluster_time { STAT_CLUSTER_TIME_MAP(STAT_ID) STAT_CLUSTER_TIME_COUNT };
#undef STAT_ID
// clang-format on

enum stat_kind { STAT_SERVER, STAT_LISTENER, STAT_HTTP, STAT_CLUSTER, STAT_TCP, STAT_KIND_COUNT };

struct stat_row {
	const char *name;
	bool gauge;
};

struct stat_table {
	const char *prefix; /* "cluster" */
	const char *label;  /* of Prometheus: "envoy_cluster_name"; NULL: none */
	const struct stat_row *rows;
	uint32_t row_count;
	const char *const *times; /* names of the histograms */
	uint32_t time_count;
};

const struct stat_table *stat_table(enum stat_kind kind);

struct stats;

struct stat_scope {
	enum stat_kind kind;
	char *name; /* "ingress_http", the name of the cluster; "" for the server */
	/* private */
	struct stats *stats;
	uint32_t refs;
	char *blocks;
	size_t block_bytes;
};

/* All scopes of the process, on the main thread. */
struct stats {
	uint32_t worker_count;
	struct map scopes[STAT_KIND_COUNT]; /* by name */
};

void stats_init(struct stats *s, uint32_t worker_count);
/* The scopes must be gone but the caller's own. */
void stats_fini(struct stats *s);

/* The scope of that name, one reference more. The main thread's, like all of these. */
struct stat_scope *stat_scope_get(struct stats *s, enum stat_kind kind, struct str name);
struct stat_scope *stat_scope_unref(struct stat_scope *s); /* accepts NULL; returns NULL */

/* A worker's cells: counters by row, then histograms. Only that worker writes them. */
struct counter *stat_scope_cells(const struct stat_scope *s, uint32_t worker);
struct histogram *stat_scope_times(const struct stat_scope *s, uint32_t worker);

/* Sums over workers; any thread. */
int64_t stat_scope_value(const struct stat_scope *s, uint32_t row);
void stat_scope_time(const struct stat_scope *s, uint32_t which, struct histogram_data *ret_sum);

static inline void stat_add(struct counter *cells, unsigned row, uint64_t n)
{
	counter_add(&cells[row], n);
}

static inline void stat_inc(struct counter *cells, unsigned row)
{
	counter_add(&cells[row], 1);
}

static inline void stat_dec(struct counter *cells, unsigned row)
{
	counter_add(&cells[row], UINT64_MAX);
}
