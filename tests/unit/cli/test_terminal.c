#include "cli/terminal.h"

#include "base/error.h"
#include "test.h"

static bool color_of(struct terminal_environment e)
{
	struct diag d = DIAG_INIT;
	struct terminal t;

	assert_int_equal(terminal_choose(&e, &t, &d), 0);
	diag_fini(&d);
	return t.color;
}

TEST(colour_is_for_terminals_unless_somebody_says_otherwise)
{
	assert_true(color_of((struct terminal_environment){ .is_tty = true, .term = "xterm" }));
	assert_false(color_of((struct terminal_environment){ .term = "xterm" }));
	assert_false(color_of((struct terminal_environment){ .is_tty = true, .term = "dumb" }));
	assert_false(color_of((struct terminal_environment){ .is_tty = true, .no_color = "1" }));
	assert_true(color_of((struct terminal_environment){ .is_tty = true, .no_color = "" }));
	assert_true(color_of((struct terminal_environment){ .clicolor_force = "1" }));
	assert_false(color_of((struct terminal_environment){ .clicolor_force = "0" }));
	assert_true(color_of((struct terminal_environment){ .choice = "always", .no_color = "1" }));
	assert_false(color_of((struct terminal_environment){ .choice = "never", .is_tty = true }));
}

TEST(another_word_for_colour_is_refused)
{
	struct terminal_environment e = { .choice = "sometimes" };
	struct diag d = DIAG_INIT;
	struct terminal t;

	assert_int_equal(terminal_choose(&e, &t, &d), ERR_CONFIG);
	assert_string_equal(d.text, "--color: \"sometimes\" is not auto, always or never");
	diag_fini(&d);
}

TEST(marks_are_words_where_the_locale_has_no_signs)
{
	static const struct {
		const char *locale;
		const char *mark;
	} cases[] = {
		{ "C.UTF-8", "✔" }, { "de_DE.utf8", "✔" },  { "de_DE.UTF-8@euro", "✔" },
		{ "C", "ok" },      { "", "ok" },           { NULL, "ok" },
		{ "POSIX", "ok" },  { "ISO-8859-1", "ok" },
	};

	for (size_t i = 0; i < array_count(cases); i++) {
		struct terminal_environment e = { .locale = cases[i].locale };
		struct diag d = DIAG_INIT;
		struct terminal t;

		assert_int_equal(terminal_choose(&e, &t, &d), 0);
		assert_string_equal(terminal_mark_text(&t, MARK_OK), cases[i].mark);
	}
}

TEST(styles_leave_text_alone_without_colour)
{
	struct terminal plain = { 0 }, colored = { .color = true, .utf8 = true };
	struct buf out = BUF_INIT(0);

	terminal_style(&plain, STYLE_RED, STR("no"), &out);
	terminal_mark(&plain, MARK_FAIL, &out);
	assert_str_equal(buf_str(&out), "noFAIL");
	buf_clear(&out);
	terminal_style(&colored, STYLE_RED, STR("no"), &out);
	assert_str_equal(buf_str(&out), "\033[31mno\033[0m");
	buf_fini(&out);
}

TEST(a_picture_is_drawn_over_the_last_as_far_as_the_terminal_goes)
{
	struct terminal t = { .rows = 4 };
	struct buf out = BUF_INIT(0);

	terminal_redraw(&t, STR("a\nb\n"), &out);
	assert_str_equal(buf_str(&out), "\033[Ha\033[K\nb\033[K\n\033[J");
	buf_clear(&out);
	terminal_redraw(&t, STR("a\nb\nc\nd\n"), &out);
	assert_str_equal(buf_str(&out), "\033[Ha\033[K\nb\033[K\nand 2 more lines\033[K\n\033[J");
	buf_fini(&out);
}
