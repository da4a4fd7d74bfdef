#include "proxy/otlp.h"

#include "base/pool.h"
#include "codec/pb_message.h"
#include "message/telemetry_names.h"
#include "proto/weft.pb.h"

static const char *const class_words[METRIC_CLASS_COUNT] = {
	[METRIC_NONE] = "none", [METRIC_1XX] = "1xx", [METRIC_2XX] = "2xx",
	[METRIC_3XX] = "3xx",   [METRIC_4XX] = "4xx", [METRIC_5XX] = "5xx",
};

static const char *const tls_words[METRIC_TLS_COUNT] = {
	[METRIC_PLAINTEXT] = "none",
	[METRIC_TLS] = "tls",
	[METRIC_MUTUAL_TLS] = "mutual",
};

/* A request under construction. */
struct writer {
	const struct otlp_report *report;
	struct pool pool;
	struct pb_message *requests;  /* Sum */
	struct pb_message *retries;   /* Sum */
	struct pb_message *durations; /* Histogram */
	struct pb_message *scope;
};

static void add_text(struct writer *w, struct pb_message *owner, unsigned field, const char *key,
		     struct str value)
{
	struct pb_message *pair;

	if (!value.len)
		return;
	pair = pb_add_message(owner, field);
	pb_set_text(pair, PB_KeyValue_key, str_from(key));
	/* Labels live only until the callback returns. */
	pb_set_text(pb_add_message(pair, PB_KeyValue_value), PB_AnyValue_string_value,
		    pool_strdup(&w->pool, value));
}

static void add_labels(struct writer *w, struct pb_message *point, unsigned field,
		       const struct series_labels *l)
{
	add_text(w, point, field, TELEMETRY_DIRECTION,
		 l->direction == METRIC_INBOUND ? STR("inbound") : STR("outbound"));
	add_text(w, point, field, TELEMETRY_SERVICE, l->service);
	add_text(w, point, field, TELEMETRY_NAMESPACE, l->service_namespace);
	add_text(w, point, field, TELEMETRY_VERSION, l->version);
	add_text(w, point, field, TELEMETRY_PEER, l->peer);
	add_text(w, point, field, TELEMETRY_TLS, str_from(tls_words[l->tls]));
}

static struct pb_message *add_metric(struct writer *w, const char *name, const char *unit,
				     unsigned data_field)
{
	struct pb_message *metric = pb_add_message(w->scope, PB_ScopeMetrics_metrics);

	pb_set_text(metric, PB_Metric_name, str_from(name));
	pb_set_text(metric, PB_Metric_unit, str_from(unit));
	return pb_add_message(metric, data_field);
}

static struct pb_message *add_sum(struct writer *w, const char *name, const char *unit)
{
	struct pb_message *sum = add_metric(w, name, unit, PB_Metric_sum);

	pb_set_number(sum, PB_Sum_aggregation_temporality,
		      PB_AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE);
	pb_set_bool(sum, PB_Sum_is_monotonic, true);
	return sum;
}

static struct pb_message *add_number(struct writer *w, struct pb_message *data, unsigned field,
				     uint64_t value)
{
	struct pb_message *point = pb_add_message(data, field);

	pb_set_number(point, PB_NumberDataPoint_start_time_unix_nano, w->report->started.ns);
	pb_set_number(point, PB_NumberDataPoint_time_unix_nano, w->report->wall_now.ns);
	pb_set_number(point, PB_NumberDataPoint_as_int, (int64_t)value);
	return point;
}

static void add_requests(struct writer *w, const struct series_sample *sample)
{
	for (unsigned i = 0; i < METRIC_CLASS_COUNT; i++) {
		struct pb_message *point;

		if (!sample->classes[i])
			continue;
		point = add_number(w, w->requests, PB_Sum_data_points, sample->classes[i]);
		add_labels(w, point, PB_NumberDataPoint_attributes, &sample->labels);
		add_text(w, point, PB_NumberDataPoint_attributes, TELEMETRY_CLASS,
			 str_from(class_words[i]));
	}
}

