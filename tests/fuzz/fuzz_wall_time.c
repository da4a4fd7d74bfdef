#include "fuzz.h"

/* What wall_time_parse() accepts, wall_time_format() writes so that it reads back the same, to
 * the millisecond that it writes. */

#include <assert.h>

#include "base/buf.h"
#include "base/time.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wall_time first, second;
	struct buf text = BUF_INIT(64);

	if (wall_time_parse(str_of((const char *)data, size), &first) < 0)
		return 0;
	/* The first millisecond of the range cannot be written whole. */
	if (first.ns < INT64_MIN + 1000000)
		return 0;
	wall_time_format(first, &text);
	if (wall_time_parse(buf_str(&text), &second) < 0)
		assert(!"what was written does not read back");
	assert(first.ns - second.ns >= 0 && first.ns - second.ns < 1000000);
	buf_fini(&text);
	return 0;
}
