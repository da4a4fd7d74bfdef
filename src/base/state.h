#pragma once

/*
 * States
 *
 * A machine is an enum, a table with a row for each state, and a drawing above them. Only
 * state_move() changes a state after its object was made: it asserts that the row of the
 * present state has the move. Debug builds keep the last moves of each thread, and a crash
 * prints them.
 *
 *	const struct state_row conn_states[] = {
 *		[CONN_CONNECTING] = { "connecting", STATE_TO(CONN_OPEN) | STATE_TO(CONN_CLOSED) },
 *		...
 *	};
 *
 *	state_move(conn_states, c->state, CONN_OPEN);
 */

#include <assert.h>
#include <stdint.h>

#include "base/dump.h"

struct state_row {
	const char *name;
	uint32_t to; /* set of STATE_TO() */
};

#define STATE_TO(state) (1u << (state))

#define state_move(rows, state, next)                                                \
	do {                                                                         \
		assert((rows)[state].to &STATE_TO(next));                            \
		state_trace(&(state), #rows, (rows)[state].name, (rows)[next].name); \
		(state) = (next);                                                    \
	} while (0)

#ifdef WEFT_FAULTS
/* For state_move(). */
void state_trace(const void *place, const char *rows, const char *from, const char *to);
/* This thread's last moves, the newest last. */
void state_trace_dump(struct dump *d);
#else
#define state_trace(place, rows, from, to) ((void)0)
#define state_trace_dump(d)                ((void)(d))
#endif
