/*
 * /stats and /stats/prometheus
 *
 * Everything is summed over workers as it is read. As text the names are Envoy's, sorted; for
 * Prometheus the name of the scope becomes a label.
 */

#include <math.h>

#include "base/mem.h"
#include "codec/node.h"
#include "net/tls.h"
#include "proxy/admin.h"
#include "proxy/cluster_state.h"
#include "proxy/mesh_link.h"
#include "proxy/proxy.h"

/*
 * Values that no worker counts
 */

struct computed {
	const char *name;
	int64_t (*value)(const struct proxy *p);
};

static int64_t uptime(const struct proxy *p)
{
	return instant_since(loop_now(p->loop), p->started).ns / 1000000000;
}

static int64_t live(const struct proxy *p)
{
	return p->state == PROXY_LIVE;
}

static int64_t state(const struct proxy *p)
{
	return p->state == PROXY_LIVE ? 0 : p->state == PROXY_DRAINING ? 1 : 2;
}

static int64_t concurrency(const struct proxy *p)
{
	return p->workers.count;
}

static int64_t memory(const struct proxy *p)
{
	(void)p;
	return (int64_t)mem_live_bytes();
}

static int64_t count_active(const struct proxy *p, enum part_kind kind)
{
	int64_t n = 0;

	map_for_each (entry, &p->resources.by_name[kind])
		n += resource_active(entry->value) != NULL;
	return n;
}

static int64_t listeners_active(const struct proxy *p)
{
	return count_active(p, PART_LISTENER);
}

static int64_t clusters_active(const struct proxy *p)
{
	return count_active(p, PART_CLUSTER);
}

static int64_t resources_warming(const struct proxy *p)
{
	return p->resources.staged_count;
}

static int64_t revision_received(const struct proxy *p)
{
	return (int64_t)p->resources.revision_received;
}

static int64_t revision_applied(const struct proxy *p)
{
	return (int64_t)p->resources.revision_applied;
}

static int64_t snapshots_published(const struct proxy *p)
{
	return p->snapshots.current ? (int64_t)p->snapshots.current->number : 0;
}

static int64_t objects_retired(const struct proxy *p)
{
	return p->domain.retired_count;
}

static int64_t link_connected(const struct proxy *p)
{
	return mesh_link_stats(p->link).connected;
}

static int64_t link_resources(const struct proxy *p)
{
	return (int64_t)mesh_link_stats(p->link).xds.delta.resources;
}

static int64_t link_unchanged(const struct proxy *p)
{
	return (int64_t)mesh_link_stats(p->link).xds.delta.unchanged;
}

static int64_t link_refused(const struct proxy *p)
{
	return (int64_t)mesh_link_stats(p->link).refused;
}

static int64_t link_failures(const struct proxy *p)
{
	return (int64_t)mesh_link_stats(p->link).xds.failures;
}

static int64_t reports_sent(const struct proxy *p)
{
	return (int64_t)mesh_link_stats(p->link).reports_sent;
}

static int64_t reports_failed(const struct proxy *p)
{
	return (int64_t)mesh_link_stats(p->link).reports_failed;
}

static int64_t kept_used(const struct proxy *p)
{
	return (int64_t)mesh_link_stats(p->link).kept.used;
}

static int64_t kept_writes(const struct proxy *p)
{
	return (int64_t)mesh_link_stats(p->link).kept.writes;
}

static int64_t kept_writes_failed(const struct proxy *p)
{
	return (int64_t)mesh_link_stats(p->link).kept.writes_failed;
}

// clang-format off
static const struct computed computed_rows[] = {
#define X(function, name_, text) { .name = name_, .value = function },
	STAT_COMPUTED_MAP(X)
};
// clang-format on

/* Of one cluster, from its state. */
struct cluster_gauge {
	const char *name;
	int64_t (*value)(const struct cluster_state *c);
};

static int64_t membership_total(const struct cluster_state *c)
{
	return cluster_state_host_count(c);
}

static int64_t membership_healthy(const struct cluster_state *c)
{
	return c->endpoints ? c->endpoints->healthy_count : 0;
}

static int64_t breaker_open(const struct cluster_state *c, enum breaker which, uint32_t max)
{
	return breaker_value(c->breakers, 0, which) >= max;
}

static int64_t cx_open(const struct cluster_state *c)
{
	return breaker_open(c, BREAKER_CONNECTIONS, c->cluster->breakers[0].connections_max);
}

static int64_t pending_open(const struct cluster_state *c)
{
	return breaker_open(c, BREAKER_PENDING, c->cluster->breakers[0].pending_max);
}

