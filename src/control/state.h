#pragma once

/*
 * The state of the mesh: every document, in memory and in the store
 *
 *	request ─▶ candidate set ─▶ check_documents ─▶ graph_compute + model check ─▶ store ─▶ swap
 *	                                 │ refused, nothing changed                          │
 *	                                 ▼                                                   ▼
 *	                              findings                            watchers: xDS, status, API
 *
 * What people apply makes revisions and history. Workloads and Services that `weft run`
 * registers, and all status, have their own order and are no part of it: no rollback
 * unregisters a live workload.
 *
 * One thread, the control plane's loop. Documents handed out are immutable and live until the
 * next change of the same object.
 */

#include "base/diag.h"
#include "control/graph.h"
#include "event/loop.h"
#include "mesh/check.h"

struct store;
struct state;

enum state_origin { STATE_APPLIED, STATE_REGISTERED };

/* One object: the current document and what the store knows of it. */
struct state_object {
	const struct document *document; /* its `user` is this object; `created` is set */
	struct pool pool;                /* holds the document */
	enum state_origin origin;
	uint64_t revision; /* applied: the revision that wrote it; registered: own order */
	struct wall_time changed_at;
	char *virtual_address; /* of a Service: IPv4; NULL for other kinds */
	/* private: what the change under way does to it */
	const struct candidate_write *candidate;
};

/* Called after every change, in the order of registration. */
struct state_watch {
	/* before NULL: new; after NULL: gone. */
	void (*on_object)(struct state_watch *w, const struct state_object *before,
			  const struct state_object *after);
	void (*on_commit)(struct state_watch *w, uint64_t revision);
	void (*on_resource)(struct state_watch *w, enum xds_type type, struct str name);
	struct list in_state;
};

struct state_options {
	struct str trust_domain;
	/* Does a Workload take requests now? Asked while compiling; NULL: all do. */
	bool (*is_live)(void *user, const struct document *workload);
	void *user;
};

/* Loads everything from the store and compiles it. The store stays the caller's. */
must_check int state_new(struct loop *loop, struct store *store,
			 const struct state_options *options, struct state **ret_state,
			 struct diag *d);
struct state *state_free(struct state *s);

void state_watch_add(struct state *s, struct state_watch *w);
void state_watch_remove(struct state_watch *w);

uint64_t state_revision(const struct state *s); /* of what people applied */
struct str state_trust_domain(const struct state *s);
const struct mesh_config *state_mesh_config(const struct state *s);
const struct state_object *state_get(const struct state *s, enum kind_id kind,
				     struct str name_space, struct str name);
/* Calls for each object of a kind (KIND_COUNT: of all), by namespace and name. */
void state_each(const struct state *s, enum kind_id kind,
		void (*on_object)(void *user, const struct state_object *o), void *user);
/* How often objects of a kind were written or deleted since the start: the same number, the same
 * objects. */
uint64_t state_changes(const struct state *s, enum kind_id kind);
/* Its resourceVersion: "12" as applied, "r12" as registered, which are two orders. In `pool`. */
struct str state_object_version(const struct state_object *o, struct pool *pool);
/* The present findings of all documents; valid until the next change. */
const struct findings *state_findings(const struct state *s);
const struct graph *state_graph(const struct state *s);
/* Of all documents; valid until the next change. */
const struct document_index *state_index(const struct state *s);

struct state_write {
	/* Written: the document, alone in its pool. When the change succeeds and is no dry run
	 * the content of the pool is the state's and the pool is left empty. NULL: the object
	 * named below is deleted. */
	struct document *document;
	struct pool *pool;
	bool create_only; /* an object that exists is left as it is: no error, no change */
	enum kind_id kind;
	struct str name_space;
	struct str name;
};

struct state_change {
	struct state_write *writes;
	size_t write_count;
	enum state_origin origin;
	bool allow_dangling; /* references to what does not exist become warnings */
	bool dry_run;        /* everything but the store and the swap */
	struct str actor;    /* "root", "uid 1000": for history */
	struct str message;  /* "apply", "rollback to 4" */
	size_t failed;       /* told by a failure: the write that is to blame; write_count: none */
};

struct state_result {
	uint64_t revision;        /* 0 when nothing changed */
	enum state_origin origin; /* of the revision: registered when nothing else was deleted */
	uint32_t created, changed, deleted, unchanged;
	struct findings findings; /* warnings of the documents written; in `pool` */
	struct pool *pool;        /* the caller's, for findings */
};

/*
 * One transaction: all of it or nothing. A deletion of what was registered is no part of a
 * revision; a change that is nothing else makes none. ERR_CONFIG with a diag that names the
 * document by its file and position, ERR_CONFLICT when a resourceVersion is not the current one,
 * ERR_NOT_FOUND for a deletion of what is not there.
 */
must_check int state_apply(struct state *s, struct state_change *change,
			   struct state_result *ret_result, struct diag *d);

/* is_live() may answer differently now for this workload: what depends on it is compiled. */
void state_live_changed(struct state *s, const struct state_object *workload);

/* Looking inside; see base/dump.h. */
void state_check(const struct state *s);
void state_dump(const struct state *s, struct dump *d);
