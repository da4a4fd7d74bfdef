#include "base/hash.h"

#include <endian.h>
#include <stddef.h>
#include <sys/random.h>

/*
 * SipHash (Aumasson and Bernstein, 2012) with one round per word and three at the end: the
 * variant that language runtimes use for their tables, since only a bucket index leaks from
 * it. The message is read in words of eight little-endian bytes; the last word carries the
 * length in its top byte.
 */
struct sip {
	uint64_t v0, v1, v2, v3;
};

static struct {
	uint64_t k0, k1;
} process_key;

/* Before main(), so that no thread can hash under two keys. */
__attribute__((constructor)) static void process_key_draw(void)
{
	if (getrandom(&process_key, sizeof(process_key), 0) != sizeof(process_key))
		abort();
}

static inline uint64_t rotate_left(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

static inline void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = rotate_left(s->v1, 13) ^ s->v0;
	s->v0 = rotate_left(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotate_left(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotate_left(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotate_left(s->v1, 17) ^ s->v2;
	s->v2 = rotate_left(s->v2, 32);
}

static inline void sip_word(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	sip_round(s);
	s->v0 ^= word;
}

/* The bytes behind the last whole word, and the length on top. */
static inline uint64_t word_last(const char *ptr, size_t len)
{
	uint64_t word = (uint64_t)len << 56;

	for (size_t i = 0; i < (len & 7); i++)
		word |= (uint64_t)(unsigned char)ptr[i] << (8 * i);
	return word;
}

uint64_t hash_bytes_keyed(struct str bytes, uint64_t k0, uint64_t k1)
{
	struct sip s = {
		.v0 = k0 ^ 0x736f6d6570736575,
		.v1 = k1 ^ 0x646f72616e646f6d,
		.v2 = k0 ^ 0x6c7967656e657261,
		.v3 = k1 ^ 0x7465646279746573,
	};
	const char *ptr = bytes.ptr;

	for (size_t left = bytes.len; left >= 8; left -= 8, ptr += 8) {
		uint64_t word;

		memcpy(&word, ptr, sizeof(word));
		sip_word(&s, le64toh(word));
	}
	sip_word(&s, word_last(ptr, bytes.len));
	s.v2 ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t hash_bytes(struct str s)
{
	return hash_bytes_keyed(s, process_key.k0, process_key.k1);
}

uint64_t hash_fnv1a64(struct str s)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < s.len; i++)
		hash = (hash ^ (unsigned char)s.ptr[i]) * 0x100000001b3;
	return hash;
}
