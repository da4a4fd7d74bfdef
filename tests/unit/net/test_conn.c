/* What every connection promises, seen on connections in memory. */

#include "net/conn.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "net/memory_conn.h"

#include "couple.h"
#include "in_child.h"

static enum send_result send_text(struct peer *p, const char *text)
{
	return conn_send_str(p->conn, str_from(text));
}

TEST(bytes_arrive_in_order_and_are_counted)
{
	struct couple t;
	char one[] = "one ", two[] = "two";
	struct iovec iov[3] = { { one, 4 }, { NULL, 0 }, { two, 3 } };

	couple_init(&t, NULL);
	assert_int_equal(conn_send(t.a.conn, iov, 3), SEND_DONE);
	assert_int_equal(send_text(&t.b, "back"), SEND_DONE);
	world_turn(&t.world, 1);
	assert_str_equal(buf_str(&t.b.received), "one two");
	assert_str_equal(buf_str(&t.a.received), "back");
	assert_int_equal(t.a.conn->bytes_sent, 7);
	assert_int_equal(t.b.conn->bytes_received, 7);
	assert_null(t.b.conn->in); /* an idle connection holds no chunk */
	couple_fini(&t);
}

TEST(what_is_left_stays_in_front_of_what_comes)
{
	struct couple t;

	couple_init(&t, NULL);
	t.b.act.consume_none = true;
	send_text(&t.a, "ab");
	world_turn(&t.world, 1);
	send_text(&t.a, "cd");
	world_turn(&t.world, 1);
	assert_int_equal(t.b.data_calls, 2);
	assert_str_equal(conn_input(t.b.conn), "abcd");
	couple_fini(&t);
}

TEST(input_grows_to_its_limit_and_reading_waits_for_consumption)
{
	struct couple t;
	size_t limit = 3 * CHUNK_BYTES;
	char *bytes = pattern_bytes(limit * 2);

	couple_init(&t, &(struct memory_conn_options){ .capacity_bytes = 1 << 20 });
	t.b.conn->limits.input_bytes_max = (uint32_t)limit;
	t.b.act.consume_none = true;
	conn_send_str(t.a.conn, str_of(bytes, limit * 2));
	world_turn(&t.world, 20);
	assert_int_equal(conn_input(t.b.conn).len, limit);
	assert_memory_equal(conn_input(t.b.conn).ptr, bytes, limit);

	t.b.act.consume_none = false;
	peer_consume(&t.b);
	world_turn(&t.world, 20);
	assert_int_equal(buf_len(&t.b.received), limit * 2);
	assert_memory_equal(buf_str(&t.b.received).ptr, bytes, limit * 2);
	couple_fini(&t);
	mem_free(bytes);
}

TEST(a_small_limit_holds_inside_one_chunk)
{
	struct couple t;

	couple_init(&t, NULL);
	t.b.conn->limits.input_bytes_max = 3;
	t.b.act.consume_none = true;
	send_text(&t.a, "abcdef");
	world_turn(&t.world, 3);
	assert_str_equal(conn_input(t.b.conn), "abc");
	conn_consume(t.b.conn, 1);
	world_turn(&t.world, 1);
	assert_str_equal(conn_input(t.b.conn), "bcd");
	couple_fini(&t);
}

TEST(a_taken_chunk_keeps_its_bytes_while_the_tail_goes_on)
{
	struct couple t;
	struct chunk *taken;
	const char *head;

	couple_init(&t, NULL);
	t.b.act.consume_none = true;
	send_text(&t.a, "HEADtail");
	world_turn(&t.world, 1);
	head = conn_input(t.b.conn).ptr;
	taken = conn_input_take(t.b.conn, 4);
	assert_str_equal(conn_input(t.b.conn), "tail");
	send_text(&t.a, "more");
	world_turn(&t.world, 1);
	assert_str_equal(conn_input(t.b.conn), "tailmore");
	assert_memory_equal(head, "HEAD", 4);
	chunk_unref(taken);

	taken = conn_input_take(t.b.conn, 8);
	assert_null(t.b.conn->in);
	chunk_unref(taken);
	couple_fini(&t);
}

TEST(a_shared_chunk_is_never_moved_under_its_other_holder)
{
	struct couple t;
	struct chunk *shared;
	char *bytes = pattern_bytes(CHUNK_BYTES);

	couple_init(&t, NULL);
	t.b.act.consume_none = true;
	conn_send_str(t.a.conn, str_of(bytes, CHUNK_BYTES));
	world_turn(&t.world, 1);
	shared = chunk_ref(t.b.conn->in);
	conn_consume(t.b.conn, 100);
	conn_send_str(t.a.conn, STR("more"));
	world_turn(&t.world, 1);
	assert_memory_equal(shared->data, bytes, CHUNK_BYTES);
	assert_int_equal(conn_input(t.b.conn).len, CHUNK_BYTES - 100 + 4);
	assert_memory_equal(conn_input(t.b.conn).ptr, bytes + 100, CHUNK_BYTES - 100);
	chunk_unref(shared);
	couple_fini(&t);
	mem_free(bytes);
}

