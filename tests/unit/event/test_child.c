#include "event_test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fault.h"
#include "event/child.h"

struct watched {
	struct child child;
	bool ended;
	int status;
	int starts_left;
	struct loop *loop;
	struct child_options options;
};

static void on_exit_note(struct child *c, int status)
{
	struct watched *w = container_of(c, struct watched, child);

	w->ended = true;
	w->status = status;
}

static struct child_options shell(const char *script, char **argv)
{
	argv[0] = (char *)"sh";
	argv[1] = (char *)"-c";
	argv[2] = (char *)script;
	argv[3] = NULL;
	return (struct child_options){ .path = "sh", .argv = argv };
}

/* Runs a script to its end and returns its status. */
static int run_script(struct loop *l, const char *script, struct child_options more)
{
	char *argv[4];
	struct child_options options = shell(script, argv);
	struct watched w = { 0 };

	more.path = options.path;
	more.argv = options.argv;
	assert_int_equal(child_start(l, &w.child, &more, on_exit_note), 0);
	assert_true(w.child.pid > 0);
	turn_until(l, &w.ended);
	assert_int_equal(w.child.pid, 0);
	return w.status;
}

TEST(the_exit_status_of_a_child_arrives)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	int status = run_script(l, "exit 7", (struct child_options){ 0 });

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
}

TEST(the_signal_that_ended_a_child_arrives)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	int status = run_script(l, "kill -KILL $$", (struct child_options){ 0 });

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

TEST(a_program_that_cannot_be_run_is_an_error_of_the_start)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	char *argv[] = { (char *)"x", NULL };
	struct child_options missing = { .path = "/nonexistent/program", .argv = argv };
	struct child_options unknown = { .path = "weft-no-such-program", .argv = argv };
	struct child_options directory = { .path = "/", .argv = argv };
	struct watched w = { 0 };

	/* A folder of PATH that may not be read would answer for the program not found. */
	assert_int_equal(setenv("PATH", "/usr/bin:/bin", 1), 0);
	assert_int_equal(child_start(l, &w.child, &missing, on_exit_note), -ENOENT);
	assert_int_equal(child_start(l, &w.child, &unknown, on_exit_note), -ENOENT);
	assert_int_equal(child_start(l, &w.child, &directory, on_exit_note), -EACCES);
	assert_int_equal(w.child.pid, 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* Sends what the child writes to its descriptor `number` into a pipe; reads it all. */
static void output_of(struct loop *l, const char *script, int number, struct child_options more,
		      struct buf *ret_output)
{
	struct child_fd passed = { .child_fd = number };
	int fds[2];
	ssize_t n;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	passed.parent_fd = fds[1];
	more.fds = &passed;
	more.fd_count = 1;
	assert_int_equal(run_script(l, script, more), 0);
	close(fds[1]);
	do {
		char *room = buf_reserve(ret_output, 256);

		n = read(fds[0], room, 256);
		assert_true(n >= 0);
		buf_claim(ret_output, (size_t)n);
	} while (n > 0);
	close(fds[0]);
}

static void assert_output(const char *script, struct child_options more, const char *expected)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	struct buf output = BUF_INIT(0);

	output_of(l, script, 1, more, &output);
	assert_str_equal(buf_str(&output), expected);
	buf_fini(&output);
}

TEST(a_descriptor_is_passed_under_the_number_that_was_asked_for)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	struct buf output = BUF_INIT(0);

	output_of(l, "echo hello >&9", 9, (struct child_options){ 0 }, &output);
	assert_str_equal(buf_str(&output), "hello\n");
	buf_fini(&output);
}

TEST(descriptors_may_change_places)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	int a[2], b[2];
	char text[2];

	assert_int_equal(pipe2(a, O_CLOEXEC), 0);
	assert_int_equal(pipe2(b, O_CLOEXEC), 0);

	struct child_fd swapped[] = { { a[1], b[1] }, { b[1], a[1] } };
	struct child_options options = { .fds = swapped, .fd_count = 2 };
	char script[64];

	snprintf(script, sizeof(script), "printf a >&%d; printf b >&%d", a[1], b[1]);
	assert_int_equal(run_script(l, script, options), 0);
	assert_int_equal(read(b[0], text, 2), 1);
	assert_int_equal(text[0], 'a');
	assert_int_equal(read(a[0], text, 2), 1);
	assert_int_equal(text[0], 'b');
	for (int i = 0; i < 2; i++) {
		close(a[i]);
		close(b[i]);
	}
}

TEST(no_other_descriptor_reaches_the_child)
{
	int leaked = dup(0);

	assert_true(leaked > 2);
	/* 0, 1, 2 and the one that ls itself opened on the directory. */
	assert_output("ls /proc/self/fd | wc -l", (struct child_options){ 0 }, "4\n");
	close(leaked);
}

TEST(the_environment_is_replaced_when_one_is_given)
{
	char *environment[] = { (char *)"COLOR=blue", NULL };

	assert_output("echo $COLOR$HOME", (struct child_options){ .environment = environment },
		      "blue\n");
}

TEST(a_child_starts_without_blocked_signals_and_with_a_usual_sigpipe)
{
	sigset_t blocked, before;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	assert_output("grep -c 'SigBlk:.*[1-9a-f]' /proc/self/status; "
		      "grep SigIgn /proc/self/status | grep -c '[1357bdf9]...$'; true",
		      (struct child_options){ 0 }, "0\n0\n");
	sigprocmask(SIG_SETMASK, &before, NULL);
	signal(SIGPIPE, SIG_DFL);
}

