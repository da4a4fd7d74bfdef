#include "event_test.h"
#include "in_child.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/mem.h"

static char trace[256];

static void note(char c)
{
	size_t len = strlen(trace);

	assert_true(len + 1 < sizeof(trace));
	trace[len] = c;
	trace[len + 1] = '\0';
}

static void trace_clear(void)
{
	trace[0] = '\0';
}

struct end {
	struct watch watch;
	struct end *other;
	uint32_t events;
	int calls;
};

struct pair {
	struct end a, b;
};

static struct pair pair_open(void)
{
	struct pair p = { 0 };
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
			 0);
	p.a.watch.fd = fds[0];
	p.b.watch.fd = fds[1];
	return p;
}

static void pair_close(struct pair *p)
{
	watch_stop(&p->a.watch);
	watch_stop(&p->b.watch);
	close(p->a.watch.fd);
	close(p->b.watch.fd);
}

static void send_byte(int fd)
{
	assert_int_equal(write(fd, "x", 1), 1);
}

static void on_ready(struct watch *w, uint32_t events)
{
	struct end *e = container_of(w, struct end, watch);

	e->events = events;
	e->calls++;
}

TEST(a_watch_reports_each_edge_once)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	struct pair p = pair_open();

	assert_int_equal(watch_start(l, &p.a.watch, p.a.watch.fd, EPOLLIN, on_ready), 0);
	turn(l);
	assert_int_equal(p.a.calls, 0);
	send_byte(p.b.watch.fd);
	turn(l);
	assert_int_equal(p.a.calls, 1);
	assert_int_equal(p.a.events, EPOLLIN);
	turn(l);
	assert_int_equal(p.a.calls, 1);
	send_byte(p.b.watch.fd);
	turn(l);
	assert_int_equal(p.a.calls, 2);
	pair_close(&p);
}

static void on_ready_stop_other(struct watch *w, unused_arg uint32_t events)
{
	struct end *e = container_of(w, struct end, watch);

	e->calls++;
	watch_stop(&e->other->watch);
}

TEST(a_stopped_watch_gets_no_event_that_was_fetched_already)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	struct pair p = pair_open();

	p.a.other = &p.b;
	p.b.other = &p.a;
	assert_int_equal(watch_start(l, &p.a.watch, p.a.watch.fd, EPOLLIN, on_ready_stop_other), 0);
	assert_int_equal(watch_start(l, &p.b.watch, p.b.watch.fd, EPOLLIN, on_ready_stop_other), 0);
	send_byte(p.a.watch.fd);
	send_byte(p.b.watch.fd);
	turn(l);
	assert_int_equal(p.a.calls + p.b.calls, 1);
	pair_close(&p);
}

TEST(a_watch_may_be_stopped_twice_and_started_again)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	struct watch zeroed = { 0 };
	struct pair p = pair_open();

	watch_stop(&zeroed);
	assert_int_equal(watch_start(l, &p.a.watch, p.a.watch.fd, EPOLLIN, on_ready), 0);
	watch_stop(&p.a.watch);
	watch_stop(&p.a.watch);
	send_byte(p.b.watch.fd);
	turn(l);
	assert_int_equal(p.a.calls, 0);
	assert_int_equal(watch_start(l, &p.a.watch, p.a.watch.fd, EPOLLIN, on_ready), 0);
	turn(l);
	assert_int_equal(p.a.calls, 1);
	pair_close(&p);
}

TEST(a_descriptor_that_cannot_be_watched_is_an_error)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	struct watch w = { 0 };

	assert_int_equal(watch_start(l, &w, -1, EPOLLIN, on_ready), -EBADF);
	watch_stop(&w);
}

/* Kernel: each write to an eventfd is a new edge, also when nobody read the counter. */
TEST(kernel_gives_an_edge_for_every_write_to_an_eventfd)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	struct end e = { 0 };
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	assert_int_equal(watch_start(l, &e.watch, fd, EPOLLIN, on_ready), 0);
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(eventfd_write(fd, 1), 0);
		turn(l);
		assert_int_equal(e.calls, i);
		turn(l);
		assert_int_equal(e.calls, i);
	}
	watch_stop(&e.watch);
	close(fd);
}

