#pragma once

/*
 * What all commands share: how to speak to the person
 *
 * Results go to standard output in one piece, everything else to standard error. An error is
 * one sentence, its place and its fix (base/excerpt.h), and the exit code that its kind means.
 */

#include "base/buf.h"
#include "base/diag.h"
#include "base/setting.h"
#include "cli/exit_code.h"
#include "cli/terminal.h"

/* Flags that every command has. */
struct look {
	setting_flag help;
	setting_text color;
	setting_flag quiet;
	setting_flag verbose;
};
extern const struct setting look_table[];

struct cli {
	struct look look;
	struct terminal out; /* standard output */
	struct terminal err; /* standard error */
};

/* Writes to standard output and empties the buffer. A closed pipe ends the program quietly;
 * any other failure ends it with a message. */
void cli_out(const struct cli *c, struct buf *text);
/* The same to standard error. */
void cli_err(const struct cli *c, struct buf *text);
/* A line of progress for the person ("✔ stored  12ms"), unless --quiet. */
void cli_say(const struct cli *c, const char *format, ...) printf_like(2, 3);

/* Prints the problem with its excerpt of `source` (may be empty) and returns the exit code
 * that its error means. */
int cli_problem(const struct cli *c, const struct diag *d, struct str source);
/* Prints "error: …", and below it the fix, where there is one; returns `code`. */
int cli_fail(const struct cli *c, int code, const char *hint, const char *format, ...)
	printf_like(4, 5);
/* Prints a problem of the command line; returns EXIT_USAGE. */
int cli_misuse(const struct cli *c, const struct diag *d);
/* Wrong usage of a command: names its help. */
int cli_usage(const struct cli *c, const char *command, const char *format, ...) printf_like(3, 4);

/* The exit code that an error of ours means. */
int exit_code_of(int error);
