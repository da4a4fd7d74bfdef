#include "fuzz.h"

/* What is complete stays complete with more bytes behind it, and what is not waits or ends. */

#include <assert.h>

#include "net/sni.h"

static void check(const struct client_hello *hello)
{
	assert(hello->sni.len <= HELLO_SNI_BYTES_MAX);
	assert(hello->alpn_count <= HELLO_ALPN_COUNT_MAX);
	for (uint32_t i = 0; i < hello->alpn_count; i++)
		assert(hello->alpn[i].len > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = str_of((const char *)data, size);
	struct client_hello hello;
	enum hello_result last = HELLO_MORE;

	for (size_t len = 0; len <= size; len += 1 + len / 16) {
		enum hello_result r = client_hello_read(str_slice(input, 0, len), &hello);

		if (r == HELLO_TLS)
			check(&hello);
		assert(last == HELLO_MORE || r == last);
		last = r;
	}
	return 0;
}
