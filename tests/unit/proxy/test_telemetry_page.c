#include "proxy/telemetry_page.h"

#include "base/file.h"
#include "test.h"

TEST(the_reference_is_what_the_tables_say)
{
	struct buf page = BUF_INIT(0), made = BUF_INIT(0);

	assert_int_equal(file_read(TELEMETRY_REFERENCE, 1 << 20, &page), 0);
	telemetry_page(&made);
	if (!str_eq(buf_str(&page), buf_str(&made)))
		fail_msg("%s is not up to date: weft-proxy --reference > %s", TELEMETRY_REFERENCE,
			 "docs/reference/telemetry.md");
	buf_fini(&page);
	buf_fini(&made);
}
