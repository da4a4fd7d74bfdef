#pragma once

/*
 * Resources written as YAML, for tests of what compiles to what
 *
 * The text is read as a bootstrap would be, encoded, and compiled from its bytes, which is
 * the way of xDS too.
 */

#include "test.h"

#include "base/diag.h"
#include "model/part.h"

/* The compiled part; the test fails, with the reason, when it is refused. */
struct part *compiled(enum part_kind kind, const char *yaml);

/*
 * Refused with exactly this problem, "path: text (hint)". With an empty text it must be
 * accepted.
 */
#define assert_refused(kind, yaml, problem) \
	check_refused((kind), (yaml), (problem), __FILE__, __LINE__)
void check_refused(enum part_kind kind, const char *yaml, const char *problem, const char *file,
		   int line);

/* A table of those. */
struct refusal {
	const char *yaml;
	const char *problem;
};

#define assert_all_refused(kind, rows) \
	check_all_refused((kind), (rows), array_count(rows), __FILE__, __LINE__)
void check_all_refused(enum part_kind kind, const struct refusal *rows, size_t count,
		       const char *file, int line);

/* The bytes of a resource written as YAML, in `pool`. */
struct str encoded(struct pool *pool, enum part_kind kind, const char *yaml);
