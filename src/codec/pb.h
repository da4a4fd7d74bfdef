#pragma once

/*
 * Protobuf wire format: a cursor and a writer
 *
 * The cursor walks borrowed bytes and cannot overrun: every length is checked before it is
 * used. It is what the hand-written readers of hot messages use; everything else goes through
 * pb_message.h. The writer appends to a buf; a nested message is written with its length
 * patched in afterwards, minimal and canonical.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macro.h"
#include "base/str.h"

enum pb_wire { PB_VARINT = 0, PB_FIXED64 = 1, PB_BYTES = 2, PB_FIXED32 = 5 };

struct pb_cursor {
	const uint8_t *at;
	const uint8_t *end;
};

struct pb_field {
	uint32_t number;
	enum pb_wire wire;
	uint64_t value;   /* varint and fixed: the raw bits */
	struct str bytes; /* PB_BYTES: borrowed */
};

enum pb_next { PB_FIELD, PB_END, PB_MALFORMED };

static inline struct pb_cursor pb_cursor_of(struct str bytes)
{
	return (struct pb_cursor){ (const uint8_t *)bytes.ptr,
				   (const uint8_t *)bytes.ptr + bytes.len };
}

/* The next field. Groups (wire 3, 4), number 0, numbers over 2^29-1 and overlong varints are
 * PB_MALFORMED. */
enum pb_next pb_next(struct pb_cursor *c, struct pb_field *ret_field);
/* One value out of a packed run. False: malformed or at the end. */
bool pb_read_varint(struct pb_cursor *c, uint64_t *ret_value);
bool pb_read_fixed32(struct pb_cursor *c, uint64_t *ret_value);
bool pb_read_fixed64(struct pb_cursor *c, uint64_t *ret_value);

/* Each writes its field, zero and empty too: leaving out defaults is the caller's. A negative
 * number is cast to uint64_t. */
void pb_write_varint(struct buf *out, uint32_t number, uint64_t value);
void pb_write_bool(struct buf *out, uint32_t number, bool value);
void pb_write_fixed32(struct buf *out, uint32_t number, uint32_t value);
void pb_write_fixed64(struct buf *out, uint32_t number, uint64_t value);
void pb_write_double(struct buf *out, uint32_t number, double value);
void pb_write_bytes(struct buf *out, uint32_t number, struct str bytes);

/* A value without its tag, for packed runs. */
void pb_append_varint(struct buf *out, uint64_t value);
void pb_append_fixed32(struct buf *out, uint32_t value);
void pb_append_fixed64(struct buf *out, uint64_t value);

/* A nested message or a packed run: mark = pb_begin(out, number); … ; pb_finish(out, mark). Bytes
 * behind the mark are shifted where the length needs more than one byte. */
size_t pb_begin(struct buf *out, uint32_t number);
void pb_finish(struct buf *out, size_t mark);
