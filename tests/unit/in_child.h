#pragma once

/*
 * What ends the process: run in a child, and looked at from outside
 */

#include <signal.h>
#include <sys/wait.h>

#include "test.h"

/*
 * Runs something in a child whose signals have their default course. How it ended, as waitpid()
 * says; what it wrote to standard error is in `ret_text`, terminated, where that is not NULL.
 */
int test_in_child(void (*run)(const void *user), const void *user, char *ret_text, size_t size);

/* An assertion fails in it: a check found what is wrong. */
#define assert_aborts(run, user)                                                            \
	do {                                                                                \
		int ended_ = test_in_child((void (*)(const void *))(run), (user), NULL, 0); \
		if (!WIFSIGNALED(ended_) || WTERMSIG(ended_) != SIGABRT)                    \
			fail_msg("%s", "the check found nothing");                          \
	} while (0)
