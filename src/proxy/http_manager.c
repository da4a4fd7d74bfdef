#include "proxy/http_manager.h"

#include "base/log.h"
#include "net/tls.h"
#include "proxy/access_logger.h"
#include "proxy/exchange.h"

/* The connection is drained this share of its certificate's remaining life before the end. */
#define LIFETIME_MARGIN_PARTS 10

static struct downstream *client_of(struct http_server_conn *hc)
{
	return http_server_conn_user(hc);
}

static void on_stream(struct http_server_conn *hc, struct stream *s)
{
	struct downstream *d = client_of(hc);

	if (unlikely(!d->http.requests)) {
		bool http2 = http_server_conn_codec(hc) == HTTP_CODEC_HTTP2;

		stat_inc(d->http.cells, http2 ? HTTP_CX_HTTP2_TOTAL : HTTP_CX_HTTP1_TOTAL);
		stat_inc(d->http.cells, http2 ? HTTP_CX_HTTP2_ACTIVE : HTTP_CX_HTTP1_ACTIVE);
	}
	exchange_open(d, s);
}

/* The codec answered, or gave up, before there was an exchange. */
static void on_fault(struct http_server_conn *hc, enum http_fault fault, uint16_t status)
{
	struct downstream *d = client_of(hc);
	enum reason reason = reason_of_fault(fault);
	const struct reason_row *row = reason_row(reason);

	if (row->scope == REASON_COUNTS_HTTP)
		stat_inc(d->http.cells, row->counter);
	if (status == 0)
		return;
	stat_inc(d->http.cells, HTTP_RQ_TOTAL);
	stat_inc(d->http.cells, HTTP_RQ_1XX + status / 100 - 1);
	access_logger_fault(d, reason, status, str_from(http_server_conn_fault_detail(hc)));
}

static void count_closed(struct downstream *d)
{
	struct counter *cells = d->http.cells;

	stat_inc(cells, HTTP_CX_DESTROY);
	stat_dec(cells, HTTP_CX_ACTIVE);
	if (d->http.active)
		stat_inc(cells, HTTP_CX_DESTROY_ACTIVE);
	if (d->conn->linger_expired)
		stat_inc(cells, HTTP_CX_DELAYED_CLOSE);
	if (d->conn->tls)
		stat_dec(cells, HTTP_CX_SSL_ACTIVE);
	if (d->http.requests)
		stat_dec(cells, http_server_conn_codec(d->http.server) == HTTP_CODEC_HTTP2
					? HTTP_CX_HTTP2_ACTIVE
					: HTTP_CX_HTTP1_ACTIVE);
	stat_add(cells, HTTP_CX_RX_BYTES, d->conn->bytes_received);
	stat_add(cells, HTTP_CX_TX_BYTES, d->conn->bytes_sent);
}

static void on_closed(struct http_server_conn *hc)
{
	struct downstream *d = client_of(hc);

	count_closed(d);
	deadlines_fini(&d->http.deadlines);
	request_series_unref(d->http.series, loop_now(d->worker->loop));
	downstream_closed(d);
}

static const struct http_server_handler server_handler = {
	.on_stream = on_stream,
	.on_fault = on_fault,
	.on_closed = on_closed,
};

void http_manager_drain(struct downstream *d)
{
	if (d->http.draining)
		return;
	d->http.draining = true;
	stat_inc(d->http.cells, HTTP_CX_DRAIN_CLOSE);
	http_server_conn_drain(d->http.server);
}

static void lifetime_due(struct timer *t)
{
	http_manager_drain(container_of(t, struct downstream, timer));
}

/* Who the client is was checked at the handshake; it is checked again before that expires. */
static void lifetime_arm(struct downstream *d)
{
	const struct tls_info *tls = d->conn->tls;
	int64_t left;

	timer_init(&d->timer, lifetime_due);
	if (!tls || !tls->mutual || !tls->peer)
		return;
	left = tls->peer->not_after.ns - loop_wall_now(d->worker->loop).ns;
	left -= left / LIFETIME_MARGIN_PARTS;
	timer_start(d->worker->loop, &d->timer, DURATION_NS(max_of(left, (int64_t)0)));
}

void http_manager_open(struct downstream *d)
{
	struct worker *w = d->worker;
	const struct http_state *state = d->chain->http;

	d->http.state = state;
	d->http.cells = stat_scope_cells(state->stats, w->index);
	d->http.times = stat_scope_times(state->stats, w->index);
	stat_inc(d->http.cells, HTTP_CX_TOTAL);
	stat_inc(d->http.cells, HTTP_CX_ACTIVE);
	if (d->conn->tls) {
		stat_inc(d->http.cells, HTTP_CX_SSL_TOTAL);
		stat_inc(d->http.cells, HTTP_CX_SSL_ACTIVE);
	}
	lifetime_arm(d);
	deadlines_init(&d->http.deadlines, w->loop);
	d->http.server = http_server_conn_open_take(d->conn, &state->options, &server_handler, d);
	if (w->state != WORKER_SERVING)
		http_manager_drain(d);
}
