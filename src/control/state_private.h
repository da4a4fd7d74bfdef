#pragma once

/*
 * Inside the state: a change while it is a candidate
 */

#include "control/state.h"
#include "control/store.h"
#include "control/virtual_address.h"

/* All documents with what follows from them; replaced whole by each change. */
struct state_view {
	struct pool pool;
	const struct document_index *index;
	struct findings findings;
	const struct mesh_config *config;
};

struct state {
	struct loop *loop;
	struct store *store;
	struct state_options options;
	char *trust_domain;
	uint64_t revision;
	struct map objects[KIND_COUNT]; /* "NS/NAME" → struct state_object */
	uint64_t changes[KIND_COUNT];   /* writes since the start */
	struct virtual_addresses addresses;
	struct state_view *view;
	struct state_view *shown; /* of a change that was no change: its findings are being read */
	struct graph graph;
	struct list watches;
};

/* One write of a change, worked out. */
struct candidate_write {
	const struct state_write *write;
	const struct document *document; /* NULL: deleted; its `user` is `before` until the swap */
	struct state_object *before;     /* NULL once it is gone */
	struct str json;
	struct str virtual_address;
};

struct candidate {
	struct state *state;
	const struct state_change *change;
	struct pool pool;
	struct candidate_write *writes;  /* those that change something */
	struct document_change *changes; /* the same, as documents */
	size_t count;
	enum state_origin origin; /* the change's, but for deletions of registered objects alone */
	uint32_t unchanged;
	size_t failed; /* of a failure: the write that is to blame, or their number */
	struct state_view *view;
	struct graph_change *graph;
};

struct state_object *state_find(const struct state *s, enum kind_id kind, struct str name_space,
				struct str name);
struct graph_input state_graph_input(const struct state *s, const struct state_view *view,
				     struct str (*virtual_address)(void *user,
								   const struct document *service),
				     void *user);
struct state_view *state_view_new(void);
struct state_view *state_view_free(struct state_view *v);
/* Of all documents, and of those of another view after changes. */
void state_view_fill(struct state_view *v, const struct documents *documents);
void state_view_follow(struct state_view *v, const struct state_view *before,
		       const struct document_change *changes, size_t count);

/* Everything of a change but the store and the swap. candidate_fini() in any case. */
must_check int candidate_make(struct candidate *c, struct state *s,
			      const struct state_change *change, struct diag *d);
void candidate_fini(struct candidate *c);
/* The findings that the person should see although the change was accepted. */
struct findings candidate_findings(struct candidate *c);
