#include "proxy/balance.h"

#include "test.h"

#include "base/mem.h"

#define ENDPOINTS_MAX_ 16

struct rig {
	struct endpoint items[ENDPOINTS_MAX_];
	struct endpoint_set set;
	uint32_t active[ENDPOINTS_MAX_];
	bool tried[ENDPOINTS_MAX_];
	uint32_t hits[ENDPOINTS_MAX_];
	struct balance_plan plan;
	struct balance_cursor cursor;
	struct random random;
	struct balance_input in;
};

static uint32_t rig_active(const void *user, uint32_t index)
{
	return ((const struct rig *)user)->active[index];
}

static bool rig_tried(const void *user, uint32_t index)
{
	return ((const struct rig *)user)->tried[index];
}

static void rig_init(struct rig *r, enum balance_policy policy, uint32_t count)
{
	*r = (struct rig){ .set = { .items = r->items,
				    .count = count,
				    .priority_count = 1,
				    .overprovisioning_percent = 140 } };
	for (uint32_t i = 0; i < count; i++)
		r->items[i].weight = 1;
	random_init(&r->random, 7);
	r->in = (struct balance_input){
		.plan = &r->plan,
		.set = &r->set,
		.policy = policy,
		.choice_count = 2,
		.active = rig_active,
		.user = r,
	};
}

static void rig_plan(struct rig *r)
{
	balance_plan_fini(&r->plan);
	balance_plan_init(&r->plan, &r->set, 50);
}

static uint32_t pick(struct rig *r)
{
	bool panic;

	return balance_pick(&r->in, &r->cursor, &r->random, &panic);
}

static void pick_many(struct rig *r, uint32_t n)
{
	memset(r->hits, 0, sizeof(r->hits));
	for (uint32_t i = 0; i < n; i++)
		r->hits[pick(r)]++;
}

static void rig_fini(struct rig *r)
{
	balance_plan_fini(&r->plan);
}

TEST(round_robin_takes_each_in_turn)
{
	struct rig r;

	rig_init(&r, BALANCE_ROUND_ROBIN, 3);
	rig_plan(&r);
	for (uint32_t i = 0; i < 9; i++)
		assert_int_equal(pick(&r), i % 3);
	rig_fini(&r);
}

TEST(round_robin_gives_exactly_the_weights)
{
	struct rig r;

	rig_init(&r, BALANCE_ROUND_ROBIN, 3);
	r.items[0].weight = 90;
	r.items[1].weight = 10;
	r.items[2].weight = 1;
	rig_plan(&r);
	pick_many(&r, 10100);
	assert_int_equal(r.hits[0], 9000);
	assert_int_equal(r.hits[1], 1000);
	assert_int_equal(r.hits[2], 100);
	rig_fini(&r);
}

TEST(a_light_endpoint_is_spread_evenly)
{
	struct rig r;
	uint32_t last = 0, longest = 0;

	rig_init(&r, BALANCE_ROUND_ROBIN, 2);
	r.items[0].weight = 9;
	rig_plan(&r);
	for (uint32_t i = 1; i <= 200; i++) {
		if (pick(&r) != 1)
			continue;
		longest = max_of(longest, i - last);
		last = i;
	}
	assert_in_range(longest, 8, 11);
	rig_fini(&r);
}

TEST(random_follows_the_weights)
{
	struct rig r;

	rig_init(&r, BALANCE_RANDOM, 2);
	r.items[0].weight = 3;
	rig_plan(&r);
	pick_many(&r, 40000);
	assert_in_range(r.hits[0], 29300, 30700);
	rig_fini(&r);
}

TEST(least_request_avoids_the_busy_one)
{
	struct rig r;

	rig_init(&r, BALANCE_LEAST_REQUEST, 2);
	r.active[0] = 5;
	rig_plan(&r);
	pick_many(&r, 100);
	assert_int_equal(r.hits[1], 100);

	/* Five requests at weight 10 are fewer than one at weight 1. */
	r.items[0].weight = 10;
	r.active[1] = 1;
	rig_plan(&r);
	pick_many(&r, 100);
	assert_int_equal(r.hits[0], 100);
	rig_fini(&r);
}

