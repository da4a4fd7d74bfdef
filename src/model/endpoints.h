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
	uint8_t priority_count;            /* the highest that occurs, and one */
	uint32_t overprovisioning_percent; /* 140 */
};

static inline struct endpoint_set *endpoint_set_of(struct part *p)
{
	return container_of(p, struct endpoint_set, part);
}

#define ENDPOINTS_MAX 100000

/*
 * Reads the bytes of a ClusterLoadAssignment straight into the array: this is the message that
 * changes most often. The bytes live as long as the set. What is written in an unusual way
 * (fields that we do not know, or twice) goes the long way through a tree of messages, so that
 * the table in proto/ alone decides what is accepted.
 */
struct compile;
must_check int endpoints_read(struct compile *c, struct str bytes, struct endpoint_set *set);
/* The same from a decoded message; NULL gives a set without endpoints. */
must_check int endpoints_compile(struct compile *c, const struct pb_message *m,
				 struct endpoint_set *set);
