#pragma once

/*
 * What an output can show
 *
 * Colour only on a terminal (or where it is asked for), marks by their characters where the
 * locale has them and by words where it has not; so meaning is never in colour alone.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/macro.h"

struct terminal {
	bool is_tty;
	bool color;
	bool utf8;
	uint16_t columns; /* 80 where it is no terminal */
	uint16_t rows;
};

/* What the choice depends on; texts may be NULL. */
struct terminal_environment {
	const char *choice; /* of --color */
	const char *no_color;
	const char *clicolor_force;
	const char *term;
	const char *locale; /* the first that is set of LC_ALL, LC_CTYPE and LANG */
	bool is_tty;
};

/* ERR_CONFIG unless the choice is auto, always or never. */
must_check int terminal_choose(const struct terminal_environment *environment,
			       struct terminal *ret_terminal, struct diag *d);
/* The same for a descriptor of this process, with its size. */
must_check int terminal_of(int fd, const char *choice, struct terminal *ret_terminal,
			   struct diag *d);

enum mark { MARK_OK, MARK_WARN, MARK_FAIL, MARK_NONE };

/* "✔", "▲", "✖", "○", or "ok", "warn", "FAIL", "-". */
const char *terminal_mark_text(const struct terminal *t, enum mark mark);
/* The same in its colour. */
void terminal_mark(const struct terminal *t, enum mark mark, struct buf *out);

enum style {
	STYLE_PLAIN,
	STYLE_BOLD,
	STYLE_DIM,
	STYLE_RED,
	STYLE_GREEN,
	STYLE_YELLOW,
	STYLE_CYAN,
};

void terminal_style(const struct terminal *t, enum style style, struct str text, struct buf *out);

/* Columns that a text takes: its characters. */
uint32_t text_columns(struct str text);

/*
 * Draws a picture over the last one, line by line, so that nothing flickers. What the terminal
 * has no rows for is counted in its last line.
 */
void terminal_redraw(const struct terminal *t, struct str picture, struct buf *out);
