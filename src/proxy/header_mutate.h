#pragma once

/*
 * Header mutations of routes, applied
 */

#include "message/headers.h"
#include "model/routes.h"

void header_mutations_apply(const struct header_mutations *m, struct headers *h);

/* The mutations of weighted cluster, route, host and table, in this order, so that the table
 * has the last word. */
enum mutation_side { MUTATE_REQUEST, MUTATE_RESPONSE };

struct mutation_path {
	const struct route_table *table; /* any of them may be NULL */
	const struct virtual_host *host;
	const struct route *route;
	const struct weighted_cluster *target;
};

void header_mutations_apply_all(const struct mutation_path *p, enum mutation_side side,
				struct headers *h);
