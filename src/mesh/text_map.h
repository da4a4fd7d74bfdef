#pragma once

/*
 * Labels, annotations and selectors: text to text, sorted by key
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct text_pair {
	struct str key;
	struct str value;
};

struct text_map {
	struct text_pair *items;
	uint32_t count;
};

/* NULL when absent. */
const struct str *text_map_get(const struct text_map *m, struct str key);

/* Do the labels have every pair of the selector? An empty selector selects nothing, as that
 * of a Service does. */
bool text_map_selects(const struct text_map *selector, const struct text_map *labels);
