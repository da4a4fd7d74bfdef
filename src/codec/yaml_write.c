/*
 * YAML, written in block style
 *
 * Text stands plain where the reader takes it back as that text, as a literal block where it
 * has lines, and otherwise in double quotes, where YAML means what JSON means. A list inside a
 * map is not indented, as kubectl writes it.
 */

#include "codec/node.h"

#include "codec/yaml_plain.h"

#define INDENT_SPACES    2
#define KEY_SIMPLE_BYTES 1000 /* YAML ends a simple key after 1,024 characters */

static bool char_is_word(char c)
{
	return (char_lower(c) >= 'a' && char_lower(c) <= 'z') || (c >= '0' && c <= '9');
}

static bool char_is_plain(char c)
{
	return char_is_word(c) || (c && strchr("_-./@+=,%():;~", c));
}

/* May it stand without quotes? Fewer texts than YAML allows, none that needs a rule. */
static bool text_is_plain(struct str text)
{
	if (text.len == 0 || !(char_is_word(text.ptr[0]) || strchr("_./", text.ptr[0])))
		return false;
	for (size_t i = 1; i < text.len; i++) {
		bool last = i + 1 == text.len;

		if (text.ptr[i] == ' ' && !last && char_is_word(text.ptr[i + 1]) &&
		    text.ptr[i - 1] != ':')
			continue;
		if (!char_is_plain(text.ptr[i]) || (text.ptr[i] == ':' && last))
			return false;
	}
	/* "..." would end the document. */
	return !str_has_prefix(text, STR("...")) && yaml_plain_resolve(text) == YAML_TEXT;
}

/* The key and its colon. A long one needs YAML's explicit form: "? key", ": value". */
static void write_key(struct str key, int indent, struct buf *out)
{
	struct buf text = BUF_INIT(0);

	if (text_is_plain(key))
		buf_append_str(&text, key);
	else
		json_write_text(key, &text);

	if (buf_len(&text) <= KEY_SIMPLE_BYTES)
		buf_printf(out, "%.*s:", STR_ARGS(buf_str(&text)));
	else
		buf_printf(out, "? %.*s\n%*s:", STR_ARGS(buf_str(&text)), indent, "");
	buf_fini(&text);
}

/* Lines of printable ASCII, none empty or with a space at either end. */
static bool text_is_block(struct str text)
{
	if (str_find(text, 0, '\n') == text.len)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		bool starts = i == 0 || text.ptr[i - 1] == '\n';
		bool ends = i + 1 == text.len || text.ptr[i + 1] == '\n';

		if (c == '\n' ? starts : c < 0x20 || c > 0x7e || (c == ' ' && (starts || ends)))
			return false;
	}
	return true;
}

static void write_block(struct str text, int indent, struct buf *out)
{
	bool ended = str_has_suffix(text, STR("\n"));
	struct str rest = ended ? str_slice(text, 0, text.len - 1) : text;
	struct str line;

	buf_append_str(out, ended ? STR("|") : STR("|-"));
	while (str_split(&rest, '\n', &line))
		buf_printf(out, "\n%*s%.*s", indent, "", STR_ARGS(line));
}

static void write_text(struct str text, int indent, struct buf *out)
{
	if (text_is_plain(text))
		buf_append_str(out, text);
	else if (text_is_block(text))
		write_block(text, indent, out);
	else
		json_write_text(text, out);
}

static bool is_open(const struct node *n)
{
	return n->first && (n->kind == NODE_MAP || n->kind == NODE_LIST);
}

static void write_children(const struct node *n, int indent, struct buf *out);

/* Behind "key:" or "-"; indent is that of the line it stands on. */
static void write_value(const struct node *n, int indent, struct buf *out)
{
	bool in_list = n->parent && n->parent->kind == NODE_LIST;
	int inner = indent + (n->kind == NODE_LIST && !in_list ? 0 : INDENT_SPACES);

	if (!is_open(n)) {
		buf_append_char(out, ' ');
		if (n->kind == NODE_TEXT)
			write_text(n->text, indent + INDENT_SPACES, out);
		else
			json_write(n, out);
		buf_append_char(out, '\n');
	} else if (in_list) {
		buf_append_char(out, ' '); /* the first child stands on the line of the dash */
		write_children(n, inner, out);
	} else {
		buf_append_char(out, '\n');
		buf_printf(out, "%*s", inner, "");
		write_children(n, inner, out);
	}
}

/* The indentation of the first child is there already. */
static void write_children(const struct node *n, int indent, struct buf *out)
{
	node_for_each (child, n) {
		if (child != n->first)
			buf_printf(out, "%*s", indent, "");
		if (n->kind == NODE_LIST)
			buf_append_char(out, '-');
		else
			write_key(child->key, indent, out);
		write_value(child, indent, out);
	}
}

void yaml_write(const struct node *n, struct buf *out)
{
	if (is_open(n)) {
		write_children(n, 0, out);
		return;
	}
	if (n->kind == NODE_TEXT)
		json_write_text(n->text, out);
	else
		json_write(n, out);
	buf_append_char(out, '\n');
}