struct item {
	struct deferred deferred;
	struct loop *loop;
	char name;
	int again; /* how many times it defers itself */
};

static void on_run(struct deferred *d)
{
	struct item *i = container_of(d, struct item, deferred);

	note(i->name);
	if (i->again-- > 0)
		defer(i->loop, d, on_run);
}

TEST(deferred_work_runs_once_however_often_it_was_queued)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	struct item a = { .name = 'a' }, b = { .name = 'b' };

	trace_clear();
	defer(l, &a.deferred, on_run);
	defer(l, &b.deferred, on_run);
	defer(l, &a.deferred, on_run);
	turn(l);
	assert_string_equal(trace, "ab");
	turn(l);
	assert_string_equal(trace, "ab");
	defer(l, &a.deferred, on_run);
	turn(l);
	assert_string_equal(trace, "aba");
}

TEST(deferred_work_can_be_canceled)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	struct deferred zeroed = { 0 };
	struct item a = { .name = 'a' };

	trace_clear();
	defer_cancel(&zeroed);
	defer(l, &a.deferred, on_run);
	defer_cancel(&a.deferred);
	defer_cancel(&a.deferred);
	turn(l);
	assert_string_equal(trace, "");
}

TEST(work_that_defers_itself_goes_on_in_this_turn_but_not_forever)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	struct item few = { .name = 'a', .loop = l, .again = 3 };
	struct item many = { .name = 'b', .loop = l, .again = 100 };

	trace_clear();
	defer(l, &few.deferred, on_run);
	turn(l);
	assert_string_equal(trace, "aaaa");

	trace_clear();
	defer(l, &many.deferred, on_run);
	turn(l);
	assert_int_equal(strlen(trace), 16);
	/* And the rest does not wait for an event. */
	assert_int_equal(loop_turn(l, DURATION_FOREVER), 0);
	assert_int_equal(strlen(trace), 32);
	defer_cancel(&many.deferred);
}

static void on_run_once_a_turn(struct deferred *d)
{
	struct item *i = container_of(d, struct item, deferred);

	note(i->name);
	if (i->again-- > 0)
		defer_to_next_turn(i->loop, d, on_run_once_a_turn);
}

TEST(work_for_the_next_turn_runs_once_in_each_turn_without_waiting)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	struct item a = { .name = 'a', .loop = l, .again = 2 };

	trace_clear();
	defer(l, &a.deferred, on_run_once_a_turn);
	turn(l);
	assert_string_equal(trace, "a");
	assert_int_equal(loop_turn(l, DURATION_FOREVER), 0);
	assert_string_equal(trace, "aa");
	assert_int_equal(loop_turn(l, DURATION_FOREVER), 0);
	assert_string_equal(trace, "aaa");
}

struct closer {
	struct deferred run, reap;
	struct loop *loop;
	struct closer *child;
	char name;
};

static void on_reap(struct deferred *d)
{
	struct closer *c = container_of(d, struct closer, reap);

	note(c->name);
	if (c->child)
		loop_reap(c->loop, &c->child->reap, on_reap);
	mem_free(c);
}

static void on_run_close(struct deferred *d)
{
	struct closer *c = container_of(d, struct closer, run);

	loop_reap(c->loop, &c->reap, on_reap);
	note('r');
}

static struct closer *closer_new(struct loop *l, char name, struct closer *child)
{
	struct closer *c = mem_new(struct closer);

	c->loop = l;
	c->name = name;
	c->child = child;
	return c;
}

TEST(reaping_comes_last_in_a_turn_and_takes_what_reaping_adds)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	struct closer *child = closer_new(l, 'c', NULL);
	struct closer *parent = closer_new(l, 'p', child);
	struct item other = { .name = 'o' };

	trace_clear();
	defer(l, &parent->run, on_run_close);
	defer(l, &other.deferred, on_run);
	turn(l);
	assert_string_equal(trace, "ropc");
}

