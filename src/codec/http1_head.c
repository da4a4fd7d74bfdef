/*
 * Heads: one walk over the bytes
 *
 *	start line    method SP target SP version CRLF  |  version SP status SP reason CRLF
 *	field lines   name ":" OWS value OWS CRLF       until an empty line
 *	conclusion    what the framing fields say together
 *
 * Each step returns a verdict: go on, more bytes, or a fault that stands in head->fault.
 */

#include "codec/http1.h"

#include <assert.h>

#include "codec/http1_scan.h"

/* So many empty lines may stand in front of a request. */
#define EMPTY_LINES_MAX 4

enum step {
	STEP_OK,
	STEP_MORE,
	STEP_BAD,
};

/* One attempt at a head. */
struct parse {
	const char *begin;
	const char *p;
	const char *end;
	struct headers *h;
	struct http1_head *head;
	const struct http1_limits *limits;
	uint32_t room;     /* fields that fit, in memory and by the limit */
	uint64_t seen;     /* bit per enum header_id, of those in FRAMING */
	struct str host;   /* value of Host */
	struct str length; /* value of Content-Length */
	bool close;        /* Connection: close */
	bool keep_alive;   /* Connection: keep-alive */
	bool upgrade;      /* Connection: upgrade */
};

#define BIT(id)     (1ull << (id))
#define SEEN(c, id) ((c)->seen & BIT(id))

static_assert(HEADER_ID_COUNT <= 64, "a bit for each well-known name");

/* What needs a look while it is read. */
#define FRAMING                                                                          \
	(BIT(HEADER_HOST) | BIT(HEADER_CONTENT_LENGTH) | BIT(HEADER_TRANSFER_ENCODING) | \
	 BIT(HEADER_CONNECTION) | BIT(HEADER_UPGRADE) | BIT(HEADER_EXPECT))

static enum step bad(struct parse *c, enum http1_fault fault)
{
	c->head->fault = fault;
	return STEP_BAD;
}

/* Takes `text` off the front. */
static inline enum step take_text(struct parse *c, struct str text, enum http1_fault fault)
{
	size_t have = (size_t)(c->end - c->p);

	if (likely(have >= text.len && memcmp(c->p, text.ptr, text.len) == 0)) {
		c->p += text.len;
		return STEP_OK;
	}
	if (have < text.len && memcmp(c->p, text.ptr, have) == 0)
		return STEP_MORE;
	return bad(c, fault);
}

static inline enum step take_line_end(struct parse *c)
{
	return take_text(c, STR("\r\n"), HTTP1_FAULT_LINE_END);
}

/* "HTTP/1.1" or "HTTP/1.0". */
static enum step take_version(struct parse *c)
{
	enum step step;

	if (likely(c->end - c->p >= 8 && memcmp(c->p, "HTTP/1.1", 8) == 0)) {
		c->h->version = 11;
		c->p += 8;
		return STEP_OK;
	}
	step = take_text(c, STR("HTTP/1."), HTTP1_FAULT_VERSION);
	if (step != STEP_OK)
		return step;
	if (c->p == c->end)
		return STEP_MORE;
	if (*c->p != '1' && *c->p != '0')
		return bad(c, HTTP1_FAULT_VERSION);
	c->h->version = (uint8_t)(10 + *c->p++ - '0');
	return STEP_OK;
}

static enum step take_method(struct parse *c)
{
	const char *start = c->p;

	if (likely(c->end - start >= 4 && memcmp(start, "GET ", 4) == 0)) {
		c->h->method = str_of(start, 3);
		c->h->method_id = METHOD_GET;
		c->p += 4;
		return STEP_OK;
	}
	while (c->p < c->end && http1_is(*c->p, HTTP1_TOKEN))
		c->p++;
	if (c->p == c->end)
		return STEP_MORE;
	if (c->p == start || *c->p != ' ')
		return bad(c, HTTP1_FAULT_METHOD);
	c->h->method = str_of(start, (size_t)(c->p - start));
	c->h->method_id = method_of(c->h->method);
	c->p++;
	return STEP_OK;
}

/* "http://authority/path?query" in pieces. */
static enum step split_absolute(struct parse *c, struct str target)
{
	static const struct str schemes[] = { STR_INIT("http"), STR_INIT("https") };
	struct headers *h = c->h;
	struct str rest = STR_EMPTY;
	size_t len = 0;

