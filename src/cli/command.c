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

bool command_is_in(const struct command *command, struct str group)
{
	struct str name = str_from(command->name);
	size_t space = str_find(name, 0, ' ');

	return space < name.len && str_eq(group, str_slice(name, 0, space));
}

static bool is_group(struct str word)
{
	for (size_t i = 0; commands[i]; i++)
		if (command_is_in(commands[i], word))
			return true;
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

const char *command_nearest(struct str word)
{
	const char *names[COMMANDS_MAX + 1];
	size_t count = 0;

	for (size_t i = 0; commands[i] && count < COMMANDS_MAX; i++)
		if (!commands[i]->hidden)
			names[count++] = commands[i]->name;
	names[count] = NULL;
	return str_nearest(word, names);
}

static int fail_unknown(struct reading *r)
{
	const char *second = r->argc > 1 ? r->argv[1] : NULL;
	struct str word = str_from(r->argv[0]);
	bool group = is_group(word) && second;
	char *name = group ? mem_printf("%s %s", r->argv[0], second) : mem_strdup(r->argv[0]);
	const char *nearest = command_nearest(str_from(name));
	char *hint = nearest ? mem_printf("did you mean weft %s?", nearest)
			     : mem_printf("see: weft help%s%s", group ? " " : "",
					  group ? r->argv[0] : "");
	int code = cli_fail(r->cli, EXIT_USAGE, hint, "there is no command \"%s\"", name);

	mem_free(hint);
	mem_free(name);
	return code;
}

/* "weft proxy" alone is half a command; with -h it is a question. */
static int run_group(struct reading *r)
{
	const char *second = r->argc > 1 ? r->argv[1] : NULL;
	char *hint;
	int code;

	if (second &&
	    (str_eq(str_from(second), STR("-h")) || str_eq(str_from(second), STR("--help"))))
		return help_group(r->cli, str_from(r->argv[0]));
	if (second && second[0] != '-')
		return fail_unknown(r);
	hint = mem_printf("see: weft help %s", r->argv[0]);
	code = cli_fail(r->cli, EXIT_USAGE, hint, "\"%s\" needs a second word", r->argv[0]);
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
	return cli_misuse(r->cli, &r->diag);
}

/* A file without its flag is the likeliest of surplus words. */
static int fail_word(struct reading *r, const char *word)
{
	const struct command *command = r->command;
	const struct setting *file =
		command->settings ? settings_row(command->settings, STR("-f")) : NULL;
	char *hint = command->takes_program ? mem_strdup("the program stands behind --")
		     : file                 ? mem_printf("did you mean -f %s?", word)
					    : mem_printf("see: weft help %s", command->name);
	int code = cli_fail(r->cli, EXIT_USAGE, hint, "unexpected argument \"%s\"", word);

	mem_free(hint);
	return code;
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
		code = fail_word(r, in.words[0]);
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
		diag_hint(&r->diag, "flags of a command stand behind it; see: weft help");
		return cli_misuse(r->cli, &r->diag);
	}
	if (front->version)
		return help_version(r->cli);
	if (rest >= r->argc)
		return help_overview(r->cli);
	r->argv += rest;
	r->argc -= rest;
	r->command = find_words(r);
	if (r->command)
		return read_and_run(r);
	return is_group(str_from(r->argv[0])) ? run_group(r) : fail_unknown(r);
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
