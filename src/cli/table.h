#pragma once

/*
 * Tables for people
 *
 *	NAME     READY  RPS  SUCCESS
 *	web        2/2  412   99.98%
 *
 * Cells are filled in the order of the columns; a row is complete when all have their cell.
 * Numbers stand on the right. Columns as wide as their widest cell, two spaces between them,
 * none at the end of a line. A column that is for -o wide alone is left out otherwise; its
 * cells are filled all the same. On a terminal that is too narrow, texts of the widest columns
 * are cut; elsewhere nothing is.
 */

#include "base/pool.h"
#include "cli/terminal.h"

struct table_column {
	const char *name; /* NULL ends the columns */
	bool right;
	bool wide_only;
};

struct table_cell {
	struct str text;
	enum style style;
};

struct table {
	const struct table_column *columns;
	uint32_t column_count;
	struct table_cell *cells; /* row by row */
	uint32_t cell_count;
	uint32_t capacity;
	struct pool pool;
};

void table_init(struct table *t, const struct table_column *columns);
void table_fini(struct table *t);

/* The next cell; "" is shown as "-". */
void table_add(struct table *t, const char *format, ...) printf_like(2, 3);
void table_add_str(struct table *t, struct str text);
/* The next cell in a style. */
void table_add_style(struct table *t, enum style style, const char *format, ...) printf_like(3, 4);
uint32_t table_row_count(const struct table *t);

struct table_options {
	const struct terminal *terminal;
	bool wide;
	bool no_headers;
};

void table_write(const struct table *t, const struct table_options *options, struct buf *out);
