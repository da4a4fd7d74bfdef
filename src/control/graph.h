#pragma once

/*
 * The compile graph: documents to resources
 *
 *	document changed ─▶ owners it touches ─▶ resources built anew ─▶ same bytes? stop
 *	                                                              └▶ model check ─▶ change
 *
 * An owner is a Service (its listeners, routes, clusters and endpoints) or a class of workloads
 * (the inbound listeners of one `app` in one namespace). graph_compute() builds what a change
 * touches beside the table and touches nothing; only when all of it passed the model check that
 * proxies run too, and the store has the revision, graph_commit() puts it in. So what cannot
 * be enforced is never offered.
 *
 * Routes of other namespaces (consumer routes) make a variant of a port's routes for clients of
 * that namespace; graph_lookup() picks it. A version is the hash of the resource's canonical
 * bytes and nothing else.
 */

#include "base/dump.h"
#include "base/map.h"
#include "codec/pb_message.h"
#include "mesh/check.h"
#include "xds/delta_server.h"
#include "xds/types.h"

#define GRAPH_VERSION_LEN 16

struct graph {
	struct map resources[XDS_TYPE_COUNT]; /* of struct graph_resource */
	struct map owners;                    /* of struct graph_owner */
	uint64_t built;                       /* resources, for changes that came to be */
	uint64_t changed;                     /* of these, new, different or gone */
};

/* What the documents alone do not say. All callbacks are asked during graph_compute() only. */
struct graph_input {
	const struct document_index *index;
	const struct mesh_config *config;
	struct str trust_domain;
	/* The address that was allocated to a Service; text borrowed for the call. */
	struct str (*virtual_address)(void *user, const struct document *service);
	/* Does the Workload take requests now? */
	bool (*is_live)(void *live_user, const struct document *workload);
	void *user;
	void *live_user;
};

/* A resource that is new, different or gone (any.len 0). */
struct graph_change_item {
	enum xds_type type;
	struct str name; /* of the table: with the client's namespace in front for a variant */
	struct str any;
	struct str clusters; /* of routes: where they lead, a name a line */
	char version[GRAPH_VERSION_LEN + 1];
};

struct graph_change; /* what graph_compute() found */

void graph_init(struct graph *g);
void graph_fini(struct graph *g);

/*
 * What `changes` make of the resources. With all set, every owner is looked at (start, a new
 * MeshConfig). Returns an error of the model check with the name of the resource; that is a
 * document that passed validation and cannot be enforced, or a bug, and either is refused.
 */
struct graph_scope {
	const struct document_change *changes;
	size_t change_count;
	bool all;
};

must_check int graph_compute(const struct graph *g, const struct graph_input *input,
			     const struct graph_scope *scope, struct graph_change **ret_change,
			     struct diag *d);
struct graph_change *graph_change_free(struct graph_change *c);

/* Puts the change into the table and tells about each resource by the name that clients use. */
void graph_commit_take(struct graph *g, struct graph_change *c,
		       void (*on_changed)(void *user, enum xds_type type, struct str name),
		       void *user);

/* For a client of that namespace. Borrowed until the next commit. */
bool graph_lookup(const struct graph *g, enum xds_type type, struct str name,
		  struct str client_namespace, struct delta_content *ret_content);

/*
 * Calls for each cluster that connections to a destination may need: those that its routes lead
 * to, as a client of that namespace sees them, or where there are none the one of its own name.
 * They need not exist. Names are borrowed until the next commit, and may come twice.
 */
void graph_reach(const struct graph *g, struct str destination, struct str client_namespace,
		 void (*on_cluster)(void *user, struct str name), void *user);

/* Appends the resource as an encoded Any. */
void graph_any(enum xds_type type, const struct pb_message *message, struct buf *out);
/* The version of a resource by its bytes: hexadecimal, with a NUL. */
void graph_version(struct str any, char ret_version[GRAPH_VERSION_LEN + 1]);

/* Looking inside; see base/dump.h. */
void graph_check(const struct graph *g);
void graph_dump(const struct graph *g, struct dump *d);
