#include "base/mem.h"

#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * Live bytes
 *
 * Each thread adds to a slot that it alone writes, so counting costs a plain addition, and
 * the reader adds the slots up. A block freed by another thread leaves one slot too high and
 * another too low, and the sum is right. The slot of a thread that ended keeps its number and
 * goes to the next thread; slots are never freed. What is counted is the size that the
 * allocator really set aside, so no header is needed in front of a block.
 */
struct slot {
	_Alignas(64) _Atomic int64_t bytes;
	struct slot *next;
	struct slot *next_spare;
};

static struct {
	pthread_mutex_t lock;
	pthread_once_t once;
	pthread_key_t thread_end;
	struct slot *spare;
	_Atomic(struct slot *) all;
} slots = { .lock = PTHREAD_MUTEX_INITIALIZER, .once = PTHREAD_ONCE_INIT };

static _Thread_local struct slot *slot_here;

/* A destructor that runs later and frees memory takes a slot again. */
static void on_thread_end(void *slot)
{
	struct slot *ended = slot;

	slot_here = NULL;
	pthread_mutex_lock(&slots.lock);
	ended->next_spare = slots.spare;
	slots.spare = ended;
	pthread_mutex_unlock(&slots.lock);
}

static void thread_end_watch(void)
{
	if (pthread_key_create(&slots.thread_end, on_thread_end))
		abort();
}

static struct slot *slot_new(void)
{
	struct slot *slot = aligned_alloc(_Alignof(struct slot), sizeof(*slot));

	if (!slot)
		abort();
	atomic_init(&slot->bytes, 0);
	slot->next = atomic_load_explicit(&slots.all, memory_order_relaxed);
	atomic_store_explicit(&slots.all, slot, memory_order_release);
	return slot;
}

static struct slot *slot_take(void)
{
	struct slot *slot;

	pthread_once(&slots.once, thread_end_watch);
	pthread_mutex_lock(&slots.lock);
	slot = slots.spare;
	if (slot)
		slots.spare = slot->next_spare;
	else
		slot = slot_new();
	pthread_mutex_unlock(&slots.lock);
	pthread_setspecific(slots.thread_end, slot);
	slot_here = slot;
	return slot;
}

static inline void account(int64_t bytes)
{
	struct slot *slot = likely(slot_here) ? slot_here : slot_take();
	int64_t before = atomic_load_explicit(&slot->bytes, memory_order_relaxed);

	atomic_store_explicit(&slot->bytes, before + bytes, memory_order_relaxed);
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

static size_t size_of_all(size_t count, size_t size_bytes)
{
	size_t total;

	if (__builtin_mul_overflow(count, size_bytes, &total) || total > PTRDIFF_MAX)
		out_of_memory(SIZE_MAX);
	return total;
}

void *mem_zalloc_array(size_t count, size_t size_bytes)
{
	return mem_zalloc(size_of_all(count, size_bytes));
}

void *mem_zalloc_aligned(size_t count, size_t size_bytes, size_t alignment)
{
	size_t total = size_of_all(count, size_bytes);
	void *ptr = handed_out(aligned_alloc(alignment, max_of(total, alignment)), total);

	return memset(ptr, 0, total);
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
	struct slot *slot = atomic_load_explicit(&slots.all, memory_order_acquire);
	int64_t sum = 0;

	for (; slot; slot = slot->next)
		sum += atomic_load_explicit(&slot->bytes, memory_order_relaxed);
	return sum > 0 ? (uint64_t)sum : 0;
}