static void add_duration(struct writer *w, const struct series_sample *sample)
{
	const struct histogram_data *d = &sample->duration;
	struct pb_message *point = pb_add_message(w->durations, PB_Histogram_data_points);

	pb_set_number(point, PB_HistogramDataPoint_start_time_unix_nano, w->report->started.ns);
	pb_set_number(point, PB_HistogramDataPoint_time_unix_nano, w->report->wall_now.ns);
	pb_set_number(point, PB_HistogramDataPoint_count, (int64_t)histogram_count(d));
	pb_set_real(point, PB_HistogramDataPoint_sum, (double)d->sum_us / 1000);
	for (unsigned i = 0; i <= HISTOGRAM_BOUND_COUNT; i++)
		pb_add_number(point, PB_HistogramDataPoint_bucket_counts, (int64_t)d->buckets[i]);
	for (unsigned i = 0; i < HISTOGRAM_BOUND_COUNT; i++)
		pb_add_real(point, PB_HistogramDataPoint_explicit_bounds, histogram_bounds_ms[i]);
	add_labels(w, point, PB_HistogramDataPoint_attributes, &sample->labels);
}

static void on_series(void *user, const struct series_sample *sample)
{
	struct writer *w = user;

	if (!histogram_count(&sample->duration))
		return; /* nothing happened yet: the overflow series, most of the time */
	add_requests(w, sample);
	add_duration(w, sample);
	if (sample->retries)
		add_labels(w, add_number(w, w->retries, PB_Sum_data_points, sample->retries),
			   PB_NumberDataPoint_attributes, &sample->labels);
}

static void add_resource(struct writer *w, struct pb_message *owner)
{
	const struct bootstrap *b = w->report->bootstrap;
	struct pb_message *resource = pb_add_message(owner, PB_ResourceMetrics_resource);
	unsigned field = PB_OtlpResource_attributes;

	add_text(w, resource, field, TELEMETRY_INSTANCE, b->node_id);
	add_text(w, resource, field, TELEMETRY_SERVICE_NAME, b->service);
	add_text(w, resource, field, TELEMETRY_SERVICE_NAMESPACE, b->service_namespace);
	add_text(w, resource, field, TELEMETRY_SERVICE_VERSION, b->service_version);
}

void otlp_encode(const struct otlp_report *report, struct buf *out)
{
	struct writer w = { .report = report };
	struct pb_message *request, *resource, *scope;

	pool_init(&w.pool, 16 * 1024);
	request = pb_new(&pb_ExportMetricsServiceRequest, &w.pool);
	resource = pb_add_message(request, PB_ExportMetricsServiceRequest_resource_metrics);
	add_resource(&w, resource);
	w.scope = pb_add_message(resource, PB_ResourceMetrics_scope_metrics);
	scope = pb_add_message(w.scope, PB_ScopeMetrics_scope);
	pb_set_text(scope, PB_InstrumentationScope_name, STR(TELEMETRY_SCOPE));
	pb_set_text(scope, PB_InstrumentationScope_version, STR(WEFT_VERSION));

	add_number(&w, add_metric(&w, TELEMETRY_REVISION, "1", PB_Metric_gauge),
		   PB_Gauge_data_points, report->revision);
	add_number(&w, add_sum(&w, TELEMETRY_XDS_UNCHANGED, "{resource}"), PB_Sum_data_points,
		   report->unchanged);
	w.requests = add_sum(&w, TELEMETRY_REQUESTS, "{request}");
	w.retries = add_sum(&w, TELEMETRY_RETRIES, "{retry}");
	w.durations = add_metric(&w, TELEMETRY_DURATION, "ms", PB_Metric_histogram);
	pb_set_number(w.durations, PB_Histogram_aggregation_temporality,
		      PB_AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE);
	metrics_read(report->metrics, report->now, on_series, &w);

	buf_clear(out);
	pb_encode(request, out);
	pool_fini(&w.pool);
}
