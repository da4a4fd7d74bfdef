#include "mesh/text_map.h"

const struct str *text_map_get(const struct text_map *m, struct str key)
{
	uint32_t low = 0;
	uint32_t high = m->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = str_cmp(key, m->items[middle].key);

		if (order == 0)
			return &m->items[middle].value;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

bool text_map_selects(const struct text_map *selector, const struct text_map *labels)
{
	for (uint32_t i = 0; i < selector->count; i++) {
		const struct str *value = text_map_get(labels, selector->items[i].key);

		if (!value || !str_eq(*value, selector->items[i].value))
			return false;
	}
	return selector->count > 0;
}
