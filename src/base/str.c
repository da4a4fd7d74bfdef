#include "base/str.h"

#include "base/error.h"

/*
 * Eight bytes at once: a byte is an upper case letter when adding to its low seven bits
 * carries into the top bit from 'A' on but not from behind 'Z'. That bit, moved down by two,
 * is the 0x20 that makes it lower case.
 */
#define BYTES(b) (0x0101010101010101u * (b))

static inline uint64_t word_lower(uint64_t word)
{
	uint64_t low = word & BYTES(0x7f);
	uint64_t from_a = low + BYTES(0x80 - 'A');
	uint64_t behind_z = low + BYTES(0x7f - 'Z');
	uint64_t upper = (from_a ^ behind_z) & ~word & BYTES(0x80);

	return word | upper >> 2;
}

static inline uint64_t word_load(const char *ptr)
{
	uint64_t word;

	memcpy(&word, ptr, sizeof(word));
	return word;
}

/* Four to seven bytes as one word: the first four and the last four, which may overlap. */
static inline uint64_t word_of_few(const char *ptr, size_t len)
{
	uint32_t front, back;

	memcpy(&front, ptr, sizeof(front));
	memcpy(&back, ptr + len - sizeof(back), sizeof(back));
	return (uint64_t)front << 32 | back;
}

static inline bool word_eq_nocase(uint64_t a, uint64_t b)
{
	return a == b || word_lower(a) == word_lower(b);
}

/* Whole words, then the last eight bytes, which may overlap the word before. */
static bool eq_nocase_long(const char *a, const char *b, size_t len)
{
	for (size_t i = 0; i + 8 < len; i += 8)
		if (!word_eq_nocase(word_load(a + i), word_load(b + i)))
			return false;
	return word_eq_nocase(word_load(a + len - 8), word_load(b + len - 8));
}

bool str_eq_nocase(struct str a, struct str b)
{
	if (a.len != b.len)
		return false;
	if (a.len >= 8)
		return eq_nocase_long(a.ptr, b.ptr, a.len);
	if (a.len >= 4)
		return word_eq_nocase(word_of_few(a.ptr, a.len), word_of_few(b.ptr, b.len));
	for (size_t i = 0; i < a.len; i++)
		if (char_lower(a.ptr[i]) != char_lower(b.ptr[i]))
			return false;
	return true;
}

int str_cmp(struct str a, struct str b)
{
	size_t common = min_of(a.len, b.len);
	int order = common ? memcmp(a.ptr, b.ptr, common) : 0;

	if (order)
		return order;
	return a.len < b.len ? -1 : a.len > b.len;
}

bool str_has_prefix(struct str s, struct str prefix)
{
	if (prefix.len == 0)
		return true;
	return s.len >= prefix.len && memcmp(s.ptr, prefix.ptr, prefix.len) == 0;
}

bool str_has_suffix(struct str s, struct str suffix)
{
	if (suffix.len == 0)
		return true;
	return s.len >= suffix.len &&
	       memcmp(s.ptr + s.len - suffix.len, suffix.ptr, suffix.len) == 0;
}

size_t str_find(struct str s, size_t from, char c)
{
	if (from >= s.len)
		return s.len;

	const char *found = memchr(s.ptr + from, c, s.len - from);

	return found ? (size_t)(found - s.ptr) : s.len;
}

