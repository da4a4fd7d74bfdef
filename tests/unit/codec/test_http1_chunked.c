#include "codec/http1.h"

#include <stdlib.h>

#include "base/buf.h"
#include "test.h"

/* Decodes with at most `step` bytes at a time; gives the event at the end and what is left. */
static enum http1_chunked_event decode(struct http1_chunked *c, struct str input, size_t step,
				       struct buf *body, size_t *ret_used)
{
	size_t used = 0;
	enum http1_chunked_event event = HTTP1_CHUNKED_MORE;

	while (used < input.len && event != HTTP1_CHUNKED_TRAILERS && event != HTTP1_CHUNKED_BAD) {
		struct str piece = str_slice(input, used, used + step), data;
		size_t before = piece.len;

		event = http1_chunked_next(c, &piece, &data);
		used += before - piece.len;
		if (event == HTTP1_CHUNKED_DATA) {
			assert_true(data.len > 0);
			assert_int_equal(buf_append_str(body, data), 0);
		}
	}
	*ret_used = used;
	return event;
}

static void assert_decodes(struct str input, const char *expected, size_t left)
{
	for (size_t step = 1; step <= input.len; step++) {
		struct http1_chunked c = { 0 };
		struct buf body = BUF_INIT(0);
		size_t used;

		assert_int_equal(decode(&c, input, step, &body, &used), HTTP1_CHUNKED_TRAILERS);
		assert_str_equal(buf_str(&body), expected);
		assert_int_equal(input.len - used, left);
		buf_fini(&body);
	}
}

static void assert_bad(struct str input, enum http1_fault fault)
{
	for (size_t step = 1; step <= input.len; step++) {
		struct http1_chunked c = { 0 };
		struct buf body = BUF_INIT(0);
		size_t used;
		enum http1_chunked_event event = decode(&c, input, step, &body, &used);

		if (event != HTTP1_CHUNKED_BAD || c.fault != fault)
			fail_msg("%.*s: event %d, %s", STR_ARGS(input), event,
				 http1_fault_text(c.fault));
		buf_fini(&body);
	}
}

TEST(chunks_are_put_together)
{
	assert_decodes(STR("5\r\nhello\r\n0\r\n\r\n"), "hello", 2);
	assert_decodes(STR("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nGET"), "hello world", 5);
	assert_decodes(STR("0\r\n"), "", 0);
	assert_decodes(STR("000000000000000\r\nA: b\r\n"), "", 6);
	assert_decodes(STR("A\r\n0123456789\r\n0\r\n"), "0123456789", 0);
	assert_decodes(STR("a;b;c=d;e=\"f \\\" g\"\r\n0123456789\r\n0;x\r\n"), "0123456789", 0);
}

TEST(doubtful_chunks_are_refused_by_name)
{
	assert_bad(STR("\r\n"), HTTP1_FAULT_CHUNK_SIZE);
	assert_bad(STR(" 5\r\nhello\r\n"), HTTP1_FAULT_CHUNK_SIZE);
	assert_bad(STR("5 \r\nhello\r\n"), HTTP1_FAULT_CHUNK_SIZE);
	assert_bad(STR("0x5\r\nhello\r\n"), HTTP1_FAULT_CHUNK_SIZE);
	assert_bad(STR("+5\r\nhello\r\n"), HTTP1_FAULT_CHUNK_SIZE);
	assert_bad(STR("-5\r\nhello\r\n"), HTTP1_FAULT_CHUNK_SIZE);
	assert_bad(STR("g\r\n"), HTTP1_FAULT_CHUNK_SIZE);
	assert_bad(STR("5\nhello\r\n"), HTTP1_FAULT_CHUNK_SIZE);
	assert_bad(STR(";a\r\n"), HTTP1_FAULT_CHUNK_SIZE);
	assert_bad(STR("0000000000000005\r\n"), HTTP1_FAULT_CHUNK_SIZE);
	assert_bad(STR("ffffffffffffffff\r\n"), HTTP1_FAULT_CHUNK_SIZE);
	assert_bad(STR("5\rhello\r\n"), HTTP1_FAULT_LINE_END);
	assert_bad(STR("5;a\rb\r\nhello\r\n"), HTTP1_FAULT_LINE_END);
	assert_bad(STR("5;\r\nhello\r\n"), HTTP1_FAULT_CHUNK_EXTENSION);
	assert_bad(STR("5;a\nhello\r\n"), HTTP1_FAULT_CHUNK_EXTENSION);
	assert_bad(STR("5; a\r\nhello\r\n"), HTTP1_FAULT_CHUNK_EXTENSION);
	assert_bad(STR("5;a =b\r\nhello\r\n"), HTTP1_FAULT_CHUNK_EXTENSION);
	assert_bad(STR("5;a=\r\nhello\r\n"), HTTP1_FAULT_CHUNK_EXTENSION);
	assert_bad(STR("5;a=\"b\nc\"\r\nhello\r\n"), HTTP1_FAULT_CHUNK_EXTENSION);
	assert_bad(STR("5;a=\"b\"c\r\nhello\r\n"), HTTP1_FAULT_CHUNK_EXTENSION);
	assert_bad(STR("5;a=b\"\r\nhello\r\n"), HTTP1_FAULT_CHUNK_EXTENSION);
	assert_bad(STR("5\r\nhello!\r\n"), HTTP1_FAULT_CHUNK_END);
	assert_bad(STR("5\r\nhello\n0\r\n"), HTTP1_FAULT_CHUNK_END);
	assert_bad(STR("5\r\nhello\r0\r\n"), HTTP1_FAULT_CHUNK_END);
}

