/*
 * weft man: the manual, as man pages or as one page of Markdown
 */

#include <errno.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/commands.h"
#include "cli/manual.h"
#include "cli/shells.h"

struct man_settings {
	setting_text form;
	setting_text into;
};

static const char *const forms[] = { "man", "markdown", NULL };

static const struct setting table[] = {
	SETTING_CHOICE(struct man_settings, form, 0, "man", "FORM", forms, "Form of the page"),
	SETTING(struct man_settings, into, text, NULL, "DIR",
		"Write all man pages and completions below it, as they lie in share/."),
	{ 0 },
};

static void page_of(const struct command *command, struct buf *out)
{
	if (command)
		manual_command(&manual_roff, command, out);
	else
		manual_program(&manual_roff, out);
}

/*
 * Into a directory
 */

/* Makes the directories of a path up to its last slash. */
static int make_parents(char *path)
{
	int r = 0;

	for (char *at = path + 1; r == 0 && *at; at++) {
		if (*at != '/')
			continue;
		*at = 0;
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			r = -errno;
		*at = '/';
	}
	return r;
}

static int write_file(const struct invocation *in, const char *file, struct str text)
{
	const struct man_settings *s = in->settings;
	char *path = mem_printf("%s/%s", s->into, file);
	int r = make_parents(path);

	if (r == 0)
		r = file_write_atomic(path, text, 0644);
	if (r < 0)
		r = cli_fail(in->cli, EXIT_FAILED, NULL, "cannot write %s: %s", path, err_text(r));
	mem_free(path);
	return r;
}

static int write_page(const struct invocation *in, const struct command *command)
{
	char *name = command ? manual_page_name(command) : mem_strdup("weft");
	char *file = mem_printf("man/man1/%s.1", name);
	struct buf text = BUF_INIT(0);
	int code;

	page_of(command, &text);
	code = write_file(in, file, buf_str(&text));
	buf_fini(&text);
	mem_free(file);
	mem_free(name);
	return code;
}

static int write_all(const struct invocation *in)
{
	int code = write_page(in, NULL);

	for (size_t i = 0; code == EXIT_DONE && commands[i]; i++)
		if (!commands[i]->hidden)
			code = write_page(in, commands[i]);
	for (size_t i = 0; code == EXIT_DONE && i < shell_count; i++)
		code = write_file(in, shells[i].file, str_from(shells[i].script));
	return code;
}

static const struct command *command_of(const struct invocation *in)
{
	struct buf name = BUF_INIT(0);
	const struct command *command;

	for (size_t i = 0; i < in->word_count; i++)
		buf_printf(&name, "%s%s", i ? " " : "", in->words[i]);
	command = command_find(buf_str(&name));
	buf_fini(&name);
	return command;
}

/* Pages of docs/reference that are about no command. */
static const struct {
	const char *name;
	void (*put)(struct buf *out);
} references[] = {
	{ "kinds", manual_documents },
};

static bool put_reference(const struct invocation *in, struct buf *out)
{
	for (size_t i = 0; in->word_count == 1 && i < array_count(references); i++) {
		if (!str_eq(str_from(in->words[0]), str_from(references[i].name)))
			continue;
		references[i].put(out);
		return true;
	}
	return false;
}

static int run(const struct invocation *in)
{
	const struct man_settings *s = in->settings;
	bool markdown = str_eq(str_from(s->form), str_from(manual_markdown.name));
	const struct command *command = command_of(in);
	struct buf text = BUF_INIT(0);
	bool reference = markdown && put_reference(in, &text);

	if (in->word_count && !command && !reference)
		return cli_usage(in->cli, "man", "there is no command \"%s\"", in->words[0]);
	if (s->into && (markdown || in->word_count)) {
		buf_fini(&text);
		return cli_usage(in->cli, "man", "--into writes all pages, each in its own form");
	}
	if (s->into)
		return write_all(in);
	if (reference)
		;
	else if (!markdown)
		page_of(command, &text);
	else if (command)
		manual_command(&manual_markdown, command, &text);
	else
		manual_reference(&text);
	cli_out(in->cli, &text);
	buf_fini(&text);
	return EXIT_DONE;
}

const struct command man_command = {
	.name = "man",
	.summary = "Print the manual of weft or of a command",
	.usage = "[COMMAND|kinds] [flags]",
	.examples = {
		{ "weft man apply | man -l -", "read it" },
		{ "weft man --form markdown", "all of it as one page" },
		{ "weft man kinds --form markdown", "the page on documents" },
		{ "weft man --into /usr/local/share", "what make install does" },
	},
	.settings = table,
	.settings_size = sizeof(struct man_settings),
	.see_also = "weft help",
	.takes_words = true,
	.words = COMPLETE_COMMANDS,
	.run = run,
};
