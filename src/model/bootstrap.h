#pragma once

/*
 * The file of weft-proxy -c: an Envoy v3 bootstrap in YAML or JSON
 */

#include "base/diag.h"
#include "message/address.h"
#include "model/cluster.h"
#include "model/listener.h"
#include "model/secret.h"

struct part_list {
	struct part **items; /* each with one reference, the bootstrap's */
	uint32_t count;
};

/*
 * One binding of explicit mode: the proxy binds the address and runs the Listener of that
 * name on it (design §4). In node.metadata:
 *
 *	weft.dev:
 *	  bindings:
 *	  - listener: reviews.shop.svc.weft.local:9080
 *	    address: 127.77.1.2:9080
 *	    descriptor: upstream-1   # a socket that the supervisor passes by this name
 */
struct bootstrap_binding {
	struct str listener_name;
	struct address address;
	struct str inherited_name; /* empty: bind by itself */
};

/* How the proxy gets its certificate; spiffe_id empty: not at all. */
struct bootstrap_identity {
	struct str spiffe_id;
	struct address address; /* of the certificate service: control.sock */
	struct str directory;   /* where key and chain are kept; empty: nowhere */
};

struct bootstrap {
	struct pool pool;
	struct str node_id;
	struct str node_cluster;
	struct pb_message *node; /* sent with the first xDS request */
	struct part_list listeners;
	struct part_list clusters;
	struct part_list secrets;
	struct address admin; /* len 0: none */
	/* dynamic_resources: delta ADS over this static cluster; empty: none */
	struct str ads_cluster;
	bool lds_wildcard;
	bool cds_wildcard;
	struct bootstrap_identity identity;
	/* Whose proxy this is (metadata "weft.dev"); empty when it is nobody's. */
	struct str service;
	struct str service_namespace;
	struct str service_version;
	struct str workload;
	struct bootstrap_binding *bindings;
	uint32_t binding_count;
	uint32_t warnings; /* known but ignored fields */
	char first_warning[256];
};

/* `file` is for messages; text is the content. ERR_CONFIG and so on with position and path. */
must_check int bootstrap_parse(const char *file, struct str text, struct bootstrap **ret_bootstrap,
			       struct diag *d);
struct bootstrap *bootstrap_free(struct bootstrap *b);
