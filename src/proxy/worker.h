#pragma once

/*
 * Workers: the threads that serve
 *
 * A worker owns a loop, its connections, its pools, a stock of chunks, a random generator and
 * its cells of every counter. Workers share listening sockets and immutable snapshots, and
 * talk to each other and to the main thread by tasks only. What is read across threads (how
 * many connections a worker has) is a relaxed number on a cache line of its own.
 *
 * A connection is accepted by whichever worker woke up. A worker with more than its share
 * hands it to the least loaded, before a byte was read. What is on its way counts where it
 * goes, so that a burst accepted in one turn is spread over all. Once a drain has begun nothing
 * is handed over, and no worker is drained while something is on its way to it.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"
#include "event/loop.h"
#include "net/chunk.h"
#include "net/conn.h"
#include "proxy/metrics.h"
#include "proxy/snapshot.h"
#include "proxy/stats.h"

struct log_files;
struct worker;
struct worker_cluster;
struct worker_port;

struct worker_load {
	_Alignas(64) _Atomic uint32_t connections; /* written by the worker alone */
	_Atomic uint32_t coming;                   /* on their way from others */
};

/* Defaults of the limits below. */
#define WORKER_HELD_MAX          1024
#define WORKER_HOLD_TIMEOUT      DURATION_SECONDS(15)
#define WORKER_CONNECTIONS_MAX   1000000
#define WORKER_ENDPOINT_IDLE_MAX 1024
#define WORKER_DRAIN_TIME        DURATION_SECONDS(600)

struct worker_options {
	/* Held connections per worker while a listener is not there, and how long. */
	uint32_t held_max;
	struct duration hold_timeout;
	/* Connections per worker in all. */
	uint32_t connections_max;
	/* Idle connections per endpoint, over all workers. */
	uint32_t endpoint_idle_max;
	/* How HTTP connections are ended at a drain: no later than this. */
	struct duration drain_time;
};

/* All workers of a process: made by the main thread, immutable while they run. */
struct worker_group {
	struct worker **workers;
	struct snapshot_reader **readers; /* of the workers, for snapshots_init() */
	struct worker_load *loads;
	uint32_t count;
	struct worker_options options;
	struct shared_domain *domain;
	struct stats *stats;
	struct stat_scope *server_stats;
	struct metrics *metrics;
	struct loop *main_loop;
	/* Opens connections to endpoints; tests put their own in. */
	struct conn *(*dial)(struct worker *w, const struct address *peer);
	/* On the main thread, each may be NULL: all workers accept nothing any more, and none has a
	 * connection left. */
	void (*on_accepting_ended)(struct worker_group *g);
	void (*on_drained)(struct worker_group *g);
	uint32_t accepting_ended;
	uint32_t drained;
	_Atomic bool draining; /* set before the workers are told */
};

/*
 *	serving ──▶ draining ──▶ drained
 *	   └────────────┴───────────┴──▶ stopping
 *
 * Draining, it accepts nothing and its connections end. Drained, it has none left, and the main
 * thread was told. Stopping, its loop ends with this turn.
 */
enum worker_state {
	WORKER_SERVING,
	WORKER_DRAINING,
	WORKER_DRAINED,
	WORKER_STOPPING,
};

struct worker {
	struct worker_group *group;
	uint32_t index;
	struct loop *loop;
	struct chunk_stock chunks;
	struct random random;
	struct snapshot_reader reader;
	struct counter *cells; /* of the server's scope */
	struct log_files *logs;
	struct worker_cluster **clusters; /* by slot */
	uint32_t cluster_count;
	struct worker_port **ports; /* by slot */
	uint32_t port_count;
	struct list downstreams; /* struct downstream, in order of their coming */
	struct list held;        /* those that wait for their listener */
	uint32_t downstream_count;
	uint32_t held_count;
	uint64_t connection_id;
	enum worker_state state;
	struct timer stop_timer;
	struct deferred stop_later;
	struct task accepting_ended_task;
	struct task drained_task;
	int64_t logged_second;   /* of the two counts below */
	uint32_t logged_count;   /* lines that peers caused */
	uint32_t unlogged_count; /* and those that were too many */
	int64_t date_second;     /* of `date` */
	char date[32];
	pthread_t thread;
	bool thread_started;
};

/* The group and its workers, with a loop each, not yet running. With a seed other than 0 the
 * random generators are fixed: for tests. */
struct worker_group_options {
	uint32_t count;
	uint64_t seed;
	struct loop *main_loop;
	struct loop *one_loop; /* tests: all workers run on this loop; NULL: a loop each */
	struct shared_domain *domain;
	struct stats *stats;
	struct metrics *metrics;
	struct worker_options limits;
};

must_check int worker_group_init(struct worker_group *g,
				 const struct worker_group_options *options);
/* The threads have ended. Closes what is still open. */
void worker_group_fini(struct worker_group *g);

must_check int worker_group_start(struct worker_group *g);
/* Waits for the threads to end, after worker_group_stop(). */
void worker_group_join(struct worker_group *g);

/* From the main thread, carried out by tasks. */
void worker_group_drain(struct worker_group *g); /* accept nothing, finish what runs */
void worker_group_stop(struct worker_group *g);  /* end now */
void worker_group_reopen_logs(struct worker_group *g);

/* May a line that a peer caused be logged? So many a second may; how many were left out is
 * logged before the next that may. */
#define WORKER_LOGGED_MAX 20
bool worker_may_log(struct worker *w);

/* The cluster of a slot in the worker's current snapshot; NULL when it has none. */
struct worker_cluster *worker_cluster_at(const struct worker *w, uint32_t slot);
/* The current listener of a slot; NULL while it is not there. */
struct listener_state *worker_listener_at(const struct worker *w, uint32_t slot);

/* The present time as Date wants it: "Fri, 27 Nov 2026 08:23:16 GMT". */
struct str worker_date(struct worker *w);

/* A connection came or went: for the share of the worker and for the end of a drain. */
void worker_connections_add(struct worker *w, int n);

/* Looking inside; see base/dump.h. */
void worker_check(const struct worker *w);
void worker_dump(const struct worker *w, struct dump *d);
