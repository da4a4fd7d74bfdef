#pragma once

/*
 * Inside of the loop, for the files of src/event alone
 *
 * Fields are grouped by the part that owns them: loop.c, timer.c, task.c. Only `posted` and
 * the number of wake_fd are touched by other threads.
 */

#include <stdatomic.h>
#include <sys/epoll.h>

#include "event/loop.h"

#define LOOP_EVENTS_PER_TURN 128

/* The key stands beside the pointer, so that sifting does not touch the timers. */
struct timer_slot {
	struct instant due;
	struct timer *timer;
};

struct timer_heap {
	struct timer_slot *slots; /* slots[1] is the earliest; slots[0] is not used */
	uint32_t count;
	uint32_t capacity;
	bool running; /* in timers_run() */
};

struct loop {
	/* Alone on its cache line: other threads write it. */
	_Alignas(64) _Atomic(struct task *) posted; /* newest first */

	_Alignas(64) int epoll_fd;
	int wake_fd;
	bool stopping;
	bool in_turn;
	bool clock_is_set; /* by a test: stands still */
	struct instant now;
	struct wall_time wall;

	struct list watches;
	struct epoll_event events[LOOP_EVENTS_PER_TURN];
	int event_count; /* fetched in this turn */
	int event_next;  /* the next to be dispatched */

	struct timer_heap timers;
	struct list deferred;
	struct list deferred_next; /* of the next turn */
	struct list reaps;
};

/* Runs what is due by the clock of this turn. */
void timers_run(struct loop *l);
/* How long until the earliest timer; FOREVER without one. */
struct duration timers_wait(const struct loop *l);
void timers_check(const struct loop *l);
void timers_fini(struct loop *l);

/* Runs the tasks that were there when it was called. */
void tasks_run(struct loop *l);
bool tasks_are_waiting(const struct loop *l);
