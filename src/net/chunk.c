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
	return NULL;
}
