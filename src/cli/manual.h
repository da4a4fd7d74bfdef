#pragma once

/*
 * The manual: pages derived from the tables of commands, flags, exit codes and variables
 *
 * A page is told to a format part by part; man pages and docs/reference/cli.md are the two
 * formats there are.
 */

#include "base/buf.h"
#include "cli/command.h"

struct manual_format {
	const char *name;
	/* The page of a program or command, and in one sentence what it is. */
	void (*begin)(struct buf *out, const char *name, const char *summary);
	void (*section)(struct buf *out, const char *title);
	void (*text)(struct buf *out, struct str text);
	/* Lines as they stand. */
	void (*literal)(struct buf *out, struct str text);
	void (*item)(struct buf *out, const char *term, struct str text);
};

extern const struct manual_format manual_roff;
extern const struct manual_format manual_markdown;

void manual_program(const struct manual_format *f, struct buf *out);
void manual_command(const struct manual_format *f, const struct command *c, struct buf *out);

/* All of it in Markdown: docs/reference/cli.md. */
void manual_reference(struct buf *out);

/* Kinds of documents, their fields and codes: docs/reference/documents.md. */
void manual_documents(struct buf *out);

/* "weft-proxy-status" */
char *manual_page_name(const struct command *c);
