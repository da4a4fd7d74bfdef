#pragma once

/*
 * The inside of struct document_index (check.h), for attach.c and check.c
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

struct document_index {
	struct documents all; /* in the caller's order */
	struct documents kinds[KIND_COUNT];
	struct attachment *attachments; /* by the parent's name, then the route's */
	uint32_t attachment_count;
};

/* All of a kind in one namespace, by name. */
struct documents document_index_namespace(const struct document_index *x, enum kind_id kind,
					  struct str name_space);

/* All references to that Service; those of one route stand together. */
struct attachments document_index_attachments(const struct document_index *x,
					      const struct document *service);
