#include "fixture.h"

#include "base/mem.h"
#include "model/routes.h"

#define ADD(entry)   "name: r\nrequest_headers_to_add: [{" entry "}]\n"
#define REMOVE(name) "name: r\nresponse_headers_to_remove: [" name "]\n"
#define ADD_AT       "request_headers_to_add[0]."

static const struct header_mutation *added(struct part *p)
{
	const struct header_mutations *list = &route_table_of(p)->request;

	return list->add_count ? &list->add[0] : NULL;
}

TEST(each_action_of_a_header_is_taken_over)
{
	static const struct {
		const char *yaml;
		int action;
	} rows[] = {
		{ ADD("header: {key: x-a, value: v}"), HEADER_APPEND_OR_ADD },
		{ ADD("header: {key: x-a, value: v}, append_action: ADD_IF_ABSENT"),
		  HEADER_ADD_IF_ABSENT },
		{ ADD("header: {key: x-a, value: v}, append_action: OVERWRITE_IF_EXISTS_OR_ADD"),
		  HEADER_OVERWRITE_OR_ADD },
		{ ADD("header: {key: x-a, value: v}, append_action: OVERWRITE_IF_EXISTS"),
		  HEADER_OVERWRITE },
		{ ADD("header: {key: x-a, value: v}, append: true"), HEADER_APPEND_OR_ADD },
		{ ADD("header: {key: x-a, value: v}, append: false"), HEADER_OVERWRITE_OR_ADD },
	};

	for (size_t i = 0; i < array_count(rows); i++) {
		struct part *p = compiled(PART_ROUTES, rows[i].yaml);

		assert_int_equal(added(p)->action, rows[i].action);
		part_unref(p);
	}
}

TEST(names_are_lower_case_and_known_ones_numbered)
{
	struct part *p = compiled(PART_ROUTES, ADD("header: {key: User-Agent, value: 'a b'}"));

	assert_str_equal(added(p)->name, "user-agent");
	assert_int_equal(added(p)->id, HEADER_USER_AGENT);
	assert_str_equal(added(p)->value, "a b");
	part_unref(p);
}

TEST(a_percent_sign_is_written_twice)
{
	struct part *p = compiled(PART_ROUTES, ADD("header: {key: x-a, value: '%%100%%%%'}"));

	assert_str_equal(added(p)->value, "%100%%");
	part_unref(p);
}

TEST(an_empty_header_is_left_out_unless_asked_for)
{
	struct part *p = compiled(PART_ROUTES, ADD("header: {key: x-a}"));

	assert_null(added(p));
	part_unref(p);
	p = compiled(PART_ROUTES, ADD("header: {key: x-a}, keep_empty_value: true"));
	assert_str_equal(added(p)->value, "");
	part_unref(p);
}

TEST(removals_are_taken_over)
{
	struct part *p = compiled(PART_ROUTES, REMOVE("X-A, server"));

	assert_int_equal(route_table_of(p)->response.remove_count, 2);
	assert_str_equal(route_table_of(p)->response.remove[0], "x-a");
	part_unref(p);
}

// clang-format off
static const struct refusal headers_that_cannot_be_changed_refused[] = {
	{ ADD("header: {key: Host, value: v}"), ADD_AT
	  "header.key: \"Host\" cannot be changed here: it is part of the request line" },
	{ ADD("header: {key: ':path', value: v}"),
	  ADD_AT "header.key: \":path\" cannot be changed here: it is part of the request "
	  "line" },
	{ ADD("header: {key: 'a b', value: v}"),
	  ADD_AT "header.key: \"a b\" is not a header name" },
	{ ADD("header: {value: v}"), ADD_AT "header.key: is missing" },
	{ ADD("append: true"), ADD_AT "header: is missing" },
	{ ADD("header: {key: x-a, value: \"a\\r\\nb: c\"}"),
	  ADD_AT "header.value: holds a control character" },
	{ ADD("header: {key: x-a, value: 'at %START_TIME% now'}"), ADD_AT
	  "header.value: commands such as \"%START_TIME%\" are not supported in headers yet; "
	  "write %% for a percent sign" },
	{ ADD("header: {key: x-a, value: '100%'}"), ADD_AT
	  "header.value: commands such as \"%\" are not supported in headers yet; write %% for "
	  "a percent sign" },
	{ ADD("header: {key: x-a, value: v}, append: true, append_action: ADD_IF_ABSENT"),
	  ADD_AT "append: stands beside append_action: only one may be set" },
	{ REMOVE("x-a, ':method'"),
	  "response_headers_to_remove[1]: \":method\" cannot be removed" },
	{ REMOVE("host"), "response_headers_to_remove[0]: \"host\" cannot be removed" },
	{ REMOVE("'a b'"), "response_headers_to_remove[0]: \"a b\" cannot be removed" },
};
// clang-format on

TEST(headers_that_cannot_be_changed_are_refused)
{
	assert_all_refused(PART_ROUTES, headers_that_cannot_be_changed_refused);
}

TEST(the_number_of_changes_has_a_limit)
{
	struct buf yaml = BUF_INIT(0);
	char *text;

	buf_printf(&yaml, "name: r\nrequest_headers_to_remove: [x");
	for (int i = 0; i < 1000; i++)
		buf_printf(&yaml, ", x%d", i);
	buf_printf(&yaml, "]\n");
	text = buf_take_text(&yaml);
	assert_refused(PART_ROUTES, text, "request_headers_to_remove: has more than 1000 entries");
	mem_free(text);
}