TEST(a_group_is_signalled_whole)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	char *argv[4];
	struct child_options options = shell("sleep 1000 & wait", argv);
	struct watched w = { 0 };
	int fds[2];
	char byte;

	/* The pipe is at its end when every process that inherited it is gone. */
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);

	struct child_fd held = { fds[1], 9 };

	options.fds = &held;
	options.fd_count = 1;
	options.own_group = true;
	assert_int_equal(child_start(l, &w.child, &options, on_exit_note), 0);
	close(fds[1]);
	assert_int_equal(getpgid(w.child.pid), w.child.pid);
	assert_int_equal(child_signal(&w.child, SIGTERM), 0);
	turn_until(l, &w.ended);
	assert_int_equal(WTERMSIG(w.status), SIGTERM);
	assert_int_equal(read(fds[0], &byte, 1), 0);
	close(fds[0]);
	assert_int_equal(child_signal(&w.child, SIGTERM), -ESRCH);
}

TEST(a_child_without_a_group_is_signalled_alone)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	char *argv[] = { (char *)"sleep", (char *)"1000", NULL };
	struct child_options options = { .path = "sleep", .argv = argv };
	struct watched w = { 0 };

	assert_int_equal(child_start(l, &w.child, &options, on_exit_note), 0);
	assert_int_equal(getpgid(w.child.pid), getpgid(0));
	assert_int_equal(child_signal(&w.child, SIGINT), 0);
	turn_until(l, &w.ended);
	assert_int_equal(WTERMSIG(w.status), SIGINT);
}

TEST(a_session_of_its_own_is_a_group_too)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	char *argv[] = { (char *)"sleep", (char *)"1000", NULL };
	struct child_options options = { .path = "sleep", .argv = argv, .own_session = true };
	struct watched w = { 0 };

	assert_int_equal(child_start(l, &w.child, &options, on_exit_note), 0);
	assert_int_equal(getsid(w.child.pid), w.child.pid);
	assert_int_equal(child_signal(&w.child, SIGKILL), 0);
	turn_until(l, &w.ended);
}

static void on_exit_start_again(struct child *c, int status)
{
	struct watched *w = container_of(c, struct watched, child);

	if (w->starts_left-- > 0)
		assert_int_equal(child_start(w->loop, c, &w->options, on_exit_start_again), 0);
	else
		on_exit_note(c, status);
}

TEST(a_child_may_be_started_again_when_it_ends)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	char *argv[4];
	struct watched w = { .loop = l, .starts_left = 3, .options = shell("exit 1", argv) };

	assert_int_equal(child_start(l, &w.child, &w.options, on_exit_start_again), 0);
	turn_until(l, &w.ended);
	assert_int_equal(w.starts_left, -1);
}

TEST(a_forgotten_child_goes_on)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	struct child zeroed = { 0 };
	char *argv[4];
	struct child_options options = shell("exit 3", argv);
	struct watched w = { 0 };
	int status;

	child_forget(&zeroed);
	assert_int_equal(child_start(l, &w.child, &options, on_exit_note), 0);

	pid_t pid = w.child.pid;

	child_forget(&w.child);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 3);
	turn(l);
	assert_false(w.ended);
}

/* A process that starts a child which is to die with it, and dies. */
static no_return void start_and_die(const struct child_options *options)
{
	struct watched w = { 0 };
	struct loop *l;

	if (loop_new(&l) < 0 || child_start(l, &w.child, options, on_exit_note) < 0)
		_exit(1);
	_exit(0);
}

TEST(a_child_dies_with_its_parent_when_that_was_asked_for)
{
	char *argv[] = { (char *)"sleep", (char *)"1000", NULL };
	int fds[2];
	int status;
	char byte;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);

	struct child_fd held = { fds[1], 9 };
	struct child_options options = {
		.path = "sleep",
		.argv = argv,
		.fds = &held,
		.fd_count = 1,
		.death_signal = SIGKILL,
	};
	pid_t parent = fork();

	if (parent == 0)
		start_and_die(&options);
	close(fds[1]);
	assert_int_equal(waitpid(parent, &status, 0), parent);
	assert_int_equal(status, 0);
	/* The end of the pipe is the end of the last process that holds it. */
	assert_int_equal(read(fds[0], &byte, 1), 0);
	close(fds[0]);
}

#ifdef WEFT_FAULTS
TEST(a_start_that_fails_anywhere_leaves_no_process)
{
	cleanup(loop_freep) struct loop *l = test_loop();
	char *argv[] = { (char *)"sleep", (char *)"1000", NULL };
	struct child_options options = { .path = "sleep", .argv = argv, .own_group = true };
	struct watched w = { 0 };
	unsigned nth = 1;

	for (;; nth++) {
		fault_arm(nth, -EAGAIN);

		int r = child_start(l, &w.child, &options, on_exit_note);

		if (!fault_delivered())
			break;
		assert_int_equal(r, -EAGAIN);
		assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	}
	fault_arm(0, 0);
	assert_true(nth > 4);
	assert_int_equal(child_signal(&w.child, SIGKILL), 0);
	turn_until(l, &w.ended);
}
#endif
