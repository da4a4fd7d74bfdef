#pragma once

/*
 * Service (core/v1): a name, a selector and ports
 *
 * Each struct below begins with the node that it was read from: place and path for messages.
 * For a part that was left out and defaulted it is the node that would hold it.
 */

#include "codec/node.h"
#include "mesh/port_name.h"
#include "mesh/text_map.h"

struct service_port {
	const struct node *node;
	struct str name; /* empty where the only port has none */
	uint32_t port;
	struct str transport;      /* "TCP" */
	struct port_target target; /* of the workload; the port itself where not set */
	struct str app_protocol;   /* as written; may be empty */
	/* What is declared by appProtocol, else by the name; PROTOCOL_TCP where nothing is. */
	enum port_protocol protocol;
	enum protocol_origin protocol_origin;
};

struct service {
	const struct node *node;
	struct text_map selector;    /* empty: selects nothing */
	struct str type;             /* "ClusterIP" */
	struct str session_affinity; /* "None" */
	struct str traffic_policy;   /* "Cluster" */
	struct service_port *ports;
	uint32_t port_count;
};

/* NULL when the Service has no such port. */
const struct service_port *service_port_by_number(const struct service *s, uint32_t port);
const struct service_port *service_port_by_name(const struct service *s, struct str name);
