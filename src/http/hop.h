#pragma once

/*
 * Fields of one hop (RFC 9110 §7.6.1)
 *
 * Connection, what it names, and the fields that speak of the connection alone end here; a
 * message that is passed on must not carry them. `TE: trailers` stays, because gRPC servers
 * insist on it; other codings in TE go. A sender cannot make us drop the framing by naming it
 * in Connection: Host and Content-Length stay.
 *
 * Call it on what was received, before adding anything of one's own: a field that a sender
 * names in Connection is then only ever the sender's.
 */

#include "message/headers.h"

void http_strip_hop_by_hop(struct headers *h);
