/*
 * From bytes to parts, and from active parts to the states that stand in a snapshot
 */

#include <assert.h>

#include "base/log.h"
#include "base/mem.h"
#include "proxy/cluster_state.h"
#include "proxy/listener_state.h"
#include "proxy/resources_private.h"

int resource_compile(enum part_kind kind, struct str name, struct str bytes, struct str version,
		     struct part **ret_part, struct diag *d)
{
	struct part *part;
	int r = part_compile(kind, bytes, version, &part, d);

	if (r < 0)
		return r;
	if (!str_eq(part->name, name)) {
		r = diag_fail(d, ERR_CONFIG, "its own name is \"%.*s\"", STR_ARGS(part->name));
		part_unref(part);
		return r;
	}
	*ret_part = part;
	return 0;
}

static void mark(struct resource *e)
{
	list_remove(&e->in_dirty);
	list_push_back(&e->set->dirty, &e->in_dirty);
}

static bool listener_uses_secret(const struct listener *l, struct str name)
{
	for (uint32_t i = 0; i < l->chain_count; i++)
		if (tls_settings_use(l->chains[i].tls, name))
			return true;
	return l->default_chain && tls_settings_use(l->default_chain->tls, name);
}

static void mark_users_of_secret(struct resources *r, struct str name)
{
	map_for_each (entry, &r->by_name[PART_CLUSTER]) {
		struct resource *e = entry->value;

		if (e->active && tls_settings_use(cluster_of(e->active)->tls, name))
			mark(e);
	}
	map_for_each (entry, &r->by_name[PART_LISTENER]) {
		struct resource *e = entry->value;

		if (e->active && listener_uses_secret(listener_of(e->active), name))
			mark(e);
	}
}

static void mark_users_of_endpoints(struct resources *r, struct str name)
{
	map_for_each (entry, &r->by_name[PART_CLUSTER]) {
		struct resource *e = entry->value;

		if (e->active && cluster_of(e->active)->type == CLUSTER_EDS &&
		    str_eq(cluster_of(e->active)->endpoints_name, name))
			mark(e);
	}
}

void resource_mark_dirty(struct resource *e)
{
	switch (e->kind) {
	case PART_SECRET:
		mark_users_of_secret(e->set, str_from(e->name));
		break;
	case PART_ENDPOINTS:
		mark_users_of_endpoints(e->set, str_from(e->name));
		break;
	default:
		mark(e);
	}
}

static const enum snapshot_table table_of[PART_KIND_COUNT] = {
	[PART_LISTENER] = SNAPSHOT_LISTENERS,
	[PART_ROUTES] = SNAPSHOT_ROUTES,
	[PART_CLUSTER] = SNAPSHOT_CLUSTERS,
};

static struct slots *slots_of(struct resource *e)
{
	switch (e->kind) {
	case PART_LISTENER:
		return &e->set->listener_slots;
	case PART_ROUTES:
		return &e->set->route_slots;
	default:
		return &e->set->cluster_slots;
	}
}

static struct endpoint_set *endpoints_of(struct resources *r, const struct cluster *c)
{
	struct resource *e;

	if (c->type != CLUSTER_EDS)
		return NULL;
	e = map_get(&r->by_name[PART_ENDPOINTS], c->endpoints_name);
	return e && e->active ? endpoint_set_of(e->active) : NULL;
}

static struct shared *build_cluster(struct resource *e, struct diag *d)
{
	struct resources *r = e->set;
	struct cluster_state_input in = {
		.domain = r->domain,
		.stats = r->stats,
		.cluster = cluster_of(e->active),
		.endpoints = endpoints_of(r, cluster_of(e->active)),
		.slot = e->slot,
		.before = cluster_state_of(e->state),
		.secrets = &r->secrets,
	};

	return &cluster_state_new(&in, d)->shared;
}

