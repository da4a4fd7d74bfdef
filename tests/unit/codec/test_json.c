#include "codec/node.h"

#include "base/mem.h"
#include "test.h"

static struct pool pool;
static struct diag diag;

static int parse(const char *text, struct node **root)
{
	pool_init(&pool, 0);
	diag_init(&diag);
	return json_parse(str_from(text), NULL, &pool, root, &diag);
}

static void end(void)
{
	diag_fini(&diag);
	pool_fini(&pool);
}

/* `message` is what diag_format() says, with position and path. */
static void assert_refused(const char *text, int error, const char *message)
{
	struct buf out = BUF_INIT(0);
	struct node *root = NULL;

	assert_int_equal(parse(text, &root), error);
	diag_format(&diag, &out);
	assert_str_equal(buf_str(&out), message);
	buf_fini(&out);
	end();
}

static void assert_round_trip(const char *text, const char *written)
{
	struct buf out = BUF_INIT(0);
	struct node *root;

	assert_int_equal(parse(text, &root), 0);
	json_write(root, &out);
	assert_str_equal(buf_str(&out), written);
	buf_fini(&out);
	end();
}

TEST(json_values_are_read_and_written_back)
{
	assert_round_trip(
		" {\"a\" : [1, -2.50e+3, true,false , null, \"x\"], \"b\":{}, \"c\":[]}\n",
		"{\"a\":[1,-2.50e+3,true,false,null,\"x\"],\"b\":{},\"c\":[]}");
	assert_round_trip("0", "0");
	assert_round_trip("\"\"", "\"\"");
	assert_round_trip("[[],[[]],{\"\":{}}]", "[[],[[]],{\"\":{}}]");
}

