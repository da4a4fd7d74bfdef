#pragma once

/*
 * Does the program take connections?
 *
 * Each of its ports is tried every 50 ms until it accepts; when all have, the program is ready
 * and nothing is tried any more.
 */

#include "cli/run_plan.h"
#include "event/loop.h"
#include "net/chunk.h"

struct run_ready {
	void (*on_ready)(struct run_ready *r);
	/* private */
	struct loop *loop;
	struct chunk_stock *chunks;
	const struct run_plan *plan;
	struct conn *conn; /* the try under way */
	struct timer again;
	uint32_t next; /* port that is tried; those before it accept */
	bool accepted;
};

/* Zero the object first. on_ready comes once, never from inside this call. */
void run_ready_start(struct run_ready *r, struct loop *loop, struct chunk_stock *chunks,
		     const struct run_plan *plan, void (*on_ready)(struct run_ready *r));
/* No callback follows. Accepts zeroed memory. */
void run_ready_stop(struct run_ready *r);
