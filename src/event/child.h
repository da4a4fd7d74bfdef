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

struct child_fd {
	int parent_fd; /* descriptor in this process */
	int child_fd;  /* its number in the child */
};

struct child_options {
	const char *path;         /* searched in PATH unless it contains a slash */
	char *const *argv;        /* ends with NULL */
	char *const *environment; /* ends with NULL; NULL: inherited */
	const struct child_fd *fds;
	size_t fd_count; /* beside 0, 1 and 2, which are inherited unless listed */
	bool own_group;  /* a process group of its own, so that all of it can be signalled */
	bool own_session;
	int death_signal; /* sent to the child when this process dies; 0 for none */
};

struct child {
	/* status as of waitpid(2). The child is reaped already. */
	void (*on_exit)(struct child *c, int status);
	pid_t pid; /* 0: not running */
	/* private */
	int pidfd;
	struct watch watch;
};

/* -errno of exec in the child (ENOENT, EACCES) is returned here, not reported later. */
must_check int child_start(struct loop *l, struct child *c, const struct child_options *options,
			   void (*on_exit)(struct child *c, int status));
/* To the child only, through its pidfd; to its group when it has one. 0 or -errno. */
int child_signal(struct child *c, int signal_number);
/* Stops watching; the process goes on. Accepts zeroed memory. */
void child_forget(struct child *c);