TEST(json_escapes_mean_their_characters)
{
	struct node *root;

	assert_int_equal(parse("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20AC\\ud83d\\ude00\"", &root),
			 0);
	assert_str_equal(root->text, "\"\\/\b\f\n\r\t\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
	end();
}

TEST(json_writes_control_characters_as_escapes)
{
	struct buf out = BUF_INIT(0);

	json_write_text(STR("a\"\\\n\x01\x7f\xe2\x80\xa8\xc3\xa9"), &out);
	assert_str_equal(buf_str(&out), "\"a\\\"\\\\\\n\\u0001\\u007f\\u2028\xc3\xa9\"");
	buf_fini(&out);
}

TEST(json_writes_bytes_that_are_no_utf8_as_replacement_characters)
{
	struct buf out = BUF_INIT(0);

	json_write_text(STR("a\xff\xc3"), &out);
	assert_str_equal(buf_str(&out), "\"a\xef\xbf\xbd\xef\xbf\xbd\"");
	buf_fini(&out);
}

TEST(json_indented_has_two_spaces_a_level)
{
	struct buf out = BUF_INIT(0);
	struct node *root;

	assert_int_equal(parse("{\"a\":[1,{\"b\":2}],\"c\":[],\"d\":{}}", &root), 0);
	json_write_pretty(root, &out);
	assert_str_equal(buf_str(&out), "{\n"
					"  \"a\": [\n"
					"    1,\n"
					"    {\n"
					"      \"b\": 2\n"
					"    }\n"
					"  ],\n"
					"  \"c\": [],\n"
					"  \"d\": {}\n"
					"}\n");
	buf_fini(&out);
	end();
}

TEST(json_refuses_what_the_grammar_does_not_have)
{
	static const struct {
		const char *text;
		const char *message;
	} rows[] = {
		{ "", "1:1: expected a value, found the end of the text" },
		{ "[1,]", "1:4: expected a value, found ']'" },
		{ "{\"a\":1,}", "1:8: expected a name in quotes, found '}'" },
		{ "{a:1}", "1:2: expected a name in quotes, found 'a'" },
		{ "{\"a\" 1}", "1:6: expected ':', found '1'" },
		{ "[1 2]", "1:4: expected ',' or ']', found '2'" },
		{ "[1", "1:3: expected ',' or ']', found the end of the text" },
		{ "{\"a\":1]", "1:7: expected ',' or '}', found ']'" },
		{ "1 2", "1:3: expected nothing behind the value, found '2'" },
		{ "01", "1:1: a number must not begin with 0" },
		{ "-", "1:2: expected a digit, found the end of the text" },
		{ "1.", "1:3: expected a digit, found the end of the text" },
		{ "1e+", "1:4: expected a digit, found the end of the text" },
		{ ".5", "1:1: expected a value, found '.'" },
		{ "+1", "1:1: expected a value, found '+'" },
		{ "NaN", "1:1: expected a value, found 'N'" },
		{ "nul", "1:1: expected a value, found 'n'" },
		{ "// x\n1", "1:1: expected a value, found '/'" },
		{ "\"a", "1:3: expected a character of the text or \", found the end of the text" },
		{ "\"a\nb\"", "1:3: expected a character of the text or \", found the byte 0x0a" },
		{ "\"\\x\"",
		  "1:3: expected one of \" \\ / b f n r t u behind a backslash, found 'x'" },
		{ "\"\\u12g4\"", "1:4: expected four hexadecimal digits behind \\u" },
		{ "\"\\ud800\"", "1:2: half of a surrogate pair" },
		{ "\"\\ud800\\u0041\"", "1:2: half of a surrogate pair" },
		{ "\"\\udc00\"", "1:2: half of a surrogate pair" },
		{ "\"\\u0000\"", "1:2: text must not contain the character U+0000" },
		{ "\xef\xbb\xbf{}", "1:1: a byte order mark stands before the value" },
		{ "[\n \"\xc3(\"]", "2:3: the text is not UTF-8 here" },
		{ "{\n  \"a\": tru\n}", "2:8: expected a value, found 't'" },
	};

	for (size_t i = 0; i < array_count(rows); i++)
		assert_refused(rows[i].text, ERR_SYNTAX, rows[i].message);
}

TEST(json_names_both_places_of_a_duplicate_key)
{
	assert_refused("{\"a\": 1,\n \"b\": 2, \"a\": 3}", ERR_CONFIG,
		       "2:10: duplicate key \"a\": it stands at line 1, column 2 already");
	assert_refused("{\"a\": 1, \"\\u0061\": 3}", ERR_CONFIG,
		       "1:10: duplicate key \"a\": it stands at line 1, column 2 already");
}

TEST(json_finds_duplicates_in_large_maps_too)
{
	struct buf text = BUF_INIT(0);
	char *terminated;

	buf_append_char(&text, '{');
	for (int i = 0; i < 1000; i++)
		buf_printf(&text, "\"k%d\":{\"k\":%d},", i, i);
	buf_append_str(&text, STR("\"k17\":0}"));
	terminated = buf_take_text(&text);
	assert_refused(terminated, ERR_CONFIG,
		       "1:16782: duplicate key \"k17\": it stands at line 1, column 237 already");
	mem_free(terminated);
}

TEST(json_depth_and_number_of_values_are_limited)
{
	struct node_limits limits = { .depth_max = 2, .nodes_max = 4 };
	struct node *root;

	pool_init(&pool, 0);
	diag_init(&diag);
	assert_int_equal(json_parse(STR("[[1,2]]"), &limits, &pool, &root, &diag), 0);
	assert_int_equal(json_parse(STR("[[[]]]"), &limits, &pool, &root, &diag), ERR_LIMIT);
	assert_string_equal(diag.text, "nested more than 2 levels deep");
	assert_int_equal(diag.at.column, 3);
	diag_fini(&diag);
	assert_int_equal(json_parse(STR("[1,2,3,4]"), &limits, &pool, &root, &diag), ERR_LIMIT);
	assert_string_equal(diag.text, "more than 4 values in one text");
	end();
}

TEST(json_positions_count_lines_and_bytes)
{
	struct node *root;

	assert_int_equal(parse("{\r\n  \"\xc3\xa9\": {\"b\": [10,\n20]}}", &root), 0);
	assert_int_equal(node_at(root, "[\"\xc3\xa9\"].b[0]")->at.column, 16);
	assert_int_equal(node_at(root, "[\"\xc3\xa9\"].b")->key_at.column, 10);
	assert_int_equal(node_at(root, "[\"\xc3\xa9\"].b[1]")->at.line, 3);
	assert_int_equal(node_at(root, "[\"\xc3\xa9\"].b[1]")->at.column, 1);
	end();
}

TEST(json_bears_every_truncation)
{
	static const char text[] =
		"{\"a\": [1, -2.5e3, true, null], \"b\\u00e9\": {\"c\": \"\\ud83d\\ude00\"}}";
	struct node *root;

	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		char *exact = mem_strdup_str(str_of(text, len));

		assert_int_equal(parse(exact, &root), ERR_SYNTAX);
		end();
		mem_free(exact);
	}
}
