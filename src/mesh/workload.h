#pragma once

/*
 * Workload (weft.dev/v1alpha1): one running program behind one proxy
 *
 * `weft run` writes it; its labels are what Services select. Its identity is
 * spiffe://TRUSTDOMAIN/ns/NAMESPACE/sa/ACCOUNT.
 */

#include "codec/node.h"
#include "mesh/port_name.h"
#include "mesh/text_map.h"
#include "message/address.h"

struct workload_port {
	const struct node *node;
	struct str name;
	uint32_t port;      /* where the program listens */
	uint32_t mesh_port; /* where its proxy takes mutual TLS for it; 0: none */
	enum port_protocol protocol;
};

struct workload_locality {
	const struct node *node;
	struct str region;
	struct str zone;
	struct str sub_zone;
};

/* Whether the program takes requests; its proxy may be up before it does. */
enum workload_readiness { WORKLOAD_READY, WORKLOAD_STARTING };

struct workload {
	const struct node *node;
	struct address address; /* port 0 */
	struct str account;
	struct workload_port *ports;
	uint32_t port_count;
	uint32_t readiness;                 /* enum workload_readiness */
	struct workload_locality *locality; /* may be NULL */
};

/* NULL when the Workload has no such port. */
const struct workload_port *workload_port_for(const struct workload *w,
					      const struct port_target *target);
