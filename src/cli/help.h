#pragma once

/*
 * Help, derived from tables: commands, exit codes, codes of problems, kinds of documents
 */

#include "cli/cli.h"

struct command;

/* Each prints to standard output and returns an exit code. */
int help_overview(const struct cli *c);
int help_print(const struct cli *c, const struct command *command);
int help_version(const struct cli *c);

/* The text of `weft help COMMAND`. */
void help_text(const struct command *command, struct buf *out);
