#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/excerpt.h"
#include "base/mem.h"

static const char *const color_words[] = { "auto", "always", "never", NULL };

// clang-format off
const struct setting look_table[] = {
	SETTING_SHORT(struct look, help, flag, 'h', NULL, NULL, "Show this help."),
	SETTING_CHOICE(struct look, color, 0, "auto", "WHEN", color_words, "Colours"),
	SETTING(struct look, quiet, flag, NULL, NULL, "Print results and errors alone."),
	SETTING_SHORT(struct look, verbose, flag, 'v', NULL, NULL,
	              "Say what the control plane is asked, and how it answers."),
	{ 0 }
};

/* Everything else is EXIT_FAILED. */
static const struct {
	int error;
	int code;
} codes[] = {
	{ ERR_DENIED,      EXIT_DENIED },
	{ -EACCES,         EXIT_DENIED },
	{ -EPERM,          EXIT_DENIED },
	{ ERR_TIMEOUT,     EXIT_TIMED_OUT },
	{ ERR_UNAVAILABLE, EXIT_UNREACHABLE },
};
// clang-format on

const struct exit_text exit_texts[] = {
#define X(name, number, short_text, text) { number, short_text, text },
	EXIT_CODE_MAP(X)
#undef X
};
const size_t exit_text_count = array_count(exit_texts);

bool exit_is_of(int code, uint32_t exits)
{
	static const struct {
		int code;
		uint32_t exits;
	} rows[] = {
		{ EXIT_DONE, UINT32_MAX },         { EXIT_FAILED, UINT32_MAX },
		{ EXIT_USAGE, UINT32_MAX },        { EXIT_FINDINGS, EXITS_FINDINGS },
		{ EXIT_DENIED, EXITS_REMOTE },     { EXIT_GUARDED, EXITS_GUARD },
		{ EXIT_TIMED_OUT, EXITS_WAIT },    { EXIT_UNREACHABLE, EXITS_REMOTE },
		{ EXIT_NOT_RUN, EXITS_PROGRAM },   { EXIT_NO_PROGRAM, EXITS_PROGRAM },
		{ EXIT_SIGNALLED, EXITS_PROGRAM }, { EXIT_INTERRUPTED, EXITS_WATCH },
	};

	for (size_t i = 0; i < array_count(rows); i++)
		if (rows[i].code == code)
			return code <= EXIT_USAGE || (exits & rows[i].exits);
	return false;
}

int exit_code_of(int error)
{
	for (size_t i = 0; i < array_count(codes); i++)
		if (codes[i].error == error)
			return codes[i].code;
	return EXIT_FAILED;
}

static void write_all(int fd, const char *name, struct buf *text)
{
	while (buf_len(text) > 0) {
		struct str rest = buf_str(text);
		ssize_t n = write(fd, rest.ptr, rest.len);

		if (n >= 0) {
			buf_consume(text, (size_t)n);
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EPIPE)
			dprintf(STDERR_FILENO, "error: cannot write to %s: %s\n", name,
				err_text(-errno));
		_exit(EXIT_FAILED);
	}
	buf_clear(text);
}

void cli_out(unused_arg const struct cli *c, struct buf *text)
{
	write_all(STDOUT_FILENO, "standard output", text);
}

void cli_err(unused_arg const struct cli *c, struct buf *text)
{
	write_all(STDERR_FILENO, "standard error", text);
}

void cli_say(const struct cli *c, const char *format, ...)
{
	struct buf text = BUF_INIT(0);
	va_list args;

	if (c->look.quiet)
		return;
	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	buf_append_char(&text, '\n');
	cli_err(c, &text);
	buf_fini(&text);
}

int cli_problem(const struct cli *c, const struct diag *d, struct str source)
{
	struct buf text = BUF_INIT(0);

	excerpt_write(d, source, &text);
	cli_err(c, &text);
	buf_fini(&text);
	return exit_code_of(d->error);
}

int cli_misuse(const struct cli *c, const struct diag *d)
{
	(void)cli_problem(c, d, STR_EMPTY);
	return EXIT_USAGE;
}

static void problem_set(struct diag *d, const char *hint, const char *format, va_list args)
{
	struct buf text = BUF_INIT(0);
	char *sentence;

	buf_vprintf(&text, format, args);
	sentence = buf_take_text(&text);
	diag_fail(d, ERR_CONFIG, "%s", sentence);
	if (hint)
		diag_hint(d, "%s", hint);
	mem_free(sentence);
}

int cli_fail(const struct cli *c, int code, const char *hint, const char *format, ...)
{
	struct diag d = DIAG_INIT;
	va_list args;

	va_start(args, format);
	problem_set(&d, hint, format, args);
	va_end(args);
	(void)cli_problem(c, &d, STR_EMPTY);
	diag_fini(&d);
	return code;
}

int cli_usage(const struct cli *c, const char *command, const char *format, ...)
{
	char *hint = mem_printf("see: weft help%s%s", *command ? " " : "", command);
	struct diag d = DIAG_INIT;
	va_list args;

	va_start(args, format);
	problem_set(&d, hint, format, args);
	va_end(args);
	(void)cli_misuse(c, &d);
	diag_fini(&d);
	mem_free(hint);
	return EXIT_USAGE;
}
