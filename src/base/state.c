#include "base/state.h"

#ifdef WEFT_FAULTS

#define MOVES_KEPT 32

static _Thread_local struct {
	unsigned count;
	struct {
		const void *place;
		const char *rows;
		const char *from;
		const char *to;
	} last[MOVES_KEPT];
} moves;

void state_trace(const void *place, const char *rows, const char *from, const char *to)
{
	unsigned at = moves.count++ % MOVES_KEPT;

	moves.last[at].place = place;
	moves.last[at].rows = rows;
	moves.last[at].from = from;
	moves.last[at].to = to;
}

void state_trace_dump(struct dump *d)
{
	unsigned at = moves.count > MOVES_KEPT ? moves.count - MOVES_KEPT : 0;

	dump_line(d, "moves");
	dump_number(d, "count", moves.count);
	dump_enter(d);
	for (; at != moves.count; at++) {
		unsigned i = at % MOVES_KEPT;

		dump_line(d, moves.last[i].rows);
		dump_word(d, "from", moves.last[i].from);
		dump_word(d, "to", moves.last[i].to);
		dump_hex(d, "place", (uintptr_t)moves.last[i].place);
	}
	dump_leave(d);
}

#else
typedef int state_traces_are_compiled_out;
#endif
