#pragma once

/*
 * Memory of one request (or one compiled resource, or one parse)
 *
 * A pool hands out memory that is released all at once. It takes blocks from the heap as it
 * grows and can be reset to keep its first block for the next request.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"
#include "base/str.h"

struct pool_block;

struct pool {
	struct pool_block *first;
	struct pool_block *current;
	size_t used_bytes; /* over all blocks, for accounting */
	size_t block_bytes;
};

#define POOL_INIT(block)               \
	{                              \
		.block_bytes = (block) \
	}

/* No memory is taken before the first allocation. block_bytes: size of a block, 0 for 4096. */
void pool_init(struct pool *p, size_t block_bytes);

/* Releases everything. Accepts zeroed memory. */
void pool_fini(struct pool *p);

/* Forgets everything that was handed out; keeps one block. */
void pool_reset(struct pool *p);

/* Aligned for any type; not zeroed, and zeroed. Never NULL. */
void *pool_alloc(struct pool *p, size_t size_bytes);
void *pool_zalloc(struct pool *p, size_t size_bytes);

/* A zeroed object, and an array; overflow aborts. A type that asks for more than the usual
 * alignment does not compile. */
#define pool_new(p, type)              ((type *)pool_zalloc((p), pool_size_of(type)))
#define pool_new_array(p, type, count) ((type *)pool_zalloc_array((p), (count), pool_size_of(type)))
void *pool_zalloc_array(struct pool *p, size_t count, size_t size_bytes);

#define pool_size_of(type) \
	(sizeof(type) * sizeof(char[_Alignof(type) <= _Alignof(max_align_t) ? 1 : -1]))

/* A copy with a terminator behind it. */
struct str pool_strdup(struct pool *p, struct str s);
/* A number in decimal; for what pool_printf("%llu") is too slow. */
struct str pool_decimal(struct pool *p, uint64_t n);
struct str pool_printf(struct pool *p, const char *format, ...) printf_like(2, 3);
