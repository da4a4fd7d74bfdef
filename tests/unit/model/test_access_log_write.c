#include "fixture.h"

#include "base/mem.h"
#include "codec/node.h"
#include "model/access_log_format.h"
#include "model/listener.h"
#include "yaml.h"

#define LOG(format)                                                                                \
	"name: l\n" ADDRESS                                                                        \
	"filter_chains: [{filters: [" TCP("cluster: a") "]}]\n"                                    \
							"access_log: [{name: x, typed_config: "    \
							"{" TYPE("envoy.extensions.access_"        \
								 "loggers.stream.v3."              \
								 "StdoutAccessLog") ", "           \
										    "log_format: " \
										    "{" format     \
										    "}}}]\n"
#define TEXT(format) LOG("text_format: '" format "'")
#define JSON(object) LOG("json_format: {" object "}")

/* 2026-11-27T08:23:16.123456789Z */
#define MOMENT       ((struct wall_time){ 1795767796123456789 })

/* A request with some facts; all others are missing. */
static struct log_value fact(const struct log_token *t, void *user)
{
	(void)user;
	switch (t->operator) {
	case LOG_REQ:
		if (str_eq(t->text, STR(":method")))
			return (struct log_value){ LOG_VALUE_TEXT, .text = STR("GET") };
		if (str_eq(t->text, STR("x-evil")))
			return (struct log_value){ LOG_VALUE_TEXT, .text = STR("a\"b\n\x7f\xff") };
		if (str_eq(t->alternative, STR(":path")))
			return (struct log_value){ LOG_VALUE_TEXT, .text = STR("/shop") };
		return (struct log_value){ LOG_VALUE_NONE };
	case LOG_RESPONSE_CODE:
		return (struct log_value){ LOG_VALUE_NUMBER, .number = 503 };
	case LOG_START_TIME:
		return (struct log_value){ LOG_VALUE_TIME, .time = MOMENT };
	default:
		return (struct log_value){ LOG_VALUE_NONE };
	}
}

static void assert_line(const char *yaml, const char *expected)
{
	struct part *p = compiled(PART_LISTENER, yaml);
	struct buf out = BUF_INIT(0);

	access_log_write(listener_of(p)->access_logs[0], fact, NULL, &out);
	assert_str_equal(buf_str(&out), expected);
	buf_fini(&out);
	part_unref(p);
}

TEST(a_line_of_text_holds_the_facts)
{
	assert_line(TEXT("%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %RESPONSE_CODE%"),
		    "GET /shop 503");
	assert_line(TEXT("[%START_TIME%]"), "[2026-11-27T08:23:16.123Z]");
	assert_line(TEXT("%REQ(:METHOD):2% %RESPONSE_CODE:1%"), "GE 5");
	assert_line(TEXT("100%%"), "100%");
}

TEST(what_is_missing_is_a_dash_or_nothing)
{
	assert_line(TEXT("<%ROUTE_NAME%>"), "<->");
	assert_line(LOG("text_format: '<%ROUTE_NAME%>', omit_empty_values: true"), "<>");
}

TEST(nobody_forges_a_line_of_text)
{
	assert_line(TEXT("<%REQ(X-EVIL)%>"), "<a\"b??\xff>");
}

TEST(a_line_of_json_holds_the_facts)
{
	assert_line(JSON("method: '%REQ(:METHOD)%', status: '%RESPONSE_CODE%'"),
		    "{\"method\":\"GET\",\"status\":503}\n");
	assert_line(JSON("start: '%START_TIME%'"), "{\"start\":\"2026-11-27T08:23:16.123Z\"}\n");
}

TEST(several_parts_are_one_text_in_json)
{
	assert_line(JSON("a: '%REQ(:METHOD)% %RESPONSE_CODE%'"), "{\"a\":\"GET 503\"}\n");
	assert_line(JSON("a: 'say \"%REQ(X-EVIL)%\"'"),
		    "{\"a\":\"say \\\"a\\\"b\\n\\u007f\xef\xbf\xbd\\\"\"}\n");
	assert_line(JSON("a: '%REQ(X-EVIL)%'"), "{\"a\":\"a\\\"b\\n\\u007f\xef\xbf\xbd\"}\n");
}