static int64_t requests_open(const struct cluster_state *c)
{
	return breaker_open(c, BREAKER_REQUESTS, c->cluster->breakers[0].requests_max);
}

static int64_t retries_open(const struct cluster_state *c)
{
	return breaker_open(c, BREAKER_RETRIES, c->cluster->breakers[0].retries_max);
}

// clang-format off
static const struct cluster_gauge cluster_gauges[] = {
	STAT_CLUSTER_STATE_MAP(X)
#undef X
};
// clang-format on

/*
 * Text and JSON
 */

struct line {
	char *name;
	int64_t value;
	char *quantiles; /* of a histogram; NULL otherwise */
};

struct lines {
	struct line *items;
	size_t count;
	size_t capacity;
	struct str filter;
	bool used_only;
};

static void add(struct lines *l, char *name, int64_t value, char *quantiles)
{
	bool unused = l->used_only && value == 0 && !quantiles;

	if (unused ||
	    (l->filter.len && !memmem(name, strlen(name), l->filter.ptr, l->filter.len))) {
		mem_free(name);
		mem_free(quantiles);
		return;
	}
	if (l->count == l->capacity) {
		l->capacity = l->capacity ? l->capacity * 2 : 256;
		l->items = mem_realloc(l->items, l->capacity * sizeof(*l->items));
	}
	l->items[l->count++] = (struct line){ name, value, quantiles };
}

static char *scoped_name(const struct stat_scope *s, const char *name)
{
	const char *prefix = stat_table(s->kind)->prefix;

	return s->name[0] ? mem_printf("%s.%s.%s", prefix, s->name, name)
			  : mem_printf("%s.%s", prefix, name);
}

static char *quantiles_text(const struct histogram_data *d)
{
	static const double wanted[] = { 0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1 };
	struct buf b = BUF_INIT(0);

	if (histogram_count(d) == 0)
		return mem_strdup("No recorded values");
	for (size_t i = 0; i < array_count(wanted); i++)
		buf_printf(&b, "%sP%g(nan,%g)", i ? " " : "", wanted[i] * 100,
			   histogram_quantile_ms(d, wanted[i]));
	return buf_take_text(&b);
}

static void add_scope(struct lines *l, const struct stat_scope *s)
{
	const struct stat_table *t = stat_table(s->kind);

	for (uint32_t i = 0; i < t->row_count; i++)
		add(l, scoped_name(s, t->rows[i].name), stat_scope_value(s, i), NULL);
	for (uint32_t i = 0; i < t->time_count; i++) {
		struct histogram_data d;

		stat_scope_time(s, i, &d);
		if (!l->used_only || histogram_count(&d) > 0)
			add(l, scoped_name(s, t->times[i]), 0, quantiles_text(&d));
	}
}

static void add_clusters(struct lines *l, const struct proxy *p)
{
	map_for_each (entry, &p->resources.by_name[PART_CLUSTER]) {
		struct cluster_state *c = cluster_state_of(resource_state(entry->value));

		for (size_t i = 0; c && i < array_count(cluster_gauges); i++)
			add(l, scoped_name(c->stats, cluster_gauges[i].name),
			    cluster_gauges[i].value(c), NULL);
	}
}

static int line_compare(const void *a, const void *b)
{
	return strcmp(((const struct line *)a)->name, ((const struct line *)b)->name);
}

static void collect(struct lines *l, const struct proxy *p)
{
	for (size_t i = 0; i < array_count(computed_rows); i++)
		add(l, mem_strdup(computed_rows[i].name), computed_rows[i].value(p), NULL);
	for (int kind = 0; kind < STAT_KIND_COUNT; kind++)
		map_for_each (entry, &p->stats.scopes[kind])
			add_scope(l, entry->value);
	add_clusters(l, p);
	if (l->count)
		qsort(l->items, l->count, sizeof(*l->items), line_compare);
}

static void write_text(const struct lines *l, struct buf *out)
{
	for (size_t i = 0; i < l->count; i++) {
		const struct line *line = &l->items[i];

		if (line->quantiles)
			buf_printf(out, "%s: %s\n", line->name, line->quantiles);
		else
			buf_printf(out, "%s: %lld\n", line->name, (long long)line->value);
	}
}

static void write_json(const struct lines *l, struct buf *out)
{
	bool first = true;

	buf_append_str(out, STR("{\"stats\":["));
	for (size_t i = 0; i < l->count; i++) {
		if (l->items[i].quantiles)
			continue;
		buf_append_str(out, first ? STR("{\"name\":") : STR(",{\"name\":"));
		json_write_text(str_from(l->items[i].name), out);
		buf_printf(out, ",\"value\":%lld}", (long long)l->items[i].value);
		first = false;
	}
	buf_append_str(out, STR("]}\n"));
}

