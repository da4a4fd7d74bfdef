#pragma once

/*
 * Clusters, compiled from Cluster
 */

#include "base/time.h"
#include "model/endpoints.h"
#include "model/http_settings.h"
#include "model/tls_settings.h"

enum cluster_type { CLUSTER_STATIC, CLUSTER_EDS };
enum balance_policy { BALANCE_ROUND_ROBIN, BALANCE_LEAST_REQUEST, BALANCE_RANDOM };
enum upstream_protocol {
	UPSTREAM_HTTP1,
	UPSTREAM_HTTP2,
	UPSTREAM_AUTO,          /* by ALPN; the cluster has TLS */
	UPSTREAM_AS_DOWNSTREAM, /* as the client speaks */
};

#define PRIORITY_COUNT 2 /* default, high */

struct breaker_limits {
	uint32_t connections_max;      /* 1024 */
	uint32_t pending_max;          /* 1024 */
	uint32_t requests_max;         /* 1024 */
	uint32_t retries_max;          /* 3 */
	uint32_t retry_budget_percent; /* 0: the fixed number above */
	uint32_t retry_budget_min;
};

struct cluster {
	struct part part;
	struct str alt_stat_name; /* or the name */
	enum cluster_type type;
	struct str endpoints_name;             /* EDS service name, or the cluster's */
	struct endpoint_set *static_endpoints; /* CLUSTER_STATIC: inside this part's memory */
	enum balance_policy policy;
	uint32_t choice_count;            /* least request: 2 */
	uint32_t panic_threshold_percent; /* 50 */
	struct duration connect_timeout;  /* 5 s */
	struct breaker_limits breakers[PRIORITY_COUNT];
	struct tls_settings *tls; /* NULL: plaintext */
	enum upstream_protocol protocol;
	struct duration idle_timeout;         /* of pooled connections: 1 h */
	uint32_t requests_per_connection_max; /* 0: none */
	uint32_t headers_count_max;           /* of responses: 100 */
	bool trailers_enabled;
	struct http2_settings http2;
	uint32_t buffer_limit_bytes; /* 1 MiB */
	/* From the cluster's metadata under "weft.dev", for telemetry. */
	struct str service;
	struct str service_namespace;
};

static inline struct cluster *cluster_of(struct part *p)
{
	return container_of(p, struct cluster, part);
}

/* Compiles a Cluster. */
struct compile;
must_check int cluster_compile(struct compile *c, const struct pb_message *m, struct part *p);
