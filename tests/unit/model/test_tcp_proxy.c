#include "fixture.h"

#include "model/listener.h"
#include "yaml.h"

#define PROXY(fields) "name: l\n" ADDRESS "filter_chains: [{filters: [" TCP(fields) "]}]\n"
#define AT            "filter_chains[0].filters[0].typed_config."

static struct tcp_proxy *proxy(struct part *p)
{
	return listener_of(p)->chains[0].tcp;
}

TEST(a_tcp_proxy_without_settings_means_what_it_means_in_envoy)
{
	struct part *p = compiled(PART_LISTENER, PROXY("cluster: a"));

	assert_str_equal(proxy(p)->stat_prefix, "s");
	assert_int_equal(proxy(p)->cluster_count, 1);
	assert_int_equal(proxy(p)->weight_total, 1);
	assert_str_equal(proxy(p)->clusters[0].cluster.name, "a");
	assert_int_equal(proxy(p)->idle_timeout.ns, DURATION_SECONDS(3600).ns);
	assert_int_equal(proxy(p)->connect_attempts_max, 1);
	assert_int_equal(proxy(p)->access_log_count, 0);
	part_unref(p);
}

TEST(each_setting_of_a_tcp_proxy_is_taken_over)
{
	struct part *p = compiled(
		PART_LISTENER,
		PROXY("weighted_clusters: {clusters: [{name: a, weight: 3}, {name: b, weight: "
		      "1}]}, "
		      "idle_timeout: 0s, max_connect_attempts: 4, access_log: [{name: a, "
		      "typed_config: "
		      "{" TYPE("envoy.extensions.access_loggers.stream.v3.StderrAccessLog") "}}]"));

	assert_int_equal(proxy(p)->cluster_count, 2);
	assert_int_equal(proxy(p)->weight_total, 4);
	assert_int_equal(proxy(p)->clusters[1].weight, 1);
	assert_int_equal(proxy(p)->idle_timeout.ns, 0);
	assert_int_equal(proxy(p)->connect_attempts_max, 4);
	assert_int_equal(proxy(p)->access_log_count, 1);
	part_unref(p);
}

// clang-format off
static const struct refusal tcp_proxy_refused[] = {
	{ PROXY("idle_timeout: 1s"),
	  "filter_chains[0].filters[0].typed_config: needs one of its cluster_specifier" },
	{ PROXY("cluster: ''"), AT "cluster: must not be empty" },
	{ PROXY("weighted_clusters: {clusters: [{name: a}]}"),
	  AT "weighted_clusters.clusters[0].weight: is missing" },
	{ PROXY("weighted_clusters: {clusters: [{name: a, weight: 4294967295}, {name: b, "
	  "weight: 1}]}"),
	  AT
	  "weighted_clusters.clusters: the sum of the weights must be at most 4294967295" },
	{ PROXY("cluster: a, max_connect_attempts: 0"),
	  AT "max_connect_attempts: must be at least 1" },
	{ PROXY("cluster: a, idle_timeout: -1s"), AT "idle_timeout: must not be negative" },
	{ PROXY("cluster: a, tunneling_config: {}"),
	  AT "tunneling_config: is not supported by this version" },
};
// clang-format on

TEST(what_no_tcp_proxy_may_say_is_refused)
{
	assert_all_refused(PART_LISTENER, tcp_proxy_refused);
}
