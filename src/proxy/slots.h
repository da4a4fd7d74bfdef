#pragma once

/*
 * Numbers for names
 *
 * The compiled resources refer to clusters and route tables by name; workers find them by an
 * index into a table of the snapshot. A name keeps its slot for as long as anybody refers to
 * it, and a slot is given to another name only when nobody does: so a number that a stream
 * read from an old route table still means the same cluster in the newest snapshot. Main
 * thread only.
 */

#include <stdint.h>

#include "base/map.h"
#include "base/str.h"

#define SLOT_NONE UINT32_MAX

struct slot;

struct slots {
	struct map by_name;
	struct slot **items; /* by number; NULL: free */
	uint32_t count;
};

void slots_init(struct slots *s);
/* Whatever is still referred to goes too. */
void slots_fini(struct slots *s);

/* The slot of a name, one reference more. */
uint32_t slots_get(struct slots *s, struct str name);
/* SLOT_NONE where nobody refers to the name. */
uint32_t slots_find(const struct slots *s, struct str name);
void slots_unref(struct slots *s, uint32_t slot);
/* Terminated. */
struct str slots_name(const struct slots *s, uint32_t slot);
