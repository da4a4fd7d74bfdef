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

/* One name of a kind that is known, whose word may stand in front; with an empty name_space it
 * may be of any. */
must_check int object_name_parse(const struct kind *kind, struct str word, struct str name_space,
				 struct object_ref *ret_ref, struct diag *d);

/* The path in the API; of all namespaces where name_space is empty. */
void object_ref_path(const struct object_ref *ref, struct buf *out);

/* "HTTPRoute shop/reviews" */
void object_ref_title(const struct object_ref *ref, struct buf *out);
/* "httproute/reviews", or "httproute/shop/reviews" where it has a namespace: what get and delete
 * take. */
void object_ref_name(const struct object_ref *ref, struct buf *out);
