#pragma once

/*
 * Choosing an endpoint
 *
 * What depends only on the endpoints is worked out once, by the main thread, when they
 * change: the plan. It holds the indexes of the endpoints in groups (one per priority and
 * health) and the share of the traffic that each group gets, by Envoy's rules:
 *
 *	A priority is as healthy as its share of healthy endpoints times the overprovisioning
 *	factor (140 %), at most 100. Priorities are filled in order until 100 are reached; what
 *	healthy endpoints do not take, degraded ones do. Where all together are below 100, a
 *	priority with fewer healthy endpoints than the panic threshold uses all of its endpoints.
 *
 * A worker keeps a cursor per plan and picks with it. Round robin honours weights without a
 * heap or a lock: the cursor counts through endpoints and generations, and an endpoint of
 * weight w out of the largest W takes part in w of every W generations, spread evenly.
 * Least request looks at a few random endpoints and takes the one with the fewest requests
 * for its weight, over all workers.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"
#include "model/cluster.h"
#include "model/endpoints.h"

struct balance_group {
	uint32_t first; /* in plan->order */
	uint32_t count;
	uint32_t percent; /* of the traffic; of all groups together 100, or 0 with none */
	uint32_t weight_max;
	bool weights_equal;
	bool panic; /* of a priority in panic: also endpoints that are not healthy */
};

struct balance_plan {
	uint32_t *order; /* indexes into the endpoint set, group by group */
	struct balance_group *groups;
	uint32_t group_count;
};

/* Memory of its own; balance_plan_fini() frees it. set may be NULL: an empty plan. */
void balance_plan_init(struct balance_plan *p, const struct endpoint_set *set,
		       uint32_t panic_threshold_percent);
void balance_plan_fini(struct balance_plan *p);

/* What a worker remembers of one cluster; zeroed is right, a random start is better. */
struct balance_cursor {
	uint64_t next;
};

struct balance_input {
	const struct balance_plan *plan;
	const struct endpoint_set *set;
	enum balance_policy policy;
	uint32_t choice_count; /* least request */
	/* How many requests run at an endpoint, over all workers. For least request. */
	uint32_t (*active)(const void *user, uint32_t index);
	/* Has this request tried the endpoint already? NULL: none was tried. */
	bool (*tried)(const void *user, uint32_t index);
	const void *user;
};

#define BALANCE_NONE UINT32_MAX

/*
 * The index of an endpoint in the set, or BALANCE_NONE when there is none, or none that was
 * not tried. *ret_panic tells that its priority is in panic.
 */
uint32_t balance_pick(const struct balance_input *in, struct balance_cursor *cursor,
		      struct random *random, bool *ret_panic);
