/*
 * Fields are kept in an array that grows in the pool. A removed field stays as a dead slot,
 * so pointers into the array survive every call but an addition.
 */

#include "message/headers.h"

#include <assert.h>

#define CAPACITY_FIRST 24

void headers_init(struct headers *h, struct pool *pool)
{
	*h = (struct headers){ .pool = pool };
}

void headers_clear(struct headers *h)
{
	*h = (struct headers){ .items = h->items, .capacity = h->capacity, .pool = h->pool };
}

void headers_grow(struct headers *h)
{
	uint32_t capacity = h->capacity ? h->capacity * 2 : CAPACITY_FIRST;
	struct header *items = pool_alloc(h->pool, capacity * sizeof(*items));

	if (h->count)
		memcpy(items, h->items, h->count * sizeof(*items));
	h->items = items;
	h->capacity = capacity;
}

static void append(struct headers *h, enum header_id id, struct str name, struct str value)
{
	headers_append(h, &(struct header){ name, value, (uint16_t)id, false });
}

void headers_add(struct headers *h, enum header_id id, struct str value)
{
	assert(id > HEADER_OTHER && id < HEADER_ID_COUNT);
	append(h, id, header_id_text(id), value);
}

void headers_add_named(struct headers *h, struct str name, struct str value)
{
	append(h, header_id_of(name), name, value);
}

void headers_set(struct headers *h, enum header_id id, struct str value)
{
	struct header *first = headers_get(h, id);

	if (!first) {
		headers_add(h, id, value);
		return;
	}
	headers_remove(h, id);
	*first = (struct header){ header_id_text(id), value, (uint16_t)id, false };
}

void headers_remove(struct headers *h, enum header_id id)
{
	assert(id > HEADER_OTHER && id < HEADER_ID_COUNT);
	for (uint32_t i = 0; i < h->count; i++)
		if (h->items[i].id == id)
			h->items[i].id = HEADER_REMOVED;
}

void headers_remove_named(struct headers *h, struct str name)
{
	enum header_id id = header_id_of(name);

	if (id != HEADER_OTHER) {
		headers_remove(h, id);
		return;
	}
	headers_for_each (field, h)
		if (field->id == HEADER_OTHER && str_eq_nocase(field->name, name))
			field->id = HEADER_REMOVED;
}

struct header *headers_get(const struct headers *h, enum header_id id)
{
	assert(id > HEADER_OTHER && id < HEADER_ID_COUNT);
	for (uint32_t i = 0; i < h->count; i++)
		if (h->items[i].id == id)
			return &h->items[i];
	return NULL;
}

struct header *headers_get_named(const struct headers *h, struct str name)
{
	enum header_id id = header_id_of(name);

	if (id != HEADER_OTHER)
		return headers_get(h, id);
	headers_for_each (field, h)
		if (field->id == HEADER_OTHER && str_eq_nocase(field->name, name))
			return field;
	return NULL;
}

uint32_t headers_count_of(const struct headers *h, enum header_id id)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < h->count; i++)
		n += h->items[i].id == id;
	return n;
}

uint32_t headers_count(const struct headers *h)
{
	return h->count - headers_count_of(h, HEADER_REMOVED);
}

/* Copies to *place and moves it behind the copy. */
static struct str copy_text(char **place, struct str s)
{
	char *start = *place;

	if (s.len == 0)
		return STR_EMPTY;
	memcpy(start, s.ptr, s.len);
	*place += s.len;
	return str_of(start, s.len);
}

void headers_copy(struct headers *dst, const struct headers *src)
{
	struct header *items = NULL;
	uint32_t live = headers_count(src);
	size_t bytes = src->method.len + src->scheme.len + src->authority.len + src->path.len;
	char *place;

	headers_for_each (field, src)
		bytes += field->name.len + field->value.len;
	items = pool_alloc(dst->pool, live * sizeof(*items) + bytes + 1);
	place = (char *)(items + live);

	*dst = (struct headers){
		.method = copy_text(&place, src->method),
		.scheme = copy_text(&place, src->scheme),
		.authority = copy_text(&place, src->authority),
		.path = copy_text(&place, src->path),
		.method_id = src->method_id,
		.status = src->status,
		.version = src->version,
		.items = items,
		.capacity = live,
		.pool = dst->pool,
	};
	headers_for_each (field, src)
		items[dst->count++] =
			(struct header){ copy_text(&place, field->name),
					 copy_text(&place, field->value), field->id, false };
}

bool headers_list_has(const struct headers *h, enum header_id id, struct str token)
{
	headers_for_each (field, h) {
		struct str rest = field->value, part;

		if (field->id != id)
			continue;
		while (str_split(&rest, ',', &part))
			if (str_eq_nocase(str_trim(part), token))
				return true;
	}
	return false;
}
