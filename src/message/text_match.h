#pragma once

/*
 * One text against one pattern
 *
 * What Envoy's StringMatcher compiles to, used by routes, by authorization and by the names
 * in certificates. Pure: no memory. Text is borrowed from whoever compiled it.
 */

#include <stdbool.h>

#include "base/str.h"

enum text_match_kind {
	TEXT_MATCH_EXACT,
	TEXT_MATCH_PREFIX,
	TEXT_MATCH_SUFFIX,
	TEXT_MATCH_CONTAINS,
};

struct text_match {
	enum text_match_kind kind;
	bool ignore_case;
	struct str value;
};

bool text_match(const struct text_match *m, struct str s);
