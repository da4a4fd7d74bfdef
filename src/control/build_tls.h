#pragma once

/*
 * TLS contexts between proxies: mutual, TLS 1.3, SPIFFE names checked
 */

#include <stdbool.h>

#include "codec/pb_message.h"

struct build_tls {
	const struct str *alpn;
	size_t alpn_count;
	const struct str *sans; /* URIs, one of which the peer must have */
	uint32_t san_count;
	bool san_prefix; /* they are prefixes: anybody of a trust domain */
	struct str sni;  /* upstream */
};

/* Fill a TransportSocket message. */
void build_upstream_tls(struct pb_message *transport_socket, const struct build_tls *tls);
void build_downstream_tls(struct pb_message *transport_socket, const struct build_tls *tls);
