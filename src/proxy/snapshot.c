#include "proxy/snapshot.h"

#include <assert.h>

#include "base/mem.h"

/* How often retired objects that are still held are looked at. */
#define COLLECT_INTERVAL DURATION_SECONDS(1)

/* A snapshot on its way to one reader and back. */
struct snapshot_delivery {
	struct task to_reader;
	struct task to_main;
	struct snapshot *snapshot;
	struct snapshot_reader *reader;
};

static struct shared_table *table_new(uint32_t count)
{
	struct shared_table *t = mem_zalloc(sizeof(*t) + (size_t)count * sizeof(struct shared *));

	t->refs = 1;
	t->count = count;
	return t;
}

static void table_unref(struct shared_table *t)
{
	if (--t->refs > 0)
		return;
	for (uint32_t i = 0; i < t->count; i++)
		shared_unref(t->items[i]);
	mem_free(t);
}

/* A copy of its own with at least `count` slots. */
static struct shared_table *table_copy(const struct shared_table *from, uint32_t count)
{
	struct shared_table *t = table_new(max_of(from->count, count));

	for (uint32_t i = 0; i < from->count; i++) {
		t->items[i] = from->items[i];
		if (t->items[i])
			shared_ref(t->items[i]);
	}
	return t;
}

static void snapshot_free(struct shared *shared)
{
	struct snapshot *s = container_of(shared, struct snapshot, shared);

	for (int i = 0; i < SNAPSHOT_TABLE_COUNT; i++)
		table_unref(s->tables[i]);
	mem_free(s->deliveries);
	shared_fini(&s->shared);
	mem_free(s);
}

static void collect(struct snapshots *s)
{
	if (shared_domain_collect(s->domain) > 0 && !timer_is_running(&s->collect))
		timer_start(s->loop, &s->collect, COLLECT_INTERVAL);
}

static void collect_due(struct timer *t)
{
	collect(container_of(t, struct snapshots, collect));
}

/* All readers have come this far: nobody can find the snapshot before. */
static void snapshot_served(struct snapshot *s)
{
	struct snapshots *owner = s->owner;

	if (s->before)
		shared_unref(&s->before->shared);
	s->before = NULL;
	owner->served = s->number;
	if (owner->on_served)
		owner->on_served(owner, s->number);
	collect(owner);
}

static void delivery_confirmed(struct task *t)
{
	struct snapshot_delivery *d = container_of(t, struct snapshot_delivery, to_main);
	struct snapshot *s = d->snapshot;
	struct snapshots *owner = s->owner;

	s->confirmed++;
	if (s->confirmed == owner->reader_count)
		snapshot_served(s);
	debug_check(owner->next[SNAPSHOT_CLUSTERS]->count * 4, snapshots_check(owner));
}

static void delivery_arrived(struct task *t)
{
	struct snapshot_delivery *d = container_of(t, struct snapshot_delivery, to_reader);
	struct snapshot_reader *r = d->reader;
	struct snapshot *before = r->current;
	struct snapshots *owner = d->snapshot->owner;

	if (!r->left) {
		shared_hold(&d->snapshot->shared, r->index);
		r->current = d->snapshot;
		r->on_snapshot(r, before, d->snapshot);
		if (before)
			shared_release(&before->shared, r->index);
	}
	loop_post(owner->loop, &d->to_main, delivery_confirmed);
}

void snapshots_init(struct snapshots *s, struct loop *main_loop, struct shared_domain *domain,
		    struct snapshot_reader **readers)
{
	*s = (struct snapshots){
		.loop = main_loop,
		.domain = domain,
		.readers = readers,
		.reader_count = domain->worker_count,
	};
	for (int i = 0; i < SNAPSHOT_TABLE_COUNT; i++)
		s->next[i] = table_new(0);
	timer_init(&s->collect, collect_due);
}

void snapshots_fini(struct snapshots *s)
{
	struct snapshot *current = s->current;

	timer_stop(&s->collect);
	for (int i = 0; i < SNAPSHOT_TABLE_COUNT; i++)
		if (s->next[i])
			table_unref(s->next[i]);
	/* Snapshots that were not confirmed when the loops ended still hold the one before. */
	while (current) {
		struct snapshot *before = current->before;

		shared_unref(&current->shared);
		current = before;
	}
	s->current = NULL;
}

