#include "fuzz.h"

/*
 * A chunked body comes to the same however it is cut: the first byte is the length of the
 * pieces. Trailers are read from what is left.
 */

#include <assert.h>

#include "base/buf.h"
#include "codec/http1.h"

static enum http1_chunked_event decode(struct str input, size_t step, struct buf *body,
				       size_t *ret_used)
{
	struct http1_chunked c = { 0 };
	enum http1_chunked_event event = HTTP1_CHUNKED_MORE;
	size_t used = 0;

	while (used < input.len && event <= HTTP1_CHUNKED_DATA) {
		struct str piece = str_slice(input, used, used + step), data;
		size_t before = piece.len;

		event = http1_chunked_next(&c, &piece, &data);
		used += before - piece.len;
		if (event == HTTP1_CHUNKED_DATA && buf_append_str(body, data) < 0)
			assert(!"an unlimited buffer is full");
	}
	*ret_used = used;
	return event;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole = BUF_INIT(0), parted = BUF_INIT(0);
	enum http1_chunked_event event;
	size_t used, used_parted;
	struct str input;

	if (size < 2)
		return 0;
	input = str_of((const char *)data + 1, size - 1);
	event = decode(input, input.len, &whole, &used);
	if (event != decode(input, data[0] ? data[0] : 1, &parted, &used_parted))
		/* DATA and MORE alike mean that the body goes on. */
		assert(event <= HTTP1_CHUNKED_DATA);
	assert(used == used_parted);
	assert(str_eq(buf_str(&whole), buf_str(&parted)));
	assert(buf_len(&whole) <= input.len);
	if (event == HTTP1_CHUNKED_TRAILERS && used < input.len) {
		static const struct http1_limits limits = { .count_max = 8, .bytes_max = 512 };
		struct http1_reader r = { 0 };
		struct pool pool = POOL_INIT(0);
		struct headers h;
		struct http1_head head;

		headers_init(&h, &pool);
		if (http1_read_trailers(&r, &limits, str_slice(input, used, input.len), &h,
					&head) == HTTP1_DONE)
			assert(head.len <= input.len - used);
		pool_fini(&pool);
	}
	buf_fini(&whole);
	buf_fini(&parted);
	return 0;
}
