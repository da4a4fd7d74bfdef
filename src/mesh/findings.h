#pragma once

/*
 * Between check.c, which looks at one document, and findings.c, which knows at which to look
 */

#include "mesh/check.h"

/* Appends what is to be said of one document. */
void check_document(const struct document_index *x, const struct document *doc,
		    struct findings *findings, struct pool *pool);

/* One more; to be filled. */
struct finding *findings_add(struct findings *findings, struct pool *pool);
