#include "cli/help.h"

#include "base/mem.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "mesh/codes.h"
#include "mesh/kind.h"

static void put_aligned(struct buf *out, const char *left, uint32_t width, const char *right)
{
	uint32_t used = text_columns(str_from(left));

	buf_printf(out, "  %s%*s  %s\n", left, (int)(used < width ? width - used : 0), "", right);
}

static uint32_t examples_width(const struct command *command)
{
	uint32_t width = 0;

	for (size_t i = 0; i < COMMAND_EXAMPLES_MAX && command->examples[i].line; i++)
		width = max_of(width, text_columns(str_from(command->examples[i].line)));
	return width;
}

static void put_examples(const struct command *command, struct buf *out)
{
	uint32_t width = min_of(examples_width(command), 60u);

	for (size_t i = 0; i < COMMAND_EXAMPLES_MAX && command->examples[i].line; i++)
		put_aligned(out, command->examples[i].line, width, command->examples[i].text);
}

#define HELP_COLUMNS 100

static void put_exits(const struct command *command, struct buf *out)
{
	const struct str title = STR("Exit codes: ");
	struct buf text = BUF_INIT(0);

	for (size_t i = 0; i < exit_text_count; i++)
		if (exit_is_of(exit_texts[i].code, command->exits))
			buf_printf(&text, "%s%d %s", buf_len(&text) ? ", " : "", exit_texts[i].code,
				   exit_texts[i].name);
	buf_append_str(out, title);
	buf_append_wrapped(out, buf_str(&text), title.len, HELP_COLUMNS);
	buf_append_char(out, '\n');
	buf_fini(&text);
}

static bool has_own_flags(const struct command *command)
{
	for (const struct setting *row = command->settings; row && row->name; row++)
		if (row->kind != SETTING_KIND_table || !row->text)
			return true;
	return false;
}

void help_text(const struct command *command, struct buf *out)
{
	buf_printf(out, "%s.\n\n", command->summary);
	put_examples(command, out);
	buf_printf(out, "\nUsage: weft %s%s%s\n", command->name, *command->usage ? " " : "",
		   command->usage);
	if (has_own_flags(command))
		buf_append_str(out, STR("\nFlags\n"));
	if (command->settings)
		settings_help(command->settings, out);
	buf_append_str(out, STR("\nEvery command\n"));
	settings_help(look_table, out);
	if (command->notes)
		buf_printf(out, "\n%s\n", command->notes);
	buf_append_char(out, '\n');
	put_exits(command, out);
	buf_append_str(out, STR("See also: "));
	if (command->see_also)
		buf_printf(out, "%s, ", command->see_also);
	buf_append_str(out, STR("weft help exit-codes\n"));
}

static int print_take(const struct cli *c, struct buf *text)
{
	cli_out(c, text);
	buf_fini(text);
	return EXIT_DONE;
}

int help_print(const struct cli *c, const struct command *command)
{
	struct buf text = BUF_INIT(0);

	help_text(command, &text);
	return print_take(c, &text);
}

int help_version(const struct cli *c)
{
	struct buf text = BUF_INIT(0);

	buf_append_str(&text, STR("weft " WEFT_VERSION "\n"));
	return print_take(c, &text);
}

static void put_commands(bool first_only, struct buf *out)
{
	for (size_t i = 0; commands[i]; i++) {
		const struct command *command = commands[i];

		if (!command->hidden && (command->first || !first_only))
			put_aligned(out, command->name, 16, command->summary);
	}
}

int help_overview(const struct cli *c)
{
	struct buf text = BUF_INIT(0);

	buf_append_str(&text, STR("weft: a service mesh in two small programs\n\n"));
	put_commands(true, &text);
	buf_append_str(&text, STR("\n  weft help          all commands and topics\n"
				  "  weft help COMMAND  examples and flags of one\n"));
	return print_take(c, &text);
}

/* False: there is no such group. */
static bool put_group(struct str group, struct buf *out)
{
	size_t before = buf_len(out);

	for (size_t i = 0; commands[i]; i++)
		if (!commands[i]->hidden && command_is_in(commands[i], group))
			put_aligned(out, commands[i]->name, 16, commands[i]->summary);
	return buf_len(out) > before;
}

