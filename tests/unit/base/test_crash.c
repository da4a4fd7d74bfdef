#include "base/crash.h"

#include <assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "in_child.h"

struct subject {
	int number;
	volatile int *broken;
};

static void subject_dump(const void *object, struct dump *d)
{
	const struct subject *s = object;

	dump_line(d, "subject");
	dump_number(d, "number", (uint64_t)s->number);
	dump_enter(d);
	dump_line(d, "whole");
	dump_line(d, "broken");
	if (s->broken)
		abort();
	dump_leave(d);
}

static void crash_here(const void *user)
{
	crash_watch("unit");
	crash_watch_thread(subject_dump, user);
	abort();
}

TEST(a_crash_prints_a_line_a_backtrace_and_what_the_thread_worked_on)
{
	struct subject s = { .number = 42 };
	char text[8192];
	int status = test_in_child(crash_here, &s, text, sizeof(text));

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_non_null(strstr(text, "crash signal=SIGABRT program=unit version=" WEFT_VERSION));
	assert_non_null(strstr(text, "\n  at unit=0x"));
	assert_non_null(strstr(text, "\nsubject number=42\n  whole\n  broken\n"));
	assert_non_null(strstr(text, "\ncrash done\n"));
}

TEST(a_second_fault_costs_the_rest_of_the_dump_alone)
{
	struct subject s = { .number = 7, .broken = &s.number };
	char text[8192];
	int status = test_in_child(crash_here, &s, text, sizeof(text));

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_non_null(strstr(text, "\nsubject number=7\n  whole\n"));
	assert_non_null(strstr(text, "crash the dump ended by a fault of its own\n"));
	assert_null(strstr(text, "crash done"));
}

static void crash_before_a_full_pipe(const void *user)
{
	static const char bytes[4096];
	int ends[2];

	assert(pipe2(ends, O_NONBLOCK) == 0);
	while (write(ends[1], bytes, sizeof(bytes)) > 0)
		continue;
	assert(fcntl(ends[1], F_SETFL, 0) == 0);
	dup2(ends[1], STDERR_FILENO);
	crash_here(user);
}

TEST(a_crash_ends_where_nobody_reads_the_log)
{
	struct subject s = { .number = 1 };
	char text[64];
	int status = test_in_child(crash_before_a_full_pipe, &s, text, sizeof(text));

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_string_equal(text, "");
}

static void *end_slowly(void *user)
{
	crash_watch_thread(subject_dump, user);
	abort();
}

static void crash_in_threads(const void *user)
{
	pthread_t threads[2];

	crash_watch("unit");
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, end_slowly, (void *)user);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
}

TEST(of_threads_that_crash_together_one_prints)
{
	struct subject s = { .number = 3 };
	char text[8192];
	int status = test_in_child(crash_in_threads, &s, text, sizeof(text));
	char *first = strstr(text, "crash signal=");

	assert_true(WIFSIGNALED(status));
	assert_non_null(first);
	assert_null(strstr(first + 1, "crash signal="));
	assert_non_null(strstr(text, "crash done"));
}

/* A sanitizer has its own answer to faults. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
static volatile bool goes_on = true;

static void overflow(void)
{
	volatile char here[4096];

	here[0] = 1;
	if (goes_on)
		overflow();
	here[1] = here[0];
}

static void crash_by_overflow(const void *user)
{
	crash_watch("unit");
	crash_watch_thread(subject_dump, user);
	overflow();
}

TEST(a_stack_that_overflows_is_told_of_from_another_stack)
{
	struct subject s = { .number = 9 };
	char text[8192];
	int status = test_in_child(crash_by_overflow, &s, text, sizeof(text));

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSEGV);
	assert_non_null(strstr(text, "crash signal=SIGSEGV program=unit"));
	assert_non_null(strstr(text, "subject number=9\n"));
}

static void crash_by(const void *user)
{
	crash_watch("unit");
	raise(*(const int *)user);
}

TEST(each_signal_of_a_bug_keeps_its_exit_status)
{
	static const int numbers[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
	char text[8192];

	for (size_t i = 0; i < array_count(numbers); i++) {
		int status = test_in_child(crash_by, &numbers[i], text, sizeof(text));

		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), numbers[i]);
		assert_non_null(strstr(text, "crash signal=SIG"));
		assert_non_null(strstr(text, "crash done"));
	}
}
#endif
