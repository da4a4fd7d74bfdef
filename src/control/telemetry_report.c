/*
 * Reports: from OTLP to differences
 */

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/pb_message.h"
#include "control/telemetry_private.h"
#include "message/telemetry_names.h"
#include "proto/weft.pb.h"

#define ATTRIBUTE_COUNT 6
#define LABEL_BYTES_MAX 512

/* A process that began this much before we knew of its Workload is one that we knew before. */
#define OLD_PROCESS     DURATION_SECONDS(60)
/* What a sum of milliseconds may be; larger ones are no sums. */
#define SUM_MS_MAX      1e15

static const char *const class_words[TELEMETRY_CLASS_COUNT] = { "none", "1xx", "2xx",
								"3xx",  "4xx", "5xx" };

/* Order of the attributes in a key. */
static const char *const attribute_names[ATTRIBUTE_COUNT] = {
	TELEMETRY_DIRECTION, TELEMETRY_SERVICE, TELEMETRY_NAMESPACE,
	TELEMETRY_VERSION,   TELEMETRY_PEER,    TELEMETRY_TLS,
};

enum { DIRECTION, SERVICE, NAMESPACE };

/* One report being read. */
struct report {
	struct telemetry *telemetry;
	struct pool *pool;
	struct proxy *proxy;
	struct str service;  /* of the proxy's Workload; what it may report inbound requests of */
	bool is_first;       /* of this proxy, and of a process that has counted before */
	bool knows_revision; /* it said which it serves */
	uint64_t revision;
	uint64_t unchanged;
};

/* The cumulative numbers that a proxy sent last for one series. */
static struct telemetry_sums *last_of(struct report *r, struct str key)
{
	struct telemetry_sums *last = map_get(&r->proxy->reported, key);

	if (last || r->proxy->reported.count >= TELEMETRY_PROXY_SERIES_MAX)
		return last;
	last = mem_new(struct telemetry_sums);
	map_set(&r->proxy->reported, key, last);
	return last;
}

static void forget_last(struct proxy *proxy)
{
	map_for_each (entry, &proxy->reported)
		mem_free(entry->value);
	map_fini(&proxy->reported);
	map_init(&proxy->reported);
}

static struct str attribute(const struct pb_message *point, unsigned field, const char *name)
{
	for (uint32_t i = 0; i < pb_count(point, field); i++) {
		const struct pb_message *pair = pb_sub_at(point, field, i);

		if (str_eq(pb_text(pair, PB_KeyValue_key), str_from(name)))
			return pb_text(pb_sub(pair, PB_KeyValue_value), PB_AnyValue_string_value);
	}
	return STR_EMPTY;
}

static bool label_is_valid(struct str label)
{
	return label.len <= LABEL_BYTES_MAX && str_find(label, 0, '\n') == label.len;
}

/* Inbound, a proxy speaks of its own service alone. */
static bool is_its_own(const struct report *r, const struct str *labels)
{
	if (!str_eq(labels[DIRECTION], STR("inbound")))
		return str_eq(labels[DIRECTION], STR("outbound"));
	return str_eq(labels[NAMESPACE], r->proxy->name_space) &&
	       (!r->service.len || str_eq(labels[SERVICE], r->service));
}

static struct str key_of(const struct report *r, const struct str *labels)
{
	struct buf key = BUF_INIT(0);
	struct str copy;

	for (unsigned i = 0; i < ATTRIBUTE_COUNT; i++) {
		if (i)
			buf_append_char(&key, '\n');
		buf_append_str(&key, labels[i]);
	}
	copy = pool_strdup(r->pool, buf_str(&key));
	buf_fini(&key);
	return copy;
}

/* The key of a data point's series; false: it is dropped. */
static bool point_key(const struct report *r, const struct pb_message *point, unsigned field,
		      struct str *ret_key)
{
	struct str labels[ATTRIBUTE_COUNT];

	for (unsigned i = 0; i < ATTRIBUTE_COUNT; i++) {
		labels[i] = attribute(point, field, attribute_names[i]);
		if (!label_is_valid(labels[i]))
			return false;
	}
	*ret_key = key_of(r, labels);
	return is_its_own(r, labels);
}

/* Growth since the last report; a smaller number is a counter that began anew. */
static uint64_t growth(uint64_t now, uint64_t *last)
{
	uint64_t grown = now >= *last ? now - *last : now;

	*last = now;
	return grown;
}

/* One data point: what it adds. */
struct grown {
	struct telemetry_sums *last;
	struct telemetry_sums sums;
	struct str key;
};

