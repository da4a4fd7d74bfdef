#include "base/pool.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"

/*
 * Blocks hang in a list behind the first. `current` is the one that small allocations come
 * from. A large one gets a block of its own that is full from the start, so that the rest of
 * the current block is not thrown away for it.
 */
struct pool_block {
	struct pool_block *next;
	size_t size;
	size_t used;
	_Alignas(max_align_t) char data[];
};

/* Under AddressSanitizer what is not handed out is poisoned, so that a read behind an object
 * or after pool_reset() is caught as it would be on the heap. */
#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#define memory_close(ptr, size) __asan_poison_memory_region((ptr), (size))
#define memory_open(ptr, size)  __asan_unpoison_memory_region((ptr), (size))
#else
#define memory_close(ptr, size) ((void)0)
#define memory_open(ptr, size)  ((void)0)
#endif

#define ALIGNMENT           _Alignof(max_align_t)
#define BLOCK_BYTES_DEFAULT 4096

void pool_init(struct pool *p, size_t block_bytes)
{
	*p = (struct pool)POOL_INIT(block_bytes);
}

static void blocks_free(struct pool_block *block)
{
	while (block) {
		struct pool_block *next = block->next;

		mem_free(block);
		block = next;
	}
}

void pool_fini(struct pool *p)
{
	blocks_free(p->first);
	*p = (struct pool)POOL_INIT(p->block_bytes);
}

static size_t block_size(const struct pool *p)
{
	size_t bytes = p->block_bytes ? p->block_bytes : BLOCK_BYTES_DEFAULT;

	return bytes > sizeof(struct pool_block) + ALIGNMENT ? bytes - sizeof(struct pool_block)
							     : ALIGNMENT;
}

void pool_reset(struct pool *p)
{
	struct pool_block *first = p->first;

	if (!first)
		return;
	/* A first block of unusual size would stay for good. */
	if (first->size != block_size(p)) {
		pool_fini(p);
		return;
	}
	blocks_free(first->next);
	first->next = NULL;
	first->used = 0;
	memory_close(first->data, first->size);
	p->current = first;
	p->used_bytes = 0;
}

static struct pool_block *block_add(struct pool *p, size_t size_bytes)
{
	struct pool_block *block = mem_alloc(sizeof(*block) + size_bytes);

	block->size = size_bytes;
	block->used = 0;
	memory_close(block->data, size_bytes);
	if (p->first) {
		block->next = p->first->next;
		p->first->next = block;
	} else {
		block->next = NULL;
		p->first = block;
	}
	return block;
}

static inline void *take(struct pool *p, struct pool_block *block, size_t size_bytes)
{
	void *ptr = block->data + block->used;

	block->used += size_bytes;
	p->used_bytes += size_bytes;
	return ptr;
}

static void *take_slow(struct pool *p, size_t size_bytes)
{
	size_t usual = block_size(p);

	if (size_bytes > usual / 2)
		return take(p, block_add(p, size_bytes), size_bytes);
	p->current = block_add(p, usual);
	return take(p, p->current, size_bytes);
}

void *pool_alloc(struct pool *p, size_t size_bytes)
{
	struct pool_block *block = p->current;
	size_t rounded = (size_bytes + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
	void *ptr;

	assert(size_bytes <= SIZE_MAX / 2);
	if (likely(block && block->size - block->used >= rounded))
		ptr = take(p, block, rounded);
	else
		ptr = take_slow(p, rounded);
	memory_open(ptr, size_bytes);
	return ptr;
}

void *pool_zalloc(struct pool *p, size_t size_bytes)
{
	return memset(pool_alloc(p, size_bytes), 0, size_bytes);
}

void *pool_zalloc_array(struct pool *p, size_t count, size_t size_bytes)
{
	size_t total;
	bool overflow = __builtin_mul_overflow(count, size_bytes, &total);

	assert(!overflow);
	return pool_zalloc(p, total);
}

struct str pool_strdup(struct pool *p, struct str s)
{
	char *copy = pool_alloc(p, s.len + 1);

	if (s.len)
		memcpy(copy, s.ptr, s.len);
	copy[s.len] = '\0';
	return str_of(copy, s.len);
}

struct str pool_decimal(struct pool *p, uint64_t n)
{
	char digits[20];
	size_t at = sizeof(digits);
	char *text;

	do
		digits[--at] = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	text = pool_alloc(p, sizeof(digits) - at);
	memcpy(text, digits + at, sizeof(digits) - at);
	return str_of(text, sizeof(digits) - at);
}

struct str pool_printf(struct pool *p, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	assert(len >= 0);

	char *text = pool_alloc(p, (size_t)len + 1);

	va_start(args, format);
	vsnprintf(text, (size_t)len + 1, format, args);
	va_end(args);
	return str_of(text, (size_t)len);
}
