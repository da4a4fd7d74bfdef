/*
 * What an endpoint says in an attempt
 */

#include "http/hop.h"
#include "proxy/attempt.h"
#include "proxy/exchange_metrics.h"

/* The endpoint has said its last byte. What it did not want of the request is not sent. */
static void upstream_ended(struct exchange *x)
{
	struct worker_cluster *wc = x->attempt.upstream->cluster;

	histogram_record(&wc->times[CLUSTER_RQ_TIME],
			 instant_since(loop_now(x->worker->loop), x->attempt.since));
	attempt_end(x);
}

static void service_time(struct exchange *x, struct headers *h)
{
	const struct router_settings *router = x->http->filters.router;
	struct duration d;

	if (router && router->suppress_envoy_headers)
		return;
	d = instant_since(loop_now(x->worker->loop), x->attempt.since);
	headers_set(h, HEADER_X_ENVOY_UPSTREAM_SERVICE_TIME,
		    pool_decimal(exchange_pool(x), (uint64_t)(d.ns / 1000000)));
}

static void up_headers(struct stream *s, struct headers *h, bool end)
{
	struct exchange *x = s->user;

	deadline_extend(x->deadlines, DEADLINE_IDLE, x->http->manager->stream_idle_timeout);
	deadline_clear(x->deadlines, DEADLINE_TRY);
	upstream_worked(x->attempt.upstream);
	x->response_begin_at = loop_now(x->worker->loop);
	x->upstream_protocol = h->version;
	exchange_metrics_answer(x->attempt.upstream->cluster->cells, h->status);
	if (attempt_retry_response(x, h))
		return;
	if (x->retry.by_policy && h->status < 500)
		stat_inc(x->attempt.upstream->cluster->cells, CLUSTER_RQ_RETRY_SUCCESS);
	exchange_move(x, EXCHANGE_RESPONSE);
	attempt_body_answered(x);
	x->reason = REASON_UPSTREAM;
	http_strip_hop_by_hop(h);
	service_time(x, h);
	response_head_route(x, h);
	if (end)
		upstream_ended(x);
	chain_response(x, h, end);
}

static void up_interim(struct stream *s, struct headers *h)
{
	struct exchange *x = s->user;

	/* 100 is between this proxy and each side. */
	if (h->status == 100 || x->response_started)
		return;
	http_strip_hop_by_hop(h);
	stream_send_headers(x->down, h, false);
}

static void up_data(struct stream *s, struct str data, bool end)
{
	struct exchange *x = s->user;

	if (end)
		upstream_ended(x);
	exchange_send_data(x, data, end);
}

static void up_trailers(struct stream *s, struct headers *trailers)
{
	struct exchange *x = s->user;

	upstream_ended(x);
	if (x->http->logs_response_trailers) {
		x->logged_trailers = pool_new(exchange_pool(x), struct headers);
		headers_init(x->logged_trailers, exchange_pool(x));
		headers_copy(x->logged_trailers, trailers);
	}
	exchange_send_trailers(x, trailers);
}

static void up_sent(struct stream *s)
{
	struct exchange *x = s->user;

	attempt_body_resume(x);
}

static void up_closed(struct stream *s, enum stream_reset reason)
{
	struct exchange *x = s->user;

	attempt_failed(x, reason_of_reset(reason, x->response_started), STR_EMPTY);
}

const struct stream_handler attempt_handler = {
	.on_headers = up_headers,
	.on_interim = up_interim,
	.on_data = up_data,
	.on_trailers = up_trailers,
	.on_sent = up_sent,
	.on_closed = up_closed,
};

void attempt_resume_response(struct exchange *x)
{
	if (x->attempt.stream && !x->filter_waits)
		stream_resume(x->attempt.stream);
}
