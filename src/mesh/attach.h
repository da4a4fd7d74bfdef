#pragma once

/*
 * Which routes hold on a port of a Service, and in which order their matches are tried
 *
 * By the Gateway API (GAMMA): a route in the Service's own namespace holds for every client
 * (producer route); one in another namespace only for clients of that namespace (consumer
 * route), for whom it replaces the producer's. Within such a set all matches of all routes are
 * merged and tried in one order: exact paths, then longer prefixes, then with a method, then
 * more headers, then more query parameters; ties go to the older route, then to the first by
 * namespace/name, then to the earlier rule and match.
 */

#include "mesh/check.h"

struct attached_match {
	const struct document *route;
	const struct route_rule *rule;
	const struct route_match *match;
	uint32_t rule_index;
	uint32_t match_index;
	/* Another match in front of it takes the very same requests: never reached. */
	const struct attached_match *taken_by;
};

struct attached_matches {
	struct attached_match *items; /* in the order in which they are tried */
	uint32_t count;
	uint32_t route_count; /* 0: no route holds; requests go to the Service's endpoints */
};

/*
 * The set of the clients of `client_namespace`: their consumer routes where there are any, else
 * the producer routes. Give the Service's own namespace for the producer set.
 */
struct attached_matches attach_routes(const struct document_index *x,
				      const struct document *service,
				      const struct service_port *port, struct str client_namespace,
				      struct pool *pool);

/* Does this reference of the route mean this port of the Service? */
bool parent_ref_means(const struct parent_ref *p, const struct document *service,
		      const struct service_port *port);

/* The namespaces other than the Service's own whose clients have a set of their own, once each. */
struct attached_namespaces {
	struct str *items;
	uint32_t count;
};

struct attached_namespaces attached_namespaces(const struct document_index *x,
					       const struct document *service,
					       const struct service_port *port, struct pool *pool);
