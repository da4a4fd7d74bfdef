#pragma once

/*
 * The admin endpoint
 *
 * HTTP on the address of the bootstrap, a Unix socket as a rule, served by the main thread.
 * Paths are Envoy's. What only looks takes GET; what changes something takes POST and answers
 * 405 to anything else. The table of endpoints is in admin.c, what they print in admin_*.c.
 */

#include "base/buf.h"
#include "base/diag.h"
#include "http/stream.h"
#include "message/address.h"
#include "model/part.h"

struct admin;
struct proxy;

/* No address (len 0): no admin, and *ret_admin is NULL. */
must_check int admin_open(struct proxy *p, const struct address *a, struct admin **ret_admin,
			  struct diag *d);
/* Listens no more. Accepts NULL. The process is about to end: its memory is left to the system. */
void admin_close(struct admin *a);
/* Where it listens. */
struct address admin_address(const struct admin *a);

/* One request. The answer is written to `out`; status 200 and text/plain unless changed. */
struct admin_request {
	struct proxy *proxy;
	struct str path;  /* without the query */
	struct str query; /* without '?' */
	struct buf *out;
	uint16_t status;
	struct str content_type;
	struct stream *stream;
	bool later; /* set by a page that answers on the stream by itself, in a later turn */
};

/* The value of a query parameter; empty where it is absent. *ret_there may be NULL. */
struct str admin_parameter(const struct admin_request *r, struct str name, bool *ret_there);

/* Where a part came from: "bootstrap", "identity", "control_plane", or "kept": by an earlier
 * process, and no other version was received since. */
struct str admin_source(const struct part *p);

/* The pages. */
void admin_stats(struct admin_request *r);
void admin_stats_prometheus(struct admin_request *r);
void admin_clusters(struct admin_request *r);
void admin_listeners(struct admin_request *r);
void admin_config_dump(struct admin_request *r);
void admin_certs(struct admin_request *r);
void admin_dump(struct admin_request *r);
