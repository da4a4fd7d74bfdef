#pragma once

/*
 * Connections in memory, for tests
 *
 * A pair whose ends talk to each other as two sockets would, with every difficulty on
 * request: a receiver with little room (so that the other side's writes are partial), bytes
 * delivered one at a time, a slow connect, end of input, reset. Both ends live on one loop and
 * move bytes in its turns only, so a test with loop_turn() sees every step.
 *
 *	A: conn_send ──▶ queue of A ──▶ room of B (capacity) ──▶ on_data of B, `step` at a time
 */

#include "net/conn.h"

#define MEMORY_CONN_CAPACITY 65536

struct memory_conn_options {
	uint32_t capacity_bytes; /* what an end holds unread for its user; 0: as above */
	uint32_t step_bytes;     /* most that one on_data brings anew; 0: all there is */
	bool connecting;         /* end A waits for memory_conn_establish() */
};

/* Both open (or A connecting), on_open is not called for B. `options` may be NULL. */
void memory_conn_pair(struct loop *l, struct chunk_stock *chunks,
		      const struct memory_conn_options *options, struct conn **ret_a,
		      struct conn **ret_b);

/* Sets the handler and the user pointer in one go. */
void memory_conn_use(struct conn *c, const struct conn_handler *handler, void *user);

/* A connecting end becomes open (on_open), or fails with an error. */
void memory_conn_establish(struct conn *c, int error);
/* How much this end takes from the other side and has not yet given to its user. 0: it takes
 * nothing more, as a peer that stopped reading. */
void memory_conn_set_capacity(struct conn *c, uint32_t capacity_bytes);
void memory_conn_set_step(struct conn *c, uint32_t step_bytes);
/* The connection breaks: this end fails with `error`, the other with -ECONNRESET. */
void memory_conn_break(struct conn *c, int error);
