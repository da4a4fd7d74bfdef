#include "proxy/shared.h"

#include "test.h"

#include "base/mem.h"

struct object {
	struct shared shared;
	struct object *child;
	int *freed;
};

static void object_free(struct shared *s)
{
	struct object *o = container_of(s, struct object, shared);

	++*o->freed;
	if (o->child)
		shared_unref(&o->child->shared);
	shared_fini(&o->shared);
	mem_free(o);
}

static struct object *object_new(struct shared_domain *d, int *freed, struct object *child)
{
	struct object *o = mem_new(struct object);

	shared_init(&o->shared, d, child ? SHARED_HOT : SHARED_COLD, object_free);
	o->freed = freed;
	o->child = child;
	return o;
}

TEST(an_object_outlives_its_references_while_a_worker_holds_it)
{
	struct shared_domain d;
	int freed = 0;
	struct object *o;

	shared_domain_init(&d, 2);
	o = object_new(&d, &freed, NULL);
	shared_hold(&o->shared, 1);
	shared_hold(&o->shared, 1);
	shared_unref(&o->shared);
	assert_int_equal(shared_domain_collect(&d), 1);
	shared_release(&o->shared, 1);
	assert_int_equal(shared_domain_collect(&d), 1);
	shared_release(&o->shared, 1);
	assert_int_equal(shared_domain_collect(&d), 0);
	assert_int_equal(freed, 1);
	shared_domain_fini(&d);
}

TEST(one_collection_frees_a_chain_of_objects)
{
	struct shared_domain d;
	struct object *o = NULL;
	int freed = 0;

	shared_domain_init(&d, 3);
	for (int i = 0; i < 5; i++)
		o = object_new(&d, &freed, o);
	shared_unref(&o->shared);
	assert_int_equal(shared_domain_collect(&d), 0);
	assert_int_equal(freed, 5);
	shared_domain_fini(&d);
}

TEST(a_held_object_keeps_what_it_refers_to)
{
	struct shared_domain d;
	int freed = 0;
	struct object *child, *parent;

	shared_domain_init(&d, 1);
	child = object_new(&d, &freed, NULL);
	parent = object_new(&d, &freed, child);
	shared_hold(&parent->shared, 0);
	shared_unref(&parent->shared);
	shared_domain_collect(&d);
	assert_int_equal(freed, 0);
	/* From here on the worker has the child alone. */
	shared_hold(&child->shared, 0);
	shared_release(&parent->shared, 0);
	assert_int_equal(shared_domain_collect(&d), 1);
	assert_int_equal(freed, 1);
	shared_release(&child->shared, 0);
	shared_domain_fini(&d);
	assert_int_equal(freed, 2);
}
