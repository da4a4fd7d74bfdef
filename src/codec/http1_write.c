/*
 * Heads, written flat
 *
 * A message that is only passed on consists mostly of lines that lie in memory as they
 * arrived. Such lines that follow each other make a run, and a run is one copy. The check is
 * made on the bytes and not on trust: a field whose value was replaced or cut since is
 * written anew.
 */

#include "codec/http1.h"

#include <assert.h>

#include "codec/http1_scan.h"

#define SEPARATOR_BYTES 4 /* ": " and CRLF */

/* Fields of the framing that this codec writes by itself. */
static const struct {
	enum http1_add add;
	struct str line;
} additions[] = {
	{ HTTP1_ADD_CHUNKED, STR_INIT("transfer-encoding: chunked\r\n") },
	{ HTTP1_ADD_LENGTH_ZERO, STR_INIT("content-length: 0\r\n") },
	{ HTTP1_ADD_CLOSE, STR_INIT("connection: close\r\n") },
	{ HTTP1_ADD_KEEP_ALIVE, STR_INIT("connection: keep-alive\r\n") },
};

#define ADDITION_BYTES_MAX 128
/* "HTTP/1.1 200 ", a reason, "GET", spaces, the empty line, and "Host: ". */
#define START_BYTES_MAX    128

static inline char *put(char *out, struct str s)
{
	if (s.len)
		memcpy(out, s.ptr, s.len);
	return out + s.len;
}

/* Does the line of the field stand in memory as it is to be sent? */
static inline bool is_line(const struct header *field)
{
	const char *end = field->value.ptr + field->value.len;

	return field->as_received && field->value.ptr == field->name.ptr + field->name.len + 2 &&
	       end[0] == '\r' && end[1] == '\n';
}

static bool is_clean(struct str value)
{
	const char *end = value.ptr + value.len;

	return value.len == 0 || http1_scan_value(value.ptr, value.ptr, end) == end;
}

static bool field_is_valid(const struct header *field)
{
	if (field->as_received && is_line(field))
		return true;
	if (field->id == HEADER_OTHER &&
	    (field->name.len == 0 || !http1_all_are(field->name, HTTP1_TOKEN)))
		return false;
	return is_clean(field->value);
}

/* The fields' bytes; 0 when one of them must not be written. Never 0 otherwise. */
static size_t fields_size(const struct headers *h)
{
	size_t bytes = 1;

	headers_for_each (field, h) {
		if (!field_is_valid(field))
			return 0;
		bytes += field->name.len + field->value.len + SEPARATOR_BYTES;
	}
	return bytes;
}

/* Fields that are `dropped` (a bit per id) are left out. */
static char *write_fields(char *out, const struct headers *h, uint64_t dropped)
{
	const char *run = NULL, *run_end = NULL;

	headers_for_each (field, h) {
		if (dropped >> field->id & 1)
			continue;
		if (is_line(field)) {
			if (field->name.ptr != run_end) {
				out = put(out, str_of(run, (size_t)(run_end - run)));
				run = field->name.ptr;
			}
			run_end = field->value.ptr + field->value.len + 2;
			continue;
		}
		out = put(out, str_of(run, (size_t)(run_end - run)));
		run = run_end = NULL;
		out = put(out, field->name);
		out = put(out, STR(": "));
		out = put(out, field->value);
		out = put(out, STR("\r\n"));
	}
	return put(out, str_of(run, (size_t)(run_end - run)));
}

static bool request_is_valid(const struct headers *h)
{
	const char *path_end = h->path.ptr + h->path.len;

	return h->method.len > 0 && http1_all_are(h->method, HTTP1_TOKEN) && h->path.len > 0 &&
	       http1_scan_target(h->path.ptr, h->path.ptr, path_end) == path_end &&
	       (h->authority.len == 0 || http1_host_is_valid(h->authority));
}

size_t http1_head_size(const struct headers *h)
{
	size_t bytes = fields_size(h);
	bool valid = h->status ? h->status >= 100 && h->status <= 999 : request_is_valid(h);

	if (!valid || bytes == 0)
		return 0;
	return bytes + h->method.len + h->path.len + h->authority.len + START_BYTES_MAX +
	       ADDITION_BYTES_MAX;
}

static char *write_request_line(char *out, const struct headers *h)
{
	out = put(out, h->method);
	*out++ = ' ';
	out = put(out, h->path);
	out = put(out, STR(" HTTP/1.1\r\nHost: "));
	out = put(out, h->authority);
	return put(out, STR("\r\n"));
}

static char *write_status_line(char *out, uint16_t status)
{
	struct str reason = status_text(status);

	out = put(out, STR("HTTP/1.1 "));
	*out++ = (char)('0' + status / 100);
	*out++ = (char)('0' + status / 10 % 10);
	*out++ = (char)('0' + status % 10);
	*out++ = ' ';
	out = put(out, reason);
	return put(out, STR("\r\n"));
}

size_t http1_write_head(const struct headers *h, unsigned add, char *out)
{
	char *start = out;
	uint64_t dropped = 1ull << HEADER_HOST | 1ull << HEADER_TRANSFER_ENCODING;

	if (add & HTTP1_DROP_LENGTH)
		dropped |= 1ull << HEADER_CONTENT_LENGTH;
	out = h->status ? write_status_line(out, h->status) : write_request_line(out, h);
	out = write_fields(out, h, dropped);
	for (size_t i = 0; i < array_count(additions); i++)
		if (add & additions[i].add)
			out = put(out, additions[i].line);
	out = put(out, STR("\r\n"));
	return (size_t)(out - start);
}

#define FRAMING                                                                                   \
	(1ull << HEADER_HOST | 1ull << HEADER_TRANSFER_ENCODING | 1ull << HEADER_CONTENT_LENGTH | \
	 1ull << HEADER_CONNECTION | 1ull << HEADER_UPGRADE | 1ull << HEADER_TRAILER)

size_t http1_trailers_size(const struct headers *trailers)
{
	size_t bytes = fields_size(trailers);

	return bytes ? bytes + HTTP1_CHUNK_LAST.len : 0;
}

size_t http1_write_trailers(const struct headers *trailers, char *out)
{
	char *start = out;

	out = put(out, STR("0\r\n"));
	out = write_fields(out, trailers, FRAMING);
	out = put(out, STR("\r\n"));
	return (size_t)(out - start);
}
