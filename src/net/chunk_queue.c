#include "net/conn_impl.h"

#include <assert.h>
#include <string.h>

size_t iov_len(const struct iovec *iov, int iov_count)
{
	size_t len = 0;

	for (int i = 0; i < iov_count; i++)
		len += iov[i].iov_len;
	return len;
}

static struct chunk *push_chunk(struct chunk_queue *q, struct chunk_stock *stock)
{
	struct chunk *c = chunk_new(stock, CHUNK_BYTES);

	if (q->last)
		q->last->next = c;
	else
		q->first = c;
	q->last = c;
	return c;
}

void chunk_queue_append_bytes(struct chunk_queue *q, struct chunk_stock *stock, const void *bytes,
			      size_t len)
{
	const char *from = bytes;

	q->len += len;
	while (len > 0) {
		struct chunk *c = q->last;

		if (!c || c->end == c->size)
			c = push_chunk(q, stock);

		uint32_t n = (uint32_t)min_of(len, (size_t)(c->size - c->end));

		memcpy(c->data + c->end, from, n);
		c->end += n;
		from += n;
		len -= n;
	}
	debug_check(q->len / CHUNK_BYTES, chunk_queue_check(q));
}

void chunk_queue_append(struct chunk_queue *q, struct chunk_stock *stock, const struct iovec *iov,
			int iov_count, size_t skip)
{
	for (int i = 0; i < iov_count; i++) {
		size_t skipped = min_of(skip, iov[i].iov_len);

		skip -= skipped;
		chunk_queue_append_bytes(q, stock, (const char *)iov[i].iov_base + skipped,
					 iov[i].iov_len - skipped);
	}
}

int chunk_queue_front(const struct chunk_queue *q, struct iovec *iov, int iov_max)
{
	int n = 0;

	for (struct chunk *c = q->first; c && n < iov_max; c = c->next)
		iov[n++] = (struct iovec){ c->data + c->start, chunk_len(c) };
	return n;
}

static void pop_chunk(struct chunk_queue *q)
{
	struct chunk *c = q->first;

	q->first = c->next;
	if (!q->first)
		q->last = NULL;
	c->next = NULL;
	chunk_unref(c);
}

void chunk_queue_consume(struct chunk_queue *q, size_t len)
{
	assert(len <= q->len);
	q->len -= len;
	while (len > 0) {
		struct chunk *c = q->first;
		uint32_t n = (uint32_t)min_of(len, (size_t)chunk_len(c));

		c->start += n;
		len -= n;
		if (chunk_len(c) == 0)
			pop_chunk(q);
	}
	debug_check(q->len / CHUNK_BYTES, chunk_queue_check(q));
}

void chunk_queue_clear(struct chunk_queue *q)
{
	while (q->first)
		pop_chunk(q);
	q->len = 0;
}

/*
 * Looking inside
 */

void chunk_queue_check(const struct chunk_queue *q)
{
	const struct chunk *last = NULL;
	size_t len = 0;

	for (const struct chunk *c = q->first; c; c = c->next) {
		chunk_check(c);
		assert(chunk_len(c) > 0);
		len += chunk_len(c);
		last = c;
	}
	assert(q->last == last);
	assert(q->len == len);
}

void chunk_queue_dump(const struct chunk_queue *q, const char *name, struct dump *d)
{
	if (q->len > 0)
		dump_number(d, name, q->len);
}
