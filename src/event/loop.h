#pragma once

/*
 * The event loop
 *
 * One thread, one loop. A turn is: wait in epoll, dispatch ready watches, run due timers,
 * run tasks posted by other threads, run deferred work until none is left that was queued
 * before the round (bounded), then reap: call the `on_reap` of everything that was closed
 * in this turn. Nothing is freed inside its own callback; loop_reap() is how an object
 * leaves.
 *
 * The clocks are read once per turn and can be set by tests (loop_set_clock), which then
 * drive the loop with loop_turn() and never sleep.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/dump.h"
#include "base/list.h"
#include "base/macro.h"
#include "base/time.h"

struct loop;

must_check int loop_new(struct loop **ret_loop);
/* All watches, timers and tasks must be gone, and the threads that post them. Accepts NULL;
 * returns NULL. */
struct loop *loop_free(struct loop *l);
DEFINE_CLEANUP(struct loop *, loop_free)

/* Turns until loop_stop(). */
must_check int loop_run(struct loop *l);
/* Ends loop_run() after the current turn, or before its first. From the loop's own thread. */
void loop_stop(struct loop *l);
/* One turn, waiting at most `wait` for something to happen (zero: not at all). */
must_check int loop_turn(struct loop *l, struct duration wait);

/* The clocks of this turn. */
struct instant loop_now(const struct loop *l);
struct wall_time loop_wall_now(const struct loop *l);
/* Reads the clocks anew in the middle of a long turn. */
void loop_update_clock(struct loop *l);

/* For tests: from now on the clocks stand still and are moved by loop_advance() only. */
void loop_set_clock(struct loop *l, struct instant now, struct wall_time wall);
void loop_advance(struct loop *l, struct duration by);

/*
 * Watches: readiness of a descriptor, edge-triggered, one registration for the life of the
 * watch. `events` is a set of EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR.
 */
struct watch {
	void (*on_ready)(struct watch *w, uint32_t events);
	int fd;
	/* private */
	struct loop *loop;
	struct list in_loop;
};

/* Registers for `events` | EPOLLET. Add EPOLLEXCLUSIVE for shared listening sockets. */
must_check int watch_start(struct loop *l, struct watch *w, int fd, uint32_t events,
			   void (*on_ready)(struct watch *w, uint32_t events));
/* Removes the registration (EPOLL_CTL_DEL before the descriptor is closed by its owner). No
 * callback comes afterwards, not even for events already fetched. Accepts a zeroed watch. */
void watch_stop(struct watch *w);

/*
 * Timers: once, or started again by their callback. Resolution 1 ms; a binary heap keyed by
 * due time, embedded in the object. Re-arming a running timer to a later time is cheap: it
 * is moved when it comes up. Started with zero by a timer's callback, it runs in a later
 * turn.
 */
struct timer {
	void (*on_due)(struct timer *t);
	/* private */
	struct loop *loop;
	struct instant due;  /* when it is to fire; the heap may hold it under an earlier key */
	uint32_t heap_index; /* from 1; 0: not running */
};

void timer_init(struct timer *t, void (*on_due)(struct timer *t));
void timer_start(struct loop *l, struct timer *t, struct duration after);
void timer_stop(struct timer *t); /* accepts zeroed memory */
static inline bool timer_is_running(const struct timer *t)
{
	return t->heap_index != 0;
}

/*
 * Deferred work: runs later in the same turn, each item once per defer(). Queued twice
 * before it ran, it runs once.
 */
struct deferred {
	void (*on_run)(struct deferred *d);
	struct list in_loop;
};

void defer(struct loop *l, struct deferred *d, void (*on_run)(struct deferred *d));
/* In the next turn, which then does not wait: for work that was cut short so that others get
 * their turn. Once queued either way, it stays where it is. */
void defer_to_next_turn(struct loop *l, struct deferred *d, void (*on_run)(struct deferred *d));
void defer_cancel(struct deferred *d); /* accepts zeroed memory */

/*
 * Calls on_reap at the end of this turn: the place where closed objects free themselves. An
 * item that waits to run as deferred work is taken out of that queue first.
 */
void loop_reap(struct loop *l, struct deferred *d, void (*on_reap)(struct deferred *d));

/*
 * Tasks: work sent to a loop by any thread. The object is the receiver's from then on. A
 * task may be in flight once; tasks from one sender arrive in order.
 */
struct task {
	void (*on_run)(struct task *t);
	struct task *next;
};

void loop_post(struct loop *l, struct task *t, void (*on_run)(struct task *t));

/* Looking inside; see base/dump.h. A loop checks itself at the end of each turn. */
void loop_check(const struct loop *l);
/* "loop watches=2 timers=1 next_ms=250 deferred=0 reaps=0". */
void loop_dump(const struct loop *l, struct dump *d);
