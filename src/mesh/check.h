#pragma once

/*
 * Documents together
 *
 * What one document says of another: backends and parents exist, ports are there and speak
 * HTTP, no two routes claim the same requests. check_documents() looks at all documents as they
 * would stand after a change and reports findings; who applies decides what to do with them
 * (an error in a document of this apply refuses it; in an older one it becomes its status).
 * Findings carry the Gateway API's condition and reason, so that status and messages agree.
 */

#include "base/diag.h"
#include "mesh/document.h"

enum finding_severity { FINDING_WARNING, FINDING_ERROR };

struct finding {
	enum finding_severity severity;
	enum code code;
	const struct document *document;
	const struct node *node; /* where in it; may be NULL: the whole */
	/* For a condition of a route: which parent, or -1 for all. */
	int parent_index;
	const char *condition; /* "ResolvedRefs", "Accepted"; NULL: none of a route */
	const char *reason;    /* "BackendNotFound" */
	struct str text;       /* one sentence, no full stop */
	struct str hint;       /* may be empty */
};

struct findings {
	struct finding *items; /* by kind, namespace and name of the document; then as found */
	uint32_t count;
};

/* One document before and after a change; either may be NULL. */
struct document_change {
	const struct document *before;
	const struct document *after;
};

/*
 * An index over documents: built once, asked often, never changed. Documents stay the
 * caller's. No two have the same kind, namespace and name.
 */
struct document_index;

struct document_index *document_index_new(const struct documents *documents, struct pool *pool);
/* The index after changes; nothing in it points to the memory of the one before. Costs a copy,
 * and something per change. */
struct document_index *document_index_next(const struct document_index *before,
					   const struct document_change *changes, size_t count,
					   struct pool *pool);
const struct document *document_index_get(const struct document_index *x, enum kind_id kind,
					  struct str name_space, struct str name);
/* All of a kind: by namespace and name. */
struct documents document_index_kind(const struct document_index *x, enum kind_id kind);
/* The Workloads of a namespace that have a label, in the order of their names. */
struct documents document_index_labelled(const struct document_index *x, struct str name_space,
					 const struct text_pair *label, struct pool *pool);
/* The Services that select a Workload. */
struct documents document_index_selecting(const struct document_index *x,
					  const struct document *workload, struct pool *pool);
/* The Workloads that a Service selects, in the order of their names. */
struct documents document_index_selected(const struct document_index *x,
					 const struct document *service, struct pool *pool);

struct findings check_documents(const struct document_index *x, struct pool *pool);

/* Where changes came from. */
struct check_before {
	const struct document_change *changes;
	size_t count;
	const struct findings *findings; /* before the changes */
};

/*
 * The findings after changes, of the index after them: as check_documents() would tell them,
 * but only documents that the changes can concern are looked at. The text of the others is
 * copied into `pool`.
 */
struct findings check_changes(const struct document_index *x, const struct check_before *before,
			      struct pool *pool);

/* The finding as a diag: text, hint, code, file, position and path. */
void finding_diag(const struct finding *f, struct diag *d);