int help_group(const struct cli *c, struct str group)
{
	struct buf text = BUF_INIT(0);

	put_group(group, &text);
	return print_take(c, &text);
}

/*
 * Topics
 */

static void put_exit_codes(struct buf *out)
{
	buf_append_str(out, STR("Exit codes of weft.\n\n"));
	for (size_t i = 0; i < exit_text_count; i++)
		buf_printf(out, "%5d  %s\n", exit_texts[i].code, exit_texts[i].text);
	buf_append_str(out, STR("\n`weft run` returns the exit status of its program.\n"));
}

// clang-format off
const struct variable variables[] = {
	{ "WEFT_ADDR",       "socket of the control plane (default: control.sock in the run directory)" },
	{ "WEFT_NAMESPACE",  "namespace where -n names none" },
	{ "NO_COLOR",        "no colours, when it is not empty" },
	{ "CLICOLOR_FORCE",  "colours even where the output is no terminal, when it is not 0" },
	{ "TERM",            "dumb: no colours" },
	{ "LC_ALL",          "with LC_CTYPE and LANG: words instead of signs where it is not UTF-8" },
	{ "XDG_RUNTIME_DIR", "where the run directory is, when not root" },
	{ "XDG_STATE_HOME",  "where the control plane's state is, when not root" },
};
// clang-format on
const size_t variable_count = array_count(variables);

static void put_environment(struct buf *out)
{
	buf_append_str(out, STR("Variables that weft reads.\n\n"));
	for (size_t i = 0; i < array_count(variables); i++)
		put_aligned(out, variables[i].name, 16, variables[i].text);
	buf_append_str(out,
		       STR("\nA flag wins over a variable: --color over NO_COLOR, and NO_COLOR "
			   "over CLICOLOR_FORCE.\n"));
}

static void put_output(struct buf *out)
{
	buf_append_str(
		out,
		STR("Forms of results, by -o.\n"
		    "\n"
		    "  table        for people; it may change\n"
		    "  wide         a table with more columns\n"
		    "  name         KIND/NAME, with -A KIND/NAMESPACE/NAME: as get and delete take "
		    "them\n"
		    "  json, yaml   for scripts: \"schema\" says what it is, and what a schema "
		    "holds\n"
		    "               stays as it is under that name; documents have apiVersion and "
		    "kind\n"
		    "  json=FIELDS  the same with some of the fields alone, each in its place\n"
		    "\n"
		    "FIELDS are paths with dots, parted by commas. Of a list they are those of "
		    "its\n"
		    "elements, and a path goes through the lists that it meets:\n"
		    "\n"
		    "  weft stat -o json=service,rps\n"
		    "  weft get services -o json=metadata.name,spec.ports.port\n"
		    "\n"
		    "What is absent is null; a field that nothing has is said on standard error.\n"
		    "\n"
		    "Results go to standard output, everything else to standard error. With -w, a\n"
		    "terminal is drawn anew, and a pipe gets one JSON object a line (with -o yaml "
		    "one\n"
		    "document each). Colour is for terminals: see weft help environment.\n"));
}

static void put_kinds(struct buf *out)
{
	buf_append_str(out, STR("Kinds of documents.\n\n"));
	for (unsigned i = 0; i < KIND_COUNT; i++)
		put_aligned(out, kind_of((enum kind_id)i)->name, 12,
			    kind_of((enum kind_id)i)->text);
	buf_append_str(out, STR("\n  weft help KIND  the fields of one\n"));
}

static void put_codes(struct buf *out)
{
	buf_append_str(out, STR("Codes of what can be wrong with documents.\n\n"));
	for (unsigned i = 0; i < CODE_COUNT; i++)
		put_aligned(out, code_text((enum code)i)->name, 8, code_text((enum code)i)->title);
	buf_append_str(out, STR("\n  weft help CODE  how to mend one\n"));
}

