#include "codec/http1.h"

#include <stdlib.h>

#include "test.h"

static const struct http1_limits limits = { .count_max = 100, .bytes_max = 60 * 1024 };

struct writing {
	struct pool pool;
	struct headers h;
	char text[1024];
};

static void writing_init(struct writing *w)
{
	pool_init(&w->pool, 0);
	headers_init(&w->h, &w->pool);
}

static void read_request(struct writing *w, struct str input)
{
	struct http1_reader r = { 0 };
	struct http1_head head;

	writing_init(w);
	assert_int_equal(http1_read_request(&r, &limits, input, &w->h, &head), HTTP1_DONE);
}

static struct str write_head(struct writing *w, unsigned add)
{
	size_t len = http1_write_head(&w->h, add, w->text, sizeof(w->text));

	assert_true(len > 0);
	assert_true(len <= sizeof(w->text));
	return str_of(w->text, len);
}

TEST(an_unchanged_request_goes_out_as_it_came)
{
	struct writing w;
	struct str input = STR("GET /a HTTP/1.1\r\nHost: b\r\nX-One: 1\r\nx-two:\r\nX-Three: 3\r\n"
			       "Four:4\r\nFive: 5\r\n\r\n");

	read_request(&w, input);
	assert_str_equal(write_head(&w, 0), "GET /a HTTP/1.1\r\nHost: b\r\nX-One: 1\r\nx-two: \r\n"
					    "X-Three: 3\r\nFour: 4\r\nFive: 5\r\n\r\n");
	pool_fini(&w.pool);
}

TEST(changed_fields_are_written_anew)
{
	struct writing w;

	read_request(&w, STR("GET / HTTP/1.1\r\nA: 1\r\nHost: b\r\nC: 2\r\nUpgrade: x\r\nD: 3\r\n"
			     "E: 45\r\nF: 6\r\n\r\n"));
	headers_remove(&w.h, HEADER_UPGRADE);
	headers_get_named(&w.h, STR("d"))->value = STR("new");
	headers_get_named(&w.h, STR("e"))->value.len = 1;
	headers_add(&w.h, HEADER_X_REQUEST_ID, STR("id"));
	w.h.path = STR("/other");
	assert_str_equal(
		write_head(&w, 0),
		"GET /other HTTP/1.1\r\nHost: b\r\nA: 1\r\nC: 2\r\nD: new\r\nE: 4\r\nF: 6\r\n"
		"x-request-id: id\r\n\r\n");
	pool_fini(&w.pool);
}

TEST(framing_is_added_and_never_passed_on)
{
	struct writing w;

	writing_init(&w);
	w.h.status = 200;
	headers_add(&w.h, HEADER_TRANSFER_ENCODING, STR("gzip"));
	headers_add(&w.h, HEADER_HOST, STR("a"));
	headers_add(&w.h, HEADER_CONTENT_LENGTH, STR("5"));
	assert_str_equal(write_head(&w, 0), "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n");
	assert_str_equal(
		write_head(&w, HTTP1_DROP_LENGTH | HTTP1_ADD_CHUNKED | HTTP1_ADD_CLOSE),
		"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n");
	w.h.status = 777;
	assert_str_equal(
		write_head(&w, HTTP1_DROP_LENGTH | HTTP1_ADD_LENGTH_ZERO | HTTP1_ADD_KEEP_ALIVE),
		"HTTP/1.1 777 \r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n");
	pool_fini(&w.pool);
}

static bool is_writable(struct writing *w)
{
	return http1_write_head(&w->h, 0, w->text, sizeof(w->text)) > 0;
}

TEST(what_would_not_survive_the_wire_is_not_written)
{
	struct writing w;

	read_request(&w, STR("GET / HTTP/1.1\r\nHost: b\r\nA: 1\r\n\r\n"));
	assert_true(is_writable(&w));
	w.h.items[0].value = STR("1\r\nB: 2");
	assert_false(is_writable(&w));
	w.h.items[0].value = STR("1");
	w.h.items[0].name = STR("A b");
	assert_false(is_writable(&w));
	w.h.items[0].name = STR("");
	assert_false(is_writable(&w));
	w.h.items[0].name = STR("A");
	w.h.path = STR("/a b");
	assert_false(is_writable(&w));
	w.h.path = STR("/");
	w.h.method = STR("G T");
	w.h.method_id = METHOD_OTHER;
	assert_false(is_writable(&w));
	w.h.method = STR("GET");
	w.h.method_id = METHOD_GET;
	w.h.authority = STR("a\r\n");
	assert_false(is_writable(&w));
	w.h.authority = STR_EMPTY;
	assert_true(is_writable(&w));
	w.h.status = 99;
	assert_false(is_writable(&w));
	pool_fini(&w.pool);
}

TEST(trailers_are_written_without_framing)
{
	struct writing w;
	size_t len;

	writing_init(&w);
	headers_add(&w.h, HEADER_CONTENT_LENGTH, STR("5"));
	headers_add(&w.h, HEADER_GRPC_STATUS, STR("0"));
	headers_add_named(&w.h, STR("x-sum"), STR("abc"));
	len = http1_write_trailers(&w.h, w.text, sizeof(w.text));
	assert_str_equal(str_of(w.text, len), "0\r\ngrpc-status: 0\r\nx-sum: abc\r\n\r\n");
	headers_add_named(&w.h, STR("x"), STR("a\nb"));
	assert_int_equal(http1_write_trailers(&w.h, w.text, sizeof(w.text)), 0);
	pool_fini(&w.pool);
}

TEST(a_head_without_room_says_how_much_it_needs)
{
	struct writing w;
	char *exact;

	read_request(&w, STR("GET / HTTP/1.1\r\nHost: b\r\nA: 1\r\nB: 2\r\n\r\n"));
	headers_add(&w.h, HEADER_X_REQUEST_ID, STR("id"));
	for (size_t room = 0; room < 400; room++) {
		size_t len;

		exact = malloc(room + 1);
		len = http1_write_head(&w.h, HTTP1_ADD_CLOSE, exact, room);
		assert_true(len > 0);
		if (len > room)
			assert_in_range(http1_write_head(&w.h, HTTP1_ADD_CLOSE, w.text, len), 1,
					len);
		free(exact);
	}
	headers_clear(&w.h);
	headers_add(&w.h, HEADER_GRPC_STATUS, STR("0"));
	for (size_t room = 0; room < 40; room++) {
		size_t len;

		exact = malloc(room + 1);
		len = http1_write_trailers(&w.h, exact, room);
		assert_true(len > 0);
		if (len > room)
			assert_in_range(http1_write_trailers(&w.h, w.text, len), 1, len);
		free(exact);
	}
	pool_fini(&w.pool);
}
