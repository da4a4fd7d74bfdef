#include "test.h"

#include "rules/match.h"

/* One field per line: "name: value\n". */
static struct headers headers_from(struct pool *pool, const char *text)
{
	struct headers h;
	struct str rest = str_from(text), line;

	headers_init(&h, pool);
	h.method = STR("GET");
	h.scheme = STR("http");
	h.authority = STR("shop.example");
	h.path = STR("/a?b=c");
	while (str_split(&rest, '\n', &line)) {
		size_t colon = str_find(line, 0, ':');

		if (line.len > 0)
			headers_add_named(&h, str_slice(line, 0, colon),
					  str_trim(str_slice(line, colon + 1, line.len)));
	}
	return h;
}

static bool matches(struct header_match m, const char *name, const char *fields)
{
	struct pool pool;
	struct headers h;
	bool found;

	pool_init(&pool, 0);
	h = headers_from(&pool, fields);
	m.name = str_from(name);
	m.id = (uint16_t)header_id_of(m.name);
	found = header_match(&m, &h);
	pool_fini(&pool);
	return found;
}

static struct header_match text_rule(enum text_match_kind kind, const char *value)
{
	return (struct header_match){ .kind = HEADER_MATCH_TEXT,
				      .text = { .kind = kind, .value = str_from(value) } };
}

TEST(a_field_is_matched_by_name_in_any_case)
{
	struct header_match rule = text_rule(TEXT_MATCH_EXACT, "7");

	assert_true(matches(rule, "x-version", "X-Version: 7\n"));
	assert_true(matches(rule, "user-agent", "User-Agent: 7\n"));
	assert_false(matches(rule, "x-version", "x-versions: 7\n"));
	assert_false(matches(rule, "x-version", ""));
}

TEST(a_field_is_matched_by_each_kind_of_text)
{
	static const struct {
		enum text_match_kind kind;
		bool ignore_case;
		const char *pattern, *value;
		bool expected;
	} rows[] = {
		{ TEXT_MATCH_EXACT, false, "canary", "canary", true },
		{ TEXT_MATCH_EXACT, false, "canary", "Canary", false },
		{ TEXT_MATCH_EXACT, true, "canary", "Canary", true },
		{ TEXT_MATCH_EXACT, false, "", "", true },
		{ TEXT_MATCH_EXACT, false, "", "x", false },
		{ TEXT_MATCH_PREFIX, false, "can", "canary", true },
		{ TEXT_MATCH_PREFIX, false, "canary", "can", false },
		{ TEXT_MATCH_PREFIX, true, "CAN", "canary", true },
		{ TEXT_MATCH_SUFFIX, false, "ary", "canary", true },
		{ TEXT_MATCH_SUFFIX, false, "nar", "canary", false },
		{ TEXT_MATCH_CONTAINS, false, "nar", "canary", true },
		{ TEXT_MATCH_CONTAINS, false, "NAR", "canary", false },
		{ TEXT_MATCH_CONTAINS, true, "NAR", "canary", true },
	};

	for (size_t i = 0; i < array_count(rows); i++) {
		struct header_match rule = text_rule(rows[i].kind, rows[i].pattern);
		char fields[64];

		rule.text.ignore_case = rows[i].ignore_case;
		snprintf(fields, sizeof(fields), "x-track: %s\n", rows[i].value);
		assert_int_equal(matches(rule, "x-track", fields), rows[i].expected);
		rule.invert = true;
		assert_int_equal(matches(rule, "x-track", fields), !rows[i].expected);
	}
}

TEST(of_several_fields_of_a_name_one_that_matches_is_enough)
{
	static const struct {
		enum text_match_kind kind;
		const char *pattern;
		bool expected;
	} rows[] = {
		{ TEXT_MATCH_EXACT, "one", true },      { TEXT_MATCH_EXACT, "two", true },
		{ TEXT_MATCH_EXACT, "", true },         { TEXT_MATCH_EXACT, "four", false },
		{ TEXT_MATCH_EXACT, "one,two", false }, { TEXT_MATCH_PREFIX, "tw", true },
		{ TEXT_MATCH_PREFIX, "one,", false },   { TEXT_MATCH_SUFFIX, "ree", true },
		{ TEXT_MATCH_SUFFIX, ",two", false },   { TEXT_MATCH_CONTAINS, ",", false },
	};
	const char *fields = "x-list: one\nother: four\nX-List: two\nx-list:\nx-list: three\n";

	for (size_t i = 0; i < array_count(rows); i++) {
		struct header_match rule = text_rule(rows[i].kind, rows[i].pattern);

		assert_int_equal(matches(rule, "x-list", fields), rows[i].expected);
		rule.invert = true;
		assert_int_equal(matches(rule, "x-list", fields), !rows[i].expected);
	}
}

