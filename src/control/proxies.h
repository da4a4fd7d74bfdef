#pragma once

/*
 * Proxies: those that are connected, and the life of their Workloads
 *
 *	stream opened, identity right         stream lost                10 s
 *	──────────────────────────────▶ UP ──────────────▶ LOST ───────────────▶ Workload deleted
 *	                                 ▲                    │
 *	                                 └────────────────────┘ stream opened again
 *
 * A Workload takes requests while its program is ready and its proxy is UP, or LOST for less
 * than the grace time. After a start of the control plane every Workload of the store begins
 * as LOST with the whole grace time: losing us withdraws nobody. Of a Service with three
 * endpoints or more, if more than a fifth would be withdrawn within one grace time, they are
 * kept: then it is more likely our view that is broken (a partition) than all of them.
 *
 * Beside Workloads, a proxy may connect that is no Workload (a real Envoy, a gateway) as long
 * as its SVID is of our trust domain; its node id is its name.
 */

#include "base/random.h"
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
	char *identity;            /* SPIFFE ID of the stream */
	char *version;             /* of the proxy program, as it says */
	struct wall_time since;    /* of the state */
	uint64_t revision_served;  /* newest that all its workers serve, as it reports */
	uint64_t reports;          /* of telemetry */
	uint64_t unchanged;        /* resources that it received unchanged, as it reports */
	struct list refusals;      /* struct proxy_refusal */
	struct proxies *owner;
	struct timer grace;
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
void proxies_each(const struct proxies *p, void (*on_proxy)(void *user, struct proxy *proxy),
		  void *user);

/* Nothing dirty, unanswered or parked, and its workers serve the last revision sent to it. */
bool proxy_is_programmed(const struct proxy *proxy);
/* A telemetry report came: what the proxy serves. */
void proxy_report(struct proxy *proxy, uint64_t revision_served, uint64_t unchanged);

/* Of those that want one of an object's resources, how many have programmed it. */
struct programmed {
	uint32_t ready;
	uint32_t of;
};
struct programmed proxies_programmed(const struct proxies *p, const struct document *doc);
/* The first refusal that concerns the object, or NULL. */
const struct proxy_refusal *proxies_refusal(const struct proxies *p, const struct document *doc,
					    const struct proxy **ret_proxy);
