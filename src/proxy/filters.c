#include "proxy/filters.h"

#include <assert.h>

#include "base/mem.h"

/* Every filter, by the kind that model/filters.c compiles. */
static const struct filter_ops *const filters[FILTER_KIND_COUNT] = {
	[FILTER_ROUTER] = NULL,
};

const struct filter_ops *filter_ops_of(enum filter_kind kind)
{
	assert(kind < FILTER_KIND_COUNT);
	return filters[kind];
}

static void add(struct filter_stack *l, const struct filter_settings *s)
{
	const struct filter_ops *ops = filter_ops_of(s->kind);
	size_t align = _Alignof(max_align_t);

	if (s->kind == FILTER_ROUTER) {
		l->router = s->config;
		return;
	}
	l->items[l->count++] = (struct filter_entry){ ops, s->config, l->state_bytes };
	l->state_bytes += (uint32_t)((ops->state_size + align - 1) / align * align);
	l->sees_data |= ops->on_data != NULL;
	l->sees_trailers |= ops->on_trailers != NULL;
}

void filter_stack_init(struct filter_stack *l, struct filter_settings *const *settings,
		       uint32_t count)
{
	*l = (struct filter_stack){ .items = mem_new_array(struct filter_entry, count) };
	for (uint32_t i = 0; i < count; i++)
		if (!settings[i]->disabled)
			add(l, settings[i]);
}

void filter_stack_fini(struct filter_stack *l)
{
	mem_free(l->items);
	*l = (struct filter_stack){ 0 };
}
