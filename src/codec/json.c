/*
 * JSON, read strictly (RFC 8259)
 *
 * One value and white space around it, nothing else: no comments, no trailing commas, no byte
 * order mark, well-formed UTF-8 only, no lone surrogates. Stricter than the RFC asks: duplicate
 * names are refused, and the character U+0000, which would end the text early for half of the
 * world's programs. The reader does not recurse; the open containers are the tree itself.
 */

#include "codec/node_build.h"

#include <assert.h>

#include "codec/utf8.h"

struct json_reader {
	struct str text;
	size_t at;
	uint32_t line;
	size_t line_start; /* offset of the first byte of this line */
	struct node_build build;
};

static struct position position_at(const struct json_reader *j, size_t offset)
{
	return (struct position){ j->line, (uint32_t)(offset - j->line_start) + 1 };
}

static struct position position_of(const struct json_reader *j)
{
	return position_at(j, j->at);
}

/* The byte at the cursor; 0 at the end (and for a zero byte, which fits nowhere). */
static char peek(const struct json_reader *j)
{
	return j->at < j->text.len ? j->text.ptr[j->at] : 0;
}

static bool at_end(const struct json_reader *j)
{
	return j->at == j->text.len;
}

static void skip_space(struct json_reader *j)
{
	for (; j->at < j->text.len; j->at++) {
		char c = j->text.ptr[j->at];

		if (c == '\n') {
			j->line++;
			j->line_start = j->at + 1;
		} else if (c != ' ' && c != '\t' && c != '\r') {
			return;
		}
	}
}

