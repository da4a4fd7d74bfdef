#pragma once

/*
 * Rows of services or workloads: those that were named, else those of the namespace
 *
 * `weft stat reviews shop/web` and `weft proxy status web-1` take names as every command does
 * (object_ref.h). A name that no row has is asked for: what does not exist is an error, what
 * merely has nothing to show is none.
 */

#include "cli/object_ref.h"
#include "cli/output.h"
#include "cli/remote.h"

struct named {
	const struct kind *kind;
	const char *key;       /* of a row's name: "service", "workload" */
	struct str name_space; /* empty: all */
	struct object_refs refs;
};

/* Reads names; texts are borrowed. */
must_check int named_parse(struct named *n, char *const *words, size_t word_count,
			   struct pool *pool, struct diag *d);

/* Removes from a list the rows that were not asked for, and puts the others in order: by namespace,
 * name and what else tells them apart. */
must_check int named_filter(const struct named *n, struct remote *remote, struct node *list,
			    struct diag *d);

/* The name of a row, with its namespace where all are shown. */
void named_put(const struct named *n, const struct node *row, struct buf *out);
/* The same as what get takes: "service/reviews". */
void named_ref(const struct named *n, const struct node *row, struct buf *out);
