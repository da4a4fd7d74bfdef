#include "test.h"

#include "base/error.h"
#include "base/mem.h"
#include "base/setting.h"

struct common {
	setting_text namespace;
	setting_flag verbose;
};

struct run {
	struct common common;
	setting_text form;
	setting_text service;
	setting_list port;
	setting_count concurrency;
	setting_duration drain_time;
	setting_flag quiet;
};

// clang-format off
static const struct setting common_table[] = {
	SETTING_SHORT(struct common, namespace, text, 'n', "default", "NAMESPACE", "Where objects live."),
	SETTING_SHORT(struct common, verbose, flag, 'v', NULL, NULL, "Say more."),
	{ 0 }
};

static const char *const forms[] = { "table", "json", "json=FIELDS", NULL };

static const struct setting run_table[] = {
	SETTING(struct run, service, text, NULL, "NAME", "The Service to join."),
	SETTING_SHORT(struct run, port, list, 'p', NULL, "P[/PROTOCOL]", "A port of the program."),
	SETTING(struct run, concurrency, count, "2", "N", "Worker threads."),
	SETTING(struct run, drain_time, duration, "10m", "DURATION", "How long requests may finish."),
	SETTING(struct run, quiet, flag, "true", NULL, "Say less."),
	SETTING_GROUP(struct run, common, common_table, "Every command"),
	SETTING_CHOICE(struct run, form, 'o', "table", "FORM", forms, "Form of the result"),
	SETTING_REFUSED("template", "write it by printf"),
	{ 0 }
};
// clang-format on

#define ARGS_MAX 16

/* argv with the program's name in front, from literals. */
struct args {
	int argc;
	char *argv[ARGS_MAX];
};

#define ARGS(...) args_of((const char *const[]){ "weft", __VA_ARGS__, NULL })

static struct args args_of(const char *const *texts)
{
	struct args a = { 0 };

	for (; *texts; texts++)
		a.argv[a.argc++] = (char *)*texts;
	return a;
}

static struct run parse(struct args a, struct setting_words *words)
{
	struct run run;
	struct diag d = DIAG_INIT;

	settings_init(run_table, &run);
	assert_int_equal(settings_parse(run_table, &run, a.argc, a.argv, words, &d), 0);
	diag_fini(&d);
	return run;
}

static void assert_refused(struct args a, const char *text, const char *hint)
{
	uint64_t before = mem_live_bytes();
	struct setting_words words = { 0 };
	struct diag d = DIAG_INIT;
	struct run run;

	settings_init(run_table, &run);
	assert_int_equal(settings_parse(run_table, &run, a.argc, a.argv, &words, &d), ERR_CONFIG);
	assert_string_equal(d.text, text);
	if (hint)
		assert_string_equal(d.hint, hint);
	else
		assert_null(d.hint);
	assert_null(words.items);
	diag_fini(&d);
	settings_fini(run_table, &run);
	assert_int_equal(mem_live_bytes(), before);
}

TEST(settings_begin_with_their_defaults)
{
	struct run run;

	memset(&run, 0xff, sizeof(run));
	settings_init(run_table, &run);
	assert_null(run.service);
	assert_int_equal(run.port.count, 0);
	assert_int_equal(run.concurrency, 2);
	assert_int_equal(run.drain_time.ns, DURATION_SECONDS(600).ns);
	assert_true(run.quiet);
	assert_string_equal(run.common.namespace, "default");
	assert_false(run.common.verbose);
	settings_fini(run_table, &run);
	settings_fini(run_table, &run);
}

TEST(the_command_behind_two_dashes_is_left_alone)
{
	uint64_t before = mem_live_bytes();
	struct args a = ARGS("--service", "web", "--port", "9080/http", "-n", "shop", "--",
			     "python3", "-m", "http.server");
	struct setting_words words;
	struct run run = parse(a, &words);

	assert_string_equal(run.service, "web");
	assert_int_equal(run.port.count, 1);
	assert_string_equal(run.port.items[0], "9080/http");
	assert_string_equal(run.common.namespace, "shop");
	assert_int_equal(words.count, 0);
	assert_int_equal(words.rest, 8);
	assert_string_equal(a.argv[words.rest], "python3");
	mem_free(words.items);
	settings_fini(run_table, &run);
	assert_int_equal(mem_live_bytes(), before);
}

