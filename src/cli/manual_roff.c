/*
 * Man pages: troff with the macros of man(7)
 */

#include "base/mem.h"
#include "cli/manual.h"

/* A hyphen of ours is one that can be typed; a dot at the begin of a line is no request. */
static void put(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		bool begins = i == 0 || text.ptr[i - 1] == '\n';

		if (begins && (c == '.' || c == '\''))
			buf_append_str(out, STR("\\&"));
		if (c == '\\')
			buf_append_str(out, STR("\\e"));
		else if (c == '-')
			buf_append_str(out, STR("\\-"));
		else
			buf_append_char(out, c);
	}
}

static void begin(struct buf *out, const char *name, const char *summary)
{
	char *page = mem_strdup(name);

	for (char *at = page; *at; at++)
		if (*at == ' ')
			*at = '-';
	buf_append_str(out, STR(".\\\" Made by: weft man\n.TH \""));
	put(out, str_from(page));
	buf_append_str(out, STR("\" 1 \"\" \"weft " WEFT_VERSION "\" \"Weft\"\n.SH NAME\n"));
	put(out, str_from(page));
	buf_append_str(out, STR(" \\- "));
	put(out, str_from(summary));
	buf_append_char(out, '\n');
	mem_free(page);
}

static void section(struct buf *out, const char *title)
{
	buf_append_str(out, STR(".SH \""));
	for (; *title; title++)
		buf_append_char(out, *title >= 'a' && *title <= 'z' ? (char)(*title - 32) : *title);
	buf_append_str(out, STR("\"\n"));
}

static void text(struct buf *out, struct str words)
{
	buf_append_str(out, STR(".PP\n"));
	put(out, words);
	buf_append_char(out, '\n');
}

static void literal(struct buf *out, struct str lines)
{
	buf_append_str(out, STR(".nf\n"));
	put(out, lines);
	buf_append_str(out, STR(".fi\n"));
}

static void item(struct buf *out, const char *term, struct str words)
{
	buf_append_str(out, STR(".TP\n\\fB"));
	put(out, str_from(term));
	buf_append_str(out, STR("\\fR\n"));
	put(out, words);
	buf_append_char(out, '\n');
}

const struct manual_format manual_roff = {
	.name = "man",
	.begin = begin,
	.section = section,
	.text = text,
	.literal = literal,
	.item = item,
};
