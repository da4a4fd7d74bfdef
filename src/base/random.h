#pragma once

/*
 * Fast random numbers (not for keys)
 *
 * xoshiro256++, one generator per worker, seeded by the kernel in production and by a
 * constant in tests; so a request id or a weighted choice costs no system call.
 */

#include <stdint.h>

#include "base/str.h"

struct random {
	uint64_t state[4];
};

void random_init(struct random *r, uint64_t seed);
/* From getrandom(2). */
void random_init_from_kernel(struct random *r);

uint64_t random_u64(struct random *r);
/* Uniform in [0, bound); bound > 0. */
uint64_t random_below(struct random *r, uint64_t bound);

#define RANDOM_UUID_LEN 36
/* An RFC 9562 version 4 UUID in lower case; writes RANDOM_UUID_LEN bytes, no terminator. */
void random_uuid(struct random *r, char *ret_text);
