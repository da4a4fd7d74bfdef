#include "fixture.h"

#include "model/listener.h"
#include "yaml.h"

#define LOG_OF(type, fields)                                                 \
	"name: l\n" ADDRESS "filter_chains: [{filters: [" TCP(               \
		"cluster: a") "]}]\n"                                        \
			      "access_log: [{name: x, typed_config: {" TYPE( \
				      "envoy.extensions.access_loggers." type) ", " fields "}}]\n"
#define STDOUT(fields) LOG_OF("stream.v3.StdoutAccessLog", fields)
#define TEXT(format)   STDOUT("log_format: {text_format_source: {inline_string: '" format "'}}")
#define JSON(object)   STDOUT("log_format: {json_format: {" object "}}")
#define AT             "access_log[0].typed_config."

static const struct access_log *log_of(struct part *p)
{
	return listener_of(p)->access_logs[0];
}

TEST(a_log_goes_where_it_is_sent)
{
	static const struct {
		const char *yaml;
		enum access_log_sink sink;
		const char *path;
	} rows[] = {
		{ STDOUT(""), ACCESS_LOG_STDOUT, "" },
		{ LOG_OF("stream.v3.StderrAccessLog", ""), ACCESS_LOG_STDERR, "" },
		{ LOG_OF("file.v3.FileAccessLog", "path: /var/log/x"), ACCESS_LOG_FILE,
		  "/var/log/x" },
		{ LOG_OF("file.v3.FileAccessLog", "path: /dev/stdout"), ACCESS_LOG_STDOUT,
		  "/dev/stdout" },
		{ LOG_OF("file.v3.FileAccessLog", "path: /dev/stderr"), ACCESS_LOG_STDERR,
		  "/dev/stderr" },
	};

	for (size_t i = 0; i < array_count(rows); i++) {
		struct part *p = compiled(PART_LISTENER, rows[i].yaml);

		assert_int_equal(log_of(p)->sink, rows[i].sink);
		assert_str_equal(log_of(p)->path, rows[i].path);
		part_unref(p);
	}
}

TEST(without_a_format_it_is_envoys)
{
	struct part *p = compiled(PART_LISTENER, STDOUT(""));
	const struct access_log *log = log_of(p);

	assert_false(log->json || log->omit_empty);
	assert_int_equal(log->token_count, 31);
	assert_str_equal(log->tokens[0].text, "[");
	assert_int_equal(log->tokens[1].kind, LOG_TOKEN_OPERATOR);
	assert_int_equal(log->tokens[1].operator, LOG_START_TIME);
	assert_int_equal(log->tokens[3].operator, LOG_REQ);
	assert_str_equal(log->tokens[3].text, ":method");
	assert_str_equal(log->tokens[5].text, "x-envoy-original-path");
	assert_str_equal(log->tokens[5].alternative, ":path");
	assert_str_equal(log->tokens[30].text, "\"\n");
	part_unref(p);
}

TEST(a_format_becomes_a_list_of_tokens)
{
	struct part *p =
		compiled(PART_LISTENER,
			 TEXT("a %REQ(User-Agent?X-B):5% %%%RESPONSE_CODE%%START_TIME(%s.%3f)%"));
	const struct access_log *log = log_of(p);

	assert_int_equal(log->token_count, 6);
	assert_str_equal(log->tokens[0].text, "a ");
	assert_int_equal(log->tokens[1].operator, LOG_REQ);
	assert_str_equal(log->tokens[1].text, "user-agent");
	assert_int_equal(log->tokens[1].id, HEADER_USER_AGENT);
	assert_str_equal(log->tokens[1].alternative, "x-b");
	assert_int_equal(log->tokens[1].alternative_id, HEADER_OTHER);
	assert_int_equal(log->tokens[1].length_max, 5);
	assert_str_equal(log->tokens[2].text, " ");
	assert_str_equal(log->tokens[3].text, "%");
	assert_int_equal(log->tokens[4].operator, LOG_RESPONSE_CODE);
	assert_int_equal(log->tokens[5].operator, LOG_START_TIME);
	assert_str_equal(log->tokens[5].text, "%s.%3f");
	part_unref(p);
}

TEST(older_forms_of_a_format_are_read)
{
	struct part *p = compiled(
		PART_LISTENER, LOG_OF("file.v3.FileAccessLog", "path: /x, format: '%PROTOCOL%'"));

	assert_int_equal(log_of(p)->token_count, 1);
	part_unref(p);
	p = compiled(PART_LISTENER,
		     LOG_OF("file.v3.FileAccessLog", "path: /x, json_format: {a: '%PROTOCOL%'}"));
	assert_true(log_of(p)->json);
	part_unref(p);
	p = compiled(PART_LISTENER, LOG_OF("file.v3.FileAccessLog",
					   "path: /x, typed_json_format: {a: '%PROTOCOL%'}"));
	assert_true(log_of(p)->json);
	part_unref(p);
	p = compiled(PART_LISTENER,
		     STDOUT("log_format: {text_format: '%PROTOCOL%', omit_empty_values: true}"));
	assert_true(log_of(p)->omit_empty);
	part_unref(p);
}

