#include "proxy/resources.h"

#include <assert.h>

#include "base/mem.h"
#include "model/secret.h"
#include "proxy/resources_private.h"

/* What needs others stands behind what it needs. */
static const enum part_kind settle_order[] = {
	PART_SECRET, PART_ENDPOINTS, PART_CLUSTER, PART_ROUTES, PART_LISTENER,
};

/* How long a staged part waits for what it needs. */
static const struct duration waits[PART_KIND_COUNT] = {
	[PART_LISTENER] = RESOURCE_WAIT_LONG,
	[PART_ROUTES] = RESOURCE_WAIT_SHORT,
	[PART_CLUSTER] = RESOURCE_WAIT_LONG,
};

static struct resource *find(const struct resources *r, enum part_kind kind, struct str name)
{
	return map_get(&r->by_name[kind], name);
}

static struct resource *find_or_add(struct resources *r, enum part_kind kind, struct str name)
{
	struct resource *e = find(r, kind, name);

	if (e)
		return e;
	e = mem_new(struct resource);
	e->set = r;
	e->kind = kind;
	e->name = mem_strdup_str(name);
	e->slot = SLOT_NONE;
	list_init(&e->in_staged);
	list_init(&e->in_unwanted);
	list_init(&e->in_reports);
	list_init(&e->in_dirty);
	map_set(&r->by_name[kind], name, e);
	return e;
}

static void entry_free(struct resource *e)
{
	list_remove(&e->in_staged);
	list_remove(&e->in_unwanted);
	list_remove(&e->in_reports);
	list_remove(&e->in_dirty);
	map_remove(&e->set->by_name[e->kind], str_from(e->name));
	mem_free(e->name);
	mem_free(e);
}

/* Nobody wants it and nothing is there. */
static void entry_free_if_empty(struct resource *e)
{
	if (!e->active && !e->staged && !e->state && e->wanted == 0 && !e->reported)
		entry_free(e);
}

static bool is_static(const struct resource *e)
{
	return e->active && e->active->from_bootstrap;
}

/*
 * Wanting
 */

static void reports_run(struct deferred *deferred)
{
	struct resources *r = container_of(deferred, struct resources, report);
	struct list *node;

	while ((node = list_pop_front(&r->reports)) != NULL) {
		struct resource *e = container_of(node, struct resource, in_reports);
		bool wanted = e->wanted > 0 && !is_static(e);

		/* What is wanted no more is reported when its time has passed: see sweep(). */
		if (!wanted || e->reported || !r->handler)
			continue;
		e->reported = true;
		r->handler->on_want(r->handler_user, e->kind, str_from(e->name), true);
	}
}

static void report_later(struct resource *e)
{
	list_remove(&e->in_reports);
	list_push_back(&e->set->reports, &e->in_reports);
	defer(e->set->loop, &e->set->report, reports_run);
}

static void timer_arm(struct resources *r);

static void need_add(void *user, enum part_kind kind, struct str name)
{
	struct resource *e = find_or_add(user, kind, name);

	e->wanted++;
	list_remove(&e->in_unwanted);
	report_later(e);
}

static void unwanted_add(struct resource *e)
{
	e->unwanted_since = loop_now(e->set->loop);
	list_remove(&e->in_unwanted);
	list_push_back(&e->set->unwanted, &e->in_unwanted);
	timer_arm(e->set);
}

static void need_drop(void *user, enum part_kind kind, struct str name)
{
	struct resource *e = find(user, kind, name);

	assert(e && e->wanted > 0);
	if (--e->wanted == 0)
		unwanted_add(e);
}

/*
 * Staging
 */

static void part_drop(struct resources *r, struct part **part)
{
	struct part *p = TAKE(*part);

	if (!p)
		return;
	part_for_each_need(p, need_drop, r);
	part_unref(p);
}

static void unstage(struct resource *e)
{
	if (!list_is_linked(&e->in_staged))
		return;
	list_remove(&e->in_staged);
	e->set->staged_count--;
	part_drop(e->set, &e->staged);
}

static void stage(struct resource *e, struct part *part)
{
	struct resources *r = e->set;
	bool waited = list_is_linked(&e->in_staged);
	struct instant since = waited ? e->staged_since : loop_now(r->loop);

	/* The new needs are added before the old ones go: what both name does not flicker. */
	part_ref(part);
	part_for_each_need(part, need_add, r);
	unstage(e);
	e->staged = part;
	e->staged_since = since;
	e->missing = false;
	list_push_back(&r->staged, &e->in_staged);
	r->staged_count++;
	if (e->wanted == 0 && !part->from_bootstrap && !r->wildcard[e->kind])
		unwanted_add(e);
}

static void note_change(struct resource *e)
{
	e->set->changed |= e->kind != PART_SECRET;
}

static void remove_part(struct resource *e)
{
	note_change(e);
	unstage(e);
	part_drop(e->set, &e->active);
	e->missing = true;
	resource_mark_dirty(e);
}

