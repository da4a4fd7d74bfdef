#include "cli/command.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "cli/help.h"

/* Flags in front of a command, where only these make sense. */
struct front {
	struct look look;
	setting_flag version;
};

static const struct setting front_table[] = {
	SETTING_TABLE(struct front, look, look_table),
	SETTING(struct front, version, flag, NULL, NULL, "Print the version."),
	{ 0 },
};

/* A command line under way. */
struct reading {
	struct cli *cli;
	int argc;
	char **argv; /* argv[0] is the last word of the command's name */
	const char *path;
	const struct command *command;
	struct diag diag;
};

const struct command *command_find(struct str name)
{
	for (size_t i = 0; commands[i]; i++)
		if (str_eq(name, str_from(commands[i]->name)))
			return commands[i];
	return NULL;
}

static int terminals_open(struct cli *c, struct diag *d)
{
	int r = terminal_of(STDOUT_FILENO, c->look.color, &c->out, d);

	return r < 0 ? r : terminal_of(STDERR_FILENO, c->look.color, &c->err, d);
}

static bool is_group(struct str word)
{
	for (size_t i = 0; commands[i]; i++) {
		struct str name = str_from(commands[i]->name);
		size_t space = str_find(name, 0, ' ');

		if (space < name.len && str_eq(word, str_slice(name, 0, space)))
			return true;
	}
	return false;
}

/* The command of the one or two words at the front; moves argv to its last word. */
static const struct command *find_words(struct reading *r)
{
	const struct command *found = NULL;
	char *two;

	if (r->argc > 1) {
		two = mem_printf("%s %s", r->argv[0], r->argv[1]);
		found = command_find(str_from(two));
		mem_free(two);
	}
	if (!found)
		return command_find(str_from(r->argv[0]));
	r->argv++;
	r->argc--;
	return found;
}

#define NAMES_MAX 64

static int fail_unknown(struct reading *r)
{
	const char *names[NAMES_MAX + 1];
	const char *nearest, *word = r->argv[0];
	char *hint;
	size_t count = 0;
	int code;

	for (size_t i = 0; commands[i] && count < NAMES_MAX; i++)
		if (!commands[i]->hidden)
			names[count++] = commands[i]->name;
	names[count] = NULL;
	nearest = str_nearest(str_from(word), names);
	hint = nearest ? mem_printf("did you mean weft %s?", nearest)
		       : mem_strdup("see: weft help");
	if (is_group(str_from(word)))
		code = cli_fail(r->cli, EXIT_USAGE, "see: weft help",
				r->argc > 1 ? "there is no command \"%s %s\""
					    : "\"%s\" needs a second word%s",
				word, r->argc > 1 ? r->argv[1] : "");
	else
		code = cli_fail(r->cli, EXIT_USAGE, hint, "there is no command \"%s\"", word);
	mem_free(hint);
	return code;
}

static bool has_dashes(const struct reading *r)
{
	for (int i = 1; i < r->argc; i++)
		if (str_eq(str_from(r->argv[i]), STR("--")))
			return true;
	return false;
}

static int usage_problem(struct reading *r)
{
	const struct command *command = r->command;

	if (command->takes_program && !has_dashes(r))
		diag_hint(&r->diag, "the program and its flags stand behind --");
	else
		diag_hint(&r->diag, "see: weft help %s", command->name);
	(void)cli_problem(r->cli, &r->diag, STR_EMPTY);
	return EXIT_USAGE;
}

static int run(struct reading *r, const void *settings, const struct setting_words *words)
{
	const struct command *command = r->command;
	bool dashes = words->rest > 1 && str_eq(str_from(r->argv[words->rest - 1]), STR("--"));
	struct invocation in = {
		.cli = r->cli,
		.command = command,
		.settings = settings,
		.words = words->items,
		.word_count = words->count,
		.program = dashes ? r->argv + words->rest : NULL,
		.path = r->path,
	};
	int code = terminals_open(r->cli, &r->diag);

	if (code < 0)
		return usage_problem(r);
	if (r->cli->look.help)
		return help_print(r->cli, command);
	if (in.word_count > 0 && !command->takes_words)
		code = cli_usage(r->cli, command->name, "unexpected argument \"%s\"%s", in.words[0],
				 command->takes_program ? ": the program stands behind --" : "");
	else if (in.program && !command->takes_program)
		code = cli_usage(r->cli, command->name, "nothing stands behind -- here");
	else
		code = command->run(&in);
	return code;
}

/* The shared flags and the command's own lie in one piece of memory, and so in one table. */
struct parsed {
	struct look look;
	max_align_t settings[];
};

static int read_and_run(struct reading *r)
{
	const struct command *command = r->command;
	static const struct setting none[] = { { 0 } };
	const struct setting *own = command->settings ? command->settings : none;
	struct parsed *parsed = mem_zalloc(sizeof(*parsed) + command->settings_size);
	const struct setting table[] = {
		SETTING_TABLE(struct parsed, look, look_table),
		{ .name = "settings",
		  .kind = SETTING_KIND_table,
		  .offset = offsetof(struct parsed, settings),
		  .table = own },
		{ 0 },
	};
	struct setting_words words = { 0 };
	int code;

	parsed->look = r->cli->look;
	settings_init(own, parsed->settings);
	code = settings_parse(table, parsed, r->argc, r->argv, &words, &r->diag);
	r->cli->look = parsed->look; /* also what was read before a mistake, to be freed */
	code = code < 0 ? usage_problem(r) : run(r, parsed->settings, &words);
	settings_fini(own, parsed->settings);
	mem_free(words.items);
	mem_free(parsed);
	return code;
}

static int front_run(struct reading *r, struct front *front)
{
	int rest, code;

	code = settings_parse_front(front_table, front, r->argc, r->argv, &rest, &r->diag);
	r->cli->look = front->look;
	if (code == 0)
		code = terminals_open(r->cli, &r->diag);
	if (code < 0) {
		diag_hint(&r->diag, "see: weft help");
		(void)cli_problem(r->cli, &r->diag, STR_EMPTY);
		return EXIT_USAGE;
	}
	if (front->version)
		return help_version(r->cli);
	if (rest >= r->argc)
		return help_overview(r->cli);
	r->argv += rest;
	r->argc -= rest;
	r->command = find_words(r);
	return r->command ? read_and_run(r) : fail_unknown(r);
}

int command_line_run(int argc, char **argv)
{
	struct cli cli = { 0 };
	struct front front;
	struct reading r = { .cli = &cli, .argc = argc, .argv = argv, .path = argv[0] };
	int code;

	signal(SIGPIPE, SIG_IGN);
	settings_init(front_table, &front);
	code = front_run(&r, &front);
	settings_fini(look_table, &cli.look);
	diag_fini(&r.diag);
	return code;
}