TEST(removed_fields_are_not_seen)
{
	struct header_match rule = text_rule(TEXT_MATCH_EXACT, "two");
	struct pool pool;
	struct headers h;

	pool_init(&pool, 0);
	h = headers_from(&pool, "x-list: one\nx-list: two\n");
	h.items[0].id = HEADER_REMOVED;
	rule.name = STR("x-list");
	assert_true(header_match(&rule, &h));
	pool_fini(&pool);
}

TEST(a_missing_field_matches_only_absence)
{
	struct header_match present = { .kind = HEADER_MATCH_PRESENT, .present = true };
	struct header_match absent = { .kind = HEADER_MATCH_PRESENT, .present = false };
	struct header_match text = text_rule(TEXT_MATCH_EXACT, "7");
	struct header_match range = { .kind = HEADER_MATCH_RANGE, .range_end = 10 };

	assert_false(matches(present, "x-a", ""));
	assert_true(matches(present, "x-a", "x-a: 1\n"));
	assert_true(matches(absent, "x-a", ""));
	assert_false(matches(absent, "x-a", "x-a: 1\n"));
	assert_true(matches(present, "x-a", "x-a: 1\nx-a: 2\n"));

	text.invert = range.invert = present.invert = absent.invert = true;
	assert_false(matches(text, "x-a", ""));
	assert_false(matches(range, "x-a", ""));
	assert_true(matches(present, "x-a", ""));
	assert_false(matches(absent, "x-a", ""));
	assert_false(matches(present, "x-a", "x-a: 1\n"));
	assert_true(matches(absent, "x-a", "x-a: 1\n"));
}

TEST(a_missing_field_is_empty_where_asked)
{
	struct header_match text = text_rule(TEXT_MATCH_EXACT, "");
	struct header_match range = { .kind = HEADER_MATCH_RANGE, .range_end = 10 };

	text.missing_is_empty = range.missing_is_empty = true;
	assert_true(matches(text, "x-a", ""));
	assert_false(matches(range, "x-a", ""));
	range.invert = true;
	assert_true(matches(range, "x-a", ""));
}

TEST(ranges_hold_their_start_and_not_their_end)
{
	struct header_match rule = { .kind = HEADER_MATCH_RANGE,
				     .range_start = -10,
				     .range_end = 3 };

	assert_true(matches(rule, "x-n", "x-n: -10\n"));
	assert_true(matches(rule, "x-n", "x-n: +2\n"));
	assert_true(matches(rule, "x-n", "x-n: 0\n"));
	assert_false(matches(rule, "x-n", "x-n: 3\n"));
	assert_false(matches(rule, "x-n", "x-n: -11\n"));
	assert_false(matches(rule, "x-n", "x-n: 1.5\n"));
	assert_false(matches(rule, "x-n", "x-n: --1\n"));
	assert_false(matches(rule, "x-n", "x-n:\n"));
	assert_false(matches(rule, "x-n", "x-n: 1,2\n"));
	assert_true(matches(rule, "x-n", "x-n: 5\nx-n: 2\n"));
	assert_false(matches(rule, "x-n", "x-n: 99999999999999999999\n"));
}

TEST(ranges_reach_the_ends_of_the_numbers)
{
	struct header_match rule = { .kind = HEADER_MATCH_RANGE,
				     .range_start = INT64_MIN,
				     .range_end = INT64_MAX };

	assert_true(matches(rule, "x-n", "x-n: -9223372036854775808\n"));
	assert_true(matches(rule, "x-n", "x-n: 9223372036854775806\n"));
	assert_false(matches(rule, "x-n", "x-n: 9223372036854775807\n"));
	assert_false(matches(rule, "x-n", "x-n: -9223372036854775809\n"));
}

