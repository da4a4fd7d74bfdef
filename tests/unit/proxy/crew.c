#include "crew.h"

#include "model/fixture.h"
#include "proxy/ports.h"

static void on_served(struct snapshots *s, uint64_t number)
{
	resources_served(&container_of(s, struct crew, snapshots)->resources, number);
}

void crew_init(struct crew *c, uint32_t worker_count)
{
	struct worker_group_options o = {
		.count = worker_count,
		.domain = &c->domain,
		.stats = &c->stats,
		.metrics = &c->metrics,
		.limits = { .held_max = 10,
			    .hold_timeout = WORKER_HOLD_TIMEOUT,
			    .connections_max = 1000,
			    .endpoint_idle_max = 1000,
			    .drain_time = DURATION_SECONDS(100) },
	};

	*c = (struct crew){ 0 };
	assert_int_equal(loop_new(&c->loop), 0);
	shared_domain_init(&c->domain, worker_count);
	stats_init(&c->stats, worker_count);
	metrics_init(&c->metrics, worker_count);
	o.main_loop = c->loop;
	assert_int_equal(worker_group_init(&c->group, &o), 0);
	snapshots_init(&c->snapshots, c->loop, &c->domain, c->group.readers);
	c->snapshots.on_served = on_served;
	resources_init(&c->resources, &(struct resources_options){ .loop = c->loop,
								   .domain = &c->domain,
								   .stats = &c->stats,
								   .snapshots = &c->snapshots });
	c->resources.wildcard[PART_LISTENER] = true;
	c->resources.wildcard[PART_CLUSTER] = true;
}

void crew_turn(struct crew *c, struct duration wait)
{
	assert_int_equal(loop_turn(c->loop, wait), 0);
}

void crew_fini(struct crew *c)
{
	worker_group_stop(&c->group);
	worker_group_join(&c->group);
	for (int i = 0; i < 8; i++)
		crew_turn(c, DURATION_NS(0));
	resources_close(&c->resources);
	snapshots_fini(&c->snapshots);
	shared_domain_collect(&c->domain);
	assert_int_equal(c->domain.retired_count, 0);
	resources_fini(&c->resources);
	worker_group_fini(&c->group);
	metrics_fini(&c->metrics);
	stats_fini(&c->stats);
	loop_free(c->loop);
}

void crew_apply(struct crew *c, enum part_kind kind, const char *yaml)
{
	struct part *p = compiled(kind, yaml);
	struct resource_change change = { .kind = kind, .name = p->name, .part = p };
	struct diag d = DIAG_INIT;

	if (resources_apply(&c->resources, &change, 1, 0, &d) < 0)
		fail_msg("%s", d.text);
	part_unref(p);
	diag_fini(&d);
}

const struct address *crew_address(const struct crew *c, const char *name)
{
	const struct shared_table *t = c->snapshots.current->tables[SNAPSHOT_PORTS];

	for (uint32_t i = 0; i < t->count; i++)
		if (t->items[i] && strcmp(port_of(t->items[i])->name, name) == 0)
			return &port_of(t->items[i])->address;
	fail_msg("no port for %s", name);
	return NULL;
}

void secrets_apply(struct resources *r, const struct test_cert *leaf, const struct test_cert *ca,
		   const char *version)
{
	struct part *p[] = {
		resources_secret_new(STR("default"), str_from(version), str_from(leaf->chain_pem),
				     str_from(leaf->key_pem), STR_EMPTY),
		resources_secret_new(STR("ROOTCA"), str_from(version), STR_EMPTY, STR_EMPTY,
				     str_from(ca->pem)),
	};
	struct resource_change changes[2];
	struct diag d = DIAG_INIT;

	for (int i = 0; i < 2; i++)
		changes[i] = (struct resource_change){ PART_SECRET, p[i]->name, p[i] };
	assert_int_equal(resources_apply(r, changes, 2, 0, &d), 0);
	for (int i = 0; i < 2; i++)
		part_unref(p[i]);
}
