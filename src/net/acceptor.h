#pragma once

/*
 * Accepting connections
 *
 * A listening socket on a loop. Several loops may watch the same descriptor: EPOLLEXCLUSIVE
 * wakes one of them for a connection. At most `batch_max` connections are accepted before
 * other work of the loop gets its turn. Out of descriptors or memory, accepting rests for
 * `ACCEPT_REST_MS` instead of spinning; the connections wait in the backlog.
 *
 * The descriptor stays the caller's: it may be inherited, and it is shared.
 */

#include <stdint.h>

#include "event/loop.h"
#include "message/address.h"

#define ACCEPT_BATCH_MAX 16
#define ACCEPT_REST_MS   100

struct acceptor {
	/* The callee owns fd. It may call acceptor_stop() and acceptor_pause(). */
	void (*on_accept)(struct acceptor *a, int fd, const struct address *peer);
	uint32_t batch_max; /* set before or after acceptor_start(); 0: ACCEPT_BATCH_MAX */

	/* May be read. */
	int fd;
	uint64_t accepted;
	uint64_t rests; /* times that the system was out of descriptors or memory */

	/* private */
	struct loop *loop;
	struct watch watch;
	struct deferred more;
	struct timer rest;
	bool paused;
	bool ready; /* an edge came and no EAGAIN since */
};

/* Zero the object first. Sets on_accept. */
must_check int acceptor_start(struct loop *l, struct acceptor *a, int fd,
			      void (*on_accept)(struct acceptor *a, int fd,
						const struct address *peer));
/* Leaves the loop; the descriptor stays open. Accepts zeroed memory. */
void acceptor_stop(struct acceptor *a);

/* Connections wait in the backlog until resumed (or another loop takes them). */
void acceptor_pause(struct acceptor *a);
void acceptor_resume(struct acceptor *a);
