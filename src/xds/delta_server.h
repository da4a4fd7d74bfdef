#pragma once

/*
 * Delta xDS, server side: one stream, the protocol without the wire
 *
 * A stream keeps, per type, what the client asked for and what it was sent; it queues
 * nothing: a change only marks a name dirty, and the newest content is taken when a message
 * can leave. So a slow client costs a mark per name, and a resource that changed ten times
 * is sent once.
 *
 *	           subscribe / changed               next()              ACK
 *	 (unknown) ──────────────────▶ DIRTY ───────────────▶ IN FLIGHT ─────▶ HELD
 *	                                 ▲                        │ NACK
 *	                                 │ content changes        ▼
 *	                                 └──────────────────── PARKED
 *
 * Rules (xDS protocol):
 * - Every name in a subscribe is answered: with the resource even when the client may have it,
 *   or in removed_resources; only a first request whose initial version equals ours is not.
 * - A name that does not exist stays subscribed and is pushed when it appears.
 * - A refused version is not sent again. A refused response of several resources is taken
 *   apart: each is sent once more alone, so that the culprit is known by name.
 * - An answer to what was taken away since says nothing of what the client has.
 * - A stale nonce never invalidates a change of interest.
 * - Order between types: clusters, endpoints, listeners, routes, secrets; for a client that
 *   takes all clusters, listeners and routes wait until it has acknowledged the clusters and
 *   has the endpoints of each. Removals of clusters and endpoints go last.
 * - "All" (`*`, or a first request without names) is what the source lists for this client. What
 *   is listed no longer is taken away. Which clusters a client uses follows from its listeners
 *   and routes: when one of these changes, all clusters are listed anew.
 * - A client that does not declare weft.eds_cache gets a cluster's endpoints again after the
 *   cluster, since Envoy warms a cluster only with a new endpoint response.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/dump.h"
#include "base/list.h"
#include "base/map.h"
#include "xds/interest.h"
#include "xds/types.h"

struct delta_stream;

/* What the source offers: borrowed until the next call into the source. */
struct delta_content {
	struct str version; /* hash of the bytes */
	struct str any;     /* an encoded google.protobuf.Any */
};

struct delta_source {
	/* The first request of the stream: its Node (encoded, borrowed). A negative code refuses
	 * the stream with PERMISSION_DENIED and the text in `d`. Sets delta_stream.eds_cache. */
	int (*on_node)(struct delta_stream *s, struct str node, struct diag *d);
	/* The current content of a name for this client. False: it does not exist. */
	bool (*on_lookup)(struct delta_stream *s, enum xds_type type, struct str name,
			  struct delta_content *ret_content);
	/* Calls delta_stream_offer() for each name that "all" means for this client, whether it
	 * exists or not. Comes before something is sent, once the client takes all and after each
	 * delta_stream_relist(). NULL: "all" is nothing here. */
	void (*on_list)(struct delta_stream *s, enum xds_type type);
	/* What the client did with a version; reason is empty for an ACK. May be NULL. */
	void (*on_answer)(struct delta_stream *s, enum xds_type type, struct str name,
			  struct str version, bool accepted, struct str reason);
	/* The revision of the content, for system_version_info. */
	uint64_t (*revision)(struct delta_stream *s);
};

struct delta_stream_type {
	struct map names; /* of struct delta_entry */
	bool wildcard;
	bool list_stale; /* what "all" means is to be asked for */
	bool asked;      /* a first request was seen */
	uint32_t dirty_count;
	uint32_t in_flight_count; /* responses without an answer */
	uint32_t parked_count;
	struct list dirty;     /* struct delta_entry.in_dirty, oldest first */
	struct list in_flight; /* struct delta_response */
};

struct delta_stream {
	const struct delta_source *source;
	void *user;
	struct interests *interests; /* set before the first request; NULL: told to nobody */
	bool node_seen;
	bool eds_cache; /* feature weft.eds_cache */
	uint64_t nonce_last;
	uint64_t revision_sent; /* newest revision that a response carried or that needed none */
	uint32_t names_max;     /* per type; 0: 100,000 */
	struct delta_stream_type types[XDS_TYPE_COUNT];
};

/* Most bytes of resources in one response; a single larger one goes alone. */
#define DELTA_RESPONSE_BYTES (1024 * 1024)
/* Responses of a type that may wait for their answer. */
#define DELTA_IN_FLIGHT_MAX  4

void delta_stream_init(struct delta_stream *s, const struct delta_source *source, void *user);
void delta_stream_fini(struct delta_stream *s);

/* Takes one request. ERR_PROTO, ERR_DENIED or ERR_LIMIT end the stream; text in `d`. */
must_check int delta_stream_receive(struct delta_stream *s, struct str message, struct diag *d);

/* The content of a name may have changed (or come, or gone). Cheap when nobody asked for it. */
void delta_stream_changed(struct delta_stream *s, enum xds_type type, struct str name);
/* What "all" means for this client may be something else now. */
void delta_stream_relist(struct delta_stream *s, enum xds_type type);
/* For on_list. */
void delta_stream_offer(struct delta_stream *s, enum xds_type type, struct str name);
bool delta_stream_wants(const struct delta_stream *s, enum xds_type type, struct str name);

/* Writes the next response to *out (cleared first). False: nothing can or need be sent now. */
bool delta_stream_next(struct delta_stream *s, struct buf *out);

/* Something waits for endpoints of clusters that the client has; it need not ask for them. */
bool delta_stream_is_warming(const struct delta_stream *s);
/* Clusters that the client has now are not waited for any more. */
void delta_stream_wait_no_longer(struct delta_stream *s);

/* Was the content that the client should have of the name refused by it? */
bool delta_stream_refuses(const struct delta_stream *s, enum xds_type type, struct str name);

/* Nothing dirty, unanswered or parked. */
bool delta_stream_is_settled(const struct delta_stream *s);
/* Names that the client refused and still lacks. */
uint32_t delta_stream_parked(const struct delta_stream *s);

/* Looking inside; see base/dump.h. */
void delta_stream_check(const struct delta_stream *s);
void delta_stream_dump(const struct delta_stream *s, struct dump *d);
