#pragma once

/*
 * Which resources an object became: for its status
 */

#include "control/state.h"

struct resource_name {
	enum xds_type type;
	struct str name;
};

struct resource_names {
	struct resource_name *items;
	uint32_t count;
};

/* A Service: its listeners. An HTTPRoute: the routes of its parents' ports. A Workload: its
 * inbound listeners. Others have none. In `pool`. */
struct resource_names resource_names_of(const struct state *s, const struct document *doc,
					struct pool *pool);
