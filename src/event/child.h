#pragma once

/*
 * Child processes
 *
 * Started with posix_spawn-like care: signal mask reset, descriptors closed but the ones
 * that are passed, and watched by pidfd, so the end of a child is an event and its number
 * is never confused with a recycled one.
 */

#include <sys/types.h>

#include "event/loop.h"

#define CHILD_FDS_MAX 256

struct child_fd {
	int parent_fd; /* descriptor in this process */
	int child_fd;  /* its number in the child */
};

struct child_options {
	const char *path;         /* searched in PATH unless it contains a slash */
	char *const *argv;        /* ends with NULL */
	char *const *environment; /* ends with NULL; NULL: inherited */
	const struct child_fd *fds;
	size_t fd_count; /* at most CHILD_FDS_MAX, beside 0, 1 and 2: inherited unless listed */
	bool own_group;  /* a process group of its own, so that all of it can be signalled */
	bool own_session;
	/* Sent to the child when the thread that started it ends, so also with this process;
	 * 0 for none. */
	int death_signal;
};

struct child {
	/* status as of waitpid(2). The child is reaped already. */
	void (*on_exit)(struct child *c, int status);
	pid_t pid; /* 0: not running */
	/* private */
	int pidfd;
	bool has_group;
	struct watch watch;
};

/*
 * -errno of exec in the child (ENOENT, EACCES) is returned here, not reported later; so when
 * this succeeds, the program runs. *c is zeroed before the first start; inside on_exit it may
 * be started again.
 */
must_check int child_start(struct loop *l, struct child *c, const struct child_options *options,
			   void (*on_exit)(struct child *c, int status));
/* To the child only, through its pidfd; to its group when it has one. 0 or -errno; -ESRCH when
 * it does not run. */
int child_signal(struct child *c, int signal_number);
/* Stops watching; the process goes on. Accepts zeroed memory. */
void child_forget(struct child *c);
