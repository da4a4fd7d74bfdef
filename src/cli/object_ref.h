#pragma once

/*
 * How a person names objects: KIND, KIND/NAME, KIND NAME…, KIND NAMESPACE/NAME, KIND
 * NAME.NAMESPACE
 */

#include "base/diag.h"
#include "base/pool.h"
#include "mesh/kind.h"

struct object_ref {
	const struct kind *kind;
	struct str name_space; /* as named, else the one given to object_refs_parse() */
	struct str name;       /* empty: all of the kind */
};

struct object_refs {
	struct object_ref *items;
	size_t count;
};

/*
 * Reads words. "all" stands for every kind. Texts are borrowed. ERR_CONFIG with the kinds in
 * the hint where a kind is unknown or missing.
 */
must_check int object_refs_parse(char *const *words, size_t word_count, struct str name_space,
				 struct pool *pool, struct object_refs *ret_refs, struct diag *d);

/* The path in the API; of all namespaces where name_space is empty. */
void object_ref_path(const struct object_ref *ref, struct buf *out);

/* "HTTPRoute shop/reviews" */
void object_ref_title(const struct object_ref *ref, struct buf *out);
