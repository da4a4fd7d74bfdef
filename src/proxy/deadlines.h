#pragma once

/*
 * The deadlines of one exchange, on one timer
 *
 * An exchange has several limits in time at once. Each is an instant; the timer runs to the
 * first of them, or to an earlier moment: a limit that moves to a later time, or goes, costs a
 * store, because the timer finds out when it comes up. On an HTTP/1 connection, where one
 * exchange follows the other, they share the connection's deadlines; so in steady state the
 * timer is not touched at all.
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
	void (*on_due)(void *user, enum deadline which);
	void *user;
	struct loop *loop;
	struct instant at[DEADLINE_COUNT]; /* 0: none */
};

void deadlines_init(struct deadlines *d, struct loop *l);
/* Stops the timer too. Accepts zeroed memory. */
void deadlines_fini(struct deadlines *d);

/* For the next exchange: no deadline is set. */
static inline void deadlines_use(struct deadlines *d,
				 void (*on_due)(void *user, enum deadline which), void *user)
{
	d->on_due = on_due;
	d->user = user;
}

/* None is set any more. */
static inline void deadlines_clear(struct deadlines *d)
{
	for (int i = 0; i < DEADLINE_COUNT; i++)
		d->at[i].ns = 0;
}

/* after > 0. */
void deadline_start(struct deadlines *d, enum deadline which, struct duration after);

static inline void deadline_clear(struct deadlines *d, enum deadline which)
{
	d->at[which] = (struct instant){ 0 };
}

/* A time of zero or less sets none. */
static inline void deadline_set(struct deadlines *d, enum deadline which, struct duration after)
{
	if (after.ns > 0)
		deadline_start(d, which, after);
	else
		deadline_clear(d, which);
}

/* Moves one that is set to a later time. */
static inline void deadline_extend(struct deadlines *d, enum deadline which, struct duration after)
{
	if (d->at[which].ns)
		d->at[which] = instant_after(loop_now(d->loop), after);
}
