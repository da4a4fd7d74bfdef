/*
 * JSON, written
 *
 * What is written can be read back, and means the same inside a YAML double-quoted scalar:
 * characters that YAML calls unprintable or takes for line breaks are escaped here too, so
 * that the YAML writer needs no escapes of its own.
 */

#include "codec/node.h"

#include "codec/utf8.h"

#define INDENT_SPACES 2

static bool must_escape(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == '"' || code == '\\' ||
	       code == 0x2028 || code == 0x2029 || code == 0xfeff || code == 0xfffe ||
	       code == 0xffff;
}

static void write_escape(uint32_t code, struct buf *out)
{
	static const char codes[] = "\"\\\b\f\n\r\t";
	static const char names[] = "\"\\bfnrt";
	const char *named = code < 0x80 && code ? strchr(codes, (int)code) : NULL;

	if (named)
		buf_printf(out, "\\%c", names[named - codes]);
	else
		buf_printf(out, "\\u%04x", code);
}

void json_write_escaped(struct str text, struct buf *out)
{
	size_t from = 0; /* of the run that needs no change */
	size_t at = 0;

	while (at < text.len) {
		size_t start = at;
		uint32_t code;
		bool valid = utf8_next(text, &at, &code);

		if (valid && !must_escape(code))
			continue;
		buf_append_str(out, str_slice(text, from, start));
		if (valid)
			write_escape(code, out);
		else
			buf_append_str(out, STR("\xef\xbf\xbd"));
		from = at;
	}
	buf_append_str(out, str_slice(text, from, text.len));
}

void json_write_text(struct str text, struct buf *out)
{
	buf_append_char(out, '"');
	json_write_escaped(text, out);
	buf_append_char(out, '"');
}

static void write_scalar(const struct node *n, struct buf *out)
{
	if (n->kind == NODE_NULL)
		buf_append_str(out, STR("null"));
	else if (n->kind == NODE_BOOL)
		buf_append_str(out, n->boolean ? STR("true") : STR("false"));
	else if (n->kind == NODE_NUMBER)
		buf_append_str(out, n->text);
	else
		json_write_text(n->text, out);
}

static void write_line(struct buf *out, int indent)
{
	if (indent < 0)
		return;
	buf_printf(out, "\n%*s", indent, "");
}

/* indent: of this value's line, or -1 for all on one line. */
static void write(const struct node *n, struct buf *out, int indent)
{
	int inner = indent < 0 ? -1 : indent + INDENT_SPACES;
	bool map = n->kind == NODE_MAP;

	if (!map && n->kind != NODE_LIST) {
		write_scalar(n, out);
		return;
	}
	buf_append_char(out, map ? '{' : '[');
	node_for_each (child, n) {
		if (child != n->first)
			buf_append_char(out, ',');
		write_line(out, inner);
		if (map) {
			json_write_text(child->key, out);
			buf_append_str(out, indent < 0 ? STR(":") : STR(": "));
		}
		write(child, out, inner);
	}
	if (n->first)
		write_line(out, indent);
	buf_append_char(out, map ? '}' : ']');
}

void json_write(const struct node *n, struct buf *out)
{
	write(n, out, -1);
}

void json_write_pretty(const struct node *n, struct buf *out)
{
	write(n, out, 0);
	buf_append_char(out, '\n');
}
