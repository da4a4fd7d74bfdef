#pragma once

/*
 * Flags that several commands share, and the forms of their results
 */

#include "base/setting.h"
#include "cli/cli.h"
#include "cli/table.h"
#include "codec/node.h"

enum output { OUTPUT_TABLE, OUTPUT_WIDE, OUTPUT_JSON, OUTPUT_YAML, OUTPUT_NAME };

struct output_settings {
	setting_text output;
	setting_flag no_headers;
};
extern const struct setting output_table[];
/* Of what is a report rather than a list: table, json and yaml. */
extern const struct setting report_table[];
#define OUTPUT_SETTINGS(type, field) SETTING_GROUP(type, field, output_table, "Output")
#define REPORT_SETTINGS(type, field) SETTING_GROUP(type, field, report_table, "Output")

/* ERR_CONFIG where no fields stand behind json=. */
must_check int output_parse(const struct output_settings *s, enum output *ret_output,
			    struct diag *d);
/* The same, with the problem printed: an exit code. */
int output_read(const struct cli *c, const struct output_settings *s, enum output *ret_output);

/* A tree for scripts. */
struct output_tree {
	struct node *body;
	const char
		*schema; /* "stat/v1", to stand in front; NULL: the tree says itself what it is */
	const char
		*rows; /* key of the list whose elements json=FIELDS picks from; NULL: the body */
	bool one_line; /* JSON without line breaks, whatever the form */
};
/* As YAML or JSON, of which only the fields that were asked for; says which of them is nowhere. */
void output_tree(const struct cli *c, const struct output_settings *s, const struct output_tree *t,
		 struct pool *pool, struct buf *out);
/* A table as it was asked for; nothing where it has no rows. */
void output_rows(const struct cli *c, const struct output_settings *s, const struct table *t,
		 struct buf *out);

/* -n NAMESPACE */
struct namespace_settings {
	setting_text namespace;
};
extern const struct setting namespace_table[];

/* The flag, else WEFT_NAMESPACE, else "default". Borrowed. */
struct str namespace_of(const struct namespace_settings *s);

/* -n NAMESPACE, -A */
struct scope_settings {
	struct namespace_settings in;
	setting_flag all_namespaces;
};
extern const struct setting scope_table[];
#define SCOPE_SETTINGS(type, field) SETTING_GROUP(type, field, scope_table, "Which")
/* The namespace; empty for all of them. Borrowed. */
struct str scope_of(const struct scope_settings *s);

/* Values of an answer by their path; absent: empty, 0. */
struct str answer_text(const struct node *n, const char *path);
uint64_t answer_count(const struct node *n, const char *path);
double answer_real(const struct node *n, const char *path);
bool answer_flag(const struct node *n, const char *path);

/* "12ms", "3.4s", "2h5m": for people, two parts at most. */
void short_duration(struct duration d, struct buf *out);
/* "99.98%"; "-" where nothing was counted. */
void percent_text(double share, bool counted, struct buf *out);
