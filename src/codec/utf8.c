#include "codec/utf8.h"

#include <assert.h>

static const struct {
	uint8_t mask;
	uint8_t lead;
	uint8_t more;   /* bytes that follow */
	uint32_t least; /* smaller code points are overlong in this form */
} forms[] = {
	{ 0x80, 0x00, 0, 0 },
	{ 0xe0, 0xc0, 1, 0x80 },
	{ 0xf0, 0xe0, 2, 0x800 },
	{ 0xf8, 0xf0, 3, 0x10000 },
};

bool utf8_next(struct str text, size_t *at, uint32_t *ret_code)
{
	const uint8_t *p = (const uint8_t *)text.ptr + *at;
	size_t left = text.len - *at;
	size_t form = 0;
	uint32_t code;

	assert(left > 0);
	++*at;
	while (form < array_count(forms) && (p[0] & forms[form].mask) != forms[form].lead)
		form++;
	if (form == array_count(forms) || left <= forms[form].more)
		return false;

	code = p[0] & (uint8_t)~forms[form].mask;
	for (size_t i = 1; i <= forms[form].more; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return false;
		code = code << 6 | (p[i] & 0x3f);
	}
	if (code < forms[form].least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return false;

	*at += forms[form].more;
	*ret_code = code;
	return true;
}

char *utf8_put(char *out, uint32_t code)
{
	assert(code <= 0x10ffff);
	if (code < 0x80) {
		*out++ = (char)code;
	} else if (code < 0x800) {
		*out++ = (char)(0xc0 | code >> 6);
		*out++ = (char)(0x80 | (code & 0x3f));
	} else if (code < 0x10000) {
		*out++ = (char)(0xe0 | code >> 12);
		*out++ = (char)(0x80 | (code >> 6 & 0x3f));
		*out++ = (char)(0x80 | (code & 0x3f));
	} else {
		*out++ = (char)(0xf0 | code >> 18);
		*out++ = (char)(0x80 | (code >> 12 & 0x3f));
		*out++ = (char)(0x80 | (code >> 6 & 0x3f));
		*out++ = (char)(0x80 | (code & 0x3f));
	}
	return out;
}
