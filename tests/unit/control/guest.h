#pragma once

/*
 * A proxy of the house: the xDS client over a connection in memory, whose TLS facts are made up
 */

#include "house.h"
#include "xds/client.h"

#include "base/histogram.h"
#include "http/grpc.h"
#include "net/certificate.h"
#include "net/tls.h"

#define SPIFFE(account) "spiffe://weft.local/ns/shop/sa/" account

struct guest {
	struct house *house;
	struct random random;
	struct xds_client *client;
	struct http_server_conn *server;
	const char *node_id;
	const char *node; /* a whole Node as JSON, of no proxy of Weft's; NULL: ours */
	/* What the connection's TLS says. */
	struct str spiffe_id;
	struct certificate certificate;
	struct tls_info tls;
	bool no_tls;
	bool server_is_away; /* no connection can be made */

	struct buf bytes;   /* of the last resource */
	struct buf seen;    /* "+EDS name@version -LDS name " */
	char down[160];     /* why the stream ended last */
	const char *refuse; /* a resource of this name is refused */

	/* The answer to a report. */
	bool answered;
	enum grpc_status status;
};

/* Connects, and asks for nothing yet. node: "shop/reviews-1". */
void guest_enter(struct guest *g, struct house *h, const char *node, const char *spiffe_id);
void guest_want(struct guest *g, enum xds_type type, const char *name);
void guest_want_all(struct guest *g, enum xds_type type);
/* Ends for good. */
void guest_leave(struct guest *g);
/* The connection breaks; it comes back only when server_is_away is false. */
void guest_cut(struct guest *g);
bool guest_is_up(const struct guest *g);

/* A report, as a proxy would make it. */
struct sample {
	const char *direction, *service, *version, *peer, *tls, *class;
	const char *name_space; /* NULL: shop */
	int64_t requests;
	int64_t retries;
	uint64_t fast; /* of the duration: in the first bucket */
};

struct guest_report {
	const char *instance; /* NULL: the guest's own */
	uint64_t revision;
	uint64_t unchanged;
	int64_t started_ns; /* of the process */
	const struct sample *samples;
	size_t sample_count;
	bool no_revision;
	bool foreign_bounds;
};

enum grpc_status guest_report(struct guest *g, const struct guest_report *r);
