#include "cli/table.h"

#include "test.h"

static const struct table_column columns[] = {
	{ "NAME", false, false }, { "RPS", true, false }, { "NOTE", false, true },
	{ "END", false, false },  { NULL, false, false },
};

static void assert_table(bool wide, bool no_headers, const char *expected)
{
	struct terminal terminal = { 0 };
	struct table_options options = { &terminal, wide, no_headers };
	struct buf out = BUF_INIT(0);
	struct table t;

	table_init(&t, columns);
	table_add(&t, "web");
	table_add(&t, "%d", 412);
	table_add_str(&t, STR(""));
	table_add(&t, "▅▅");
	table_add_str(&t, STR("reviews"));
	table_add_style(&t, STYLE_RED, "%d", 7);
	table_add_str(&t, STR("slow"));
	table_add(&t, "x");
	assert_int_equal(table_row_count(&t), 2);
	table_write(&t, &options, &out);
	assert_str_equal(buf_str(&out), expected);
	table_fini(&t);
	buf_fini(&out);
}

TEST(columns_are_as_wide_as_their_widest_cell)
{
	assert_table(false, false,
		     "NAME     RPS  END\n"
		     "web      412  ▅▅\n"
		     "reviews    7  x\n");
}

TEST(wide_columns_are_shown_when_asked_for)
{
	assert_table(true, false,
		     "NAME     RPS  NOTE  END\n"
		     "web      412  -     ▅▅\n"
		     "reviews    7  slow  x\n");
}

TEST(the_header_can_be_left_out)
{
	assert_table(false, true,
		     "web      412  ▅▅\n"
		     "reviews    7  x\n");
}

TEST(colour_takes_no_room_in_a_table)
{
	struct terminal terminal = { .color = true };
	struct table_options options = { &terminal, false, true };
	static const struct table_column two[] = {
		{ "A", false, false },
		{ "B", false, false },
		{ NULL, false, false },
	};
	struct buf out = BUF_INIT(0);
	struct table t;

	table_init(&t, two);
	table_add_style(&t, STYLE_RED, "ab");
	table_add(&t, "1");
	table_add(&t, "abcd");
	table_add(&t, "2");
	table_write(&t, &options, &out);
	assert_str_equal(buf_str(&out), "\033[31mab\033[0m    1\nabcd  2\n");
	table_fini(&t);
	buf_fini(&out);
}

TEST(what_a_terminal_has_no_room_for_is_cut)
{
	struct terminal terminal = { .is_tty = true, .utf8 = true, .columns = 24 };
	struct table_options options = { &terminal, false, false };
	static const struct table_column three[] = {
		{ "NAME", false, false },
		{ "NUMBER", true, false },
		{ "TEXT", false, false },
		{ NULL, false, false },
	};
	struct buf out = BUF_INIT(0);
	struct table t;

	table_init(&t, three);
	table_add(&t, "reviews");
	table_add(&t, "1");
	table_add(&t, "ärger that is long");
	table_write(&t, &options, &out);
	assert_str_equal(buf_str(&out), "NAME     NUMBER  TEXT\n"
					"reviews       1  ärger t…\n");
	buf_clear(&out);
	terminal.is_tty = false;
	table_write(&t, &options, &out);
	assert_str_equal(buf_str(&out), "NAME     NUMBER  TEXT\n"
					"reviews       1  ärger that is long\n");
	table_fini(&t);
	buf_fini(&out);
}
