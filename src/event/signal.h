#pragma once

/*
 * Signals as events
 *
 * A signal_source blocks a set of signals for the process and delivers them to a loop by
 * signalfd. Start it in main() before the first thread, so that every thread inherits the
 * mask. The signals stay blocked when the source is stopped: one that is pending then would
 * otherwise end the process.
 */

#include <signal.h>

#include "event/loop.h"

struct signal_source {
	void (*on_signal)(struct signal_source *s, int signal_number);
	struct watch watch;
};

must_check int signal_source_start(struct loop *l, struct signal_source *s, const int *signals,
				   size_t signal_count,
				   void (*on_signal)(struct signal_source *s, int signal_number));
/* Accepts zeroed memory. */
void signal_source_stop(struct signal_source *s);
