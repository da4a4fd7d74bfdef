#pragma once

/*
 * Documents for tests: reads texts, and compares what was refused
 */

#include "mesh/document.h"

#include "base/mem.h"
#include "test.h"

struct fixture {
	struct pool pool;
	struct diag diag;
	struct documents documents;
};

/* Reads all documents of a text; `file` is for messages. Returns the code. */
int fixture_read(struct fixture *f, const char *text);
void fixture_fini(struct fixture *f);

/* Reads one document that must be fine. */
struct document *fixture_one(struct fixture *f, const char *text);

/* The text is refused with exactly this, as diag_format() writes it. */
void assert_refused(const char *text, int error, const char *message);
