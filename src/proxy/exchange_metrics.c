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