TEST(chunk_extensions_are_limited_in_a_line)
{
	char text[2048] = "5;";

	memset(text + 2, 'a', 1025);
	assert_bad(str_of(text, 1027), HTTP1_FAULT_CHUNK_LARGE);
}

TEST(chunk_extensions_are_limited_in_a_message)
{
	struct http1_chunked c = { 0 };
	enum http1_chunked_event event = HTTP1_CHUNKED_MORE;
	unsigned chunks = 0;

	for (; event == HTTP1_CHUNKED_MORE && chunks < 10000; chunks++) {
		struct str input = STR("1;abcdefghijklmno\r\nx\r\n"), data;

		event = http1_chunked_next(&c, &input, &data);
		if (event == HTTP1_CHUNKED_DATA)
			event = http1_chunked_next(&c, &input, &data);
	}
	assert_int_equal(event, HTTP1_CHUNKED_BAD);
	assert_int_equal(c.fault, HTTP1_FAULT_CHUNK_LARGE);
	assert_int_equal(chunks, 16 * 1024 / 16 + 1);
}

TEST(chunk_lines_read_back)
{
	static const uint64_t lengths[] = { 1, 9, 10, 15, 16, 255, 256, 4096, 0x123456789abcdef };

	for (size_t i = 0; i < array_count(lengths); i++) {
		struct http1_chunked c = { 0 };
		char line[HTTP1_CHUNK_LINE_MAX];
		struct str input = str_of(line, http1_write_chunk_line(line, lengths[i])), data;

		assert_true(input.len <= sizeof(line));
		assert_int_equal(http1_chunked_next(&c, &input, &data), HTTP1_CHUNKED_MORE);
		assert_int_equal(c.left, lengths[i]);
	}
}

static const struct http1_limits limits = { .count_max = 10, .bytes_max = 1024 };

/* Reads at once and byte by byte. */
static enum http1_result read_trailers(struct str input, struct headers *h, struct http1_head *head)
{
	struct http1_reader whole = { 0 }, bytewise = { 0 };
	enum http1_result a = HTTP1_MORE, b;

	for (size_t len = 1; len <= input.len && a == HTTP1_MORE; len++)
		a = http1_read_trailers(&bytewise, &limits, str_slice(input, 0, len), h, head);
	b = http1_read_trailers(&whole, &limits, input, h, head);
	assert_int_equal(a, b);
	return b;
}

TEST(trailers_are_read_and_framing_is_refused_in_them)
{
	static const char *const forbidden[] = {
		"Content-Length: 5\r\n\r\n", "a: b\r\nTransfer-Encoding: chunked\r\n\r\n",
		"Host: a\r\n\r\n",           "Connection: close\r\n\r\n",
		"Trailer: x\r\n\r\n",
	};
	struct pool pool = POOL_INIT(0);
	struct headers h;
	struct http1_head head;

	headers_init(&h, &pool);
	assert_int_equal(read_trailers(STR("\r\n"), &h, &head), HTTP1_DONE);
	assert_int_equal(head.len, 2);
	assert_int_equal(headers_count(&h), 0);
	assert_int_equal(read_trailers(STR("A: b\r\ngrpc-status: 0\r\n\r\nGET"), &h, &head),
			 HTTP1_DONE);
	assert_int_equal(head.len, 24);
	assert_str_equal(headers_get(&h, HEADER_GRPC_STATUS)->value, "0");
	assert_int_equal(read_trailers(STR("A: b\r\n"), &h, &head), HTTP1_MORE);
	assert_int_equal(read_trailers(STR("A b\r\n\r\n"), &h, &head), HTTP1_BAD);
	for (size_t i = 0; i < array_count(forbidden); i++) {
		assert_int_equal(read_trailers(str_from(forbidden[i]), &h, &head), HTTP1_BAD);
		assert_true(head.fault == HTTP1_FAULT_TRAILER || head.fault == HTTP1_FAULT_CODING);
	}
	pool_fini(&pool);
}
