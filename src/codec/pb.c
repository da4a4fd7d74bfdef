#include "codec/pb.h"

#include <assert.h>

#define VARINT_BYTES_MAX 10
#define NUMBER_MAX       ((1u << 29) - 1)

/* At most ten bytes, the last of which holds the top bit of 64. */
static bool take_varint(struct pb_cursor *c, uint64_t *ret_value)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < VARINT_BYTES_MAX; i++) {
		if (c->at == c->end)
			return false;

		uint8_t byte = *c->at++;

		if (i == VARINT_BYTES_MAX - 1 && byte > 1)
			return false;
		value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (!(byte & 0x80)) {
			*ret_value = value;
			return true;
		}
	}
	return false;
}

static bool take_fixed(struct pb_cursor *c, unsigned bytes, uint64_t *ret_value)
{
	uint64_t value = 0;

	if ((size_t)(c->end - c->at) < bytes)
		return false;
	for (unsigned i = 0; i < bytes; i++)
		value |= (uint64_t)c->at[i] << (8 * i);
	c->at += bytes;
	*ret_value = value;
	return true;
}

static bool take_bytes(struct pb_cursor *c, struct str *ret_bytes)
{
	uint64_t len;

	if (!take_varint(c, &len) || len > (size_t)(c->end - c->at))
		return false;
	*ret_bytes = str_of((const char *)c->at, (size_t)len);
	c->at += len;
	return true;
}

static bool take_value(struct pb_cursor *c, struct pb_field *field)
{
	switch (field->wire) {
	case PB_VARINT:
		return take_varint(c, &field->value);
	case PB_FIXED64:
		return take_fixed(c, 8, &field->value);
	case PB_FIXED32:
		return take_fixed(c, 4, &field->value);
	case PB_BYTES:
		return take_bytes(c, &field->bytes);
	default:
		return false;
	}
}

enum pb_next pb_next(struct pb_cursor *c, struct pb_field *ret_field)
{
	struct pb_field field = { 0 };
	uint64_t tag;

	if (c->at == c->end)
		return PB_END;
	if (!take_varint(c, &tag) || tag >> 3 == 0 || tag >> 3 > NUMBER_MAX)
		return PB_MALFORMED;
	field.number = (uint32_t)(tag >> 3);
	field.wire = (enum pb_wire)(tag & 7);
	if (!take_value(c, &field))
		return PB_MALFORMED;
	*ret_field = field;
	return PB_FIELD;
}

bool pb_read_varint(struct pb_cursor *c, uint64_t *ret_value)
{
	return take_varint(c, ret_value);
}

bool pb_read_fixed32(struct pb_cursor *c, uint64_t *ret_value)
{
	return take_fixed(c, 4, ret_value);
}

bool pb_read_fixed64(struct pb_cursor *c, uint64_t *ret_value)
{
	return take_fixed(c, 8, ret_value);
}

static unsigned put_varint(char *at, uint64_t value)
{
	unsigned n = 0;

	while (value >= 0x80) {
		at[n++] = (char)(value | 0x80);
		value >>= 7;
	}
	at[n++] = (char)value;
	return n;
}

void pb_append_varint(struct buf *out, uint64_t value)
{
	char bytes[VARINT_BYTES_MAX];

	buf_append(out, bytes, put_varint(bytes, value));
}

static void append_fixed(struct buf *out, uint64_t value, unsigned bytes)
{
	char little[8];

	for (unsigned i = 0; i < bytes; i++)
		little[i] = (char)(value >> (8 * i));
	buf_append(out, little, bytes);
}

void pb_append_fixed32(struct buf *out, uint32_t value)
{
	append_fixed(out, value, 4);
}

void pb_append_fixed64(struct buf *out, uint64_t value)
{
	append_fixed(out, value, 8);
}

static void append_tag(struct buf *out, uint32_t number, enum pb_wire wire)
{
	assert(number >= 1 && number <= NUMBER_MAX);
	pb_append_varint(out, (uint64_t)number << 3 | wire);
}

void pb_write_varint(struct buf *out, uint32_t number, uint64_t value)
{
	append_tag(out, number, PB_VARINT);
	pb_append_varint(out, value);
}

void pb_write_bool(struct buf *out, uint32_t number, bool value)
{
	pb_write_varint(out, number, value);
}

void pb_write_fixed32(struct buf *out, uint32_t number, uint32_t value)
{
	append_tag(out, number, PB_FIXED32);
	pb_append_fixed32(out, value);
}

void pb_write_fixed64(struct buf *out, uint32_t number, uint64_t value)
{
	append_tag(out, number, PB_FIXED64);
	pb_append_fixed64(out, value);
}

void pb_write_double(struct buf *out, uint32_t number, double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	pb_write_fixed64(out, number, bits);
}

void pb_write_bytes(struct buf *out, uint32_t number, struct str bytes)
{
	append_tag(out, number, PB_BYTES);
	pb_append_varint(out, bytes.len);
	buf_append_str(out, bytes);
}

size_t pb_begin(struct buf *out, uint32_t number)
{
	append_tag(out, number, PB_BYTES);
	buf_append_char(out, 0);
	return buf_len(out);
}

void pb_finish(struct buf *out, size_t mark)
{
	char bytes[VARINT_BYTES_MAX];

	if (out->overflowed)
		return;
	assert(mark >= 1 && mark <= buf_len(out));

	size_t len = buf_len(out) - mark;
	unsigned n = put_varint(bytes, len);

	/* One byte for the length is there; most messages need no more. */
	if (n > 1) {
		if (!buf_reserve(out, n - 1))
			return;
		buf_claim(out, n - 1);
	}

	char *content = out->memory + out->start + mark;

	if (n > 1)
		memmove(content + n - 1, content, len);
	memcpy(content - 1, bytes, n);
}
