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

#define BIT(id)         (1ull << (id))
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
	return field->as_received && field->value.ptr == field->name.ptr + field->name.len + 2 &&
	       memcmp(field->value.ptr + field->value.len, "\r\n", 2) == 0;
}

/* A field that is not written as it came. */
static bool field_is_valid(const struct header *field)
{
	if (field->id == HEADER_OTHER &&
	    (field->name.len == 0 || !http1_all_are(field->name, HTTP1_TOKEN)))
		return false;
	return http1_is_clean(field->value);
}

static char *put_field(char *out, const struct header *field)
{
	if (unlikely(!field_is_valid(field)))
		return NULL;
	out = put(out, field->name);
	out = put(out, STR(": "));
	out = put(out, field->value);
	return put(out, STR("\r\n"));
}

/* Fields that are `dropped` (a bit per id) are left out. NULL: one must not be written. */
static char *write_fields(char *out, const struct headers *h, uint64_t dropped)
{
	const char *run = NULL, *run_end = NULL;

	for (const struct header *field = h->items, *end = field + h->count; field != end;
	     field++) {
		if (field->id >= HEADER_ID_COUNT || dropped >> field->id & 1)
			continue;
		if (likely(is_line(field))) {
			if (field->name.ptr != run_end) {
				out = put(out, str_of(run, (size_t)(run_end - run)));
				run = field->name.ptr;
			}
			run_end = field->value.ptr + field->value.len + 2;
			continue;
		}
		out = put(out, str_of(run, (size_t)(run_end - run)));
		run = run_end = NULL;
		out = put_field(out, field);
		if (unlikely(!out))
			return NULL;
	}
	return put(out, str_of(run, (size_t)(run_end - run)));
}

static size_t fields_size(const struct headers *h)
{
	size_t bytes = 0;

	for (const struct header *field = h->items, *end = field + h->count; field != end; field++)
		bytes += field->name.len + field->value.len + SEPARATOR_BYTES;
	return bytes;
}

size_t http1_head_size(const struct headers *h)
{
	return fields_size(h) + h->method.len + h->path.len + h->authority.len + START_BYTES_MAX +
	       ADDITION_BYTES_MAX;
}

/* No space, no control byte, no obs-text. */
static inline bool is_solid(struct str s)
{
	const char *end = s.ptr + s.len;

	return http1_scan_target(s.ptr, s.ptr, end) == end;
}

static bool request_is_valid(const struct headers *h)
{
	return h->path.len > 0 && is_solid(h->path) &&
	       (h->method_id != METHOD_OTHER ||
		(h->method.len > 0 && http1_all_are(h->method, HTTP1_TOKEN))) &&
	       (h->authority.len == 0 || is_solid(h->authority));
}

static char *write_request_line(char *out, const struct headers *h)
{
	if (!request_is_valid(h))
		return NULL;
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

	if (status < 100 || status > 999)
		return NULL;
	out = put(out, STR("HTTP/1.1 "));
	*out++ = (char)('0' + status / 100);
	*out++ = (char)('0' + status / 10 % 10);
	*out++ = (char)('0' + status % 10);
	*out++ = ' ';
	out = put(out, reason);
	return put(out, STR("\r\n"));
}

static char *write_additions(char *out, unsigned add)
{
	for (size_t i = 0; i < array_count(additions); i++)
		if (add & additions[i].add)
			out = put(out, additions[i].line);
	return out;
}

size_t http1_write_head(const struct headers *h, unsigned add, char *out)
{
	char *start = out;
	uint64_t dropped = BIT(HEADER_HOST) | BIT(HEADER_TRANSFER_ENCODING);

	if (add & HTTP1_DROP_LENGTH)
		dropped |= BIT(HEADER_CONTENT_LENGTH);
	out = h->status ? write_status_line(out, h->status) : write_request_line(out, h);
	if (out)
		out = write_fields(out, h, dropped);
	if (!out)
		return 0;
	if (add)
		out = write_additions(out, add);
	out = put(out, STR("\r\n"));
	return (size_t)(out - start);
}

#define FRAMING                                                                          \
	(BIT(HEADER_HOST) | BIT(HEADER_TRANSFER_ENCODING) | BIT(HEADER_CONTENT_LENGTH) | \
	 BIT(HEADER_CONNECTION) | BIT(HEADER_UPGRADE) | BIT(HEADER_TRAILER))

size_t http1_trailers_size(const struct headers *trailers)
{
	return fields_size(trailers) + HTTP1_CHUNK_LAST.len;
}

size_t http1_write_trailers(const struct headers *trailers, char *out)
{
	char *start = out;

	out = put(out, STR("0\r\n"));
	out = write_fields(out, trailers, FRAMING);
	if (!out)
		return 0;
	out = put(out, STR("\r\n"));
	return (size_t)(out - start);
}
