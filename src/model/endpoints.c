/*
 * Two ways lead to an endpoint set. The short one (endpoints_read.c) reads the bytes by hand and
 * takes only what an honest encoder writes: known fields, each once, in the types and bounds of the
 * table in proto/. Whatever else comes, also an address that is none, is left to the long one,
 * through a tree of messages, which alone decides and explains. So the short way can only be
 * faster, never more lenient; tests/fuzz/fuzz_endpoints.c holds it to that.
 */

#include "model/endpoints.h"

#include "base/mem.h"
#include "model/compile.h"
#include "model/endpoint_builder.h"

struct endpoint *endpoint_builder_add(struct endpoint_builder *b)
{
	if (b->count == b->capacity) {
		b->capacity = b->capacity ? b->capacity * 2 : 16;
		b->items = mem_realloc(b->items, b->capacity * sizeof(*b->items));
	}
	b->items[b->count] = (struct endpoint){ .weight = 1 };
	return &b->items[b->count++];
}

void endpoint_builder_finish(struct endpoint_builder *b, struct compile *c,
			     struct endpoint_set *set)
{
	uint32_t places[ENDPOINT_PRIORITY_MAX + 2] = { 0 };

	for (uint32_t i = 0; i < b->count; i++) {
		places[b->items[i].priority + 1]++;
		set->priority_count =
			max_of(set->priority_count, (uint8_t)(b->items[i].priority + 1));
		set->healthy_count += b->items[i].health == ENDPOINT_HEALTHY;
	}
	for (size_t i = 1; i < array_count(places); i++)
		places[i] += places[i - 1];
	set->items = pool_new_array(c->pool, struct endpoint, b->count);
	for (uint32_t i = 0; i < b->count; i++)
		set->items[places[b->items[i].priority]++] = b->items[i];
	set->count = b->count;
	endpoint_builder_fini(b);
}

void endpoint_builder_fini(struct endpoint_builder *b)
{
	b->items = mem_free(b->items);
	b->count = b->capacity = 0;
}

static const struct {
	int32_t number;
	enum endpoint_health health;
} healths[] = {
	{ PB_HealthStatus_UNKNOWN, ENDPOINT_HEALTHY },
	{ PB_HealthStatus_HEALTHY, ENDPOINT_HEALTHY },
	{ PB_HealthStatus_UNHEALTHY, ENDPOINT_UNHEALTHY },
	{ PB_HealthStatus_DRAINING, ENDPOINT_DRAINING },
	{ PB_HealthStatus_TIMEOUT, ENDPOINT_UNHEALTHY },
	{ PB_HealthStatus_DEGRADED, ENDPOINT_DEGRADED },
};

bool endpoint_health_of(int64_t number, uint8_t *ret_health)
{
	for (size_t i = 0; i < array_count(healths); i++)
		if (healths[i].number == number) {
			*ret_health = (uint8_t)healths[i].health;
			return true;
		}
	return false;
}

static const struct {
	const char *key;
	size_t offset;
} facts[ENDPOINT_FACT_COUNT] = {
	{ "workload", offsetof(struct endpoint, workload) },
	{ "service", offsetof(struct endpoint, service) },
	{ "version", offsetof(struct endpoint, version) },
};

const char *endpoint_fact_key(size_t i)
{
	return facts[i].key;
}

struct str *endpoint_fact(struct endpoint *e, size_t i)
{
	return (void *)((char *)e + facts[i].offset);
}

static int endpoint_compile(struct compile *c, const struct pb_message *m, struct endpoint *e)
{
	const struct pb_message *endpoint = pb_sub(m, PB_LbEndpoint_endpoint);
	const struct pb_message *metadata = pb_sub(m, PB_LbEndpoint_metadata);
	int r;

	r = compile_address(c, endpoint, PB_Endpoint_address, &e->address);
	if (r < 0)
		return r;
	e->hostname = pb_text(endpoint, PB_Endpoint_hostname);
	e->weight = (uint32_t)pb_wrapped(m, PB_LbEndpoint_load_balancing_weight, 1);
	if (e->weight == 0)
		return pb_fail_field(c->d, m, PB_LbEndpoint_load_balancing_weight, ERR_CONFIG,
				     "must be at least 1");
	(void)endpoint_health_of(pb_number(m, PB_LbEndpoint_health_status), &e->health);
	for (size_t i = 0; i < ENDPOINT_FACT_COUNT; i++)
		*endpoint_fact(e, i) = compile_fact(metadata, facts[i].key);
	return 0;
}

static int locality_compile(struct compile *c, const struct pb_message *m,
			    struct endpoint_builder *b)
{
	uint8_t priority = (uint8_t)pb_number(m, PB_LocalityLbEndpoints_priority);

	for (uint32_t i = 0; i < pb_count(m, PB_LocalityLbEndpoints_lb_endpoints); i++) {
		struct endpoint *e;
		int r;

		if (b->count == ENDPOINTS_MAX)
			return pb_fail_field(c->d, m, PB_LocalityLbEndpoints_lb_endpoints,
					     ERR_LIMIT, "a cluster has at most %d endpoints",
					     ENDPOINTS_MAX);
		e = endpoint_builder_add(b);
		e->priority = priority;
		r = endpoint_compile(c, pb_sub_at(m, PB_LocalityLbEndpoints_lb_endpoints, i), e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int policy_compile(struct compile *c, const struct pb_message *m, struct endpoint_set *set)
{
	set->overprovisioning_percent =
		(uint32_t)pb_wrapped(m, PB_ClusterLoadAssignment_Policy_overprovisioning_factor,
				     OVERPROVISIONING_ABSENT);
	if (set->overprovisioning_percent == 0)
		return pb_fail_field(c->d, m,
				     PB_ClusterLoadAssignment_Policy_overprovisioning_factor,
				     ERR_CONFIG, "must be at least 1");
	return 0;
}

int endpoints_compile(struct compile *c, const struct pb_message *m, struct endpoint_set *set)
{
	struct endpoint_builder b = { 0 };
	int r;

	set->part.name = pb_text(m, PB_ClusterLoadAssignment_cluster_name);
	r = policy_compile(c, pb_sub(m, PB_ClusterLoadAssignment_policy), set);
	for (uint32_t i = 0; r == 0 && i < pb_count(m, PB_ClusterLoadAssignment_endpoints); i++)
		r = locality_compile(c, pb_sub_at(m, PB_ClusterLoadAssignment_endpoints, i), &b);
	if (r < 0)
		endpoint_builder_fini(&b);
	else
		endpoint_builder_finish(&b, c, set);
	return r;
}
