#include "model/route_index.h"

#include <assert.h>

enum domain_kind { DOMAIN_EXACT, DOMAIN_SUFFIX, DOMAIN_PREFIX };

struct domain {
	struct str text; /* without the "*"; NULL pointer: a free place */
	enum domain_kind kind;
	uint32_t host;
};

struct lengths {
	size_t *items; /* distinct, longest first */
	uint32_t count;
};

struct route_index {
	struct domain *places;
	uint32_t mask;
	uint32_t count; /* of places in use: often none but the default host */
	uint32_t default_host;
	struct lengths suffixes;
	struct lengths prefixes;
};

/* FNV-1a without case. */
static uint64_t hash_nocase(struct str s)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < s.len; i++)
		hash = (hash ^ (unsigned char)char_lower(s.ptr[i])) * 0x100000001b3u;
	return hash;
}

static struct domain *place_of(const struct route_index *x, enum domain_kind kind, struct str text)
{
	uint32_t i = (uint32_t)(hash_nocase(text) + kind) & x->mask;

	while (x->places[i].text.ptr &&
	       (x->places[i].kind != kind || !str_eq_nocase(x->places[i].text, text)))
		i = (i + 1) & x->mask;
	return &x->places[i];
}

struct route_index *route_index_new(struct pool *pool, uint32_t domain_count)
{
	struct route_index *x = pool_new(pool, struct route_index);
	uint32_t capacity = 4;

	while (capacity < domain_count * 2)
		capacity *= 2;
	x->places = pool_new_array(pool, struct domain, capacity);
	x->mask = capacity - 1;
	x->default_host = ROUTE_INDEX_NONE;
	x->suffixes.items = pool_new_array(pool, size_t, domain_count);
	x->prefixes.items = pool_new_array(pool, size_t, domain_count);
	return x;
}

static void lengths_add(struct lengths *l, size_t len)
{
	uint32_t i = 0;

	while (i < l->count && l->items[i] > len)
		i++;
	if (i < l->count && l->items[i] == len)
		return;
	memmove(l->items + i + 1, l->items + i, (l->count - i) * sizeof(*l->items));
	l->items[i] = len;
	l->count++;
}

static bool add(struct route_index *x, enum domain_kind kind, struct str text, uint32_t host)
{
	struct domain *place = place_of(x, kind, text);

	if (place->text.ptr)
		return false;
	*place = (struct domain){ text, kind, host };
	x->count++;
	if (kind == DOMAIN_SUFFIX)
		lengths_add(&x->suffixes, text.len);
	if (kind == DOMAIN_PREFIX)
		lengths_add(&x->prefixes, text.len);
	return true;
}

bool route_index_add(struct route_index *x, struct str domain, uint32_t host)
{
	assert(domain.len > 0);
	if (str_eq(domain, STR("*"))) {
		if (x->default_host != ROUTE_INDEX_NONE)
			return false;
		x->default_host = host;
		return true;
	}
	if (domain.ptr[0] == '*')
		return add(x, DOMAIN_SUFFIX, str_slice(domain, 1, domain.len), host);
	if (domain.ptr[domain.len - 1] == '*')
		return add(x, DOMAIN_PREFIX, str_slice(domain, 0, domain.len - 1), host);
	return add(x, DOMAIN_EXACT, domain, host);
}

/* A "*" stands for one byte at least. */
static const struct domain *find_longest(const struct route_index *x, enum domain_kind kind,
					 struct str host)
{
	const struct lengths *l = kind == DOMAIN_SUFFIX ? &x->suffixes : &x->prefixes;

	for (uint32_t i = 0; i < l->count; i++) {
		size_t from = kind == DOMAIN_SUFFIX ? host.len - l->items[i] : 0;
		const struct domain *d;

		if (l->items[i] >= host.len)
			continue;
		d = place_of(x, kind, str_slice(host, from, from + l->items[i]));
		if (d->text.ptr)
			return d;
	}
	return NULL;
}

uint32_t route_index_find(const struct route_index *x, struct str host)
{
	const struct domain *d;

	if (host.len == 0 || x->count == 0)
		return x->default_host;
	d = place_of(x, DOMAIN_EXACT, host);
	if (d->text.ptr)
		return d->host;
	d = find_longest(x, DOMAIN_SUFFIX, host);
	if (!d)
		d = find_longest(x, DOMAIN_PREFIX, host);
	return d ? d->host : x->default_host;
}
