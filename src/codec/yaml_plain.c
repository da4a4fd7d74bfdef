#include "codec/yaml_plain.h"

#include <inttypes.h>
#include <stdint.h>

/* Lower-case; of the words of letters YAML also knows Capital and UPPER, and nothing between. */
static const struct {
	struct str word;
	enum yaml_plain meaning;
	const char *instead; /* of a surprise */
} words[] = {
	{ STR_INIT("null"), YAML_NULL, NULL },      { STR_INIT("~"), YAML_NULL, NULL },
	{ STR_INIT("true"), YAML_TRUE, NULL },      { STR_INIT("false"), YAML_FALSE, NULL },
	{ STR_INIT("yes"), YAML_SURPRISE, "true" }, { STR_INIT("no"), YAML_SURPRISE, "false" },
	{ STR_INIT("on"), YAML_SURPRISE, "true" },  { STR_INIT("off"), YAML_SURPRISE, "false" },
	{ STR_INIT("y"), YAML_SURPRISE, "true" },   { STR_INIT("n"), YAML_SURPRISE, "false" },
	{ STR_INIT(".nan"), YAML_SURPRISE, NULL },  { STR_INIT(".inf"), YAML_SURPRISE, NULL },
	{ STR_INIT("-.inf"), YAML_SURPRISE, NULL }, { STR_INIT("+.inf"), YAML_SURPRISE, NULL },
};

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return char_lower(c) >= 'a' && char_lower(c) <= 'z';
}

/* lower, Capital or UPPER; anything behind a dot or sign, as in .NaN. */
static bool case_is_even(struct str text)
{
	size_t upper = 0;

	for (size_t i = 0; i < text.len; i++)
		upper += is_upper(text.ptr[i]);
	return !is_letter(text.ptr[0]) || upper == 0 || upper == text.len ||
	       (upper == 1 && is_upper(text.ptr[0]));
}

/* Index into words, or -1. */
static int word_find(struct str text)
{
	for (size_t i = 0; i < array_count(words); i++)
		if (str_eq_nocase(text, words[i].word) && case_is_even(text))
			return (int)i;
	return -1;
}

/* The first offset from `at` that holds none of `set`. */
static size_t skip(struct str text, size_t at, const char *set)
{
	while (at < text.len && text.ptr[at] && strchr(set, text.ptr[at]))
		at++;
	return at;
}

static bool is_exponent(struct str text, size_t at)
{
	size_t digits;

	if (at == text.len)
		return true;
	if (char_lower(text.ptr[at]) != 'e')
		return false;
	at++;
	at += at < text.len && (text.ptr[at] == '+' || text.ptr[at] == '-');
	digits = at;
	at = skip(text, at, "0123456789");
	return at > digits && at == text.len;
}

static bool is_json_number(struct str text)
{
	size_t start = text.len && text.ptr[0] == '-';
	size_t at = skip(text, start, "0123456789");

	if (at == start || (text.ptr[start] == '0' && at > start + 1))
		return false;
	if (at < text.len && text.ptr[at] == '.') {
		size_t fraction = at + 1;

		at = skip(text, fraction, "0123456789");
		if (at == fraction)
			return false;
	}
	return is_exponent(text, at);
}

/* 0x1f, 0o17, 0b101, also with a sign and underscores. */
static bool is_based_number(struct str text, size_t at)
{
	static const struct {
		char letter;
		const char *digits;
	} bases[] = {
		{ 'x', "0123456789abcdefABCDEF_" },
		{ 'o', "01234567_" },
		{ 'b', "01_" },
	};

	if (text.len - at < 3 || text.ptr[at] != '0')
		return false;
	for (size_t i = 0; i < array_count(bases); i++)
		if (text.ptr[at + 1] == bases[i].letter)
			return skip(text, at + 2, bases[i].digits) == text.len;
	return false;
}

/* 1:30, 190:20:30, 1:30.5: a number to base 60 in YAML 1.1. */
static bool is_sexagesimal(struct str text, size_t at)
{
	size_t parts = 0;

	for (;;) {
		size_t digits = at;

		at = skip(text, at, "0123456789_");
		if (at == digits || !is_digit(text.ptr[digits]))
			return false;
		if (parts > 0 && at - digits > 2)
			return false;
		parts++;
		if (at == text.len || text.ptr[at] != ':')
			break;
		at++;
	}
	if (at < text.len && text.ptr[at] == '.')
		at = skip(text, at + 1, "0123456789_");
	return parts > 1 && at == text.len;
}

/* Digits, dots and underscores with an exponent: 010, +1, 1_000, .5, 5., +1e3. */
static bool is_loose_decimal(struct str text, size_t at)
{
	size_t whole = skip(text, at, "0123456789_");
	size_t end = whole;
	bool digit;

	if (end < text.len && text.ptr[end] == '.')
		end = skip(text, end + 1, "0123456789_");
	digit = whole > at && is_digit(text.ptr[at]);
	if (end > whole + 1 && whole == at)
		digit = is_digit(text.ptr[at + 1]);
	return digit && is_exponent(text, end);
}

static bool is_number_elsewhere(struct str text)
{
	size_t at = text.len && (text.ptr[0] == '-' || text.ptr[0] == '+');

	return is_based_number(text, at) || is_sexagesimal(text, at) || is_loose_decimal(text, at);
}

enum yaml_plain yaml_plain_resolve(struct str text)
{
	int word;

	if (text.len == 0)
		return YAML_NULL;
	word = word_find(text);
	if (word >= 0)
		return words[word].meaning;
	if (is_json_number(text))
		return YAML_NUMBER;
	return is_number_elsewhere(text) ? YAML_SURPRISE : YAML_TEXT;
}

void yaml_plain_advise(struct str text, struct buf *out)
{
	int word = word_find(text);
	struct str digits = str_slice(text, text.ptr[0] == '+', text.len);
	uint64_t value;

	if (word >= 0 && words[word].instead)
		buf_printf(out, "write %s, or \"%.*s\" for the text", words[word].instead,
			   STR_ARGS(text));
	else if (str_has_prefix(digits, STR("0x")) &&
		 str_hex_to_u64(str_slice(digits, 2, digits.len), UINT64_MAX, &value) == 0)
		buf_printf(out, "write %" PRIu64 ", or \"%.*s\" for the text", value,
			   STR_ARGS(text));
	else if (digits.len < text.len && is_json_number(digits))
		buf_printf(out, "write %.*s, or \"%.*s\" for the text", STR_ARGS(digits),
			   STR_ARGS(text));
	else
		buf_printf(out, "write \"%.*s\" for the text, or the number in decimal digits",
			   STR_ARGS(text));
}