TEST(a_paused_connection_delivers_nothing_until_resumed)
{
	struct couple t;

	couple_init(&t, NULL);
	conn_pause(t.b.conn);
	send_text(&t.a, "x");
	conn_shut_write(t.a.conn);
	world_turn(&t.world, 3);
	assert_string_equal(t.b.trace, "");
	conn_resume(t.b.conn);
	world_turn(&t.world, 1);
	assert_string_equal(t.b.trace, "de");
	couple_fini(&t);
}

TEST(resuming_delivers_what_was_left_though_nothing_came)
{
	struct couple t;

	couple_init(&t, NULL);
	t.b.act.consume_none = true;
	t.b.act.pause_in_data = true;
	send_text(&t.a, "x");
	world_turn(&t.world, 3);
	assert_int_equal(t.b.data_calls, 1);

	t.b.act.pause_in_data = t.b.act.consume_none = false;
	conn_resume(t.b.conn);
	world_turn(&t.world, 1);
	assert_int_equal(t.b.data_calls, 2);
	assert_str_equal(buf_str(&t.b.received), "x");
	couple_fini(&t);
}

TEST(a_slow_receiver_makes_the_sender_wait)
{
	struct couple t;
	char *bytes = pattern_bytes(1000);

	couple_init(&t, &(struct memory_conn_options){ .capacity_bytes = 100 });
	conn_pause(t.b.conn);
	assert_int_equal(conn_send_str(t.a.conn, str_of(bytes, 60)), SEND_DONE);
	assert_int_equal(conn_send_str(t.a.conn, str_of(bytes + 60, 940)), SEND_QUEUED);
	assert_true(t.a.conn->send_queued);
	world_turn(&t.world, 5);
	assert_string_equal(t.a.trace, "");
	conn_resume(t.b.conn);
	world_turn(&t.world, 20);
	assert_string_equal(t.a.trace, "s");
	assert_false(t.a.conn->send_queued);
	assert_int_equal(buf_len(&t.b.received), 1000);
	assert_memory_equal(buf_str(&t.b.received).ptr, bytes, 1000);
	couple_fini(&t);
	mem_free(bytes);
}

TEST(the_end_of_input_leaves_the_other_direction_open)
{
	struct couple t;

	couple_init(&t, NULL);
	send_text(&t.a, "last");
	conn_shut_write(t.a.conn);
	assert_int_equal(send_text(&t.a, "no"), SEND_CLOSED);
	world_turn(&t.world, 1);
	assert_string_equal(t.b.trace, "de");
	assert_int_equal(send_text(&t.b, "answer"), SEND_DONE);
	world_turn(&t.world, 1);
	assert_str_equal(buf_str(&t.a.received), "answer");
	couple_fini(&t);
}

TEST(without_on_eof_the_end_of_input_closes)
{
	struct couple t;

	couple_init(&t, NULL);
	t.b.conn->handler = &peer_handler_without_eof;
	conn_shut_write(t.a.conn);
	world_turn(&t.world, 1);
	assert_string_equal(t.b.trace, "c");
	assert_int_equal(t.b.error, ERR_CLOSED);
	couple_fini(&t);
}

TEST(closing_in_a_callback_ends_callbacks)
{
	struct couple t;

	couple_init(&t, &(struct memory_conn_options){ .step_bytes = 1 });
	t.b.act.close_in_data = true;
	send_text(&t.a, "many bytes");
	conn_shut_write(t.a.conn);
	world_turn(&t.world, 5);
	assert_string_equal(t.b.trace, "dc");
	assert_int_equal(t.b.data_calls, 1);
	assert_int_equal(t.b.error, 0);
	assert_string_equal(t.a.trace, "e");
	couple_fini(&t);
}

TEST(sending_to_a_closed_peer_fails_the_connection)
{
	struct couple t;

	couple_init(&t, NULL);
	conn_close(t.b.conn);
	world_turn(&t.world, 1);
	assert_string_equal(t.a.trace, "e");
	assert_int_equal(send_text(&t.a, "x"), SEND_CLOSED);
	world_turn(&t.world, 1);
	assert_string_equal(t.a.trace, "ec");
	assert_int_equal(t.a.error, -EPIPE);
	couple_fini(&t);
}

TEST(a_reset_reaches_the_other_end)
{
	struct couple t;

	couple_init(&t, NULL);
	conn_reset(t.a.conn);
	world_turn(&t.world, 2);
	assert_string_equal(t.a.trace, "c");
	assert_int_equal(t.a.error, 0);
	assert_string_equal(t.b.trace, "c");
	assert_int_equal(t.b.error, -ECONNRESET);
	couple_fini(&t);
}

