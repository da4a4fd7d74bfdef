/*
 * The turn of the loop, its clocks, watches, and work put off to the end of the turn
 *
 *	wait ─▶ watches ─▶ timers ─▶ tasks ─▶ deferred, in rounds ─▶ reap
 *	 ▲                                                            │
 *	 └────────────────────────────────────────────────────────────┘
 *
 * An object that closes itself in any of these callbacks stays in memory until the reap, so
 * whatever the loop or a caller further up still holds is valid for the rest of the turn.
 */

#include "event/loop.h"

#include <assert.h>
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/mem.h"
#include "event/loop_private.h"

/* Work that defers work goes on in the next turn after this many rounds. */
#define DEFER_ROUNDS_MAX 16

#define NS_PER_MS        1000000

static int open_epoll(struct loop *l)
{
	int r = fault_point("epoll_create1");

	if (r < 0)
		return r;
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return l->epoll_fd < 0 ? -errno : 0;
}

static int open_wake(struct loop *l)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int r = fault_point("eventfd");

	if (r < 0)
		return r;
	l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->wake_fd < 0)
		return -errno;
	r = fault_point("epoll_ctl");
	if (r < 0)
		return r;
	return epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, l->wake_fd, &event) < 0 ? -errno : 0;
}

int loop_new(struct loop **ret_loop)
{
	cleanup(loop_freep) struct loop *l = mem_new(struct loop);
	int r;

	list_init(&l->watches);
	list_init(&l->deferred);
	list_init(&l->deferred_next);
	list_init(&l->reaps);
	l->epoll_fd = l->wake_fd = -1;

	r = open_epoll(l);
	if (r < 0)
		return r;
	r = open_wake(l);
	if (r < 0)
		return r;

	loop_update_clock(l);
	*ret_loop = TAKE(l);
	return 0;
}

struct loop *loop_free(struct loop *l)
{
	if (!l)
		return NULL;
	assert(list_is_empty(&l->watches));
	assert(list_is_empty(&l->deferred));
	assert(list_is_empty(&l->deferred_next));
	assert(list_is_empty(&l->reaps));
	assert(!tasks_are_waiting(l));
	timers_fini(l);
	if (l->wake_fd >= 0)
		close(l->wake_fd);
	if (l->epoll_fd >= 0)
		close(l->epoll_fd);
	return mem_free(l);
}

struct instant loop_now(const struct loop *l)
{
	return l->now;
}

struct wall_time loop_wall_now(const struct loop *l)
{
	return l->wall;
}

void loop_update_clock(struct loop *l)
{
	if (l->clock_is_set)
		return;
	l->now = time_monotonic_now();
	l->wall = time_wall_now();
}

void loop_set_clock(struct loop *l, struct instant now, struct wall_time wall)
{
	l->clock_is_set = true;
	l->now = now;
	l->wall = wall;
}

void loop_advance(struct loop *l, struct duration by)
{
	assert(l->clock_is_set);
	assert(by.ns >= 0);
	l->now = instant_after(l->now, by);
	l->wall.ns += by.ns;
}

int watch_start(struct loop *l, struct watch *w, int fd, uint32_t events,
		void (*on_ready)(struct watch *w, uint32_t events))
{
	struct epoll_event event = { .events = events | EPOLLET, .data.ptr = w };
	int r = fault_point("epoll_ctl");

	assert(!w->loop);
	if (r < 0)
		return r;
	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		return -errno;
	w->on_ready = on_ready;
	w->fd = fd;
	w->loop = l;
	list_push_back(&l->watches, &w->in_loop);
	return 0;
}

void watch_stop(struct watch *w)
{
	struct loop *l = w->loop;

	if (!l)
		return;
	epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, w->fd, NULL);
	for (int i = l->event_next; i < l->event_count; i++)
		if (l->events[i].data.ptr == w)
			l->events[i].data.ptr = NULL;
	list_remove(&w->in_loop);
	w->loop = NULL;
}

static void queue(struct list *items, struct deferred *d, void (*on_run)(struct deferred *d))
{
	if (list_is_linked(&d->in_loop))
		return;
	d->on_run = on_run;
	list_push_back(items, &d->in_loop);
}

void defer(struct loop *l, struct deferred *d, void (*on_run)(struct deferred *d))
{
	queue(&l->deferred, d, on_run);
}

void defer_to_next_turn(struct loop *l, struct deferred *d, void (*on_run)(struct deferred *d))
{
	queue(&l->deferred_next, d, on_run);
}

