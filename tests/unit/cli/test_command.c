#include "cli/command.h"

#include "cli/help.h"
#include "test.h"

TEST(every_command_has_what_help_needs)
{
	for (size_t i = 0; commands[i]; i++) {
		const struct command *c = commands[i];

		assert_non_null(c->name);
		assert_non_null(c->run);
		assert_ptr_equal(command_find(str_from(c->name)), c);
		if (c->hidden)
			continue;
		assert_true(strlen(c->summary) > 0);
		assert_true(c->summary[strlen(c->summary) - 1] != '.');
		assert_non_null(c->usage);
		assert_non_null(c->examples[0].line);
		for (size_t n = 0; n < COMMAND_EXAMPLES_MAX && c->examples[n].line; n++)
			assert_true(str_has_prefix(str_from(c->examples[n].line), STR("weft ")));
	}
}

TEST(help_lines_fit_a_wide_terminal)
{
	for (size_t i = 0; commands[i]; i++) {
		struct buf out = BUF_INIT(0);
		struct str rest, line;

		if (commands[i]->hidden)
			continue;
		help_text(commands[i], &out);
		rest = buf_str(&out);
		while (str_split(&rest, '\n', &line))
			if (text_columns(line) > 100)
				fail_msg("%s: %.*s", commands[i]->name, STR_ARGS(line));
		buf_fini(&out);
	}
}

TEST(the_commands_that_users_are_promised_are_there)
{
	static const char *const promised[] = {
		"control",  "run",    "apply", "get",          "delete",  "diff", "history",
		"rollback", "status", "stat",  "proxy status", "version", "help",
	};

	for (size_t i = 0; i < array_count(promised); i++)
		if (!command_find(str_from(promised[i])))
			fail_msg("weft %s is missing", promised[i]);
	assert_null(command_find(STR("nonsense")));
}

/* The whole line, with its output thrown away. */
static int run_line(const char *line)
{
	char words[256];
	char *argv[16];
	int argc = 0;
	struct str rest = str_from(line), word;
	size_t used = 0;

	while (str_split(&rest, ' ', &word)) {
		argv[argc] = words + used;
		memcpy(words + used, word.ptr, word.len);
		words[used + word.len] = 0;
		used += word.len + 1;
		argc++;
	}
	argv[argc] = NULL;
	return command_line_run(argc, argv);
}

TEST(wrong_command_lines_end_with_the_code_for_usage)
{
	static const char *const lines[] = {
		"weft nonsense",
		"weft --nonsense",
		"weft proxy",
		"weft proxy nonsense",
		"weft apply",
		"weft apply --filee x",
		"weft get",
		"weft get nonsense",
		"weft get svc -o nonsense",
		"weft get svc -- x",
		"weft history surplus",
		"weft rollback",
		"weft rollback x",
		"weft diff 1 2 3",
		"weft delete",
		"weft delete svc",
		"weft stat --by nonsense",
		"weft status --fail-on nonsense",
		"weft status --color nonsense",
		"weft status -o name",
		"weft stat --interval 1ms",
		"weft stat -o json=",
		"weft get svc --jq .items",
		"weft get svc/a -l app=a",
		"weft wait",
		"weft wait svc",
		"weft wait svc/a --for nonsense",
		"weft wait httproute/a --for ready",
		"weft get svc -l =a",
		"weft get svc --template x",
		"weft get -namespace shop",
		"weft proxy --nonsense",
		"weft apply x.yaml",
		"weft run -- true",
		"weft run --service a",
		"weft run --service a --port x -- true",
		"weft run --service a true",
		"weft help nonsense",
		"weft control --log-level nonsense",
	};

	for (size_t i = 0; i < array_count(lines); i++)
		if (run_line(lines[i]) != EXIT_USAGE)
			fail_msg("%s", lines[i]);
}
