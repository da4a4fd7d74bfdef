#pragma once

/*
 * Resources, built
 *
 * Pure functions from what the compile graph knows (a port of a Service, its workloads, the
 * rules of its route) to Envoy resources. Every value that matters is written, none is left
 * to a client's default. The names are those of docs/reference/xds-names.md:
 *
 *	outbound  NAME.NAMESPACE.svc.TRUSTDOMAIN:PORT   Listener, routes, cluster, endpoints
 *	inbound   inbound/NAMESPACE/SERVICE:PORT        Listener
 *	the program itself  local/PORT                  static cluster of the proxy's bootstrap
 *
 * All memory comes from the pool that is given; the text in the inputs is borrowed until the
 * message was sealed.
 */

#include <stdint.h>

#include "base/pool.h"
#include "base/str.h"
#include "base/time.h"
#include "codec/pb_message.h"
#include "message/address.h"
#include "mesh/attach.h"
#include "mesh/document.h"

/* One port of a Service, as a destination. */
struct build_port {
	struct str name; /* of all four resources */
	struct str service;
	struct str name_space;
	struct str trust_domain;
	struct str virtual_address; /* IPv4 or IPv6 */
	uint16_t port;
	enum port_protocol protocol;
	const struct str *accounts; /* SPIFFE IDs that may serve it, at least one */
	uint32_t account_count;
};

struct build_endpoint {
	struct str address; /* an IP */
	uint16_t port;      /* the mesh port */
	struct str workload;
	struct str service; /* the `app` label */
	struct str version; /* the `version` label; may be empty */
	struct str region;
	struct str zone;
};

/* One port on which workloads of a class are reached. */
struct build_inbound {
	struct str name;
	struct str service;
	struct str name_space;
	struct str trust_domain;
	uint16_t port;
	enum port_protocol protocol;
};

/* "reviews.shop.svc.weft.local:9080", and "inbound/shop/reviews:9080". */
struct str build_port_name(struct pool *pool, struct str service, struct str name_space,
			   struct str trust_domain, uint16_t port);
struct str build_inbound_name(struct pool *pool, struct str service, struct str name_space,
			      uint16_t port);

bool build_name_is_inbound(struct str name);

struct pb_message *build_outbound_listener(struct pool *pool, const struct build_port *port);
struct pb_message *build_cluster(struct pool *pool, const struct build_port *port);
struct pb_message *build_endpoints(struct pool *pool, const struct build_port *port,
				   const struct build_endpoint *endpoints, uint32_t count);
struct pb_message *build_inbound_listener(struct pool *pool, const struct build_inbound *inbound);
/* Has a listener open the address itself, in place of the one that it has. */
void build_bind(struct pb_message *listener, struct str ip, uint16_t port);

/*
 * Routes of a port. `matches` are those of the attached HTTPRoutes in the order in which they
 * are tried (mesh/attach.h); with no route at all, everything goes to the port's own cluster.
 * A backend is named whether it exists or not: without its cluster that share of the requests
 * is answered 500, as the Gateway API says, and heals when the Service appears.
 */
struct pb_message *build_routes(struct pool *pool, const struct build_port *port,
				const struct attached_matches *matches);

/*
 * The secrets that a TransportSocket refers to are read from files, DIRECTORY/NAME.json; without
 * it they are the client's own by name.
 */
void build_secret_files(struct pb_message *transport_socket, struct str directory);

/* Metadata of any resource under "weft.dev": pairs of name and value, empty values left out. */
struct build_fact {
	const char *name;
	struct str value;
};
void build_facts(struct pb_message *owner, unsigned metadata_field, const struct build_fact *facts,
		 size_t count);
void build_address(struct pb_message *address, struct str ip, uint16_t port);
/* ads: {}, resource_api_version: V3 */
void build_ads_source(struct pb_message *config_source);
