#include "codec/http1.h"

#include <stdlib.h>

#include "test.h"

static const struct http1_limits limits = { .count_max = 100, .bytes_max = 60 * 1024 };

/* A head and all that reading it leaves behind. */
struct reading {
	struct pool pool;
	struct headers h;
	struct http1_head head;
	enum http1_result result;
};

static enum http1_result read_part(struct http1_reader *r, struct reading *x, struct str input,
				   bool response)
{
	return response ? http1_read_response(r, &limits, input, METHOD_GET, &x->h, &x->head)
			: http1_read_request(r, &limits, input, &x->h, &x->head);
}

static void read_whole(struct reading *x, struct str input, bool response)
{
	struct http1_reader r = { 0 };

	pool_init(&x->pool, 0);
	headers_init(&x->h, &x->pool);
	x->result = read_part(&r, x, input, response);
}

/*
 * Each byte arrives alone. A fault may show only when the head is complete, so a blank line
 * follows: `copy` has room for it.
 */
static void read_bytewise(struct reading *x, char *copy, struct str input, bool response)
{
	struct str blank = STR("\r\n\r\n");

	struct http1_reader r = { 0 };

	pool_init(&x->pool, 0);
	headers_init(&x->h, &x->pool);
	x->result = HTTP1_MORE;
	for (size_t len = 1; len <= input.len && x->result == HTTP1_MORE; len++) {
		copy[len - 1] = input.ptr[len - 1];
		x->result = read_part(&r, x, str_of(copy, len), response);
	}
	memcpy(copy + input.len, blank.ptr, blank.len);
	if (x->result == HTTP1_MORE &&
	    read_part(&r, x, str_of(copy, input.len + blank.len), response) == HTTP1_BAD)
		x->result = HTTP1_BAD;
}

static void assert_same(const struct reading *a, const struct reading *b)
{
	/* What is merely incomplete may be faulty once a blank line follows. */
	if (a->result == HTTP1_MORE)
		return;
	assert_int_equal(a->result, b->result);
	assert_int_equal(a->head.fault, b->head.fault);
	if (a->result != HTTP1_DONE)
		return;
	assert_int_equal(a->head.len, b->head.len);
	assert_int_equal(a->head.body, b->head.body);
	assert_int_equal(a->head.length, b->head.length);
	assert_int_equal(a->head.keep_alive, b->head.keep_alive);
	assert_int_equal(headers_count(&a->h), headers_count(&b->h));
	assert_true(str_eq(a->h.path, b->h.path));
	assert_true(str_eq(a->h.authority, b->h.authority));
	for (uint32_t i = 0; i < a->h.count; i++) {
		assert_true(str_eq(a->h.items[i].name, b->h.items[i].name));
		assert_true(str_eq(a->h.items[i].value, b->h.items[i].value));
		assert_int_equal(a->h.items[i].as_received, b->h.items[i].as_received);
	}
}

/* Reads at once, then byte by byte; both must come to the same. */
static struct reading read_head(struct str input, bool response)
{
	struct reading whole, bytewise;
	char *copy = malloc(input.len + 4);

	read_whole(&whole, input, response);
	read_bytewise(&bytewise, copy, input, response);
	assert_same(&whole, &bytewise);
	pool_fini(&bytewise.pool);
	free(copy);
	return whole;
}

static void assert_fault(const char *text, bool response, enum http1_fault fault)
{
	struct reading x = read_head(str_from(text), response);

	if (x.result != HTTP1_BAD || x.head.fault != fault)
		fail_msg("%s\nresult %d: %s, expected: %s", text, x.result,
			 http1_fault_text(x.head.fault), http1_fault_text(fault));
	pool_fini(&x.pool);
}

static void assert_body(const char *text, bool response, enum http1_body body, uint64_t length)
{
	struct reading x = read_head(str_from(text), response);

	if (x.result != HTTP1_DONE || x.head.body != body || x.head.length != length)
		fail_msg("%s\nresult %d (%s), body %d, length %ju", text, x.result,
			 http1_fault_text(x.head.fault), x.head.body, (uintmax_t)x.head.length);
	pool_fini(&x.pool);
}

