#pragma once

/*
 * What is wrong with something a person wrote
 *
 * A diag carries one problem to the person: what, where, and how to mend it. Code that
 * reads configuration, arguments or documents takes a `struct diag *` and fails in one
 * line; whoever talks to the person prints it. The first problem wins: later ones are
 * usually its consequences. A NULL diag is accepted everywhere but in diag_format().
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macro.h"
#include "base/str.h"

struct position {
	uint32_t line;   /* from 1; 0: unknown */
	uint32_t column; /* from 1, in bytes */
};

struct diag {
	int error;        /* 0: nothing is wrong */
	const char *code; /* static: "WEFT1002"; NULL where the caller has no table of codes */
	char *file;
	struct position at;
	char *path; /* "static_resources.listeners[0].name"; may be NULL */
	char *text; /* one sentence, no full stop */
	char *hint; /* the fix: "did you mean \"timeouts\"?"; may be NULL */
};

#define DIAG_INIT \
	{         \
		0 \
	}

void diag_init(struct diag *d);
void diag_fini(struct diag *d);

/* Records the first problem and returns `error`, so that callers can return it at once. */
int diag_fail(struct diag *d, int error, const char *format, ...) printf_like(3, 4);

/* Each adds to the problem just recorded, unless it is set already. Copies its text. */
void diag_at(struct diag *d, struct position at);
void diag_file(struct diag *d, const char *file);
void diag_path(struct diag *d, struct str path);
void diag_code(struct diag *d, const char *code);
void diag_hint(struct diag *d, const char *format, ...) printf_like(2, 3);

/* "FILE:LINE:COLUMN: path: text (hint) [CODE]", leaving out what is unknown. */
void diag_format(const struct diag *d, struct buf *out);
