#include "proxy/balance.h"

#include <assert.h>

#include "base/mem.h"

#define PERCENT_ALL       100
#define CHOICE_COUNT_MIN  2

/* A random or rotating choice that hits a tried endpoint is repeated this often before all are
 * looked at in order. */
#define TRIES_BEFORE_SCAN 3

static uint32_t percent_of(uint32_t part, uint32_t total, uint32_t factor_percent)
{
	uint64_t share = total ? (uint64_t)part * factor_percent / total : 0;

	return (uint32_t)min_of(share, (uint64_t)PERCENT_ALL);
}

struct priority {
	uint32_t total;
	uint32_t healthy;
	uint32_t degraded;
	uint32_t healthy_percent; /* with overprovisioning */
	uint32_t degraded_percent;
	bool panic;
};

static void count_endpoints(const struct endpoint_set *set, struct priority *priorities)
{
	for (uint32_t i = 0; i < set->count; i++) {
		const struct endpoint *e = &set->items[i];
		struct priority *p = &priorities[e->priority];

		p->total++;
		p->healthy += e->health == ENDPOINT_HEALTHY;
		p->degraded += e->health == ENDPOINT_DEGRADED;
	}
}

static uint32_t health_percent(struct priority *priorities, uint32_t count, uint32_t factor)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct priority *p = &priorities[i];

		p->healthy_percent = percent_of(p->healthy, p->total, factor);
		p->degraded_percent = percent_of(p->degraded, p->total, factor);
		sum += p->healthy_percent + p->degraded_percent;
	}
	return sum;
}

static bool takes_part(const struct endpoint *e, uint32_t priority, enum endpoint_health health,
		       bool panic)
{
	return e->priority == priority && (panic || e->health == health);
}

static void add_group(struct balance_plan *plan, const struct endpoint_set *set, uint32_t priority,
		      enum endpoint_health health, const struct balance_group *like)
{
	struct balance_group *g = &plan->groups[plan->group_count];
	uint32_t first = plan->group_count ? g[-1].first + g[-1].count : 0;

	*g = *like;
	g->first = first;
	g->weights_equal = true;
	for (uint32_t i = 0; i < set->count; i++) {
		if (!takes_part(&set->items[i], priority, health, like->panic))
			continue;
		plan->order[g->first + g->count++] = i;
		g->weight_max = max_of(g->weight_max, set->items[i].weight);
	}
	for (uint32_t i = 0; i < g->count; i++)
		if (set->items[plan->order[g->first + i]].weight != g->weight_max)
			g->weights_equal = false;
	if (g->count)
		plan->group_count++;
}

/* Fills *left percent from the priorities in order, by what each can take of this health. */
static void add_groups(struct balance_plan *plan, const struct endpoint_set *set,
		       struct priority *priorities, enum endpoint_health health, uint32_t *left)
{
	bool degraded = health == ENDPOINT_DEGRADED;

	for (uint32_t i = 0; i<set->priority_count && * left> 0; i++) {
		struct priority *p = &priorities[i];
		uint32_t share = degraded ? p->degraded_percent : p->healthy_percent;
		struct balance_group like = { .percent = min_of(share, *left) };

		if (like.percent == 0 || p->panic)
			continue;
		*left -= like.percent;
		add_group(plan, set, i, health, &like);
	}
}

/* Below 100 % in all: every priority takes its part of the traffic by its share of the sum, a
 * priority in panic with all its endpoints; where none is healthy at all, the first that has
 * endpoints does. */
static void plan_scarce(struct balance_plan *plan, const struct endpoint_set *set,
			struct priority *priorities, uint32_t sum)
{
	uint32_t given = 0;

	for (uint32_t i = 0; i < set->priority_count; i++) {
		struct priority *p = &priorities[i];
		uint32_t share = p->healthy_percent + p->degraded_percent;
		struct balance_group like = { .panic = p->panic };

		if (sum)
			like.percent = share * PERCENT_ALL / sum;
		else if (p->total && plan->group_count == 0)
			like.percent = PERCENT_ALL;
		if (like.percent == 0)
			continue;
		given += like.percent;
		add_group(plan, set, i, p->healthy ? ENDPOINT_HEALTHY : ENDPOINT_DEGRADED, &like);
	}
	/* What rounding left over. */
	if (plan->group_count)
		plan->groups[0].percent += PERCENT_ALL - given;
}

static bool is_panic(const struct priority *p, uint32_t threshold_percent)
{
	uint32_t usable = p->healthy + p->degraded;

	return p->total > 0 &&
	       (uint64_t)usable * PERCENT_ALL < (uint64_t)p->total * threshold_percent;
}

void balance_plan_init(struct balance_plan *p, const struct endpoint_set *set,
		       uint32_t panic_threshold_percent)
{
	struct priority *priorities;
	uint32_t sum, left = PERCENT_ALL;

	*p = (struct balance_plan){ 0 };
	if (!set || set->count == 0)
		return;
	/* In a plan without panic an endpoint stands in one group at most. */
	p->order = mem_new_array(uint32_t, set->count);
	p->groups = mem_new_array(struct balance_group, 2 * (size_t)set->priority_count + 1);
	priorities = mem_new_array(struct priority, set->priority_count);
	count_endpoints(set, priorities);
	sum = health_percent(priorities, set->priority_count, set->overprovisioning_percent);
	if (sum >= PERCENT_ALL) {
		add_groups(p, set, priorities, ENDPOINT_HEALTHY, &left);
		add_groups(p, set, priorities, ENDPOINT_DEGRADED, &left);
	} else {
		for (uint32_t i = 0; i < set->priority_count; i++)
			priorities[i].panic = is_panic(&priorities[i], panic_threshold_percent);
		plan_scarce(p, set, priorities, sum);
	}
	mem_free(priorities);
}

