#include "base/error.h"

#include "test.h"

TEST(every_code_has_a_text)
{
	assert_string_equal(err_text(0), "no error");
	assert_string_equal(err_text(ERR_TIMEOUT), "no answer in time");
	assert_string_equal(err_text(-2), "No such file or directory");
	assert_string_equal(err_text(12345), "unknown error");
}