TEST(each_operator_that_we_answer_is_known_by_its_name)
{
	static const char *const names[] = {
#define X(id, name, argument, text) name,
		LOG_OPERATOR_MAP(X)
#undef X
	};

	for (size_t i = 0; i < array_count(names); i++) {
		bool header = i == LOG_REQ || i == LOG_RESP || i == LOG_TRAILER;
		char yaml[512];
		struct part *p;

		snprintf(yaml, sizeof(yaml),
			 "name: l\n" ADDRESS "filter_chains: [{filters: [" TCP(
				 "cluster: a") "]}]\n"
					       "access_log: [{name: x, typed_config: {" TYPE(
						       "envoy.extensions.access_loggers.stream.v3."
						       "StdoutAccessLog") ", log_format: "
									  "{text_format: "
									  "'%%%s%s%%'}}}]\n",
			 names[i], header ? "(X)" : "");
		p = compiled(PART_LISTENER, yaml);
		assert_int_equal(log_of(p)->tokens[0].operator, i);
		part_unref(p);
	}
}

#define TEXT_AT AT "log_format.text_format_source: "

// clang-format off
static const struct refusal format_refused[] = {
	{ TEXT("%RESPONSE_COD%"), TEXT_AT "%RESPONSE_COD% is not supported (did you mean "
	  "%RESPONSE_CODE%?)" },
	{ TEXT("%DYNAMIC_METADATA(a:b)%"), TEXT_AT "%DYNAMIC_METADATA% is not supported" },
	{ TEXT("%REQ%"), TEXT_AT "%REQ% needs the name of a header in brackets" },
	{ TEXT("%REQ()%"), TEXT_AT "%REQ()% needs the name of a header in brackets" },
	{ TEXT("%REQ(A?)%"), TEXT_AT "%REQ(A?)% needs the name of a header in brackets" },
	{ TEXT("%PROTOCOL(x)%"),
	  TEXT_AT "%PROTOCOL(x)%: PROTOCOL takes nothing in brackets" },
	{ TEXT("%REQ(A):0%"), TEXT_AT "%REQ(A):0%: \"0\" is not a length" },
	{ TEXT("%REQ(A):x%"), TEXT_AT "%REQ(A):x%: \"x\" is not a length" },
	{ TEXT("%START_TIME(%Q)%"),
	  TEXT_AT "%START_TIME(%Q)% holds a conversion that is not supported" },
	{ TEXT("%START_TIME(%)%"),
	  TEXT_AT "%START_TIME(%)% holds a conversion that is not supported" },
	{ TEXT("100%"),
	  TEXT_AT "\"%\" at byte 3 begins no command such as %PROTOCOL%; write %% for a "
	  "percent sign" },
	{ TEXT("%PROTOCOL"), TEXT_AT "\"%PROTOCOL\" at byte 0 begins no command such as "
	  "%PROTOCOL%; write %% for a percent sign" },
	{ TEXT("%REQ(A%"),
	  TEXT_AT "\"%REQ(A%\" at byte 0 begins no command such as %PROTOCOL%; write %% for a "
	  "percent sign" },
	{ TEXT("%lower%"),
	  TEXT_AT "\"%lower%\" at byte 0 begins no command such as %PROTOCOL%; write %% for a "
	  "percent sign" },
	{ JSON("a: {b: ['%NOPE%']}"),
	  AT "log_format.json_format: %NOPE% is not supported" },
	{ STDOUT("log_format: {}"), AT "log_format: needs one of its format" },
	{ LOG_OF("file.v3.FileAccessLog", ""), AT "path: is missing" },
	{ LOG_OF("file.v3.FileAccessLogger", ""),
	  "access_log[0].typed_config: access log \"x\" of type "
	  "envoy.extensions.access_loggers.file.v3.FileAccessLogger is not supported" },
};
// clang-format on

TEST(what_no_format_may_say_is_refused)
{
	assert_all_refused(PART_LISTENER, format_refused);
}

TEST(a_filter_of_a_log_is_refused)
{
	assert_refused(
		PART_LISTENER,
		"name: l\n" ADDRESS "filter_chains: [{filters: [" TCP(
			"cluster: a") "]}]\n"
				      "access_log: [{name: x, filter: {status_code_filter: {}}}]\n",
		"access_log[0].filter: is not supported by this version");
}

TEST(loggers_of_envoy_that_we_have_not_are_left_out_with_a_warning)
{
	static const char *const rows[] = {
		LOG_OF("grpc.v3.HttpGrpcAccessLogConfig", "common_config: {log_name: echo}"),
		LOG_OF("open_telemetry.v3.OpenTelemetryAccessLogConfig", ""),
	};

	for (size_t i = 0; i < array_count(rows); i++) {
		struct part *p = compiled(PART_LISTENER, rows[i]);

		assert_int_equal(listener_of(p)->access_log_count, 0);
		assert_int_equal(p->report.warnings, 1);
		assert_string_equal(p->report.first_warning,
				    "access_log[0]: is of a type that is not supported: nothing "
				    "is logged there");
		part_unref(p);
	}
}
