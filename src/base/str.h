#pragma once

/*
 * Text by value
 *
 * A str is a borrowed slice of bytes: pointer and length, no terminator promised. It owns
 * nothing; the comment at each use says whose bytes they are. Numbers parse strictly: no
 * sign, no space, no overflow, nothing left over.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/macro.h"

struct str {
	const char *ptr;
	size_t len;
};

/* From a literal, usable in static initialisers too: STR_INIT. */
#define STR_INIT(literal)                      \
	{                                      \
		(literal), sizeof(literal) - 1 \
	}
#define STR(literal) ((struct str){ (literal), sizeof(literal) - 1 })
#define STR_EMPTY    ((struct str){ NULL, 0 })

/* For "%.*s". */
#define STR_ARGS(s)  (int)(s).len, (s).ptr ? (s).ptr : ""

static inline struct str str_of(const char *ptr, size_t len)
{
	return (struct str){ ptr, len };
}

/* From a terminated string; NULL gives the empty str. */
static inline struct str str_from(const char *text)
{
	return (struct str){ text, text ? strlen(text) : 0 };
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* ASCII case only. */
bool str_eq_nocase(struct str a, struct str b);

/* Byte order; shorter first where one is a prefix of the other. */
int str_cmp(struct str a, struct str b);

bool str_has_prefix(struct str s, struct str prefix);
bool str_has_suffix(struct str s, struct str suffix);

/* Index of the first c at or after `from`, or s.len where there is none. */
size_t str_find(struct str s, size_t from, char c);

/* [from, to), both clamped to the length. */
struct str str_slice(struct str s, size_t from, size_t to);

/* Without spaces and tabs at either end. */
struct str str_trim(struct str s);

/*
 * Takes the part before the next `separator` off the front of *rest. False when *rest is
 * used up; "a,,b" gives "a", "", "b"; the empty text gives nothing. A separator at the very
 * end opens no part: "a," gives "a".
 */
bool str_split(struct str *rest, char separator, struct str *ret_part);

/* Whole unsigned decimal number, at most `max`. ERR_SYNTAX, or ERR_LIMIT above max. */
must_check int str_to_u64(struct str s, uint64_t max, uint64_t *ret_value);

/* The same in hexadecimal, without 0x. */
must_check int str_hex_to_u64(struct str s, uint64_t max, uint64_t *ret_value);

/* Length of the well-formed UTF-8 sequence at the front of s: 1 to 4; 0 where there is none. */
size_t str_utf8_len(struct str s);

/* Well-formed UTF-8 without surrogates or overlong forms (RFC 3629). */
bool str_is_utf8(struct str s);

/*
 * The candidate nearest to `word` by edit distance, for "did you mean"; NULL when none is
 * near enough to be a typing mistake. `candidates` ends with NULL.
 */
const char *str_nearest(struct str word, const char *const *candidates);

static inline char char_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}