#define REQUEST                                          \
	"POST /a/b?c=d HTTP/1.1\r\n"                     \
	"Host: shop.example:8080\r\n"                    \
	"User-Agent: test/1.0 (a long enough value)\r\n" \
	"X-Empty:\r\n"                                   \
	"x-padded: \t v w \t\r\n"                        \
	"Content-Length: 5\r\n"                          \
	"Connection: Keep-Alive\r\n"                     \
	"\r\n"

TEST(a_request_is_read_into_slices)
{
	struct reading x = read_head(STR(REQUEST "hello"), false);

	assert_int_equal(x.result, HTTP1_DONE);
	assert_int_equal(x.head.len, sizeof(REQUEST) - 1);
	assert_str_equal(x.h.method, "POST");
	assert_int_equal(x.h.method_id, METHOD_POST);
	assert_str_equal(x.h.path, "/a/b?c=d");
	assert_str_equal(x.h.authority, "shop.example:8080");
	assert_int_equal(x.h.version, 11);
	assert_int_equal(x.h.scheme.len, 0);
	assert_int_equal(x.head.body, HTTP1_BODY_LENGTH);
	assert_int_equal(x.head.length, 5);
	assert_true(x.head.keep_alive);
	assert_int_equal(headers_count(&x.h), 5);
	assert_str_equal(x.h.items[0].name, "User-Agent");
	assert_str_equal(headers_get_named(&x.h, STR("x-empty"))->value, "");
	assert_str_equal(headers_get_named(&x.h, STR("X-Padded"))->value, "v w");
	assert_str_equal(headers_get(&x.h, HEADER_CONTENT_LENGTH)->value, "5");
	assert_null(headers_get(&x.h, HEADER_HOST));
	pool_fini(&x.pool);
}

TEST(every_truncation_of_a_request_asks_for_more)
{
	for (size_t len = 1; len < sizeof(REQUEST) - 1; len++) {
		struct reading x = read_head(str_of(REQUEST, len), false);

		assert_int_equal(x.result, HTTP1_MORE);
		pool_fini(&x.pool);
	}
}

#define RESPONSE "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nX-A: b\r\n\r\n"

TEST(every_truncation_of_a_response_asks_for_more)
{
	struct reading x = read_head(STR(RESPONSE), true);

	assert_int_equal(x.result, HTTP1_DONE);
	assert_int_equal(x.h.status, 404);
	pool_fini(&x.pool);
	for (size_t len = 1; len < sizeof(RESPONSE) - 1; len++) {
		x = read_head(str_of(RESPONSE, len), true);
		assert_int_equal(x.result, HTTP1_MORE);
		pool_fini(&x.pool);
	}
}

TEST(only_plain_lines_count_as_received)
{
	struct reading x = read_head(STR("GET / HTTP/1.1\r\nHost: a\r\nA: b\r\nC:d\r\nE: f \r\n"
					 "G:\th\r\nI: \r\nJ: k\r\n\r\n"),
				     false);

	assert_int_equal(headers_count(&x.h), 6);
	assert_true(x.h.items[0].as_received);
	assert_false(x.h.items[1].as_received);
	assert_false(x.h.items[2].as_received);
	assert_false(x.h.items[3].as_received);
	assert_false(x.h.items[4].as_received);
	assert_true(x.h.items[5].as_received);
	pool_fini(&x.pool);
}

/* Is an otherwise good request refused with `byte` in place of its '@'? */
static bool is_refused(const char *form, unsigned byte)
{
	char text[256];
	size_t len = strlen(form);
	struct reading x;
	bool refused;

	memcpy(text, form, len);
	*(char *)memchr(text, '@', len) = (char)byte;
	x = read_head(str_of(text, len), false);
	refused = x.result == HTTP1_BAD;
	pool_fini(&x.pool);
	return refused;
}

