#pragma once

/*
 * What is left when we are killed
 *
 * SIGKILL cannot be caught, so a process of its own waits for our end: the write end of a pipe
 * closes when we are gone, however that came about. Then it ends the process groups that it was
 * told of (SIGTERM, and SIGKILL a little later) and removes our directory. It has a session of
 * its own, ignores signals that end us, and holds nothing but that pipe.
 *
 * Forked, not executed: start it while the process has one thread.
 */

#include <sys/types.h>

#include "base/macro.h"

struct janitor {
	pid_t pid; /* 0: not running */
	int fd;
};

/* `dir` was made by us and is removed whole; NULL: there is none. */
must_check int janitor_start(struct janitor *j, const char *dir);
/* This process group ends with us. */
void janitor_watch(struct janitor *j, pid_t group);
/* The group has ended, or may go on without us. */
void janitor_forget(struct janitor *j, pid_t group);
/* Our orderly end: the directory is gone on return. Accepts zeroed memory. */
void janitor_finish(struct janitor *j);
