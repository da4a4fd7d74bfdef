/* Bytes through TLS: both ways, much, slowly, and to the end. */

#include <errno.h>
#include <string.h>

#include "base/mem.h"

#include "test.h"
#include "tls_couple.h"

static void open_couple(struct tls_couple *t, const struct memory_conn_options *memory)
{
	tls_couple_init(t);
	if (memory)
		t->memory = *memory;
	tls_couple_start(t);
	tls_couple_settle(t);
	assert_non_null(t->client.conn);
	assert_non_null(t->server.conn);
	t->client.trace[0] = t->server.trace[0] = '\0';
	memset(t->client.trace, 0, sizeof(t->client.trace));
	memset(t->server.trace, 0, sizeof(t->server.trace));
}

TEST(bytes_cross_encrypted_and_are_counted_in_plain)
{
	struct tls_couple t;
	uint64_t lower_before;

	open_couple(&t, NULL);
	lower_before = t.client_lower->bytes_sent;
	assert_int_equal(conn_send_str(t.client.conn, STR("question")), SEND_DONE);
	world_turn(&t.world, 1);
	assert_str_equal(buf_str(&t.server.received), "question");
	assert_int_equal(t.client.conn->bytes_sent, 8);
	assert_int_equal(t.server.conn->bytes_received, 8);
	assert_int_equal(t.client_lower->bytes_sent - lower_before, 8 + 22);
	assert_null(t.server.conn->in);
	assert_null(t.server_lower->in);
	tls_couple_fini(&t);
}

TEST(short_parts_of_a_vector_share_a_record)
{
	struct tls_couple t;
	char parts[3][5] = { "head", "er: ", "body" };
	struct iovec iov[3] = { { parts[0], 4 }, { parts[1], 4 }, { parts[2], 4 } };
	uint64_t before;

	open_couple(&t, NULL);
	before = t.client_lower->bytes_sent;
	conn_send(t.client.conn, iov, 3);
	world_turn(&t.world, 1);
	assert_int_equal(t.server.data_calls, 1);
	assert_str_equal(buf_str(&t.server.received), "header: body");
	assert_int_equal(t.client_lower->bytes_sent - before, 12 + 22);
	tls_couple_fini(&t);
}

TEST(vectors_of_all_sizes_arrive_whole)
{
	struct tls_couple t;
	size_t sizes[] = { 10, 16384, 1, 20000, 0, 16383, 2, 100000 }, len = 0, at = 0;
	struct iovec iov[array_count(sizes)];
	char *bytes;

	for (size_t i = 0; i < array_count(sizes); i++)
		len += sizes[i];
	bytes = pattern_bytes(len);
	for (size_t i = 0; i < array_count(sizes); i++) {
		iov[i] = (struct iovec){ bytes + at, sizes[i] };
		at += sizes[i];
	}
	open_couple(&t, NULL);
	conn_send(t.server.conn, iov, (int)array_count(sizes));
	world_turn(&t.world, 50);
	assert_int_equal(buf_len(&t.client.received), len);
	assert_memory_equal(buf_str(&t.client.received).ptr, bytes, len);
	tls_couple_fini(&t);
	mem_free(bytes);
}

/* A large transfer both ways, through pipes of the given width. */
static void transfer(const struct memory_conn_options *memory, size_t len)
{
	struct tls_couple t;
	char *bytes = pattern_bytes(len);

	open_couple(&t, memory);
	conn_send_str(t.client.conn, str_of(bytes, len));
	conn_send_str(t.server.conn, str_of(bytes, len));
	conn_shut_write(t.client.conn);
	for (int i = 0; i < 200000; i++) {
		if (strchr(t.server.trace, 'e') && buf_len(&t.client.received) == len)
			break;
		world_turn(&t.world, 1);
	}
	world_turn(&t.world, 5);
	assert_int_equal(buf_len(&t.server.received), len);
	assert_memory_equal(buf_str(&t.server.received).ptr, bytes, len);
	assert_int_equal(buf_len(&t.client.received), len);
	assert_memory_equal(buf_str(&t.client.received).ptr, bytes, len);
	assert_non_null(strchr(t.server.trace, 'e'));
	tls_couple_fini(&t);
	mem_free(bytes);
}

