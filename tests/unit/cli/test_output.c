#include "cli/output.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"
#include "test.h"

TEST(durations_for_people_have_two_parts_at_most)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {
		{ 0, "0ms" },         { 12, "12ms" },     { 1, "1.0ms" },      { 999, "999ms" },
		{ 3400, "3.4s" },     { 10000, "10s" },   { 59999, "59s" },    { 60000, "1m" },
		{ 125000, "2m5s" },   { 3600000, "1h" },  { 7500000, "2h5m" }, { 86400000, "1d" },
		{ 90000000, "1d1h" }, { 86460000, "1d" },
	};

	for (size_t i = 0; i < array_count(cases); i++) {
		struct buf out = BUF_INIT(0);

		short_duration(DURATION_MS(cases[i].ms), &out);
		assert_str_equal(buf_str(&out), cases[i].text);
		buf_fini(&out);
	}
}

TEST(a_hundred_percent_is_said_of_nothing_that_failed_once)
{
	static const struct {
		double share;
		bool counted;
		const char *text;
	} cases[] = {
		{ 1, true, "100%" },     { 0.999999, true, "99.99%" },
		{ 0.5, true, "50.00%" }, { 0, true, "0.00%" },
		{ 1, false, "-" },
	};

	for (size_t i = 0; i < array_count(cases); i++) {
		struct buf out = BUF_INIT(0);

		percent_text(cases[i].share, cases[i].counted, &out);
		assert_str_equal(buf_str(&out), cases[i].text);
		buf_fini(&out);
	}
}

TEST(fields_stand_behind_the_form)
{
	char none[] = "json=", some[] = "json=a.b,c", yaml[] = "yaml";
	struct output_settings s = { .output = none };
	struct diag d = DIAG_INIT;
	enum output output = OUTPUT_TABLE;

	assert_int_equal(output_parse(&s, &output, &d), ERR_CONFIG);
	assert_string_equal(d.text, "-o: no field stands behind json=");
	diag_fini(&d);
	s.output = some;
	assert_int_equal(output_parse(&s, &output, &d), 0);
	assert_int_equal(output, OUTPUT_JSON);
	s.output = yaml;
	assert_int_equal(output_parse(&s, &output, &d), 0);
	assert_int_equal(output, OUTPUT_YAML);
}

/* What is printed of a tree, on one line. */
static void assert_tree(const char *form, struct output_tree tree, const char *json,
			const char *expected)
{
	char *text = mem_strdup(form);
	const struct output_settings s = { .output = text };
	struct pool pool = POOL_INIT(0);
	struct cli cli = { .look.quiet = true };
	struct diag d = DIAG_INIT;
	struct buf out = BUF_INIT(0);

	assert_int_equal(json_parse(str_from(json), NULL, &pool, &tree.body, &d), 0);
	output_tree(&cli, &s, &tree, &pool, &out);
	assert_str_equal(buf_str(&out), expected);
	buf_fini(&out);
	pool_fini(&pool);
	mem_free(text);
}

TEST(the_schema_stands_in_front_and_what_is_beside_the_list_stays)
{
	static const char json[] = "{\"window\":5,\"rows\":[{\"a\":1,\"b\":2},{\"a\":3}]}";
	struct output_tree tree = { .schema = "stat/v1", .rows = "rows", .one_line = true };

	assert_tree(
		"json", tree, json,
		"{\"schema\":\"stat/v1\",\"window\":5,\"rows\":[{\"a\":1,\"b\":2},{\"a\":3}]}\n");
	assert_tree("json=b", tree, json,
		    "{\"schema\":\"stat/v1\",\"window\":5,\"rows\":[{\"b\":2},{\"b\":null}]}\n");
	tree.rows = NULL;
	assert_tree("json=window", tree, json, "{\"schema\":\"stat/v1\",\"window\":5}\n");
	tree.schema = NULL;
	assert_tree("json=rows.a", tree, json, "{\"rows\":[{\"a\":1},{\"a\":3}]}\n");
	tree.one_line = false;
	assert_tree("yaml", tree, "{\"a\":\"x\"}", "a: x\n");
}

TEST(the_namespace_comes_from_the_flag_then_the_variable)
{
	char flag[] = "shop";
	struct namespace_settings s = { 0 };

	unsetenv("WEFT_NAMESPACE");
	assert_str_equal(namespace_of(&s), "default");
	setenv("WEFT_NAMESPACE", "bank", 1);
	assert_str_equal(namespace_of(&s), "bank");
	s.namespace = flag;
	assert_str_equal(namespace_of(&s), "shop");
	unsetenv("WEFT_NAMESPACE");
}

TEST(values_that_an_answer_lacks_are_empty)
{
	struct pool pool = POOL_INIT(0);
	struct diag d = DIAG_INIT;
	struct node *n;

	assert_int_equal(json_parse(STR("{\"a\":{\"b\":7,\"c\":0.25,\"d\":true,\"e\":\"x\"}}"),
				    NULL, &pool, &n, &d),
			 0);
	assert_int_equal(answer_count(n, "a.b"), 7);
	assert_true(answer_real(n, "a.c") == 0.25);
	assert_true(answer_flag(n, "a.d"));
	assert_str_equal(answer_text(n, "a.e"), "x");
	assert_int_equal(answer_count(n, "a.e"), 0);
	assert_int_equal(answer_count(n, "z.b"), 0);
	assert_str_equal(answer_text(NULL, "a"), "");
	assert_false(answer_flag(n, "a.e"));
	pool_fini(&pool);
}
