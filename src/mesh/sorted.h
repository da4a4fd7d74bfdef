#pragma once

/*
 * Sorted arrays that change in few places
 *
 * The next version of a sorted array, of items of any one type: what is taken out and what is
 * put in are found by halves, and the stretches between are copied whole.
 */

#include <stddef.h>

#include "base/pool.h"

struct sorted {
	const void *items;
	size_t count;
};

struct sorted_edit {
	struct sorted before;
	struct sorted out; /* equal to items of `before`, by `compare`; sorted */
	struct sorted in;  /* sorted */
	size_t item_bytes;
	int (*compare)(const void *a, const void *b);
};

/* In `pool`. */
struct sorted sorted_next(const struct sorted_edit *edit, struct pool *pool);

/* Index of the first item that is not before `key`. */
size_t sorted_place(const struct sorted *s, size_t item_bytes, const void *key,
		    int (*compare)(const void *a, const void *b));
