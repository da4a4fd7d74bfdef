#pragma once

/*
 * Floods: frames that cost the sender nothing
 *
 * Each kind has a bucket of tokens that refills with time. What a well-behaved peer does in
 * its worst hour fits in; who empties a bucket is shown out. nghttp2 1.52 has some limits of
 * its own, but none for resets that a peer makes us send.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

enum h2_flood_kind {
	H2_FLOOD_RESETS,     /* by the peer, or that it made us send */
	H2_FLOOD_PINGS,      /* not acknowledgements */
	H2_FLOOD_SETTINGS,   /* not acknowledgements */
	H2_FLOOD_EMPTIES,    /* DATA without bytes and without end */
	H2_FLOOD_PRIORITIES, /* PRIORITY, and frames of unknown kinds */
	H2_FLOOD_KIND_COUNT,
};

struct h2_flood {
	struct {
		uint32_t left;
		struct instant filled; /* when it was last added to */
	} buckets[H2_FLOOD_KIND_COUNT];
};

void h2_flood_init(struct h2_flood *f, struct instant now);
/* One more of a kind. False: too many. */
bool h2_flood_take(struct h2_flood *f, enum h2_flood_kind kind, struct instant now);
/* One of a kind has its cause in what the peer asked for: it is not counted. */
void h2_flood_give(struct h2_flood *f, enum h2_flood_kind kind);
