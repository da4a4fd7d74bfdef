#pragma once

/*
 * Resource types of xDS: one table
 */

#include <stdbool.h>

#include "base/str.h"

/* In the order in which a server sends changes (make before break): a cluster before the
 * endpoints and routes that need it. */
enum xds_type {
	XDS_CLUSTER,
	XDS_ENDPOINTS,
	XDS_LISTENER,
	XDS_ROUTES,
	XDS_SECRET,
	XDS_TYPE_COUNT,
};

struct xds_type_info {
	struct str url;           /* "type.googleapis.com/envoy.config.cluster.v3.Cluster" */
	const char *short_name;   /* "CDS" */
	bool wildcard_by_default; /* LDS and CDS: a first request without names means all */
};

extern const struct xds_type_info xds_types[XDS_TYPE_COUNT];

/* XDS_TYPE_COUNT when it is none of ours. */
enum xds_type xds_type_of(struct str url);

/* Longest name that either side accepts. */
#define XDS_NAME_BYTES_MAX 4096

/* The gRPC method of delta ADS. */
#define XDS_METHOD_PATH \
	"/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"