static struct shared *build_routes(struct resource *e, struct diag *d)
{
	(void)d;
	return &route_state_new(e->set->domain, route_table_of(e->active), &e->set->cluster_slots)
			->shared;
}

static struct shared *build_listener(struct resource *e, struct diag *d)
{
	struct resources *r = e->set;
	struct listener_state_input in = {
		.domain = r->domain,
		.stats = r->stats,
		.listener = listener_of(e->active),
		.slot = e->slot,
		.cluster_slots = &r->cluster_slots,
		.route_slots = &r->route_slots,
		.before = listener_state_of(e->state),
		.secrets = &r->secrets,
	};

	return &listener_state_new(&in, d)->shared;
}

static struct shared *(*const builders[PART_KIND_COUNT])(struct resource *e, struct diag *d) = {
	[PART_LISTENER] = build_listener,
	[PART_ROUTES] = build_routes,
	[PART_CLUSTER] = build_cluster,
};

/* What is wrong with a secret does not stop the change: the chain refuses connections, or goes
 * on with the certificate that it had. */
static void log_secret_problem(const struct resource *e, struct diag *d)
{
	struct buf text = BUF_INIT(0);

	if (d->error) {
		diag_format(d, &text);
		log_warn("tls.context_failed", "resource=%s reason=%s",
			 log_quote(str_from(e->name)), log_quote(buf_str(&text)));
	}
	buf_fini(&text);
	diag_fini(d);
}

static void port_drop(struct resource *e)
{
	if (!e->port)
		return;
	snapshots_set(e->set->snapshots, SNAPSHOT_PORTS, e->port_slot, NULL);
	slots_unref(&e->set->port_slots, e->port_slot);
	shared_unref(&e->port->shared);
	e->port = NULL;
}

/* Opens the port of a listener that binds, or closes it when it does no longer. */
static void port_rebuild(struct resource *e, struct diag *d)
{
	const struct listener *l = listener_of(e->active);
	struct resources *r = e->set;
	struct port_options o = {
		.domain = r->domain,
		.listener_name = l->part.name,
		.address = l->address,
		.listener_slot = e->slot,
		.inherited_fd = -1,
	};
	struct address wanted = l->address;

	if (e->port && address_port(&wanted) == 0)
		address_set_port(&wanted, address_port(&e->port->address));
	if (l->bind_to_port && e->port && address_eq(&e->port->address, &wanted))
		return;
	port_drop(e);
	if (!l->bind_to_port)
		return;
	if (r->inherited)
		o.inherited_fd = inherited_find(r->inherited, l->part.name);
	if (port_open(&o, &e->port, d) < 0) {
		log_error("listener.bind_failed", "listener=%s address=%s", log_quote(l->part.name),
			  address_text(&l->address));
		return;
	}
	e->port_slot = slots_get(&r->port_slots, l->part.name);
	snapshots_set(r->snapshots, SNAPSHOT_PORTS, e->port_slot, &e->port->shared);
}

void resource_drop_state(struct resource *e)
{
	if (e->kind == PART_LISTENER)
		port_drop(e);
	if (!e->state)
		return;
	snapshots_set(e->set->snapshots, table_of[e->kind], e->slot, NULL);
	shared_unref(e->state);
	e->state = NULL;
	slots_unref(slots_of(e), e->slot);
	e->slot = SLOT_NONE;
}

void resource_rebuild(struct resource *e, struct diag *d)
{
	struct diag problem = DIAG_INIT;
	struct shared *state;

	assert(builders[e->kind]);
	if (!e->active) {
		resource_drop_state(e);
		return;
	}
	if (!e->state)
		e->slot = slots_get(slots_of(e), str_from(e->name));
	state = builders[e->kind](e, &problem);
	log_secret_problem(e, &problem);
	snapshots_set(e->set->snapshots, table_of[e->kind], e->slot, state);
	shared_unref(e->state);
	e->state = state;
	if (e->kind == PART_LISTENER)
		port_rebuild(e, d);
}
