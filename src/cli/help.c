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

void help_text(const struct command *command, struct buf *out)
{
	buf_printf(out, "%s.\n\n", command->summary);
	put_examples(command, out);
	buf_printf(out, "\nUsage: weft %s%s%s\n", command->name, *command->usage ? " " : "",
		   command->usage);
	if (command->settings) {
		buf_append_str(out, STR("\nFlags\n"));
		settings_help(command->settings, out);
	}
	buf_append_str(out, STR("\nEvery command\n"));
	settings_help(look_table, out);
	if (command->notes)
		buf_printf(out, "\n%s\n", command->notes);
	buf_append_str(out, STR("\nSee also: weft help exit-codes"));
	if (command->see_also)
		buf_printf(out, ", %s", command->see_also);
	buf_append_char(out, '\n');
}

int help_print(const struct cli *c, const struct command *command)
{
	struct buf text = BUF_INIT(0);

	help_text(command, &text);
	cli_out(c, &text);
	buf_fini(&text);
	return EXIT_DONE;
}

int help_version(const struct cli *c)
{
	struct buf text = BUF_INIT(0);

	buf_append_str(&text, STR("weft " WEFT_VERSION "\n"));
	cli_out(c, &text);
	buf_fini(&text);
	return EXIT_DONE;
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
	cli_out(c, &text);
	buf_fini(&text);
	return EXIT_DONE;
}

/*
 * Topics
 */

static void put_exit_codes(struct buf *out)
{
	static const struct {
		int number;
		const char *text;
	} rows[] = {
#define X(name, number, text) { number, text },
		EXIT_CODE_MAP(X)
#undef X
	};

	buf_append_str(out, STR("Exit codes of weft.\n\n"));
	for (size_t i = 0; i < array_count(rows); i++)
		buf_printf(out, "%5d  %s\n", rows[i].number, rows[i].text);
	buf_append_str(out, STR("\n`weft run` returns the exit status of its program.\n"));
}

static void put_environment(struct buf *out)
{
	static const struct example rows[] = {
		{ "WEFT_ADDR", "socket of the control plane (default: control.sock in the run "
			       "directory)" },
		{ "WEFT_NAMESPACE", "namespace where -n names none" },
		{ "NO_COLOR", "no colours, when it is not empty" },
		{ "CLICOLOR_FORCE", "colours even where the output is no terminal" },
		{ "XDG_RUNTIME_DIR", "where the run directory is, when not root" },
		{ "XDG_STATE_HOME", "where the control plane's state is, when not root" },
	};

	buf_append_str(out, STR("Variables that weft reads.\n\n"));
	for (size_t i = 0; i < array_count(rows); i++)
		put_aligned(out, rows[i].line, 16, rows[i].text);
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

static const struct topic {
	const char *name;
	const char *summary;
	void (*put)(struct buf *out);
} topics[] = {
	{ "exit-codes", "what a script may rely on", put_exit_codes },
	{ "environment", "variables that are read", put_environment },
	{ "kinds", "the documents that people write", put_kinds },
	{ "codes", "what can be wrong with them", put_codes },
};

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
		return put_kind(name, out);
	return true;
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
		code = cli_usage(in->cli, "", "there is no help on \"%.*s\"",
				 STR_ARGS(buf_str(&name)));
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
	.run = run,
};
