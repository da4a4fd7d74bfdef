#include "control/telemetry.h"

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/pb_message.h"
#include "message/telemetry_names.h"
#include "proto/weft.pb.h"

#define ATTRIBUTE_COUNT 6

static const char *const class_words[TELEMETRY_CLASS_COUNT] = { "none", "1xx", "2xx",
								"3xx",  "4xx", "5xx" };

/* Order of the attributes in a key and in struct telemetry_labels. */
static const char *const attribute_names[ATTRIBUTE_COUNT] = {
	TELEMETRY_DIRECTION, TELEMETRY_SERVICE, TELEMETRY_NAMESPACE,
	TELEMETRY_VERSION,   TELEMETRY_PEER,    TELEMETRY_TLS,
};

struct slot {
	int64_t number; /* of TELEMETRY_SLOT since the origin of the clock; -1: unused */
	struct telemetry_sums sums;
};

struct series {
	struct str labels[ATTRIBUTE_COUNT]; /* into the map's key */
	struct telemetry_sums total;
	struct slot slots[TELEMETRY_SLOT_COUNT];
};

/* The last cumulative numbers of one series of one proxy. */
struct last {
	struct telemetry_sums sums;
};

struct telemetry {
	struct loop *loop;
	struct proxies *proxies;
	struct instant started;
	struct map series; /* labels joined by \n → struct series */
	struct map last;   /* proxy \n labels → struct last */
	uint64_t reports;
	uint64_t refused;
};

struct telemetry *telemetry_new(struct loop *loop, struct proxies *proxies)
{
	struct telemetry *t = mem_new(struct telemetry);

	t->loop = loop;
	t->proxies = proxies;
	t->started = loop_now(loop);
	map_init(&t->series);
	map_init(&t->last);
	return t;
}

struct telemetry *telemetry_free(struct telemetry *t)
{
	if (!t)
		return NULL;
	map_for_each (entry, &t->series)
		mem_free(entry->value);
	map_for_each (entry, &t->last)
		mem_free(entry->value);
	map_fini(&t->series);
	map_fini(&t->last);
	mem_free(t);
	return NULL;
}

static void labels_split(struct series *s, struct str key)
{
	size_t from = 0;

	for (unsigned i = 0; i < ATTRIBUTE_COUNT; i++) {
		size_t to = str_find(key, from, '\n');

		s->labels[i] = str_slice(key, from, to);
		from = to + 1;
	}
}

static struct series *series_obtain(struct telemetry *t, struct str key)
{
	struct series *s = map_get(&t->series, key);

	if (s)
		return s;
	if (t->series.count >= TELEMETRY_SERIES_MAX) {
		key = STR("overflow\n\n\n\n\n");
		s = map_get(&t->series, key);
		if (s)
			return s;
	}
	s = mem_new(struct series);
	for (unsigned i = 0; i < TELEMETRY_SLOT_COUNT; i++)
		s->slots[i].number = -1;
	map_set(&t->series, key, s);
	labels_split(s, container_of(t->series.in_order.prev, struct map_entry, in_order)->key);
	return s;
}

static int64_t slot_number(const struct telemetry *t)
{
	return loop_now(t->loop).ns / TELEMETRY_SLOT.ns;
}

static struct telemetry_sums *slot_now(struct telemetry *t, struct series *s)
{
	int64_t number = slot_number(t);
	struct slot *slot = &s->slots[number % TELEMETRY_SLOT_COUNT];

	if (slot->number != number)
		*slot = (struct slot){ .number = number };
	return &slot->sums;
}