/* "expected a value, found ..." at the cursor. */
static int fail_unexpected(struct json_reader *j, const char *expected)
{
	struct position at = position_of(j);
	unsigned char c = (unsigned char)peek(j);

	if (at_end(j))
		return node_build_fail(&j->build, ERR_SYNTAX, at,
				       "expected %s, found the end of the text", expected);
	if (c > 0x20 && c < 0x7f)
		return node_build_fail(&j->build, ERR_SYNTAX, at, "expected %s, found '%c'",
				       expected, c);
	return node_build_fail(&j->build, ERR_SYNTAX, at, "expected %s, found the byte 0x%02x",
			       expected, c);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t skip_digits(struct json_reader *j)
{
	size_t start = j->at;

	while (is_digit(peek(j)))
		j->at++;
	return j->at - start;
}

static int read_number(struct json_reader *j)
{
	struct position at = position_of(j);
	size_t start = j->at;
	struct node *n;
	int r;

	if (peek(j) == '-')
		j->at++;
	if (peek(j) == '0')
		j->at++;
	else if (!skip_digits(j))
		return fail_unexpected(j, "a digit");
	if (is_digit(peek(j)))
		return node_build_fail(&j->build, ERR_SYNTAX, at, "a number must not begin with 0");
	if (peek(j) == '.') {
		j->at++;
		if (!skip_digits(j))
			return fail_unexpected(j, "a digit");
	}
	if (char_lower(peek(j)) == 'e') {
		j->at++;
		if (peek(j) == '+' || peek(j) == '-')
			j->at++;
		if (!skip_digits(j))
			return fail_unexpected(j, "a digit");
	}

	r = node_build_value(&j->build, NODE_NUMBER, at, &n);
	if (r < 0)
		return r;
	n->text = pool_strdup(j->build.pool, str_slice(j->text, start, j->at));
	return 0;
}

/* Four hexadecimal digits behind "\u". */
static int read_hex4(struct json_reader *j, uint32_t *ret_unit)
{
	uint64_t value;

	if (j->text.len - j->at < 4 ||
	    str_hex_to_u64(str_slice(j->text, j->at, j->at + 4), 0xffff, &value) < 0)
		return node_build_fail(&j->build, ERR_SYNTAX, position_of(j),
				       "expected four hexadecimal digits behind \\u");
	j->at += 4;
	*ret_unit = (uint32_t)value;
	return 0;
}

/* Behind "\u": one code point, which may need a second escape. */
static int read_unicode(struct json_reader *j, char **out)
{
	size_t start = j->at - 2;
	uint32_t code = 0;
	uint32_t low = 0;
	int r;

	r = read_hex4(j, &code);
	if (r < 0)
		return r;
	if (code == 0)
		return node_build_fail(&j->build, ERR_SYNTAX, position_at(j, start),
				       "text must not contain the character U+0000");
	if (code >= 0xd800 && code < 0xe000) {
		if (code >= 0xdc00 ||
		    !str_has_prefix(str_slice(j->text, j->at, j->text.len), STR("\\u")))
			return node_build_fail(&j->build, ERR_SYNTAX, position_at(j, start),
					       "half of a surrogate pair");
		j->at += 2;
		r = read_hex4(j, &low);
		if (r < 0)
			return r;
		if (low < 0xdc00 || low >= 0xe000)
			return node_build_fail(&j->build, ERR_SYNTAX, position_at(j, start),
					       "half of a surrogate pair");
		code = 0x10000 + ((code - 0xd800) << 10 | (low - 0xdc00));
	}
	*out = utf8_put(*out, code);
	return 0;
}

static int read_escape(struct json_reader *j, char **out)
{
	static const char names[] = "\"\\/bfnrt";
	static const char values[] = "\"\\/\b\f\n\r\t";
	const char *name;

	j->at++; /* the backslash */
	if (peek(j) == 'u') {
		j->at++;
		return read_unicode(j, out);
	}
	name = at_end(j) || !peek(j) ? NULL : strchr(names, peek(j));
	if (!name)
		return fail_unexpected(j, "one of \" \\ / b f n r t u behind a backslash");
	*(*out)++ = values[name - names];
	j->at++;
	return 0;
}

/* Offset of the quote that ends the text, or of the end; no escape is looked into. */
static size_t text_end(const struct json_reader *j)
{
	size_t i = j->at;

	while (i < j->text.len && j->text.ptr[i] != '"')
		i += j->text.ptr[i] == '\\' ? 2 : 1;
	return min_of(i, j->text.len);
}

/* What an escape writes is never longer than the escape, so the source's length is enough. */
static int read_text(struct json_reader *j, struct str *ret_text)
{
	size_t start = ++j->at; /* the quote */
	size_t size = text_end(j) - start;
	char *memory = pool_alloc(j->build.pool, size + 1);
	char *out = memory;
	int r;

	while (peek(j) != '"') {
		if (at_end(j) || (unsigned char)peek(j) < 0x20)
			return fail_unexpected(j, "a character of the text or \"");
		if (peek(j) != '\\') {
			*out++ = j->text.ptr[j->at++];
			continue;
		}
		r = read_escape(j, &out);
		if (r < 0)
			return r;
	}
	j->at++;
	assert((size_t)(out - memory) <= size);
	*out = 0;
	*ret_text = str_of(memory, (size_t)(out - memory));
	return 0;
}

static int read_text_value(struct json_reader *j)
{
	struct position at = position_of(j);
	struct str text;
	struct node *n;
	int r;

	r = read_text(j, &text);
	if (r < 0)
		return r;
	r = node_build_value(&j->build, NODE_TEXT, at, &n);
	if (r < 0)
		return r;
	n->text = text;
	return 0;
}

static const struct {
	struct str text;
	enum node_kind kind;
} words[] = {
	{ STR_INIT("true"), NODE_BOOL },
	{ STR_INIT("false"), NODE_BOOL },
	{ STR_INIT("null"), NODE_NULL },
};

static int read_word(struct json_reader *j)
{
	struct str rest = str_slice(j->text, j->at, j->text.len);
	struct node *n;
	int r;

	for (size_t i = 0; i < array_count(words); i++) {
		if (!str_has_prefix(rest, words[i].text))
			continue;
		r = node_build_value(&j->build, words[i].kind, position_of(j), &n);
		if (r < 0)
			return r;
		n->text = words[i].text;
		n->boolean = i == 0;
		j->at += words[i].text.len;
		return 0;
	}
	return fail_unexpected(j, "a value");
}

/* A name and its colon, the cursor on the quote. */
static int read_name(struct json_reader *j)
{
	struct position at = position_of(j);
	struct str name;
	int r;

	if (peek(j) != '"')
		return fail_unexpected(j, "a name in quotes");
	r = read_text(j, &name);
	if (r < 0)
		return r;
	r = node_build_key(&j->build, name, at);
	if (r < 0)
		return r;
	skip_space(j);
	if (peek(j) != ':')
		return fail_unexpected(j, "':'");
	j->at++;
	skip_space(j);
	return 0;
}

static char closer(const struct node *container)
{
	return container->kind == NODE_MAP ? '}' : ']';
}

/* A value: whole, or the opening of a container. */
static int read_value(struct json_reader *j)
{
	char c = peek(j);
	int r;

	if (c == '"')
		return read_text_value(j);
	if (c == '-' || is_digit(c))
		return read_number(j);
	if (c != '{' && c != '[')
		return read_word(j);

	r = node_build_open(&j->build, c == '{' ? NODE_MAP : NODE_LIST, position_of(j));
	if (r < 0)
		return r;
	j->at++;
	return 0;
}

/* Closes containers and steps over the comma, up to where the next value or name begins. */
static int read_between(struct json_reader *j)
{
	const struct node *container;

	for (;;) {
		skip_space(j);
		container = j->build.current;
		if (!container)
			return 0;
		if (peek(j) == closer(container)) {
			j->at++;
			node_build_close(&j->build);
			continue;
		}
		if (container->count == 0)
			return 0;
		if (peek(j) != ',')
			return fail_unexpected(j, container->kind == NODE_MAP ? "',' or '}'"
									      : "',' or ']'");
		j->at++;
		skip_space(j);
		return 0;
	}
}

static int read_all(struct json_reader *j)
{
	int r;

	skip_space(j);
	do {
		if (j->build.current && j->build.current->kind == NODE_MAP) {
			r = read_name(j);
			if (r < 0)
				return r;
		}
		r = read_value(j);
		if (r < 0)
			return r;
		r = read_between(j);
		if (r < 0)
			return r;
	} while (j->build.current);

	if (!at_end(j))
		return fail_unexpected(j, "nothing behind the value");
	return 0;
}

static int check_utf8(struct json_reader *j)
{
	size_t at = 0;

	while (at < j->text.len) {
		size_t start = at;
		uint32_t code;

		if (!utf8_next(j->text, &at, &code))
			return node_build_fail(&j->build, ERR_SYNTAX, position_at(j, start),
					       "the text is not UTF-8 here");
		if (code == '\n') {
			j->line++;
			j->line_start = at;
		}
	}
	j->line = 1;
	j->line_start = 0;
	return 0;
}

int json_parse(struct str text, const struct node_limits *limits, struct pool *pool,
	       struct node **ret_root, struct diag *d)
{
	struct json_reader j = { .text = text, .line = 1 };
	int r;

	node_build_init(&j.build, limits, pool, d);
	if (str_has_prefix(text, STR("\xef\xbb\xbf")))
		r = node_build_fail(&j.build, ERR_SYNTAX, position_of(&j),
				    "a byte order mark stands before the value");
	else
		r = check_utf8(&j);
	if (r == 0)
		r = read_all(&j);
	if (r == 0)
		*ret_root = j.build.root;
	node_build_fini(&j.build);
	return r;
}