TEST(large_transfers_arrive_whole_whatever_the_pipe)
{
	transfer(NULL, 3 << 20);
	transfer(&(struct memory_conn_options){ .capacity_bytes = 1000 }, 300000);
	transfer(&(struct memory_conn_options){ .step_bytes = 1 }, 5000);
	transfer(&(struct memory_conn_options){ .step_bytes = 4099, .capacity_bytes = 9000 },
		 200000);
}

TEST(a_peer_that_stops_reading_makes_the_sender_wait)
{
	struct tls_couple t;
	char *bytes = pattern_bytes(200000);

	open_couple(&t, NULL);
	conn_pause(t.server.conn);
	assert_int_equal(conn_send_str(t.client.conn, str_of(bytes, 200000)), SEND_QUEUED);
	assert_true(t.client.conn->send_queued);
	world_turn(&t.world, 20);
	assert_string_equal(t.client.trace, "");
	assert_string_equal(t.server.trace, "");
	conn_resume(t.server.conn);
	world_turn(&t.world, 100);
	assert_string_equal(t.client.trace, "s");
	assert_int_equal(buf_len(&t.server.received), 200000);
	assert_memory_equal(buf_str(&t.server.received).ptr, bytes, 200000);
	tls_couple_fini(&t);
	mem_free(bytes);
}

/* The receiver's own limit holds, and what OpenSSL holds then is not forgotten. */
TEST(bytes_held_by_tls_are_delivered_on_resume_without_an_edge)
{
	struct tls_couple t;

	open_couple(&t, NULL);
	t.server.conn->limits.input_bytes_max = 3;
	t.server.act.pause_in_data = true;
	conn_send_str(t.client.conn, STR("0123456789"));
	world_turn(&t.world, 5);
	assert_str_equal(buf_str(&t.server.received), "012");
	/* The rest of the record is inside OpenSSL; the lower connection has nothing. */
	assert_null(t.server_lower->in);
	for (int i = 0; i < 3; i++) {
		conn_resume(t.server.conn);
		world_turn(&t.world, 1); /* this very turn */
	}
	assert_str_equal(buf_str(&t.server.received), "0123456789");
	tls_couple_fini(&t);
}

TEST(a_full_input_stops_the_lower_connection_too)
{
	struct tls_couple t;
	char *bytes = pattern_bytes(100000);

	open_couple(&t, NULL);
	t.server.act.consume_none = true;
	conn_send_str(t.client.conn, str_of(bytes, 100000));
	world_turn(&t.world, 20);
	assert_int_equal(conn_input(t.server.conn).len, CHUNK_BYTES);
	assert_true(conn_input(t.server_lower).len <= CHUNK_BYTES);
	t.server.act.consume_none = false;
	peer_consume(&t.server);
	world_turn(&t.world, 50);
	assert_int_equal(buf_len(&t.server.received), 100000);
	assert_memory_equal(buf_str(&t.server.received).ptr, bytes, 100000);
	tls_couple_fini(&t);
	mem_free(bytes);
}

TEST(close_notify_is_the_end_of_input_and_sending_goes_on)
{
	struct tls_couple t;

	open_couple(&t, NULL);
	conn_send_str(t.client.conn, STR("last"));
	conn_shut_write(t.client.conn);
	assert_int_equal(conn_send_str(t.client.conn, STR("no")), SEND_CLOSED);
	world_turn(&t.world, 2);
	assert_string_equal(t.server.trace, "de");
	assert_int_equal(conn_send_str(t.server.conn, STR("answer")), SEND_DONE);
	world_turn(&t.world, 2);
	assert_str_equal(buf_str(&t.client.received), "answer");
	tls_couple_fini(&t);
}

TEST(closing_says_goodbye)
{
	struct tls_couple t;

	open_couple(&t, NULL);
	conn_send_str(t.client.conn, STR("all"));
	conn_close(t.client.conn);
	world_turn(&t.world, 3);
	assert_string_equal(t.client.trace, "c");
	assert_int_equal(t.client.error, 0);
	assert_string_equal(t.server.trace, "de");
	assert_non_null(t.server.conn);
	tls_couple_fini(&t);
}

TEST(an_end_without_close_notify_is_a_truncation)
{
	struct tls_couple t;

	open_couple(&t, NULL);
	conn_send_str(t.client.conn, STR("part"));
	conn_shut_write(t.client_lower); /* FIN alone, as an attacker can send it */
	world_turn(&t.world, 2);
	assert_string_equal(t.server.trace, "dc");
	assert_str_equal(buf_str(&t.server.received), "part");
	assert_int_equal(t.server.error, ERR_TLS);
	assert_int_equal(t.server_info.failure, TLS_FAILURE_TRUNCATED);
	assert_string_equal(t.server_info.failure_text, "closed without close_notify");
	tls_couple_fini(&t);
}

