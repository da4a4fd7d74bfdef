#pragma once

/*
 * Settings of a process: one table
 *
 * A setting is one row: name, kind, default and text. Parsing of --flags, defaults, help and
 * the reference manual are derived from it. A field of the wrong type does not compile,
 * because SETTING takes the offset through _Generic. A table may include another one
 * (SETTING_TABLE), whose object is embedded in its own: so all commands share --namespace.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/time.h"

typedef bool setting_flag;                /* --quiet, --no-quiet */
typedef uint64_t setting_count;           /* --concurrency 4 */
typedef struct duration setting_duration; /* --drain-time 10m */
typedef char *setting_text;               /* --state DIR; owned, mem_free() */

/* --port P --port Q: repeatable. */
struct setting_texts {
	char **items;
	size_t count;
};
typedef struct setting_texts setting_list;

enum setting_kind {
	SETTING_END,
	SETTING_KIND_flag,
	SETTING_KIND_count,
	SETTING_KIND_duration,
	SETTING_KIND_text,
	SETTING_KIND_list,
	SETTING_KIND_table,
	SETTING_KIND_refused,
};

struct setting {
	const char *name; /* drain_time; on the command line --drain-time */
	enum setting_kind kind;
	char letter; /* short flag, 0 for none */
	size_t offset;
	const char *default_text; /* NULL: unset (texts), zero (others) */
	const char *value_name;   /* for help: "DIR"; NULL for flags */
	const char *text;
	/* The words that a text may be; ends with NULL. "json=FIELDS" stands for all that begin
	 * with "json=". NULL: any text. */
	const char *const *choices;
	const struct setting *table; /* of the rows that a SETTING_TABLE brings in */
};

#define SETTING_ROW(type, field, kind_, letter_, default_, value_, text_)           \
	{                                                                           \
		.name = #field, .kind = SETTING_KIND_##kind_, .letter = (letter_),  \
		.offset = _Generic(((type *)0)->field, setting_##kind_              \
				   : offsetof(type, field)),                        \
		.default_text = (default_), .value_name = (value_), .text = (text_) \
	}
#define SETTING(type, field, kind, default, value, text) \
	SETTING_ROW(type, field, kind, 0, default, value, text)
#define SETTING_SHORT(type, field, kind, letter, default, value, text) \
	SETTING_ROW(type, field, kind, letter, default, value, text)

/* A text that is one of `choices`. Help names them behind the text, which has no full stop. */
#define SETTING_CHOICE(type, field, letter_, default_, value_, choices_, text_)      \
	{                                                                            \
		.name = #field, .kind = SETTING_KIND_text, .letter = (letter_),      \
		.offset = _Generic(((type *)0)->field, setting_text                  \
				   : offsetof(type, field)),                         \
		.default_text = (default_), .value_name = (value_), .text = (text_), \
		.choices = (choices_)                                                \
	}

/* The rows of `table`, for the object embedded in `field`. */
#define SETTING_TABLE(type, field, table_) SETTING_GROUP(type, field, table_, NULL)
/* The same under a heading of their own in help. */
#define SETTING_GROUP(type, field, table_, heading)                                          \
	{                                                                                    \
		.name = #field, .kind = SETTING_KIND_table, .offset = offsetof(type, field), \
		.text = (heading), .table = (table_),                                        \
	}

/* A flag that people look for and that is not there: why, and what to write instead. */
#define SETTING_REFUSED(name_, text_)                                          \
	{                                                                      \
		.name = (name_), .kind = SETTING_KIND_refused, .text = (text_) \
	}

/* Fills *object from the defaults of the table (which ends with { 0 }). */
void settings_init(const struct setting *table, void *object);
/* Frees what settings_init() and settings_parse() allocated. */
void settings_fini(const struct setting *table, void *object);

/*
 * Reads flags from argv[1..]: --name VALUE, --name=VALUE, -x VALUE, -xVALUE, --flag,
 * --no-flag. "--" ends the flags. Words that are no flags ("-" is a word) are collected, in
 * order, into *ret_words (borrowed from argv; free the array with mem_free), which may be
 * NULL when none are allowed. A flag given twice takes its last value, a list takes all.
 * ERR_CONFIG with the nearest flag suggested; *ret_words is untouched then.
 */
struct setting_words {
	char **items;
	size_t count;
	int rest; /* index in argv behind "--", or argc */
};
must_check int settings_parse(const struct setting *table, void *object, int argc, char **argv,
			      struct setting_words *ret_words, struct diag *d);

/*
 * The same for flags in front of a verb (weft --verbose apply -f FILE): stops at the first
 * word, whose index goes to *ret_rest; argc when there is none.
 */
must_check int settings_parse_front(const struct setting *table, void *object, int argc,
				    char **argv, int *ret_rest, struct diag *d);

/*
 * Sets one setting by its name (drain_time or drain-time), as a flag would. ERR_NOT_FOUND
 * when the table has no such row, ERR_CONFIG when the value does not fit it.
 */
must_check int settings_set(const struct setting *table, void *object, struct str name,
			    const char *value, struct diag *d);

/*
 * What is derived from the rows. Each visit is told the heading of the group that the row stands
 * under (NULL: none); rows of included tables come in their place, refused flags do not come.
 */
typedef void setting_visit(const struct setting *row, const char *heading, void *user);
void settings_each(const struct setting *table, setting_visit *visit, void *user);
/* The same with what stands under one heading together, and the rows without one first. */
void settings_each_grouped(const struct setting *table, setting_visit *visit, void *user);

/* The row that an argument (--window=5m, -t, -t5m, --no-wait) sets; NULL when there is none. */
const struct setting *settings_row(const struct setting *table, struct str argument);

/* "--drain-time" */
void setting_flag_name(const struct setting *row, struct buf *out);
/* "-o, --output FORM" */
void setting_synopsis(const struct setting *row, struct buf *out);
/* "Form of the result: table, wide or json. (default table)" */
void setting_describe(const struct setting *row, struct buf *out);

/*
 * Help: the rows without a group, then each group under its heading, aligned and within 100
 * columns.
 */
void settings_help(const struct setting *table, struct buf *out);
