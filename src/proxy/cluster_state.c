#include "proxy/cluster_state.h"

#include <assert.h>

#include "base/hash.h"
#include "base/mem.h"

static void host_free(struct shared *s)
{
	struct host *h = container_of(s, struct host, shared);

	mem_free(h->load);
	shared_fini(&h->shared);
	mem_free(h);
}

static struct host *host_new(struct shared_domain *domain, const struct address *a)
{
	struct host *h = mem_new(struct host);

	shared_init(&h->shared, domain, SHARED_COLD, host_free);
	h->address = *a;
	h->load = mem_new(struct host_load);
	return h;
}

/* Hosts of the state before, by address, for taking over. */
struct host_index {
	const struct cluster_state *state;
	uint32_t *buckets; /* host index + 1 */
	uint32_t mask;
};

static uint64_t address_hash(const struct address *a)
{
	return hash_bytes(str_of((const char *)&a->any, a->len));
}

static void host_index_init(struct host_index *x, const struct cluster_state *state)
{
	uint32_t count = state ? cluster_state_host_count(state) : 0;

	*x = (struct host_index){ .state = state, .mask = 1 };
	while (x->mask < count * 2)
		x->mask *= 2;
	x->buckets = mem_new_array(uint32_t, x->mask);
	x->mask--;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t at = address_hash(&state->hosts[i]->address);

		while (x->buckets[at & x->mask])
			at++;
		x->buckets[at & x->mask] = i + 1;
	}
}

static struct host *host_index_find(const struct host_index *x, const struct address *a)
{
	uint64_t at = address_hash(a);
	uint32_t found;

	for (; (found = x->buckets[at & x->mask]) != 0; at++)
		if (address_eq(&x->state->hosts[found - 1]->address, a))
			return x->state->hosts[found - 1];
	return NULL;
}

static void hosts_build(struct cluster_state *c, const struct cluster_state *before)
{
	struct host_index x;

	if (!c->endpoints)
		return;
	host_index_init(&x, before);
	c->hosts = mem_new_array(struct host *, c->endpoints->count);
	for (uint32_t i = 0; i < c->endpoints->count; i++) {
		const struct address *a = &c->endpoints->items[i].address;
		struct host *h = host_index_find(&x, a);

		if (h)
			shared_ref(&h->shared);
		else
			h = host_new(c->shared.domain, a);
		c->hosts[i] = h;
	}
	mem_free(x.buckets);
}

static void cluster_state_free(struct shared *s)
{
	struct cluster_state *c = container_of(s, struct cluster_state, shared);

	for (uint32_t i = 0; i < cluster_state_host_count(c); i++)
		shared_unref(&c->hosts[i]->shared);
	mem_free(c->hosts);
	balance_plan_fini(&c->plan);
	tls_slot_clear(&c->tls);
	breakers_unref(c->breakers);
	stat_scope_unref(c->stats);
	if (c->endpoints && c->cluster->type == CLUSTER_EDS)
		part_unref(&c->endpoints->part);
	part_unref(&c->cluster->part);
	shared_fini(&c->shared);
	mem_free(c);
}

struct str cluster_stat_name(const struct cluster *c)
{
	return c->alt_stat_name.len ? c->alt_stat_name : c->part.name;
}

static struct endpoint_set *endpoints_of(const struct cluster_state_input *in)
{
	if (in->cluster->type == CLUSTER_STATIC)
		return in->cluster->static_endpoints;
	if (in->endpoints)
		part_ref(&in->endpoints->part);
	return in->endpoints;
}

/* As in Envoy, a cluster that may or must speak HTTP/2 says so in the handshake, unless its own
 * settings name protocols. */
static void alpn_offer(struct tls_slot *tls, enum upstream_protocol protocol)
{
	static const struct str names[] = { STR_INIT("h2"), STR_INIT("http/1.1") };

	tls->alpn = names;
	if (protocol == UPSTREAM_HTTP2)
		tls->alpn_count = 1;
	else if (protocol == UPSTREAM_AUTO)
		tls->alpn_count = 2;
}

struct cluster_state *cluster_state_new(const struct cluster_state_input *in, struct diag *d)
{
	struct cluster_state *c = mem_new(struct cluster_state);
	const struct cluster_state *before = in->before;
	int r;

	shared_init(&c->shared, in->domain, SHARED_COLD, cluster_state_free);
	part_ref(&in->cluster->part);
	c->cluster = in->cluster;
	c->slot = in->slot;
	c->endpoints = endpoints_of(in);
	hosts_build(c, before);
	balance_plan_init(&c->plan, c->endpoints, c->cluster->panic_threshold_percent);
	c->breakers = before ? breakers_ref(before->breakers) : breakers_new();
	c->stats = stat_scope_get(in->stats, STAT_CLUSTER, cluster_stat_name(c->cluster));
	alpn_offer(&c->tls, c->cluster->protocol);
	r = tls_slot_fill(&c->tls, c->cluster->tls, before ? &before->tls : NULL, in->secrets, d);
	assert(r == 0 || c->tls.missing || c->tls.context);
	return c;
}

/*
 * Looking inside
 */

void cluster_state_check(const struct cluster_state *c)
{
	assert(c->cluster);
	assert(c->stats);
	breakers_check(c->breakers);
	for (uint32_t i = 0; i < cluster_state_host_count(c); i++) {
		assert(c->hosts[i]->shared.refs > 0);
		assert(address_eq(&c->hosts[i]->address, &c->endpoints->items[i].address));
	}
}

void cluster_state_dump(const struct cluster_state *c, struct dump *d)
{
	dump_line(d, "cluster");
	dump_str(d, "name", c->cluster->part.name);
	dump_number(d, "slot", c->slot);
	dump_number(d, "endpoints", cluster_state_host_count(c));
	dump_flag(d, "endpoints_missing", !c->endpoints);
	dump_flag(d, "tls", c->tls.context != NULL);
	dump_flag(d, "secrets_missing", c->tls.missing);
	dump_enter(d);
	breakers_dump(c->breakers, d);
	dump_leave(d);
}
