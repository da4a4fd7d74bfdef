#include "test.h"

#include "base/fault.h"

#ifdef WEFT_FAULTS
TEST(the_nth_fault_point_fails_and_no_other)
{
	fault_arm(3, -5);
	assert_int_equal(fault_point("a"), 0);
	assert_int_equal(fault_point("b"), 0);
	assert_false(fault_delivered());
	assert_int_equal(fault_point("c"), -5);
	assert_true(fault_delivered());
	assert_int_equal(fault_point("d"), 0);
	assert_true(fault_delivered());
	fault_arm(0, 0);
	assert_false(fault_delivered());
	assert_int_equal(fault_point("e"), 0);
}
#else
TEST(fault_points_cost_nothing_when_compiled_out)
{
	assert_int_equal(fault_point("a"), 0);
}
#endif
