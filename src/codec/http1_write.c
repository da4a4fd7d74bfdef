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

/* Where a head grows. */
struct out {
	char *at;
	char *end;
	bool full; /* there was not enough room */
};

static inline char *put(char *out, struct str s)
{
	if (s.len)
		memcpy(out, s.ptr, s.len);
	return out + s.len;
}

static inline bool has_room(struct out *o, size_t len)
{
	if (likely((size_t)(o->end - o->at) >= len))
		return true;
	o->full = true;
	return false;
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

static bool put_field(struct out *o, const struct header *field)
{
	if (unlikely(!field_is_valid(field)) ||
	    !has_room(o, field->name.len + field->value.len + SEPARATOR_BYTES))
		return false;
	o->at = put(o->at, field->name);
	o->at = put(o->at, STR(": "));
	o->at = put(o->at, field->value);
	o->at = put(o->at, STR("\r\n"));
	return true;
}

static inline bool put_run(struct out *o, const char *run, const char *end)
{
	size_t len = (size_t)(end - run);

	if (len == 0)
		return true;
	if (!has_room(o, len))
		return false;
	memcpy(o->at, run, len);
	o->at += len;
	return true;
}

/* Fields that are `dropped` (a bit per id) are left out. False: one must not be written, or
 * there is no room. */
static bool write_fields(struct out *o, const struct headers *h, uint64_t dropped)
{
	const char *run = NULL, *run_end = NULL;

	for (const struct header *field = h->items, *end = field + h->count; field != end;
	     field++) {
		if (field->id >= HEADER_ID_COUNT || dropped >> field->id & 1)
			continue;
		if (likely(is_line(field))) {
			if (field->name.ptr != run_end) {
				if (!put_run(o, run, run_end))
					return false;
				run = field->name.ptr;
			}
			run_end = field->value.ptr + field->value.len + 2;
			continue;
		}
		if (!put_run(o, run, run_end) || !put_field(o, field))
			return false;
		run = run_end = NULL;
	}
	return put_run(o, run, run_end);
}

static size_t fields_size(const struct headers *h)
{
	size_t bytes = 0;

	for (const struct header *field = h->items, *end = field + h->count; field != end; field++)
		bytes += field->name.len + field->value.len + SEPARATOR_BYTES;
	return bytes;
}

static size_t head_size(const struct headers *h)
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

static bool write_request_line(struct out *o, const struct headers *h)
{
	char *out = o->at;

	if (!request_is_valid(h) ||
	    !has_room(o, h->method.len + h->path.len + h->authority.len + START_BYTES_MAX))
		return false;
	out = put(out, h->method);
	*out++ = ' ';
	out = put(out, h->path);
	out = put(out, STR(" HTTP/1.1\r\nHost: "));
	out = put(out, h->authority);
	o->at = put(out, STR("\r\n"));
	return true;
}

static bool write_status_line(struct out *o, uint16_t status)
{
	struct str reason = status_text(status);
	char *out = o->at;

	if (status < 100 || status > 999 || !has_room(o, START_BYTES_MAX))
		return false;
	out = put(out, STR("HTTP/1.1 "));
	*out++ = (char)('0' + status / 100);
	*out++ = (char)('0' + status / 10 % 10);
	*out++ = (char)('0' + status % 10);
	*out++ = ' ';
	out = put(out, reason);
	o->at = put(out, STR("\r\n"));
	return true;
}

static char *write_additions(char *out, unsigned add)
{
	for (size_t i = 0; i < array_count(additions); i++)
		if (add & additions[i].add)
			out = put(out, additions[i].line);
	return out;
}

size_t http1_write_head(const struct headers *h, unsigned add, char *out, size_t room)
{
	struct out o = { out, out + room, false };
	uint64_t dropped = BIT(HEADER_HOST) | BIT(HEADER_TRANSFER_ENCODING);

	if (add & HTTP1_DROP_LENGTH)
		dropped |= BIT(HEADER_CONTENT_LENGTH);
	if (unlikely(!(h->status ? write_status_line(&o, h->status) : write_request_line(&o, h)) ||
		     !write_fields(&o, h, dropped) || !has_room(&o, ADDITION_BYTES_MAX)))
		return o.full ? head_size(h) : 0;
	if (add)
		o.at = write_additions(o.at, add);
	o.at = put(o.at, STR("\r\n"));
	return (size_t)(o.at - out);
}

#define FRAMING                                                                          \
	(BIT(HEADER_HOST) | BIT(HEADER_TRANSFER_ENCODING) | BIT(HEADER_CONTENT_LENGTH) | \
	 BIT(HEADER_CONNECTION) | BIT(HEADER_UPGRADE) | BIT(HEADER_TRAILER))

size_t http1_write_trailers(const struct headers *trailers, char *out, size_t room)
{
	struct out o = { out, out + room, false };

	if (has_room(&o, HTTP1_CHUNK_LAST.len)) {
		o.at = put(o.at, STR("0\r\n"));
		if (write_fields(&o, trailers, FRAMING) && has_room(&o, 2)) {
			o.at = put(o.at, STR("\r\n"));
			return (size_t)(o.at - out);
		}
	}
	return o.full ? fields_size(trailers) + HTTP1_CHUNK_LAST.len : 0;
}
