#include "control/virtual_address.h"

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

static struct str address_at(const struct address_range *range, uint32_t offset, struct pool *pool)
{
	uint32_t number = ntohl(range->base.ip4.sin_addr.s_addr) + offset;

	return pool_printf(pool, "%u.%u.%u.%u", number >> 24, number >> 16 & 255, number >> 8 & 255,
			   number & 255);
}

int virtual_address_pick(const struct virtual_addresses *v,
			 const struct virtual_address_request *request, struct pool *pool,
			 struct str *ret_address)
{
	struct str key = pool_printf(pool, "%.*s/%.*s", STR_ARGS(request->name_space),
				     STR_ARGS(request->name));
	unsigned bits = 32u - request->range->prefix_bits;
	/* Without the first and the last, which people take for a network and a broadcast. */
	uint64_t size = (UINT64_C(1) << bits) - 2;
	uint64_t start = hash_fnv1a64(key) % size;

	for (uint64_t i = 0; i < size; i++) {
		struct str address =
			address_at(request->range, (uint32_t)((start + i) % size) + 1, pool);

		if (map_get(&v->used, address) ||
		    store_address_is_resting(request->store, address, request->now))
			continue;
		*ret_address = address;
		return 0;
	}
	return ERR_LIMIT;
}