TEST(an_object_is_reaped_once_and_its_deferred_work_is_dropped)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	struct closer *c = closer_new(l, 'c', NULL);

	trace_clear();
	defer(l, &c->reap, on_run);
	loop_reap(l, &c->reap, on_reap);
	loop_reap(l, &c->reap, on_reap);
	turn(l);
	assert_string_equal(trace, "c");
}

static void on_due_stop_loop(struct timer *t)
{
	note('s');
	loop_stop(t->loop);
}

TEST(a_stopped_loop_finishes_its_turn_and_can_run_again)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	struct timer t;
	struct item a = { .name = 'a', .loop = l };

	trace_clear();
	timer_init(&t, on_due_stop_loop);
	for (int i = 0; i < 2; i++) {
		timer_start(l, &t, DURATION_NS(0));
		defer(l, &a.deferred, on_run);
		assert_int_equal(loop_run(l), 0);
	}
	assert_string_equal(trace, "sasa");
}

TEST(a_loop_stopped_beforehand_does_not_turn)
{
	cleanup(loop_freep) struct loop *l = test_loop();

	loop_stop(l);
	assert_int_equal(loop_run(l), 0);
}

TEST(a_set_clock_stands_still_and_both_clocks_advance_together)
{
	cleanup(loop_freep) struct loop *l = test_loop();

	loop_set_clock(l, (struct instant){ 5 }, (struct wall_time){ 1000 });
	turn(l);
	loop_update_clock(l);
	assert_int_equal(loop_now(l).ns, 5);
	loop_advance(l, DURATION_NS(7));
	assert_int_equal(loop_now(l).ns, 12);
	assert_int_equal(loop_wall_now(l).ns, 1007);
}

TEST(a_dump_counts_what_waits)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	struct item a = { .name = 'a' };
	char memory[256];
	struct dump d;
	struct timer t;

	timer_init(&t, on_due_stop_loop);
	timer_start(l, &t, DURATION_MS(250));
	defer(l, &a.deferred, on_run);
	dump_to_memory(&d, memory, sizeof(memory));
	loop_dump(l, &d);
	dump_end(&d);
	assert_str_equal(dump_text(&d), "loop watches=0 timers=1 next_ms=250 deferred=1 reaps=0 "
					"events_left=0\n");
	timer_stop(&t);
	defer_cancel(&a.deferred);
}

TEST(a_loop_finds_a_timer_out_of_its_place)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	struct timer timers[3];

	for (int i = 0; i < 3; i++) {
		timer_init(&timers[i], on_due_stop_loop);
		timer_start(l, &timers[i], DURATION_MS(100 - i));
	}
	loop_check(l);
	timers[1].heap_index++;
	assert_aborts(loop_check, l);
	timers[1].heap_index--;
	timers[2].due.ns -= 1000;
	assert_aborts(loop_check, l);
	timers[2].due.ns += 1000;
	for (int i = 0; i < 3; i++)
		timer_stop(&timers[i]);
	loop_check(l);
}

TEST(the_real_clock_does_not_go_back)
{
	cleanup(loop_freep) struct loop *l = NULL;

	assert_int_equal(loop_new(&l), 0);

	struct instant before = loop_now(l);

	turn(l);
	assert_true(loop_now(l).ns >= before.ns);
	assert_true(loop_wall_now(l).ns > 0);
}

#ifdef WEFT_FAULTS
TEST(a_loop_that_cannot_be_made_leaves_nothing_behind)
{
	uint64_t before = mem_live_bytes();
	struct loop *l = NULL;
	unsigned nth = 1;

	for (;; nth++) {
		fault_arm(nth, -EMFILE);

		int r = loop_new(&l);

		if (!fault_delivered())
			break;
		assert_int_equal(r, -EMFILE);
		assert_null(l);
		assert_int_equal(mem_live_bytes(), before);
	}
	fault_arm(0, 0);
	assert_true(nth > 3);
	loop_free(l);
}

TEST(a_failed_wait_is_reported_and_the_loop_goes_on)
{
	cleanup(loop_freep) struct loop *l = test_loop();

	fault_arm(1, -ENOMEM);
	assert_int_equal(loop_turn(l, DURATION_NS(0)), -ENOMEM);
	fault_arm(0, 0);
	turn(l);
}
#endif
