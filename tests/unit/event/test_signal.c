#include "event_test.h"

#include <errno.h>
#include <unistd.h>

#include "base/fault.h"
#include "event/signal.h"

struct seen {
	struct signal_source source;
	int count_of[NSIG];
	bool any;
	bool stop_at_first;
};

static void on_signal(struct signal_source *s, int signal_number)
{
	struct seen *seen = container_of(s, struct seen, source);

	seen->count_of[signal_number]++;
	seen->any = true;
	if (seen->stop_at_first)
		signal_source_stop(s);
}

static void seen_start(struct loop *l, struct seen *seen)
{
	static const int signals[] = { SIGUSR1, SIGUSR2 };

	assert_int_equal(signal_source_start(l, &seen->source, signals, 2, on_signal), 0);
}

TEST(signals_arrive_as_events)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	struct seen seen = { 0 };

	seen_start(l, &seen);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR2);
	turn_until(l, &seen.any);
	assert_int_equal(seen.count_of[SIGUSR1], 1);
	assert_int_equal(seen.count_of[SIGUSR2], 1);
	signal_source_stop(&seen.source);
	signal_source_stop(&seen.source);
}

TEST(a_source_stopped_by_its_callback_reports_nothing_more)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	struct seen seen = { .stop_at_first = true };
	struct seen later = { 0 };

	seen_start(l, &seen);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR2);
	turn_until(l, &seen.any);
	assert_int_equal(seen.count_of[SIGUSR1] + seen.count_of[SIGUSR2], 1);

	/* The other is still pending, blocked. */
	seen_start(l, &later);
	turn_until(l, &later.any);
	assert_int_equal(later.count_of[SIGUSR1] + later.count_of[SIGUSR2], 1);
	signal_source_stop(&later.source);
}

TEST(a_source_that_was_never_started_can_be_stopped)
{
	struct signal_source zeroed = { 0 };

	signal_source_stop(&zeroed);
}

#ifdef WEFT_FAULTS
TEST(a_source_that_cannot_start_reports_nothing_and_can_start_later)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	static const int signals[] = { SIGUSR1 };
	struct seen seen = { 0 };
	unsigned nth = 1;

	for (;; nth++) {
		fault_arm(nth, -EMFILE);

		int r = signal_source_start(l, &seen.source, signals, 1, on_signal);

		if (!fault_delivered())
			break;
		assert_int_equal(r, -EMFILE);
		signal_source_stop(&seen.source);
	}
	fault_arm(0, 0);
	assert_int_equal(nth, 3);
	kill(getpid(), SIGUSR1);
	turn_until(l, &seen.any);
	signal_source_stop(&seen.source);
}
#endif
