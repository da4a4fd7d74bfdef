#pragma once

/*
 * How protobuf writes some values as text in JSON
 */

#include "base/buf.h"
#include "base/macro.h"
#include "base/str.h"

struct pb_time {
	int64_t seconds;
	int32_t nanos;
};

/* "1.5s", "-0.25s". ERR_SYNTAX. */
must_check int pb_duration_parse(struct str text, struct pb_time *ret_time);
void pb_duration_format(struct pb_time t, struct buf *out);

/* RFC 3339: "2026-01-02T03:04:05.5Z", with any offset when read. ERR_SYNTAX. */
must_check int pb_timestamp_parse(struct str text, struct pb_time *ret_time);
void pb_timestamp_format(struct pb_time t, struct buf *out);

/* The shortest decimal that reads back as the same number; single: as the same float. */
void pb_real_format(double real, bool single, struct buf *out);
/* A JSON number, or "NaN", "Infinity", "-Infinity". ERR_SYNTAX; ERR_LIMIT for 1e999. */
must_check int pb_real_parse(struct str text, double *ret_real);
/* A whole number, also as "1.0" or "1e3". ERR_SYNTAX; ERR_LIMIT beyond [min, max]. */
must_check int pb_integer_parse(struct str text, int64_t min, uint64_t max, int64_t *ret_number);
