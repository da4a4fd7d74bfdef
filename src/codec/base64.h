#pragma once

/*
 * Base64 (RFC 4648), read strictly
 *
 * Only the alphabet that was asked for, no white space, padding exactly as the kind says, and
 * the unused bits of the last character zero: one value has one text.
 */

#include "base/buf.h"
#include "base/str.h"

enum base64_kind {
	BASE64_STANDARD, /* + and /, padded: PEM, protobuf's JSON as written */
	BASE64_URL,      /* - and _, not padded: JOSE */
	BASE64_ANY,      /* reading: either alphabet, padding may be left out: protobuf's JSON */
};

/* BASE64_ANY writes as BASE64_STANDARD. */
void base64_encode(struct str bytes, enum base64_kind kind, struct buf *out);

/* ERR_SYNTAX, or ERR_LIMIT of `out`; nothing is appended then. */
must_check int base64_decode(struct str text, enum base64_kind kind, struct buf *out);
