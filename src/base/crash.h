#pragma once

/*
 * Crashes that tell what they know
 *
 * A signal that ends the process for a bug (SIGSEGV, SIGBUS, SIGFPE, SIGILL, and SIGABRT, which
 * failed assertions raise) is answered on standard error before the process ends:
 *
 *	crash signal=SIGSEGV program=weft-proxy version=0.1.0 thread="worker 0" ...
 *	  at weft-proxy=0x4f2a1          addr2line -e weft-proxy 0x4f2a1
 *	  ...
 *	worker index=0 ...               what the thread said it works on: its x_dump()
 *	crash done
 *
 * The structures may be broken, so the backtrace and the dump are made by a forked child: a
 * second fault in it, or a walk in a circle, costs the rest of the dump and nothing else (it
 * has two seconds). The process itself only writes the first line, waits, and lets the signal
 * take its default course, so that the exit status and the core are those of the first fault.
 * Where standard error takes nothing for a second, all of this is left out.
 * The handler runs on a stack of its own where the thread called crash_watch_thread(), since
 * the other one may be at its end.
 *
 * Under AddressSanitizer and ThreadSanitizer only SIGABRT is answered: faults are theirs.
 */

#include "base/dump.h"

/* Before the first thread. `program` is kept. */
void crash_watch(const char *program);

/* This thread has a stack for the handler, and `on_dump` (may be NULL) prints what it works on.
 * Called again, it replaces both. */
void crash_watch_thread(void (*on_dump)(const void *object, struct dump *d), const void *object);
/* Before the object goes, or the thread. */
void crash_unwatch_thread(void);
