#pragma once

/*
 * The proxy as a whole: what the main thread owns
 *
 *	STARTING ──▶ LIVE ──▶ DRAINING ──▶ ENDED ──▶ the process ends
 *	               │         │           └ the stream to the control plane is ended in order,
 *	               │         │             within half a second
 *	               │         └ SIGTERM: accept nothing, finish what runs, at most drain_time
 *	               └ a second SIGTERM, or POST /quitquitquit: at once
 *
 * The main thread builds snapshots, serves admin requests and takes signals; workers serve
 * traffic. The link to the control plane (xDS, identity, reports) runs on the main thread's
 * loop and reaches the proxy through p->resources.
 */

#include "base/diag.h"
#include "event/signal.h"
#include "model/bootstrap.h"
#include "proxy/resources.h"
#include "proxy/worker.h"

enum proxy_state { PROXY_STARTING, PROXY_LIVE, PROXY_DRAINING, PROXY_ENDED };

struct admin;
struct mesh_link;

struct proxy_options {
	uint32_t concurrency; /* 0: cpus_allowed() */
	struct duration drain_time;
	const char *config_path; /* for admin */
};

struct proxy {
	struct loop *loop;
	struct bootstrap *bootstrap; /* owned */
	struct proxy_options options;
	enum proxy_state state;
	struct shared_domain domain;
	struct stats stats;
	struct metrics metrics;
	struct worker_group workers;
	struct snapshots snapshots;
	struct resources resources;
	struct inherited inherited;
	struct admin *admin;       /* NULL: none */
	struct mesh_link *link;    /* to the control plane, and the identity */
	struct chunk_stock chunks; /* of the main thread */
	struct random random;
	struct signal_source signals;
	struct instant started;
	struct wall_time wall_started;
	struct timer drain_timer;
	uint32_t dumps; /* that admin has under way */
};

/* Reads and compiles a bootstrap file. */
must_check int proxy_read_config(const char *path, struct bootstrap **ret_bootstrap,
				 struct diag *d);

/* Takes the bootstrap. Opens what listens, starts the workers. After a failure only
 * proxy_close() may follow. */
must_check int proxy_open_take(struct proxy *p, struct bootstrap *bootstrap,
			       const struct proxy_options *options, struct diag *d);
/* Until it is drained or told to end. */
must_check int proxy_run(struct proxy *p);
/* Stops the workers. The process is about to end: their memory is left to the system. */
void proxy_close(struct proxy *p);

/* Live, with an identity and an answer of the control plane, or what was kept of it, where those
 * are configured. */
bool proxy_is_ready(const struct proxy *p);

/* As SIGTERM: the first time drains, the second ends. */
void proxy_terminate(struct proxy *p);
/* As admin's /drain_listeners: accepts nothing any more, and stays. */
void proxy_drain_listeners(struct proxy *p);
/* Ends now. */
void proxy_quit(struct proxy *p);

/* Looking inside; see base/dump.h. */
/* What the main thread owns: on that thread. */
void proxy_check(const struct proxy *p);
void proxy_dump(const struct proxy *p, struct dump *d);