TEST(flags_and_words_may_mix)
{
	struct setting_words words;
	struct run run = parse(ARGS("service", "--drain-time=1500ms", "web", "--no-quiet", "-",
				    "-v", "-p80", "--port=81", "--concurrency", "0"),
			       &words);

	assert_int_equal(words.count, 3);
	assert_string_equal(words.items[0], "service");
	assert_string_equal(words.items[1], "web");
	assert_string_equal(words.items[2], "-");
	assert_int_equal(words.rest, 11);
	assert_int_equal(run.drain_time.ns, 1500000000);
	assert_false(run.quiet);
	assert_true(run.common.verbose);
	assert_int_equal(run.port.count, 2);
	assert_string_equal(run.port.items[0], "80");
	assert_string_equal(run.port.items[1], "81");
	assert_int_equal(run.concurrency, 0);
	mem_free(words.items);
	settings_fini(run_table, &run);
}

TEST(a_flag_given_twice_takes_its_last_value)
{
	struct setting_words words;
	struct run run =
		parse(ARGS("--service", "a", "--service=b", "--quiet=false", "--quiet"), &words);

	assert_string_equal(run.service, "b");
	assert_true(run.quiet);
	mem_free(words.items);
	settings_fini(run_table, &run);
}

TEST(a_value_may_be_empty_or_standard_input_or_look_like_a_flag_behind_equals)
{
	struct setting_words words;
	struct run run = parse(ARGS("--service=", "-n", "-", "-p", "", "--port=--x"), &words);

	assert_string_equal(run.service, "");
	assert_string_equal(run.common.namespace, "-");
	assert_string_equal(run.port.items[0], "");
	assert_string_equal(run.port.items[1], "--x");
	mem_free(words.items);
	settings_fini(run_table, &run);
}

TEST(an_unknown_flag_is_refused_with_the_nearest)
{
	assert_refused(ARGS("--servce", "web"), "unknown flag --servce", "did you mean --service?");
	assert_refused(ARGS("--namespaces=x"), "unknown flag --namespaces",
		       "did you mean --namespace?");
	assert_refused(ARGS("--drain_tim", "1s"), "unknown flag --drain_tim",
		       "did you mean --drain-time?");
	assert_refused(ARGS("--zzzzzzzzz"), "unknown flag --zzzzzzzzz", NULL);
	assert_refused(ARGS("-x"), "unknown flag -x", NULL);
	assert_refused(ARGS("--no-service"), "unknown flag --no-service",
		       "did you mean --service?");
}

TEST(a_value_of_the_wrong_kind_is_refused)
{
	assert_refused(ARGS("--concurrency", "many"),
		       "--concurrency: \"many\" is not a whole number", NULL);
	assert_refused(ARGS("--concurrency=99999999999999999999"),
		       "--concurrency: 99999999999999999999 is too large", NULL);
	assert_refused(ARGS("--drain-time=10"),
		       "--drain-time: \"10\" is not a duration such as 1500ms, 10s or 1h30m", NULL);
	assert_refused(ARGS("--quiet=maybe"), "--quiet: \"maybe\" is not true or false", NULL);
}

TEST(a_missing_value_is_told_apart_from_a_flag_that_follows)
{
	assert_refused(ARGS("word", "--service"), "--service needs a value (NAME)", NULL);
	assert_refused(ARGS("--service", "--port", "80"), "--service needs a value (NAME)",
		       "if \"--port\" is meant, write --service=--port");
	assert_refused(ARGS("-p", "-n"), "-p needs a value (P[/PROTOCOL])", NULL);
}

TEST(words_are_refused_where_none_are_wanted)
{
	struct args a = ARGS("--service", "web", "extra");
	struct diag d = DIAG_INIT;
	struct run run;

	settings_init(run_table, &run);
	assert_int_equal(settings_parse(run_table, &run, a.argc, a.argv, NULL, &d), ERR_CONFIG);
	assert_string_equal(d.text, "unexpected argument \"extra\"");
	diag_fini(&d);
	settings_fini(run_table, &run);
}

TEST(flags_in_front_of_a_verb_end_at_the_verb)
{
	struct args a = ARGS("-v", "--namespace", "shop", "apply", "-f", "-");
	struct args none = ARGS("-v");
	struct diag d = DIAG_INIT;
	struct common common;
	int rest = 0;

	settings_init(common_table, &common);
	assert_int_equal(settings_parse_front(common_table, &common, a.argc, a.argv, &rest, &d), 0);
	assert_int_equal(rest, 4);
	assert_string_equal(common.namespace, "shop");
	assert_int_equal(
		settings_parse_front(common_table, &common, none.argc, none.argv, &rest, &d), 0);
	assert_int_equal(rest, 2);
	settings_fini(common_table, &common);
}

