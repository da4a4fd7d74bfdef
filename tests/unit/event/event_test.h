#pragma once

/*
 * What tests of event share: a loop whose clock stands still, and turns that must succeed.
 */

#include "test.h"

#include "event/loop.h"

static inline struct loop *test_loop(void)
{
	struct loop *l = NULL;

	assert_int_equal(loop_new(&l), 0);
	loop_set_clock(l, (struct instant){ 0 }, (struct wall_time){ 0 });
	return l;
}

/* A turn that does not wait. */
static inline void turn(struct loop *l)
{
	assert_int_equal(loop_turn(l, DURATION_NS(0)), 0);
}

/* Turns, waiting for events, until *flag is set. A hang is the test runner's to end. */
static inline void turn_until(struct loop *l, const bool *flag)
{
	while (!*flag)
		assert_int_equal(loop_turn(l, DURATION_SECONDS(1)), 0);
}
