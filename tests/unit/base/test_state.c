#include "base/state.h"

#include "in_child.h"

enum door { DOOR_OPEN, DOOR_SHUT, DOOR_GONE };

static const struct state_row door_states[] = {
	[DOOR_OPEN] = { "open", STATE_TO(DOOR_SHUT) },
	[DOOR_SHUT] = { "shut", STATE_TO(DOOR_OPEN) | STATE_TO(DOOR_GONE) },
	[DOOR_GONE] = { "gone", 0 },
};

static void go(const void *user)
{
	enum door d = *(const enum door *)user;

	state_move(door_states, d, DOOR_GONE);
}

TEST(a_state_moves_as_its_table_says)
{
	enum door d = DOOR_OPEN;

	assert_aborts(go, &d);
	state_move(door_states, d, DOOR_SHUT);
	state_move(door_states, d, DOOR_GONE);
	assert_int_equal(d, DOOR_GONE);
	assert_aborts(go, &d);
}

#ifdef WEFT_FAULTS
TEST(a_debug_build_keeps_the_last_moves)
{
	enum door door = DOOR_OPEN;
	char memory[8192] = "";
	struct dump d;

	for (int i = 0; i < 50; i++) {
		state_move(door_states, door, DOOR_SHUT);
		state_move(door_states, door, DOOR_OPEN);
	}
	state_move(door_states, door, DOOR_SHUT);
	dump_to_memory(&d, memory, sizeof(memory));
	state_trace_dump(&d);
	dump_end(&d);
	assert_false(d.cut);
	assert_true(str_has_prefix(dump_text(&d), STR("moves count=1")));
	memory[dump_text(&d).len] = '\0';
	assert_non_null(strstr(memory, "\n  door_states from=open to=shut place=0x"));
}
#endif
