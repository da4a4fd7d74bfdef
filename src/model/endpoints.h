#pragma once

/*
 * Endpoint sets, compiled from ClusterLoadAssignment by a hand-written reader
 */

#include "message/address.h"
#include "model/part.h"

enum endpoint_health { ENDPOINT_HEALTHY, ENDPOINT_DEGRADED, ENDPOINT_UNHEALTHY, ENDPOINT_DRAINING };

struct endpoint {
	struct address address;
	struct str hostname;
	uint32_t weight; /* from 1 */
	uint8_t priority;
	uint8_t health; /* enum endpoint_health */
	/* From the metadata of the endpoint under "weft.dev": for telemetry and logs. */
	struct str workload;
	struct str service;
	struct str version;
};

struct endpoint_set {
	struct part part;
	struct endpoint *items; /* by priority, then as received */
	uint32_t count;
	uint32_t healthy_count;
	uint8_t priority_count;
	uint32_t overprovisioning_percent; /* 140 */
};

static inline struct endpoint_set *endpoint_set_of(struct part *p)
{
	return container_of(p, struct endpoint_set, part);
}