/* Growth since the last report; a smaller number is a proxy that started anew. */
static uint64_t growth(uint64_t now, uint64_t *last)
{
	uint64_t grown = now >= *last ? now - *last : now;

	*last = now;
	return grown;
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

/* One report being read. */
struct report {
	struct telemetry *telemetry;
	struct pool *pool;
	struct proxy *proxy;
	uint64_t revision;
	uint64_t unchanged;
};

/* The series of a data point, and what its proxy sent last. */
static struct series *point_series(struct report *r, const struct pb_message *point, unsigned field,
				   struct last **ret_last)
{
	struct buf key = BUF_INIT(0);
	struct telemetry *t = r->telemetry;
	struct str labels, whole;

	for (unsigned i = 0; i < ATTRIBUTE_COUNT; i++)
		buf_printf(&key, "%s%.*s", i ? "\n" : "",
			   STR_ARGS(attribute(point, field, attribute_names[i])));
	labels = pool_strdup(r->pool, buf_str(&key));
	whole = pool_printf(r->pool, "%s\n%.*s", r->proxy->id, STR_ARGS(labels));
	buf_fini(&key);
	*ret_last = map_get(&t->last, whole);
	if (!*ret_last) {
		*ret_last = mem_new(struct last);
		map_set(&t->last, whole, *ret_last);
	}
	return series_obtain(t, labels);
}

static void take_requests(struct report *r, const struct pb_message *point)
{
	struct str word = attribute(point, PB_NumberDataPoint_attributes, TELEMETRY_CLASS);
	uint64_t value = (uint64_t)pb_number(point, PB_NumberDataPoint_as_int);
	struct last *last;
	struct series *s = point_series(r, point, PB_NumberDataPoint_attributes, &last);

	for (unsigned i = 0; i < TELEMETRY_CLASS_COUNT; i++) {
		uint64_t grown;

		if (!str_eq(word, str_from(class_words[i])))
			continue;
		grown = growth(value, &last->sums.classes[i]);
		s->total.classes[i] += grown;
		slot_now(r->telemetry, s)->classes[i] += grown;
	}
}

static void take_retries(struct report *r, const struct pb_message *point)
{
	struct last *last;
	struct series *s = point_series(r, point, PB_NumberDataPoint_attributes, &last);
	uint64_t grown =
		growth((uint64_t)pb_number(point, PB_NumberDataPoint_as_int), &last->sums.retries);

	s->total.retries += grown;
	slot_now(r->telemetry, s)->retries += grown;
}

static void take_duration(struct report *r, const struct pb_message *point)
{
	struct last *last;
	struct series *s = point_series(r, point, PB_HistogramDataPoint_attributes, &last);
	struct telemetry_sums *slot = slot_now(r->telemetry, s);
	uint64_t grown;

	if (pb_count(point, PB_HistogramDataPoint_bucket_counts) != HISTOGRAM_BOUND_COUNT + 1)
		return; /* other bounds than ours: another release's, which we cannot add up */
	for (uint32_t i = 0; i <= HISTOGRAM_BOUND_COUNT; i++) {
		grown = growth(
			(uint64_t)pb_number_at(point, PB_HistogramDataPoint_bucket_counts, i),
			&last->sums.duration.buckets[i]);
		s->total.duration.buckets[i] += grown;
		slot->duration.buckets[i] += grown;
	}
	grown = growth((uint64_t)(pb_real(point, PB_HistogramDataPoint_sum) * 1000),
		       &last->sums.duration.sum_us);
	s->total.duration.sum_us += grown;
	slot->duration.sum_us += grown;
}

static void take_revision(struct report *r, const struct pb_message *point)
{
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

static void take_resource(struct report *r, const struct pb_message *resource)
{
	for (uint32_t i = 0; i < pb_count(resource, PB_ResourceMetrics_scope_metrics); i++) {
		const struct pb_message *scope =
			pb_sub_at(resource, PB_ResourceMetrics_scope_metrics, i);

		for (uint32_t j = 0; j < pb_count(scope, PB_ScopeMetrics_metrics); j++)
			take_metric(r, pb_sub_at(scope, PB_ScopeMetrics_metrics, j));
	}
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

static bool take_request(struct telemetry *t, struct grpc_call *call, struct pool *pool,
			 const struct pb_message *request)
{
	for (uint32_t i = 0; i < pb_count(request, PB_ExportMetricsServiceRequest_resource_metrics);
	     i++) {
		const struct pb_message *resource =
			pb_sub_at(request, PB_ExportMetricsServiceRequest_resource_metrics, i);
		struct report r = {
			.telemetry = t,
			.pool = pool,
			.proxy = reporter(t, call, resource),
		};

		if (!r.proxy)
			return false;
		take_resource(&r, resource);
		proxy_report(r.proxy, r.revision, r.unchanged);
	}
	return true;
}

void telemetry_export(struct telemetry *t, struct grpc_call *call, struct str request)
{
	struct pool pool = POOL_INIT(16 * 1024);
	struct pb_message *message;
	struct diag d = DIAG_INIT;
	int r;

	t->reports++;
	r = pb_decode(&pb_ExportMetricsServiceRequest, request, &pool, &message, NULL, &d);
	if (r < 0)
		grpc_finish(call, GRPC_INVALID_ARGUMENT, str_from(d.text));
	else if (!take_request(t, call, &pool, message))
		grpc_finish(call, GRPC_PERMISSION_DENIED,
			    STR("a proxy reports for itself, on the connection of its xDS stream"));
	else
		grpc_reply(call, STR_EMPTY);
	if (r < 0)
		t->refused++;
	diag_fini(&d);
	pool_fini(&pool);
}

void telemetry_sums_add(struct telemetry_sums *sums, const struct telemetry_sums *more)
{
	for (unsigned i = 0; i < TELEMETRY_CLASS_COUNT; i++)
		sums->classes[i] += more->classes[i];
	sums->retries += more->retries;
	for (unsigned i = 0; i <= HISTOGRAM_BOUND_COUNT; i++)
		sums->duration.buckets[i] += more->duration.buckets[i];
	sums->duration.sum_us += more->duration.sum_us;
}

static struct telemetry_sums series_sums(const struct telemetry *t, const struct series *s,
					 struct duration window)
{
	struct telemetry_sums sums = { 0 };
	int64_t first = (loop_now(t->loop).ns - window.ns) / TELEMETRY_SLOT.ns;

	if (window.ns == 0)
		return s->total;
	for (unsigned i = 0; i < TELEMETRY_SLOT_COUNT; i++)
		if (s->slots[i].number > first)
			telemetry_sums_add(&sums, &s->slots[i].sums);
	return sums;
}

void telemetry_each(const struct telemetry *t, struct duration window,
		    void (*on_series)(void *user, const struct telemetry_labels *labels,
				      const struct telemetry_sums *sums),
		    void *user)
{
	map_for_each (entry, &t->series) {
		const struct series *s = entry->value;
		const struct telemetry_sums sums = series_sums(t, s, window);
		const struct telemetry_labels labels = {
			.direction = s->labels[0],
			.service = s->labels[1],
			.name_space = s->labels[2],
			.version = s->labels[3],
			.peer = s->labels[4],
			.tls = s->labels[5],
		};

		on_series(user, &labels, &sums);
	}
}

struct duration telemetry_covered(const struct telemetry *t, struct duration window)
{
	struct instant now = loop_now(t->loop);
	struct duration age = instant_since(now, t->started);
	int64_t first;

	if (window.ns == 0)
		return age;
	/* Whole slots behind the window's beginning, and what has passed of the present one. */
	first = (now.ns - window.ns) / TELEMETRY_SLOT.ns + 1;
	return DURATION_NS(min_of(age.ns, now.ns - first * TELEMETRY_SLOT.ns));
}