TEST(least_request_of_two_choices_evens_out)
{
	struct rig r;

	rig_init(&r, BALANCE_LEAST_REQUEST, 8);
	rig_plan(&r);
	for (int i = 0; i < 800; i++)
		r.active[pick(&r)]++;
	for (int i = 0; i < 8; i++)
		assert_in_range(r.active[i], 97, 103);
	rig_fini(&r);
}

TEST(only_healthy_endpoints_are_chosen)
{
	struct rig r;

	rig_init(&r, BALANCE_ROUND_ROBIN, 4);
	r.items[1].health = ENDPOINT_UNHEALTHY;
	r.items[2].health = ENDPOINT_DRAINING;
	rig_plan(&r);
	pick_many(&r, 100);
	assert_int_equal(r.hits[0], 50);
	assert_int_equal(r.hits[3], 50);
	rig_fini(&r);
}

TEST(in_panic_all_endpoints_are_chosen)
{
	struct rig r;
	bool panic;

	rig_init(&r, BALANCE_ROUND_ROBIN, 4);
	for (int i = 0; i < 3; i++)
		r.items[i].health = ENDPOINT_UNHEALTHY;
	rig_plan(&r);
	pick_many(&r, 100);
	for (int i = 0; i < 4; i++)
		assert_int_equal(r.hits[i], 25);
	balance_pick(&r.in, &r.cursor, &r.random, &panic);
	assert_true(panic);
	rig_fini(&r);
}

TEST(priorities_fill_up_in_order)
{
	struct rig r;

	rig_init(&r, BALANCE_ROUND_ROBIN, 4);
	r.set.priority_count = 2;
	r.items[2].priority = r.items[3].priority = 1;
	rig_plan(&r);
	pick_many(&r, 100);
	assert_int_equal(r.hits[2] + r.hits[3], 0);

	/* Half of the first priority at 140 %: it takes 70. */
	r.items[0].health = ENDPOINT_UNHEALTHY;
	rig_plan(&r);
	pick_many(&r, 10000);
	assert_int_equal(r.hits[0], 0);
	assert_in_range(r.hits[1], 6800, 7200);

	r.items[1].health = ENDPOINT_UNHEALTHY;
	rig_plan(&r);
	pick_many(&r, 100);
	assert_int_equal(r.hits[2] + r.hits[3], 100);
	rig_fini(&r);
}

TEST(degraded_endpoints_take_what_healthy_ones_cannot)
{
	struct rig r;

	rig_init(&r, BALANCE_ROUND_ROBIN, 4);
	r.items[0].health = r.items[1].health = ENDPOINT_DEGRADED;
	rig_plan(&r);
	pick_many(&r, 10000);
	assert_in_range(r.hits[0] + r.hits[1], 2800, 3200);
	rig_fini(&r);
}

TEST(a_tried_endpoint_is_not_chosen_again)
{
	struct rig r;

	rig_init(&r, BALANCE_LEAST_REQUEST, 3);
	r.active[2] = 100;
	r.in.tried = rig_tried;
	r.tried[0] = r.tried[1] = true;
	rig_plan(&r);
	for (int i = 0; i < 20; i++)
		assert_int_equal(pick(&r), 2);
	r.tried[2] = true;
	assert_int_equal(pick(&r), BALANCE_NONE);
	rig_fini(&r);
}

TEST(without_endpoints_nothing_is_chosen)
{
	struct rig r;

	rig_init(&r, BALANCE_ROUND_ROBIN, 0);
	rig_plan(&r);
	assert_int_equal(pick(&r), BALANCE_NONE);
	rig_fini(&r);
}
