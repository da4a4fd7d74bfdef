/*
 * Paths: "spec.rules[0].name"
 *
 * A key of letters, digits and _-$@ stands as it is; any other is written as JSON text in
 * brackets, labels["app.kubernetes.io/name"], so that every path can be read back.
 */

#include "codec/node.h"

static bool key_is_plain(struct str key)
{
	for (size_t i = 0; i < key.len; i++) {
		char c = key.ptr[i];

		if (!((char_lower(c) >= 'a' && char_lower(c) <= 'z') || (c >= '0' && c <= '9') ||
		      c == '_' || c == '-' || c == '$' || c == '@'))
			return false;
	}
	return key.len > 0;
}

void node_path(const struct node *n, struct buf *out)
{
	if (!n->parent)
		return;
	node_path(n->parent, out);

	if (n->parent->kind == NODE_LIST) {
		buf_printf(out, "[%u]", n->index);
	} else if (key_is_plain(n->key)) {
		if (n->parent->parent)
			buf_append_char(out, '.');
		buf_append_str(out, n->key);
	} else {
		buf_append_char(out, '[');
		json_write_text(n->key, out);
		buf_append_char(out, ']');
	}
}

/* Behind "[": an index and "]". */
static const struct node *step_index(const struct node *list, struct str path, size_t *at)
{
	size_t end = str_find(path, *at, ']');
	uint64_t index;

	if (list->kind != NODE_LIST || end == path.len ||
	    str_to_u64(str_slice(path, *at, end), UINT32_MAX, &index) < 0)
		return NULL;
	*at = end + 1;
	node_for_each (child, list)
		if (child->index == index)
			return child;
	return NULL;
}

/* Behind "[": a quoted key and "]". */
static const struct node *step_quoted(const struct node *map, struct str path, size_t *at)
{
	node_for_each (child, map) {
		struct buf step = BUF_INIT(0);
		bool found;

		json_write_text(child->key, &step);
		buf_append_char(&step, ']');
		found = map->kind == NODE_MAP &&
			str_has_prefix(str_slice(path, *at, path.len), buf_str(&step));
		if (found)
			*at += buf_len(&step);
		buf_fini(&step);
		if (found)
			return child;
	}
	return NULL;
}

static const struct node *step_key(const struct node *n, struct str path, size_t *at)
{
	size_t start = *at;

	while (*at < path.len && path.ptr[*at] != '.' && path.ptr[*at] != '[')
		++*at;
	return node_get(n, str_slice(path, start, *at));
}

struct node *node_at(const struct node *n, const char *text)
{
	struct str path = str_from(text);
	size_t at = 0;

	while (n && at < path.len) {
		if (path.ptr[at] == '[') {
			at++;
			n = at < path.len && path.ptr[at] == '"' ? step_quoted(n, path, &at)
								 : step_index(n, path, &at);
		} else {
			at += path.ptr[at] == '.';
			n = step_key(n, path, &at);
		}
	}
	return (struct node *)n;
}

static int fail_at(struct diag *d, const struct node *n, struct position at, int error,
		   const char *format, va_list args)
{
	struct buf text = BUF_INIT(0);
	struct buf path = BUF_INIT(0);

	buf_vprintf(&text, format, args);
	node_path(n, &path);
	diag_fail(d, error, "%.*s", STR_ARGS(buf_str(&text)));
	diag_at(d, at);
	if (buf_len(&path))
		diag_path(d, buf_str(&path));
	buf_fini(&text);
	buf_fini(&path);
	return error;
}

int node_fail(struct diag *d, const struct node *n, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fail_at(d, n, n->at, error, format, args);
	va_end(args);
	return error;
}

int node_fail_key(struct diag *d, const struct node *n, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fail_at(d, n, n->key_at.line ? n->key_at : n->at, error, format, args);
	va_end(args);
	return error;
}
