#include "proxy/path.h"

#include "test.h"

static struct pool pool;

// clang-format off
static const struct { const char *path, *normal; } cases[] = {
	{ "/",                 "/" },
	{ "/a/b?c=/../d",      "/a/b?c=/../d" },
	{ "/a/../b",           "/b" },
	{ "/a/./b/.",          "/a/b/" },
	{ "/a/b/..",           "/a/" },
	{ "/a/b/../../",       "/" },
	{ "/a/..",             "/" },
	{ "/.hidden/..x/.",    "/.hidden/..x/" },
	{ "/%61%7e%2D",        "/a~-" },
	{ "/%2e%2E/a",         NULL },
	{ "/a/%2e%2e/b",       "/b" },
	{ "/a%2fb%3f",         "/a%2Fb%3F" },
	{ "/a\\..\\b",         "/b" },
	{ "/..",               NULL },
	{ "/a/../../b",        NULL },
	{ "/%",                NULL },
	{ "/%4",               NULL },
	{ "/%zz",              NULL },
	{ "/a%00b",            NULL },
	{ "*",                 "*" },
	{ "/a?",               "/a?" },
	{ "/%41?%41",          "/A?%41" },
};

static const struct { const char *path, *merged; } slashes[] = {
	{ "/a/b",       "/a/b" },
	{ "//a///b//",  "/a/b/" },
	{ "//?a//b",    "/?a//b" },
	{ "/a?b",       "/a?b" },
};
// clang-format on

TEST(paths_are_normalised)
{
	for (size_t i = 0; i < array_count(cases); i++) {
		struct str result = STR_EMPTY;
		bool good = path_normalize(str_from(cases[i].path), &pool, &result);

		assert_int_equal(good, cases[i].normal != NULL);
		if (good)
			assert_str_equal(result, cases[i].normal);
	}
	pool_fini(&pool);
}

TEST(a_plain_path_is_not_copied)
{
	struct str path = STR("/reviews/42?full=1"), result;

	assert_true(path_normalize(path, &pool, &result));
	assert_ptr_equal(result.ptr, path.ptr);
	assert_ptr_equal(path_merge_slashes(path, &pool).ptr, path.ptr);
	pool_fini(&pool);
}

TEST(normalising_twice_changes_nothing)
{
	for (size_t i = 0; i < array_count(cases); i++) {
		struct str once, twice;

		if (!path_normalize(str_from(cases[i].path), &pool, &once))
			continue;
		assert_true(path_normalize(once, &pool, &twice));
		assert_true(str_eq(once, twice));
	}
	pool_fini(&pool);
}

TEST(runs_of_slashes_become_one)
{
	for (size_t i = 0; i < array_count(slashes); i++)
		assert_str_equal(path_merge_slashes(str_from(slashes[i].path), &pool),
				 slashes[i].merged);
	pool_fini(&pool);
}

TEST(escaped_slashes_are_seen_in_the_path_alone)
{
	assert_true(path_has_escaped_slash(STR("/a%2Fb")));
	assert_true(path_has_escaped_slash(STR("/a%5c")));
	assert_false(path_has_escaped_slash(STR("/a%2")));
	assert_false(path_has_escaped_slash(STR("/a?b=%2f")));
}
