#pragma once

/*
 * Percent-encoding (RFC 3986 §2.1)
 *
 * What may stand unencoded depends on the place; everything else is written as %XX with
 * upper-case digits. Reading is strict unless the place is one where peers are known to
 * write badly.
 */

#include "base/buf.h"
#include "base/pool.h"
#include "base/str.h"

enum percent_set {
	PERCENT_COMPONENT,    /* only letters, digits and -._~ stay: a segment, a query value */
	PERCENT_PATH,         /* a whole path: pchar and / stay */
	PERCENT_QUERY,        /* a whole query: pchar, / and ? stay */
	PERCENT_GRPC_MESSAGE, /* grpc-message: printable ASCII but % stays */
};

void percent_encode(struct str text, enum percent_set set, struct buf *out);

/*
 * Decodes %XX. Text without any is returned as it is, and otherwise lies in the pool.
 * ERR_SYNTAX for a % that two hexadecimal digits do not follow. The result may hold any byte,
 * zero and slash included: decode after splitting.
 */
must_check int percent_decode(struct str text, struct pool *pool, struct str *ret_text);

/* The same, but a % that begins no escape stays as it is (grpc-message asks for that). */
struct str percent_decode_lenient(struct str text, struct pool *pool);