struct readiness {
	struct resources *set;
	bool ready;
};

static void need_check(void *user, enum part_kind kind, struct str name)
{
	struct readiness *check = user;
	struct resource *e = find(check->set, kind, name);

	if (!e || (!e->active && !e->missing))
		check->ready = false;
}

static bool is_ready(struct resource *e)
{
	struct readiness check = { e->set, true };
	struct instant deadline = instant_after(e->staged_since, waits[e->kind]);

	if (deadline.ns <= loop_now(e->set->loop).ns)
		return true;
	part_for_each_need(e->staged, need_check, &check);
	return check.ready;
}

static void promote(struct resource *e)
{
	list_remove(&e->in_staged);
	e->set->staged_count--;
	part_drop(e->set, &e->active);
	e->active = TAKE(e->staged);
	note_change(e);
	resource_mark_dirty(e);
}

static void promote_ready(struct resources *r)
{
	for (size_t i = 0; i < array_count(settle_order); i++)
		list_for_each_safe (node, &r->staged) {
			struct resource *e = container_of(node, struct resource, in_staged);

			if (e->kind == settle_order[i] && is_ready(e))
				promote(e);
		}
}

/*
 * Settling
 */

static void clean_note(struct resources *r, uint64_t number)
{
	uint32_t last = r->clean_count ? r->clean_count - 1 : 0;

	if (r->staged_count > 0 || r->revision_received <= r->revision_applied)
		return;
	if (r->clean_count &&
	    (r->clean[last].number == number || r->clean_count == RESOURCE_CLEAN_MAX))
		r->clean_count--;
	r->clean[r->clean_count].number = number;
	r->clean[r->clean_count++].revision = r->revision_received;
}

void resources_served(struct resources *r, uint64_t number)
{
	uint64_t revision = r->revision_applied;
	uint32_t done = 0;

	while (done < r->clean_count && r->clean[done].number <= number)
		revision = r->clean[done++].revision;
	if (done == 0)
		return;
	r->clean_count -= done;
	memmove(r->clean, r->clean + done, r->clean_count * sizeof(r->clean[0]));
	if (revision == r->revision_applied)
		return;
	r->revision_applied = revision;
	if (r->handler)
		r->handler->on_applied(r->handler_user, revision);
}

static void rebuild_dirty(struct resources *r, struct diag *d)
{
	struct list *node;

	while ((node = list_pop_front(&r->dirty)) != NULL) {
		struct resource *e = container_of(node, struct resource, in_dirty);

		resource_rebuild(e, d);
		entry_free_if_empty(e);
	}
}

static void settle(struct resources *r, struct diag *d)
{
	promote_ready(r);
	rebuild_dirty(r, d);
	clean_note(r, snapshots_publish(r->snapshots));
	resources_served(r, r->snapshots->served);
	timer_arm(r);
	if (r->changed && r->handler && r->handler->on_changed)
		r->handler->on_changed(r->handler_user);
	r->changed = false;
}

/* What nobody wanted for a while goes, and whoever fetched it is told. */
static void sweep(struct resources *r)
{
	struct resource *e;

	while ((e = list_first(&r->unwanted, struct resource, in_unwanted)) != NULL) {
		if (instant_after(e->unwanted_since, RESOURCE_LINGER).ns > loop_now(r->loop).ns)
			return;
		list_remove(&e->in_unwanted);
		if (is_static(e) || r->wildcard[e->kind])
			continue;
		unstage(e);
		part_drop(r, &e->active);
		note_change(e);
		resource_mark_dirty(e);
		if (e->reported) {
			e->reported = false;
			r->handler->on_want(r->handler_user, e->kind, str_from(e->name), false);
		}
		if (!list_is_linked(&e->in_dirty))
			entry_free_if_empty(e);
	}
}

static void timer_due(struct timer *t)
{
	struct resources *r = container_of(t, struct resources, timer);
	struct diag d = DIAG_INIT;

	sweep(r);
	settle(r, &d);
	diag_fini(&d);
}

/* The timer runs to the first moment at which something has waited long enough. */
static void timer_arm(struct resources *r)
{
	struct instant now = loop_now(r->loop);
	struct resource *unwanted = list_first(&r->unwanted, struct resource, in_unwanted);
	struct instant due = { INT64_MAX };

	list_for_each (node, &r->staged) {
		struct resource *e = container_of(node, struct resource, in_staged);
		struct instant at = instant_after(e->staged_since, waits[e->kind]);

		due = at.ns < due.ns ? at : due;
	}
	if (unwanted) {
		struct instant at = instant_after(unwanted->unwanted_since, RESOURCE_LINGER);

		due = at.ns < due.ns ? at : due;
	}
	timer_stop(&r->timer);
	if (due.ns != INT64_MAX)
		timer_start(r->loop, &r->timer, instant_since(due, now));
}

static struct part *find_secret(void *user, struct str name)
{
	struct resource *e = find(user, PART_SECRET, name);

