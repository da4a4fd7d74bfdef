#include "mesh/sorted.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

static const void *item_at(const struct sorted *s, size_t i, size_t item_bytes)
{
	return (const char *)s->items + i * item_bytes;
}

size_t sorted_place(const struct sorted *s, size_t item_bytes, const void *key,
		    int (*compare)(const void *a, const void *b))
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(item_at(s, middle, item_bytes), key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The new array while it is written. */
struct writing {
	const struct sorted_edit *edit;
	char *items;
	size_t count;
	size_t read; /* of edit->before */
};

static void copy(struct writing *w, const void *items, size_t count)
{
	if (count)
		memcpy(w->items + w->count * w->edit->item_bytes, items,
		       count * w->edit->item_bytes);
	w->count += count;
}

/* Copies what stands before the key. */
static void copy_until(struct writing *w, const void *key)
{
	const struct sorted_edit *e = w->edit;
	const void *next = item_at(&e->before, w->read, e->item_bytes);
	struct sorted rest = { next, e->before.count - w->read };
	size_t count = sorted_place(&rest, e->item_bytes, key, e->compare);

	copy(w, next, count);
	w->read += count;
}

static void take_out(struct writing *w, const void *item)
{
	const struct sorted_edit *e = w->edit;

	copy_until(w, item);
	assert(w->read < e->before.count);
	assert(e->compare(item_at(&e->before, w->read, e->item_bytes), item) == 0);
	w->read++;
}

static void put_in(struct writing *w, const void *item)
{
	copy_until(w, item);
	copy(w, item, 1);
}

struct sorted sorted_next(const struct sorted_edit *edit, struct pool *pool)
{
	size_t count = edit->before.count - edit->out.count + edit->in.count;
	struct writing w = { .edit = edit };
	size_t out = 0, in = 0;

	w.items = pool_zalloc_array(pool, count + 1, edit->item_bytes);
	while (out < edit->out.count || in < edit->in.count) {
		const void *gone = item_at(&edit->out, out, edit->item_bytes);
		const void *new = item_at(&edit->in, in, edit->item_bytes);
		bool is_gone = in == edit->in.count ||
			       (out < edit->out.count && edit->compare(gone, new) <= 0);

		if (is_gone)
			take_out(&w, gone);
		else
			put_in(&w, new);
		out += is_gone;
		in += !is_gone;
	}
	copy(&w, item_at(&edit->before, w.read, edit->item_bytes), edit->before.count - w.read);
	assert(w.count == count);
	return (struct sorted){ w.items, count };
}
