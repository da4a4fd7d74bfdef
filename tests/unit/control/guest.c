#include "guest.h"

#include "base/error.h"
#include "codec/pb_message.h"
#include "message/telemetry_names.h"
#include "net/memory_conn.h"
#include "proto/weft.pb.h"

#define TURNS 30

/*
 * The house's side
 */

static void on_begin(struct grpc_call *call, unused_arg const struct headers *h)
{
	const struct house *house = grpc_call_service_user(call);

	proxies_accept(house->proxies, call);
}

static void on_export(struct grpc_call *call, struct str request)
{
	const struct house *house = grpc_call_service_user(call);

	telemetry_export(house->telemetry, call, request);
}

static const struct grpc_method methods[] = {
	{ .path = STR_INIT(XDS_METHOD_PATH), .on_begin = on_begin },
	{ .path = STR_INIT(TELEMETRY_EXPORT_PATH), .on_unary = on_export },
};

static void on_headers(struct stream *s, struct headers *h, bool end)
{
	static struct grpc_service service = { methods, array_count(methods), NULL };
	struct guest *g = http_server_conn_user(http_server_conn_of(s));

	service.user = g->house;
	grpc_serve_take(&service, s, h, end);
}

static void on_stream_closed(unused_arg struct stream *s, unused_arg enum stream_reset reason)
{
}

static const struct stream_handler stream_handler = {
	.on_headers = on_headers,
	.on_closed = on_stream_closed,
};

static void on_stream(unused_arg struct http_server_conn *hc, struct stream *s)
{
	s->handler = &stream_handler;
}

static void on_server_closed(struct http_server_conn *hc)
{
	struct guest *g = http_server_conn_user(hc);

	if (g->server == hc)
		g->server = NULL;
}

static const struct http_server_handler server_handler = {
	.on_stream = on_stream,
	.on_closed = on_server_closed,
};

static const struct http_server_options server_options = { .codec = HTTP_CODEC_HTTP2 };

/*
 * The guest's side
 */

static struct conn *on_connect(void *user)
{
	struct guest *g = user;
	struct conn *near, *far;

	if (g->server_is_away)
		return NULL;
	memory_conn_pair(g->house->loop, &g->house->chunks, NULL, &near, &far);
	if (!g->no_tls)
		far->tls = &g->tls;
	g->server = http_server_conn_open_take(far, &server_options, &server_handler, g);
	return near;
}

static int on_resource(void *user, const struct xds_resource *r, struct diag *d)
{
	struct guest *g = user;

	if (g->refuse && str_eq(r->name, str_from(g->refuse)))
		return diag_fail(d, ERR_CONFIG, "not to my taste");
	buf_clear(&g->bytes);
	buf_append_str(&g->bytes, r->bytes);
	buf_printf(&g->seen, "+%s %.*s ", xds_types[r->type].short_name, STR_ARGS(r->name));
	return 0;
}

static void on_removed(void *user, enum xds_type type, struct str name)
{
	struct guest *g = user;

	buf_printf(&g->seen, "-%s %.*s ", xds_types[type].short_name, STR_ARGS(name));
}

static void on_down(void *user, const struct xds_down *down)
{
	struct guest *g = user;

	snprintf(g->down, sizeof(g->down), "%s", down->reason);
}

static const struct xds_client_callbacks callbacks = {
	.delta = { .on_resource = on_resource, .on_removed = on_removed },
	.connect = on_connect,
	.on_down = on_down,
};

static void write_foreign_node(const char *json, struct buf *out)
{
	struct pool pool = POOL_INIT(0);
	struct diag d = DIAG_INIT;
	struct pb_message *node;
	struct node *tree;

	assert_int_equal(json_parse(str_from(json), NULL, &pool, &tree, &d), 0);
	assert_int_equal(pb_from_node(&pb_Node, tree, &pool, &node, NULL, &d), 0);
	pb_encode(node, out);
	pool_fini(&pool);
}

