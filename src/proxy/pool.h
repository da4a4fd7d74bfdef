#pragma once

/*
 * Pools of HTTP connections
 *
 * Each upstream of a worker has one. A request takes the most recently used connection that
 * is free (HTTP/1) or has room (HTTP/2), and waits for one otherwise; what waits causes
 * connections to be opened, as far as the breakers allow. HTTP/1 is opened one for one;
 * towards an endpoint that speaks HTTP/2, requests wait for the one that is coming.
 *
 *	             dial                 open                 begin
 *	   (none) ─────────▶ connecting ───────▶ ready ─────────────▶ busy
 *	                          │                ▲     stream ended   │
 *	                          ▼                └────────────────────┘
 *	                       failed: the first waiter fails with it
 *
 * A connection ends when it was idle for the cluster's idle time, when it carried its number of
 * requests, when the peer drains it, when its endpoint is retired, and when it would be idle and
 * all workers together have as many idle ones as the endpoint may have. One that is idle may
 * move to the pool of another worker; see pool_share.h.
 */

#include "http/client.h"
#include "proxy/upstream.h"

/* Requests that one connection in the making may serve, when the endpoint speaks HTTP/2. */
#define POOL_STREAMS_EXPECTED 100

struct upstream_conn {
	struct list in_pool; /* ready or others of the upstream */
	struct upstream *upstream;
	struct http_client_conn *client;
	struct conn *conn; /* its transport; until on_closed */
	enum {
		POOL_CONN_CONNECTING,
		POOL_CONN_READY,
		POOL_CONN_BUSY,
		POOL_CONN_ENDING,
		POOL_CONN_ARRIVING, /* from another worker, and not looked at yet */
	} state;
	uint32_t generation;
	uint32_t requests; /* begun so far */
	bool http2;
	bool local_close;     /* we end it */
	bool timed_out;       /* while connecting */
	struct instant since; /* dialled, or idle */
	struct instant dialled;
	struct timer connect_timer;
	struct timer lifetime; /* until shortly before the peer's certificate ends */
	struct deferred reap;  /* also: looks at one that arrived */
};

/* A request that wants a connection: embedded in whoever waits. */
struct pool_request {
	/* The connection is there: call pool_begin() now. */
	void (*on_ready)(struct pool_request *r, struct upstream_conn *uc);
	/* No connection: the endpoint cannot be reached, or left. Nothing was sent. */
	void (*on_failed)(struct pool_request *r, enum reason reason, struct str detail);
	uint8_t priority;
	uint8_t codec; /* enum http_codec the stream needs; AUTO: either */
	/* Only a connection that has carried no request yet, or that takes many and was dialled
	 * no earlier than this. */
	bool fresh;
	struct instant fresh_since;
	/* private */
	struct list in_waiters;
	struct upstream *upstream;
};

enum pool_result {
	POOL_READY,  /* *ret_conn can take a stream now */
	POOL_WAIT,   /* a callback follows */
	POOL_FULL,   /* a breaker is open: no callback */
	POOL_NO_TLS, /* the secrets of the cluster are missing: no callback */
};

enum pool_result pool_get(struct upstream *u, struct pool_request *r,
			  struct upstream_conn **ret_conn);
/* Stops waiting. Accepts one that does not wait. */
void pool_cancel(struct pool_request *r);
/* Begins a stream. NULL when the connection ended in the meantime. */
struct stream *pool_begin(struct upstream_conn *uc, const struct stream_handler *handler,
			  void *user);

void pool_open(struct upstream *u);
/* Requests go elsewhere; idle connections close; busy ones when their streams ended. */
void pool_retire(struct upstream *u);
/* Connections of before end when they are idle. */
void pool_renew(struct upstream *u);
/* Ends all connections at once: the worker stops. */
void pool_close(struct upstream *u);

/* Looking inside; see base/dump.h. */
void pool_check(const struct upstream *u);
void pool_dump(const struct upstream *u, struct dump *d);
