#pragma once

/*
 * Scope: what "all" means for one client
 *
 * A proxy knows only what it uses. Weft's own says it name by name; a real Envoy subscribes to
 * all listeners and all clusters, so its bootstrap says what that is:
 *
 *	node:
 *	  metadata:
 *	    weft.dev:
 *	      bindings:
 *	      - listener: reviews.shop.svc.weft.local:9080
 *	        address: 127.0.0.1:9080
 *	      secrets: /run/weft/edge
 *
 * All listeners are those of the bindings, each opened at its address; without an address it is
 * as everybody gets it, at the virtual address and not opened. All clusters are those that the
 * outbound ones lead to, and follow the routes.
 *
 * With `secrets`, an absolute directory, TLS refers to DIRECTORY/default.json and ROOTCA.json in
 * it, which an Envoy watches; without, to the secrets of the bootstrap.
 */

#include "control/graph.h"
#include "xds/interest.h"

struct scope;

#define SCOPE_BINDINGS_MAX 1000

/* Reads the client's Node, decoded. Without bindings *ret_scope is NULL: "all" is nothing.
 * ERR_CONFIG or ERR_LIMIT with the path of what is wrong. */
must_check int scope_read(const struct pb_message *node, struct scope **ret_scope, struct diag *d);
/* Accepts NULL. */
struct scope *scope_free(struct scope *s);

/* The stream is told when a route of the bindings changes, until scope_free(). */
void scope_follow(struct scope *s, struct interests *interests, struct delta_stream *stream);
/* For delta_source.on_list, for a client of that namespace. */
void scope_list(const struct scope *s, const struct graph *g, struct str client_namespace,
		struct delta_stream *stream, enum xds_type type);
/* Puts the client's own bytes in place of those that all share, where the client wants them
 * different. Borrowed until the next call. */
void scope_content(struct scope *s, enum xds_type type, struct str name,
		   struct delta_content *content);
