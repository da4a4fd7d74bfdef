#pragma once

/*
 * Upstreams: a worker's view of clusters and their endpoints
 *
 *	worker_cluster ── by slot of the snapshot; chooses endpoints
 *	     └── upstream ── one endpoint; made when it is first chosen
 *	              └── upstream_conn ── one HTTP connection (pool.c)
 *
 * A new snapshot moves a worker_cluster to the new cluster state. Upstreams whose host is still
 * there stay with their connections; others are retired: idle connections close, busy ones
 * finish, waiting requests are sent elsewhere. A changed TLS context or cluster lets old
 * connections end after their request.
 *
 * An endpoint that just failed before it answered is suspect: for a second, longer when it
 * goes on, others are chosen in its place where there are others. Without that a dead
 * endpoint, which never has a request running, looks like the best one.
 */

#include "base/list.h"
#include "proxy/cluster_state.h"
#include "proxy/reasons.h"
#include "proxy/worker.h"

struct worker_cluster {
	struct worker *worker;
	struct cluster_state *state; /* held */
	struct counter *cells;
	struct histogram *times;
	struct upstream **by_index; /* parallel to the endpoints of the state; NULL: not yet used */
	struct balance_cursor cursor;
	struct list upstreams;        /* all, retired ones too */
	struct instant suspect_until; /* none of them is suspect from then on */
	bool detached;                /* the snapshot has no such cluster any more */
};

struct upstream {
	struct list in_cluster;
	struct worker_cluster *cluster;
	struct cluster_state *state;     /* held: the newest with this endpoint */
	const struct endpoint *endpoint; /* in state */
	struct host *host;               /* held */
	uint32_t refs;                   /* attempts, TCP sessions and pool connections */
	uint32_t generation;             /* of connections: older ones end when they are idle */
	bool retired;
	uint8_t failures; /* in a row */
	struct instant suspect_until;
	struct request_series *series[METRIC_TLS_COUNT]; /* of requests to it; see metrics.h */
	/* The pool; see pool.h. */
	struct list ready;   /* can take a stream; the most recently used first */
	struct list others;  /* connecting, busy, draining */
	struct list waiters; /* struct pool_request */
	uint32_t ready_count;
	uint32_t conn_count; /* in both lists */
	uint32_t idle_room;  /* ready ones that it may keep, of the endpoint's */
	uint32_t connecting;
	uint32_t arriving; /* from other workers */
	uint32_t waiter_count;
	bool multiplexes; /* the last connection was HTTP/2 */
	struct timer idle;
	struct pool_ask *ask; /* out with another worker, or NULL */
	struct instant ask_again;
	uint32_t ask_next;
	struct timer ask_timer; /* of an ask, or until the next one */
	struct deferred reap;
};

/* On a new snapshot: NULL before or after means that the cluster comes or goes. Returns the
 * worker_cluster for the slot from now on. */
struct worker_cluster *worker_cluster_update(struct worker *w, struct worker_cluster *wc,
					     struct cluster_state *state);

/* The endpoints a request has tried, for choosing another one. */
#define TRIED_MAX 8

struct tried_hosts {
	struct host *hosts[TRIED_MAX];
	uint32_t count;
};

void tried_hosts_add(struct tried_hosts *t, struct host *h);
bool tried_hosts_have(const struct tried_hosts *t, const struct host *h);

/*
 * Chooses an endpoint, not one of `tried` (may be NULL). NULL when there is none. The caller
 * takes a reference for as long as it uses the upstream.
 */
struct upstream *worker_cluster_pick(struct worker_cluster *wc, const struct tried_hosts *tried);

/* Is there one that was not tried? */
bool worker_cluster_has_untried(const struct worker_cluster *wc, const struct tried_hosts *tried);

/* It could not be reached or ended without an answer; it answered. */
void upstream_failed(struct upstream *u);
void upstream_worked_again(struct upstream *u);

static inline void upstream_worked(struct upstream *u)
{
	if (unlikely(u->failures))
		upstream_worked_again(u);
}

void upstream_ref(struct upstream *u);
void upstream_unref(struct upstream *u);

/* Opens a connection to the endpoint, with TLS where the cluster has it. NULL when its secrets
 * are missing. The handler must be set in this turn. */
struct conn *upstream_dial(struct upstream *u);

/* What became of a connection that failed before it was open. */
enum reason upstream_connect_reason(const struct conn *c, int error);
/* Counts a connection that opened, or failed to, with its TLS. */
void upstream_count_tls(struct worker_cluster *wc, const struct conn *c, bool opened);

/* The worker stops: everything closes now. Returns NULL. */
struct worker_cluster *worker_cluster_stop(struct worker_cluster *wc);

/* Looking inside; see base/dump.h. */
void worker_cluster_check(const struct worker_cluster *wc);
void worker_cluster_dump(const struct worker_cluster *wc, struct dump *d);