void snapshots_set(struct snapshots *s, enum snapshot_table table, uint32_t slot,
		   struct shared *object)
{
	struct shared_table *t = s->next[table];

	if (snapshots_peek(s, table, slot) == object)
		return;
	if (t->refs > 1 || slot >= t->count) {
		struct shared_table *copy =
			table_copy(t, slot < t->count ? t->count : slot + 1 + slot / 2);

		table_unref(t);
		s->next[table] = t = copy;
	}
	if (object)
		shared_ref(object);
	shared_unref(t->items[slot]);
	t->items[slot] = object;
	s->changed = true;
}

struct shared *snapshots_peek(const struct snapshots *s, enum snapshot_table table, uint32_t slot)
{
	const struct shared_table *t = s->next[table];

	return slot < t->count ? t->items[slot] : NULL;
}

bool snapshots_changed(const struct snapshots *s)
{
	return s->changed;
}

static struct snapshot *snapshot_new(struct snapshots *s)
{
	struct snapshot *n = mem_new(struct snapshot);

	shared_init(&n->shared, s->domain, SHARED_HOT, snapshot_free);
	n->number = ++s->number;
	n->owner = s;
	n->before = s->current;
	n->deliveries = mem_new_array(struct snapshot_delivery, s->reader_count);
	for (int i = 0; i < SNAPSHOT_TABLE_COUNT; i++) {
		n->tables[i] = s->next[i];
		n->tables[i]->refs++;
	}
	return n;
}

uint64_t snapshots_publish(struct snapshots *s)
{
	if (s->changed || !s->current) {
		s->current = snapshot_new(s);
		s->changed = false;
		for (uint32_t i = 0; i < s->reader_count; i++) {
			struct snapshot_delivery *d = &s->current->deliveries[i];

			d->snapshot = s->current;
			d->reader = s->readers[i];
			loop_post(d->reader->loop, &d->to_reader, delivery_arrived);
		}
	}
	debug_check(s->next[SNAPSHOT_CLUSTERS]->count * 4, snapshots_check(s));
	return s->current->number;
}

void snapshot_reader_leave(struct snapshot_reader *r)
{
	if (r->current)
		shared_release(&r->current->shared, r->index);
	r->current = NULL;
	r->left = true;
}

/*
 * Looking inside
 */

static const char *const table_names[] = {
	[SNAPSHOT_LISTENERS] = "listeners",
	[SNAPSHOT_ROUTES] = "routes",
	[SNAPSHOT_CLUSTERS] = "clusters",
	[SNAPSHOT_PORTS] = "ports",
};

static void table_check(const struct shared_table *t)
{
	assert(t->refs > 0);
	for (uint32_t i = 0; i < t->count; i++)
		assert(!t->items[i] || t->items[i]->refs > 0);
}

void snapshots_check(const struct snapshots *s)
{
	shared_domain_check(s->domain);
	for (int i = 0; i < SNAPSHOT_TABLE_COUNT; i++)
		table_check(s->next[i]);
	for (const struct snapshot *n = s->current; n; n = n->before) {
		assert(n->owner == s);
		assert(n->shared.refs > 0);
		assert(n->number <= s->number);
		assert(n->confirmed <= s->reader_count);
		assert(!n->before || n->before->number < n->number);
		for (int i = 0; i < SNAPSHOT_TABLE_COUNT; i++)
			table_check(n->tables[i]);
	}
	assert(s->served <= s->number);
}

static uint32_t table_used(const struct shared_table *t)
{
	uint32_t used = 0;

	for (uint32_t i = 0; i < t->count; i++)
		used += t->items[i] != NULL;
	return used;
}

void snapshots_dump(const struct snapshots *s, struct dump *d)
{
	dump_line(d, "snapshots");
	dump_number(d, "number", s->number);
	dump_number(d, "served", s->served);
	dump_number(d, "retired", s->domain->retired_count);
	dump_flag(d, "changed", s->changed);
	dump_enter(d);
	for (const struct snapshot *n = s->current; n && !dump_is_full(d); n = n->before) {
		dump_line(d, "snapshot");
		dump_number(d, "number", n->number);
		dump_number(d, "confirmed", n->confirmed);
		for (int i = 0; i < SNAPSHOT_TABLE_COUNT; i++)
			dump_number(d, table_names[i], table_used(n->tables[i]));
		shared_dump_fields(&n->shared, d);
	}
	dump_leave(d);
}
