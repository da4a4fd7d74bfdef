#include "net/memory_conn.h"

#include <errno.h>

#include "couple.h"
#include "test.h"

TEST(a_step_of_one_delivers_one_byte_at_a_time)
{
	struct couple t;

	couple_init(&t, &(struct memory_conn_options){ .step_bytes = 1 });
	conn_send_str(t.a.conn, STR("abcde"));
	world_turn(&t.world, 6);
	assert_int_equal(t.b.data_calls, 5);
	assert_str_equal(buf_str(&t.b.received), "abcde");
	couple_fini(&t);
}

TEST(an_end_without_capacity_takes_nothing)
{
	struct couple t;

	couple_init(&t, NULL);
	memory_conn_set_capacity(t.b.conn, 0);
	assert_int_equal(conn_send_str(t.a.conn, STR("abc")), SEND_QUEUED);
	world_turn(&t.world, 3);
	assert_string_equal(t.b.trace, "");
	memory_conn_set_capacity(t.b.conn, 2);
	world_turn(&t.world, 3);
	assert_str_equal(buf_str(&t.b.received), "abc");
	assert_string_equal(t.a.trace, "s");
	couple_fini(&t);
}

TEST(a_connecting_end_opens_or_fails_when_told)
{
	struct couple t;

	couple_init(&t, &(struct memory_conn_options){ .connecting = true });
	assert_int_equal(t.a.conn->state, CONN_CONNECTING);
	assert_int_equal(conn_send_str(t.a.conn, STR("early")), SEND_CLOSED);
	conn_send_str(t.b.conn, STR("hello"));
	world_turn(&t.world, 2);
	assert_string_equal(t.a.trace, "");
	memory_conn_establish(t.a.conn, 0);
	world_turn(&t.world, 1);
	assert_string_equal(t.a.trace, "od");
	couple_fini(&t);

	couple_init(&t, &(struct memory_conn_options){ .connecting = true });
	memory_conn_establish(t.a.conn, -ECONNREFUSED);
	world_turn(&t.world, 1);
	assert_string_equal(t.a.trace, "c");
	assert_int_equal(t.a.error, -ECONNREFUSED);
	couple_fini(&t);
}

TEST(a_break_comes_behind_what_has_arrived)
{
	struct couple t;

	couple_init(&t, NULL);
	conn_send_str(t.a.conn, STR("abc"));
	memory_conn_break(t.a.conn, -ETIMEDOUT);
	world_turn(&t.world, 1);
	assert_string_equal(t.a.trace, "c");
	assert_int_equal(t.a.error, -ETIMEDOUT);
	assert_string_equal(t.b.trace, "dc");
	assert_int_equal(t.b.error, -ECONNRESET);
	assert_str_equal(buf_str(&t.b.received), "abc");
	couple_fini(&t);
}
