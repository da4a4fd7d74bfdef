#pragma once

/*
 * TCP sessions: bytes from a client to an endpoint and back
 *
 * One upstream connection for each downstream connection, opened at once. While it is being
 * opened the client is not read. Afterwards each side's bytes go to the other; a side that
 * takes no more pauses the one that sends; the end of one direction is passed on and the other
 * direction goes on. Where a connection cannot be made no byte is lost, so the next endpoint is
 * tried.
 *
 *	CONNECTING ──▶ OPEN ──▶ CLOSED
 *	    │  ▲        idle, an end, a reset
 *	    └──┘ next endpoint
 */

#include "proxy/downstream.h"
#include "proxy/upstream.h"

struct tcp_session {
	struct downstream *client;
	const struct tcp_proxy *settings;
	const struct weighted_cluster *target;
	struct counter *cells;
	enum { TCP_CONNECTING, TCP_OPEN, TCP_CLOSED } state;
	struct upstream *upstream; /* a reference while it has a connection; kept for logs */
	bool counted;              /* the endpoint's and the cluster's counts have it */
	struct conn *up;           /* NULL: none */
	struct tried_hosts tried;
	uint32_t attempts;
	struct timer timer; /* connecting, then idle */
	struct instant active_at;
	struct deferred again;
	struct deferred reap;
	/* For logs. */
	enum reason reason;
	uint32_t flags;
	uint64_t bytes_received; /* from the client */
	uint64_t bytes_sent;
	char transport_failure[160];
};

/* d->chain is chosen and d->conn open. Ends with downstream_closed(). */
void tcp_session_open(struct downstream *d);
/* Ends now. */
void tcp_session_close(struct tcp_session *t, enum reason reason);

/* Looking inside; see base/dump.h. */
void tcp_session_check(const struct tcp_session *t);
void tcp_session_dump(const struct tcp_session *t, struct dump *d);
