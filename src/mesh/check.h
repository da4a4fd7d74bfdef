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
	struct finding *items; /* by document, in the order given; then as found */
	uint32_t count;
};

/*
 * An index over documents: built once, asked often. Documents stay the caller's. No two have
 * the same kind, namespace and name.
 */
struct document_index;

struct document_index *document_index_new(const struct documents *documents, struct pool *pool);
const struct document *document_index_get(const struct document_index *x, enum kind_id kind,
					  struct str name_space, struct str name);
/* All of a kind: by namespace and name. */
struct documents document_index_kind(const struct document_index *x, enum kind_id kind);
/* The Workloads that a Service selects, in the order of their names. */
struct documents document_index_selected(const struct document_index *x,
					 const struct document *service, struct pool *pool);

struct findings check_documents(const struct document_index *x, struct pool *pool);

/* The finding as a diag: text, hint, code, file, position and path. */
void finding_diag(const struct finding *f, struct diag *d);
