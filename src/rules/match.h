#pragma once

/*
 * Matchers
 *
 * Compiled from Envoy's StringMatcher, HeaderMatcher and QueryParameterMatcher by model/, run
 * by the proxy and by whatever explains its decisions. Pure: no memory, no I/O. Text is
 * borrowed from the compiled resource.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "message/headers.h"
#include "message/text_match.h"

enum header_match_kind { HEADER_MATCH_PRESENT, HEADER_MATCH_TEXT, HEADER_MATCH_RANGE };

struct header_match {
	enum header_match_kind kind;
	uint16_t id;     /* enum header_id; HEADER_OTHER: by name */
	struct str name; /* lower case; ":method", ":path", ":authority", ":scheme" too */
	bool present;    /* PRESENT: must be there, or must be absent */
	bool invert;     /* of a field that is there: missing, it matches nothing */
	bool missing_is_empty;
	struct text_match text;
	int64_t range_start; /* RANGE: [start, end) */
	int64_t range_end;
};

/* Of several fields of one name, one that matches is enough; inverted: none may. Text is not
 * split or joined at commas. */
bool header_match(const struct header_match *m, const struct headers *h);

enum query_match_kind { QUERY_MATCH_PRESENT, QUERY_MATCH_TEXT };

struct query_match {
	enum query_match_kind kind;
	struct str name;
	bool present; /* PRESENT: must be there, or must be absent */
	struct text_match text;
};

/* `query` is what stands behind '?'; the first parameter of that name counts, not
 * decoded. */
bool query_match(const struct query_match *m, struct str query);

enum path_match_kind {
	PATH_MATCH_PREFIX,           /* "/a" matches "/ab" */
	PATH_MATCH_EXACT,            /* without the query */
	PATH_MATCH_SEPARATED_PREFIX, /* "/a" matches "/a", "/a/b", not "/ab" */
};

struct path_match {
	enum path_match_kind kind;
	bool ignore_case;
	struct str value;
};

/* `path` is the path without the query. */
bool path_match(const struct path_match *m, struct str path);
