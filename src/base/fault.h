#pragma once

/*
 * Fault points
 *
 * Each fallible call of the system asks fault_point() first. In a test, "fail the nth" makes
 * the nth question since then answer with an error; so a scenario can be run with its 1st,
 * 2nd, … failure until none is left. In release builds it is the constant 0.
 */

#include <stdbool.h>

#include "base/macro.h"

#ifdef WEFT_FAULTS
/* 0, or the negative code that the call is to fail with. `name` is for the trace. */
int fault_point(const char *name);
/* The nth question from now on (from 1) fails with `error`; 0 turns it off. Per thread. */
void fault_arm(unsigned nth, int error);
/* Has an armed fault been delivered? */
bool fault_delivered(void);
#else
#define fault_point(name) (0)
#endif