	for (size_t i = 0; i < array_count(schemes) && !rest.len; i++) {
		size_t n = schemes[i].len;

		if (target.len > n + 3 && str_eq_nocase(str_slice(target, 0, n), schemes[i]) &&
		    memcmp(target.ptr + n, "://", 3) == 0) {
			h->scheme = schemes[i];
			rest = str_slice(target, n + 3, target.len);
		}
	}
	while (len < rest.len && rest.ptr[len] != '/' && rest.ptr[len] != '?')
		len++;
	h->authority = str_slice(rest, 0, len);
	if (!http1_host_is_valid(h->authority))
		return bad(c, HTTP1_FAULT_TARGET);
	h->path = str_slice(rest, len, rest.len);
	if (h->path.len == 0)
		h->path = h->method_id == METHOD_OPTIONS ? STR("*") : STR("/");
	else if (h->path.ptr[0] == '?')
		h->path = pool_printf(h->pool, "/%.*s", STR_ARGS(h->path));
	return STEP_OK;
}

/* RFC 9112 §3.2: the form of a target depends on the method. */
static enum step take_target(struct parse *c)
{
	const char *start = c->p;
	struct headers *h = c->h;
	struct str target;

	c->p = http1_scan_target(c->begin, c->p, c->end);
	if (c->p == c->end)
		return STEP_MORE;
	if (c->p == start || *c->p != ' ')
		return bad(c, HTTP1_FAULT_TARGET);
	target = str_of(start, (size_t)(c->p - start));
	c->p++;

	if (h->method_id == METHOD_CONNECT) {
		h->authority = target;
		/* The port must be there. */
		if (!http1_host_is_valid(target) || http1_host_name_len(target) + 1 >= target.len)
			return bad(c, HTTP1_FAULT_TARGET);
		return STEP_OK;
	}
	if (likely(*start == '/') || (h->method_id == METHOD_OPTIONS && str_eq(target, STR("*")))) {
		h->path = target;
		return STEP_OK;
	}
	return split_absolute(c, target);
}

static enum step take_request_line(struct parse *c)
{
	enum step step;

	/* RFC 9112 §2.2: empty lines in front are the leftover of an old client. */
	for (int lines = 0; lines < EMPTY_LINES_MAX && c->p < c->end && *c->p == '\r'; lines++) {
		step = take_line_end(c);
		if (step != STEP_OK)
			return step;
	}
	step = take_method(c);
	if (step == STEP_OK)
		step = take_target(c);
	if (step == STEP_OK)
		step = take_version(c);
	if (step == STEP_OK)
		step = take_line_end(c);
	return step;
}

static enum step take_status_line(struct parse *c)
{
	enum step step = take_version(c);
	uint16_t status = 0;

	if (step == STEP_OK)
		step = take_text(c, STR(" "), HTTP1_FAULT_STATUS);
	if (step != STEP_OK)
		return step;
	for (int i = 0; i < 3; i++, c->p++) {
		if (c->p == c->end)
			return STEP_MORE;
		if (!http1_is(*c->p, HTTP1_DIGIT))
			return bad(c, HTTP1_FAULT_STATUS);
		status = (uint16_t)(status * 10 + *c->p - '0');
	}
	if (status < 100)
		return bad(c, HTTP1_FAULT_STATUS);
	c->h->status = status;
	if (c->p == c->end)
		return STEP_MORE;
	/* Many servers leave the space out when there is no reason. */
	if (*c->p != ' ' && *c->p != '\r')
		return bad(c, HTTP1_FAULT_STATUS);
	c->p = http1_scan_value(c->begin, c->p, c->end);
	return take_line_end(c);
}

static enum step note_length(struct parse *c, struct str value)
{
	uint64_t length = 0;

	if (SEEN(c, HEADER_CONTENT_LENGTH))
		return bad(c, HTTP1_FAULT_LENGTH_REPEATED);
	if (value.len == 0 || value.len > 18)
		return bad(c, HTTP1_FAULT_LENGTH);
	for (size_t i = 0; i < value.len; i++) {
		if (!http1_is(value.ptr[i], HTTP1_DIGIT))
			return bad(c, HTTP1_FAULT_LENGTH);
		length = length * 10 + (uint64_t)(value.ptr[i] - '0');
	}
	c->head->length = length;
	return STEP_OK;
}

static enum step note_connection(struct parse *c, struct str value)
{
	struct str part;

	/* Nearly always the one or the other. */
	if (http1_word_is(value, "keep-alive", 10)) {
		c->keep_alive = true;
		return STEP_OK;
	}
	while (str_split(&value, ',', &part)) {
		part = str_trim(part);
		if (str_eq_nocase(part, STR("close")))
			c->close = true;
		else if (str_eq_nocase(part, STR("keep-alive")))
			c->keep_alive = true;
		else if (str_eq_nocase(part, STR("upgrade")))
			c->upgrade = true;
	}
	return STEP_OK;
}

