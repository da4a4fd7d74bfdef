#pragma once

/*
 * Parts of a snapshot
 *
 * A compiled resource (listener, route table, cluster, endpoint set, secret) is a part:
 * immutable, in memory of its own, counted by the main thread only. A snapshot holds parts;
 * two snapshots share those that did not change. Workers use plain pointers: the main thread
 * drops a snapshot's references only when every worker has left the epoch in which it could
 * still see them (proxy/snapshot.c), so no atomic count is on the request path.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/pool.h"
#include "base/str.h"
#include "codec/pb_message.h"

enum part_kind {
	PART_LISTENER,
	PART_ROUTES,
	PART_CLUSTER,
	PART_ENDPOINTS,
	PART_SECRET,
	PART_KIND_COUNT,
};

/* "type.googleapis.com/envoy.config.listener.v3.Listener", …; and back (PART_KIND_COUNT when
 * it is none of these). */
struct str part_type_url(enum part_kind kind);
enum part_kind part_kind_of(struct str type_url);
/* "listener", "routes", "cluster", "endpoints", "secret": for messages. */
const char *part_kind_text(enum part_kind kind);

struct part {
	enum part_kind kind;
	struct str name;
	struct str version; /* as the server named it; "" for static ones */
	uint32_t refs;      /* main thread only */
	bool from_bootstrap;
	bool kept;               /* by an earlier process, not received by this one */
	struct pool pool;        /* holds the part, all it points to, and the raw bytes */
	struct str raw;          /* the resource as received: for config_dump and for the disk */
	struct pb_report report; /* what was tolerated */
	void (*on_free)(struct part *p); /* releases what is not in the pool; may be NULL */
};

/*
 * Decodes, validates and compiles one resource. The bytes are copied. A part that comes back
 * can be enforced whole; otherwise ERR_CONFIG, ERR_UNSUPPORTED, ERR_PROTO or ERR_LIMIT with
 * the path in `d`, and nothing is kept. The same function serves bootstrap files, xDS and the
 * check that the control plane runs before it offers anything. No I/O, but that files named by
 * a DataSource (certificates, keys, bodies) are read.
 */
must_check int part_compile(enum part_kind kind, struct str bytes, struct str version,
			    struct part **ret_part, struct diag *d);

struct part *part_ref(struct part *p);
struct part *part_unref(struct part *p); /* accepts NULL; returns NULL */

/* The resource as a JSON tree in `pool`, keys and other secrets redacted: for /config_dump. */
struct node *part_dump(const struct part *p, struct pool *pool);