TEST(closing_after_sent_waits_for_the_queue_and_for_the_peer)
{
	struct couple t;

	couple_init(&t, &(struct memory_conn_options){ .capacity_bytes = 4 });
	conn_pause(t.b.conn);
	send_text(&t.a, "a long answer");
	conn_close_after_sent(t.a.conn, DURATION_SECONDS(1));
	assert_int_equal(send_text(&t.a, "no"), SEND_CLOSED);
	world_turn(&t.world, 3);
	assert_non_null(t.a.conn);

	conn_resume(t.b.conn);
	send_text(&t.b, "ignored"); /* read and dropped, so that no RST follows it */
	world_turn(&t.world, 20);
	assert_str_equal(buf_str(&t.b.received), "a long answer");
	assert_string_equal(t.b.trace, "des");
	assert_string_equal(t.a.trace, "");
	conn_close(t.b.conn);
	world_turn(&t.world, 2);
	assert_string_equal(t.a.trace, "c");
	assert_int_equal(t.a.error, 0);
	couple_fini(&t);
}

static void end_then_look(struct conn *c)
{
	struct str input = conn_input(c);

	conn_close_after_sent(c, DURATION_SECONDS(1));
	assert_str_equal(conn_input(c), "ab");
	assert_ptr_equal(conn_input(c).ptr, input.ptr);
	conn_consume(c, 1);
}

TEST(input_stays_until_whoever_ended_the_connection_is_back_in_the_loop)
{
	struct conn_handler handler;
	struct couple t;

	couple_init(&t, NULL);
	handler = *t.b.conn->handler;
	handler.on_data = end_then_look;
	t.b.conn->handler = &handler;
	send_text(&t.a, "ab");
	world_turn(&t.world, 1);
	assert_null(t.b.conn->in);
	couple_fini(&t);
}

TEST(a_peer_that_never_ends_is_left_behind_after_the_linger)
{
	struct couple t;

	couple_init(&t, NULL);
	send_text(&t.a, "answer");
	conn_close_after_sent(t.a.conn, DURATION_SECONDS(1));
	world_turn(&t.world, 2);
	loop_advance(t.world.loop, DURATION_MS(999));
	world_turn(&t.world, 2);
	assert_non_null(t.a.conn);
	loop_advance(t.world.loop, DURATION_MS(1));
	world_turn(&t.world, 2);
	assert_string_equal(t.a.trace, "c");
	assert_string_equal(t.b.trace, "de");
	couple_fini(&t);
}

TEST(a_lingering_connection_can_still_be_closed_at_once)
{
	struct couple t;

	couple_init(&t, NULL);
	conn_close_after_sent(t.a.conn, DURATION_SECONDS(60));
	conn_close_after_sent(t.a.conn, DURATION_SECONDS(60));
	conn_close(t.a.conn);
	world_turn(&t.world, 1);
	assert_string_equal(t.a.trace, "c");
	couple_fini(&t);
}

TEST(a_connection_that_lingers_for_no_time_closes_behind_its_last_byte)
{
	struct couple t;

	couple_init(&t, NULL);
	conn_close_after_sent(t.a.conn, DURATION_NS(-1));
	world_turn(&t.world, 1);
	assert_string_equal(t.a.trace, "c");
	couple_fini(&t);
}

TEST(an_idle_connection_moves_to_another_loop)
{
	struct couple t;
	struct world other;

	couple_init(&t, NULL);
	world_init(&other);
	t.b.act.consume_none = true;
	send_text(&t.a, "x");
	world_turn(&t.world, 1);
	assert_int_equal(conn_detach(t.b.conn), ERR_CONFLICT); /* unread bytes */
	conn_consume(t.b.conn, 1);
	assert_int_equal(conn_detach(t.b.conn), 0);
	assert_null(t.b.conn->loop);

	assert_int_equal(conn_attach(t.b.conn, other.loop, &other.chunks), 0);
	assert_int_equal(conn_detach(t.b.conn), 0);
	conn_discard(t.b.conn);
	t.b.conn = NULL;
	world_turn(&t.world, 1);
	assert_string_equal(t.a.trace, "e");
	loop_free(other.loop);
	chunk_stock_fini(&other.chunks);
	couple_fini(&t);
}

TEST(a_connection_that_contradicts_itself_is_found)
{
	char memory[1024];
	struct couple t;
	struct dump d;
	struct conn *c;

	couple_init(&t, NULL);
	c = t.b.conn;
	t.b.act.consume_none = true;
	send_text(&t.a, "left");
	world_turn(&t.world, 1);
	conn_check(c);
	c->in->start = 9;
	assert_aborts(conn_check, c);
	c->in->start = 0;
	c->input_full = true;
	conn_check(c);
	c->input_full = false;

	dump_to_memory(&d, memory, sizeof(memory));
	conn_dump(c, &d);
	dump_end(&d);
	assert_true(str_has_prefix(dump_text(&d), STR("conn kind=memory state=open local=")));
	memory[dump_text(&d).len] = '\0';
	assert_non_null(strstr(memory, " received=4 sent=0 unread=4"));
	couple_fini(&t);
}
