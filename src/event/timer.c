/*
 * Timers: a binary heap with lazy keys
 *
 * Most timers are timeouts that never fire: they are started, moved later with each sign of
 * life, and stopped. So moving one later touches only the timer: its slot keeps the earlier
 * key, and when that key comes up the slot is given the true one and sinks. The invariant is
 * slot.due <= timer.due, and the heap is ordered by slot.due.
 *
 *	             [1] due 10
 *	            /          \
 *	      [2] due 25     [3] due 12 ── timer.due 90: sinks when 12 comes up
 */

#include <assert.h>

#include "base/mem.h"
#include "event/loop_private.h"

#define CAPACITY_MIN 16

static void slot_put(struct timer_heap *h, uint32_t index, struct timer_slot slot)
{
	h->slots[index] = slot;
	slot.timer->heap_index = index;
}

/* Moves a slot up from `index` to where it belongs. */
static void rise(struct timer_heap *h, uint32_t index, struct timer_slot slot)
{
	while (index > 1 && h->slots[index / 2].due.ns > slot.due.ns) {
		slot_put(h, index, h->slots[index / 2]);
		index /= 2;
	}
	slot_put(h, index, slot);
}

static uint32_t child_earlier(const struct timer_heap *h, uint32_t index)
{
	uint32_t child = index * 2;

	if (child < h->count && h->slots[child + 1].due.ns < h->slots[child].due.ns)
		child++;
	return child;
}

static void sink(struct timer_heap *h, uint32_t index, struct timer_slot slot)
{
	for (;;) {
		uint32_t child = child_earlier(h, index);

		if (child > h->count || h->slots[child].due.ns >= slot.due.ns)
			break;
		slot_put(h, index, h->slots[child]);
		index = child;
	}
	slot_put(h, index, slot);
}

/* The last slot takes the place of the removed one; it may belong above or below. */
static void heap_remove(struct timer_heap *h, uint32_t index)
{
	struct timer_slot removed = h->slots[index];
	struct timer_slot last = h->slots[h->count--];

	removed.timer->heap_index = 0;
	if (removed.timer == last.timer)
		return;
	if (last.due.ns < removed.due.ns)
		rise(h, index, last);
	else
		sink(h, index, last);
}

static void heap_add(struct timer_heap *h, struct timer *t)
{
	if (h->count + 1 >= h->capacity) {
		h->capacity = h->capacity ? h->capacity * 2 : CAPACITY_MIN;
		h->slots = mem_realloc(h->slots, h->capacity * sizeof(*h->slots));
	}
	h->count++;
	rise(h, h->count, (struct timer_slot){ t->due, t });
}

void timer_init(struct timer *t, void (*on_due)(struct timer *t))
{
	*t = (struct timer){ .on_due = on_due };
}

void timer_start(struct loop *l, struct timer *t, struct duration after)
{
	struct timer_heap *h = &l->timers;

	assert(t->on_due);
	assert(!t->heap_index || t->loop == l);
	t->loop = l;
	t->due = instant_after(l->now, after);
	/* A callback that starts its own timer with zero must not keep this turn forever. */
	if (h->running && t->due.ns <= l->now.ns)
		t->due.ns = l->now.ns + 1;
	if (!t->heap_index)
		heap_add(h, t);
	else if (t->due.ns < h->slots[t->heap_index].due.ns)
		rise(h, t->heap_index, (struct timer_slot){ t->due, t });
}

void timer_stop(struct timer *t)
{
	if (t->heap_index)
		heap_remove(&t->loop->timers, t->heap_index);
}

void timers_run(struct loop *l)
{
	struct timer_heap *h = &l->timers;

	h->running = true;
	while (h->count && h->slots[1].due.ns <= l->now.ns) {
		struct timer *t = h->slots[1].timer;

		if (t->due.ns > l->now.ns) {
			sink(h, 1, (struct timer_slot){ t->due, t });
			continue;
		}
		heap_remove(h, 1);
		t->on_due(t);
	}
	h->running = false;
}

struct duration timers_wait(const struct loop *l)
{
	if (!l->timers.count)
		return DURATION_FOREVER;
	return instant_since(l->timers.slots[1].due, l->now);
}

void timers_check(const struct loop *l)
{
	const struct timer_heap *h = &l->timers;

	for (uint32_t i = 1; i <= h->count; i++) {
		assert(h->slots[i].timer->heap_index == i);
		assert(h->slots[i].timer->loop == l);
		assert(h->slots[i].due.ns <= h->slots[i].timer->due.ns);
		assert(i == 1 || h->slots[i / 2].due.ns <= h->slots[i].due.ns);
	}
}

void timers_fini(struct loop *l)
{
	assert(l->timers.count == 0);
	l->timers.slots = mem_free(l->timers.slots);
}
