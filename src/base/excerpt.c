#include "base/excerpt.h"

#include <string.h>

#define CODE_COLUMN    80
#define LINE_BYTES_MAX 160 /* of longer lines a part around the place is shown */
#define BEFORE_BYTES   60

static bool is_first_byte(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

/* Characters of UTF-8, each taken for one column. */
static int columns(struct str s)
{
	int count = 0;

	for (size_t i = 0; i < s.len; i++)
		count += is_first_byte(s.ptr[i]);
	return count;
}

static void write_head(const struct diag *d, struct buf *out)
{
	struct buf line = BUF_INIT(0);

	buf_printf(&line, "error: %s", d->text ? d->text : err_text(d->error));
	buf_append_str(out, buf_str(&line));
	if (d->code) {
		int used = columns(buf_str(&line)) + (int)strlen(d->code) + 2;

		buf_printf(out, "%*s[%s]", used < CODE_COLUMN ? CODE_COLUMN - used : 1, "",
			   d->code);
	}
	buf_append_char(out, '\n');
	buf_fini(&line);
}

/* "  --> reviews.yaml:17:5", or the path where there is no place. */
static void write_place(const struct diag *d, int margin, struct buf *out)
{
	if (!d->file && !d->at.line && !d->path)
		return;
	buf_printf(out, "%*s--> ", margin, "");
	if (d->file)
		buf_append_str(out, str_from(d->file));
	if (d->at.line)
		buf_printf(out, "%s%u:%u", d->file ? ":" : "line ", d->at.line, d->at.column);
	else if (d->path)
		buf_printf(out, "%s%s", d->file ? ": " : "", d->path);
	buf_append_char(out, '\n');
}

/* False: the text has no such line. */
static bool find_line(struct str source, uint32_t line, struct str *ret_line)
{
	size_t start = 0;
	size_t end;

	for (uint32_t i = 1; i < line; i++) {
		start = str_find(source, start, '\n') + 1;
		if (start > source.len)
			return false;
	}
	end = str_find(source, start, '\n');
	if (end > start && source.ptr[end - 1] == '\r')
		end--;
	*ret_line = str_slice(source, start, end);
	return start < source.len;
}

static bool is_word(char c)
{
	return c && !strchr(" \t:,{}[]\"'#", c);
}

/* Where the word at `from` ends: what the carets stand under. */
static size_t word_end(struct str line, size_t from)
{
	size_t i = from;

	if (from < line.len && (line.ptr[from] == '"' || line.ptr[from] == '\'')) {
		i = str_find(line, from + 1, line.ptr[from]);
		return i < line.len ? i + 1 : line.len;
	}
	while (i < line.len && is_word(line.ptr[i]))
		i++;
	return i > from ? i : from + 1;
}

/* Blanks as wide as the text: tabs stay tabs. */
static void write_blank(struct str s, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++)
		if (is_first_byte(s.ptr[i]))
			buf_append_char(out, s.ptr[i] == '\t' ? '\t' : ' ');
}

/* Control characters would move the cursor of a terminal. */
static void write_source(struct str line, struct buf *out)
{
	for (size_t i = 0; i < line.len; i++) {
		unsigned char c = (unsigned char)line.ptr[i];

		buf_append_char(out, (c < 0x20 && c != '\t') || c == 0x7f ? '?' : line.ptr[i]);
	}
	buf_append_char(out, '\n');
}

static size_t char_start(struct str s, size_t i)
{
	while (i > 0 && i < s.len && !is_first_byte(s.ptr[i]))
		i--;
	return i;
}

/* The part of the line that is shown; *from moves along. */
static struct str window(struct str line, size_t *from)
{
	size_t start = 0;
	size_t end;

	if (line.len > LINE_BYTES_MAX && *from > BEFORE_BYTES)
		start = char_start(line, *from - BEFORE_BYTES);
	end = char_start(line, min_of(start + LINE_BYTES_MAX, line.len));
	*from -= start;
	return str_slice(line, start, end);
}

static void write_lines(const struct diag *d, struct str line, int margin, struct buf *out)
{
	size_t from = min_of((size_t)(d->at.column ? d->at.column - 1 : 0), line.len);
	struct str shown = window(line, &from);
	int carets = columns(str_slice(shown, from, word_end(shown, from)));

	buf_printf(out, "%*s |\n%*u | ", margin, "", margin, d->at.line);
	write_source(shown, out);
	buf_printf(out, "%*s | ", margin, "");
	write_blank(str_slice(shown, 0, from), out);
	for (int i = 0; i < (carets ? carets : 1); i++)
		buf_append_char(out, '^');
	if (d->hint)
		buf_printf(out, " %s", d->hint);
	buf_printf(out, "\n%*s |\n", margin, "");
}

static int digits(uint32_t n)
{
	return n < 10 ? 1 : 1 + digits(n / 10);
}

void excerpt_write(const struct diag *d, struct str source, struct buf *out)
{
	int margin = digits(d->at.line);
	struct str line;

	write_head(d, out);
	write_place(d, margin, out);
	if (d->at.line && find_line(source, d->at.line, &line))
		write_lines(d, line, margin, out);
	else if (d->hint)
		buf_printf(out, "%*s  %s\n", margin, "", d->hint);
}
