#include "in_child.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define TESTS_MAX 4096

static struct CMUnitTest tests[TESTS_MAX];
static size_t test_count;

void test_register(const char *file, const char *name, void (*function)(void **state))
{
	(void)file;
	if (test_count == TESTS_MAX)
		abort();
	tests[test_count++] = (struct CMUnitTest){ .name = name, .test_func = function };
}

void test_assert_str(struct str s, const char *text, const char *file, int line)
{
	if (str_eq(s, str_from(text)))
		return;
	print_error("\"%.*s\" != \"%s\"\n", STR_ARGS(s), text);
	_fail(file, line);
}

static void child_run(void (*run)(const void *user), const void *user, int error_fd)
{
	static const int caught[] = { SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL };

	for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
		signal(caught[i], SIG_DFL);
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
	dup2(error_fd, STDERR_FILENO);
	run(user);
	_exit(0);
}

/* To the end, keeping what has room. */
static void read_text(int fd, char *text, size_t size)
{
	char byte;
	size_t len = 0;

	while (read(fd, &byte, 1) == 1)
		if (text && len + 1 < size)
			text[len++] = byte;
	if (text && size)
		text[len] = '\0';
}

int test_in_child(void (*run)(const void *user), const void *user, char *ret_text, size_t size)
{
	int fds[2], status;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		child_run(run, user, fds[1]);
	close(fds[1]);
	read_text(fds[0], ret_text, size);
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

int main(int argc, char **argv)
{
	size_t kept = 0;

	for (size_t i = 0; i < test_count; i++)
		if (argc < 2 || strstr(tests[i].name, argv[1]))
			tests[kept++] = tests[i];
	return _cmocka_run_group_tests("unit", tests, kept, NULL, NULL) ? 1 : 0;
}