struct str str_slice(struct str s, size_t from, size_t to)
{
	to = min_of(to, s.len);
	from = min_of(from, to);
	return str_of(s.ptr ? s.ptr + from : NULL, to - from);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct str str_trim(struct str s)
{
	while (s.len && is_blank(s.ptr[s.len - 1]))
		s.len--;
	while (s.len && is_blank(*s.ptr)) {
		s.ptr++;
		s.len--;
	}
	return s;
}

bool str_split(struct str *rest, char separator, struct str *ret_part)
{
	if (rest->len == 0)
		return false;

	size_t at = str_find(*rest, 0, separator);

	*ret_part = str_slice(*rest, 0, at);
	*rest = str_slice(*rest, at + 1, rest->len);
	return true;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = char_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

static int to_u64(struct str s, unsigned base, uint64_t max, uint64_t *ret_value)
{
	uint64_t value = 0;
	bool above = false;

	if (s.len == 0)
		return ERR_SYNTAX;
	for (size_t i = 0; i < s.len; i++) {
		unsigned digit = (unsigned)digit_value(s.ptr[i]);

		if (digit >= base)
			return ERR_SYNTAX;
		above |= __builtin_mul_overflow(value, base, &value);
		above |= __builtin_add_overflow(value, digit, &value);
	}
	if (above || value > max)
		return ERR_LIMIT;
	*ret_value = value;
	return 0;
}

int str_to_u64(struct str s, uint64_t max, uint64_t *ret_value)
{
	return to_u64(s, 10, max, ret_value);
}

int str_hex_to_u64(struct str s, uint64_t max, uint64_t *ret_value)
{
	return to_u64(s, 16, max, ret_value);
}

/*
 * RFC 3629, section 4: the lead byte gives the length and narrows the second byte, which is
 * what keeps out overlong forms, surrogates and everything above U+10FFFF.
 */
// clang-format off
static const struct utf8_lead {
	unsigned char first, last;   /* of the lead byte */
	unsigned char len;
	unsigned char low, high;     /* of the second byte */
} utf8_leads[] = {
	{ 0x00, 0x7f, 1, 0x00, 0x00 },
	{ 0xc2, 0xdf, 2, 0x80, 0xbf },
	{ 0xe0, 0xe0, 3, 0xa0, 0xbf },
	{ 0xe1, 0xec, 3, 0x80, 0xbf },
	{ 0xed, 0xed, 3, 0x80, 0x9f },
	{ 0xee, 0xef, 3, 0x80, 0xbf },
	{ 0xf0, 0xf0, 4, 0x90, 0xbf },
	{ 0xf1, 0xf3, 4, 0x80, 0xbf },
	{ 0xf4, 0xf4, 4, 0x80, 0x8f },
};
// clang-format on

static const struct utf8_lead *utf8_lead_find(unsigned char byte)
{
	for (size_t i = 0; i < array_count(utf8_leads); i++)
		if (byte >= utf8_leads[i].first && byte <= utf8_leads[i].last)
			return &utf8_leads[i];
	return NULL;
}

size_t str_utf8_len(struct str s)
{
	const unsigned char *bytes = (const unsigned char *)s.ptr;
	const struct utf8_lead *lead = s.len ? utf8_lead_find(bytes[0]) : NULL;

	if (!lead || lead->len > s.len)
		return 0;
	if (lead->len > 1 && (bytes[1] < lead->low || bytes[1] > lead->high))
		return 0;
	for (size_t i = 2; i < lead->len; i++)
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
	return lead->len;
}

bool str_is_utf8(struct str s)
{
	while (s.len) {
		size_t len = 8;

		if (s.len < 8 || word_load(s.ptr) & BYTES(0x80))
			len = str_utf8_len(s);
		if (len == 0)
			return false;
		s = str_of(s.ptr + len, s.len - len);
	}
	return true;
}

/* Longer words are not compared: no name of ours is that long. */
#define NEAREST_LEN_MAX 64

/* Levenshtein's distance by its matrix, of which one row is kept. */
static size_t edit_distance(struct str a, struct str b)
{
	size_t row[NEAREST_LEN_MAX + 1];

	for (size_t j = 0; j <= b.len; j++)
		row[j] = j;
	for (size_t i = 0; i < a.len; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < b.len; j++) {
			size_t replace = diagonal + (a.ptr[i] != b.ptr[j]);
			size_t insert_or_drop = min_of(row[j], row[j + 1]) + 1;

			diagonal = row[j + 1];
			row[j + 1] = min_of(replace, insert_or_drop);
		}
	}
	return row[b.len];
}

const char *str_nearest(struct str word, const char *const *candidates)
{
	const char *nearest = NULL;
	/* A third of the letters wrong is another word. */
	size_t distance_best = word.len / 3 + 1;

	if (word.len > NEAREST_LEN_MAX)
		return NULL;
	for (; *candidates; candidates++) {
		struct str candidate = str_from(*candidates);

		if (candidate.len > NEAREST_LEN_MAX)
			continue;

		size_t distance = edit_distance(word, candidate);

		if (distance < distance_best || (distance == distance_best && !nearest)) {
			nearest = *candidates;
			distance_best = distance;
		}
	}
	return nearest;
}
