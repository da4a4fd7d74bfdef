#pragma once

/*
 * One end of a connection in a test: records what happens to it
 *
 * A peer is the user of a struct conn. It collects what it receives and writes one letter
 * per callback into `trace`: o(pen) d(ata) e(of) s(ent) c(losed). What it should do in its
 * callbacks is set in `act`.
 */

#include "base/buf.h"
#include "event/loop.h"
#include "net/chunk.h"
#include "net/conn.h"

#define PEER_TRACE_MAX 64

struct peer {
	struct conn *conn; /* NULL after on_closed */
	struct buf received;
	char trace[PEER_TRACE_MAX]; /* runs of 'd' are one letter */
	uint32_t data_calls;
	uint32_t sent_calls;
	int error; /* from on_closed */

	struct {
		size_t leave_bytes; /* on_data consumes all but these */
		bool consume_none;
		bool pause_in_data;
		bool close_in_data;
		bool close_in_open;
		const char *send_in_data; /* once */
		const char *send_in_open;
	} act;
};

extern const struct conn_handler peer_handler;
extern const struct conn_handler peer_handler_without_eof;

/* Becomes the user of c. */
void peer_use(struct peer *p, struct conn *c);
void peer_fini(struct peer *p);
/* Consumes into `received` what is unread. */
void peer_consume(struct peer *p);

/* A loop with a clock that stands still until loop_advance(), and a stock. */
struct world {
	struct loop *loop;
	struct chunk_stock chunks;
	uint64_t live_bytes; /* when it began */
};

void world_init(struct world *w);
/* Asserts that nothing was left allocated since world_init(). */
void world_fini(struct world *w);
/* Turns that do not wait. */
void world_turn(struct world *w, int count);
/* Turns until *flag, waiting for sockets; fails the test when nothing happens for long. */
void world_until(struct world *w, const bool *flag);

/* `len` bytes of a pattern that tells positions apart; mem_free() it. */
char *pattern_bytes(size_t len);