const struct topic topics[] = {
	{ "output", "forms of results, and how to pick fields", put_output },
	{ "exit-codes", "what a script may rely on", put_exit_codes },
	{ "environment", "variables that are read", put_environment },
	{ "kinds", "the documents that people write", put_kinds },
	{ "codes", "what can be wrong with them", put_codes },
};
const size_t topic_count = array_count(topics);

static void put_all(struct buf *out)
{
	buf_append_str(out, STR("Commands\n"));
	put_commands(false, out);
	buf_append_str(out, STR("\nTopics\n"));
	for (size_t i = 0; i < array_count(topics); i++)
		put_aligned(out, topics[i].name, 16, topics[i].summary);
	buf_append_str(out, STR("\n  weft help COMMAND, TOPIC, KIND or CODE says more of one.\n"));
}

/* "httproute" or "httproute.spec.rules": a kind, or an object within it. */
static bool put_kind(struct str name, struct buf *out)
{
	size_t dot = str_find(name, 0, '.');
	const struct kind *kind = kind_by_word(str_slice(name, 0, dot));

	if (!kind || kind_help(kind, str_slice(name, dot + 1, name.len), out) < 0)
		return false;
	buf_printf(out, "\n  weft help %s.spec  the fields of one of them\n", kind->words[0]);
	return true;
}

static void put_code(const struct code_text *code, struct buf *out)
{
	buf_printf(out, "%s: %s\n\n  %s\n", code->name, code->title, code->fix);
}

/* False: nothing is known by that name. */
static bool put_named(struct str name, struct buf *out)
{
	const struct command *command = command_find(name);
	const struct code_text *code = code_find(name);

	for (size_t i = 0; i < array_count(topics); i++) {
		if (!str_eq(name, str_from(topics[i].name)))
			continue;
		topics[i].put(out);
		return true;
	}
	if (command)
		help_text(command, out);
	else if (code)
		put_code(code, out);
	else
		return put_kind(name, out) || put_group(name, out);
	return true;
}

#define NAMES_MAX (COMMANDS_MAX + KIND_COUNT + 16)

static int fail_unknown(const struct cli *c, struct str name)
{
	const char *names[NAMES_MAX + 1];
	const char *nearest;
	char *hint;
	size_t count = 0;
	int code;

	for (size_t i = 0; commands[i] && count < COMMANDS_MAX; i++)
		if (!commands[i]->hidden)
			names[count++] = commands[i]->name;
	for (size_t i = 0; i < array_count(topics); i++)
		names[count++] = topics[i].name;
	for (unsigned i = 0; i < KIND_COUNT; i++)
		names[count++] = kind_of((enum kind_id)i)->words[0];
	names[count] = NULL;
	nearest = str_nearest(name, names);
	hint = nearest ? mem_printf("did you mean weft help %s?", nearest)
		       : mem_strdup("see: weft help");
	code = cli_fail(c, EXIT_USAGE, hint, "there is no help on \"%.*s\"", STR_ARGS(name));
	mem_free(hint);
	return code;
}

static int run(const struct invocation *in)
{
	struct buf text = BUF_INIT(0);
	struct buf name = BUF_INIT(0);
	int code = EXIT_DONE;

	for (size_t i = 0; i < in->word_count; i++)
		buf_printf(&name, "%s%s", i ? " " : "", in->words[i]);
	if (!in->word_count)
		put_all(&text);
	else if (!put_named(buf_str(&name), &text))
		code = fail_unknown(in->cli, buf_str(&name));
	cli_out(in->cli, &text);
	buf_fini(&name);
	buf_fini(&text);
	return code;
}

const struct command help_command = {
	.name = "help",
	.summary = "Explain a command, a kind of document, a code or a topic",
	.usage = "[COMMAND|TOPIC|KIND|CODE]",
	.examples = {
		{ "weft help apply", "examples and flags of a command" },
		{ "weft help httproute.spec.rules", "the fields of a document" },
		{ "weft help WEFT1002", "what a code means and how to mend it" },
		{ "weft help exit-codes", "what a script may rely on" },
	},
	.takes_words = true,
	.words = COMPLETE_HELP,
	.run = run,
};
