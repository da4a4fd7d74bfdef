#include "proxy/slots.h"

#include <assert.h>

#include "base/mem.h"

struct slot {
	uint32_t number;
	uint32_t refs;
	char *name;
};

void slots_init(struct slots *s)
{
	*s = (struct slots){ 0 };
	map_init(&s->by_name);
}

static void slot_free(struct slots *s, struct slot *slot)
{
	s->items[slot->number] = NULL;
	map_remove(&s->by_name, str_from(slot->name));
	mem_free(slot->name);
	mem_free(slot);
}

void slots_fini(struct slots *s)
{
	for (uint32_t i = 0; i < s->count; i++)
		if (s->items[i])
			slot_free(s, s->items[i]);
	map_fini(&s->by_name);
	s->items = mem_free(s->items);
	s->count = 0;
}

/* The lowest free number, so that tables stay short. */
static uint32_t number_free(struct slots *s)
{
	uint32_t n = 0;

	while (n < s->count && s->items[n])
		n++;
	if (n == s->count) {
		uint32_t count = s->count ? s->count * 2 : 16;

		s->items = mem_realloc(s->items, count * sizeof(*s->items));
		memset(s->items + s->count, 0, (count - s->count) * sizeof(*s->items));
		s->count = count;
	}
	return n;
}

uint32_t slots_get(struct slots *s, struct str name)
{
	struct slot *slot = map_get(&s->by_name, name);

	if (!slot) {
		slot = mem_new(struct slot);
		slot->number = number_free(s);
		slot->name = mem_strdup_str(name);
		s->items[slot->number] = slot;
		map_set(&s->by_name, name, slot);
	}
	slot->refs++;
	return slot->number;
}

uint32_t slots_find(const struct slots *s, struct str name)
{
	struct slot *slot = map_get(&s->by_name, name);

	return slot ? slot->number : SLOT_NONE;
}

void slots_unref(struct slots *s, uint32_t slot)
{
	struct slot *item = s->items[slot];

	assert(slot < s->count && item);
	if (--item->refs == 0)
		slot_free(s, item);
}

struct str slots_name(const struct slots *s, uint32_t slot)
{
	assert(slot < s->count && s->items[slot]);
	return str_from(s->items[slot]->name);
}
