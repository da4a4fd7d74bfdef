#include "base/mem.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * Live bytes are counted in slots, one cache line each, and added up by the reader. A thread
 * keeps to one slot, so that allocating threads do not fight over a line; a block freed by
 * another thread leaves one slot too high and another too low, and the sum is right. The
 * size is what the allocator really set aside, so no header is needed in front of a block.
 */
#define SLOT_COUNT 64

static struct {
	_Alignas(64) _Atomic int64_t bytes;
} live[SLOT_COUNT];

static _Atomic uint32_t slot_next;
static _Thread_local _Atomic int64_t *live_here;

static _Atomic int64_t *slot_choose(void)
{
	uint32_t slot = atomic_fetch_add_explicit(&slot_next, 1, memory_order_relaxed);

	live_here = &live[slot % SLOT_COUNT].bytes;
	return live_here;
}

static inline void account(int64_t bytes)
{
	_Atomic int64_t *slot = live_here;

	if (unlikely(!slot))
		slot = slot_choose();
	atomic_fetch_add_explicit(slot, bytes, memory_order_relaxed);
}

static no_return void out_of_memory(size_t size_bytes)
{
	fprintf(stderr, "out of memory: cannot allocate %zu bytes\n", size_bytes);
	abort();
}

static inline void *handed_out(void *ptr, size_t size_bytes)
{
	if (unlikely(!ptr))
		out_of_memory(size_bytes);
	account((int64_t)malloc_usable_size(ptr));
	return ptr;
}

void *mem_alloc(size_t size_bytes)
{
	return handed_out(malloc(size_bytes ? size_bytes : 1), size_bytes);
}

void *mem_zalloc(size_t size_bytes)
{
	return handed_out(calloc(1, size_bytes ? size_bytes : 1), size_bytes);
}

void *mem_zalloc_array(size_t count, size_t size_bytes)
{
	size_t total;

	if (__builtin_mul_overflow(count, size_bytes, &total))
		out_of_memory(SIZE_MAX);
	return mem_zalloc(total);
}

void *mem_realloc(void *ptr, size_t size_bytes)
{
	size_t before = ptr ? malloc_usable_size(ptr) : 0;
	void *grown = realloc(ptr, size_bytes ? size_bytes : 1);

	handed_out(grown, size_bytes);
	account(-(int64_t)before);
	return grown;
}

void *mem_free(void *ptr)
{
	if (!ptr)
		return NULL;
	account(-(int64_t)malloc_usable_size(ptr));
	free(ptr);
	return NULL;
}

char *mem_strdup(const char *text)
{
	return text ? mem_strdup_str(str_from(text)) : NULL;
}

char *mem_strdup_str(struct str s)
{
	char *copy = mem_alloc(s.len + 1);

	if (s.len)
		memcpy(copy, s.ptr, s.len);
	copy[s.len] = '\0';
	return copy;
}

char *mem_printf(const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0)
		out_of_memory(SIZE_MAX);

	char *text = mem_alloc((size_t)len + 1);

	va_start(args, format);
	vsnprintf(text, (size_t)len + 1, format, args);
	va_end(args);
	return text;
}

uint64_t mem_live_bytes(void)
{
	int64_t sum = 0;

	for (size_t i = 0; i < SLOT_COUNT; i++)
		sum += atomic_load_explicit(&live[i].bytes, memory_order_relaxed);
	return sum > 0 ? (uint64_t)sum : 0;
}