TEST(a_setting_can_be_set_by_name)
{
	struct diag d = DIAG_INIT;
	struct run run;

	settings_init(run_table, &run);
	assert_int_equal(settings_set(run_table, &run, STR("drain_time"), "5s", &d), 0);
	assert_int_equal(run.drain_time.ns, DURATION_SECONDS(5).ns);
	assert_int_equal(settings_set(run_table, &run, STR("nothing"), "5s", &d), ERR_NOT_FOUND);
	assert_int_equal(settings_set(run_table, &run, STR("drain-time"), "x", &d), ERR_CONFIG);
	diag_fini(&d);
	settings_fini(run_table, &run);
}

TEST(help_is_aligned_and_names_defaults)
{
	struct buf b = BUF_INIT(0);

	settings_help(run_table, &b);
	assert_str_equal(
		buf_str(&b),
		"      --service NAME          The Service to join.\n"
		"  -p, --port P[/PROTOCOL]     A port of the program.\n"
		"      --concurrency N         Worker threads. (default 2)\n"
		"      --drain-time DURATION   How long requests may finish. (default 10m)\n"
		"      --quiet                 Say less.\n"
		"  -o, --form FORM             Form of the result: table, json or json=FIELDS. "
		"(default table)\n"
		"\nEvery command\n"
		"  -n, --namespace NAMESPACE   Where objects live. (default default)\n"
		"  -v, --verbose               Say more.\n");
	buf_fini(&b);
}

TEST(a_choice_is_one_of_its_words_or_begins_like_one)
{
	struct run run = parse(ARGS("-o", "json=a.b,c"), NULL);

	assert_string_equal(run.form, "json=a.b,c");
	settings_fini(run_table, &run);
	assert_refused(ARGS("-o", "jsno"), "-o: \"jsno\" is not table, json or json=FIELDS",
		       "did you mean json?");
	assert_refused(ARGS("--form=table=x"),
		       "--form: \"table=x\" is not table, json or json=FIELDS",
		       "did you mean table?");
}

TEST(letters_without_values_stand_together)
{
	struct run run = parse(ARGS("-vn", "shop"), NULL);

	assert_true(run.common.verbose);
	assert_string_equal(run.common.namespace, "shop");
	settings_fini(run_table, &run);
	assert_refused(ARGS("-vx"), "unknown flag -x", NULL);
}

TEST(one_dash_in_front_of_a_long_name_is_a_mistake)
{
	assert_refused(ARGS("-namespace", "shop"), "unknown flag -namespace",
		       "did you mean --namespace?");
	assert_refused(ARGS("-concurency", "2"), "unknown flag -concurency",
		       "did you mean --concurrency?");
}

TEST(a_flag_that_is_not_there_says_what_to_write_instead)
{
	struct run run;
	struct diag d = DIAG_INIT;

	assert_refused(ARGS("--template=x"), "--template is not there", "write it by printf");
	settings_init(run_table, &run);
	assert_int_equal(settings_set(run_table, &run, STR("template"), "x", &d), ERR_NOT_FOUND);
	assert_null(settings_row(run_table, STR("--template")));
	settings_fini(run_table, &run);
	diag_fini(&d);
}

TEST(an_argument_leads_to_its_row)
{
	assert_string_equal(settings_row(run_table, STR("--drain-time=5s"))->name, "drain_time");
	assert_string_equal(settings_row(run_table, STR("--no-quiet"))->name, "quiet");
	assert_string_equal(settings_row(run_table, STR("-nshop"))->name, "namespace");
	assert_null(settings_row(run_table, STR("-x")));
	assert_null(settings_row(run_table, STR("-")));
	assert_null(settings_row(run_table, STR("word")));
}

TEST(help_stays_within_a_hundred_columns)
{
	static const struct setting table[] = {
		SETTING(struct run, service, text, NULL, "NAME",
			"Words that are so many that they have to be broken over two lines, at a "
			"blank between two of them."),
		SETTING(struct run, port, list, NULL, "A-VALUE-THAT-IS-AS-LONG-AS-A-LINE", "Next."),
		{ 0 },
	};
	struct buf b = BUF_INIT(0);

	settings_help(table, &b);
	assert_str_equal(
		buf_str(&b),
		"      --service NAME   Words that are so many that they have to be broken "
		"over two lines, at a blank\n"
		"                       between two of them.\n"
		"      --port A-VALUE-THAT-IS-AS-LONG-AS-A-LINE\n"
		"                       Next.\n");
	buf_fini(&b);
}
