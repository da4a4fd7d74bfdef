#pragma once

/*
 * Chunks: the bytes a connection read
 *
 * A worker keeps a stock of chunks of one size. A connection borrows one when bytes arrive
 * and gives it back when all are consumed, so an idle connection holds none. Whoever needs
 * the bytes for longer (a stream whose head lies in them) takes the chunk over and gives it
 * back itself. A chunk belongs to the worker's thread and has one holder at a time, except
 * that a holder may share it (chunk_ref) inside the thread.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/dump.h"
#include "base/list.h"

#define CHUNK_BYTES 16384

struct chunk_stock;

struct chunk {
	struct chunk_stock *stock;
	struct chunk *next; /* in the stock, or in a queue of its holder */
	uint32_t refs;
	uint32_t start; /* first unread byte */
	uint32_t end;   /* behind the last byte */
	uint32_t size;  /* of data: CHUNK_BYTES, or more for a large head */
	char data[];
};

struct chunk_stock {
	struct chunk *free;
	uint32_t free_count;
	uint32_t free_max; /* more than these go back to the heap */
};

void chunk_stock_init(struct chunk_stock *s, uint32_t free_max);
void chunk_stock_fini(struct chunk_stock *s);

/* With one reference, empty, of CHUNK_BYTES or of size_bytes where that is more. */
struct chunk *chunk_new(struct chunk_stock *s, uint32_t size_bytes);
struct chunk *chunk_ref(struct chunk *c);
struct chunk *chunk_unref(struct chunk *c); /* accepts NULL; returns NULL */

/* Looking inside; see base/dump.h. */
void chunk_check(const struct chunk *c); /* one that is held */
void chunk_stock_check(const struct chunk_stock *s);
void chunk_stock_dump(const struct chunk_stock *s, struct dump *d);

static inline uint32_t chunk_len(const struct chunk *c)
{
	return c->end - c->start;
}