	return e ? e->active : NULL;
}

/*
 * Public
 */

void resources_init(struct resources *r, const struct resources_options *options)
{
	*r = (struct resources){
		.loop = options->loop,
		.domain = options->domain,
		.stats = options->stats,
		.snapshots = options->snapshots,
		.inherited = options->inherited,
	};
	for (int i = 0; i < PART_KIND_COUNT; i++)
		map_init(&r->by_name[i]);
	slots_init(&r->cluster_slots);
	slots_init(&r->route_slots);
	slots_init(&r->listener_slots);
	slots_init(&r->port_slots);
	list_init(&r->staged);
	list_init(&r->unwanted);
	list_init(&r->reports);
	list_init(&r->dirty);
	r->secrets = (struct tls_secrets){ find_secret, r };
	timer_init(&r->timer, timer_due);
}

/* Entries go whole; the states that snapshots still refer to follow with those. */
static void entry_drop(struct resource *e)
{
	part_unref(e->active);
	part_unref(e->staged);
	resource_drop_state(e);
	entry_free(e);
}

void resources_close(struct resources *r)
{
	timer_stop(&r->timer);
	defer_cancel(&r->report);
	for (int i = 0; i < PART_KIND_COUNT; i++)
		map_for_each (entry, &r->by_name[i])
			entry_drop(entry->value);
}

void resources_fini(struct resources *r)
{
	for (int i = 0; i < PART_KIND_COUNT; i++)
		map_fini(&r->by_name[i]);
	slots_fini(&r->cluster_slots);
	slots_fini(&r->route_slots);
	slots_fini(&r->listener_slots);
	slots_fini(&r->port_slots);
}

void resources_set_handler(struct resources *r, const struct resources_handler *handler, void *user)
{
	r->handler = handler;
	r->handler_user = user;
	for (int i = 0; handler && i < PART_KIND_COUNT; i++)
		map_for_each (entry, &r->by_name[i]) {
			struct resource *e = entry->value;

			e->reported = false;
			report_later(e);
		}
}

int resources_apply(struct resources *r, const struct resource_change *changes, size_t count,
		    uint64_t revision, struct diag *d)
{
	for (size_t i = 0; i < count; i++) {
		const struct resource_change *c = &changes[i];
		struct resource *e = find_or_add(r, c->kind, c->name);

		if (c->part) {
			stage(e, c->part);
			continue;
		}
		remove_part(e);
		if (!list_is_linked(&e->in_dirty))
			entry_free_if_empty(e);
	}
	r->revision_received = max_of(r->revision_received, revision);
	settle(r, d);
	return d->error;
}

void resources_want(struct resources *r, enum part_kind kind, struct str name)
{
	need_add(r, kind, name);
}

void resources_unwant(struct resources *r, enum part_kind kind, struct str name)
{
	need_drop(r, kind, name);
}

int resources_bind(struct resources *r, struct str listener_name, const struct address *address,
		   int inherited_fd, struct diag *d)
{
	struct port_options o = {
		.domain = r->domain,
		.listener_name = listener_name,
		.address = *address,
		.inherited_fd = inherited_fd,
	};
	cleanup(mem_freep) char *slot_name = NULL;
	struct port *p;
	int result;

	o.listener_slot = slots_get(&r->listener_slots, listener_name);
	result = port_open(&o, &p, d);
	if (result < 0) {
		slots_unref(&r->listener_slots, o.listener_slot);
		return result;
	}
	/* A space stands in no name of a listener: bindings and listeners keep apart. */
	slot_name = mem_printf("binding %s %s", p->name, address_text(&p->address));
	snapshots_set(r->snapshots, SNAPSHOT_PORTS, slots_get(&r->port_slots, str_from(slot_name)),
		      &p->shared);
	shared_unref(&p->shared);
	resources_want(r, PART_LISTENER, listener_name);
	return 0;
}

struct part *resources_secret_new(struct str name, struct str version, struct str certificate_pem,
				  struct str key_pem, struct str trust_pem)
{
	struct pool pool = POOL_INIT(0);
	struct secret *s = pool_new(&pool, struct secret);

	s->certificate_pem = pool_strdup(&pool, certificate_pem);
	s->key_pem = pool_strdup(&pool, key_pem);
	s->trust_pem = pool_strdup(&pool, trust_pem);
	s->part.kind = PART_SECRET;
	s->part.name = pool_strdup(&pool, name);
	s->part.version = pool_strdup(&pool, version);
	s->part.refs = 1;
	s->part.pool = pool;
	return &s->part;
}

struct part *resource_active(const struct resource *e)
{
	return e->active;
}

struct part *resource_staged(const struct resource *e)
{
	return e->staged;
}

struct str resource_name(const struct resource *e)
{
	return str_from(e->name);
}

bool resource_is_missing(const struct resource *e)
{
	return e->missing;
}

struct shared *resource_state(const struct resource *e)
{
	return e->state;
}
