#pragma once

/*
 * The deadlines of one exchange, on one timer
 *
 * An exchange has several limits in time at once. Each is an instant; the timer runs to the
 * first of them, and a limit that moves to a later time costs a store, because the timer finds
 * out when it comes up. So a request that keeps within its limits starts and stops one timer.
 */

#include "event/loop.h"

enum deadline {
	DEADLINE_ROUTE,   /* the whole answer, from the end of the request on */
	DEADLINE_TRY,     /* one attempt */
	DEADLINE_IDLE,    /* nothing moves */
	DEADLINE_REQUEST, /* the request must be complete */
	DEADLINE_MAX,     /* the exchange as a whole */
	DEADLINE_BACKOFF, /* not a limit: the next attempt begins */
	DEADLINE_COUNT,
};

struct deadlines {
	struct timer timer;
	void (*on_due)(struct deadlines *d, enum deadline which);
	struct loop *loop;
	struct instant at[DEADLINE_COUNT]; /* 0: none */
};

void deadlines_init(struct deadlines *d, struct loop *l,
		    void (*on_due)(struct deadlines *d, enum deadline which));
void deadlines_stop(struct deadlines *d);

/* A time of zero or less sets none. */
void deadline_set(struct deadlines *d, enum deadline which, struct duration after);

static inline void deadline_clear(struct deadlines *d, enum deadline which)
{
	d->at[which] = (struct instant){ 0 };
}

/* Moves one that is set to a later time. */
static inline void deadline_extend(struct deadlines *d, enum deadline which, struct duration after)
{
	if (d->at[which].ns)
		d->at[which] = instant_after(loop_now(d->loop), after);
}
