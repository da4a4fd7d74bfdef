#include "base/excerpt.h"

#include "base/error.h"
#include "test.h"

static void assert_shown(struct position at, const char *hint, const char *source,
			 const char *expected)
{
	struct diag d = DIAG_INIT;
	struct buf out = BUF_INIT(0);

	diag_fail(&d, ERR_CONFIG, "it is wrong");
	diag_at(&d, at);
	diag_file(&d, "a.yaml");
	diag_code(&d, "WEFT1002");
	if (hint)
		diag_hint(&d, "%s", hint);
	excerpt_write(&d, str_from(source), &out);
	assert_str_equal(buf_str(&out), expected);
	buf_fini(&out);
	diag_fini(&d);
}

#define HEAD "error: it is wrong                                                    [WEFT1002]\n"

TEST(an_excerpt_shows_the_word_and_the_fix)
{
	assert_shown((struct position){ 2, 3 }, "did you mean \"timeouts\"?",
		     "a: 1\r\n  timout: {request: 2s}\r\nb: 2\n",
		     HEAD " --> a.yaml:2:3\n"
			  "  |\n"
			  "2 |   timout: {request: 2s}\n"
			  "  |   ^^^^^^ did you mean \"timeouts\"?\n"
			  "  |\n");
}

TEST(an_excerpt_keeps_tabs_and_counts_letters_not_bytes)
{
	assert_shown((struct position){ 1, 8 }, NULL, "{\t\"\xc3\xa9\":\"\xc3\xa9 x\"}",
		     HEAD " --> a.yaml:1:8\n"
			  "  |\n"
			  "1 | {\t\"\xc3\xa9\":\"\xc3\xa9 x\"}\n"
			  "  |  \t    ^^^^^\n"
			  "  |\n");
}

TEST(an_excerpt_points_behind_a_line_that_ends_too_early)
{
	assert_shown((struct position){ 12, 4 }, "close it", "\n\n\n\n\n\n\n\n\n\n\na: ",
		     HEAD "  --> a.yaml:12:4\n"
			  "   |\n"
			  "12 | a: \n"
			  "   |    ^ close it\n"
			  "   |\n");
}

TEST(an_excerpt_of_a_long_line_shows_the_part_around_the_place)
{
	char line[600];
	struct buf out = BUF_INIT(0);
	struct diag d = DIAG_INIT;

	memset(line, 'x', sizeof(line));
	memcpy(line + 400, " word ", 6);
	diag_fail(&d, ERR_CONFIG, "it is wrong");
	diag_at(&d, (struct position){ 1, 402 });
	excerpt_write(&d, str_of(line, sizeof(line)), &out);
	assert_true(buf_len(&out) < 400);
	assert_true(str_has_suffix(buf_str(&out), STR(" ^^^^\n  |\n")));
	buf_fini(&out);
	diag_fini(&d);
}

TEST(an_excerpt_without_the_text_says_what_is_known)
{
	assert_shown((struct position){ 7, 1 }, "mend it", "a: 1\n",
		     HEAD " --> a.yaml:7:1\n"
			  "   mend it\n");
	assert_shown((struct position){ 0, 0 }, NULL, "", HEAD " --> a.yaml\n");
}
