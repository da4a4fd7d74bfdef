#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

int main(int argc, char **argv)
{
	size_t kept = 0;

	for (size_t i = 0; i < test_count; i++)
		if (argc < 2 || strstr(tests[i].name, argv[1]))
			tests[kept++] = tests[i];
	return _cmocka_run_group_tests("unit", tests, kept, NULL, NULL) ? 1 : 0;
}
