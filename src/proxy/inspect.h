#pragma once

/*
 * What a connection begins with
 *
 * Looks at the first bytes without consuming any, as Envoy's tls_inspector and http_inspector
 * do: is it TLS, and which name and protocols does the client ask for; if not, which HTTP is
 * it. Pure: call it again with all input so far while it answers INSPECT_MORE.
 */

#include "net/sni.h"

enum inspect_result { INSPECT_MORE, INSPECT_KNOWN, INSPECT_BROKEN };

struct inspection {
	bool tls;
	struct client_hello hello;
	const struct str *protocols; /* of the hello, or what HTTP it is */
	uint32_t protocol_count;
};

/* *ret_seen is written for INSPECT_KNOWN, and must not be moved. */
enum inspect_result inspect(struct str input, bool for_tls, bool for_http,
			    struct inspection *ret_seen);
