#include "fuzz.h"

/* What duration_parse() accepts, duration_format() writes so that it reads back the same. */

#include <assert.h>

#include "base/buf.h"
#include "base/time.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct duration first;
	struct duration second;
	struct buf text;

	if (duration_parse(str_of((const char *)data, size), &first) < 0)
		return 0;
	assert(first.ns >= 0);
	if (first.ns == DURATION_FOREVER.ns) /* written as a word */
		return 0;
	buf_init(&text, 128);
	duration_format(first, &text);
	if (duration_parse(buf_str(&text), &second) < 0)
		assert(!"what was written does not read back");
	assert(first.ns == second.ns);
	buf_fini(&text);
	return 0;
}
