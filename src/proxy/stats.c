#include "proxy/stats.h"

#include <assert.h>

#include "base/mem.h"

#define CACHE_LINE               64

#define STAT_COUNTER(i, n, text) [i] = { n, false },
#define STAT_GAUGE(i, n, text)   [i] = { n, true },

static const struct stat_row server_rows[] = { STAT_SERVER_MAP(STAT_COUNTER, STAT_GAUGE) };
static const struct stat_row listener_rows[] = { STAT_LISTENER_MAP(STAT_COUNTER, STAT_GAUGE) };
static const struct stat_row http_rows[] = { STAT_HTTP_MAP(STAT_COUNTER, STAT_GAUGE) };
static const struct stat_row cluster_rows[] = { STAT_CLUSTER_MAP(STAT_COUNTER, STAT_GAUGE) };
static const struct stat_row tcp_rows[] = { STAT_TCP_MAP(STAT_COUNTER, STAT_GAUGE) };

#define STAT_TIME(i, n, text) [i] = n,

static const char *const http_times[] = { STAT_HTTP_TIME_MAP(STAT_TIME) };
static const char *const cluster_times[] = { STAT_CLUSTER_TIME_MAP(STAT_TIME) };

// clang-format off
#define ROWS(r)  .rows = (r), .row_count = array_count(r)
#define TIMES(t) .times = (t), .time_count = array_count(t)

static const struct stat_table tables[STAT_KIND_COUNT] = {
	[STAT_SERVER]   = { .prefix = "server", ROWS(server_rows) },
	[STAT_LISTENER] = { .prefix = "listener", .label = "envoy_listener_address",
			    ROWS(listener_rows) },
	[STAT_HTTP]     = { .prefix = "http", .label = "envoy_http_conn_manager_prefix",
			    ROWS(http_rows), TIMES(http_times) },
	[STAT_CLUSTER]  = { .prefix = "cluster", .label = "envoy_cluster_name",
			    ROWS(cluster_rows), TIMES(cluster_times) },
	[STAT_TCP]      = { .prefix = "tcp", .label = "envoy_tcp_prefix", ROWS(tcp_rows) },
};
// clang-format on

const struct stat_table *stat_table(enum stat_kind kind)
{
	assert(kind < STAT_KIND_COUNT);
	return &tables[kind];
}

void stats_init(struct stats *s, uint32_t worker_count)
{
	*s = (struct stats){ .worker_count = worker_count };
	for (int i = 0; i < STAT_KIND_COUNT; i++)
		map_init(&s->scopes[i]);
}

void stats_fini(struct stats *s)
{
	for (int i = 0; i < STAT_KIND_COUNT; i++) {
		assert(s->scopes[i].count == 0);
		map_fini(&s->scopes[i]);
	}
}

static struct stat_scope *scope_new(struct stats *s, enum stat_kind kind, struct str name)
{
	const struct stat_table *t = &tables[kind];
	struct stat_scope *scope = mem_new(struct stat_scope);
	size_t bytes =
		t->row_count * sizeof(struct counter) + t->time_count * sizeof(struct histogram);

	scope->kind = kind;
	scope->name = mem_strdup_str(name);
	scope->stats = s;
	scope->block_bytes = (bytes + CACHE_LINE - 1) & ~(size_t)(CACHE_LINE - 1);
	scope->blocks = mem_zalloc_aligned(s->worker_count, scope->block_bytes, CACHE_LINE);
	map_set(&s->scopes[kind], name, scope);
	return scope;
}

struct stat_scope *stat_scope_get(struct stats *s, enum stat_kind kind, struct str name)
{
	struct stat_scope *scope = map_get(&s->scopes[kind], name);

	if (!scope)
		scope = scope_new(s, kind, name);
	scope->refs++;
	return scope;
}

struct stat_scope *stat_scope_unref(struct stat_scope *s)
{
	if (!s || --s->refs > 0)
		return NULL;
	map_remove(&s->stats->scopes[s->kind], str_from(s->name));
	mem_free(s->blocks);
	mem_free(s->name);
	mem_free(s);
	return NULL;
}

struct counter *stat_scope_cells(const struct stat_scope *s, uint32_t worker)
{
	assert(worker < s->stats->worker_count);
	return (struct counter *)(void *)(s->blocks + worker * s->block_bytes);
}

struct histogram *stat_scope_times(const struct stat_scope *s, uint32_t worker)
{
	return (struct histogram *)(void *)(stat_scope_cells(s, worker) +
					    tables[s->kind].row_count);
}

int64_t stat_scope_value(const struct stat_scope *s, uint32_t row)
{
	uint64_t sum = 0;

	assert(row < tables[s->kind].row_count);
	for (uint32_t i = 0; i < s->stats->worker_count; i++)
		sum += counter_read(&stat_scope_cells(s, i)[row]);
	return (int64_t)sum;
}

void stat_scope_time(const struct stat_scope *s, uint32_t which, struct histogram_data *ret_sum)
{
	assert(which < tables[s->kind].time_count);
	*ret_sum = (struct histogram_data){ 0 };
	for (uint32_t i = 0; i < s->stats->worker_count; i++)
		histogram_merge(&stat_scope_times(s, i)[which], ret_sum);
}
