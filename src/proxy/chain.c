/*
 * The filter chain of an exchange
 *
 * Requests run from the first filter to the last and then to the router; responses the other
 * way and then to the client. Only here does an event move from one filter to the next.
 */

#include <assert.h>

#include "proxy/exchange.h"

static void *state_of(const struct exchange *x, const struct filter_entry *f)
{
	return x->filter_states + f->state_offset;
}

void chain_request(struct exchange *x)
{
	const struct filter_stack *filters = &x->http->filters;

	assert(x->state == EXCHANGE_FILTERS);
	while (x->filter_at < filters->count) {
		const struct filter_entry *f = &filters->items[x->filter_at++];
		enum verdict v = VERDICT_CONTINUE;

		if (f->ops->on_request)
			v = f->ops->on_request(f->config, state_of(x, f), x, x->request);
		if (exchange_is_over(x) || v == VERDICT_STOP)
			return;
		if (v == VERDICT_WAIT) {
			x->filter_waits = true;
			return;
		}
	}
	router_start(x);
}

/* The head outlives the upstream's stream, which may end meanwhile. */
static void response_wait(struct exchange *x)
{
	struct headers *copy = pool_new(exchange_pool(x), struct headers);

	headers_init(copy, exchange_pool(x));
	headers_copy(copy, x->response);
	x->response = copy;
	x->filter_waits = true;
	if (x->attempt.stream)
		stream_pause(x->attempt.stream);
}

static void response_from(struct exchange *x)
{
	const struct filter_stack *filters = &x->http->filters;

	while (x->filter_at > 0) {
		const struct filter_entry *f = &filters->items[--x->filter_at];
		enum verdict v = VERDICT_CONTINUE;

		if (f->ops->on_response)
			v = f->ops->on_response(f->config, state_of(x, f), x, x->response);
		if (exchange_is_over(x) || v == VERDICT_STOP)
			return;
		if (v == VERDICT_WAIT) {
			response_wait(x);
			return;
		}
	}
	exchange_send_head(x, x->response, x->response_ends);
}

void chain_response(struct exchange *x, struct headers *h, bool end)
{
	x->filter_at = x->http->filters.count;
	x->response = h;
	x->response_ends = end;
	response_from(x);
}

void exchange_continue(struct exchange *x)
{
	if (!x->filter_waits || exchange_is_over(x))
		return;
	x->filter_waits = false;
	if (x->state == EXCHANGE_FILTERS) {
		chain_request(x);
		return;
	}
	response_from(x);
	if (x->filter_waits || exchange_is_over(x))
		return;
	if (x->response_held)
		exchange_send_data(x, STR_EMPTY, x->response_held_end);
	if (x->attempt.stream)
		stream_resume(x->attempt.stream);
}

/* The body in a buffer that filters may change; `i` counts them in the direction's order. */
static bool data_through(struct exchange *x, enum direction direction, bool end)
{
	struct buf *data = &x->filter_data[direction];
	const struct filter_stack *filters = &x->http->filters;

	for (uint32_t i = 0; i < filters->count; i++) {
		const struct filter_entry *f =
			&filters->items[direction == DIRECTION_REQUEST ? i
								       : filters->count - 1 - i];
		enum verdict v = VERDICT_CONTINUE;

		if (f->ops->on_data)
			v = f->ops->on_data(f->config, state_of(x, f), x, data, direction, end);
		if (exchange_is_over(x) || v != VERDICT_CONTINUE)
			return false;
	}
	return true;
}

bool chain_data(struct exchange *x, enum direction direction, struct str *data, bool end)
{
	struct buf *b = &x->filter_data[direction];

	if (buf_append_str(b, *data) < 0) {
		exchange_reply(x, &(struct reply){ .reason = REASON_BODY_LARGE });
		return false;
	}
	if (!data_through(x, direction, end))
		return false;
	*data = buf_str(b);
	return true;
}

void chain_end(struct exchange *x)
{
	const struct filter_stack *filters = &x->http->filters;

	for (uint32_t i = 0; i < filters->count; i++) {
		const struct filter_entry *f = &filters->items[i];

		if (f->ops->on_end)
			f->ops->on_end(f->config, state_of(x, f), x);
	}
	buf_fini(&x->filter_data[DIRECTION_REQUEST]);
	buf_fini(&x->filter_data[DIRECTION_RESPONSE]);
}
