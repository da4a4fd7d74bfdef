#include "test.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

TEST(live_bytes_return_to_where_they_were)
{
	uint64_t before = mem_live_bytes();
	char *text = mem_alloc(1000);

	assert_true(mem_live_bytes() >= before + 1000);
	text = mem_realloc(text, 100000);
	assert_true(mem_live_bytes() >= before + 100000);
	text = mem_realloc(text, 10);
	text = mem_free(text);
	assert_null(text);
	assert_int_equal(mem_live_bytes(), before);
}

TEST(fresh_objects_are_zeroed)
{
	uint64_t *numbers = mem_new_array(uint64_t, 100);

	for (int i = 0; i < 100; i++)
		assert_int_equal(numbers[i], 0);
	mem_free(numbers);
}

struct line {
	_Alignas(64) uint64_t number;
};

TEST(an_object_with_a_cache_line_of_its_own_begins_on_one)
{
	uint64_t before = mem_live_bytes();

	for (int i = 0; i < 20; i++) {
		struct line *one = mem_new(struct line);
		struct line *three = mem_new_array(struct line, 3);

		assert_int_equal((uintptr_t)one % 64, 0);
		assert_int_equal((uintptr_t)three % 64, 0);
		assert_int_equal(one->number | three[0].number | three[2].number, 0);
		three[2].number = 1;
		mem_free(one);
		mem_free(three);
	}
	assert_int_equal(mem_live_bytes(), before);
}

TEST(nothing_is_a_valid_size)
{
	char *a = mem_alloc(0);
	char *b = mem_zalloc_array(0, 8);

	assert_non_null(a);
	assert_non_null(b);
	a = mem_realloc(a, 0);
	assert_non_null(a);
	mem_free(a);
	mem_free(b);
	assert_null(mem_free(NULL));
}

TEST(copies_of_text_are_terminated)
{
	char *a = mem_strdup("text");
	char *b = mem_strdup_str(STR("longer than it is").len ? str_of("slice", 3) : STR_EMPTY);
	char *c = mem_printf("%s-%d", "x", 7);
	char *d = mem_strdup_str(STR_EMPTY);

	assert_string_equal(a, "text");
	assert_string_equal(b, "sli");
	assert_string_equal(c, "x-7");
	assert_string_equal(d, "");
	assert_null(mem_strdup(NULL));
	mem_free(a);
	mem_free(b);
	mem_free(c);
	mem_free(d);
}

static void *free_elsewhere(void *ptr)
{
	mem_free(ptr);
	return NULL;
}

TEST(memory_freed_by_another_thread_is_counted_off)
{
	uint64_t before = mem_live_bytes();
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, free_elsewhere, mem_alloc(5000)), 0);
	pthread_join(thread, NULL);
	assert_int_equal(mem_live_bytes(), before);
}

static void *alloc_here(unused_arg void *ignored)
{
	return mem_alloc(1000);
}

TEST(the_count_survives_threads_that_come_and_go)
{
	uint64_t before = mem_live_bytes();

	for (int i = 0; i < 20; i++) {
		pthread_t thread;
		void *memory = NULL;

		assert_int_equal(pthread_create(&thread, NULL, alloc_here, NULL), 0);
		pthread_join(thread, &memory);
		assert_true(mem_live_bytes() >= before + 1000);
		mem_free(memory);
		assert_int_equal(mem_live_bytes(), before);
	}
}

TEST(cleanup_frees_on_every_exit)
{
	uint64_t before = mem_live_bytes();

	{
		cleanup(mem_freep) char *text = mem_strdup("gone");
		cleanup(mem_freep) char *taken = mem_strdup("kept");
		char *kept = TAKE(taken);

		assert_null(taken);
		mem_free(kept);
		assert_string_equal(text, "gone");
	}
	assert_int_equal(mem_live_bytes(), before);
}

TEST(a_size_that_overflows_ends_the_program)
{
	volatile size_t count = SIZE_MAX / 4;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGABRT, SIG_DFL);
		close(STDERR_FILENO);
		mem_zalloc_array(count, 8);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}
