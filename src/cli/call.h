#pragma once

/*
 * HTTP/1 calls: a request, and its whole answer
 *
 * What the command line asks the control plane, what the demo's services ask each other and
 * what its load asks the shop. A line leads to one address; it keeps connections that are idle
 * and opens one where none is. A call whose kept connection turns out to be closed, before a
 * byte of its answer came, is made once more on a fresh one when its method is idempotent.
 *
 *	line_init ─▶ call_start … on_done ─▶ line_close ─▶ line_is_closed ─▶ line_fini
 *
 * One loop. The answer is kept in memory up to a limit.
 */

#include <stdbool.h>

#include "base/buf.h"
#include "base/time.h"
#include "event/loop.h"
#include "message/address.h"
#include "message/headers.h"
#include "net/chunk.h"

struct line_options {
	struct loop *loop;
	struct chunk_stock *chunks;
	struct address address;
	struct str host;   /* of the Host field; borrowed */
	uint32_t idle_max; /* connections that are kept; 0: none */
};

struct line {
	struct line_options options;
	struct list wires; /* connections: struct wire, the one that was idle last in front */
	uint32_t wire_count;
	uint32_t idle_count;
	bool closing;
};

void line_init(struct line *l, const struct line_options *options);
/* Ends all connections; calls that run fail with ERR_CLOSED. The loop must turn until
 * line_is_closed(). */
void line_close(struct line *l);
bool line_is_closed(const struct line *l);

struct call {
	/* Set by the caller, who keeps the texts until on_done. */
	enum method method;
	struct str path;
	struct str content_type; /* empty: no body */
	struct str body;
	struct duration timeout;   /* 0: none */
	size_t response_bytes_max; /* 0: 64 MiB */
	/* Never from inside call_start(). The call may be started again in it, or freed. */
	void (*on_done)(struct call *c);
	void *user;

	/* The outcome: 0 and an answer, or why there is none. -ECONNREFUSED, -ENOENT and the like:
	 * nobody answers there. ERR_CLOSED: the connection ended before the answer did. */
	int error;
	uint16_t status;
	struct buf response;

	/* private */
	struct line *line;
	struct wire *wire;
	struct timer timer;
	struct deferred done;
	bool started;
	bool kept_wire;
};

/* The call must be zeroed before its first start; it must not run. */
void call_start(struct line *l, struct call *c);
/* No callback follows. */
void call_cancel(struct call *c);
static inline bool call_is_running(const struct call *c)
{
	return c->line != NULL;
}
/* Frees the answer. The call must not run. */
void call_fini(struct call *c);
