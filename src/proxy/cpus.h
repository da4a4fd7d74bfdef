#pragma once

/*
 * How many processors this process may use
 */

#include <stdint.h>

/* The CPU quota of the cgroup, rounded up, or the processors of the affinity mask where that is
 * less. At least 1. */
uint32_t cpus_allowed(void);
