#pragma once

/*
 * Exchanges: one request of a client and its way through the proxy
 *
 *	       filters            route, endpoint, connection          response
 *	FILTERS ──────▶ ROUTED ──┬─▶ CONNECTING ──▶ UPSTREAM ─────────▶ RESPONSE ──▶ ENDED
 *	                         │        │             │                   ▲
 *	                         └────────┴── BACKOFF ◀─┘                   │
 *	                                   (a retry)        own answer: LOCAL
 *
 * The exchange lives in the pool of the client's stream. Its parts are files: exchange.c
 * begins and ends it and takes the client's events, chain.c runs the filters, request_head.c
 * and response_head.c change headers, router.c finds the route, attempt.h carries one attempt
 * to one endpoint, retry.c decides about another, reply.c answers by itself.
 *
 * An attempt is cut from the exchange before it is reset or finished (attempt_end), so no event
 * of an upstream stream reaches an exchange that is done with it.
 */

#include <assert.h>

#include "base/state.h"
#include "http/stream.h"
#include "model/routes.h"
#include "proxy/deadlines.h"
#include "proxy/downstream.h"
#include "proxy/filters.h"
#include "proxy/pool.h"
#include "proxy/retry.h"

enum exchange_state {
	EXCHANGE_FILTERS,
	EXCHANGE_ROUTED,
	EXCHANGE_CONNECTING,
	EXCHANGE_BACKOFF,
	EXCHANGE_UPSTREAM,
	EXCHANGE_RESPONSE,
	EXCHANGE_LOCAL,
	EXCHANGE_ENDED,
};

/* One attempt at one endpoint. */
struct attempt {
	struct pool_request pooled;
	struct upstream *upstream; /* a reference; NULL: no attempt runs */
	struct stream *stream;     /* NULL: no connection yet */
	struct instant since;
	bool sent;   /* a byte of the request may have left */
	bool reused; /* on a connection that had carried requests before */
};

/* The body of the request: what waits for a connection, and what is kept for a retry. */
struct request_body {
	struct buf bytes;
	size_t sent;  /* of bytes, by the present attempt */
	bool keeping; /* bytes hold all of the body from its beginning on */
	bool lost;    /* some of it was sent and not kept: no retry */
	bool paused;  /* the client's stream */
};

struct exchange {
	struct stream *down; /* NULL once it is closed */
	struct downstream *client;
	struct worker *worker;
	struct snapshot *snapshot; /* held */
	const struct http_state *http;
	enum exchange_state state;
	struct deadlines *deadlines;  /* the client's connection's, or own_deadlines */
	struct duration idle_timeout; /* the connection manager's, then the route's */

	struct headers *request;
	struct headers *request_trailers;
	bool request_ended;
	bool request_sent; /* its end, by the present attempt */
	bool response_started;
	bool response_ended;
	struct request_body body;

	/* Filters: where a waiting one goes on. */
	char *filter_states;
	uint32_t filter_at;
	bool filter_waits;
	struct buf filter_data[2]; /* by direction, when a filter looks at bodies */
	struct headers *response;  /* on its way through the filters */
	bool response_ends;        /* with its head */
	bool response_held;        /* body came while its head waited: in filter_data */
	bool response_held_end;

	const struct virtual_host *host;
	const struct route *route;
	const struct weighted_cluster *target;
	const struct route_table *table;
	struct attempt attempt;
	struct retry retry;
	bool retry_counted;    /* holds one of the breaker's retries */
	struct deferred again; /* the next attempt, when it need not wait */
	struct tried_hosts tried;

	/* What it came to, for logs and counters. */
	uint16_t status;
	uint16_t attempts;
	uint32_t flags; /* set of response_flag_bit() */
	enum reason reason;
	struct str details; /* instead of the reason's own; empty: that */
	struct str transport_failure;
	struct upstream *last_upstream; /* a reference; of the last attempt */
	struct str upstream_cluster;    /* lives as long as the snapshot */
	struct address *upstream_local; /* when a log asks for it */
	enum metric_tls upstream_tls;
	const char *upstream_tls_version; /* "TLSv1.3"; NULL: none */
	struct str original_path;
	struct headers *logged_response; /* copies, when a log asks for them */
	struct headers *logged_trailers;
	struct str upstream_peer; /* the name in its certificate */
	struct instant since;
	struct instant request_end_at;
	struct instant response_begin_at;
	uint64_t bytes_received;
	uint64_t bytes_sent;
	uint8_t upstream_protocol;        /* 11, 20; 0: no answer */
	struct deadlines own_deadlines[]; /* HTTP/2: one */
};

/* A request begins on a stream of a client's connection. */
void exchange_open(struct downstream *client, struct stream *s);

/* For filters. */

/* A filter that waited is done: on to the next. */
void exchange_continue(struct exchange *x);

struct reply {
	enum reason reason;
	uint16_t status;     /* 0: the reason's */
	struct str text;     /* empty: the reason's; borrowed for the call */
	struct str details;  /* empty: the reason's; lives as long as the exchange */
	struct str location; /* of redirects */
};