void admin_stats(struct admin_request *r)
{
	struct lines l = { .filter = admin_parameter(r, STR("filter"), NULL) };

	if (str_eq(admin_parameter(r, STR("format"), NULL), STR("prometheus"))) {
		admin_stats_prometheus(r);
		return;
	}
	admin_parameter(r, STR("usedonly"), &l.used_only);
	collect(&l, r->proxy);
	if (str_eq(admin_parameter(r, STR("format"), NULL), STR("json"))) {
		r->content_type = STR("application/json");
		write_json(&l, r->out);
	} else {
		write_text(&l, r->out);
	}
	for (size_t i = 0; i < l.count; i++) {
		mem_free(l.items[i].name);
		mem_free(l.items[i].quantiles);
	}
	mem_free(l.items);
}

/*
 * Prometheus
 */

/* Dots and dashes become underscores. */
static void write_name(struct buf *out, const char *prefix, const char *name)
{
	size_t from = buf_len(out);

	buf_printf(out, "envoy_%s_%s", prefix, name);
	for (size_t i = out->start + from; i < out->end; i++)
		if (out->memory[i] == '.' || out->memory[i] == '-')
			out->memory[i] = '_';
}

static void write_quoted(struct buf *out, struct str s)
{
	buf_append_char(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '\n') {
			buf_append_str(out, STR("\\n"));
			continue;
		}
		if (s.ptr[i] == '"' || s.ptr[i] == '\\')
			buf_append_char(out, '\\');
		buf_append_char(out, s.ptr[i]);
	}
	buf_append_char(out, '"');
}

static void write_label(struct buf *out, const char *name, struct str value, bool *first)
{
	buf_append_char(out, *first ? '{' : ',');
	*first = false;
	buf_append_str(out, str_from(name));
	buf_append_char(out, '=');
	write_quoted(out, value);
}

static void write_sample(struct buf *out, const struct stat_scope *s, const char *name)
{
	const struct stat_table *t = stat_table(s->kind);
	bool first = true;

	write_name(out, t->prefix, name);
	if (t->label) {
		write_label(out, t->label, str_from(s->name), &first);
		buf_append_char(out, '}');
	}
}

static void write_row(struct buf *out, const struct map *scopes, const struct stat_table *t,
		      uint32_t row)
{
	buf_append_str(out, STR("# TYPE "));
	write_name(out, t->prefix, t->rows[row].name);
	buf_append_str(out, t->rows[row].gauge ? STR(" gauge\n") : STR(" counter\n"));
	map_for_each (entry, scopes) {
		write_sample(out, entry->value, t->rows[row].name);
		buf_printf(out, " %lld\n", (long long)stat_scope_value(entry->value, row));
	}
}

/* `labels` ends with a comma, or is empty. */
static void write_histogram(struct buf *out, const char *name, struct str labels,
			    const struct histogram_data *d, double unit_ms)
{
	uint64_t sum = 0;

	for (int i = 0; i <= HISTOGRAM_BOUND_COUNT; i++) {
		sum += d->buckets[i];
		buf_printf(out, "%s_bucket{%.*sle=\"", name, STR_ARGS(labels));
		if (i < HISTOGRAM_BOUND_COUNT)
			buf_printf(out, "%g", histogram_bounds_ms[i] / unit_ms);
		else
			buf_append_str(out, STR("+Inf"));
		buf_printf(out, "\"} %llu\n", (unsigned long long)sum);
	}
	if (labels.len)
		labels.len--;
	buf_printf(out, "%s_sum{%.*s} %.9g\n", name, STR_ARGS(labels),
		   (double)d->sum_us / 1000 / unit_ms);
	buf_printf(out, "%s_count{%.*s} %llu\n", name, STR_ARGS(labels), (unsigned long long)sum);
}

static void write_times(struct buf *out, const struct map *scopes, const struct stat_table *t,
			uint32_t which)
{
	struct buf name = BUF_INIT(0), labels = BUF_INIT(0);

	write_name(&name, t->prefix, t->times[which]);
	buf_append_char(&name, 0);
	buf_printf(out, "# TYPE %s histogram\n", buf_str(&name).ptr);
	map_for_each (entry, scopes) {
		struct stat_scope *s = entry->value;
		struct histogram_data d;

		stat_scope_time(s, which, &d);
		buf_clear(&labels);
		buf_printf(&labels, "%s=", t->label);
		write_quoted(&labels, str_from(s->name));
		buf_append_char(&labels, ',');
		write_histogram(out, buf_str(&name).ptr, buf_str(&labels), &d, 1);
	}
	buf_fini(&labels);
	buf_fini(&name);
}

