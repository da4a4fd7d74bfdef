#include "codec/node.h"

#include "base/mem.h"
#include "test.h"

static struct pool pool;
static struct diag diag;
static struct node_documents documents;

static int parse(struct str text)
{
	pool_init(&pool, 0);
	diag_init(&diag);
	return yaml_parse(text, NULL, &pool, &documents, &diag);
}

static void end(void)
{
	diag_fini(&diag);
	pool_fini(&pool);
}

/* All documents as JSON, each on a line. */
static void assert_means(const char *yaml, const char *json)
{
	struct buf out = BUF_INIT(0);

	assert_int_equal(parse(str_from(yaml)), 0);
	for (size_t i = 0; i < documents.count; i++) {
		if (i > 0)
			buf_append_char(&out, '\n');
		json_write(documents.items[i], &out);
	}
	assert_str_equal(buf_str(&out), json);
	buf_fini(&out);
	end();
}

static void assert_refused(const char *yaml, int error, const char *message)
{
	struct buf out = BUF_INIT(0);

	assert_int_equal(parse(str_from(yaml)), error);
	diag_format(&diag, &out);
	assert_str_equal(buf_str(&out), message);
	buf_fini(&out);
	end();
}

TEST(yaml_and_json_give_the_same_tree)
{
	assert_means(
		"a: 1\nb:\n- x\n- {c: true, d: [~, null, -1.5e3]}\ne: 'it''s'\nf: \"\\u00e9\"\n",
		"{\"a\":1,\"b\":[\"x\",{\"c\":true,\"d\":[null,null,-1.5e3]}],"
		"\"e\":\"it's\",\"f\":\"\xc3\xa9\"}");
	assert_means("{\"a\": [1, {\"b\": null}]}", "{\"a\":[1,{\"b\":null}]}");
}

TEST(yaml_texts_that_nobody_takes_for_something_else_stay_texts)
{
	assert_means("- v1\n- 1.2.3\n- 127.0.0.1:80\n- 2026-11-27\n- 1h30m\n- nO\n- noon\n- 0x\n"
		     "- 5s\n- 1e\n- =\n- .\n- 1:99:100\n",
		     "[\"v1\",\"1.2.3\",\"127.0.0.1:80\",\"2026-11-27\",\"1h30m\",\"nO\",\"noon\","
		     "\"0x\",\"5s\",\"1e\",\"=\",\".\",\"1:99:100\"]");
	assert_means("a: \"no\"\nb: '010'\n", "{\"a\":\"no\",\"b\":\"010\"}");
}

TEST(yaml_block_and_folded_texts_are_read)
{
	assert_means("a: |\n  one\n   two\n\nb: >-\n  one\n  two\n\n  three\nc: |+\n  x\n\n",
		     "{\"a\":\"one\\n two\\n\",\"b\":\"one two\\nthree\",\"c\":\"x\\n\\n\"}");
}

TEST(yaml_surprises_are_refused_with_what_to_write)
{
	static const struct {
		const char *scalar;
		const char *advice;
	} rows[] = {
		{ "no", "write false, or \"no\" for the text" },
		{ "Yes", "write true, or \"Yes\" for the text" },
		{ "OFF", "write false, or \"OFF\" for the text" },
		{ "y", "write true, or \"y\" for the text" },
		{ "N", "write false, or \"N\" for the text" },
		{ "010", "write \"010\" for the text, or the number in decimal digits" },
		{ "0x1F", "write 31, or \"0x1F\" for the text" },
		{ "0o17", "write \"0o17\" for the text, or the number in decimal digits" },
		{ "0b11", "write \"0b11\" for the text, or the number in decimal digits" },
		{ "1_000", "write \"1_000\" for the text, or the number in decimal digits" },
		{ "1:30", "write \"1:30\" for the text, or the number in decimal digits" },
		{ "+1", "write 1, or \"+1\" for the text" },
		{ ".5", "write \".5\" for the text, or the number in decimal digits" },
		{ "5.", "write \"5.\" for the text, or the number in decimal digits" },
		{ ".inf", "write \".inf\" for the text, or the number in decimal digits" },
		{ "-.Inf", "write \"-.Inf\" for the text, or the number in decimal digits" },
		{ ".NaN", "write \".NaN\" for the text, or the number in decimal digits" },
	};

	for (size_t i = 0; i < array_count(rows); i++) {
		char *yaml = mem_printf("a:\n  b: %s\n", rows[i].scalar);
		char *message = mem_printf("2:6: %s without quotes means different things to "
					   "different YAML readers (%s)",
					   rows[i].scalar, rows[i].advice);

		assert_refused(yaml, ERR_CONFIG, message);
		mem_free(yaml);
		mem_free(message);
	}
}

