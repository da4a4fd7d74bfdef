#include "message/text_match.h"

#include "test.h"

static bool matches(enum text_match_kind kind, bool ignore_case, const char *value,
		    const char *text)
{
	struct text_match m = { kind, ignore_case, str_from(value) };

	return text_match(&m, str_from(text));
}

TEST(each_kind_of_pattern_matches_its_part)
{
	assert_true(matches(TEXT_MATCH_EXACT, false, "abc", "abc"));
	assert_false(matches(TEXT_MATCH_EXACT, false, "abc", "abcd"));
	assert_true(matches(TEXT_MATCH_PREFIX, false, "ab", "abc"));
	assert_false(matches(TEXT_MATCH_PREFIX, false, "bc", "abc"));
	assert_true(matches(TEXT_MATCH_SUFFIX, false, "bc", "abc"));
	assert_false(matches(TEXT_MATCH_SUFFIX, false, "ab", "abc"));
	assert_true(matches(TEXT_MATCH_CONTAINS, false, "bc", "abcd"));
	assert_true(matches(TEXT_MATCH_CONTAINS, false, "cd", "abcd"));
	assert_false(matches(TEXT_MATCH_CONTAINS, false, "ce", "abcd"));
}

TEST(case_counts_unless_it_is_ignored)
{
	assert_false(matches(TEXT_MATCH_EXACT, false, "ABC", "abc"));
	assert_true(matches(TEXT_MATCH_EXACT, true, "ABC", "abc"));
	assert_true(matches(TEXT_MATCH_CONTAINS, true, "BC", "abcd"));
}

TEST(a_pattern_longer_than_the_text_never_matches)
{
	for (enum text_match_kind k = TEXT_MATCH_EXACT; k <= TEXT_MATCH_CONTAINS; k++)
		assert_false(matches(k, false, "abcd", "abc"));
}