static void write_cluster_gauges(struct buf *out, const struct proxy *p)
{
	for (size_t i = 0; i < array_count(cluster_gauges); i++) {
		buf_append_str(out, STR("# TYPE "));
		write_name(out, "cluster", cluster_gauges[i].name);
		buf_append_str(out, STR(" gauge\n"));
		map_for_each (entry, &p->resources.by_name[PART_CLUSTER]) {
			struct cluster_state *c = cluster_state_of(resource_state(entry->value));

			if (!c)
				continue;
			write_sample(out, c->stats, cluster_gauges[i].name);
			buf_printf(out, " %lld\n", (long long)cluster_gauges[i].value(c));
		}
	}
}

static const char *const direction_names[] = { "inbound", "outbound" };
static const char *const tls_names[] = { "none", "tls", "mutual" };
static const char *const class_names[] = { "none", "1xx", "2xx", "3xx", "4xx", "5xx" };

static void series_labels_write(struct buf *out, const struct series_sample *s)
{
	bool first = true;

	write_label(out, "direction", str_from(direction_names[s->labels.direction]), &first);
	write_label(out, "service_name", s->labels.service, &first);
	write_label(out, "service_namespace", s->labels.service_namespace, &first);
	write_label(out, "service_version", s->labels.version, &first);
	write_label(out, "peer", s->labels.peer, &first);
	write_label(out, "tls", str_from(tls_names[s->labels.tls]), &first);
	if (s->overflow)
		write_label(out, "otel_metric_overflow", STR("true"), &first);
}

static bool is_empty(const struct series_sample *s)
{
	for (int i = 0; i < METRIC_CLASS_COUNT; i++)
		if (s->classes[i])
			return false;
	return true;
}

static void series_counts(void *user, const struct series_sample *s)
{
	struct buf *out = user;

	for (int i = 0; i < METRIC_CLASS_COUNT; i++) {
		if (s->classes[i] == 0)
			continue;
		buf_append_str(out, STR("weft_requests_total"));
		series_labels_write(out, s);
		buf_printf(out, ",code_class=\"%s\"} %llu\n", class_names[i],
			   (unsigned long long)s->classes[i]);
	}
}

static void series_times(void *user, const struct series_sample *s)
{
	struct buf labels = BUF_INIT(0);

	if (is_empty(s))
		return;
	series_labels_write(&labels, s);
	buf_append_char(&labels, ',');
	buf_consume(&labels, 1);
	write_histogram(user, "weft_request_duration_seconds", buf_str(&labels), &s->duration,
			1000);
	buf_fini(&labels);
}

void admin_stats_prometheus(struct admin_request *r)
{
	struct proxy *p = r->proxy;
	struct instant now = loop_now(p->loop);
	struct buf *out = r->out;

	r->content_type = STR("text/plain; version=0.0.4; charset=utf-8");
	for (size_t i = 0; i < array_count(computed_rows); i++) {
		const char *name = computed_rows[i].name, *dot = strchr(name, '.');
		struct buf prefix = BUF_INIT(0);

		buf_append(&prefix, name, (size_t)(dot - name));
		buf_append_char(&prefix, 0);
		buf_append_str(out, STR("# TYPE "));
		write_name(out, buf_str(&prefix).ptr, dot + 1);
		buf_append_str(out, STR(" gauge\n"));
		write_name(out, buf_str(&prefix).ptr, dot + 1);
		buf_printf(out, " %lld\n", (long long)computed_rows[i].value(p));
		buf_fini(&prefix);
	}
	for (int kind = 0; kind < STAT_KIND_COUNT; kind++) {
		const struct stat_table *t = stat_table(kind);

		for (uint32_t i = 0; i < t->row_count && p->stats.scopes[kind].count; i++)
			write_row(out, &p->stats.scopes[kind], t, i);
		for (uint32_t i = 0; i < t->time_count && p->stats.scopes[kind].count; i++)
			write_times(out, &p->stats.scopes[kind], t, i);
	}
	write_cluster_gauges(out, p);
	buf_append_str(out, STR("# HELP weft_requests_total Requests, by peer and outcome.\n"
				"# TYPE weft_requests_total counter\n"));
	metrics_read(&p->metrics, now, series_counts, out);
	buf_append_str(out, STR("# HELP weft_request_duration_seconds How long requests took.\n"
				"# TYPE weft_request_duration_seconds histogram\n"));
	metrics_read(&p->metrics, now, series_times, out);
}
