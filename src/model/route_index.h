#pragma once

/*
 * Domains of a route table, for finding a virtual host
 *
 * One hash table holds all names without case: "a.example" as it is, "*.example" as the suffix
 * ".example", "a.*" as the prefix "a.". The lengths that occur among suffixes and prefixes
 * are kept, longest first, so a lookup is one probe for the whole name and one per length.
 * Only configuration puts names into the table, so its probes cannot be made long by a peer.
 */

#include "base/pool.h"
#include "base/str.h"

struct route_index;

/* For at most `domain_count` domains, all in `pool`. */
struct route_index *route_index_new(struct pool *pool, uint32_t domain_count);

/* `domain` is borrowed as long as the index lives. False: it is there already. */
bool route_index_add(struct route_index *x, struct str domain, uint32_t host);

#define ROUTE_INDEX_NONE UINT32_MAX

/* The number of the virtual host with the most specific domain, or ROUTE_INDEX_NONE. */
uint32_t route_index_find(const struct route_index *x, struct str host);
