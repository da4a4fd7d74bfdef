#pragma once

/*
 * Memory
 *
 * The only way to the heap. Everything that a peer can make grow has a limit of its own, so
 * a failed allocation means that the machine is out of memory: these functions print that
 * and abort, and never return NULL. Live bytes are counted, for tests that look for leaks
 * and for the metric memory_live_bytes.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"
#include "base/str.h"

/*
 * A zeroed object of `type`, and `count` of them in one piece (overflow aborts). Types that
 * ask for a cache line of their own (_Alignas(64)) get it.
 */
#define mem_new(type)                                                           \
	((type *)(_Alignof(type) > _Alignof(max_align_t)                        \
			  ? mem_zalloc_aligned(1, sizeof(type), _Alignof(type)) \
			  : mem_zalloc(sizeof(type))))
#define mem_new_array(type, count)                                                    \
	((type *)(_Alignof(type) > _Alignof(max_align_t)                              \
			  ? mem_zalloc_aligned((count), sizeof(type), _Alignof(type)) \
			  : mem_zalloc_array((count), sizeof(type))))

void *mem_alloc(size_t size_bytes);
void *mem_zalloc(size_t size_bytes);
void *mem_zalloc_array(size_t count, size_t size_bytes);
void *mem_zalloc_aligned(size_t count, size_t size_bytes, size_t alignment);

/* ptr may be NULL. The grown part is not zeroed; more than the usual alignment is lost. */
void *mem_realloc(void *ptr, size_t size_bytes);

/* Accepts NULL; returns NULL: x = mem_free(x). */
void *mem_free(void *ptr);

/* Terminated copies, to be freed with mem_free(). mem_strdup(NULL) is NULL. */
char *mem_strdup(const char *text);
char *mem_strdup_str(struct str s);
char *mem_printf(const char *format, ...) printf_like(1, 2);

/* Bytes handed out by this module and not yet returned, over all threads. */
uint64_t mem_live_bytes(void);

static inline void mem_freep(void *ptr_to_ptr)
{
	void **p = ptr_to_ptr;

	*p = mem_free(*p);
}
