#pragma once

/*
 * Kept resources: the bytes of a file
 *
 * What a client accepted, as it was received, so that its next process can go on where no
 * server answers. The file is read back whole or not at all:
 *
 *	"WEFTKEPT"  format u32  body  checksum u64        numbers are little-endian
 *
 *	body     1 node id   2 SPIFFE ID   3 revision   4 resource, any number of times
 *	resource 1 type URL  2 name        3 version    4 the message; none: known not to exist
 *
 * The body is written as protobuf, and an unknown field in it is damage: another layout has
 * another format number. The checksum (SipHash-1-3 of all before it, under a fixed key) finds
 * what a crash or a disk did to the file. It is no signature: whoever may write into the
 * directory, which holds the private key as well, is trusted.
 *
 * Secrets are never in it: they are neither written nor read. No I/O here; see proxy/keeper.h.
 */

#include <stdint.h>

#include "base/buf.h"
#include "base/diag.h"
#include "xds/types.h"

#define KEPT_FORMAT        1
#define KEPT_BYTES_MAX     (64 * 1024 * 1024)
#define KEPT_RESOURCES_MAX 1000000

/* Whose resources they are. What was kept for one is of no use to another. */
struct kept_owner {
	struct str node_id;
	struct str spiffe_id; /* empty: it has none */
};

/* One resource; bytes empty: the server said that there is none of that name. */
struct kept_resource {
	enum xds_type type;
	struct str name;
	struct str version;
	struct str bytes;
};

/* Begins a file in an empty buffer and sets its limit. */
void kept_begin(struct buf *out, const struct kept_owner *owner, uint64_t revision);
/* A resource of another type than XDS_SECRET. */
void kept_add(struct buf *out, const struct kept_resource *r);
/* Completes it. ERR_LIMIT: it is too large to be kept, and of no use. */
must_check int kept_finish(struct buf *out);

/* A file that was read; all slices point into it. */
struct kept {
	uint64_t revision;
	uint32_t count; /* of resources */
	struct str body;
};

/*
 * Checks the whole file. ERR_UNSUPPORTED: another format number. ERR_CONFLICT: of another owner.
 * ERR_CORRUPT: anything else, a file that is cut off among them. `d` has the sentence.
 */
must_check int kept_open(struct str file, const struct kept_owner *owner, struct kept *ret_kept,
			 struct diag *d);
/* The next resource, in the order in which they were added. False: there is none left. */
bool kept_next(struct kept *k, struct kept_resource *ret_resource);