void defer_cancel(struct deferred *d)
{
	list_remove(&d->in_loop);
}

void loop_reap(struct loop *l, struct deferred *d, void (*on_reap)(struct deferred *d))
{
	list_remove(&d->in_loop);
	d->on_run = on_reap;
	list_push_back(&l->reaps, &d->in_loop);
}

/* Calls the items that are in the list now; those added meanwhile stay. */
static void run_round(struct list *items)
{
	struct list round;
	struct list *node;

	list_init(&round);
	list_move_all(&round, items);
	while ((node = list_pop_front(&round))) {
		struct deferred *d = container_of(node, struct deferred, in_loop);

		d->on_run(d);
	}
}

static void run_deferred(struct loop *l)
{
	for (int i = 0; i < DEFER_ROUNDS_MAX && !list_is_empty(&l->deferred); i++)
		run_round(&l->deferred);
}

static void run_reaps(struct loop *l)
{
	while (!list_is_empty(&l->reaps))
		run_round(&l->reaps);
}

/* Rounded up, so that a timer is due when epoll_wait() returns for it. */
static int wait_ms(const struct loop *l, struct duration wait)
{
	struct duration timers = timers_wait(l);

	if (!list_is_empty(&l->deferred) || !list_is_empty(&l->deferred_next) ||
	    !list_is_empty(&l->reaps) || tasks_are_waiting(l))
		return 0;
	/* A clock that stands still brings no timer nearer. */
	if (!l->clock_is_set || timers.ns <= 0)
		wait.ns = min_of(wait.ns, timers.ns);
	if (wait.ns <= 0)
		return 0;
	if (wait.ns == INT64_MAX)
		return -1;
	return (int)min_of((wait.ns - 1) / NS_PER_MS + 1, (int64_t)INT32_MAX);
}

static int fetch_events(struct loop *l, struct duration wait)
{
	int r = fault_point("epoll_wait");

	if (r < 0)
		return r;

	int count = epoll_wait(l->epoll_fd, l->events, LOOP_EVENTS_PER_TURN, wait_ms(l, wait));

	if (count < 0 && errno != EINTR)
		return -errno;
	l->event_next = 0;
	l->event_count = max_of(count, 0);
	return 0;
}

static void dispatch_events(struct loop *l)
{
	while (l->event_next < l->event_count) {
		struct epoll_event *event = &l->events[l->event_next++];
		struct watch *w = event->data.ptr;

		/* NULL: stopped meanwhile, or the eventfd, which only ends the wait. */
		if (w)
			w->on_ready(w, event->events);
	}
}

int loop_turn(struct loop *l, struct duration wait)
{
	assert(!l->in_turn);

	int r = fetch_events(l, wait);

	if (r < 0)
		return r;
	l->in_turn = true;
	loop_update_clock(l);
	list_move_all(&l->deferred, &l->deferred_next);
	dispatch_events(l);
	timers_run(l);
	tasks_run(l);
	run_deferred(l);
	run_reaps(l);
	l->in_turn = false;
	debug_check(l->timers.count, loop_check(l));
	return 0;
}

int loop_run(struct loop *l)
{
	int r = 0;

	while (r == 0 && !l->stopping)
		r = loop_turn(l, DURATION_FOREVER);
	l->stopping = false;
	return r;
}

void loop_stop(struct loop *l)
{
	l->stopping = true;
}

/*
 * Looking inside
 */

void loop_check(const struct loop *l)
{
	timers_check(l);
	list_check(&l->watches);
	list_check(&l->deferred);
	list_check(&l->deferred_next);
	list_check(&l->reaps);
	list_for_each (node, &l->watches)
		assert(container_of(node, struct watch, in_loop)->loop == l);
	assert(l->event_next <= l->event_count);
}

void loop_dump(const struct loop *l, struct dump *d)
{
	dump_line(d, "loop");
	dump_number(d, "watches", list_count(&l->watches));
	dump_number(d, "timers", l->timers.count);
	if (l->timers.count)
		dump_signed(d, "next_ms", timers_wait(l).ns / NS_PER_MS);
	dump_number(d, "deferred", list_count(&l->deferred) + list_count(&l->deferred_next));
	dump_number(d, "reaps", list_count(&l->reaps));
	dump_signed(d, "events_left", l->event_count - l->event_next);
	dump_flag(d, "tasks_wait", tasks_are_waiting(l));
	dump_flag(d, "in_turn", l->in_turn);
	dump_flag(d, "stopping", l->stopping);
}
