#include "codec/percent.h"

#include "base/error.h"

/* What stays beside letters, digits and -._~ */
static const char *const also[] = {
	[PERCENT_COMPONENT] = "",
	[PERCENT_PATH] = "!$&'()*+,;=:@/",
	[PERCENT_QUERY] = "!$&'()*+,;=:@/?",
	[PERCENT_GRPC_MESSAGE] = " !\"#$&'()*+,/:;<=>?@[\\]^`{|}",
};

static bool stays(char c, enum percent_set set)
{
	if ((char_lower(c) >= 'a' && char_lower(c) <= 'z') || (c >= '0' && c <= '9'))
		return true;
	return c && (strchr("-._~", c) || strchr(also[set], c));
}

void percent_encode(struct str text, enum percent_set set, struct buf *out)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		char escape[] = { '%', digits[c >> 4], digits[c & 15] };

		if (stays(text.ptr[i], set))
			buf_append_char(out, text.ptr[i]);
		else
			buf_append(out, escape, sizeof(escape));
	}
}

static int hex_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = char_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte of the escape at `at`, or -1. */
static int escape_at(struct str text, size_t at)
{
	int high;
	int low;

	if (text.len - at < 3)
		return -1;
	high = hex_of(text.ptr[at + 1]);
	low = hex_of(text.ptr[at + 2]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static int decode(struct str text, struct pool *pool, bool lenient, struct str *ret_text)
{
	size_t len = 0;
	char *memory;

	if (str_find(text, 0, '%') == text.len) {
		*ret_text = text;
		return 0;
	}
	memory = pool_alloc(pool, text.len + 1);
	for (size_t i = 0; i < text.len; i++) {
		int byte = text.ptr[i] == '%' ? escape_at(text, i) : -1;

		if (byte < 0 && text.ptr[i] == '%' && !lenient)
			return ERR_SYNTAX;
		memory[len++] = byte < 0 ? text.ptr[i] : (char)byte;
		i += byte < 0 ? 0 : 2;
	}
	memory[len] = 0;
	*ret_text = str_of(memory, len);
	return 0;
}

int percent_decode(struct str text, struct pool *pool, struct str *ret_text)
{
	return decode(text, pool, false, ret_text);
}

struct str percent_decode_lenient(struct str text, struct pool *pool)
{
	struct str decoded = text;

	(void)!decode(text, pool, true, &decoded);
	return decoded;
}
