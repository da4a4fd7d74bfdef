#include "event/child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"

/*
 * Between fork and exec
 *
 * The child is a copy of one thread of a program with several: another one may have held any
 * lock. So from fork() to exec() only async-signal-safe calls are made and no memory is
 * taken. What fails is told to the parent by its errno through a pipe that exec closes.
 *
 * Descriptors: everything from 3 on is marked to be closed by exec. What is passed is first
 * copied above all numbers in play, so that no copy lands on one that is still needed, and
 * then put in its place by dup2(), which leaves it open over exec.
 */
struct launch {
	const struct child_options *options;
	char *const *environment;
	pid_t parent;
	int error_fd;
};

static int error_code(int result)
{
	return result < 0 ? -errno : 0;
}

/* A group or session of its own, and an end with the parent's if that is wanted. */
static int enter_group(const struct launch *launch)
{
	const struct child_options *o = launch->options;
	int r = 0;

	if (o->own_session)
		r = error_code(setsid());
	else if (o->own_group)
		r = error_code(setpgid(0, 0));
	if (r < 0 || !o->death_signal)
		return r;
	r = error_code(prctl(PR_SET_PDEATHSIG, o->death_signal));
	/* The parent may have died before that took hold. */
	if (r == 0 && getppid() != launch->parent)
		_exit(EXIT_FAILURE);
	return r;
}

/* Nothing blocked; SIGPIPE, which our programs ignore, as it is for everybody else. What
 * the caller of our program chose to ignore (nohup) stays ignored. */
static int reset_signals(void)
{
	struct sigaction usual = { .sa_handler = SIG_DFL };
	sigset_t none;

	sigemptyset(&none);
	if (sigaction(SIGPIPE, &usual, NULL) < 0)
		return -errno;
	return error_code(sigprocmask(SIG_SETMASK, &none, NULL));
}

static int number_above_all(const struct launch *launch)
{
	int highest = 2;

	for (size_t i = 0; i < launch->options->fd_count; i++)
		highest = max_of(highest, launch->options->fds[i].child_fd);
	return highest + 1;
}

static int place_descriptors(struct launch *launch)
{
	const struct child_options *o = launch->options;
	int copies[CHILD_FDS_MAX];
	int above = number_above_all(launch);

	launch->error_fd = fcntl(launch->error_fd, F_DUPFD_CLOEXEC, above);
	if (launch->error_fd < 0)
		return -errno;
	for (size_t i = 0; i < o->fd_count; i++) {
		copies[i] = fcntl(o->fds[i].parent_fd, F_DUPFD_CLOEXEC, above);
		if (copies[i] < 0)
			return -errno;
	}
	if (close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		return -errno;
	for (size_t i = 0; i < o->fd_count; i++)
		if (dup2(copies[i], o->fds[i].child_fd) < 0)
			return -errno;
	return 0;
}

static no_return void run_child(struct launch *launch)
{
	const struct child_options *o = launch->options;
	int r = place_descriptors(launch);

	if (r == 0)
		r = enter_group(launch);
	if (r == 0)
		r = reset_signals();
	if (r == 0) {
		execvpe(o->path, o->argv, launch->environment);
		r = -errno;
	}
	if (write(launch->error_fd, &r, sizeof(r)) != sizeof(r))
		_exit(EXIT_FAILURE);
	_exit(127);
}

/* What the child reports: 0 when exec closed the pipe. */
static int read_report(int fd)
{
	int report = 0;
	ssize_t n;

	do {
		n = read(fd, &report, sizeof(report));
	} while (n < 0 && errno == EINTR);
	return n == sizeof(report) ? report : 0;
}

static void wait_for(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* The process id, or an error. In the child it does not return. */
static int fork_child(const struct child_options *options, int error_fd)
{
	struct launch launch = {
		.options = options,
		.environment = options->environment ? options->environment : environ,
		.parent = getpid(),
		.error_fd = error_fd,
	};
	int r = fault_point("fork");

	if (r < 0)
		return r;

	pid_t pid = fork();

	if (pid == 0)
		run_child(&launch);
	return pid < 0 ? -errno : pid;
}

/* The process id of a child that runs its program, or an error. */
static int fork_and_exec(const struct child_options *options)
{
	int report[2];
	int r = fault_point("pipe2");

	if (r < 0)
		return r;
	if (pipe2(report, O_CLOEXEC) < 0)
		return -errno;

	pid_t pid = fork_child(options, report[1]);

	close(report[1]);
	if (pid > 0)
		r = read_report(report[0]);
	close(report[0]);
	if (pid > 0 && r < 0)
		wait_for(pid);
	return r < 0 ? r : pid;
}

static void on_pidfd_ready(struct watch *w, unused_arg uint32_t events)
{
	struct child *c = container_of(w, struct child, watch);
	int status = 0;
	pid_t pid = waitpid(c->pid, &status, WNOHANG);

	if (pid == 0)
		return;
	child_forget(c);
	c->on_exit(c, status);
}

static int watch_child(struct loop *l, struct child *c, pid_t pid)
{
	int r = fault_point("pidfd_open");

	if (r < 0)
		return r;

	int fd = pidfd_open(pid, 0);

	if (fd < 0)
		return -errno;
	r = watch_start(l, &c->watch, fd, EPOLLIN, on_pidfd_ready);
	if (r < 0) {
		close(fd);
		return r;
	}
	c->pidfd = fd;
	c->pid = pid;
	return 0;
}

int child_start(struct loop *l, struct child *c, const struct child_options *options,
		void (*on_exit)(struct child *c, int status))
{
	assert(!c->pid);
	if (options->fd_count > CHILD_FDS_MAX)
		return ERR_LIMIT;

	pid_t pid = fork_and_exec(options);

	if (pid < 0)
		return pid;
	c->on_exit = on_exit;
	c->has_group = options->own_group || options->own_session;

	int r = watch_child(l, c, pid);

	if (r < 0) {
		/* Nobody would ever notice its end. */
		kill(c->has_group ? -pid : pid, SIGKILL);
		wait_for(pid);
	}
	return r;
}

int child_signal(struct child *c, int signal_number)
{
	if (!c->pid)
		return -ESRCH;
	if (c->has_group)
		return error_code(kill(-c->pid, signal_number));
	return error_code(pidfd_send_signal(c->pidfd, signal_number, NULL, 0));
}

void child_forget(struct child *c)
{
	if (!c->pid)
		return;
	watch_stop(&c->watch);
	close(c->pidfd);
	c->pid = 0;
}