TEST(parts_of_the_request_line_are_matched_as_fields)
{
	assert_true(matches(text_rule(TEXT_MATCH_EXACT, "GET"), ":method", ""));
	assert_true(matches(text_rule(TEXT_MATCH_EXACT, "/a?b=c"), ":path", ""));
	assert_true(matches(text_rule(TEXT_MATCH_SUFFIX, ".example"), ":authority", ""));
	assert_true(matches(text_rule(TEXT_MATCH_EXACT, "shop.example"), "host", ""));
	assert_true(matches(text_rule(TEXT_MATCH_EXACT, "http"), ":scheme", ""));
	assert_false(matches(text_rule(TEXT_MATCH_PREFIX, ""), ":unknown", ""));
}

static bool query(enum query_match_kind kind, bool present, const char *value, const char *text)
{
	struct query_match rule = { .kind = kind,
				    .name = STR("q"),
				    .present = present,
				    .text = { .value = str_from(value) } };

	return query_match(&rule, str_from(text));
}

TEST(the_first_parameter_of_a_name_counts)
{
	assert_true(query(QUERY_MATCH_TEXT, false, "1", "q=1"));
	assert_true(query(QUERY_MATCH_TEXT, false, "1", "a=2&q=1&q=2"));
	assert_false(query(QUERY_MATCH_TEXT, false, "1", "q=2&q=1"));
	assert_false(query(QUERY_MATCH_TEXT, false, "1", "qq=1&Q=1"));
	assert_true(query(QUERY_MATCH_TEXT, false, "", "q"));
	assert_true(query(QUERY_MATCH_TEXT, false, "", "q="));
	assert_true(query(QUERY_MATCH_TEXT, false, "a=b", "q=a=b"));
	assert_false(query(QUERY_MATCH_TEXT, false, "", ""));
}

TEST(parameters_are_matched_by_presence)
{
	assert_true(query(QUERY_MATCH_PRESENT, true, "", "q"));
	assert_true(query(QUERY_MATCH_PRESENT, true, "", "x=1&q=2"));
	assert_false(query(QUERY_MATCH_PRESENT, true, "", "x=q"));
	assert_false(query(QUERY_MATCH_PRESENT, true, "", ""));
	assert_false(query(QUERY_MATCH_PRESENT, false, "", "q=1"));
	assert_true(query(QUERY_MATCH_PRESENT, false, "", "x=1"));
}

TEST(paths_match_whole_by_prefix_or_by_segment)
{
	static const struct {
		enum path_match_kind kind;
		bool ignore_case;
		const char *rule, *path;
		bool expected;
	} rows[] = {
		{ PATH_MATCH_PREFIX, false, "/", "/anything", true },
		{ PATH_MATCH_PREFIX, false, "/api", "/api", true },
		{ PATH_MATCH_PREFIX, false, "/api", "/apis", true },
		{ PATH_MATCH_PREFIX, false, "/api", "/ap", false },
		{ PATH_MATCH_PREFIX, false, "/api", "/API/x", false },
		{ PATH_MATCH_PREFIX, true, "/api", "/API/x", true },
		{ PATH_MATCH_EXACT, false, "/api", "/api", true },
		{ PATH_MATCH_EXACT, false, "/api", "/api/", false },
		{ PATH_MATCH_EXACT, true, "/api", "/Api", true },
		{ PATH_MATCH_SEPARATED_PREFIX, false, "/api", "/api", true },
		{ PATH_MATCH_SEPARATED_PREFIX, false, "/api", "/api/v1", true },
		{ PATH_MATCH_SEPARATED_PREFIX, false, "/api", "/apis", false },
		{ PATH_MATCH_SEPARATED_PREFIX, false, "/api", "/ap", false },
		{ PATH_MATCH_SEPARATED_PREFIX, true, "/api", "/API/v1", true },
	};

	for (size_t i = 0; i < array_count(rows); i++) {
		struct path_match rule = { .kind = rows[i].kind,
					   .ignore_case = rows[i].ignore_case,
					   .value = str_from(rows[i].rule) };

		assert_int_equal(path_match(&rule, str_from(rows[i].path)), rows[i].expected);
	}
}