static bool grown_begin(struct report *r, const struct pb_message *point, unsigned field,
			struct grown *ret_grown)
{
	*ret_grown = (struct grown){ 0 };
	if (point_key(r, point, field, &ret_grown->key))
		ret_grown->last = last_of(r, ret_grown->key);
	if (!ret_grown->last)
		r->telemetry->counters.dropped++;
	return ret_grown->last != NULL;
}

static void grown_add(struct report *r, const struct grown *g)
{
	if (!r->is_first)
		telemetry_add(r->telemetry, telemetry_series(r->telemetry, g->key), &g->sums);
}

static void take_requests(struct report *r, const struct pb_message *point)
{
	struct str word = attribute(point, PB_NumberDataPoint_attributes, TELEMETRY_CLASS);
	int64_t value = pb_number(point, PB_NumberDataPoint_as_int);
	struct grown g;

	if (value < 0 || !grown_begin(r, point, PB_NumberDataPoint_attributes, &g))
		return;
	for (unsigned i = 0; i < TELEMETRY_CLASS_COUNT; i++)
		if (str_eq(word, str_from(class_words[i])))
			g.sums.classes[i] = growth((uint64_t)value, &g.last->classes[i]);
	grown_add(r, &g);
}

static void take_retries(struct report *r, const struct pb_message *point)
{
	int64_t value = pb_number(point, PB_NumberDataPoint_as_int);
	struct grown g;

	if (value < 0 || !grown_begin(r, point, PB_NumberDataPoint_attributes, &g))
		return;
	g.sums.retries = growth((uint64_t)value, &g.last->retries);
	grown_add(r, &g);
}

static uint64_t sum_us(const struct pb_message *point)
{
	double ms = pb_real(point, PB_HistogramDataPoint_sum);

	return ms >= 0 && ms <= SUM_MS_MAX ? (uint64_t)(ms * 1000) : 0;
}

static bool has_our_bounds(const struct pb_message *point)
{
	if (pb_count(point, PB_HistogramDataPoint_bucket_counts) != HISTOGRAM_BOUND_COUNT + 1 ||
	    pb_count(point, PB_HistogramDataPoint_explicit_bounds) != HISTOGRAM_BOUND_COUNT)
		return false;
	for (unsigned i = 0; i < HISTOGRAM_BOUND_COUNT; i++)
		if (pb_real_at(point, PB_HistogramDataPoint_explicit_bounds, i) !=
		    histogram_bounds_ms[i])
			return false;
	return true;
}

static void take_duration(struct report *r, const struct pb_message *point)
{
	struct histogram_data *sums, *last;
	struct grown g;

	/* Other bounds than ours are another release's, which we cannot add up. */
	if (!has_our_bounds(point)) {
		r->telemetry->counters.dropped++;
		return;
	}
	if (!grown_begin(r, point, PB_HistogramDataPoint_attributes, &g))
		return;
	sums = &g.sums.duration;
	last = &g.last->duration;
	for (uint32_t i = 0; i <= HISTOGRAM_BOUND_COUNT; i++)
		sums->buckets[i] = growth(
			(uint64_t)pb_number_at(point, PB_HistogramDataPoint_bucket_counts, i),
			&last->buckets[i]);
	sums->sum_us = growth(sum_us(point), &last->sum_us);
	grown_add(r, &g);
}

static void take_revision(struct report *r, const struct pb_message *point)
{
	r->knows_revision = true;
	r->revision = (uint64_t)pb_number(point, PB_NumberDataPoint_as_int);
}

static void take_unchanged(struct report *r, const struct pb_message *point)
{
	r->unchanged = (uint64_t)pb_number(point, PB_NumberDataPoint_as_int);
}

/* One row per metric: where its points stand, and who takes them. Others are not ours. */
static const struct {
	const char *name;
	unsigned data_field;
	unsigned points_field;
	void (*take)(struct report *r, const struct pb_message *point);
} metric_rows[] = {
	{ TELEMETRY_REQUESTS, PB_Metric_sum, PB_Sum_data_points, take_requests },
	{ TELEMETRY_RETRIES, PB_Metric_sum, PB_Sum_data_points, take_retries },
	{ TELEMETRY_DURATION, PB_Metric_histogram, PB_Histogram_data_points, take_duration },
	{ TELEMETRY_REVISION, PB_Metric_gauge, PB_Gauge_data_points, take_revision },
	{ TELEMETRY_XDS_UNCHANGED, PB_Metric_sum, PB_Sum_data_points, take_unchanged },
};

