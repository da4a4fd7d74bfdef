#pragma once

/*
 * x-forwarded-client-cert
 *
 * Tells the program who its client is, by mutual TLS, and what the client said of its own
 * clients. Whether a received value is dropped, kept, added to or replaced is the connection
 * manager's setting; values are Envoy's: By, Hash, Cert, Chain, Subject, URI, DNS.
 */

#include "model/listener.h"
#include "proxy/downstream.h"

void xfcc_apply(const struct http_manager *m, const struct downstream *client,
		struct headers *request, struct pool *pool);
