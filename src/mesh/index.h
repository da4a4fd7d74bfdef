#pragma once

/*
 * The inside of struct document_index (check.h), for attach.c, check.c and findings.c
 */

#include "mesh/check.h"

/* A route names a Service as its parent. */
struct attachment {
	const struct parent_ref *parent;
	const struct document *route;
};

struct attachments {
	const struct attachment *items;
	uint32_t count;
};

/* A route sends requests to a Service. */
struct backend_use {
	const struct backend_ref *backend;
	const struct document *route;
};

struct backend_uses {
	const struct backend_use *items;
	uint32_t count;
};

/* One pair of labels, or of a selector, as a number; and whose it is. */
struct label_place {
	uint64_t hash; /* of namespace, key and value */
	const struct document *document;
};

struct label_places {
	const struct label_place *items;
	uint32_t count;
};

struct document_index {
	struct documents kinds[KIND_COUNT]; /* by namespace and name */
	struct attachments attachments;     /* by the parent's name, then the route's */
	struct backend_uses uses;           /* by the backend's name, then the route's */
	struct label_places labels;         /* of Workloads: every label */
	struct label_places selectors;      /* of Services: the first pair of the selector */
};

/* By kind, namespace and name. */
int document_order(const struct document *a, const struct document *b);

/* All of a kind in one namespace, by name. */
struct documents document_index_namespace(const struct document_index *x, enum kind_id kind,
					  struct str name_space);

/* All references to that Service; those of one route stand together. */
struct attachments document_index_attachments(const struct document_index *x,
					      const struct document *service);

/* All routes that send requests there, once per backend. */
struct backend_uses document_index_uses(const struct document_index *x,
					const struct document *service);
