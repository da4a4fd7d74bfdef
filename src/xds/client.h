#pragma once

/*
 * xDS client: delta ADS over one gRPC stream
 *
 * Moves the messages of a delta_client over a connection that the user makes, and makes it
 * anew when it breaks: 0.2 s, growing by 1.6 with 20 % of jitter to 5 s, from the start
 * again once the server took a stream or one lasted 5 s. What is held survives; changes of
 * interest leave together at the end of the turn. Other calls (metrics, certificates) may share
 * the connection.
 */

#include "base/random.h"
#include "event/loop.h"
#include "http/client.h"
#include "xds/delta_client.h"

struct xds_client;

struct xds_client_callbacks {
	struct delta_client_callbacks delta;
	/*
	 * A new connection to the server, connecting or open; the client takes it over. NULL: not
	 * possible now (no identity yet); it is asked again after the back-off.
	 */
	struct conn *(*connect)(void *user);
	/* The stream is up (the server answers), or went down and why. May be NULL. */
	void (*on_up)(void *user);
	void (*on_down)(void *user, const char *reason);
};

struct xds_client_options {
	struct str node;            /* an encoded Node; copied */
	struct str authority;       /* of the requests; copied */
	uint32_t message_bytes_max; /* of a response; 0: 64 MiB */
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
/* Ends the stream and the connection and makes no new one. xds_client_free() is allowed once
 * xds_client_is_idle(), in a later turn. */
void xds_client_stop(struct xds_client *c);
bool xds_client_is_idle(const struct xds_client *c);
/* Leaves the present connection and makes a new one at once: after a new certificate. */
void xds_client_reconnect(struct xds_client *c);

void xds_client_subscribe(struct xds_client *c, enum xds_type type, struct str name);
void xds_client_unsubscribe(struct xds_client *c, enum xds_type type, struct str name);
void xds_client_subscribe_all(struct xds_client *c, enum xds_type type);

/* For further calls; NULL while there is no connection that is ready. */
struct http_client_conn *xds_client_connection(const struct xds_client *c);
bool xds_client_is_up(const struct xds_client *c);
struct xds_client_stats xds_client_stats(const struct xds_client *c);
