#include "fuzz.h"

/*
 * A request that is read comes to the same in two pieces as in one, and what is written of
 * it reads back with the same meaning.
 */

#include <assert.h>
#include <stdlib.h>

#include "base/macro.h"
#include "codec/http1.h"

static const struct http1_limits limits = { .count_max = 20, .bytes_max = 2048 };

struct reading {
	struct pool pool;
	struct headers h;
	struct http1_head head;
};

static void reading_init(struct reading *x)
{
	pool_init(&x->pool, 0);
	headers_init(&x->h, &x->pool);
}

static enum http1_result read_in_two(struct reading *x, struct str input, size_t first)
{
	struct http1_reader r = { 0 };
	enum http1_result result = HTTP1_MORE;

	if (first > 0)
		result = http1_read_request(&r, &limits, str_slice(input, 0, first), &x->h,
					    &x->head);
	if (result == HTTP1_MORE)
		result = http1_read_request(&r, &limits, input, &x->h, &x->head);
	return result;
}

static void assert_reads_back(const struct reading *x)
{
	size_t size = 16384, len;
	struct http1_reader r = { 0 };
	struct reading back;
	enum http1_result result;
	char *text;

	if (x->h.method_id == METHOD_CONNECT || x->h.authority.len == 0)
		return;
	text = malloc(size);
	if (!text)
		abort();
	len = http1_write_head(&x->h, x->head.body == HTTP1_BODY_CHUNKED ? HTTP1_ADD_CHUNKED : 0,
			       text, size);
	assert(len > 0);
	assert(len <= size);
	reading_init(&back);
	result = http1_read_request(&r, &(struct http1_limits){ 20, 8192 }, str_of(text, len),
				    &back.h, &back.head);
	assert(result == HTTP1_DONE);
	assert(back.head.len == len);
	assert(back.head.body == x->head.body);
	assert(back.head.length == x->head.length);
	assert(headers_count(&back.h) == headers_count(&x->h));
	assert(str_eq(back.h.path, x->h.path));
	assert(str_eq(back.h.authority, x->h.authority));
	pool_fini(&back.pool);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = str_of((const char *)data, size);
	struct reading whole, parted;
	enum http1_result result;

	if (size == 0)
		return 0;
	reading_init(&whole);
	reading_init(&parted);
	result = read_in_two(&whole, input, 0);
	if (result != read_in_two(&parted, input, size / 3))
		assert(result == HTTP1_BAD);
	if (result == HTTP1_DONE) {
		assert(whole.head.len <= size);
		assert_reads_back(&whole);
	}
	pool_fini(&whole.pool);
	pool_fini(&parted.pool);
	return 0;
}
