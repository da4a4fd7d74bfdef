#include "proxy/path.h"

#include <stdint.h>

struct path_parts path_split(struct str path)
{
	size_t at = str_find(path, 0, '?');

	return (struct path_parts){
		.path = str_slice(path, 0, at),
		.query = str_slice(path, at + 1, path.len),
		.has_query = at < path.len,
	};
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = char_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_unreserved(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

/* Copies with escapes made canonical; returns the length, or SIZE_MAX for a broken one. */
static size_t unescape(struct str path, char *out)
{
	static const char upper[] = "0123456789ABCDEF";
	size_t n = 0;

	for (size_t i = 0; i < path.len; i++) {
		int high, low, c;

		if (path.ptr[i] != '%') {
			out[n++] = path.ptr[i] == '\\' ? '/' : path.ptr[i];
			continue;
		}
		high = i + 2 < path.len ? hex_value(path.ptr[i + 1]) : -1;
		low = i + 2 < path.len ? hex_value(path.ptr[i + 2]) : -1;
		c = high * 16 + low;
		if (high < 0 || low < 0 || c == 0)
			return SIZE_MAX;
		i += 2;
		if (is_unreserved(c)) {
			out[n++] = (char)c;
			continue;
		}
		out[n++] = '%';
		out[n++] = upper[high];
		out[n++] = upper[low];
	}
	return n;
}

/* RFC 3986 §5.2.4, in place. SIZE_MAX: ".." above the root. */
static size_t remove_dots(char *path, size_t len)
{
	size_t n = 0, i = 0;

	while (i < len) {
		size_t end = i + 1;
		size_t segment;

		while (end < len && path[end] != '/')
			end++;
		segment = end - i - 1;
		if (segment == 1 && path[i + 1] == '.') {
			if (end == len)
				path[n++] = '/';
		} else if (segment == 2 && path[i + 1] == '.' && path[i + 2] == '.') {
			if (n == 0)
				return SIZE_MAX;
			while (path[--n] != '/')
				;
			if (end == len)
				path[n++] = '/';
		} else {
			memmove(path + n, path + i, end - i);
			n += end - i;
		}
		i = end;
	}
	return n;
}

/* Nothing that normalisation would touch? One scan, which is all that most paths need. */
static bool is_plain(struct str path)
{
	for (size_t i = 0; i < path.len; i++) {
		char c = path.ptr[i];

		if (c == '%' || c == '\\')
			return false;
		if (c == '/' && i + 1 < path.len && path.ptr[i + 1] == '.')
			return false;
	}
	return true;
}

static struct str with_query(char *out, size_t len, struct path_parts parts)
{
	if (parts.has_query) {
		out[len++] = '?';
		if (parts.query.len)
			memcpy(out + len, parts.query.ptr, parts.query.len);
		len += parts.query.len;
	}
	return str_of(out, len);
}

bool path_normalize(struct str path, struct pool *pool, struct str *ret_path)
{
	struct path_parts parts = path_split(path);
	char *out;
	size_t n;

	if (parts.path.len == 0 || parts.path.ptr[0] != '/' || is_plain(parts.path)) {
		*ret_path = path;
		return true;
	}
	out = pool_alloc(pool, path.len + 1);
	n = unescape(parts.path, out);
	if (n == SIZE_MAX)
		return false;
	n = remove_dots(out, n);
	if (n == SIZE_MAX)
		return false;
	if (n == 0)
		out[n++] = '/';
	*ret_path = with_query(out, n, parts);
	return true;
}

struct str path_merge_slashes(struct str path, struct pool *pool)
{
	struct path_parts parts = path_split(path);
	bool found = false;
	char *out;
	size_t n = 0;

	for (size_t i = 0; i + 1 < parts.path.len && !found; i++)
		found = parts.path.ptr[i] == '/' && parts.path.ptr[i + 1] == '/';
	if (!found)
		return path;
	out = pool_alloc(pool, path.len + 1);
	for (size_t i = 0; i < parts.path.len; i++)
		if (parts.path.ptr[i] != '/' || n == 0 || out[n - 1] != '/')
			out[n++] = parts.path.ptr[i];
	return with_query(out, n, parts);
}

bool path_has_escaped_slash(struct str path)
{
	struct str p = path_split(path).path;

	for (size_t i = 0; i + 2 < p.len; i++) {
		if (p.ptr[i] != '%')
			continue;
		if (p.ptr[i + 1] == '2' && char_lower(p.ptr[i + 2]) == 'f')
			return true;
		if (p.ptr[i + 1] == '5' && char_lower(p.ptr[i + 2]) == 'c')
			return true;
	}
	return false;
}
