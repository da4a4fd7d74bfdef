/*
 * Chunked bodies, a state for each place in the grammar (RFC 9112 §7.1)
 *
 *	SIZE ──▶ [EXTENSION …] ──▶ LINE_LF ──▶ DATA ──▶ DATA_CR ──▶ DATA_LF ──▶ SIZE
 *	                              └── size 0: trailers
 *
 * Extensions are read in five states of their own: ";" name ["=" token or quoted text].
 * White space in them is refused, although the RFC asks to suffer it: nothing sends it but
 * attacks on parsers that differ.
 */

#include "codec/http1.h"

#include "codec/http1_scan.h"

#define LINE_BYTES_MAX      1024
#define EXTENSION_BYTES_MAX (16 * 1024)
#define DIGITS_MAX          15 /* so that a size never overflows */

enum chunked_state {
	SIZE,
	LINE_LF,
	NAME_FIRST,
	NAME,
	VALUE_FIRST,
	VALUE,
	QUOTED,
	QUOTED_PAIR,
	QUOTED_END,
	DATA,
	DATA_CR,
	DATA_LF,
	TRAILERS,
	FAILED,
};

static enum chunked_state fail(struct http1_chunked *c, enum http1_fault fault)
{
	c->fault = fault;
	return FAILED;
}

static unsigned hex_value(char c)
{
	return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}

static enum chunked_state on_size(struct http1_chunked *c, char byte)
{
	if (http1_is(byte, HTTP1_HEX)) {
		if (++c->digits > DIGITS_MAX)
			return fail(c, HTTP1_FAULT_CHUNK_SIZE);
		c->left = c->left << 4 | hex_value(byte);
		return SIZE;
	}
	if (c->digits == 0)
		return fail(c, HTTP1_FAULT_CHUNK_SIZE);
	if (byte == '\r')
		return LINE_LF;
	return byte == ';' ? NAME_FIRST : fail(c, HTTP1_FAULT_CHUNK_SIZE);
}

static enum chunked_state on_line_lf(struct http1_chunked *c, char byte)
{
	if (byte != '\n')
		return fail(c, HTTP1_FAULT_LINE_END);
	c->digits = 0;
	c->line_bytes = 0;
	return c->left ? DATA : TRAILERS;
}

/* Behind a name or a value. */
static enum chunked_state on_part_end(struct http1_chunked *c, char byte)
{
	if (byte == '\r')
		return LINE_LF;
	return byte == ';' ? NAME_FIRST : fail(c, HTTP1_FAULT_CHUNK_EXTENSION);
}

static enum chunked_state on_quoted(struct http1_chunked *c, char byte)
{
	if (byte == '"')
		return QUOTED_END;
	if (byte == '\\')
		return QUOTED_PAIR;
	return http1_is(byte, HTTP1_QUOTED) ? QUOTED : fail(c, HTTP1_FAULT_CHUNK_EXTENSION);
}

static enum chunked_state on_extension(struct http1_chunked *c, char byte)
{
	bool token = http1_is(byte, HTTP1_TOKEN);

	if (++c->line_bytes > LINE_BYTES_MAX || ++c->extension_bytes > EXTENSION_BYTES_MAX)
		return fail(c, HTTP1_FAULT_CHUNK_LARGE);
	switch ((enum chunked_state)c->state) {
	case NAME_FIRST:
		return token ? NAME : fail(c, HTTP1_FAULT_CHUNK_EXTENSION);
	case NAME:
		if (byte == '=')
			return VALUE_FIRST;
		return token ? NAME : on_part_end(c, byte);
	case VALUE_FIRST:
		if (byte == '"')
			return QUOTED;
		return token ? VALUE : fail(c, HTTP1_FAULT_CHUNK_EXTENSION);
	case VALUE:
		return token ? VALUE : on_part_end(c, byte);
	case QUOTED:
		return on_quoted(c, byte);
	case QUOTED_PAIR:
		return http1_is(byte, HTTP1_VALUE) ? QUOTED : fail(c, HTTP1_FAULT_CHUNK_EXTENSION);
	default:
		return on_part_end(c, byte);
	}
}

static enum chunked_state on_byte(struct http1_chunked *c, char byte)
{
	switch ((enum chunked_state)c->state) {
	case SIZE:
		return on_size(c, byte);
	case LINE_LF:
		return on_line_lf(c, byte);
	case DATA_CR:
		return byte == '\r' ? DATA_LF : fail(c, HTTP1_FAULT_CHUNK_END);
	case DATA_LF:
		return byte == '\n' ? SIZE : fail(c, HTTP1_FAULT_CHUNK_END);
	default:
		return on_extension(c, byte);
	}
}

static void take_data(struct http1_chunked *c, struct str *input, struct str *ret_data)
{
	size_t len = input->len < c->left ? input->len : (size_t)c->left;

	*ret_data = str_slice(*input, 0, len);
	*input = str_slice(*input, len, input->len);
	c->left -= len;
	if (c->left == 0)
		c->state = DATA_CR;
}

enum http1_chunked_event http1_chunked_next(struct http1_chunked *c, struct str *input,
					    struct str *ret_data)
{
	while (c->state != TRAILERS && c->state != FAILED) {
		if (input->len == 0)
			return HTTP1_CHUNKED_MORE;
		if (c->state == DATA) {
			take_data(c, input, ret_data);
			return HTTP1_CHUNKED_DATA;
		}
		c->state = (uint8_t)on_byte(c, *input->ptr);
		*input = str_of(input->ptr + 1, input->len - 1);
	}
	return c->state == TRAILERS ? HTTP1_CHUNKED_TRAILERS : HTTP1_CHUNKED_BAD;
}

size_t http1_write_chunk_line(char *out, uint64_t len)
{
	static const char digits[] = "0123456789abcdef";
	int shift = len ? (63 - __builtin_clzll(len)) & ~3 : 0;
	size_t n = 0;

	for (; shift >= 0; shift -= 4)
		out[n++] = digits[len >> shift & 15];
	out[n++] = '\r';
	out[n++] = '\n';
	return n;
}
