#pragma once

/*
 * Delta xDS, client side: the protocol without the wire
 *
 * Keeps, per resource type, which names are wanted and which versions are held, and turns
 * that into DeltaDiscoveryRequests; takes DeltaDiscoveryResponses apart, gives each resource
 * to the callbacks and queues the ACK or NACK. It knows no connection: xds/client.c moves the
 * messages.
 *
 *	IDLE ──stream_opened──▶ FRESH ──first request(names, versions held)──▶ STREAMING
 *	  ▲                                                                      │
 *	  └────────────────────────────stream_closed────────────────────────────┘
 *
 * Rules (xDS protocol; gRFC A46):
 * - Interest and acknowledgement never share a message; a spontaneous request carries no
 *   nonce and is never empty.
 * - Valid resources of a response are used even when others are refused; a refused version
 *   is not recorded as held, so that a new stream asks for it again.
 * - Dropping a name and asking for it again are two messages, unsubscribe first.
 * - A duplicate name in one response, or a resource of another type, refuses the response.
 * - After a reconnect the first request of a type restates all names with the versions held;
 *   an unchanged resource is then not sent again. One that is counts as `unchanged`.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/dump.h"
#include "base/map.h"
#include "xds/types.h"

struct xds_resource {
	enum xds_type type;
	struct str name;
	struct str version;
	struct str bytes; /* the message inside the Any */
};

struct delta_client_callbacks {
	/* Decode, validate and stage. A negative code with its reason in `d` refuses this one. */
	int (*on_resource)(void *user, const struct xds_resource *r, struct diag *d);
	/* The server says that a name that was asked for (or held) does not exist. */
	void (*on_removed)(void *user, enum xds_type type, struct str name);
	/* All of a response has been given: apply what was staged, as one transaction. */
	void (*on_commit)(void *user, enum xds_type type, struct str system_version);
};

struct delta_client_stats {
	uint64_t responses;
	uint64_t resources;
	uint64_t unchanged; /* received with the version that was held */
	uint64_t acks;
	uint64_t nacks;
};

struct delta_client_type {
	struct map names; /* of struct delta_name */
	bool wildcard;    /* wanted */
	bool wildcard_sent;
	bool first_sent;    /* on this stream */
	uint32_t changes;   /* names whose interest was not sent yet */
	struct buf replies; /* queued ACKs and NACKs, each a length-prefixed request */
};

struct delta_client {
	const struct delta_client_callbacks *callbacks;
	void *user;
	struct str node; /* an encoded Node; borrowed */
	bool stream_open;
	bool node_sent;
	struct delta_client_type types[XDS_TYPE_COUNT];
	struct delta_client_stats stats;
};

void delta_client_init(struct delta_client *c, struct str node,
		       const struct delta_client_callbacks *callbacks, void *user);
void delta_client_fini(struct delta_client *c);

/* Interest; idempotent. It leaves with the next delta_client_next(). */
void delta_client_subscribe(struct delta_client *c, enum xds_type type, struct str name);
void delta_client_unsubscribe(struct delta_client *c, enum xds_type type, struct str name);
/* All resources of the type that the server has for this node. */
void delta_client_subscribe_all(struct delta_client *c, enum xds_type type);

/*
 * This version of a name is held already: kept by an earlier process, not received. It is said
 * with the first request of the type on the next stream. Has no effect where the name is not
 * wanted, neither by name nor among all, where a version is held, or where the server of this
 * stream was told already that none is.
 */
void delta_client_hold(struct delta_client *c, enum xds_type type, struct str name,
		       struct str version);

/* The version that is held, empty when none is. */
struct str delta_client_held(const struct delta_client *c, enum xds_type type, struct str name);

void delta_client_stream_opened(struct delta_client *c);
void delta_client_stream_closed(struct delta_client *c);

/* Writes the next request to *out (cleared first). False: there is nothing to say. */
bool delta_client_next(struct delta_client *c, struct buf *out);

/* Takes one response. ERR_PROTO when it does not parse, ERR_LIMIT when the server takes no
 * answers: the stream must be ended. */
must_check int delta_client_receive(struct delta_client *c, struct str message);

/* Looking inside; see base/dump.h. */
void delta_client_check(const struct delta_client *c);
void delta_client_dump(const struct delta_client *c, struct dump *d);