TEST(yaml_keys_are_text)
{
	assert_refused("on: 1\n", ERR_CONFIG, "1:1: a key must be text (write \"on\")");
	assert_refused("a:\n  8080: x\n", ERR_CONFIG, "2:3: a key must be text (write \"8080\")");
	assert_refused("? [a]\n: 1\n", ERR_CONFIG, "1:3: a key must be text, not a list");
	assert_refused("&x a: 1\n", ERR_CONFIG, "1:1: a key must not have an anchor");
	assert_refused("- &x a\n- {*x : 1}\n", ERR_CONFIG, "2:4: a key must not be an alias");
	assert_means("\"8080\": x\n'on': y1\n", "{\"8080\":\"x\",\"on\":\"y1\"}");
}

TEST(yaml_names_both_places_of_a_duplicate_key)
{
	assert_refused("spec:\n  a: 1\n  b: 2\n  \"a\": 3\n", ERR_CONFIG,
		       "4:3: duplicate key \"a\": it stands at line 2, column 3 already");
}

TEST(yaml_tags_merge_keys_and_directives_are_refused)
{
	assert_refused("a: !!str 1\n", ERR_CONFIG,
		       "1:4: tags (tag:yaml.org,2002:str) are not supported");
	assert_refused("a: !x {}\n", ERR_CONFIG, "1:4: tags (!x) are not supported");
	assert_refused("a: &d {b: 1}\nc:\n  <<: *d\n", ERR_CONFIG,
		       "3:3: merge keys (<<) are not supported: repeat the fields");
	assert_refused("%YAML 1.1\n---\na: 1\n", ERR_CONFIG,
		       "1:1: YAML 1.1 is not supported: this is read as YAML 1.2");
	assert_refused("%TAG ! tag:x,2000:\n---\na: 1\n", ERR_CONFIG,
		       "1:1: tags (%TAG) are not supported");
	assert_means("%YAML 1.2\n---\na: 1\n", "{\"a\":1}");
}

TEST(yaml_aliases_become_copies)
{
	assert_means(
		"a: &x {b: [1, 2]}\nc: *x\nd: &y hi\ne: [*y, *y]\n",
		"{\"a\":{\"b\":[1,2]},\"c\":{\"b\":[1,2]},\"d\":\"hi\",\"e\":[\"hi\",\"hi\"]}");
	assert_refused("a: *x\n", ERR_CONFIG, "1:4: no anchor \"&x\" stands before this alias");
	assert_refused("a: &x\n  b: [1, *x]\n", ERR_CONFIG,
		       "2:10: the alias \"*x\" contains itself");
	assert_refused("--- &x 1\n--- [*x]\n", ERR_CONFIG,
		       "2:6: no anchor \"&x\" stands before this alias");
}

TEST(yaml_aliases_cannot_explode)
{
	assert_refused("a: &a [x,x,x,x,x,x,x,x,x,x]\n"
		       "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
		       "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
		       "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n",
		       ERR_LIMIT, "4:29: aliases expand to more than 10000 values");
}

TEST(yaml_depth_is_limited_before_it_costs)
{
	struct buf text = BUF_INIT(0);

	for (int i = 0; i < 100000; i++)
		buf_append_char(&text, '[');
	assert_int_equal(parse(buf_str(&text)), ERR_LIMIT);
	assert_string_equal(diag.text, "nested more than 64 levels deep");
	assert_int_equal(diag.at.column, 65);
	buf_fini(&text);
	end();
}

TEST(yaml_streams_hold_documents)
{
	assert_means("# nothing\n---\na: 1\n---\n# only a comment\n---\nb: 2\n...\n---\n- c\n",
		     "{\"a\":1}\n{\"b\":2}\n[\"c\"]");
	assert_means("", "");
	assert_means("# x\n", "");
	assert_means("--- ~\n", "null");
}

TEST(yaml_positions_count_lines_and_bytes)
{
	assert_int_equal(parse(STR("\xef\xbb\xbf"
				   "a: \xc3\xa9\r\n\"\xc3\xa9\": {b: [10, 20]}\r\nc:\n- d: 1\n")),
			 0);
	assert_int_equal(documents.items[0]->at.column, 1);
	assert_int_equal(node_at(documents.items[0], "[\"\xc3\xa9\"].b[1]")->at.line, 2);
	assert_int_equal(node_at(documents.items[0], "[\"\xc3\xa9\"].b[1]")->at.column, 16);
	assert_int_equal(node_at(documents.items[0], "c[0].d")->key_at.line, 4);
	assert_int_equal(node_at(documents.items[0], "c[0].d")->key_at.column, 3);
	end();
}

