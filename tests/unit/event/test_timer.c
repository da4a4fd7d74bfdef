#include "event_test.h"

#include "base/random.h"

#define LOG_MAX 64

struct probe {
	struct timer timer;
	struct probe *other;
	struct duration again;
	int fired;
	int number;
};

static int fired_order[LOG_MAX];
static int fired_count;

static void on_due(struct timer *t)
{
	struct probe *p = container_of(t, struct probe, timer);

	p->fired++;
	if (fired_count < LOG_MAX)
		fired_order[fired_count++] = p->number;
}

static struct probe probe_of(int number, void (*callback)(struct timer *t))
{
	struct probe p = { .number = number };

	timer_init(&p.timer, callback);
	fired_count = 0;
	return p;
}

static void advance(struct loop *l, int ms)
{
	loop_advance(l, DURATION_MS(ms));
	turn(l);
}

TEST(a_timer_fires_once_when_it_is_due_and_not_before)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	struct probe p = probe_of(1, on_due);

	timer_start(l, &p.timer, DURATION_MS(10));
	assert_true(timer_is_running(&p.timer));
	advance(l, 9);
	assert_int_equal(p.fired, 0);
	advance(l, 1);
	assert_int_equal(p.fired, 1);
	assert_false(timer_is_running(&p.timer));
	advance(l, 100);
	assert_int_equal(p.fired, 1);
}

TEST(timers_fire_in_order_of_their_due_time)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	struct probe p[] = { probe_of(0, on_due), probe_of(1, on_due), probe_of(2, on_due) };

	timer_start(l, &p[0].timer, DURATION_MS(30));
	timer_start(l, &p[1].timer, DURATION_MS(10));
	timer_start(l, &p[2].timer, DURATION_MS(20));
	advance(l, 100);
	assert_int_equal(fired_count, 3);
	assert_int_equal(fired_order[0], 1);
	assert_int_equal(fired_order[1], 2);
	assert_int_equal(fired_order[2], 0);
}

TEST(a_running_timer_can_be_moved_later_and_earlier)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	struct probe p = probe_of(1, on_due);

	timer_start(l, &p.timer, DURATION_MS(10));
	timer_start(l, &p.timer, DURATION_MS(50));
	advance(l, 10);
	assert_int_equal(p.fired, 0);
	assert_true(timer_is_running(&p.timer));
	timer_start(l, &p.timer, DURATION_MS(5));
	advance(l, 5);
	assert_int_equal(p.fired, 1);
	advance(l, 100);
	assert_int_equal(p.fired, 1);
}

TEST(a_timer_moved_later_and_back_keeps_the_earlier_time)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	struct probe p = probe_of(1, on_due);

	timer_start(l, &p.timer, DURATION_MS(10));
	timer_start(l, &p.timer, DURATION_MS(50));
	timer_start(l, &p.timer, DURATION_MS(20));
	advance(l, 19);
	assert_int_equal(p.fired, 0);
	advance(l, 1);
	assert_int_equal(p.fired, 1);
}

static void on_due_stop_other(struct timer *t)
{
	struct probe *p = container_of(t, struct probe, timer);

	p->fired++;
	timer_stop(&p->other->timer);
}

TEST(a_timer_stopped_by_another_that_is_due_with_it_does_not_fire)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	struct probe a = probe_of(1, on_due_stop_other);
	struct probe b = probe_of(2, on_due_stop_other);

	a.other = &b;
	b.other = &a;
	timer_start(l, &a.timer, DURATION_MS(10));
	timer_start(l, &b.timer, DURATION_MS(10));
	advance(l, 10);
	assert_int_equal(a.fired + b.fired, 1);
}

static void on_due_again(struct timer *t)
{
	struct probe *p = container_of(t, struct probe, timer);

	p->fired++;
	timer_start(t->loop, t, p->again);
}

TEST(a_timer_started_again_with_zero_waits_for_a_later_turn)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	struct probe p = probe_of(1, on_due_again);

	timer_start(l, &p.timer, DURATION_NS(0));
	turn(l);
	assert_int_equal(p.fired, 1);
	advance(l, 1);
	assert_int_equal(p.fired, 2);
	timer_stop(&p.timer);
}

TEST(a_timer_may_be_stopped_twice_and_before_it_was_ever_started)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	struct timer zeroed = { 0 };
	struct probe p = probe_of(1, on_due);

	timer_stop(&zeroed);
	timer_stop(&p.timer);
	timer_start(l, &p.timer, DURATION_MS(1));
	timer_stop(&p.timer);
	timer_stop(&p.timer);
	advance(l, 10);
	assert_int_equal(p.fired, 0);
}

TEST(a_timer_that_waits_forever_never_fires)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	struct probe p = probe_of(1, on_due);

	timer_start(l, &p.timer, DURATION_FOREVER);
	loop_advance(l, DURATION_SECONDS(1000000000));
	turn(l);
	assert_int_equal(p.fired, 0);
	timer_stop(&p.timer);
}

#define CROWD 200

/* Checks each turn against the due times kept beside the heap. */
TEST(thousands_of_random_starts_moves_and_stops_fire_exactly_when_due)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	static struct probe crowd[CROWD];
	int64_t due[CROWD];
	struct random r;

	random_init(&r, 42);
	for (int i = 0; i < CROWD; i++) {
		crowd[i] = probe_of(i, on_due);
		due[i] = -1;
	}
	for (int step = 0; step < 5000; step++) {
		uint64_t i = random_below(&r, CROWD);
		int64_t after = (int64_t)random_below(&r, 100);

		if (random_below(&r, 4)) {
			timer_start(l, &crowd[i].timer, DURATION_MS(after));
			due[i] = loop_now(l).ns + after * 1000000;
		} else {
			timer_stop(&crowd[i].timer);
			due[i] = -1;
		}
		advance(l, (int)random_below(&r, 3));
		for (int k = 0; k < CROWD; k++) {
			bool expected = due[k] >= 0 && due[k] <= loop_now(l).ns;

			assert_int_equal(crowd[k].fired, expected);
			assert_int_equal(timer_is_running(&crowd[k].timer),
					 due[k] >= 0 && !expected);
			crowd[k].fired = 0;
			due[k] = expected ? -1 : due[k];
		}
	}
	for (int i = 0; i < CROWD; i++)
		timer_stop(&crowd[i].timer);
}

TEST(a_timer_ends_the_wait_of_a_loop_on_the_real_clock)
{
	cleanup(loop_freep) struct loop *l = NULL;
	struct probe p = probe_of(1, on_due);

	assert_int_equal(loop_new(&l), 0);
	timer_start(l, &p.timer, DURATION_MS(2));
	while (!p.fired)
		assert_int_equal(loop_turn(l, DURATION_FOREVER), 0);
	assert_true(loop_now(l).ns >= p.timer.due.ns);
}
