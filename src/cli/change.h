#pragma once

/*
 * A change: what apply, delete and rollback have in common
 *
 *	Revision 419: 1 changed
 *	~ HTTPRoute shop/reviews
 *	    rules[main].backendRefs[reviews-v1].weight  90 → 75
 *
 *	✔ stored      12ms
 *	✔ programmed  9 of 9 proxies, 48ms
 *	Undo with: weft rollback 418
 */

#include "cli/output.h"
#include "cli/remote.h"

struct change_settings {
	struct output_settings output;
	setting_flag dry_run;
	setting_flag wait;
	setting_duration timeout;
};
extern const struct setting change_table[];

struct change {
	const struct cli *cli;
	const struct change_settings *settings;
	enum output output;
	struct remote *remote;
	struct instant began;
};

/* Reads the settings and the clock. An exit code. */
int change_begin(struct change *c);

/* Shows the answer of a change (api_apply.c), waits for the proxies where that is wanted and
 * says how to undo it. An exit code. */
int change_finish(struct change *c, struct node *body);

/* The answer in the form that was asked for: of a table, the plan. */
void change_show(const struct cli *c, const struct output_settings *s, struct node *body,
		 struct pool *pool);

/* The plan alone: the first lines above. */
void change_plan(const struct terminal *t, const struct node *body, struct buf *out);