static void write_node(const char *id, struct buf *out)
{
	struct pool pool = POOL_INIT(0);
	struct pb_message *node = pb_new(&pb_Node, &pool);

	pb_set_text(node, PB_Node_id, str_from(id));
	pb_set_text(node, PB_Node_user_agent_version, STR("1.2.3"));
	pb_add_text(node, PB_Node_client_features, STR("weft.eds_cache"));
	pb_add_text(node, PB_Node_client_features, STR("weft.proxy"));
	pb_encode(node, out);
	pool_fini(&pool);
}

void guest_enter(struct guest *g, struct house *h, const char *node, const char *spiffe_id)
{
	struct xds_client_options options = { .authority = STR("control") };
	struct buf bytes = BUF_INIT(0);

	g->house = h;
	g->node_id = node;
	g->spiffe_id = str_from(spiffe_id);
	g->certificate = (struct certificate){ .uri_sans = &g->spiffe_id, .uri_san_count = 1 };
	g->tls = (struct tls_info){ .mutual = true, .peer = &g->certificate };
	random_init(&g->random, 1);
	if (g->node)
		write_foreign_node(g->node, &bytes);
	else
		write_node(node, &bytes);
	options.node = buf_str(&bytes);
	g->client = xds_client_new(h->loop, &g->random, &options, &callbacks, g);
	buf_fini(&bytes);
	/* What is asked for in any case, so that the stream begins. */
	xds_client_subscribe(g->client, XDS_SECRET, STR("none"));
	xds_client_start(g->client);
	house_turns(h, TURNS);
	buf_clear(&g->seen);
}

void guest_want(struct guest *g, enum xds_type type, const char *name)
{
	xds_client_subscribe(g->client, type, str_from(name));
	house_turns(g->house, TURNS);
}

void guest_want_all(struct guest *g, enum xds_type type)
{
	xds_client_subscribe_all(g->client, type);
	house_turns(g->house, TURNS);
}

void guest_cut(struct guest *g)
{
	if (g->server)
		http_server_conn_close(g->server);
	house_turns(g->house, TURNS);
}

bool guest_is_up(const struct guest *g)
{
	return xds_client_is_up(g->client);
}

void guest_leave(struct guest *g)
{
	xds_client_stop(g->client);
	house_turns(g->house, TURNS);
	guest_cut(g);
	assert_true(xds_client_is_idle(g->client));
	xds_client_free(g->client);
	buf_fini(&g->bytes);
	buf_fini(&g->seen);
}

/*
 * Reports
 */

static void add_text(struct pb_message *owner, unsigned field, const char *key, const char *value)
{
	struct pb_message *pair;

	if (!value)
		return;
	pair = pb_add_message(owner, field);
	pb_set_text(pair, PB_KeyValue_key, str_from(key));
	pb_set_text(pb_add_message(pair, PB_KeyValue_value), PB_AnyValue_string_value,
		    str_from(value));
}

static void add_labels(struct pb_message *point, unsigned field, const struct sample *s)
{
	add_text(point, field, TELEMETRY_DIRECTION, s->direction);
	add_text(point, field, TELEMETRY_SERVICE, s->service);
	add_text(point, field, TELEMETRY_NAMESPACE, s->name_space ? s->name_space : "shop");
	add_text(point, field, TELEMETRY_VERSION, s->version);
	add_text(point, field, TELEMETRY_PEER, s->peer);
	add_text(point, field, TELEMETRY_TLS, s->tls);
}

static struct pb_message *add_metric(struct pb_message *scope, const char *name, unsigned field)
{
	struct pb_message *metric = pb_add_message(scope, PB_ScopeMetrics_metrics);

	pb_set_text(metric, PB_Metric_name, str_from(name));
	return pb_add_message(metric, field);
}

