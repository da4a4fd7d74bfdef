#pragma once

/*
 * HTTP filters: the contract
 *
 * A filter is one small file that defines a const struct filter_ops at its bottom; filters.c
 * names every filter. A filter sees the events of one exchange in turn and answers each with
 * a verdict; it never calls its neighbour. The chain (chain.c) does the moving, so order,
 * pausing and cancellation live in one place.
 *
 *	request:   filter 0 ─▶ filter 1 ─▶ … ─▶ router
 *	response:  filter 0 ◀─ filter 1 ◀─ … ◀─ router
 */

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "message/headers.h"
#include "model/filters.h"

struct exchange;

enum verdict {
	VERDICT_CONTINUE, /* on to the next filter */
	/* Not yet: what comes is kept (bounded) until exchange_continue(). */
	VERDICT_WAIT,
	/* The filter has answered with exchange_reply() or ended the exchange: it sees nothing
	 * further but on_end. */
	VERDICT_STOP,
};

enum direction { DIRECTION_REQUEST, DIRECTION_RESPONSE };

struct filter_ops {
	const char *name;
	size_t state_size; /* per exchange, zeroed before the first event */

	/*
	 * Each may be NULL: the event passes unseen. config is what model/ compiled for this
	 * filter: immutable, shared by all exchanges.
	 */
	enum verdict (*on_request)(const void *config, void *state, struct exchange *x,
				   struct headers *h);
	enum verdict (*on_response)(const void *config, void *state, struct exchange *x,
				    struct headers *h);
	/* Body bytes, which the filter may change, in either direction. WAIT keeps them: the
	 * next call has them in front of what came meanwhile. With `end` it cannot wait. */
	enum verdict (*on_data)(const void *config, void *state, struct exchange *x,
				struct buf *data, enum direction direction, bool end);
	enum verdict (*on_trailers)(const void *config, void *state, struct exchange *x,
				    struct headers *trailers, enum direction direction);
	/* The exchange is over, however it ended. */
	void (*on_end)(const void *config, void *state, struct exchange *x);
};

/* NULL for the router: it is not a filter of this kind but what stands behind them. */
const struct filter_ops *filter_ops_of(enum filter_kind kind);

/* A filter as it stands in a chain. */
struct filter_entry {
	const struct filter_ops *ops;
	const void *config;
	uint32_t state_offset; /* in the states of an exchange */
};

/* The filters of one connection manager, in order, without the router. */
struct filter_stack {
	struct filter_entry *items;
	uint32_t count;
	uint32_t state_bytes; /* of all together */
	bool sees_data;       /* one of them looks at bodies */
	bool sees_trailers;
	const struct router_settings *router;
};

/* In memory of its own; filter_stack_fini() frees it. */
void filter_stack_init(struct filter_stack *l, struct filter_settings *const *settings,
		       uint32_t count);
void filter_stack_fini(struct filter_stack *l);
