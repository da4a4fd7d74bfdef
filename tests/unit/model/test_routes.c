#include "fixture.h"

#include "model/routes.h"

/* One virtual host "*" with one route, whose lines are given. */
#define ROUTE(lines)         \
	"name: r\n"          \
	"virtual_hosts:\n"   \
	"- name: all\n"      \
	"  domains: ['*']\n" \
	"  routes:\n"        \
	"  - match: {prefix: /}\n" lines

static struct route_table *table(const char *yaml)
{
	return route_table_of(compiled(PART_ROUTES, yaml));
}

TEST(a_route_without_settings_means_what_it_means_in_envoy)
{
	struct route_table *t = table(ROUTE("    route: {cluster: a}\n"));
	struct route *r = &t->hosts[0].routes[0];

	assert_str_equal(t->part.name, "r");
	assert_str_equal(t->part.version, "7");
	assert_int_equal(r->action, ROUTE_FORWARD);
	assert_int_equal(r->path.kind, PATH_MATCH_PREFIX);
	assert_false(r->path.ignore_case);
	assert_int_equal(r->fraction_per_million, 1000000);
	assert_int_equal(r->forward.timeout.ns, DURATION_SECONDS(15).ns);
	assert_int_equal(r->forward.idle_timeout.ns, -1);
	assert_int_equal(r->forward.max_stream_duration.ns, -1);
	assert_int_equal(r->forward.cluster_not_found_status, 503);
	assert_int_equal(r->forward.priority, 0);
	assert_null(r->forward.retry);
	assert_int_equal(r->forward.cluster_count, 1);
	assert_int_equal(r->forward.weight_total, 1);
	assert_str_equal(r->forward.clusters[0].cluster.name, "a");
	part_unref(&t->part);
}
