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

/* ERR_CONFIG for an unknown form. */
must_check int output_parse(const struct output_settings *s, enum output *ret_output,
			    struct diag *d);
/* The same, with the problem printed: an exit code. */
int output_read(const struct cli *c, const struct output_settings *s, enum output *ret_output);
/* Puts "schema": NAME in front, so that scripts see when a form changes. */
void output_schema(struct node *map, const char *name, struct pool *pool);
/* A tree as JSON or YAML on standard output. */
void output_node(const struct cli *c, enum output output, const struct node *n);
/* A table on standard output. `empty` is said where it has no rows. */
void output_rows(const struct cli *c, const struct output_settings *s, const struct table *t,
		 const char *empty);

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

/* Values of an answer by their path; absent: empty, 0. */
struct str answer_text(const struct node *n, const char *path);
uint64_t answer_count(const struct node *n, const char *path);
double answer_real(const struct node *n, const char *path);
bool answer_flag(const struct node *n, const char *path);

/* "12ms", "3.4s", "2h5m": for people, two parts at most. */
void short_duration(struct duration d, struct buf *out);
/* "99.98%"; "-" where nothing was counted. */
void percent_text(double share, bool counted, struct buf *out);