TEST(a_reset_below_is_a_reset_above)
{
	struct tls_couple t;

	open_couple(&t, NULL);
	conn_reset(t.client.conn);
	world_turn(&t.world, 3);
	assert_string_equal(t.client.trace, "c");
	assert_string_equal(t.server.trace, "c");
	assert_int_equal(t.server.error, -ECONNRESET);
	tls_couple_fini(&t);
}

TEST(closing_after_sent_delivers_everything_through_tls)
{
	struct tls_couple t;
	char *bytes = pattern_bytes(200000);

	open_couple(&t, &(struct memory_conn_options){ .capacity_bytes = 5000 });
	conn_send_str(t.server.conn, str_of(bytes, 200000));
	conn_close_after_sent(t.server.conn, DURATION_SECONDS(1));
	world_turn(&t.world, 300);
	assert_int_equal(buf_len(&t.client.received), 200000);
	assert_string_equal(t.client.trace, "de");
	conn_close(t.client.conn);
	world_turn(&t.world, 3);
	assert_string_equal(t.server.trace, "c");
	assert_int_equal(t.server.error, 0);
	tls_couple_fini(&t);
	mem_free(bytes);
}

TEST(keys_can_be_changed_while_bytes_flow)
{
	struct tls_couple t;

	open_couple(&t, &(struct memory_conn_options){ .step_bytes = 7 });
	for (int i = 0; i < 5; i++) {
		assert_int_equal(tls_conn_update_keys(t.client.conn, i % 2 == 0), 0);
		conn_send_str(t.client.conn, STR("c"));
		conn_send_str(t.server.conn, STR("s"));
		assert_int_equal(tls_conn_update_keys(t.server.conn, i % 2 == 1), 0);
		world_turn(&t.world, 40);
	}
	assert_str_equal(buf_str(&t.server.received), "ccccc");
	assert_str_equal(buf_str(&t.client.received), "sssss");
	assert_int_equal(tls_conn_update_keys(t.client_lower, true), ERR_UNSUPPORTED);
	tls_couple_fini(&t);
}

TEST(a_damaged_record_ends_the_connection)
{
	struct tls_couple t;

	open_couple(&t, NULL);
	conn_send_str(t.client_lower, STR("\x17\x03\x03\x00\x15"
					  "not what was encrypted"));
	world_turn(&t.world, 3);
	assert_string_equal(t.server.trace, "c");
	assert_int_equal(t.server.error, ERR_TLS);
	assert_int_equal(t.server_info.failure, TLS_FAILURE_PROTOCOL);
	assert_int_equal(t.client_info.failure, TLS_FAILURE_ALERT);
	assert_string_equal(t.client_info.failure_text, "alert from the peer: bad record mac");
	tls_couple_fini(&t);
}

TEST(closing_in_any_callback_is_safe)
{
	struct tls_couple t;

	tls_couple_init(&t);
	tls_couple_start(&t);
	t.server.act.close_in_open = true;
	world_turn(&t.world, 10);
	assert_string_equal(t.server.trace, "oc");
	tls_couple_fini(&t);

	open_couple(&t, NULL);
	t.server.act.close_in_data = true;
	conn_send_str(t.client.conn, STR("x"));
	conn_send_str(t.client.conn, STR("y"));
	world_turn(&t.world, 3);
	assert_string_equal(t.server.trace, "dc");
	assert_int_equal(t.server.data_calls, 1);
	tls_couple_fini(&t);
}

TEST(an_idle_tls_connection_moves_to_another_loop)
{
	struct tls_couple t;

	open_couple(&t, NULL);
	assert_int_equal(conn_detach(t.client.conn), 0);
	assert_null(t.client_lower->loop);
	conn_send_str(t.server.conn, STR("while away"));
	world_turn(&t.world, 2);
	assert_int_equal(conn_attach(t.client.conn, t.world.loop, &t.world.chunks), 0);
	world_turn(&t.world, 2);
	assert_str_equal(buf_str(&t.client.received), "while away");

	assert_int_equal(conn_detach(t.client.conn), 0);
	conn_discard(t.client.conn);
	t.client.conn = NULL;
	world_turn(&t.world, 2);
	tls_couple_fini(&t);
}
