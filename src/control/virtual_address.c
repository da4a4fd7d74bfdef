#include "control/virtual_address.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/error.h"
#include "base/hash.h"
#include "control/store.h"

void virtual_addresses_init(struct virtual_addresses *v)
{
	map_init(&v->used);
}

void virtual_addresses_fini(struct virtual_addresses *v)
{
	map_fini(&v->used);
}

void virtual_addresses_use(struct virtual_addresses *v, struct str address)
{
	map_set(&v->used, address, v);
}

void virtual_addresses_release(struct virtual_addresses *v, struct str address)
{
	map_remove(&v->used, address);
}

/* Addresses of the range by number, without the first and the last, which people take for a
 * network and a broadcast. */
static uint32_t range_size(const struct address_range *range)
{
	return (UINT32_C(1) << (32u - range->prefix_bits)) - 2;
}

static uint32_t range_first(const struct address_range *range)
{
	return ntohl(range->base.ip4.sin_addr.s_addr) + 1;
}

struct address_text {
	char text[sizeof("255.255.255.255")];
};

static struct str address_write(uint32_t number, struct address_text *out)
{
	int len = snprintf(out->text, sizeof(out->text), "%u.%u.%u.%u", number >> 24,
			   number >> 16 & 255, number >> 8 & 255, number & 255);

	return str_of(out->text, (size_t)len);
}

/* `text` is terminated. */
static bool range_has(const struct address_range *range, struct str text)
{
	struct in_addr a;

	return inet_pton(AF_INET, text.ptr, &a) == 1 &&
	       ntohl(a.s_addr) - range_first(range) < range_size(range);
}

/* A Service that comes back has the address it had: programs may still hold it. ERR_NOT_FOUND. */
static int own(const struct virtual_addresses *v, const struct virtual_address_request *request,
	       const struct store_owner *owner, struct pool *pool, struct str *ret_address)
{
	struct str address;
	int r = store_address_of(request->store, owner, request->now, pool, &address);

	if (r < 0)
		return r;
	if (!range_has(request->range, address) || map_get(&v->used, address))
		return ERR_NOT_FOUND;
	*ret_address = address;
	return 0;
}

static int is_free(const struct virtual_addresses *v, const struct virtual_address_request *request,
		   const struct store_owner *owner, struct str address, bool *ret_free)
{
	bool resting = false;
	int r = 0;

	if (map_get(&v->used, address))
		resting = true;
	else
		r = store_address_is_resting(request->store, address, owner, request->now,
					     &resting);
	*ret_free = !resting;
	return r;
}

int virtual_address_pick(const struct virtual_addresses *v,
			 const struct virtual_address_request *request, struct pool *pool,
			 struct str *ret_address)
{
	struct str key = pool_printf(pool, "%.*s/%.*s", STR_ARGS(request->name_space),
				     STR_ARGS(request->name));
	const struct store_owner owner = { request->name_space, request->name };
	uint32_t size = range_size(request->range);
	uint32_t start = (uint32_t)(hash_fnv1a64(key) % size);
	int r = own(v, request, &owner, pool, ret_address);

	if (r != ERR_NOT_FOUND)
		return r;
	for (uint32_t i = 0; i < size; i++) {
		struct address_text text;
		struct str address =
			address_write(range_first(request->range) + (start + i) % size, &text);
		bool free;

		r = is_free(v, request, &owner, address, &free);
		if (r < 0)
			return r;
		if (!free)
			continue;
		*ret_address = pool_strdup(pool, address);
		return 0;
	}
	return ERR_LIMIT;
}
