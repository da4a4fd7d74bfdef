#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/excerpt.h"
#include "base/mem.h"

// clang-format off
const struct setting look_table[] = {
	SETTING_SHORT(struct look, help, flag, 'h', NULL, NULL, "Show this help."),
	SETTING(struct look, color, text, "auto", "WHEN", "Colours: auto, always or never."),
	SETTING(struct look, quiet, flag, NULL, NULL, "Print results and errors alone."),
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
	(void)cli_problem(c, &d, STR_EMPTY);
	diag_fini(&d);
	mem_free(hint);
	return EXIT_USAGE;
}