/* A field that frames the message or rules the connection. */
static enum step note(struct parse *c, enum header_id id, struct str value)
{
	enum step step = STEP_OK;

	switch (id) {
	case HEADER_HOST:
		if (SEEN(c, HEADER_HOST))
			return bad(c, HTTP1_FAULT_HOST_REPEATED);
		c->host = value;
		break;
	case HEADER_TRANSFER_ENCODING:
		if (SEEN(c, HEADER_TRANSFER_ENCODING) || !str_eq_nocase(value, STR("chunked")))
			return bad(c, HTTP1_FAULT_CODING);
		break;
	case HEADER_EXPECT:
		if (str_eq_nocase(value, STR("100-continue")))
			c->head->expect_continue = true;
		break;
	case HEADER_CONTENT_LENGTH:
		step = note_length(c, value);
		break;
	case HEADER_CONNECTION:
		step = note_connection(c, value);
		break;
	default:
		break;
	}
	c->seen |= BIT(id);
	return step;
}

static inline bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Without its field lines, Host and Transfer-Encoding would be passed on twice. */
static inline bool is_absorbed(enum header_id id)
{
	return id == HEADER_HOST || id == HEADER_TRANSFER_ENCODING;
}

/* What stands behind a value is no line end. */
static enum step bad_value(struct parse *c, const char *p)
{
	if (p == c->end || (*p == '\r' && c->end - p == 1))
		return STEP_MORE;
	return bad(c, *p == '\r' || *p == '\n' ? HTTP1_FAULT_LINE_END : HTTP1_FAULT_VALUE);
}

/* A value of at most one byte, at the end of the input. */
static enum step short_value(struct parse *c, const char *p)
{
	while (p < c->end && http1_is(*p, HTTP1_VALUE))
		p++;
	return bad_value(c, p);
}

/* Are its letters, without '-' and '_', those of `word`? */
static bool letters_are(struct str name, struct str word)
{
	size_t n = 0;

	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] == '-' || name.ptr[i] == '_')
			continue;
		if (n == word.len || char_lower(name.ptr[i]) != word.ptr[n])
			return false;
		n++;
	}
	return n == word.len;
}

/* An unknown name: is it a token, and (once it is whole) no field of the framing in disguise? */
static enum step check_name(struct parse *c, struct str name)
{
	bool whole = name.ptr + name.len < c->end;

	if (name.len == 0)
		return bad(c, HTTP1_FAULT_NAME);
	if (!http1_all_are(name, HTTP1_TOKEN))
		return bad(c, is_blank(*name.ptr) ? HTTP1_FAULT_FOLD : HTTP1_FAULT_NAME);
	/* CGI and its children make '_' of '-'. */
	if (whole && name.len >= 13 &&
	    (letters_are(name, STR("contentlength")) || letters_are(name, STR("transferencoding"))))
		return bad(c, HTTP1_FAULT_NAME_LIKE);
	return STEP_OK;
}

/* Behind the last space and tab of a value. */
static const char *trim_end(const char *value, const char *end)
{
	while (end > value && is_blank(end[-1]))
		end--;
	return end;
}

static const char *skip_blanks(const char *p, const char *end)
{
	while (p < end && is_blank(*p))
		p++;
	return p;
}

static inline bool is_line_end(const char *p)
{
	return memcmp(p, "\r\n", 2) == 0;
}

/* Neither space nor control: obs-text and all that is visible. */
static inline bool is_solid(char c)
{
	return (uint8_t)c > ' ';
}

/* Room for one more. The limit stands before the capacity, and is for what goes further. */
static enum step make_room(struct parse *c, enum header_id id)
{
	if (c->h->count >= c->limits->count_max && !is_absorbed(id))
		return bad(c, HTTP1_FAULT_COUNT);
	if (c->h->count == c->h->capacity)
		headers_grow(c->h);
	c->room = min_of(c->h->capacity, c->limits->count_max);
	return STEP_OK;
}

/* A field of the framing is noted; Host and Transfer-Encoding go no further. */
static inline enum step finish_field(struct parse *c, const struct header *field)
{
	enum step step;

	if (!((FRAMING >> field->id) & 1)) {
		c->h->count++;
		return STEP_OK;
	}
	step = note(c, field->id, field->value);
	c->h->count += step == STEP_OK && !is_absorbed(field->id);
	return step;
}

/*
 * name ":" OWS value OWS CRLF. A name that header_id_of() knows is a token; others go through
 * the table. The field is made in its slot, and counts once it is complete.
 */
