#pragma once

/*
 * Proxies: those that are connected, and the life of their Workloads
 *
 *	stream opened, identity right         stream lost                grace, 10 s
 *	──────────────────────────────▶ UP ──────────────▶ LOST ───────────────────▶ withdrawn
 *	                                 ▲                    │
 *	                                 └────────────────────┘ stream opened again
 *
 * A Workload takes requests while its program is ready and its proxy is UP, or LOST for less
 * than the grace time. Withdrawn it takes none: one that its program registered is deleted; one
 * that a person applied stays as written, and takes requests again when its proxy comes back.
 * After a start of the control plane every Workload of the store begins as LOST with the whole
 * grace time: losing us withdraws nobody.
 *
 * Of a Service with three endpoints or more, if more than a fifth, and more than one, are lost
 * within one grace time, they are kept: then it is more likely our view that is broken (a
 * partition) than all of them. That is a finding until they come back or are deleted.
 *
 * Weft's proxy (feature weft.proxy) asks for what it uses by name and reports which revision its
 * workers serve. Of others, such as a real Envoy, "all" is what their bootstrap says (scope.h),
 * and what they acknowledged counts as served.
 *
 * A proxy is known by its node id, NAMESPACE/WORKLOAD; its stream is refused unless there is
 * that Workload and the SVID is of its account, and ended when that becomes untrue.
 */

#include "control/state.h"
#include "xds/server.h"

struct proxies;

enum proxy_state { PROXY_UP, PROXY_LOST };

/* A resource that a proxy refused. */
struct proxy_refusal {
	struct list in_proxy;
	enum xds_type type;
	char *name;
	char *version;
	char *reason;
};

struct proxy {
	char *id; /* "NAMESPACE/WORKLOAD" */
	struct str name_space;
	struct str workload;
	enum proxy_state state;
	struct xds_stream *stream; /* NULL while LOST */
	char *version;             /* of the proxy program, as it says */
	struct wall_time since;    /* of the state */
	struct wall_time known;    /* since we know of it */
	bool live;                 /* its Workload takes requests, when its program is ready */
	bool kept;                 /* lost for longer than the grace time, and kept */
	bool tells_served;         /* it tells what it serves */
	uint64_t revision_served;  /* newest that all its workers serve, as it reports */
	uint64_t unchanged;        /* resources that it received unchanged, as it reports */
	struct list refusals;      /* struct proxy_refusal */

	/* Of telemetry.c: what it reported last, by series; blocks of mem_new(). */
	struct map reported;
	uint64_t reports;
	uint64_t started_ns; /* the process, as it says */

	/* private */
	struct proxies *owner;
	struct scope *scope; /* of the stream: what "all" means; NULL: nothing */
	struct timer grace;
	struct list in_due;
	uint64_t counted; /* the last count that it was part of */
};

struct proxies_options {
	struct loop *loop;
	struct duration grace; /* 0: 10 s */
};

struct proxies *proxies_new(const struct proxies_options *options);
/* All streams must be closed. */
struct proxies *proxies_free(struct proxies *p);
/* Before state_new(): is_live() is asked from there. Then begins to watch the state. */
bool proxies_is_live(void *proxies, const struct document *workload);
void proxies_start(struct proxies *p, struct state *state);

/* The method of the xDS service: hands the call to the xDS server. */
void proxies_accept(struct proxies *p, struct grpc_call *call);
/* Ends all streams. */
void proxies_close(struct proxies *p);

struct proxy *proxies_find(const struct proxies *p, struct str id);
struct proxy *proxies_of_workload(const struct proxies *p, const struct document *workload);
void proxies_each(const struct proxies *p, void (*on_proxy)(void *user, struct proxy *proxy),
		  void *user);

struct proxies_counters {
	uint32_t streams;   /* open now */
	uint64_t refused;   /* streams: no such Workload, or not its identity */
	uint64_t nacks;     /* resources that a proxy refused */
	uint64_t withdrawn; /* Workloads whose proxy was lost for longer than the grace time */
};
struct proxies_counters proxies_counters(const struct proxies *p);

/* The service of its Workload (label app); empty when it has none. */
struct str proxy_service(const struct proxy *proxy);
/* Does the proxy still lack what it refused? */
bool proxy_refusal_holds(const struct proxy *proxy, const struct proxy_refusal *r);
/* The newest revision that it serves, as it reports, or that it has acknowledged whole; 0 for one
 * that does not report and has something to acknowledge. */
uint64_t proxy_served(const struct proxy *proxy);
/* Nothing dirty, unanswered or parked, and its workers serve the last revision sent to it. */
bool proxy_is_programmed(const struct proxy *proxy);
/* A telemetry report told which revision the proxy serves. */
void proxy_report(struct proxy *proxy, uint64_t revision_served, uint64_t unchanged);

/* What became of an object in the proxies that want one of its resources. */
struct programmed {
	uint32_t ready; /* have programmed it */
	uint32_t of;
	/* The first refusal of a resource of it, and whose; or NULL. */
	const struct proxy_refusal *refusal;
	const struct proxy *refused_by;
};
struct programmed proxies_programmed(struct proxies *p, const struct document *doc);

/* Looking inside; see base/dump.h. */
void proxies_check(const struct proxies *p);
void proxies_dump(const struct proxies *p, struct dump *d);