void balance_plan_fini(struct balance_plan *p)
{
	mem_free(p->order);
	mem_free(p->groups);
	*p = (struct balance_plan){ 0 };
}

static const struct balance_group *pick_group(const struct balance_plan *p, struct random *random)
{
	uint32_t at;

	if (p->group_count == 1)
		return &p->groups[0];
	at = (uint32_t)random_below(random, PERCENT_ALL);
	for (uint32_t i = 0; i + 1 < p->group_count; i++) {
		if (at < p->groups[i].percent)
			return &p->groups[i];
		at -= p->groups[i].percent;
	}
	return &p->groups[p->group_count - 1];
}

static uint32_t index_at(const struct balance_input *in, const struct balance_group *g, uint32_t i)
{
	return in->plan->order[g->first + i];
}

/*
 * Generation n of an endpoint with weight w is its turn where w * n passes a multiple of the
 * largest weight W, so w turns in W generations. The endpoint with W has every turn, so the
 * search ends within one generation.
 */
static uint32_t pick_round_robin(const struct balance_input *in, const struct balance_group *g,
				 struct balance_cursor *cursor)
{
	for (;;) {
		uint64_t at = cursor->next++;
		uint32_t index = index_at(in, g, (uint32_t)(at % g->count));
		uint64_t generation = at / g->count;
		uint32_t weight = in->set->items[index].weight;

		if (g->weights_equal ||
		    weight * generation % g->weight_max + weight >= g->weight_max)
			return index;
	}
}

static uint32_t pick_random(const struct balance_input *in, const struct balance_group *g,
			    struct random *random)
{
	uint32_t index;

	/* Rejection: an endpoint stays with a chance of its weight out of the largest. */
	do
		index = index_at(in, g, (uint32_t)random_below(random, g->count));
	while (!g->weights_equal &&
	       random_below(random, g->weight_max) >= in->set->items[index].weight);
	return index;
}

/* a is better when it has fewer requests for its weight. One more is added to each: the request
 * that is looking for a place. */
static bool is_better(const struct balance_input *in, uint32_t a, uint32_t b)
{
	uint64_t load_a = in->active(in->user, a) + 1ull;
	uint64_t load_b = in->active(in->user, b) + 1ull;

	return load_a * in->set->items[b].weight < load_b * in->set->items[a].weight;
}

static uint32_t pick_least_request(const struct balance_input *in, const struct balance_group *g,
				   struct random *random)
{
	uint32_t choices = max_of(in->choice_count, (uint32_t)CHOICE_COUNT_MIN);
	uint32_t best;

	if (g->count == 1)
		return index_at(in, g, 0);
	if (g->count == 2) {
		uint32_t first = (uint32_t)(random_u64(random) & 1);

		best = index_at(in, g, first);
		return is_better(in, index_at(in, g, !first), best) ? index_at(in, g, !first)
								    : best;
	}
	best = index_at(in, g, (uint32_t)random_below(random, g->count));
	for (uint32_t i = 1; i < choices; i++) {
		uint32_t other = index_at(in, g, (uint32_t)random_below(random, g->count));

		if (is_better(in, other, best))
			best = other;
	}
	return best;
}

static uint32_t pick_by_policy(const struct balance_input *in, const struct balance_group *g,
			       struct balance_cursor *cursor, struct random *random)
{
	switch (in->policy) {
	case BALANCE_LEAST_REQUEST:
		return pick_least_request(in, g, random);
	case BALANCE_RANDOM:
		return pick_random(in, g, random);
	default:
		return pick_round_robin(in, g, cursor);
	}
}

static bool is_tried(const struct balance_input *in, uint32_t index)
{
	return in->tried && in->tried(in->user, index);
}

/* The first endpoint of the group that was not tried, from a random place on. */
static uint32_t scan_group(const struct balance_input *in, const struct balance_group *g,
			   struct random *random)
{
	uint32_t start = (uint32_t)random_below(random, g->count);

	for (uint32_t i = 0; i < g->count; i++) {
		uint32_t index = index_at(in, g, (start + i) % g->count);

		if (!is_tried(in, index))
			return index;
	}
	return BALANCE_NONE;
}

static uint32_t scan(const struct balance_input *in, const struct balance_group *first,
		     struct random *random, bool *ret_panic)
{
	uint32_t index = scan_group(in, first, random);

	*ret_panic = first->panic;
	for (uint32_t i = 0; index == BALANCE_NONE && i < in->plan->group_count; i++) {
		index = scan_group(in, &in->plan->groups[i], random);
		*ret_panic = in->plan->groups[i].panic;
	}
	return index;
}

uint32_t balance_pick(const struct balance_input *in, struct balance_cursor *cursor,
		      struct random *random, bool *ret_panic)
{
	const struct balance_group *g;

	*ret_panic = false;
	if (in->plan->group_count == 0)
		return BALANCE_NONE;
	g = pick_group(in->plan, random);
	*ret_panic = g->panic;
	for (int i = 0; i < TRIES_BEFORE_SCAN; i++) {
		uint32_t index = pick_by_policy(in, g, cursor, random);

		if (!is_tried(in, index))
			return index;
	}
	return scan(in, g, random, ret_panic);
}
