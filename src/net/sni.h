#pragma once

/*
 * A look at the ClientHello
 *
 * Tells whether a connection begins with TLS, and which server name and protocols the client
 * asks for, without consuming a byte: filter chains are chosen by it before TLS starts. Call
 * it again with all input so far while it answers HELLO_MORE. Nothing is trusted: every
 * length is checked against the one around it, and a hello may be split over records.
 */

#include <stdint.h>

#include "base/str.h"

#define HELLO_BYTES_MAX      16000 /* of input; less than one chunk */
#define HELLO_SNI_BYTES_MAX  255
#define HELLO_ALPN_BYTES_MAX 256
#define HELLO_ALPN_COUNT_MAX 16 /* the rest is left out */

enum hello_result {
	HELLO_MORE,    /* so far it may be TLS */
	HELLO_TLS,     /* a complete ClientHello */
	HELLO_NOT_TLS, /* another protocol */
	HELLO_BROKEN,  /* a TLS record, but no well-formed ClientHello; or too long */
};

struct client_hello {
	struct str sni; /* lower case; empty: none. Copied into this object, like alpn */
	struct str alpn[HELLO_ALPN_COUNT_MAX];
	uint32_t alpn_count;
	/* private */
	char sni_bytes[HELLO_SNI_BYTES_MAX + 1];
	char alpn_bytes[HELLO_ALPN_BYTES_MAX];
};

/* *ret_hello is valid for HELLO_TLS only, and must not be moved afterwards. */
enum hello_result client_hello_read(struct str input, struct client_hello *ret_hello);
