#pragma once

/*
 * Fields of a tree, by their paths
 *
 * "name,spec.ports.port" leaves of a mapping what these paths lead to, in its place: the result
 * has the form of the whole, with less in it. A path goes through lists into each of their
 * elements. A key may have dots: the longest that is there is taken. What is absent is null, so
 * that a script finds every key that it asked for.
 */

#include "codec/node.h"

/*
 * Of a list, the fields of each element. Paths are parted by commas. Where something was looked
 * through, *ret_missing is the first path that led nowhere in all of it, else empty; both borrow
 * from `fields`.
 */
struct node *fields_pick(const struct node *n, struct str fields, struct pool *pool,
			 struct str *ret_missing);