TEST(yaml_syntax_errors_say_where)
{
	assert_refused("a:\n\tb: 1\n", ERR_SYNTAX,
		       "2:1: a tab indents this line: YAML indents with spaces");
	assert_refused("a: b: c\n", ERR_SYNTAX,
		       "1:5: mapping values are not allowed in this context");
	assert_refused("a: [1\nb: 2\n", ERR_SYNTAX,
		       "2:2: did not find expected ',' or ']' while parsing a flow sequence that "
		       "began at line 1");
	assert_refused("a: \"x\n", ERR_SYNTAX,
		       "2:1: found unexpected end of stream while scanning a quoted scalar that "
		       "began at line 1");
}

TEST(yaml_characters_that_cannot_be_seen_are_refused)
{
	assert_refused("a: x\n  \xc3(: 1\n", ERR_SYNTAX, "2:3: the text is not UTF-8 here");
	assert_refused(
		"a: \"x\x01\"\n", ERR_SYNTAX,
		"1:6: U+0001 is a control character: write it as an escape in double quotes");
	assert_refused("a: \"\\0\"\n", ERR_SYNTAX,
		       "1:4: text must not contain the character U+0000");
	assert_refused("a: x\rb: y\n", ERR_SYNTAX,
		       "1:5: U+000D is a carriage return without a line feed");
	assert_refused("a: \"\xe2\x80\xa8\"\n", ERR_SYNTAX,
		       "1:5: U+2028 is a line break only in YAML 1.1: write \\N, \\L or \\P in "
		       "double quotes");
	assert_refused("a: 1\n\xef\xbb\xbf", ERR_SYNTAX,
		       "2:1: U+FEFF is a byte order mark behind the beginning");
	assert_refused("\xff\xfe"
		       "a",
		       ERR_SYNTAX, "1:1: the text is not UTF-8 here");
}

TEST(yaml_bears_every_truncation)
{
	static const char text[] = "%YAML 1.2\n---\na: &x {b: [1, \"\\u00e9\"]}\nc: |\n  d\n  e\n"
				   "f:\n- *x\n- 'g'\n...\n---\n? h\n: >\n  i\n";

	for (size_t len = 0; len < sizeof(text); len++) {
		char *exact = mem_strdup_str(str_of(text, len));
		int r = parse(str_of(exact, len));

		assert_true(r == 0 || r == ERR_SYNTAX || r == ERR_CONFIG);
		assert_true(r == 0 || diag.at.line > 0);
		end();
		mem_free(exact);
	}
}

static void assert_written(const char *yaml, const char *expected)
{
	struct buf first = BUF_INIT(0);
	struct buf second = BUF_INIT(0);

	assert_int_equal(parse(str_from(yaml)), 0);
	yaml_write(documents.items[0], &first);
	assert_str_equal(buf_str(&first), expected);
	end();

	assert_int_equal(parse(buf_str(&first)), 0);
	yaml_write(documents.items[0], &second);
	assert_str_equal(buf_str(&second), expected);
	end();
	buf_fini(&first);
	buf_fini(&second);
}

TEST(yaml_is_written_in_block_style)
{
	assert_written("{a: 1, b: [x, {c: d, e: [1, [2, 3], {}]}, []], f: {g: {}}, h: [[{i: 1}]]}",
		       "a: 1\n"
		       "b:\n"
		       "- x\n"
		       "- c: d\n"
		       "  e:\n"
		       "  - 1\n"
		       "  - - 2\n"
		       "    - 3\n"
		       "  - {}\n"
		       "- []\n"
		       "f:\n"
		       "  g: {}\n"
		       "h:\n"
		       "- - i: 1\n");
}

TEST(yaml_writes_texts_so_that_they_come_back)
{
	assert_written(
		"[\"no\", \"1\", \"\", \"a: b\", \"a #b\", \"- x\", \"1:30\", \"null\", "
		"\"a b\", \"x:\", \"http://a/b?c=d\", \"...\", \"*x\", \"<<\", \"\\t\", \"é\"]",
		"- \"no\"\n- \"1\"\n- \"\"\n- \"a: b\"\n- \"a #b\"\n- \"- x\"\n- \"1:30\"\n"
		"- \"null\"\n- a b\n- \"x:\"\n- \"http://a/b?c=d\"\n- \"...\"\n- \"*x\"\n"
		"- \"<<\"\n- \"\\t\"\n- \"\xc3\xa9\"\n");
	assert_written("a: \"l1\\nl2\\n\"\nb: [\"l1\\nl2\"]\nc: \" l1\\n\"\nd: \"\\n\"\n",
		       "a: |\n  l1\n  l2\nb:\n- |-\n  l1\n  l2\nc: \" l1\\n\"\nd: \"\\n\"\n");
	assert_written("\"on\": {\"a b\": 1, \"<<\": 2}\n", "\"on\":\n  a b: 1\n  \"<<\": 2\n");
}
