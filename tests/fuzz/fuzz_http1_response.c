#include "fuzz.h"

/* What is written of a response that was read means the same. The first byte chooses the
 * method of the request. */

#include <assert.h>
#include <stdlib.h>

#include "codec/http1.h"

static const struct http1_limits limits = { .count_max = 20, .bytes_max = 2048 };

static void assert_reads_back(const struct headers *h, const struct http1_head *head,
			      enum method request)
{
	size_t size = 16384, len;
	struct http1_reader r = { 0 };
	struct pool pool = POOL_INIT(0);
	struct http1_head back_head;
	struct headers back;
	enum http1_result result;
	char *text;

	text = malloc(size);
	if (!text)
		abort();
	len = http1_write_head(h, head->body == HTTP1_BODY_CHUNKED ? HTTP1_ADD_CHUNKED : 0, text,
			       size);
	assert(len > 0);
	assert(len <= size);
	headers_init(&back, &pool);
	result = http1_read_response(&r, &(struct http1_limits){ 20, 8192 }, str_of(text, len),
				     request, &back, &back_head);
	assert(result == HTTP1_DONE);
	assert(back_head.len == len);
	assert(back_head.body == head->body);
	assert(back_head.length == head->length);
	assert(back.status == h->status);
	assert(headers_count(&back) == headers_count(h));
	pool_fini(&pool);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http1_reader r = { 0 };
	struct pool pool = POOL_INIT(0);
	struct headers h;
	struct http1_head head;
	enum method request;

	if (size < 2)
		return 0;
	request = data[0] & 1 ? METHOD_HEAD : METHOD_GET;
	headers_init(&h, &pool);
	if (http1_read_response(&r, &limits, str_of((const char *)data + 1, size - 1), request, &h,
				&head) == HTTP1_DONE)
		assert_reads_back(&h, &head, request);
	pool_fini(&pool);
	return 0;
}
