#pragma once

/*
 * One route: which requests, and what is done with them
 */

#include "model/compile.h"
#include "model/routes.h"

/* What a route takes from the virtual host that it stands in. */
struct route_defaults {
	struct retry_policy *retry; /* NULL: none */
};

/* A Route. */
must_check int route_compile(struct compile *c, const struct pb_message *m,
			     const struct route_defaults *defaults, struct route *ret_route);

/* A RouteMatch: path, headers, queries, fraction. */
must_check int route_match_compile(struct compile *c, const struct pb_message *m,
				   struct route *ret_route);