TEST(json_keeps_what_is_no_command)
{
	assert_line(JSON("a: text, b: '', c: 1, d: 1.5, e: true, f: null, g: -2e20, h: {}, i: []"),
		    "{\"a\":\"text\",\"b\":\"\",\"c\":1,\"d\":1.5,\"e\":true,\"f\":null,"
		    "\"g\":-2e+20,\"h\":{},\"i\":[]}\n");
	assert_line(JSON("'k\"': '100%%'"), "{\"k\\\"\":\"100%\"}\n");
}

TEST(json_nests)
{
	assert_line(JSON("a: {b: {c: '%RESPONSE_CODE%'}, d: ['%REQ(:METHOD)%', 1, [x]]}, e: 2"),
		    "{\"a\":{\"b\":{\"c\":503},\"d\":[\"GET\",1,[\"x\"]]},\"e\":2}\n");
}

TEST(what_is_missing_is_null_in_json_or_left_out)
{
	assert_line(JSON("a: '%ROUTE_NAME%', b: 1"), "{\"a\":null,\"b\":1}\n");
	assert_line(JSON("a: 'x %ROUTE_NAME%'"), "{\"a\":\"x -\"}\n");
}

TEST(what_is_missing_is_left_out_of_json_where_asked)
{
#define OMIT(object) LOG("json_format: {" object "}, omit_empty_values: true")
	assert_line(OMIT("a: '%ROUTE_NAME%', b: 1, c: {d: '%ROUTE_NAME%'}, e: ['%ROUTE_NAME%', 2]"),
		    "{\"b\":1,\"e\":[2]}\n");
	assert_line(OMIT("a: 1, b: '%ROUTE_NAME%'"), "{\"a\":1}\n");
	assert_line(OMIT("a: null, b: {}, c: [], d: {e: {f: [null]}}"), "{}\n");
	assert_line(OMIT("a: {b: {c: 1}}, d: {e: '%ROUTE_NAME%', f: 'x %ROUTE_NAME%'}"),
		    "{\"a\":{\"b\":{\"c\":1}},\"d\":{\"f\":\"x \"}}\n");
}

TEST(times_are_written_by_their_format)
{
	static const char *const rows[][2] = {
		{ "", "2026-11-27T08:23:16.123Z" },
		{ "%s", "1795767796" },
		{ "%s.%3f", "1795767796.123" },
		{ "%f", "123456789" },
		{ "%1f %9f", "1 123456789" },
		{ "%Y-%m-%dT%H:%M:%E6SZ", "2026-11-27T08:23:16.123456Z" },
		{ "%F %T %R", "2026-11-27 08:23:16 08:23" },
		{ "%a %A %b %B %h", "Fri Friday Nov November Nov" },
		{ "%j %w %z %Z", "331 5 +0000 UTC" },
		{ "100%%", "100%" },
	};

	for (size_t i = 0; i < array_count(rows); i++) {
		struct buf out = BUF_INIT(0);

		assert_true(access_log_time_valid(str_from(rows[i][0])));
		access_log_time(str_from(rows[i][0]), MOMENT, &out);
		assert_str_equal(buf_str(&out), rows[i][1]);
		buf_fini(&out);
	}
}

TEST(times_before_1970_are_written_too)
{
	struct buf out = BUF_INIT(0);

	access_log_time(STR("%Y %S.%3f"), (struct wall_time){ -1 }, &out);
	assert_str_equal(buf_str(&out), "1969 59.999");
	buf_fini(&out);
}

TEST(formats_of_times_that_we_do_not_write_are_told)
{
	static const char *const rows[] = { "%", "%Q", "%0f", "%E", "%ES", "%E0S", "a%", "%10f" };

	for (size_t i = 0; i < array_count(rows); i++)
		assert_false(access_log_time_valid(str_from(rows[i])));
}
