#pragma once

/*
 * The shop of the demo: who is in it, and who calls whom
 *
 *	        ┌─▶ catalog ◀─┐
 *	  web ──┼─▶ cart ─────┘ ◀┐
 *	        ├─▶ reviews  v1, v2 ──▶ ratings
 *	        └─▶ checkout ────┴──▶ payments
 *
 * Each is a process of its own at an address of its own, 127.77.N.M, behind a proxy of its own.
 */

#include <stdint.h>

#include "base/macro.h"

#define SHOP_PORT           9080
#define SHOP_UPSTREAM_PORT  9100 /* and those after it: where a service finds the others */
#define SHOP_CALLS_MAX      4
#define SHOP_SERVICE_COUNT  7
#define SHOP_WORKLOAD_COUNT 8
#define SHOP_FRONT          "web"
#define SHOP_CANARY         "reviews"

struct shop_workload {
	const char *service;
	const char *version;               /* NULL: there is one */
	const char *calls[SHOP_CALLS_MAX]; /* services; ends with NULL or the array */
	uint8_t host;                      /* the M of its address */
};

extern const struct shop_workload shop_workloads[SHOP_WORKLOAD_COUNT];

/* The HTTPRoute that splits the requests to reviews, in percent; as YAML. */
struct buf;
void shop_route(unsigned v1_percent, unsigned v2_percent, struct buf *out);