static void take_metric(struct report *r, const struct pb_message *metric)
{
	for (size_t i = 0; i < array_count(metric_rows); i++) {
		const struct pb_message *data;

		if (!str_eq(pb_text(metric, PB_Metric_name), str_from(metric_rows[i].name)))
			continue;
		data = pb_sub(metric, metric_rows[i].data_field);
		for (uint32_t j = 0; j < pb_count(data, metric_rows[i].points_field); j++)
			metric_rows[i].take(r, pb_sub_at(data, metric_rows[i].points_field, j));
	}
}

/* When the process began, as the point that every report has says it; 0: it does not. */
static uint64_t started_of(const struct pb_message *metric)
{
	const struct pb_message *gauge = pb_sub(metric, PB_Metric_gauge);

	if (!str_eq(pb_text(metric, PB_Metric_name), STR(TELEMETRY_REVISION)) ||
	    !pb_count(gauge, PB_Gauge_data_points))
		return 0;
	return (uint64_t)pb_number(pb_sub_at(gauge, PB_Gauge_data_points, 0),
				   PB_NumberDataPoint_start_time_unix_nano);
}

/* Calls for each metric of a resource. */
static void each_metric(struct report *r, const struct pb_message *resource,
			void (*on_metric)(struct report *r, const struct pb_message *metric))
{
	for (uint32_t i = 0; i < pb_count(resource, PB_ResourceMetrics_scope_metrics); i++) {
		const struct pb_message *scope =
			pb_sub_at(resource, PB_ResourceMetrics_scope_metrics, i);

		for (uint32_t j = 0; j < pb_count(scope, PB_ScopeMetrics_metrics); j++)
			on_metric(r, pb_sub_at(scope, PB_ScopeMetrics_metrics, j));
	}
}

/* Before anything is counted: is this the process that reported last? */
static void note_process(struct report *r, const struct pb_message *metric)
{
	uint64_t started = started_of(metric);
	struct proxy *proxy = r->proxy;

	if (!started)
		return;
	if (proxy->reports == 0)
		r->is_first = (int64_t)started < proxy->known.ns - OLD_PROCESS.ns;
	else if (started != proxy->started_ns)
		forget_last(proxy);
	proxy->started_ns = started;
}

/* A proxy speaks for itself only, and on the connection of its xDS stream. */
static struct proxy *reporter(struct telemetry *t, struct grpc_call *call,
			      const struct pb_message *resource)
{
	struct str id = attribute(pb_sub(resource, PB_ResourceMetrics_resource),
				  PB_OtlpResource_attributes, TELEMETRY_INSTANCE);
	struct proxy *proxy = proxies_find(t->proxies, id);

	if (!proxy || !proxy->stream || grpc_call_conn(proxy->stream->call) != grpc_call_conn(call))
		return NULL;
	return proxy;
}

static void take_resource(struct report *r, const struct pb_message *resource)
{
	r->service = proxy_service(r->proxy);
	each_metric(r, resource, note_process);
	each_metric(r, resource, take_metric);
	r->proxy->reports++;
	if (r->knows_revision)
		proxy_report(r->proxy, r->revision, r->unchanged);
}

static bool take_request(struct telemetry *t, struct grpc_call *call, struct pool *pool,
			 const struct pb_message *request)
{
	unsigned field = PB_ExportMetricsServiceRequest_resource_metrics;

	for (uint32_t i = 0; i < pb_count(request, field); i++) {
		const struct pb_message *resource = pb_sub_at(request, field, i);
		struct report r = {
			.telemetry = t,
			.pool = pool,
			.proxy = reporter(t, call, resource),
		};

		if (!r.proxy)
			return false;
		take_resource(&r, resource);
	}
	return true;
}

void telemetry_export(struct telemetry *t, struct grpc_call *call, struct str request)
{
	struct pool pool = POOL_INIT(16 * 1024);
	struct pb_message *message;
	struct diag d = DIAG_INIT;

	t->counters.reports++;
	if (pb_decode(&pb_ExportMetricsServiceRequest, request, &pool, &message, NULL, &d) < 0) {
		t->counters.refused++;
		grpc_finish(call, GRPC_INVALID_ARGUMENT, str_from(d.text));
	} else if (!take_request(t, call, &pool, message)) {
		t->counters.refused++;
		grpc_finish(call, GRPC_PERMISSION_DENIED,
			    STR("a proxy reports for itself, on the connection of its xDS stream"));
	} else {
		grpc_reply(call, STR_EMPTY);
	}
	diag_fini(&d);
	pool_fini(&pool);
}
