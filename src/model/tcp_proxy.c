#include "model/compile.h"
#include "model/listener.h"

#define IDLE_ABSENT DURATION_SECONDS(3600)

static int weighted_read(struct compile *c, const struct pb_message *m, struct tcp_proxy *t)
{
	t->cluster_count = pb_count(m, PB_TcpProxy_WeightedCluster_clusters);
	t->clusters = pool_new_array(c->pool, struct weighted_cluster, t->cluster_count);
	for (uint32_t i = 0; i < t->cluster_count; i++) {
		const struct pb_message *entry =
			pb_sub_at(m, PB_TcpProxy_WeightedCluster_clusters, i);
		struct weighted_cluster *w = &t->clusters[i];

		w->cluster.name = pb_text(entry, PB_TcpProxy_WeightedCluster_ClusterWeight_name);
		w->weight = (uint32_t)pb_number(entry,
						PB_TcpProxy_WeightedCluster_ClusterWeight_weight);
		t->weight_total += w->weight;
	}
	if (t->weight_total > UINT32_MAX)
		return pb_fail_field(c->d, m, PB_TcpProxy_WeightedCluster_clusters, ERR_CONFIG,
				     "the sum of the weights must be at most %u", UINT32_MAX);
	return 0;
}

static int clusters_read(struct compile *c, const struct pb_message *m, struct tcp_proxy *t)
{
	if (pb_has(m, PB_TcpProxy_weighted_clusters))
		return weighted_read(c, pb_sub(m, PB_TcpProxy_weighted_clusters), t);
	if (pb_text(m, PB_TcpProxy_cluster).len == 0)
		return pb_fail_field(c->d, m, PB_TcpProxy_cluster, ERR_CONFIG, "must not be empty");
	t->clusters = pool_new(c->pool, struct weighted_cluster);
	t->clusters[0].cluster.name = pb_text(m, PB_TcpProxy_cluster);
	t->clusters[0].weight = 1;
	t->cluster_count = 1;
	t->weight_total = 1;
	return 0;
}

int tcp_proxy_compile(struct compile *c, const struct pb_message *m, struct tcp_proxy **ret_tcp)
{
	struct tcp_proxy *t = pool_new(c->pool, struct tcp_proxy);
	struct access_log_list logs = { 0 };
	int r;

	t->stat_prefix = pb_text(m, PB_TcpProxy_stat_prefix);
	r = clusters_read(c, m, t);
	if (r < 0)
		return r;
	r = compile_duration(c, m, PB_TcpProxy_idle_timeout, IDLE_ABSENT, &t->idle_timeout);
	if (r < 0)
		return r;
	t->connect_attempts_max = (uint32_t)pb_wrapped(m, PB_TcpProxy_max_connect_attempts, 1);
	if (t->connect_attempts_max == 0)
		return pb_fail_field(c->d, m, PB_TcpProxy_max_connect_attempts, ERR_CONFIG,
				     "must be at least 1");
	r = access_logs_compile(c, m, PB_TcpProxy_access_log, &logs);
	if (r < 0)
		return r;
	t->access_logs = logs.items;
	t->access_log_count = logs.count;
	*ret_tcp = t;
	return 0;
}
