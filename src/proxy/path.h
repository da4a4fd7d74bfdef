#pragma once

/*
 * Paths of requests, made canonical
 *
 * What RFC 3986 §6.2.2 calls normalisation, as Envoy does it: unreserved characters are
 * written plainly, other escapes in upper case, "." and ".." are resolved, and on request
 * runs of slashes become one. Matching a route on anything else lets a request pass a rule
 * under another spelling. Pure.
 */

#include <stdbool.h>

#include "base/pool.h"
#include "base/str.h"

/* Path and query apart; the query is without '?', and *ret_has_query tells "/a?" from "/a". */
struct path_parts {
	struct str path;
	struct str query;
	bool has_query;
};

struct path_parts path_split(struct str path);

/* The query stays as it is. Unchanged input is returned itself. False: the path cannot be
 * normalised (a broken escape, NUL, or ".." above the root). */
bool path_normalize(struct str path, struct pool *pool, struct str *ret_path);
struct str path_merge_slashes(struct str path, struct pool *pool);
/* %2F or %5C in any case, outside of the query. */
bool path_has_escaped_slash(struct str path);
