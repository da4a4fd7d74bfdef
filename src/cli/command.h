#pragma once

/*
 * Commands: one table
 *
 * A row is a command: its name, its sentence, its examples, its settings, what it runs. The
 * parser, `weft help`, `weft COMMAND -h` and the suggestion for a misspelt name are derived
 * from the row. One file per command defines its row; commands.c lists them.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/setting.h"
#include "cli/cli.h"
#include "cli/exit_code.h"

/* A line of help: what to type, and what it does. */
struct example {
	const char *line;
	const char *text;
};

#define COMMAND_EXAMPLES_MAX 6

/* A command line, read. */
struct invocation {
	struct cli *cli;
	const struct command *command;
	const void *settings; /* of the command's own type */
	char *const *words;   /* in front of "--", without flags */
	size_t word_count;
	char *const *program; /* behind "--", ends with NULL; NULL where there is no "--" */
	const char *path;     /* of this program, to be run again */
};

/* What the words of a command are: complete.c offers them. */
enum completion {
	COMPLETE_NOTHING,
	COMPLETE_OBJECTS,   /* KIND, KIND/NAME, KIND NAME */
	COMPLETE_SERVICES,  /* names */
	COMPLETE_WORKLOADS, /* names */
	COMPLETE_REVISIONS,
	COMPLETE_COMMANDS,
	COMPLETE_HELP, /* commands, topics, kinds, codes */
	COMPLETE_SHELLS,
	COMPLETE_FILES,
};

struct command {
	const char *name;    /* "apply", "proxy status" */
	const char *summary; /* a sentence without its full stop */
	const char *usage;   /* behind the name: "-f FILE|DIR|- [flags]" */
	struct example examples[COMMAND_EXAMPLES_MAX];
	const struct setting *settings; /* NULL: no flags of its own */
	size_t settings_size;
	const char *notes;     /* paragraphs below the flags; may be NULL */
	uint32_t exits;        /* EXITS_…: codes beside 0, 1 and 2 */
	enum completion words; /* what its words are, for the shell */
	const char *see_also;  /* "weft diff, weft rollback"; may be NULL */
	bool takes_words;
	bool takes_program; /* -- CMD */
	bool first;         /* shown by `weft` alone */
	bool hidden;        /* for our own use */
	int (*run)(const struct invocation *in);
};

/* In the order of `weft help`; ends with NULL. */
extern const struct command *const commands[];

#define COMMANDS_MAX 64

/* NULL when there is none of that name. */
const struct command *command_find(struct str name);
/* The name nearest to a misspelt one; NULL when none is near. */
const char *command_nearest(struct str name);
/* Whether it is one of "proxy …". */
bool command_is_in(const struct command *command, struct str group);

/*
 * Reads a whole command line and runs it: what main() is. Returns the exit code.
 */
int command_line_run(int argc, char **argv);
