#pragma once

/*
 * The stream that a client's GOAWAY names
 *
 * It is the last stream of the server's that the client has seen, and this server begins none.
 * Clients write what they like there: gRPC in Go says 2^31-1 at each end in order, "all of
 * them". nghttp2 takes a number that only a client may use for a broken protocol and ends the
 * connection, with all that runs on it. So the number, which says nothing, is 0 before nghttp2
 * sees it. The rest of the bytes is left alone; what is wrong with them is nghttp2's to find.
 */

#include <stddef.h>
#include <stdint.h>

struct h2_goaway {
	uint32_t skip; /* bytes in front of the next frame */
	uint8_t clear; /* bytes of a last-stream-id that are to come */
	uint8_t have;  /* bytes of a frame's head that came */
	uint8_t head[9];
};

/* At the client's preface. */
void h2_goaway_init(struct h2_goaway *g);
/* The next bytes from the client, in pieces of any length. */
void h2_goaway_pass(struct h2_goaway *g, char *bytes, size_t len);
