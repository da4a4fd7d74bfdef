#include "proxy/header_mutate.h"

static void remove_all(struct headers *h, const struct header_mutation *m)
{
	if (m->id != HEADER_OTHER)
		headers_remove(h, m->id);
	else
		headers_remove_named(h, m->name);
}

static struct header *find(const struct headers *h, const struct header_mutation *m)
{
	return m->id != HEADER_OTHER ? headers_get(h, m->id) : headers_get_named(h, m->name);
}

static void add_one(struct headers *h, const struct header_mutation *m)
{
	struct header *have = find(h, m);

	/* Host is a pseudo-field here. */
	if (m->id == HEADER_HOST) {
		h->authority = m->value;
		return;
	}
	if (m->action == HEADER_ADD_IF_ABSENT && have)
		return;
	if (m->action == HEADER_OVERWRITE && !have)
		return;
	if (m->action != HEADER_APPEND_OR_ADD && have)
		remove_all(h, m);
	if (m->id != HEADER_OTHER)
		headers_add(h, m->id, m->value);
	else
		headers_add_named(h, m->name, m->value);
}

void header_mutations_run(const struct header_mutations *m, struct headers *h)
{
	for (uint32_t i = 0; i < m->remove_count; i++)
		headers_remove_named(h, m->remove[i]);
	for (uint32_t i = 0; i < m->add_count; i++)
		add_one(h, &m->add[i]);
}
