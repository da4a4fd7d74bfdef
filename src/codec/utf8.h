#pragma once

/*
 * UTF-8, one code point at a time
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/*
 * Reads the code point at *at (*at < text.len) and moves *at behind it. False: not well
 * formed (RFC 3629); *at is then one byte further.
 */
bool utf8_next(struct str text, size_t *at, uint32_t *ret_code);

/* Writes a code point (at most U+10FFFF) in up to four bytes; returns the place behind. */
char *utf8_put(char *out, uint32_t code);
