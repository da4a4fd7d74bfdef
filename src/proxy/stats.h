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

// clang-format off
#define STAT_SERVER_MAP(C, G)                                        \
	C(SERVER_HANDED_OVER,       "worker_connections_handed_over") \
	C(SERVER_LOG_DROPPED,       "access_log_dropped")            \
	C(SERVER_LOG_BYTES,         "access_log_written_bytes")      \
	C(SERVER_SNAPSHOTS,         "worker_snapshots_applied")      \
	C(SERVER_HOLD_TIMEOUT,      "connections_hold_timeout")      \
	C(SERVER_HOLD_OVERFLOW,     "connections_hold_overflow")     \
	C(SERVER_CX_OVERFLOW,       "connections_overflow")          \
	G(SERVER_HELD,              "connections_held")              \
	G(SERVER_CONNECTIONS,       "total_connections")

#define STAT_TLS_MAP(P, C)                                                   \
	C(P##_TLS_HANDSHAKE,        "ssl.handshake")                         \
	C(P##_TLS_CONNECTION_ERROR, "ssl.connection_error")                  \
	C(P##_TLS_NO_CERTIFICATE,   "ssl.no_certificate")                    \
	C(P##_TLS_FAIL_NO_CERT,     "ssl.fail_verify_no_cert")               \
	C(P##_TLS_FAIL_ERROR,       "ssl.fail_verify_error")                 \
	C(P##_TLS_FAIL_SAN,         "ssl.fail_verify_san")

#define STAT_LISTENER_MAP(C, G)                                              \
	C(LISTENER_CX_TOTAL,        "downstream_cx_total")                   \
	G(LISTENER_CX_ACTIVE,       "downstream_cx_active")                  \
	C(LISTENER_CX_DESTROY,      "downstream_cx_destroy")                 \
	C(LISTENER_CX_TLS_TIMEOUT,  "downstream_cx_transport_socket_connect_timeout") \
	C(LISTENER_PRE_CX_TIMEOUT,  "downstream_pre_cx_timeout")             \
	G(LISTENER_PRE_CX_ACTIVE,   "downstream_pre_cx_active")              \
	C(LISTENER_NO_CHAIN,        "no_filter_chain_match")                 \
	C(LISTENER_NO_SECRETS,      "server_ssl_socket_factory.downstream_context_secrets_not_ready") \
	STAT_TLS_MAP(LISTENER, C)

#define STAT_HTTP_MAP(C, G)                                                  \
	C(HTTP_CX_TOTAL,            "downstream_cx_total")                   \
	G(HTTP_CX_ACTIVE,           "downstream_cx_active")                  \
	C(HTTP_CX_DESTROY,          "downstream_cx_destroy")                 \
	C(HTTP_CX_DESTROY_ACTIVE,   "downstream_cx_destroy_active_rq")       \
	C(HTTP_CX_HTTP1_TOTAL,      "downstream_cx_http1_total")             \
	G(HTTP_CX_HTTP1_ACTIVE,     "downstream_cx_http1_active")            \
	C(HTTP_CX_HTTP2_TOTAL,      "downstream_cx_http2_total")             \
	G(HTTP_CX_HTTP2_ACTIVE,     "downstream_cx_http2_active")            \
	C(HTTP_CX_SSL_TOTAL,        "downstream_cx_ssl_total")               \
	G(HTTP_CX_SSL_ACTIVE,       "downstream_cx_ssl_active")              \
	C(HTTP_CX_PROTOCOL_ERROR,   "downstream_cx_protocol_error")          \
	C(HTTP_CX_IDLE_TIMEOUT,     "downstream_cx_idle_timeout")            \
	C(HTTP_CX_DRAIN_CLOSE,      "downstream_cx_drain_close")             \
	C(HTTP_CX_DELAYED_CLOSE,    "downstream_cx_delayed_close_timeout")   \
	C(HTTP_CX_RX_BYTES,         "downstream_cx_rx_bytes_total")          \
	C(HTTP_CX_TX_BYTES,         "downstream_cx_tx_bytes_total")          \
	C(HTTP_RQ_TOTAL,            "downstream_rq_total")                   \
	G(HTTP_RQ_ACTIVE,           "downstream_rq_active")                  \
	C(HTTP_RQ_HTTP1,            "downstream_rq_http1_total")             \
	C(HTTP_RQ_HTTP2,            "downstream_rq_http2_total")             \
	C(HTTP_RQ_COMPLETED,        "downstream_rq_completed")               \
	C(HTTP_RQ_1XX,              "downstream_rq_1xx")                     \
	C(HTTP_RQ_2XX,              "downstream_rq_2xx")                     \
	C(HTTP_RQ_3XX,              "downstream_rq_3xx")                     \
	C(HTTP_RQ_4XX,              "downstream_rq_4xx")                     \
	C(HTTP_RQ_5XX,              "downstream_rq_5xx")                     \
	C(HTTP_RQ_RX_RESET,         "downstream_rq_rx_reset")                \
	C(HTTP_RQ_TX_RESET,         "downstream_rq_tx_reset")                \
	C(HTTP_RQ_TIMEOUT,          "downstream_rq_timeout")                 \
	C(HTTP_RQ_HEADER_TIMEOUT,   "downstream_rq_header_timeout")          \
	C(HTTP_RQ_IDLE_TIMEOUT,     "downstream_rq_idle_timeout")            \
	C(HTTP_RQ_MAX_DURATION,     "downstream_rq_max_duration_reached")    \
	C(HTTP_RQ_TOO_LARGE,        "downstream_rq_too_large")               \
	C(HTTP_RQ_EARLY_RESPONSE,   "downstream_rq_response_before_rq_complete") \
	C(HTTP_RQ_UPGRADE_REFUSED,  "downstream_rq_ws_on_non_ws_route")      \
	C(HTTP_RQ_BAD_PATH,         "downstream_rq_failed_path_normalization") \
	C(HTTP_RQ_FILTER_DENIED,    "downstream_rq_denied_by_filter")        \
	C(HTTP_NO_ROUTE,            "no_route")                              \
	C(HTTP_NO_CLUSTER,          "no_cluster")                            \
	C(HTTP_RQ_DIRECT,           "rq_direct_response")                    \
	C(HTTP_RQ_REDIRECT,         "rq_redirect")

#define STAT_CLUSTER_MAP(C, G)                                               \
	C(CLUSTER_CX_TOTAL,         "upstream_cx_total")                     \
	G(CLUSTER_CX_ACTIVE,        "upstream_cx_active")                    \
	C(CLUSTER_CX_HTTP1_TOTAL,   "upstream_cx_http1_total")               \
	C(CLUSTER_CX_HTTP2_TOTAL,   "upstream_cx_http2_total")               \
	C(CLUSTER_CX_CONNECT_FAIL,  "upstream_cx_connect_fail")              \
	C(CLUSTER_CX_CONNECT_TIMEOUT, "upstream_cx_connect_timeout")         \
	C(CLUSTER_CX_IDLE_TIMEOUT,  "upstream_cx_idle_timeout")              \
	C(CLUSTER_CX_ATTEMPTS,      "upstream_cx_connect_attempts_exceeded") \
	C(CLUSTER_CX_OVERFLOW,      "upstream_cx_overflow")                  \
	C(CLUSTER_CX_DESTROY,       "upstream_cx_destroy")                   \
	C(CLUSTER_CX_DESTROY_LOCAL, "upstream_cx_destroy_local")             \
	C(CLUSTER_CX_DESTROY_REMOTE, "upstream_cx_destroy_remote")           \
	C(CLUSTER_CX_DESTROY_ACTIVE, "upstream_cx_destroy_with_active_rq")   \
	C(CLUSTER_CX_PROTOCOL_ERROR, "upstream_cx_protocol_error")           \
	C(CLUSTER_CX_MAX_REQUESTS,  "upstream_cx_max_requests")              \
	C(CLUSTER_CX_HANDED_OVER,   "upstream_cx_handed_over")               \
	C(CLUSTER_CX_NONE_HEALTHY,  "upstream_cx_none_healthy")              \
	C(CLUSTER_CX_RX_BYTES,      "upstream_cx_rx_bytes_total")            \
	C(CLUSTER_CX_TX_BYTES,      "upstream_cx_tx_bytes_total")            \
	C(CLUSTER_RQ_TOTAL,         "upstream_rq_total")                     \
	G(CLUSTER_RQ_ACTIVE,        "upstream_rq_active")                    \
	C(CLUSTER_RQ_COMPLETED,     "upstream_rq_completed")                 \
	C(CLUSTER_RQ_1XX,           "upstream_rq_1xx")                       \
	C(CLUSTER_RQ_2XX,           "upstream_rq_2xx")                       \
	C(CLUSTER_RQ_3XX,           "upstream_rq_3xx")                       \
	C(CLUSTER_RQ_4XX,           "upstream_rq_4xx")                       \
	C(CLUSTER_RQ_5XX,           "upstream_rq_5xx")                       \
	C(CLUSTER_RQ_200,           "upstream_rq_200")                       \
	C(CLUSTER_RQ_404,           "upstream_rq_404")                       \
	C(CLUSTER_RQ_429,           "upstream_rq_429")                       \
	C(CLUSTER_RQ_500,           "upstream_rq_500")                       \
	C(CLUSTER_RQ_502,           "upstream_rq_502")                       \
	C(CLUSTER_RQ_503,           "upstream_rq_503")                       \
	C(CLUSTER_RQ_504,           "upstream_rq_504")                       \
	C(CLUSTER_RQ_PENDING_TOTAL, "upstream_rq_pending_total")             \
	G(CLUSTER_RQ_PENDING_ACTIVE, "upstream_rq_pending_active")           \
	C(CLUSTER_RQ_PENDING_OVERFLOW, "upstream_rq_pending_overflow")       \
	C(CLUSTER_RQ_PENDING_EJECT, "upstream_rq_pending_failure_eject")     \
	C(CLUSTER_RQ_CANCELLED,     "upstream_rq_cancelled")                 \
	C(CLUSTER_RQ_TIMEOUT,       "upstream_rq_timeout")                   \
	C(CLUSTER_RQ_TRY_TIMEOUT,   "upstream_rq_per_try_timeout")           \
	C(CLUSTER_RQ_RX_RESET,      "upstream_rq_rx_reset")                  \
	C(CLUSTER_RQ_TX_RESET,      "upstream_rq_tx_reset")                  \
	C(CLUSTER_RQ_RETRY,         "upstream_rq_retry")                     \
	C(CLUSTER_RQ_RETRY_SUCCESS, "upstream_rq_retry_success")             \
	C(CLUSTER_RQ_RETRY_OVERFLOW, "upstream_rq_retry_overflow")           \
	C(CLUSTER_RQ_RETRY_LIMIT,   "upstream_rq_retry_limit_exceeded")      \
	C(CLUSTER_RQ_RETRY_IMPLICIT, "upstream_rq_retry_implicit")           \
	C(CLUSTER_LB_PANIC,         "lb_healthy_panic")                      \
	STAT_TLS_MAP(CLUSTER, C)

#define STAT_TCP_MAP(C, G)                                                   \
	C(TCP_CX_TOTAL,             "downstream_cx_total")                   \
	G(TCP_CX_ACTIVE,            "downstream_cx_active")                  \
	C(TCP_CX_NO_ROUTE,          "downstream_cx_no_route")                \
	C(TCP_CX_RX_BYTES,          "downstream_cx_rx_bytes_total")          \
	C(TCP_CX_TX_BYTES,          "downstream_cx_tx_bytes_total")          \
	C(TCP_IDLE_TIMEOUT,         "idle_timeout")

#define STAT_ID(id, name) id,
enum stat_server   { STAT_SERVER_MAP(STAT_ID, STAT_ID) STAT_SERVER_COUNT };
enum stat_listener { STAT_LISTENER_MAP(STAT_ID, STAT_ID) STAT_LISTENER_COUNT };
enum stat_http     { STAT_HTTP_MAP(STAT_ID, STAT_ID) STAT_HTTP_COUNT };
enum stat_cluster  { STAT_CLUSTER_MAP(STAT_ID, STAT_ID) STAT_CLUSTER_COUNT };
enum stat_tcp      { STAT_TCP_MAP(STAT_ID, STAT_ID) STAT_TCP_COUNT };
#undef STAT_ID

/* Which histogram of a scope. */
enum stat_http_time    { HTTP_RQ_TIME, STAT_HTTP_TIME_COUNT };
enum stat_cluster_time { CLUSTER_RQ_TIME, CLUSTER_CX_CONNECT_TIME, STAT_CLUSTER_TIME_COUNT };
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
