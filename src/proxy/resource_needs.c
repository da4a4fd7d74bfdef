/*
 * What a part refers to by name
 */

#include "model/cluster.h"
#include "model/listener.h"
#include "proxy/resources_private.h"

static void tls_needs(const struct tls_settings *t, part_need *need, void *user)
{
	if (!t)
		return;
	if (t->certificate_secret.len)
		need(user, PART_SECRET, t->certificate_secret);
	if (t->trust_secret.len)
		need(user, PART_SECRET, t->trust_secret);
}

static void refs_need(struct cluster_ref **refs, uint32_t count, part_need *need, void *user)
{
	for (uint32_t i = 0; i < count; i++)
		need(user, PART_CLUSTER, refs[i]->name);
}

static void listener_needs(struct part *p, part_need *need, void *user)
{
	const struct listener *l = listener_of(p);

	for (uint32_t i = 0; i < l->chain_count; i++)
		tls_needs(l->chains[i].tls, need, user);
	if (l->default_chain)
		tls_needs(l->default_chain->tls, need, user);
	for (uint32_t i = 0; i < l->route_name_count; i++)
		need(user, PART_ROUTES, l->route_names[i]);
	refs_need(l->clusters, l->cluster_count, need, user);
}

static void routes_need(struct part *p, part_need *need, void *user)
{
	const struct route_table *t = route_table_of(p);

	refs_need(t->clusters, t->cluster_count, need, user);
}

static void cluster_needs(struct part *p, part_need *need, void *user)
{
	const struct cluster *c = cluster_of(p);

	tls_needs(c->tls, need, user);
	if (c->type == CLUSTER_EDS)
		need(user, PART_ENDPOINTS, c->endpoints_name);
}

static void (*const needs[PART_KIND_COUNT])(struct part *p, part_need *need, void *user) = {
	[PART_LISTENER] = listener_needs,
	[PART_ROUTES] = routes_need,
	[PART_CLUSTER] = cluster_needs,
};

void part_for_each_need(struct part *p, part_need *need, void *user)
{
	if (p && needs[p->kind])
		needs[p->kind](p, need, user);
}
