#pragma once

/*
 * What both ways to an endpoint set share
 */

#include "model/compile.h"
#include "model/endpoints.h"

#define OVERPROVISIONING_ABSENT 140
#define ENDPOINT_PRIORITY_MAX   128

/* Collects endpoints as they come; zeroed to begin with. */
struct endpoint_builder {
	struct endpoint *items;
	uint32_t count;
	uint32_t capacity;
};

struct endpoint *endpoint_builder_add(struct endpoint_builder *b);
/* Moves them into the set, by priority and then as received, and is empty again. */
void endpoint_builder_finish(struct endpoint_builder *b, struct compile *c,
			     struct endpoint_set *set);
void endpoint_builder_fini(struct endpoint_builder *b);

/* What a HealthStatus means. False: it is none. */
bool endpoint_health_of(int64_t number, uint8_t *ret_health);

/* The facts that an endpoint's metadata may hold under "weft.dev": a key, and where it goes. */
#define ENDPOINT_FACT_COUNT 3
const char *endpoint_fact_key(size_t i);
struct str *endpoint_fact(struct endpoint *e, size_t i);
