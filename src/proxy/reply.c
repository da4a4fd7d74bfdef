/*
 * Answers of the proxy's own
 */

#include "proxy/exchange.h"
#include "proxy/exchange_metrics.h"

/* gRPC's status for an HTTP status, as in Envoy and gRPC's own mapping. */
// clang-format off
static const struct { uint16_t http; const char *grpc; } grpc_statuses[] = {
	{ 400, "13" }, { 401, "16" }, { 403, "7" }, { 404, "12" },
	{ 429, "14" }, { 502, "14" }, { 503, "14" }, { 504, "14" },
};
// clang-format on

static struct str grpc_status_of(uint16_t http)
{
	for (size_t i = 0; i < array_count(grpc_statuses); i++)
		if (grpc_statuses[i].http == http)
			return str_from(grpc_statuses[i].grpc);
	return STR("2");
}

/* To a gRPC client the answer is a status in a head of its own. */
static void send_grpc(struct exchange *x, struct headers *h, uint16_t status, struct str text)
{
	h->status = 200;
	headers_add(h, HEADER_CONTENT_TYPE, STR("application/grpc"));
	headers_add(h, HEADER_GRPC_STATUS, grpc_status_of(status));
	if (text.len)
		headers_add(h, HEADER_GRPC_MESSAGE, text);
	exchange_send_head(x, h, true);
}

static void send_text(struct exchange *x, struct headers *h, struct str text)
{
	bool body = text.len > 0 && x->request->method_id != METHOD_HEAD;

	headers_add(h, HEADER_CONTENT_LENGTH, pool_printf(exchange_pool(x), "%zu", text.len));
	if (text.len)
		headers_add(h, HEADER_CONTENT_TYPE, STR("text/plain"));
	exchange_send_head(x, h, !body);
	if (body && !x->response_ended) {
		struct iovec iov = { (void *)text.ptr, text.len };

		if (stream_send_data(x->down, &iov, 1, true) != SEND_CLOSED)
			x->response_ended = true;
	}
}

static bool is_grpc(const struct headers *request)
{
	const struct header *type = headers_get(request, HEADER_CONTENT_TYPE);

	return type && str_has_prefix(type->value, STR("application/grpc"));
}

/* As Envoy words it, a reset says whether there were attempts before. */
static struct str text_of(struct exchange *x, const struct reply *r)
{
	struct str text = r->text.len ? r->text : reason_row(r->reason)->text;
	struct str reset = STR(REASON_RESET);

	if (x->attempts < 2 || !str_has_prefix(text, reset))
		return text;
	return pool_printf(exchange_pool(x), "%.*sretried and the latest %.*s", STR_ARGS(reset),
			   STR_ARGS(str_slice(text, reset.len, text.len)));
}

/* As in Envoy, what we say because a cluster failed is counted as an answer of the cluster. */
static void count_for_cluster(const struct exchange *x, const struct reason_row *row,
			      uint16_t status)
{
	struct worker_cluster *wc;

	if (!x->target || (row->scope != REASON_COUNTS_CLUSTER && row->retry == RETRY_NEVER))
		return;
	wc = worker_cluster_at(x->worker, x->target->cluster.slot);
	if (wc)
		exchange_metrics_answer(wc->cells, status);
}

static void send_reply(struct exchange *x, const struct reply *r)
{
	const struct reason_row *row = reason_row(r->reason);
	struct str text = text_of(x, r);
	struct headers h;

	headers_init(&h, exchange_pool(x));
	h.status = r->status ? r->status : row->status;
	count_for_cluster(x, row, h.status);
	if (r->location.len)
		headers_add(&h, HEADER_LOCATION, r->location);
	response_head_route(x, &h);
	if (is_grpc(x->request) && !r->location.len)
		send_grpc(x, &h, h.status, text);
	else
		send_text(x, &h, text);
}

void exchange_reply(struct exchange *x, const struct reply *r)
{
	if (exchange_is_over(x))
		return;
	if (x->response_started) {
		exchange_reset(x, r->reason, false);
		return;
	}
	exchange_reason(x, r->reason);
	if (r->details.len)
		x->details = r->details;
	attempt_end(x);
	deadlines_clear(x->deadlines);
	exchange_move(x, EXCHANGE_LOCAL);
	send_reply(x, r);
	exchange_move(x, EXCHANGE_ENDED);
	/* The rest of a request that was answered early is dropped, or the connection ends. */
	if (x->response_ended && !x->request_ended)
		stream_reset(x->down, false);
}
