#pragma once

/*
 * A view: what a command asks the control plane and shows, once or again and again
 *
 *	ask ─▶ table | names | JSON | YAML ─▶ (-w) wait ─▶ ask …
 *
 * On a terminal -w draws each answer over the last one; elsewhere an answer is a line of JSON
 * (or, with -o yaml, a document). Ctrl-C ends it with 130. A control plane that goes away while
 * it is watched is said and waited for; one that does not answer at first is an error.
 */

#include "cli/command.h"
#include "cli/output.h"
#include "cli/remote.h"

struct watch_settings {
	setting_flag watch;
	setting_duration interval;
};
extern const struct setting watch_table[];
#define WATCH_SETTINGS(type, field) SETTING_GROUP(type, field, watch_table, "Watch")

struct view;

struct view_ops {
	const char *schema; /* NULL: the answer says itself what it is */
	const char *empty;  /* said of an empty table */
	/* Asks by v->remote and sets v->body, and v->rows where it has a list. Called anew for each
	 * picture; the answers of the last one are gone by then. */
	int (*ask)(struct view *v, struct diag *d);
	/* As a table, or whatever people read. */
	void (*show)(struct view *v, struct buf *out);
	/* A row for -o name, without the end of the line; NULL where that is no form. */
	void (*name)(struct view *v, const struct node *row, struct buf *out);
	/* An exit code for what was seen; a watch ends with the first that is not 0. May be NULL.
	 */
	int (*verdict)(struct view *v);
};

struct view {
	/* Set by the command. */
	const struct view_ops *ops;
	const struct invocation *in;
	const struct output_settings *output;
	const struct watch_settings *watch; /* NULL: once */

	/* Set by ask(). */
	struct node *body;
	const char *rows; /* key of the list in the body; NULL: the body is what was asked for */

	/* For the callbacks to use. */
	struct cli cli;
	struct remote remote;
	enum output form;
};

/* An exit code. */
int view_run(struct view *v);
