#include "proxy/exchange_metrics.h"

static bool is_inbound(const struct exchange *x)
{
	return x->client->listener->listener->direction == TRAFFIC_INBOUND;
}

/* The caller is the same for all requests of a connection. */
static struct request_series *series_inbound(struct exchange *x)
{
	struct downstream *d = x->client;
	const struct listener *l = d->listener->listener;
	struct series_labels labels = {
		.direction = METRIC_INBOUND,
		.service = l->service,
		.service_namespace = l->service_namespace,
		.version = l->service_version,
	};

	if (d->http.series)
		return d->http.series;
	labels.tls = downstream_tls(d);
	labels.peer = downstream_peer_name(d);
	if (!labels.version.len)
		labels.version = d->worker->group->metrics->own_version;
	d->http.series = request_series_get(d->worker->group->metrics, &labels);
	return d->http.series;
}

static struct request_series *series_outbound(struct exchange *x)
{
	struct upstream *u = x->last_upstream;
	struct request_series **series = &u->series[x->upstream_tls];
	const struct cluster *c = u->state->cluster;
	struct series_labels labels = {
		.direction = METRIC_OUTBOUND,
		.tls = x->upstream_tls,
		.service = u->endpoint->service.len ? u->endpoint->service : c->service,
		.service_namespace = c->service_namespace,
		.version = u->endpoint->version,
	};

	if (!*series)
		*series = request_series_get(x->worker->group->metrics, &labels);
	return *series;
}

void exchange_metrics_record(struct exchange *x)
{
	struct request_series *s = NULL;
	struct request_cells *cells;

	if (is_inbound(x))
		s = series_inbound(x);
	else if (x->last_upstream)
		s = series_outbound(x);
	if (!s)
		return;
	cells = request_series_cells(s, x->worker->index);
	counter_add(&cells->classes[metric_class_of(x->status)], 1);
	if (x->attempts > 1)
		counter_add(&cells->retries, x->attempts - 1u);
	histogram_record(&cells->duration, instant_since(loop_now(x->worker->loop), x->since));
}

void exchange_metrics_answer(struct counter *cells, uint16_t status)
{
	// clang-format off
	static const struct { uint16_t status; uint16_t row; } rows[] = {
		{ 200, CLUSTER_RQ_200 }, { 404, CLUSTER_RQ_404 }, { 429, CLUSTER_RQ_429 },
		{ 500, CLUSTER_RQ_500 }, { 502, CLUSTER_RQ_502 }, { 503, CLUSTER_RQ_503 },
		{ 504, CLUSTER_RQ_504 },
	};
	// clang-format on
	unsigned class = status / 100;

	stat_inc(cells, CLUSTER_RQ_COMPLETED);
	if (class >= 1 && class <= 5)
		stat_inc(cells, CLUSTER_RQ_1XX + class - 1);
	for (size_t i = 0; i < array_count(rows); i++)
		if (rows[i].status == status) {
			stat_inc(cells, rows[i].row);
			break;
		}
}
