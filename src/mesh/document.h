#pragma once

/*
 * A document: what a person wrote about one object, read strictly
 *
 * document_parse() turns a tree into a typed, validated and defaulted struct, or says what is
 * wrong with file, line, column, path, code and the fix. It does no I/O and knows nothing of
 * other documents (see check.h for that); the command line and the control plane call it alike.
 *
 *	text ─yaml_parse, json_parse─▶ node ─document_parse─▶ struct document ─▶ check, compile
 *	                                                          │
 *	                           canonical node and JSON ◀──────┘ (store, diff, get -o yaml)
 */

#include "base/diag.h"
#include "base/pool.h"
#include "codec/node.h"
#include "mesh/codes.h"
#include "mesh/http_route.h"
#include "mesh/kind.h"
#include "mesh/mesh_config.h"
#include "mesh/service.h"
#include "mesh/text_map.h"
#include "mesh/workload.h"

struct document {
	const struct kind *kind;
	struct str name_space; /* empty for a kind without */
	struct str name;
	struct text_map labels;
	struct text_map annotations;
	struct str resource_version; /* as written, for compare-and-swap; may be empty */

	const char *file;  /* for messages; may be NULL */
	struct node *root; /* the whole document as written, with the namespace */

	/* By kind; the node of its spec is the first member. */
	union {
		void *spec;
		struct service *service;
		struct workload *workload;
		struct http_route *http_route;
		struct mesh_config *mesh_config;
	};

	/*
	 * The caller's: when the object was created, as a number of the store that only grows
	 * (0: not yet). The older of two routes in conflict wins.
	 */
	uint64_t created;
	void *user;
};

struct document_options {
	struct str default_namespace; /* where metadata names none; empty: "default"; copied */
	const char *file;             /* borrowed as long as the document */
};

/*
 * Reads one document (a map with apiVersion and kind; a List is documents_read()'s). Everything
 * lives in `pool` and in the tree. ERR_CONFIG, ERR_UNSUPPORTED or ERR_LIMIT.
 */
must_check int document_parse(struct node *root, const struct document_options *options,
			      struct pool *pool, struct document **ret_document, struct diag *d);

/* "HTTPRoute shop/reviews", "MeshConfig default". */
void document_title(const struct document *doc, struct buf *out);

/*
 * The canonical form: fields in the order of the tables, maps by key, durations in one
 * spelling, the namespace written out; without empty maps and lists, without status and what
 * else the control plane writes. Defaults are not filled in: who wrote nothing gets nothing
 * back. Equal documents have equal bytes.
 */
struct node *document_canonical(const struct document *doc, struct pool *pool);
void document_canonical_json(const struct document *doc, struct buf *out);

/* One difference between two versions of an object. Nodes are of the canonical forms. */
struct difference {
	struct str path;           /* "rules[main].backendRefs[reviews-v1].weight", from spec */
	const struct node *before; /* NULL: added */
	const struct node *after;  /* NULL: removed */
};

struct differences {
	struct difference *items;
	uint32_t count;
};

/*
 * What changes from `before` to `after`, either of which may be NULL (created, deleted: no
 * differences but the fact). Entries of a list are paired by their name where the list has
 * names, by place otherwise. Lives in `pool`. Paths outside of spec begin with "metadata.".
 */
struct differences document_diff(const struct document *before, const struct document *after,
				 struct pool *pool);

/* "90", "Exact", {"name":"x"}: a value for a person, on one line. "-" for NULL. */
void difference_value(const struct node *n, struct buf *out);

/*
 * Many documents: those of a file or of an API request.
 */
struct documents {
	struct document **items;
	uint32_t count;
};

/*
 * All documents of a text: YAML with one or several documents, or JSON; Lists are opened. The
 * same object twice is refused. Appends to *documents, whose array is in `pool`.
 */
must_check int documents_parse(struct str text, const struct document_options *options,
			       struct pool *pool, struct documents *documents, struct diag *d);

/* The same from a tree: one document or a List {kind: List, items: […]}. */
must_check int documents_read(struct node *root, const struct document_options *options,
			      struct pool *pool, struct documents *documents, struct diag *d);

/*
 * Where a person wrote what the API names by path ("items[3].spec.rules[0].timeouts", of the
 * documents in this order): adds file and position to the problem in `d`. What is not written
 * is shown at what would hold it.
 */
void documents_place(const struct documents *documents, struct str path, struct diag *d);
