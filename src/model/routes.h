#pragma once

/*
 * Route tables, compiled from RouteConfiguration
 *
 * Choosing a route: the virtual host by the most specific domain (exact, then longest
 * "*suffix", then longest "prefix*", then "*"), then the first route that matches.
 */

#include "base/random.h"
#include "base/time.h"
#include "model/part.h"
#include "rules/match.h"

struct header_mutation {
	enum {
		HEADER_APPEND_OR_ADD,
		HEADER_ADD_IF_ABSENT,
		HEADER_OVERWRITE_OR_ADD,
		HEADER_OVERWRITE
	} action;
	uint16_t id; /* enum header_id */
	struct str name;
	struct str value; /* literal; % commands are refused for now */
};

struct header_mutations {
	struct header_mutation *add;
	uint32_t add_count;
	struct str *remove;
	uint32_t remove_count;
};

/* A name that stands for a cluster. The proxy numbers the names of a snapshot and fills in
 * `slot` when the part enters it (main thread, before any worker sees the part). */
struct cluster_ref {
	struct str name;
	uint32_t slot;
};

struct weighted_cluster {
	struct cluster_ref cluster;
	uint32_t weight;
	struct header_mutations request;
	struct header_mutations response;
};

/* Envoy's retry_on words. */
enum retry_on {
	RETRY_ON_5XX = 1 << 0,
	RETRY_ON_GATEWAY_ERROR = 1 << 1,
	RETRY_ON_RESET = 1 << 2,
	RETRY_ON_RESET_BEFORE_REQUEST = 1 << 3,
	RETRY_ON_CONNECT_FAILURE = 1 << 4,
	RETRY_ON_REFUSED_STREAM = 1 << 5,
	RETRY_ON_RETRIABLE_4XX = 1 << 6,
	RETRY_ON_RETRIABLE_STATUS_CODES = 1 << 7,
	RETRY_ON_GRPC_CANCELLED = 1 << 8,
	RETRY_ON_GRPC_DEADLINE_EXCEEDED = 1 << 9,
	RETRY_ON_GRPC_INTERNAL = 1 << 10,
	RETRY_ON_GRPC_RESOURCE_EXHAUSTED = 1 << 11,
	RETRY_ON_GRPC_UNAVAILABLE = 1 << 12,
};

struct retry_policy {
	uint32_t retry_on; /* set of enum retry_on */
	uint32_t retries_max;
	struct duration per_try_timeout; /* 0: none */
	struct duration backoff_base;    /* 25 ms */
	struct duration backoff_max;     /* ten times the base */
	uint16_t *status_codes;
	uint32_t status_code_count;
	bool avoid_previous_hosts; /* previous_hosts predicate */
	uint32_t host_selection_attempts;
};

enum route_action { ROUTE_FORWARD, ROUTE_REDIRECT, ROUTE_DIRECT_RESPONSE };

struct route {
	struct str name;
	/* match */
	struct path_match path;
	struct header_match *headers;
	uint32_t header_count;
	struct query_match *queries;
	uint32_t query_count;
	uint32_t fraction_per_million; /* of requests that match; 1,000,000 when not set */
	bool grpc_only;
	/* action */
	enum route_action action;
	struct {
		struct weighted_cluster *clusters; /* at least one */
		uint32_t cluster_count;
		uint64_t weight_total;
		uint16_t cluster_not_found_status; /* 503, 404, 500 */
		struct str prefix_rewrite;         /* empty: none */
		struct str host_rewrite;
		bool auto_host_rewrite;
		bool append_x_forwarded_host;        /* keeps the host that was rewritten */
		struct duration timeout;             /* 0: none; absent means 15 s */
		struct duration idle_timeout;        /* -1 ns: as the connection manager says */
		struct duration max_stream_duration; /* the same; 0: none */
		struct retry_policy *retry;          /* NULL: none */
		uint8_t priority;                    /* 0 default, 1 high */
	} forward;
	struct {
		struct str host, path, prefix_rewrite, scheme;
		bool https_redirect, strip_query;
		uint32_t port; /* 0: keep */
		uint16_t status;
	} redirect;
	struct {
		uint16_t status;
		struct str body;
	} direct;
	struct header_mutations request;
	struct header_mutations response;
};

struct virtual_host {
	struct str name;
	struct route *routes;
	uint32_t route_count;
	bool require_tls_all, require_tls_external;
	bool include_attempt_count;
	struct header_mutations request;
	struct header_mutations response;
};

struct route_table {
	struct part part;
	struct virtual_host *hosts;
	uint32_t host_count;
	bool ignore_port_in_host;
	struct header_mutations request;
	struct header_mutations response;
	struct route_index *index; /* domains; private to routes.c */
	/* All references to clusters in the table, for warming and for slots. */
	struct cluster_ref **clusters;
	uint32_t cluster_count;
};

static inline struct route_table *route_table_of(struct part *p)
{
	return container_of(p, struct route_table, part);
}

/* Compiles a RouteConfiguration. */
struct compile;
must_check int routes_compile(struct compile *c, const struct pb_message *m, struct part *p);

struct virtual_host *route_table_host(const struct route_table *t, struct str authority);
/* `random` decides fractions. NULL when none matches. */
struct route *virtual_host_route(const struct virtual_host *v, const struct headers *h,
				 struct random *random);
/* The cluster of a forwarding route, by weight. */
struct weighted_cluster *route_cluster(const struct route *r, struct random *random);