static inline enum step take_field(struct parse *c, const char **place)
{
	const char *name = *place, *end = c->end, *value, *behind;
	const char *colon = http1_scan_colon(c->begin, name, end);
	struct str text = { name, (size_t)(colon - name) };
	enum header_id id = header_id_of(text);
	struct header *field;
	bool plain;

	if (id == HEADER_OTHER && check_name(c, text) != STEP_OK)
		return STEP_BAD;
	if (unlikely(end - colon < 3))
		return colon == end ? STEP_MORE : short_value(c, colon + 1);
	/* Now that the name is whole. */
	if (unlikely(c->h->count >= c->room) && make_room(c, id) != STEP_OK)
		return STEP_BAD;

	/* ": " and a value without space around is how nearly everybody writes. */
	value = colon + 2;
	plain = likely(colon[1] == ' ' && is_solid(colon[2]));
	if (unlikely(!plain))
		value = skip_blanks(colon + 1, end);
	behind = http1_scan_value(c->begin, value, end);
	if (unlikely(end - behind < 2 || !is_line_end(behind)))
		return bad_value(c, behind);
	*place = behind + 2;
	if (unlikely(!plain || !is_solid(behind[-1]))) {
		plain = false;
		behind = trim_end(value, behind);
	}

	field = &c->h->items[c->h->count];
	field->name = text;
	field->value = str_of(value, (size_t)(behind - value));
	field->id = (uint16_t)id;
	field->as_received = plain;
	return finish_field(c, field);
}

/* Field lines and the empty line. */
static enum step take_fields(struct parse *c)
{
	const char *place = c->p, *end = c->end;

	for (;;) {
		enum step step;

		if (place == end)
			return STEP_MORE;
		/* CR ends the fields; all that is below is a fault as well. */
		if (unlikely((uint8_t)*place <= '\r' && (*place == '\r' || *place == '\n')))
			break;
		step = take_field(c, &place);
		if (unlikely(step != STEP_OK))
			return step;
	}
	c->p = place;
	return take_line_end(c);
}

/* Length or coding, and what both rules have in common. RFC 9112 §6.3. */
static enum step conclude_body(struct parse *c, enum http1_body otherwise)
{
	struct http1_head *head = c->head;

	if (SEEN(c, HEADER_TRANSFER_ENCODING)) {
		if (SEEN(c, HEADER_CONTENT_LENGTH))
			return bad(c, HTTP1_FAULT_CODING_LENGTH);
		if (c->h->version < 11)
			return bad(c, HTTP1_FAULT_CODING_VERSION);
		head->body = HTTP1_BODY_CHUNKED;
	} else if (SEEN(c, HEADER_CONTENT_LENGTH)) {
		head->body = head->length ? HTTP1_BODY_LENGTH : HTTP1_BODY_NONE;
	} else {
		head->body = otherwise;
	}
	return STEP_OK;
}

static void conclude_connection(struct parse *c)
{
	c->head->keep_alive = !c->close && (c->h->version >= 11 || c->keep_alive);
	c->head->upgrade = c->upgrade && c->h->version >= 11 && SEEN(c, HEADER_UPGRADE);
	c->head->expect_continue &= c->h->version >= 11;
}

static enum step conclude_request(struct parse *c)
{
	struct headers *h = c->h;

	if (SEEN(c, HEADER_HOST)) {
		if (!http1_host_is_valid(c->host))
			return bad(c, HTTP1_FAULT_HOST);
		if (!h->authority.len)
			h->authority = c->host;
	} else if (h->version >= 11 || (!h->authority.len && !c->limits->default_host.len)) {
		return bad(c, HTTP1_FAULT_HOST_MISSING);
	} else if (!h->authority.len) {
		h->authority = c->limits->default_host;
	}
	conclude_connection(c);
	return conclude_body(c, HTTP1_BODY_NONE);
}

static enum step conclude_response(struct parse *c, enum method request)
{
	struct http1_head *head = c->head;
	uint16_t status = c->h->status;
	bool bodiless = status < 200 || status == 204;
	enum step step;

	conclude_connection(c);
	/* RFC 9112 §6.1 forbids both; a length of nothing is common, harmless and dropped. */
	if (bodiless) {
		if (SEEN(c, HEADER_TRANSFER_ENCODING) || head->length)
			return bad(c, HTTP1_FAULT_NO_BODY);
		if (SEEN(c, HEADER_CONTENT_LENGTH))
			headers_remove(c->h, HEADER_CONTENT_LENGTH);
	}
	step = conclude_body(c, HTTP1_BODY_CLOSE);
	if (step == STEP_OK && (bodiless || status == 304 || request == METHOD_HEAD)) {
		head->body = HTTP1_BODY_NONE;
		head->length = 0;
	}
	if (head->body == HTTP1_BODY_CLOSE)
		head->keep_alive = false;
	return step;
}

