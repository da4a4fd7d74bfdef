/*
 * Tasks: a stack that any thread pushes on and the loop takes whole
 *
 * A push is one compare-and-swap. The loop takes the stack with one exchange and turns it
 * round, which restores the order of each sender. Only the push that finds the stack empty
 * wakes the loop, so a burst costs one system call. The eventfd is never read: it is watched
 * edge-triggered, and each write is a new edge.
 */

#include <unistd.h>

#include "event/loop_private.h"

void loop_post(struct loop *l, struct task *t, void (*on_run)(struct task *t))
{
	static const uint64_t one = 1;
	struct task *head = atomic_load_explicit(&l->posted, memory_order_relaxed);

	t->on_run = on_run;
	do {
		t->next = head;
	} while (!atomic_compare_exchange_weak_explicit(&l->posted, &head, t, memory_order_release,
							memory_order_relaxed));

	/* From here on *t is the receiver's. A full counter needs no further edge. */
	if (!head && write(l->wake_fd, &one, sizeof(one)) < 0)
		return;
}

bool tasks_are_waiting(const struct loop *l)
{
	return atomic_load_explicit(&l->posted, memory_order_relaxed) != NULL;
}

static struct task *turned_round(struct task *newest)
{
	struct task *oldest = NULL;

	while (newest) {
		struct task *older = newest->next;

		newest->next = oldest;
		oldest = newest;
		newest = older;
	}
	return oldest;
}

void tasks_run(struct loop *l)
{
	if (!tasks_are_waiting(l))
		return;

	struct task *t =
		turned_round(atomic_exchange_explicit(&l->posted, NULL, memory_order_acquire));

	while (t) {
		struct task *next = t->next;

		t->on_run(t);
		t = next;
	}
}