/* Answers, instead of the upstream. Where the response has begun already, the client's stream
 * is reset. */
void exchange_reply(struct exchange *x, const struct reply *reply);
/* Ends the client's stream without an answer. refused: nothing was processed. */
void exchange_reset(struct exchange *x, enum reason reason, bool refused);

/* Between the files of the exchange. */

/*
 * Where an exchange may go from each state. Ended it may be told to end once more.
 *
 *	FILTERS ─▶ ROUTED ─▶ CONNECTING ─▶ UPSTREAM ─▶ RESPONSE ─▶ ENDED
 *	                       ▲    │          │                     ▲
 *	                       │    ▼          ▼                     │
 *	                       └─ BACKOFF ◀────┘    any but ENDED ─▶ LOCAL
 */
#define EXCHANGE_TO(state) STATE_TO(EXCHANGE_##state)
#define EXCHANGE_TO_END    (EXCHANGE_TO(LOCAL) | EXCHANGE_TO(ENDED))

/* Bytes beside the names, and not rows of both: every request looks here six times. */
static const uint8_t exchange_moves[] = {
	[EXCHANGE_FILTERS] = EXCHANGE_TO(ROUTED) | EXCHANGE_TO_END,
	[EXCHANGE_ROUTED] = EXCHANGE_TO(CONNECTING) | EXCHANGE_TO_END,
	[EXCHANGE_CONNECTING] = EXCHANGE_TO(UPSTREAM) | EXCHANGE_TO(BACKOFF) | EXCHANGE_TO_END,
	[EXCHANGE_BACKOFF] = EXCHANGE_TO(CONNECTING) | EXCHANGE_TO_END,
	[EXCHANGE_UPSTREAM] = EXCHANGE_TO(RESPONSE) | EXCHANGE_TO(BACKOFF) | EXCHANGE_TO_END,
	[EXCHANGE_RESPONSE] = EXCHANGE_TO_END,
	[EXCHANGE_LOCAL] = EXCHANGE_TO(ENDED),
	[EXCHANGE_ENDED] = EXCHANGE_TO(ENDED),
};

extern const char *const exchange_state_names[];

static inline void exchange_move(struct exchange *x, enum exchange_state to)
{
	assert(exchange_moves[x->state] & STATE_TO(to));
	state_trace(&x->state, "exchange", exchange_state_names[x->state],
		    exchange_state_names[to]);
	x->state = to;
}

static inline struct pool *exchange_pool(struct exchange *x)
{
	return &x->down->pool;
}

static inline bool exchange_is_over(const struct exchange *x)
{
	return x->state == EXCHANGE_LOCAL || x->state == EXCHANGE_ENDED;
}

struct counter *exchange_cells(const struct exchange *x); /* of the HTTP scope */
/* Notes why, and counts it. */
void exchange_reason(struct exchange *x, enum reason reason);

/* Runs the request through the filters from x->filter_at on, then to the router. */
void chain_request(struct exchange *x);
/* The response's head, from the last filter to the first, then to the client. */
void chain_response(struct exchange *x, struct headers *h, bool end);
/* Body bytes. False: a filter keeps them or has ended the exchange; otherwise *data is what goes
 * on, and the buffer of that direction is to be cleared then. Only called when a filter looks
 * at bodies. */
bool chain_data(struct exchange *x, enum direction direction, struct str *data, bool end);
void chain_end(struct exchange *x);

/* Changes the head of the request as the connection manager says. False: answered. */
bool request_head_prepare(struct exchange *x);
/* What the route says: mutations, host, path. */
void request_head_route(struct exchange *x);
/* What depends on the attempt. */
void request_head_attempt(struct exchange *x);
/* The head of the response, before the filters see it, and behind them. */
void response_head_route(struct exchange *x, struct headers *h);
void response_head_finish(struct exchange *x, struct headers *h);

void router_start(struct exchange *x);

/* Begins an attempt at an endpoint that was not tried; ends the exchange when there is none. */
void attempt_start(struct exchange *x);
/* The client's body goes on. */
void attempt_data(struct exchange *x, struct str data, bool end);
/* Cuts the attempt off; what still runs is reset. Accepts that there is none. */
void attempt_end(struct exchange *x);
/* At the end of the exchange: whatever the attempts hold. */
void attempt_fini(struct exchange *x);
/* The attempt failed: another one, or the end. */
void attempt_failed(struct exchange *x, enum reason reason, struct str detail);
/* The client's side can take more. */
void attempt_resume_response(struct exchange *x);

/* Sends on to the client. */
void exchange_send_head(struct exchange *x, struct headers *h, bool end);
void exchange_send_data(struct exchange *x, struct str data, bool end);
void exchange_send_trailers(struct exchange *x, struct headers *trailers);

/* Looking inside; see base/dump.h. */
void exchange_check(const struct exchange *x);
void exchange_dump(const struct exchange *x, struct dump *d);