/*
 * Does a blank line end in the input? With bare LFs too: the attempt then names the
 * fault. An attempt at such an input never asks for more.
 */
static bool blank_line_is_there(struct http1_reader *r, struct str input)
{
	size_t at = r->searched > 2 ? r->searched - 2 : 0;

	while (at < input.len) {
		const char *lf = memchr(input.ptr + at, '\n', input.len - at);
		const char *end = input.ptr + input.len;

		if (!lf)
			break;
		if ((end - lf >= 2 && lf[1] == '\n') ||
		    (end - lf >= 3 && lf[1] == '\r' && lf[2] == '\n'))
			return true;
		at = (size_t)(lf - input.ptr) + 1;
	}
	r->searched = input.len;
	return false;
}

/* Is it worth a walk? Always at first; then when it may be complete, or has doubled. */
static bool attempt_is_due(struct http1_reader *r, struct str input)
{
	if (r->tried != 0 && input.len / 2 < r->tried && !blank_line_is_there(r, input))
		return false;
	r->tried = input.len;
	return true;
}

static enum http1_result finish(struct parse *c, struct str input, enum step step)
{
	struct http1_head *head = c->head;

	head->len = (size_t)(c->p - input.ptr);
	/* More bytes behind so many make a head that is too large. */
	if ((step == STEP_OK && head->len > c->limits->bytes_max) ||
	    (step == STEP_MORE && input.len >= c->limits->bytes_max)) {
		head->fault = HTTP1_FAULT_BYTES;
		return HTTP1_BAD;
	}
	if (step == STEP_OK)
		return HTTP1_DONE;
	return step == STEP_MORE ? HTTP1_MORE : HTTP1_BAD;
}

static struct parse parse_of(struct str input, struct headers *h, struct http1_head *head,
			     const struct http1_limits *limits)
{
	*head = (struct http1_head){ 0 };
	headers_clear(h);
	return (struct parse){ .begin = input.ptr,
			       .p = input.ptr,
			       .end = input.ptr + input.len,
			       .h = h,
			       .head = head,
			       .limits = limits };
}

enum http1_result http1_read_request(struct http1_reader *r, const struct http1_limits *limits,
				     struct str input, struct headers *h,
				     struct http1_head *ret_head)
{
	struct parse c = parse_of(input, h, ret_head, limits);
	enum step step = STEP_MORE;

	if (attempt_is_due(r, input)) {
		step = take_request_line(&c);
		if (step == STEP_OK)
			step = take_fields(&c);
		if (step == STEP_OK)
			step = conclude_request(&c);
	}
	return finish(&c, input, step);
}

enum http1_result http1_read_response(struct http1_reader *r, const struct http1_limits *limits,
				      struct str input, enum method request, struct headers *h,
				      struct http1_head *ret_head)
{
	struct parse c = parse_of(input, h, ret_head, limits);
	enum step step = STEP_MORE;

	if (attempt_is_due(r, input)) {
		step = take_status_line(&c);
		if (step == STEP_OK)
			step = take_fields(&c);
		if (step == STEP_OK)
			step = conclude_response(&c, request);
	}
	return finish(&c, input, step);
}

/* Fields that a trailer must not be: they would change how the message is read or routed. */
#define TRAILER_FORBIDDEN                                                                          \
	(BIT(HEADER_HOST) | BIT(HEADER_CONTENT_LENGTH) | BIT(HEADER_TRANSFER_ENCODING) |           \
	 BIT(HEADER_CONNECTION) | BIT(HEADER_UPGRADE) | BIT(HEADER_EXPECT) | BIT(HEADER_TRAILER) | \
	 BIT(HEADER_TE))

static enum step conclude_trailers(struct parse *c)
{
	uint64_t seen = c->seen;

	headers_for_each (field, c->h)
		seen |= BIT(field->id);
	return seen & TRAILER_FORBIDDEN ? bad(c, HTTP1_FAULT_TRAILER) : STEP_OK;
}

enum http1_result http1_read_trailers(struct http1_reader *r, const struct http1_limits *limits,
				      struct str input, struct headers *h,
				      struct http1_head *ret_head)
{
	struct parse c = parse_of(input, h, ret_head, limits);
	enum step step = STEP_MORE;

	if (attempt_is_due(r, input)) {
		step = take_fields(&c);
		if (step == STEP_OK)
			step = conclude_trailers(&c);
	}
	return finish(&c, input, step);
}
