#pragma once

/*
 * HTTP/2 frames by hand, for peers that nghttp2 would not play
 *
 * Fields are written as literals without index or Huffman code, so a head is what it looks
 * like.
 */

#include "base/buf.h"
#include "rig.h"

#define H2_PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

enum h2_wire_type {
	WIRE_DATA,
	WIRE_HEADERS,
	WIRE_PRIORITY,
	WIRE_RST_STREAM,
	WIRE_SETTINGS,
	WIRE_PUSH_PROMISE,
	WIRE_PING,
	WIRE_GOAWAY,
	WIRE_WINDOW_UPDATE,
	WIRE_CONTINUATION,
};

#define WIRE_END_STREAM  0x1
#define WIRE_ACK         0x1
#define WIRE_END_HEADERS 0x4

void wire_frame(struct buf *out, enum h2_wire_type type, uint8_t flags, uint32_t id,
		struct str payload);
/* "name=value" pairs with semicolons between: ":method=GET;:path=/". */
void wire_headers(struct buf *out, uint8_t flags, uint32_t id, const char *fields);
void wire_u32(struct buf *out, enum h2_wire_type type, uint32_t id, uint32_t value);

/* The frames that came to the peer since the last call, one a line: "HEADERS 1 end 200",
 * "DATA 1 5 end", "RST_STREAM 1 8", "GOAWAY 1 0"; SETTINGS, PING and WINDOW_UPDATE by name. */
#define wire_expect(p, text) wire_expect_at((p), (text), __FILE__, __LINE__)
void wire_expect_at(struct peer *p, const char *text, const char *file, int line);
void wire_forget(struct peer *p);
