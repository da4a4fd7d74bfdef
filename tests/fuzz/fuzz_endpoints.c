#include "fuzz.h"

/*
 * Endpoints are read by hand or through a tree of messages: both take and refuse the same, with
 * the same outcome.
 */

#include <assert.h>

#include "base/mem.h"
#include "model/compile.h"
#include "model/endpoints.h"

struct outcome {
	struct pool pool;
	struct pb_report report;
	struct diag d;
	struct endpoint_set set;
	int error;
};

static struct compile begin(struct outcome *o)
{
	pool_init(&o->pool, 0);
	return (struct compile){
		.pool = &o->pool, .scratch = &o->pool, .report = &o->report, .d = &o->d
	};
}

static void end(struct outcome *o)
{
	pool_fini(&o->pool);
	diag_fini(&o->d);
}

static void by_hand(struct str bytes, struct outcome *o)
{
	struct compile c = begin(o);

	o->error = endpoints_read(&c, bytes, &o->set);
}

static void by_tree(struct str bytes, struct outcome *o)
{
	struct compile c = begin(o);
	struct pb_message *m;

	o->error = pb_decode(&pb_ClusterLoadAssignment, bytes, &o->pool, &m, &o->report, &o->d);
	if (o->error == 0)
		o->error = endpoints_compile(&c, m, &o->set);
}

static void check_same(const struct endpoint_set *a, const struct endpoint_set *b)
{
	assert(str_eq(a->part.name, b->part.name));
	assert(a->count == b->count);
	assert(a->healthy_count == b->healthy_count);
	assert(a->priority_count == b->priority_count);
	assert(a->overprovisioning_percent == b->overprovisioning_percent);
	for (uint32_t i = 0; i < a->count; i++) {
		const struct endpoint *x = &a->items[i], *y = &b->items[i];

		assert(address_eq(&x->address, &y->address));
		assert(str_eq(x->hostname, y->hostname));
		assert(x->weight == y->weight);
		assert(x->priority == y->priority);
		assert(x->health == y->health);
		assert(str_eq(x->workload, y->workload));
		assert(str_eq(x->service, y->service));
		assert(str_eq(x->version, y->version));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str bytes = str_of((const char *)data, size);
	uint64_t before = mem_live_bytes();
	struct outcome hand = { .error = 0 }, tree = { .error = 0 };

	by_hand(bytes, &hand);
	by_tree(bytes, &tree);
	assert(hand.error == tree.error);
	assert(hand.error == 0 || (hand.d.text && tree.d.text));
	if (hand.error == 0)
		check_same(&hand.set, &tree.set);
	end(&hand);
	end(&tree);
	assert(mem_live_bytes() == before);
	return 0;
}