TEST(bytes_are_allowed_where_the_grammar_has_them)
{
	for (unsigned byte = 1; byte < 256; byte++) {
		bool token = (byte < 128 && strchr("!#$%&'*+-.^_`|~", (int)byte)) ||
			     (byte >= '0' && byte <= '9') ||
			     ((byte | 32) >= 'a' && (byte | 32) <= 'z');
		bool control = (byte < 32 && byte != '\t') || byte == 127;
		bool visible = byte > 32 && byte < 127;

		assert_int_equal(is_refused("GE@T / HTTP/1.1\r\nHost: a\r\n\r\n", byte), !token);
		assert_int_equal(is_refused("GET /@abc HTTP/1.1\r\nHost: a\r\n\r\n", byte),
				 !visible || byte == '#');
		assert_int_equal(is_refused("GET /abcdefghijklmnop@abcdefghijklm HTTP/1.1\r\n"
					    "Host: a\r\n\r\n",
					    byte),
				 !visible || byte == '#');
		assert_int_equal(is_refused("GET / HTTP/1.1\r\nHost: a\r\na@b: c\r\n\r\n", byte),
				 !token && byte != ':');
		assert_int_equal(is_refused("GET / HTTP/1.1\r\nHost: a\r\nab: c@d\r\n\r\n", byte),
				 control);
		assert_int_equal(is_refused("GET / HTTP/1.1\r\nHost: a\r\n"
					    "ab: 0123456789abc@0123456789abcdef01234\r\n\r\n",
					    byte),
				 control);
	}
}

TEST(a_nul_is_refused_everywhere)
{
	static const struct str cases[] = {
		STR_INIT("G\0ET / HTTP/1.1\r\nHost: a\r\n\r\n"),
		STR_INIT("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"),
		STR_INIT("GET / HTTP/1.1\0\r\nHost: a\r\n\r\n"),
		STR_INIT("GET / HTTP/1.1\r\nHost: a\r\nb\0: c\r\n\r\n"),
		STR_INIT("GET / HTTP/1.1\r\nHost: a\r\nb: c\0d\r\n\r\n"),
		STR_INIT("GET / HTTP/1.1\r\nHost: a\r\nb: c\r\n\0\r\n"),
	};

	for (size_t i = 0; i < array_count(cases); i++) {
		struct reading x = read_head(cases[i], false);

		assert_int_equal(x.result, HTTP1_BAD);
		pool_fini(&x.pool);
	}
}

#define HEAD "GET / HTTP/1.1\r\nHost: a\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\n"