static struct pb_message *add_number(struct pb_message *data, unsigned field,
				     const struct guest_report *r, int64_t value)
{
	struct pb_message *point = pb_add_message(data, field);

	pb_set_number(point, PB_NumberDataPoint_start_time_unix_nano, r->started_ns);
	pb_set_number(point, PB_NumberDataPoint_as_int, value);
	return point;
}

static void add_duration(struct pb_message *scope, const struct guest_report *r,
			 const struct sample *s)
{
	struct pb_message *data = add_metric(scope, TELEMETRY_DURATION, PB_Metric_histogram);
	struct pb_message *point = pb_add_message(data, PB_Histogram_data_points);

	pb_set_real(point, PB_HistogramDataPoint_sum, (double)s->fast);
	for (unsigned i = 0; i <= HISTOGRAM_BOUND_COUNT; i++)
		pb_add_number(point, PB_HistogramDataPoint_bucket_counts, i ? 0 : (int64_t)s->fast);
	for (unsigned i = 0; i < HISTOGRAM_BOUND_COUNT; i++)
		pb_add_real(point, PB_HistogramDataPoint_explicit_bounds,
			    histogram_bounds_ms[i] * (r->foreign_bounds ? 2 : 1));
	add_labels(point, PB_HistogramDataPoint_attributes, s);
}

static void add_sample(struct pb_message *scope, const struct guest_report *r,
		       const struct sample *s)
{
	struct pb_message *point = add_number(add_metric(scope, TELEMETRY_REQUESTS, PB_Metric_sum),
					      PB_Sum_data_points, r, s->requests);

	add_labels(point, PB_NumberDataPoint_attributes, s);
	add_text(point, PB_NumberDataPoint_attributes, TELEMETRY_CLASS, s->class);
	if (s->retries)
		add_labels(add_number(add_metric(scope, TELEMETRY_RETRIES, PB_Metric_sum),
				      PB_Sum_data_points, r, s->retries),
			   PB_NumberDataPoint_attributes, s);
	if (s->fast)
		add_duration(scope, r, s);
}

static void write_report(struct guest *g, const struct guest_report *r, struct buf *out)
{
	struct pool pool = POOL_INIT(0);
	struct pb_message *request = pb_new(&pb_ExportMetricsServiceRequest, &pool);
	struct pb_message *metrics =
		pb_add_message(request, PB_ExportMetricsServiceRequest_resource_metrics);
	struct pb_message *resource = pb_add_message(metrics, PB_ResourceMetrics_resource);
	struct pb_message *scope = pb_add_message(metrics, PB_ResourceMetrics_scope_metrics);

	add_text(resource, PB_OtlpResource_attributes, TELEMETRY_INSTANCE,
		 r->instance ? r->instance : g->node_id);
	if (!r->no_revision)
		add_number(add_metric(scope, TELEMETRY_REVISION, PB_Metric_gauge),
			   PB_Gauge_data_points, r, (int64_t)r->revision);
	add_number(add_metric(scope, TELEMETRY_XDS_UNCHANGED, PB_Metric_sum), PB_Sum_data_points, r,
		   (int64_t)r->unchanged);
	for (size_t i = 0; i < r->sample_count; i++)
		add_sample(scope, r, &r->samples[i]);
	pb_encode(request, out);
	pool_fini(&pool);
}

static void on_answer(struct grpc_call *call, const struct grpc_answer *answer)
{
	struct guest *g = grpc_call_user(call);

	g->answered = true;
	g->status = answer->status;
}

enum grpc_status guest_report(struct guest *g, const struct guest_report *r)
{
	const struct grpc_call_options options = { .path = STR(TELEMETRY_EXPORT_PATH),
						   .authority = STR("control") };
	struct buf request = BUF_INIT(0);

	write_report(g, r, &request);
	g->answered = false;
	assert_non_null(grpc_unary(xds_client_connection(g->client), &options, buf_str(&request),
				   on_answer, g));
	house_turns(g->house, TURNS);
	assert_true(g->answered);
	buf_fini(&request);
	return g->status;
}
