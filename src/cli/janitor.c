#include "cli/janitor.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"

#define GROUPS_MAX   64
#define DEPTH_MAX    16
#define STEP_MS      20
#define TERM_STEPS   100 /* then SIGKILL */
#define REMOVE_STEPS 250 /* while others still write into it */

/* What goes through the pipe. */
struct note {
	pid_t group;
	bool watched;
};

/*
 * In the janitor
 */

static void rest(void)
{
	struct timespec step = { .tv_nsec = STEP_MS * 1000000 };

	nanosleep(&step, NULL);
}

static void note_take(pid_t *groups, const struct note *note)
{
	pid_t from = note->watched ? 0 : note->group;

	for (size_t i = 0; i < GROUPS_MAX; i++) {
		if (groups[i] != from)
			continue;
		groups[i] = note->watched ? note->group : 0;
		return;
	}
}

static void wait_for_end(int fd, pid_t *groups)
{
	struct note note;
	ssize_t n;

	for (;;) {
		n = read(fd, &note, sizeof(note));
		if (n == (ssize_t)sizeof(note))
			note_take(groups, &note);
		else if (n >= 0 || errno != EINTR)
			return;
	}
}

static void end_group(pid_t group)
{
	int r = kill(-group, SIGTERM);

	for (int i = 0; r == 0 && i < TERM_STEPS; i++) {
		rest();
		r = kill(-group, 0);
	}
	if (r == 0)
		kill(-group, SIGKILL);
}

static int remove_one(const char *path, unused_arg const struct stat *status, unused_arg int type,
		      unused_arg struct FTW *at)
{
	/* What somebody else removed meanwhile is no reason to stop. */
	return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

static void remove_dir(const char *dir)
{
	for (int i = 0; i < REMOVE_STEPS; i++) {
		nftw(dir, remove_one, DEPTH_MAX, FTW_DEPTH | FTW_PHYS);
		if (access(dir, F_OK) < 0)
			return;
		rest();
	}
}

static no_return void janitor_run(int fd, const char *dir)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE };
	pid_t groups[GROUPS_MAX] = { 0 };
	int null = open("/dev/null", O_RDWR);
	sigset_t none;

	for (size_t i = 0; i < array_count(ignored); i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	prctl(PR_SET_NAME, "weft-janitor");
	/* Nothing of ours may keep somebody else's pipe or socket open. */
	for (int i = 0; i < 3; i++)
		dup2(null, i);
	dup2(fd, 3);
	close_range(4, ~0u, 0);
	if (chdir("/") == 0)
		wait_for_end(3, groups);
	for (size_t i = 0; i < GROUPS_MAX; i++)
		if (groups[i])
			end_group(groups[i]);
	if (dir)
		remove_dir(dir);
	_exit(0);
}

/*
 * In the process that it waits for
 */

int janitor_start(struct janitor *j, const char *dir)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		janitor_run(fds[0], dir);
	close(fds[0]);
	if (pid < 0) {
		int r = -errno;

		close(fds[1]);
		return r;
	}
	*j = (struct janitor){ .pid = pid, .fd = fds[1] };
	return 0;
}

static void tell(struct janitor *j, pid_t group, bool watched)
{
	struct note note = { .group = group, .watched = watched };

	/* A janitor that was killed is beyond help, and nobody else can do its work. */
	if (j->pid && write(j->fd, &note, sizeof(note)) < 0)
		return;
}

void janitor_watch(struct janitor *j, pid_t group)
{
	tell(j, group, true);
}

void janitor_forget(struct janitor *j, pid_t group)
{
	tell(j, group, false);
}

void janitor_finish(struct janitor *j)
{
	if (!j->pid)
		return;
	close(j->fd);
	while (waitpid(j->pid, NULL, 0) < 0 && errno == EINTR)
		;
	j->pid = 0;
}
