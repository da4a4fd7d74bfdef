#pragma once

/*
 * The link to the control plane
 *
 *	identity ──SVID──▶ secrets `default`, `ROOTCA` ──▶ resources
 *	   │                                                ▲   │ wants a name
 *	   └──▶ TLS of the connection ◀── xDS client ───────┘◀──┘
 *	                                     ▲
 *	        metrics, revision ── OTLP ───┘ on the same connection, each second
 *
 * What the resources want is subscribed to, what they do not want any more is left. Everything
 * in one response becomes one change. Without a control plane (a file with static resources
 * only) a name that is wanted and not there is known not to exist.
 *
 * Losing the control plane changes nothing: what is held goes on, the client comes back.
 *
 * Starting without one neither, where the identity has a directory: what an earlier process
 * kept there (proxy/keeper.h) is used once it is clear that no control plane answers.
 *
 *	                     the server answers
 *	          ┌──────────────────────────────────────────▶ FRESH: nothing kept is used
 *	 WAITING ─┼─ no connection, or no answer in 1 s ─────▶ KEPT: the file serves, until
 *	          │                                             answers replace it, one by one
 *	          └─ the server refuses this proxy ──────────▶ REFUSED: an answer, too
 *
 * The versions of what is kept are restated, so that a server that comes back sends only what
 * differs.
 */

#include "base/random.h"
#include "event/loop.h"
#include "model/bootstrap.h"
#include "net/chunk.h"
#include "proxy/keeper.h"
#include "proxy/metrics.h"
#include "proxy/resources.h"
#include "xds/client.h"

/* How long a start waits for the control plane before what is kept serves. */
#define MESH_LINK_GRACE DURATION_SECONDS(1)

struct mesh_link;

struct mesh_link_options {
	struct loop *loop; /* the main thread's */
	struct chunk_stock *chunks;
	struct random *random;
	const struct bootstrap *bootstrap; /* outlives the link */
	struct resources *resources;       /* whose handler the link becomes */
	struct metrics *metrics;
	/* Instead of a connection to an endpoint of the control plane; for tests. */
	struct conn *(*connect)(void *user);
	void *connect_user;
};

/* Applies nothing yet; ERR_CONFIG or ERR_DENIED with the reason in `d`. */
must_check int mesh_link_new(const struct mesh_link_options *options, struct mesh_link **ret_link,
			     struct diag *d);
/* Begins to obtain the identity and to connect. */
void mesh_link_start(struct mesh_link *l);
/*
 * Ends both, the stream in order. on_stopped comes once, within XDS_STOP_TIME or a little more,
 * also from inside this function; mesh_link_free() then, in a later turn of the loop.
 */
void mesh_link_stop(struct mesh_link *l, void (*on_stopped)(void *user), void *user);
bool mesh_link_is_idle(const struct mesh_link *l);
struct mesh_link *mesh_link_free(struct mesh_link *l);

/* Has the proxy what it needs to begin: an identity where one is configured, and an answer of
 * the control plane, or what was kept of it, where there is one. Stays true when the control plane
 * is lost later. */
bool mesh_link_is_ready(const struct mesh_link *l);

/* For admin and metrics. */
struct mesh_link_stats {
	bool connected;
	struct xds_client_stats xds;
	uint64_t reports_sent;
	uint64_t reports_failed;
	uint64_t refused; /* resources that did not compile */
	struct keeper_stats kept;
};
struct mesh_link_stats mesh_link_stats(const struct mesh_link *l);

/* Looking inside; see base/dump.h. */
void mesh_link_check(const struct mesh_link *l);
void mesh_link_dump(const struct mesh_link *l, struct dump *d);
