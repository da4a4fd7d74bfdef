#include "base/fault.h"

#ifdef WEFT_FAULTS

static _Thread_local struct {
	unsigned countdown; /* 0: not armed */
	int error;
	bool delivered;
	const char *name; /* of the point that failed, for a debugger */
} fault;

int fault_point(const char *name)
{
	if (likely(fault.countdown == 0) || --fault.countdown)
		return 0;
	fault.delivered = true;
	fault.name = name;
	return fault.error;
}

void fault_arm(unsigned nth, int error)
{
	fault.countdown = nth;
	fault.error = error;
	fault.delivered = false;
	fault.name = NULL;
}

bool fault_delivered(void)
{
	return fault.delivered;
}

#else
typedef int fault_points_are_compiled_out;
#endif
