#include "codec/base64.h"

#include <stdint.h>

#include "base/error.h"

static const char alphabets[][65] = {
	[BASE64_STANDARD] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
	[BASE64_URL] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
	[BASE64_ANY] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
};

void base64_encode(struct str bytes, enum base64_kind kind, struct buf *out)
{
	const char *alphabet = alphabets[kind];
	const uint8_t *p = (const uint8_t *)bytes.ptr;

	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t left = min_of(bytes.len - i, (size_t)3);
		uint32_t group = (uint32_t)p[i] << 16;
		char text[4];

		group |= left > 1 ? (uint32_t)p[i + 1] << 8 : 0;
		group |= left > 2 ? (uint32_t)p[i + 2] : 0;
		for (size_t k = 0; k < 4; k++)
			text[k] = k <= left ? alphabet[group >> (18 - 6 * k) & 63] : '=';
		buf_append(out, text, kind == BASE64_URL ? left + 1 : 4);
	}
}

static int digit_of(char c, enum base64_kind kind)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (kind != BASE64_URL && (c == '+' || c == '/'))
		return c == '+' ? 62 : 63;
	if (kind != BASE64_STANDARD && (c == '-' || c == '_'))
		return c == '-' ? 62 : 63;
	return -1;
}

/* Takes the padding off the end. */
static int padding_strip(struct str *text, enum base64_kind kind)
{
	size_t len = text->len;
	size_t padding;

	while (text->len > 0 && len - text->len < 2 && text->ptr[text->len - 1] == '=')
		text->len--;
	padding = len - text->len;
	if (padding ? kind == BASE64_URL || len % 4 != 0 : kind == BASE64_STANDARD && len % 4 != 0)
		return ERR_SYNTAX;
	return text->len % 4 == 1 ? ERR_SYNTAX : 0;
}

static int decode_group(struct str group, enum base64_kind kind, char bytes[3])
{
	uint32_t value = 0;

	for (size_t k = 0; k < group.len; k++) {
		int digit = digit_of(group.ptr[k], kind);

		if (digit < 0)
			return ERR_SYNTAX;
		value |= (uint32_t)digit << (18 - 6 * k);
	}
	/* What stands behind the last whole byte must be zero. */
	if (group.len < 4 && value & (0xffffffu >> (8 * (group.len - 1))))
		return ERR_SYNTAX;
	bytes[0] = (char)(value >> 16);
	bytes[1] = (char)(value >> 8);
	bytes[2] = (char)value;
	return 0;
}

int base64_decode(struct str text, enum base64_kind kind, struct buf *out)
{
	size_t size = 0;
	char *memory;
	int r;

	r = padding_strip(&text, kind);
	if (r < 0)
		return r;
	if (text.len == 0)
		return 0;
	memory = buf_reserve(out, text.len / 4 * 3 + 3);
	if (!memory)
		return ERR_LIMIT;

	for (size_t i = 0; i < text.len; i += 4) {
		struct str group = str_slice(text, i, i + 4);

		r = decode_group(group, kind, memory + size);
		if (r < 0)
			return r;
		size += group.len - 1;
	}
	buf_claim(out, size);
	return 0;
}