static const struct {
	enum http1_fault fault;
	const char *text;
} bad_requests[] = {
	{ HTTP1_FAULT_METHOD, " GET / HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ HTTP1_FAULT_METHOD, "\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ HTTP1_FAULT_METHOD, "\x16\x03\x01\x02\r\n\r\n" },
	{ HTTP1_FAULT_METHOD, "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ HTTP1_FAULT_METHOD, "GET\r\nHost: a\r\n\r\n" },
	{ HTTP1_FAULT_LINE_END, "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ HTTP1_FAULT_METHOD, "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ HTTP1_FAULT_TARGET, "GET  / HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ HTTP1_FAULT_TARGET, "GET a HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ HTTP1_FAULT_TARGET, "GET * HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ HTTP1_FAULT_TARGET, "GET /\r\nHost: a\r\n\r\n" },
	{ HTTP1_FAULT_TARGET, "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ HTTP1_FAULT_TARGET, "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ HTTP1_FAULT_TARGET, "GET http://u:p@a/ HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ HTTP1_FAULT_TARGET, "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ HTTP1_FAULT_TARGET, "CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ HTTP1_FAULT_TARGET, "CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ HTTP1_FAULT_TARGET, "CONNECT a: HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ HTTP1_FAULT_TARGET, "CONNECT [::1] HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ HTTP1_FAULT_VERSION, "GET / HTTP/1.2\r\nHost: a\r\n\r\n" },
	{ HTTP1_FAULT_VERSION, "GET / HTTP/2.0\r\nHost: a\r\n\r\n" },
	{ HTTP1_FAULT_VERSION, "GET / http/1.1\r\nHost: a\r\n\r\n" },
	{ HTTP1_FAULT_VERSION, "GET / HTTP/01.1\r\nHost: a\r\n\r\n" },
	{ HTTP1_FAULT_VERSION, "GET /  HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ HTTP1_FAULT_VERSION, "GET / x HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ HTTP1_FAULT_LINE_END, "GET / HTTP/1.1 \r\nHost: a\r\n\r\n" },
	{ HTTP1_FAULT_LINE_END, "GET / HTTP/1.11\r\nHost: a\r\n\r\n" },
	{ HTTP1_FAULT_LINE_END, "GET / HTTP/1.1\nHost: a\r\n\r\n" },
	{ HTTP1_FAULT_LINE_END, "GET / HTTP/1.1\n\n" },
	{ HTTP1_FAULT_LINE_END, "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n" },
	{ HTTP1_FAULT_LINE_END, HEAD "b: c\n\r\n" },
	{ HTTP1_FAULT_LINE_END, HEAD "b: c\rd: e\r\n\r\n" },
	{ HTTP1_FAULT_LINE_END, HEAD "b: c\r\r\n\r\n" },
	{ HTTP1_FAULT_LINE_END, HEAD "b: c\r\n\n" },
	{ HTTP1_FAULT_LINE_END, HEAD "b: c\r\n\rx" },
	{ HTTP1_FAULT_NAME, HEAD "b : c\r\n\r\n" },
	{ HTTP1_FAULT_NAME, HEAD "Content-Length : 5\r\n\r\n" },
	{ HTTP1_FAULT_NAME, HEAD ": c\r\n\r\n" },
	{ HTTP1_FAULT_NAME, HEAD "b\r\n\r\n" },
	{ HTTP1_FAULT_NAME, HEAD "b\r\nc: d\r\n\r\n" },
	{ HTTP1_FAULT_NAME, HEAD "b\xc3: d\r\n\r\n" },
	{ HTTP1_FAULT_NAME, HEAD "(b): d\r\n\r\n" },
	{ HTTP1_FAULT_NAME_LIKE, HEAD "Content_Length: 5\r\n\r\n" },
	{ HTTP1_FAULT_NAME_LIKE, HEAD "transfer--encoding: chunked\r\n\r\n" },
	{ HTTP1_FAULT_NAME_LIKE, HEAD "TransferEncoding: chunked\r\n\r\n" },
	{ HTTP1_FAULT_VALUE, HEAD "b: c\x01\r\n\r\n" },
	{ HTTP1_FAULT_VALUE, HEAD "b: c\x7f\r\n\r\n" },
	{ HTTP1_FAULT_VALUE, HEAD "b: c\v\r\n\r\n" },
	{ HTTP1_FAULT_FOLD, HEAD "b: c\r\n d\r\n\r\n" },
	{ HTTP1_FAULT_FOLD, HEAD "b: c\r\n\td: e\r\n\r\n" },
	{ HTTP1_FAULT_FOLD, "GET / HTTP/1.1\r\n Host: a\r\n\r\n" },
	{ HTTP1_FAULT_HOST_MISSING, "GET / HTTP/1.1\r\n\r\n" },
	{ HTTP1_FAULT_HOST_MISSING, "GET / HTTP/1.0\r\n\r\n" },
	{ HTTP1_FAULT_HOST_MISSING, "GET http://a/ HTTP/1.1\r\nb: c\r\n\r\n" },
	{ HTTP1_FAULT_HOST_REPEATED, HEAD "Host: a\r\n\r\n" },
	{ HTTP1_FAULT_HOST_REPEATED, "GET http://a/ HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n" },
	{ HTTP1_FAULT_HOST, "GET / HTTP/1.1\r\nHost:\r\n\r\n" },
	{ HTTP1_FAULT_HOST, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n" },
	{ HTTP1_FAULT_HOST, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n" },
	{ HTTP1_FAULT_HOST, "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n" },
	{ HTTP1_FAULT_HOST, "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n" },
	{ HTTP1_FAULT_HOST, "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n" },
	{ HTTP1_FAULT_HOST, "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n" },
	{ HTTP1_FAULT_HOST, "GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n" },
	{ HTTP1_FAULT_HOST, "GET http://b/ HTTP/1.1\r\nHost: a?\r\n\r\n" },
	{ HTTP1_FAULT_LENGTH, POST "Content-Length:\r\n\r\n" },
	{ HTTP1_FAULT_LENGTH, POST "Content-Length: +5\r\n\r\n" },
	{ HTTP1_FAULT_LENGTH, POST "Content-Length: -5\r\n\r\n" },
	{ HTTP1_FAULT_LENGTH, POST "Content-Length: 5 5\r\n\r\n" },
	{ HTTP1_FAULT_LENGTH, POST "Content-Length: 5,5\r\n\r\n" },
	{ HTTP1_FAULT_LENGTH, POST "Content-Length: 0x5\r\n\r\n" },
	{ HTTP1_FAULT_LENGTH, POST "Content-Length: 9999999999999999999\r\n\r\n" },
	{ HTTP1_FAULT_LENGTH_REPEATED, POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n" },
	{ HTTP1_FAULT_LENGTH_REPEATED, POST "Content-Length: 5\r\ncontent-length: 6\r\n\r\n" },
	{ HTTP1_FAULT_CODING, POST "Transfer-Encoding:\r\n\r\n" },
	{ HTTP1_FAULT_CODING, POST "Transfer-Encoding: gzip\r\n\r\n" },
	{ HTTP1_FAULT_CODING, POST "Transfer-Encoding: gzip, chunked\r\n\r\n" },
	{ HTTP1_FAULT_CODING, POST "Transfer-Encoding: chunked, identity\r\n\r\n" },
	{ HTTP1_FAULT_CODING, POST "Transfer-Encoding: chunked;q=1\r\n\r\n" },
	{ HTTP1_FAULT_CODING, POST "Transfer-Encoding: \"chunked\"\r\n\r\n" },
	{ HTTP1_FAULT_CODING, POST "Transfer-Encoding: xchunked\r\n\r\n" },
	{ HTTP1_FAULT_CODING, POST "Transfer-Encoding: chunked\r\n"
				   "Transfer-Encoding: chunked\r\n\r\n" },
	{ HTTP1_FAULT_CODING_LENGTH, POST "Transfer-Encoding: chunked\r\n"
					  "Content-Length: 5\r\n\r\n" },
	{ HTTP1_FAULT_CODING_LENGTH, POST "Content-Length: 0\r\n"
					  "Transfer-Encoding: chunked\r\n\r\n" },
	{ HTTP1_FAULT_CODING_VERSION, "POST / HTTP/1.0\r\nHost: a\r\n"
				      "Transfer-Encoding: chunked\r\n\r\n" },
};

TEST(doubtful_requests_are_refused_by_name)
{
	for (size_t i = 0; i < array_count(bad_requests); i++)
		assert_fault(bad_requests[i].text, false, bad_requests[i].fault);
}

static const struct {
	enum http1_fault fault;
	const char *text;
} bad_responses[] = {
	{ HTTP1_FAULT_VERSION, "\r\nHTTP/1.1 200 OK\r\n\r\n" },
	{ HTTP1_FAULT_VERSION, "HTTP/2 200 OK\r\n\r\n" },
	{ HTTP1_FAULT_VERSION, "ICY 200 OK\r\n\r\n" },
	{ HTTP1_FAULT_STATUS, "HTTP/1.1  200 OK\r\n\r\n" },
	{ HTTP1_FAULT_STATUS, "HTTP/1.1 20 OK\r\n\r\n" },
	{ HTTP1_FAULT_STATUS, "HTTP/1.1 099 OK\r\n\r\n" },
	{ HTTP1_FAULT_STATUS, "HTTP/1.1 2000 OK\r\n\r\n" },
	{ HTTP1_FAULT_STATUS, "HTTP/1.1 200OK\r\n\r\n" },
	{ HTTP1_FAULT_LINE_END, "HTTP/1.1 200 OK\nA: b\r\n\r\n" },
	{ HTTP1_FAULT_LINE_END, "HTTP/1.1 200 O\x01K\r\n\r\n" },
	{ HTTP1_FAULT_CODING_LENGTH, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
				     "Content-Length: 3\r\n\r\n" },
	{ HTTP1_FAULT_CODING_VERSION, "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" },
	{ HTTP1_FAULT_LENGTH_REPEATED, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n"
				       "Content-Length: 3\r\n\r\n" },
	{ HTTP1_FAULT_NO_BODY, "HTTP/1.1 204 OK\r\nTransfer-Encoding: chunked\r\n\r\n" },
	{ HTTP1_FAULT_NO_BODY, "HTTP/1.1 204 OK\r\nContent-Length: 3\r\n\r\n" },
	{ HTTP1_FAULT_NO_BODY, "HTTP/1.1 100 OK\r\nContent-Length: 3\r\n\r\n" },
	{ HTTP1_FAULT_FOLD, "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n" },
};

TEST(doubtful_responses_are_refused_by_name)
{
	for (size_t i = 0; i < array_count(bad_responses); i++)
		assert_fault(bad_responses[i].text, true, bad_responses[i].fault);
}

TEST(bodies_end_as_the_head_says)
{
	assert_body(HEAD "\r\n", false, HTTP1_BODY_NONE, 0);
	assert_body("\r\n" HEAD "\r\n", false, HTTP1_BODY_NONE, 0);
	assert_body(HEAD "Content-Length: 0\r\n\r\n", false, HTTP1_BODY_NONE, 0);
	assert_body(HEAD "content-length: 007\r\n\r\n", false, HTTP1_BODY_LENGTH, 7);
	assert_body(POST "transfer-encoding: Chunked\r\n\r\n", false, HTTP1_BODY_CHUNKED, 0);
	assert_body("HTTP/1.1 200\r\n\r\n", true, HTTP1_BODY_CLOSE, 0);
	assert_body("HTTP/1.1 200 \r\n\r\n", true, HTTP1_BODY_CLOSE, 0);
	assert_body("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", true, HTTP1_BODY_LENGTH, 9);
	assert_body("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true,
		    HTTP1_BODY_CHUNKED, 0);
	assert_body("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", true, HTTP1_BODY_NONE,
		    0);
	assert_body("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", true, HTTP1_BODY_NONE,
		    0);
	assert_body("HTTP/1.1 100 Continue\r\n\r\n", true, HTTP1_BODY_NONE, 0);
}

TEST(a_response_to_head_has_no_body)
{
	static const char *const texts[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\n",
	};

	for (size_t i = 0; i < array_count(texts); i++) {
		struct reading x;
		struct http1_reader r = { 0 };

		pool_init(&x.pool, 0);
		headers_init(&x.h, &x.pool);
		assert_int_equal(http1_read_response(&r, &limits, str_from(texts[i]), METHOD_HEAD,
						     &x.h, &x.head),
				 HTTP1_DONE);
		assert_int_equal(x.head.body, HTTP1_BODY_NONE);
		assert_true(x.head.keep_alive);
		pool_fini(&x.pool);
	}
}

TEST(a_length_of_nothing_is_dropped_where_none_may_be)
{
	struct reading x = read_head(STR("HTTP/1.1 204 X\r\nContent-Length: 0\r\n\r\n"), true);

	assert_null(headers_get(&x.h, HEADER_CONTENT_LENGTH));
	pool_fini(&x.pool);
}

TEST(an_old_request_without_host_gets_the_default)
{
	static const struct {
		const char *text, *authority;
	} requests[] = {
		{ "GET / HTTP/1.0\r\n\r\n", "d.example" },
		{ "GET http://a/ HTTP/1.0\r\n\r\n", "a" },
		{ "GET / HTTP/1.0\r\nHost: a\r\n\r\n", "a" },
		{ "GET / HTTP/1.1\r\n\r\n", NULL },
	};
	struct http1_limits with_host = limits;

	with_host.default_host = STR("d.example");
	for (size_t i = 0; i < array_count(requests); i++) {
		struct pool pool = POOL_INIT(256);
		struct http1_reader r = { 0 };
		struct http1_head head;
		struct headers h;

		headers_init(&h, &pool);
		assert_int_equal(
			http1_read_request(&r, &with_host, str_from(requests[i].text), &h, &head),
			requests[i].authority ? HTTP1_DONE : HTTP1_BAD);
		if (requests[i].authority)
			assert_str_equal(h.authority, requests[i].authority);
		pool_fini(&pool);
	}
}

TEST(a_few_empty_lines_may_stand_in_front_of_a_request)
{
	struct reading x =
		read_head(STR("\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), false);

	assert_int_equal(x.result, HTTP1_DONE);
	assert_str_equal(x.h.path, "/");
	pool_fini(&x.pool);
}

static const struct {
	const char *text;
	bool response, keep_alive;
} lives[] = {
	{ "GET / HTTP/1.1\r\nHost: a\r\n\r\n", false, true },
	{ "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false, false },
	{ "GET / HTTP/1.1\r\nHost: a\r\nConnection: x, CLOSE ,y\r\n\r\n", false, false },
	{ "GET / HTTP/1.1\r\nHost: a\r\nConnection: x\r\nConnection: close\r\n\r\n", false, false },
	{ "GET / HTTP/1.1\r\nHost: a\r\nConnection: closed\r\n\r\n", false, true },
	{ "GET / HTTP/1.0\r\nHost: a\r\n\r\n", false, false },
	{ "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", false, true },
	{ "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive, close\r\n\r\n", false, false },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true, true },
	{ "HTTP/1.1 200 OK\r\n\r\n", true, false },
	{ "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", true, false },
	{ "HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: Keep-Alive\r\n\r\n", true, true },
};

TEST(a_connection_lives_on_by_version_and_connection)
{
	for (size_t i = 0; i < array_count(lives); i++) {
		struct reading x = read_head(str_from(lives[i].text), lives[i].response);

		assert_int_equal(x.result, HTTP1_DONE);
		if (x.head.keep_alive != lives[i].keep_alive)
			fail_msg("%s", lives[i].text);
		pool_fini(&x.pool);
	}
}

static const struct {
	const char *line, *authority, *path, *scheme;
} targets[] = {
	{ "GET http://b:81/c?d", "b:81", "/c?d", "http" },
	{ "GET HTTPS://b", "b", "/", "https" },
	{ "GET http://b?c=d", "b", "/?c=d", "http" },
	{ "OPTIONS http://b", "b", "*", "http" },
	{ "OPTIONS *", "a", "*", "" },
	{ "GET //b/c", "a", "//b/c", "" },
	{ "GET http://[2001:db8::1]:80/", "[2001:db8::1]:80", "/", "http" },
	{ "CONNECT b:443", "b:443", "", "" },
	{ "CONNECT [::1]:443", "[::1]:443", "", "" },
	{ "BREW /x", "a", "/x", "" },
};

TEST(the_target_wins_over_host)
{
	for (size_t i = 0; i < array_count(targets); i++) {
		char text[256];
		struct reading x;

		snprintf(text, sizeof(text), "%s HTTP/1.1\r\nHost: a\r\n\r\n", targets[i].line);
		x = read_head(str_from(text), false);
		assert_int_equal(x.result, HTTP1_DONE);
		assert_str_equal(x.h.authority, targets[i].authority);
		assert_str_equal(x.h.path, targets[i].path);
		assert_str_equal(x.h.scheme, targets[i].scheme);
		pool_fini(&x.pool);
	}
}

TEST(expect_and_upgrade_are_seen)
{
	struct reading x = read_head(STR(POST "Expect: 100-Continue\r\nUpgrade: websocket\r\n"
					      "Connection: Upgrade\r\n\r\n"),
				     false);

	assert_true(x.head.expect_continue);
	assert_true(x.head.upgrade);
	pool_fini(&x.pool);
	x = read_head(
		STR("POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nUpgrade: websocket\r\n"
		    "Connection: Upgrade\r\n\r\n"),
		false);
	assert_false(x.head.expect_continue);
	assert_false(x.head.upgrade);
	pool_fini(&x.pool);
	x = read_head(STR(POST "Upgrade: websocket\r\n\r\n"), false);
	assert_false(x.head.upgrade);
	pool_fini(&x.pool);
}

/* HEAD with `count` fields more, each of `bytes`. */
static struct str head_of_size(char *text, unsigned count, unsigned bytes)
{
	size_t len = sizeof(HEAD) - 1;

	memcpy(text, HEAD, len);

	for (unsigned i = 0; i < count; i++) {
		memcpy(text + len, "x: ", 3);
		memset(text + len + 3, 'v', bytes - 5);
		memcpy(text + len + bytes - 2, "\r\n", 2);
		len += bytes;
	}
	memcpy(text + len, "\r\n", 2);
	return str_of(text, len + 2);
}

TEST(fields_are_limited_in_number)
{
	char text[4096];
	struct reading x = read_head(head_of_size(text, limits.count_max, 8), false);

	assert_int_equal(x.result, HTTP1_DONE);
	pool_fini(&x.pool);
	x = read_head(head_of_size(text, limits.count_max + 1, 8), false);
	assert_int_equal(x.head.fault, HTTP1_FAULT_COUNT);
	pool_fini(&x.pool);
}

TEST(fields_that_go_no_further_take_no_room_wherever_they_stand)
{
	char text[4096];
	size_t len = head_of_size(text, limits.count_max, 8).len - 2;
	struct reading x;

	memcpy(text + len, STR("Transfer-Encoding: chunked\r\n\r\n").ptr, 30);
	x = read_head(str_of(text, len + 30), false);
	assert_int_equal(x.result, HTTP1_DONE);
	assert_int_equal(x.head.body, HTTP1_BODY_CHUNKED);
	assert_int_equal(headers_count(&x.h), limits.count_max);
	pool_fini(&x.pool);
}

TEST(a_head_is_limited_in_bytes)
{
	static char text[80 * 1024];
	size_t start = sizeof(HEAD) - 1 + 2;
	struct str input = head_of_size(text, 1, (unsigned)(limits.bytes_max - start));
	struct http1_reader r = { 0 };
	struct reading x;

	read_whole(&x, input, false);
	assert_int_equal(x.result, HTTP1_DONE);
	assert_int_equal(x.head.len, limits.bytes_max);
	/* Without its last byte it is as long as it may be without being too large. */
	assert_int_equal(read_part(&r, &x, str_slice(input, 0, input.len - 1), false), HTTP1_MORE);
	pool_fini(&x.pool);

	input = head_of_size(text, 1, (unsigned)(limits.bytes_max - start + 1));
	read_whole(&x, input, false);
	assert_int_equal(x.head.fault, HTTP1_FAULT_BYTES);
	r = (struct http1_reader){ 0 };
	assert_int_equal(read_part(&r, &x, str_slice(input, 0, input.len - 1), false), HTTP1_BAD);
	assert_int_equal(x.head.fault, HTTP1_FAULT_BYTES);
	pool_fini(&x.pool);
}

TEST(every_fault_has_a_text)
{
	for (int f = HTTP1_FAULT_NONE; f <= HTTP1_FAULT_COUNT; f++)
		assert_true(strlen(http1_fault_text((enum http1_fault)f)) > 3);
	assert_string_equal(http1_fault_text((enum http1_fault)1000), "unknown fault");
}
