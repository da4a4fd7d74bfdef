#include "proxy/snapshot.h"

#include "test.h"

#include "base/mem.h"

#define READER_COUNT 3

struct object {
	struct shared shared;
	int *freed;
};

struct rig {
	struct loop *loop;
	struct shared_domain domain;
	struct snapshots snapshots;
	struct snapshot_reader readers[READER_COUNT];
	struct snapshot_reader *pointers[READER_COUNT];
	uint64_t served;
	int freed;
};

static void object_free(struct shared *s)
{
	struct object *o = container_of(s, struct object, shared);

	++*o->freed;
	shared_fini(&o->shared);
	mem_free(o);
}

static void on_snapshot(struct snapshot_reader *r, struct snapshot *before, struct snapshot *next)
{
	assert_ptr_equal(r->current, next);
	assert_ptr_not_equal(before, next);
}

static void on_served(struct snapshots *s, uint64_t number)
{
	container_of(s, struct rig, snapshots)->served = number;
}

static void rig_init(struct rig *r)
{
	*r = (struct rig){ 0 };
	assert_int_equal(loop_new(&r->loop), 0);
	shared_domain_init(&r->domain, READER_COUNT);
	for (uint32_t i = 0; i < READER_COUNT; i++) {
		r->readers[i] = (struct snapshot_reader){ .loop = r->loop,
							  .index = i,
							  .on_snapshot = on_snapshot };
		r->pointers[i] = &r->readers[i];
	}
	snapshots_init(&r->snapshots, r->loop, &r->domain, r->pointers);
	r->snapshots.on_served = on_served;
}

static void rig_turn(struct rig *r)
{
	for (int i = 0; i < 4; i++)
		assert_int_equal(loop_turn(r->loop, DURATION_NS(0)), 0);
}

static void rig_fini(struct rig *r)
{
	for (int i = 0; i < READER_COUNT; i++)
		snapshot_reader_leave(&r->readers[i]);
	snapshots_fini(&r->snapshots);
	shared_domain_fini(&r->domain);
	loop_free(r->loop);
}

/* Puts a new object into a slot of the next snapshot. */
static struct shared *put(struct rig *r, enum snapshot_table table, uint32_t slot)
{
	struct object *o = mem_new(struct object);

	o->freed = &r->freed;
	shared_init(&o->shared, &r->domain, SHARED_COLD, object_free);
	snapshots_set(&r->snapshots, table, slot, &o->shared);
	shared_unref(&o->shared);
	return &o->shared;
}

TEST(a_snapshot_is_served_when_all_readers_confirmed)
{
	struct rig r;
	uint64_t number;

	rig_init(&r);
	put(&r, SNAPSHOT_CLUSTERS, 0);
	number = snapshots_publish(&r.snapshots);
	assert_int_equal(number, 1);
	assert_int_equal(r.served, 0);
	rig_turn(&r);
	assert_int_equal(r.served, 1);
	for (int i = 0; i < READER_COUNT; i++)
		assert_int_equal(r.readers[i].current->number, 1);
	rig_fini(&r);
	assert_int_equal(r.freed, 1);
}

TEST(what_did_not_change_is_shared)
{
	struct rig r;
	struct snapshot *before;
	struct shared *kept;

	rig_init(&r);
	kept = put(&r, SNAPSHOT_CLUSTERS, 0);
	put(&r, SNAPSHOT_CLUSTERS, 1);
	put(&r, SNAPSHOT_ROUTES, 0);
	snapshots_publish(&r.snapshots);
	rig_turn(&r);
	before = r.snapshots.current;
	shared_hold(&before->shared, 0);
	put(&r, SNAPSHOT_CLUSTERS, 1);
	snapshots_publish(&r.snapshots);
	rig_turn(&r);
	assert_ptr_equal(r.snapshots.current->tables[SNAPSHOT_ROUTES],
			 before->tables[SNAPSHOT_ROUTES]);
	assert_ptr_not_equal(r.snapshots.current->tables[SNAPSHOT_CLUSTERS],
			     before->tables[SNAPSHOT_CLUSTERS]);
	assert_ptr_equal(snapshot_get(r.snapshots.current, SNAPSHOT_CLUSTERS, 0), kept);
	shared_release(&before->shared, 0);
	rig_fini(&r);
	assert_int_equal(r.freed, 4);
}

TEST(a_replaced_part_goes_when_nobody_can_see_it)
{
	struct rig r;

	rig_init(&r);
	put(&r, SNAPSHOT_CLUSTERS, 0);
	snapshots_publish(&r.snapshots);
	rig_turn(&r);
	put(&r, SNAPSHOT_CLUSTERS, 0);
	snapshots_publish(&r.snapshots);
	assert_int_equal(r.freed, 0);
	rig_turn(&r);
	assert_int_equal(r.freed, 1);
	rig_fini(&r);
}

TEST(a_stream_keeps_the_snapshot_it_began_under)
{
	struct rig r;
	struct snapshot *held;
	struct shared *seen;

	rig_init(&r);
	seen = put(&r, SNAPSHOT_ROUTES, 5);
	snapshots_publish(&r.snapshots);
	rig_turn(&r);
	held = snapshot_hold(&r.readers[2]);
	for (int i = 0; i < 10; i++) {
		put(&r, SNAPSHOT_ROUTES, 5);
		snapshots_publish(&r.snapshots);
		rig_turn(&r);
	}
	assert_int_equal(r.freed, 9);
	assert_ptr_equal(snapshot_get(held, SNAPSHOT_ROUTES, 5), seen);
	snapshot_release(&r.readers[2], held);
	assert_int_equal(shared_domain_collect(&r.domain), 0);
	assert_int_equal(r.freed, 10);
	rig_fini(&r);
}

TEST(nothing_changed_publishes_nothing)
{
	struct rig r;
	struct shared *o;

	rig_init(&r);
	o = put(&r, SNAPSHOT_PORTS, 3);
	assert_int_equal(snapshots_publish(&r.snapshots), 1);
	snapshots_set(&r.snapshots, SNAPSHOT_PORTS, 3, o);
	assert_false(snapshots_changed(&r.snapshots));
	assert_int_equal(snapshots_publish(&r.snapshots), 1);
	snapshots_set(&r.snapshots, SNAPSHOT_PORTS, 3, NULL);
	assert_int_equal(snapshots_publish(&r.snapshots), 2);
	rig_turn(&r);
	assert_null(snapshot_get(r.snapshots.current, SNAPSHOT_PORTS, 3));
	assert_null(snapshot_get(r.snapshots.current, SNAPSHOT_PORTS, 99));
	rig_fini(&r);
}
