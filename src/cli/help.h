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
/* The commands of "proxy …". */
int help_group(const struct cli *c, struct str group);

/* The text of `weft help COMMAND`. */
void help_text(const struct command *command, struct buf *out);

/* A page of `weft help` that is about no command. */
struct topic {
	const char *name;
	const char *summary;
	void (*put)(struct buf *out);
};
extern const struct topic topics[];
extern const size_t topic_count;

/* A variable of the environment. */
struct variable {
	const char *name;
	const char *text;
};
extern const struct variable variables[];
extern const size_t variable_count;
