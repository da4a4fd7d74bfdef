#pragma once

/*
 * Virtual addresses of Services
 *
 * Taken from the range of the MeshConfig at a place that the Service's name decides, or the
 * next free one behind it; so most Services get the same address on every control plane. An
 * address in use, or put to rest less than seven days ago, is passed over; a Service that comes
 * back within that time has its own again.
 */

#include "base/map.h"
#include "base/pool.h"
#include "base/time.h"
#include "mesh/mesh_config.h"

struct store;

struct virtual_addresses {
	struct map used; /* text of the address → present */
};

void virtual_addresses_init(struct virtual_addresses *v);
void virtual_addresses_fini(struct virtual_addresses *v);
void virtual_addresses_use(struct virtual_addresses *v, struct str address);
void virtual_addresses_release(struct virtual_addresses *v, struct str address);

struct virtual_address_request {
	const struct address_range *range; /* IPv4 */
	struct str name_space;
	struct str name;
	struct store *store; /* knows what is resting */
	struct wall_time now;
};

/* In `pool`, not marked as used. ERR_LIMIT when the range is used up; what the store fails with. */
must_check int virtual_address_pick(const struct virtual_addresses *v,
				    const struct virtual_address_request *request,
				    struct pool *pool, struct str *ret_address);
