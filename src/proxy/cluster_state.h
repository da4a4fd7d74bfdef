#pragma once

/*
 * A cluster as the workers see it
 *
 * The compiled cluster, its endpoints as hosts, the plan for choosing among them, its TLS
 * context, its breakers and its counters. Immutable but for counts; built by the main thread
 * whenever one of its parts changes, sharing with the state before whatever stayed the same.
 *
 * A host is an endpoint's address with what must outlive a change of the endpoint set: how
 * many requests and connections are open there, over all workers.
 */

#include "proxy/balance.h"
#include "proxy/breakers.h"
#include "proxy/shared.h"
#include "proxy/stats.h"
#include "proxy/tls_store.h"

struct host_load {
	_Alignas(64) _Atomic uint32_t requests;
	_Atomic uint32_t connections;
	_Atomic uint32_t idle_room; /* for idle connections, taken by pools; see pool_share.h */
	_Atomic uint64_t holders;   /* bits of the workers that took some */
};

struct host {
	struct shared shared;
	struct address address;
	struct host_load *load; /* on a cache line of its own */
};

struct cluster_state {
	struct shared shared;
	struct cluster *cluster; /* a reference to its part */
	struct endpoint_set
		*endpoints;  /* a reference, or inside the cluster; NULL: not there yet */
	struct host **hosts; /* parallel to endpoints->items; references */
	struct balance_plan plan;
	struct tls_slot tls;
	struct breakers *breakers;
	struct stat_scope *stats;
	uint32_t slot;
};

struct cluster_state_input {
	struct shared_domain *domain;
	struct stats *stats;
	struct cluster *cluster;
	struct endpoint_set *endpoints; /* of an EDS cluster; NULL: not there */
	uint32_t slot;
	const struct cluster_state *before; /* of the same name; NULL: none */
	const struct tls_secrets *secrets;
};

/* Never NULL; one reference. What is wrong with the secrets is in `d`, and then the state has
 * no TLS context and its connections are refused. */
struct cluster_state *cluster_state_new(const struct cluster_state_input *in, struct diag *d);

static inline struct cluster_state *cluster_state_of(struct shared *s)
{
	return s ? container_of(s, struct cluster_state, shared) : NULL;
}

/* Number of endpoints, 0 while they are not there. */
static inline uint32_t cluster_state_host_count(const struct cluster_state *c)
{
	return c->endpoints ? c->endpoints->count : 0;
}

/* Name under which its counters appear. */
struct str cluster_stat_name(const struct cluster *c);

/* Looking inside; see base/dump.h. */
void cluster_state_check(const struct cluster_state *c);
void cluster_state_dump(const struct cluster_state *c, struct dump *d);
