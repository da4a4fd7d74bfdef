#pragma once

/*
 * xDS client: delta ADS over one gRPC stream
 *
 * Moves the messages of a delta_client over a connection that the user makes, and makes it
 * anew when it breaks. The wait before an attempt is drawn between a quarter of the back-off
 * and the whole, so that clients that lost one server spread; the back-off is 0.2 s and grows
 * by 1.6 to 5 s, from the start again once the server took a stream or one lasted 5 s. While
 * nobody takes the connection at all it grows to `unreached_max` only: where an attempt costs
 * nobody anything (the same machine), a server that is back is found sooner.
 *
 * What is held survives; changes of interest leave together at the end of the turn. Other calls
 * (metrics, certificates) may share the connection.
 */

#include "base/random.h"
#include "event/loop.h"
#include "http/grpc.h"
#include "xds/delta_client.h"

struct xds_client;

/* How an attempt or a stream ended. */
struct xds_down {
	const char *reason;
	bool connected;          /* somebody took the connection, and the stream began */
	bool was_up;             /* the server had taken the stream */
	bool replaced;           /* by xds_client_reconnect(): another follows at once */
	enum grpc_status status; /* of the stream; UNAVAILABLE also where the connection broke */
};

struct xds_client_callbacks {
	struct delta_client_callbacks delta;
	/*
	 * A new connection to the server, connecting or open; the client takes it over. NULL: not
	 * possible now (no identity yet); it is asked again after the back-off.
	 */
	struct conn *(*connect)(void *user);
	/* The stream is up (the server answers), or went down and why. May be NULL. */
	void (*on_up)(void *user);
	void (*on_down)(void *user, const struct xds_down *down);
	/* After xds_client_stop(), when something had to be closed: it is idle. May be NULL. */
	void (*on_stopped)(void *user);
};

struct xds_client_options {
	struct str node;               /* an encoded Node; copied */
	struct str authority;          /* of the requests; copied */
	uint32_t message_bytes_max;    /* of a response; 0: 64 MiB */
	struct duration unreached_max; /* of the back-off while nobody is there; 0: 5 s */
};

struct xds_client_stats {
	struct delta_client_stats delta;
	uint64_t connects;
	uint64_t failures; /* connections or streams that ended */
};

struct xds_client *xds_client_new(struct loop *loop, struct random *random,
				  const struct xds_client_options *options,
				  const struct xds_client_callbacks *callbacks, void *user);
struct xds_client *xds_client_free(struct xds_client *c);

/* Begins to connect. Interest may be declared before. */
void xds_client_start(struct xds_client *c);
/* How long a server may take to end the stream that the client has ended. */
#define XDS_STOP_TIME DURATION_MS(500)

/* Ends the stream in order (nothing more is said, the server ends it with its status, the
 * connection is closed), within XDS_STOP_TIME or else at once, and makes no new one.
 * xds_client_free() is allowed once xds_client_is_idle(), in a later turn. */
void xds_client_stop(struct xds_client *c);
bool xds_client_is_idle(const struct xds_client *c);
/* Leaves the present connection and makes a new one at once: after a new certificate. */
void xds_client_reconnect(struct xds_client *c);

void xds_client_subscribe(struct xds_client *c, enum xds_type type, struct str name);
void xds_client_unsubscribe(struct xds_client *c, enum xds_type type, struct str name);
void xds_client_subscribe_all(struct xds_client *c, enum xds_type type);
/* See delta_client_hold(). */
void xds_client_hold(struct xds_client *c, enum xds_type type, struct str name, struct str version);

/* For further calls; NULL while there is no connection that is ready. */
struct http_client_conn *xds_client_connection(const struct xds_client *c);
bool xds_client_is_up(const struct xds_client *c);
struct xds_client_stats xds_client_stats(const struct xds_client *c);

/* Looking inside; see base/dump.h. */
void xds_client_check(const struct xds_client *c);
void xds_client_dump(const struct xds_client *c, struct dump *d);
