#include "base/random.h"

#include <endian.h>
#include <sys/random.h>

/* The generator is Blackman and Vigna's xoshiro256++; its state must not be all zeros. */

static inline uint64_t rotate_left(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

/* splitmix64: spreads one word over the state, as the authors advise. */
static uint64_t seed_next(uint64_t *seed)
{
	uint64_t z = (*seed += 0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

void random_init(struct random *r, uint64_t seed)
{
	for (size_t i = 0; i < array_count(r->state); i++)
		r->state[i] = seed_next(&seed);
}

void random_init_from_kernel(struct random *r)
{
	do {
		if (getrandom(r->state, sizeof(r->state), 0) != sizeof(r->state))
			abort();
	} while (!(r->state[0] | r->state[1] | r->state[2] | r->state[3]));
}

uint64_t random_u64(struct random *r)
{
	uint64_t *s = r->state;
	uint64_t result = rotate_left(s[0] + s[3], 23) + s[0];
	uint64_t shifted = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= shifted;
	s[3] = rotate_left(s[3], 45);
	return result;
}

/*
 * Lemire's method: the high word of a product is uniform once the few low words that would
 * favour some results are drawn again; the division is met only then.
 */
uint64_t random_below(struct random *r, uint64_t bound)
{
	unsigned __int128 product = (unsigned __int128)random_u64(r) * bound;

	if (unlikely((uint64_t)product < bound)) {
		uint64_t unfair = -bound % bound;

		while ((uint64_t)product < unfair)
			product = (unsigned __int128)random_u64(r) * bound;
	}
	return (uint64_t)(product >> 64);
}

/*
 * Eight hexadecimal digits at once: the nibbles are spread over the bytes of a word, and
 * each byte becomes its digit without a branch.
 */
static void hex_put(char *at, uint32_t number)
{
	const uint64_t ones = 0x0101010101010101;
	uint64_t x = number, letters;

	x = (x | x << 16) & 0x0000ffff0000ffff;
	x = (x | x << 8) & 0x00ff00ff00ff00ff;
	x = (x | x << 4) & (0x0f * ones);
	letters = (x + 6 * ones) >> 4 & ones;
	x += '0' * ones + letters * ('a' - '0' - 10);
	x = htobe64(x);
	memcpy(at, &x, sizeof(x));
}

void random_uuid(struct random *r, char *ret_text)
{
	uint64_t high = random_u64(r);
	uint64_t low = random_u64(r);
	char digits[32];

	high = (high & ~0xf000ull) | 0x4000; /* version 4 */
	low = low >> 2 | 0x8000000000000000; /* variant 10 */
	hex_put(digits, (uint32_t)(high >> 32));
	hex_put(digits + 8, (uint32_t)high);
	hex_put(digits + 16, (uint32_t)(low >> 32));
	hex_put(digits + 24, (uint32_t)low);
	memcpy(ret_text, digits, 8);
	memcpy(ret_text + 9, digits + 8, 4);
	memcpy(ret_text + 14, digits + 12, 4);
	memcpy(ret_text + 19, digits + 16, 4);
	memcpy(ret_text + 24, digits + 20, 12);
	ret_text[8] = ret_text[13] = ret_text[18] = ret_text[23] = '-';
}
