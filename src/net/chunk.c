#include "net/chunk.h"

#include <assert.h>

#include "base/macro.h"
#include "base/mem.h"

void chunk_stock_init(struct chunk_stock *s, uint32_t free_max)
{
	*s = (struct chunk_stock){ .free_max = free_max };
}

void chunk_stock_fini(struct chunk_stock *s)
{
	while (s->free) {
		struct chunk *c = s->free;

		s->free = c->next;
		mem_free(c);
	}
	s->free_count = 0;
}

struct chunk *chunk_new(struct chunk_stock *s, uint32_t size_bytes)
{
	struct chunk *c = s->free;

	if (likely(c && size_bytes <= CHUNK_BYTES)) {
		s->free = c->next;
		s->free_count--;
	} else {
		size_bytes = max_of(size_bytes, (uint32_t)CHUNK_BYTES);
		c = mem_alloc(sizeof(*c) + size_bytes);
		c->stock = s;
		c->size = size_bytes;
	}
	c->next = NULL;
	c->refs = 1;
	c->start = c->end = 0;
	return c;
}

struct chunk *chunk_ref(struct chunk *c)
{
	assert(c->refs > 0);
	c->refs++;
	return c;
}

struct chunk *chunk_unref(struct chunk *c)
{
	struct chunk_stock *s;

	if (!c)
		return NULL;
	assert(c->refs > 0);
	if (--c->refs > 0)
		return NULL;

	s = c->stock;
	if (c->size != CHUNK_BYTES || s->free_count >= s->free_max)
		return mem_free(c);
	c->next = s->free;
	s->free = c;
	s->free_count++;
	debug_check(s->free_count, chunk_stock_check(s));
	return NULL;
}

/*
 * Looking inside
 */

void chunk_check(const struct chunk *c)
{
	assert(c->stock);
	assert(c->refs > 0);
	assert(c->size >= CHUNK_BYTES);
	assert(c->start <= c->end);
	assert(c->end <= c->size);
}

void chunk_stock_check(const struct chunk_stock *s)
{
	uint32_t count = 0;

	for (const struct chunk *c = s->free; c; c = c->next) {
		assert(c->stock == s);
		assert(c->refs == 0);
		assert(c->size == CHUNK_BYTES);
		assert(count < s->free_count);
		count++;
	}
	assert(count == s->free_count);
	assert(s->free_count <= s->free_max);
}

void chunk_stock_dump(const struct chunk_stock *s, struct dump *d)
{
	dump_line(d, "chunks");
	dump_number(d, "free", s->free_count);
	dump_number(d, "free_max", s->free_max);
}
