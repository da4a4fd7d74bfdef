#include "server_rig.h"

#include <errno.h>

#include "base/mem.h"

TEST(a_request_is_answered_and_the_connection_lives_on)
{
	struct server v;

	server_init(&v, NULL);
	v.notes.on_headers = reply_hello;
	for (int i = 0; i < 3; i++) {
		peer_say(&v.client, STR("GET /x HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n"));
		notes_expect(&v.notes, "headers GET a /x X=y end\nclosed: ended in order\n");
		peer_expect(&v.client, HELLO);
	}
	assert_false(v.client.eof);
	server_fini(&v);
}

TEST(a_request_may_come_byte_by_byte)
{
	struct server v;

	server_init(&v, NULL);
	v.notes.on_data = reply_at_end;
	peer_say_slowly(&v.client,
			STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"));
	notes_expect(&v.notes, "headers POST a / Content-Length=3\n"
			       "data a\ndata b\ndata c end\nclosed: ended in order\n");
	peer_say_slowly(&v.client,
			STR("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
			    "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"));
	notes_expect(&v.notes, "headers POST a /\n"
			       "data a\ndata b\ndata c\ndata  end\nclosed: ended in order\n");
	peer_expect(&v.client, HELLO HELLO);
	server_fini(&v);
}

TEST(the_last_piece_and_the_end_come_together)
{
	struct server v;

	server_init(&v, NULL);
	v.notes.on_data = reply_at_end;
	peer_say(&v.client, STR("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
				"2\r\nab\r\n1\r\nc\r\n0\r\nX: y\r\n\r\n"));
	notes_expect(&v.notes, "headers POST a /\n"
			       "data ab\ndata c end\nclosed: ended in order\n");
	server_fini(&v);
}

TEST(trailers_come_where_they_are_enabled)
{
	struct server v;

	server_init(&v, &(struct http_server_options){ .trailers_enabled = true });
	peer_say(&v.client, STR("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
				"2\r\nab\r\n0\r\nX: y\r\n\r\n"));
	notes_expect(&v.notes, "headers POST a /\ndata ab\ntrailers X=y\n");
	server_fini(&v);
	buf_clear(&v.notes.log);
}

TEST(pipelined_requests_wait_for_the_answer_before)
{
	struct server v;

	server_init(&v, NULL);
	peer_say(&v.client,
		 STR("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
		     "GET /3 HTTP/1.1\r\nHost: a\r\n"));
	notes_expect(&v.notes, "headers GET a /1 end\n");
	stream_reply(v.notes.stream, 200, STR("text/plain"), STR("hello"));
	rig_turn(&v.rig);
	notes_expect(&v.notes, "closed: ended in order\nheaders GET a /2 end\n");
	stream_reply(v.notes.stream, 200, STR("text/plain"), STR("hello"));
	rig_turn(&v.rig);
	notes_expect(&v.notes, "closed: ended in order\n");
	peer_say(&v.client, STR("\r\n"));
	notes_expect(&v.notes, "headers GET a /3 end\n");
	peer_expect(&v.client, HELLO HELLO);
	server_fini(&v);
}

TEST(requests_wait_until_the_answers_before_are_read)
{
	struct server v;

	server_init(&v, NULL);
	v.notes.on_headers = reply_hello;
	memory_conn_set_capacity(v.client.conn, 0);
	peer_say(&v.client,
		 STR("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n"));
	peer_say(&v.client, STR("GET /3 HTTP/1.1\r\nHost: a\r\n\r\n"));
	conn_shut_write(v.client.conn);
	rig_turn(&v.rig);
	notes_expect(&v.notes, "headers GET a /1 end\nclosed: ended in order\n");
	memory_conn_set_capacity(v.client.conn, MEMORY_CONN_CAPACITY);
	for (int i = 0; i < 4; i++)
		rig_turn(&v.rig);
	notes_expect(&v.notes, "headers GET a /2 end\nclosed: ended in order\n"
			       "headers GET a /3 end\nclosed: ended in order\nconnection closed\n");
	peer_expect(&v.client, HELLO HELLO HELLO);
	assert_true(v.client.eof);
	server_fini(&v);
}

TEST(head_and_body_leave_in_one_write)
{
	struct server v;

	server_init(&v, NULL);
	peer_say(&v.client, STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
	answer(&v, 200, false);
	assert_int_equal(http_server_conn_transport(v.hc)->bytes_sent, 0);
	send_text(v.notes.stream, "ab", false);
	assert_true(http_server_conn_transport(v.hc)->bytes_sent > 0);
	send_text(v.notes.stream, "c", true);
	rig_turn(&v.rig);
	peer_expect(&v.client, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
			       "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n");
	server_fini(&v);
}

TEST(a_head_without_body_yet_leaves_at_the_end_of_the_turn)
{
	struct server v;

	server_init(&v, NULL);
	peer_say(&v.client, STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
	answer(&v, 200, false);
	rig_turn(&v.rig);
	peer_expect(&v.client, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
	server_fini(&v);
}

TEST(trailers_of_an_answer_are_sent_where_they_are_enabled)
{
	for (int enabled = 0; enabled < 2; enabled++) {
		struct server v;
		struct headers trailers;

		server_init(&v, &(struct http_server_options){ .trailers_enabled = enabled });
		peer_say(&v.client, STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
		answer(&v, 200, false);
		headers_init(&trailers, &v.notes.stream->pool);
		headers_add_named(&trailers, STR("x"), STR("y"));
		stream_send_trailers(v.notes.stream, &trailers);
		rig_turn(&v.rig);
		peer_expect(&v.client,
			    enabled ? "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
				      "0\r\nx: y\r\n\r\n"
				    : "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
				      "0\r\n\r\n");
		server_fini(&v);
	}
}

static const struct {
	const char *request;
	uint16_t status;
	const char *answer;
} bodiless[] = {
	{ "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 204, "HTTP/1.1 204 No Content\r\n\r\n" },
	{ "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 304, "HTTP/1.1 304 Not Modified\r\n\r\n" },
	{ "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 200,
	  "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n" },
	{ "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", 200, "HTTP/1.1 200 OK\r\n\r\n" },
	{ "GET / HTTP/1.0\r\nHost: a\r\n\r\n", 200,
	  "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n" },
	{ "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", 200,
	  "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n" },
};

TEST(an_answer_without_body_says_so)
{
	for (size_t i = 0; i < array_count(bodiless); i++) {
		struct server v;

		server_init(&v, NULL);
		peer_say(&v.client, str_from(bodiless[i].request));
		answer(&v, bodiless[i].status, true);
		rig_turn(&v.rig);
		peer_expect(&v.client, bodiless[i].answer);
		server_fini(&v);
	}
}

TEST(the_body_of_an_answer_to_head_is_dropped)
{
	struct server v;

	server_init(&v, NULL);
	v.notes.on_headers = reply_hello;
	peer_say(&v.client,
		 STR("HEAD / HTTP/1.1\r\nHost: a\r\n\r\nHEAD / HTTP/1.1\r\nHost: a\r\n\r\n"));
	peer_expect(&v.client,
		    "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\n"
		    "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\n");
	server_fini(&v);
}

TEST(an_old_client_gets_a_body_until_close)
{
	struct server v;

	server_init(&v, NULL);
	peer_say(&v.client, STR("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"));
	answer(&v, 200, false);
	send_text(v.notes.stream, "abc", true);
	rig_turn(&v.rig);
	peer_expect(&v.client, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nabc");
	assert_true(v.client.eof);
	server_fini(&v);
}

TEST(close_ends_the_connection_behind_the_answer)
{
	struct server v;

	server_init(&v, NULL);
	v.notes.on_headers = reply_hello;
	peer_say(&v.client, STR("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
				"GET /never HTTP/1.1\r\nHost: a\r\n\r\n"));
	peer_expect(&v.client, HELLO_CLOSE);
	assert_true(v.client.eof);
	notes_expect(&v.notes, "headers GET a / Connection=close end\nclosed: ended in order\n");
	conn_close(v.client.conn);
	rig_turn(&v.rig);
	notes_expect(&v.notes, "connection closed\n");
	server_fini(&v);
}

TEST(a_head_larger_than_a_chunk_is_read)
{
	struct server v;
	static char text[50000];

	server_init(&v, NULL);
	v.notes.on_headers = reply_hello;
	memset(text, 'a', sizeof(text));
	peer_say(&v.client, STR("GET / HTTP/1.1\r\nHost: a\r\nX: "));
	peer_say(&v.client, str_of(text, sizeof(text)));
	peer_say(&v.client, STR("\r\n\r\n"));
	peer_expect(&v.client, HELLO);
	server_fini(&v);
}

TEST(a_doubtful_chunk_resets_the_stream_and_is_answered)
{
	struct server v;

	server_init(&v, NULL);
	peer_say(&v.client, STR("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
				"2\r\nabc\r\n"));
	notes_expect(&v.notes, "headers POST a /\nfault 1 400: a chunk is longer than its size\n"
			       "closed: the peer broke the protocol\n");
	assert_true(str_has_prefix(buf_str(&v.client.got), STR("HTTP/1.1 400 Bad Request\r\n")));
	assert_true(v.client.eof);
	server_fini(&v);
}

TEST(a_doubtful_trailer_is_answered_though_its_body_came_with_it)
{
	struct server v;

	server_init(&v, NULL);
	peer_say(&v.client, STR("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
				"1\r\na\r\n0\r\nContent-Length: 5\r\n\r\n"));
	notes_expect(&v.notes, "headers POST a /\nfault 1 400: a trailer that belongs in the head\n"
			       "closed: the peer broke the protocol\n");
	assert_true(str_has_prefix(buf_str(&v.client.got), STR("HTTP/1.1 400 Bad Request\r\n")));
	assert_true(v.client.eof);
	server_fini(&v);
}

TEST(a_doubtful_trailer_is_answered_behind_the_answer_before)
{
	struct server v;

	server_init(&v, NULL);
	peer_say(&v.client, STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n"
				"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
				"1\r\na\r\n0\r\nContent-Length: 5\r\n\r\n"));
	stream_reply(v.notes.stream, 200, STR("text/plain"), STR("hello"));
	rig_turn(&v.rig);
	assert_true(str_has_prefix(buf_str(&v.client.got), STR(HELLO "HTTP/1.1 400 Bad Request")));
	assert_true(v.client.eof);
	server_fini(&v);
}

TEST(a_doubtful_chunk_behind_a_begun_answer_closes)
{
	struct server v;

	server_init(&v, NULL);
	peer_say(&v.client,
		 STR("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"));
	answer(&v, 200, false);
	rig_turn(&v.rig);
	buf_clear(&v.client.got);
	peer_say(&v.client, STR("x\r\n"));
	notes_expect(&v.notes, "headers POST a /\nfault 1 0: a chunk size is invalid\n"
			       "closed: the peer broke the protocol\nconnection closed\n");
	peer_expect(&v.client, "");
	server_fini(&v);
}

TEST(an_offer_of_h2c_is_passed_over)
{
	struct server v;

	server_init(&v, NULL);
	v.notes.on_headers = reply_hello;
	peer_say(&v.client,
		 STR("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n"
		     "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"));
	peer_expect(&v.client, HELLO);
	server_fini(&v);
}

#define EXPECT "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"

TEST(the_100_is_sent_when_the_near_side_takes_the_body)
{
	struct server v;

	server_init(&v, NULL);
	v.notes.on_data = reply_at_end;
	peer_say(&v.client, STR(EXPECT));
	notes_expect(&v.notes, "headers POST a / Content-Length=3\n");
	peer_expect(&v.client, "HTTP/1.1 100 Continue\r\n\r\n");
	peer_say(&v.client, STR("abc"));
	peer_expect(&v.client, HELLO);
	server_fini(&v);
}

static void pause_stream(struct stream *s, struct headers *h, bool end)
{
	(void)h;
	(void)end;
	stream_pause(s);
}

TEST(the_100_waits_for_a_paused_near_side)
{
	struct server v;

	server_init(&v, NULL);
	v.notes.on_headers = pause_stream;
	v.notes.on_data = reply_at_end;
	peer_say(&v.client, STR(EXPECT));
	peer_expect(&v.client, "");
	stream_resume(v.notes.stream);
	rig_turn(&v.rig);
	peer_expect(&v.client, "HTTP/1.1 100 Continue\r\n\r\n");
	peer_say(&v.client, STR("abc"));
	peer_expect(&v.client, HELLO);
	server_fini(&v);
}

TEST(an_answer_instead_of_the_100_ends_the_connection)
{
	struct server v;

	server_init(&v, NULL);
	v.notes.on_headers = reply_hello;
	peer_say(&v.client, STR(EXPECT));
	peer_expect(&v.client, HELLO_CLOSE);
	server_fini(&v);
}

TEST(no_100_is_sent_when_the_body_is_there_already)
{
	struct server v;

	server_init(&v, NULL);
	v.notes.on_headers = pause_stream;
	v.notes.on_data = reply_at_end;
	peer_say(&v.client, STR(EXPECT "abc"));
	stream_resume(v.notes.stream);
	rig_turn(&v.rig);
	assert_true(str_has_suffix(buf_str(&v.client.got), STR(HELLO)));
	server_fini(&v);
}

TEST(expect_is_the_near_sides_on_request)
{
	struct server v;

	server_init(&v, &(struct http_server_options){ .expect_forwarded = true });
	peer_say(&v.client, STR(EXPECT));
	notes_expect(&v.notes, "headers POST a / Content-Length=3 Expect=100-continue\n");
	peer_expect(&v.client, "");
	answer(&v, 100, false);
	answer(&v, 103, false);
	rig_turn(&v.rig);
	peer_expect(&v.client, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n");
	server_fini(&v);
}

TEST(a_paused_near_side_gets_no_body_and_the_client_is_slowed)
{
	struct server v;
	static char text[100000];
	size_t queued;

	server_init(&v, NULL);
	v.notes.on_headers = pause_stream;
	memset(text, 'a', sizeof(text));
	peer_say(&v.client, STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"));
	notes_expect(&v.notes, "headers POST a / Content-Length=1000000\n");
	for (int i = 0; i < 10; i++)
		peer_say(&v.client, str_of(text, sizeof(text)));
	notes_expect(&v.notes, "");
	assert_true(v.client.conn->send_queued);
	queued = mem_live_bytes();
	stream_resume(v.notes.stream);
	for (int i = 0; i < 40; i++)
		rig_turn(&v.rig);
	assert_int_equal(v.notes.stream->bytes_received, 1000000);
	assert_true(v.notes.stream->is.recv_ended);
	assert_true(mem_live_bytes() < queued);
	server_fini(&v);
}

TEST(a_slow_client_pauses_the_sender)
{
	struct server v;
	static char text[50001];

	server_init(&v, NULL);
	peer_say(&v.client, STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
	buf_clear(&v.notes.log);
	memory_conn_set_capacity(v.client.conn, 0);
	memset(text, 'a', sizeof(text) - 1);
	answer(&v, 200, false);
	assert_int_equal(send_text(v.notes.stream, text, false), SEND_QUEUED);
	assert_int_equal(send_text(v.notes.stream, text, false), SEND_QUEUED);
	rig_turn(&v.rig);
	notes_expect(&v.notes, "");
	memory_conn_set_capacity(v.client.conn, MEMORY_CONN_CAPACITY);
	for (int i = 0; i < 10; i++)
		rig_turn(&v.rig);
	notes_expect(&v.notes, "sent\n");
	server_fini(&v);
}

TEST(an_early_answer_lets_a_short_rest_be_dropped)
{
	struct server v;

	server_init(&v, NULL);
	v.notes.on_headers = reply_hello;
	peer_say(&v.client, STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc"));
	notes_expect(&v.notes, "headers POST a / Content-Length=6\ndata abc\n");
	peer_say(&v.client, STR("def"));
	notes_expect(&v.notes, "data def end\nclosed: ended in order\n");
	peer_say(&v.client, STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
	peer_expect(&v.client, HELLO HELLO);
	server_fini(&v);
}

static void reply_and_reset(struct stream *s, struct headers *h, bool end)
{
	reply_hello(s, h, end);
	stream_reset(s, false);
}

TEST(a_reset_behind_the_answer_drops_the_rest)
{
	struct server v;

	server_init(&v, NULL);
	v.notes.on_headers = reply_and_reset;
	peer_say(&v.client, STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc"));
	notes_expect(&v.notes, "headers POST a / Content-Length=6\nclosed: reset by this side\n");
	peer_say(&v.client, STR("defGET / HTTP/1.1\r\nHost: a\r\n\r\n"));
	peer_expect(&v.client, HELLO HELLO);
	server_fini(&v);
}

static const char *const long_rests[] = {
	"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
	"Content-Length: 65540\r\n\r\nabc",
};

TEST(an_answer_before_a_long_rest_says_that_the_connection_ends)
{
	for (size_t i = 0; i < array_count(long_rests); i++) {
		struct server v;
		static char text[100000];

		server_init(&v, NULL);
		v.notes.on_headers = reply_and_reset;
		peer_say(&v.client, STR("POST / HTTP/1.1\r\nHost: a\r\n"));
		peer_say(&v.client, str_from(long_rests[i]));
		peer_expect(&v.client, HELLO_CLOSE);
		assert_true(v.client.eof);
		/* It may go on to send, so that the answer is not lost to a reset. */
		peer_say(&v.client, str_of(text, sizeof(text)));
		assert_int_equal(v.client.error, 0);
		assert_non_null(v.client.conn);
		assert_non_null(v.hc);
		rig_advance(&v.rig, DURATION_SECONDS(1));
		assert_null(v.hc);
		server_fini(&v);
	}
}

TEST(a_client_that_gets_no_time_to_close_is_closed_at_once)
{
	struct server v;

	server_init(&v, &(struct http_server_options){ .close_timeout = DURATION_NS(-1) });
	v.notes.on_headers = reply_and_reset;
	peer_say(&v.client, STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\nabc"));
	peer_expect(&v.client, HELLO_CLOSE);
	assert_null(v.hc);
	server_fini(&v);
}

TEST(a_cut_answer_gets_as_far_as_it_came)
{
	struct server v;

	server_init(&v, NULL);
	peer_say(&v.client, STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
	answer(&v, 200, false);
	stream_reset(v.notes.stream, false);
	rig_turn(&v.rig);
	peer_expect(&v.client, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
	assert_true(v.client.eof);
	server_fini(&v);
}

TEST(a_reset_behind_the_answer_with_the_whole_rest_there)
{
	struct server v;

	server_init(&v, NULL);
	v.notes.on_headers = reply_and_reset;
	peer_say(&v.client, STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
				"GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
	notes_expect(&v.notes, "headers POST a / Content-Length=3\nclosed: reset by this side\n"
			       "headers GET a / end\nclosed: ended in order\n");
	peer_expect(&v.client, HELLO HELLO);
	server_fini(&v);
}

TEST(an_endless_rest_ends_the_connection)
{
	struct server v;
	static char text[40000];

	server_init(&v, NULL);
	v.notes.on_headers = reply_hello;
	memset(text, 'a', sizeof(text));
	peer_say(&v.client, STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"));
	peer_say(&v.client, str_of(text, sizeof(text)));
	peer_say(&v.client, str_of(text, sizeof(text)));
	peer_expect(&v.client, HELLO_CLOSE);
	assert_true(v.client.eof);
	assert_true(str_has_suffix(buf_str(&v.notes.log), STR("closed: a limit was reached\n")));
	server_fini(&v);
}

TEST(an_endless_rest_behind_a_reset_ends_the_connection)
{
	struct server v;
	static char text[40000];

	server_init(&v, NULL);
	v.notes.on_headers = reply_and_reset;
	memset(text, 'a', sizeof(text));
	peer_say(&v.client, STR("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
				"20000\r\n"));
	peer_say(&v.client, str_of(text, sizeof(text)));
	peer_say(&v.client, str_of(text, sizeof(text)));
	peer_expect(&v.client, HELLO_CLOSE);
	assert_true(v.client.eof);
	server_fini(&v);
}

TEST(a_rest_that_does_not_come_ends_the_connection)
{
	struct server v;

	server_init(&v, NULL);
	v.notes.on_headers = reply_and_reset;
	peer_say(&v.client, STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc"));
	assert_false(v.client.eof);
	rig_advance(&v.rig, DURATION_SECONDS(6));
	assert_true(v.client.eof);
	server_fini(&v);
}

TEST(a_reset_before_the_end_closes_the_connection)
{
	struct server v;

	server_init(&v, NULL);
	peer_say(&v.client, STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
	stream_reset(v.notes.stream, false);
	rig_turn(&v.rig);
	notes_expect(&v.notes,
		     "headers GET a / end\nclosed: reset by this side\nconnection closed\n");
	peer_expect(&v.client, "");
	server_fini(&v);
}

TEST(an_answer_that_breaks_its_length_is_not_whole)
{
	static const char *const bodies[] = { "toolong", "shrt" };

	for (size_t i = 0; i < array_count(bodies); i++) {
		struct server v;
		struct headers h;

		server_init(&v, NULL);
		peer_say(&v.client, STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
		headers_init(&h, &v.notes.stream->pool);
		h.status = 200;
		headers_add(&h, HEADER_CONTENT_LENGTH, STR("5"));
		stream_send_headers(v.notes.stream, &h, false);
		assert_int_equal(send_text(v.notes.stream, bodies[i], true), SEND_CLOSED);
		rig_turn(&v.rig);
		assert_null(v.hc);
		server_fini(&v);
	}
}

TEST(a_field_that_would_split_the_answer_is_never_sent)
{
	struct server v;
	struct headers h;

	server_init(&v, NULL);
	peer_say(&v.client, STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
	headers_init(&h, &v.notes.stream->pool);
	h.status = 200;
	headers_add_named(&h, STR("x"), STR("a\r\nb: c"));
	assert_int_equal(stream_send_headers(v.notes.stream, &h, true), SEND_CLOSED);
	rig_turn(&v.rig);
	peer_expect(&v.client, "");
	server_fini(&v);
}

TEST(a_client_that_shut_its_side_still_gets_the_answer)
{
	struct server v;

	server_init(&v, NULL);
	conn_send_str(v.client.conn, STR("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
					 "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n"));
	conn_shut_write(v.client.conn);
	rig_turn(&v.rig);
	notes_expect(&v.notes, "headers GET a /1 end\n");
	stream_reply(v.notes.stream, 200, STR("text/plain"), STR("hello"));
	rig_turn(&v.rig);
	notes_expect(&v.notes, "closed: ended in order\nheaders GET a /2 end\n");
	stream_reply(v.notes.stream, 200, STR("text/plain"), STR("hello"));
	rig_turn(&v.rig);
	notes_expect(&v.notes, "closed: ended in order\nconnection closed\n");
	peer_expect(&v.client, HELLO HELLO);
	server_fini(&v);
}

TEST(a_request_that_is_cut_resets_the_stream)
{
	static const char *const texts[] = {
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ",
	};

	for (size_t i = 0; i < array_count(texts); i++) {
		struct server v;

		server_init(&v, NULL);
		peer_say(&v.client, str_from(texts[i]));
		conn_shut_write(v.client.conn);
		rig_turn(&v.rig);
		assert_true(
			str_has_suffix(buf_str(&v.notes.log),
				       STR("closed: the connection closed\nconnection closed\n")));
		server_fini(&v);
	}
}

TEST(a_head_that_is_cut_is_nothing)
{
	struct server v;

	server_init(&v, NULL);
	peer_say(&v.client, STR("GET / HTTP/1.1\r\nHost"));
	conn_shut_write(v.client.conn);
	rig_turn(&v.rig);
	notes_expect(&v.notes, "connection closed\n");
	peer_expect(&v.client, "");
	server_fini(&v);
}

TEST(a_lost_connection_closes_its_stream_first)
{
	struct server v;

	server_init(&v, NULL);
	peer_say(&v.client, STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
	memory_conn_break(v.client.conn, -ECONNRESET);
	rig_turn(&v.rig);
	notes_expect(&v.notes,
		     "headers GET a / end\nclosed: the connection closed\nconnection closed\n");
	server_fini(&v);
}

TEST(an_idle_connection_ends_in_time)
{
	struct server v;

	server_init(&v, &(struct http_server_options){ .idle_timeout = DURATION_SECONDS(10) });
	v.notes.on_headers = reply_hello;
	rig_advance(&v.rig, DURATION_SECONDS(9));
	peer_say(&v.client, STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
	rig_advance(&v.rig, DURATION_SECONDS(9));
	assert_false(v.client.eof);
	rig_advance(&v.rig, DURATION_SECONDS(2));
	assert_true(v.client.eof);
	notes_expect(&v.notes, "headers GET a / end\nclosed: ended in order\nfault 5 0: \n");
	server_fini(&v);
}

TEST(a_head_must_arrive_in_time)
{
	struct server v;

	server_init(&v, &(struct http_server_options){ .idle_timeout = DURATION_SECONDS(100),
						       .headers_timeout = DURATION_SECONDS(5) });
	rig_advance(&v.rig, DURATION_SECONDS(50));
	peer_say(&v.client, STR("GET / HTTP/1.1\r\n"));
	rig_advance(&v.rig, DURATION_SECONDS(4));
	peer_say(&v.client, STR("Host: a\r\n"));
	assert_false(v.client.eof);
	rig_advance(&v.rig, DURATION_SECONDS(2));
	notes_expect(&v.notes, "fault 4 408: the head did not arrive in time\n");
	assert_true(str_has_prefix(buf_str(&v.client.got), STR("HTTP/1.1 408 ")));
	assert_true(v.client.eof);
	server_fini(&v);
}

TEST(a_busy_connection_is_not_idle)
{
	struct server v;

	server_init(&v, &(struct http_server_options){ .idle_timeout = DURATION_SECONDS(10),
						       .headers_timeout = DURATION_SECONDS(5) });
	peer_say(&v.client, STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
	rig_advance(&v.rig, DURATION_SECONDS(60));
	notes_expect(&v.notes, "headers GET a / end\n");
	stream_reply(v.notes.stream, 200, STR("text/plain"), STR("hello"));
	rig_turn(&v.rig);
	peer_expect(&v.client, HELLO);
	rig_advance(&v.rig, DURATION_SECONDS(9));
	assert_false(v.client.eof);
	rig_advance(&v.rig, DURATION_SECONDS(1));
	assert_true(v.client.eof);
	server_fini(&v);
}

TEST(draining_says_close_with_the_next_answer)
{
	struct server v;

	server_init(&v, NULL);
	peer_say(&v.client, STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
	http_server_conn_drain(v.hc);
	stream_reply(v.notes.stream, 200, STR("text/plain"), STR("hello"));
	rig_turn(&v.rig);
	peer_expect(&v.client, HELLO_CLOSE);
	assert_true(v.client.eof);
	server_fini(&v);
}

TEST(draining_lets_a_request_on_its_way_through)
{
	struct server v;

	server_init(&v, NULL);
	v.notes.on_headers = reply_hello;
	http_server_conn_drain(v.hc);
	rig_turn(&v.rig);
	assert_false(v.client.eof);
	peer_say(&v.client, STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
	peer_expect(&v.client, HELLO_CLOSE);
	server_fini(&v);

	server_init(&v, NULL);
	http_server_conn_drain(v.hc);
	rig_advance(&v.rig, DURATION_SECONDS(2));
	assert_true(v.client.eof);
	server_fini(&v);
}

TEST(a_slow_reader_gets_its_last_answer_whole)
{
	struct server v;
	static char text[50001];

	server_init(&v, NULL);
	peer_say(&v.client, STR("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
	memory_conn_set_capacity(v.client.conn, 0);
	memset(text, 'a', sizeof(text) - 1);
	answer(&v, 200, false);
	send_text(v.notes.stream, text, true);
	rig_advance(&v.rig, DURATION_SECONDS(20));
	assert_int_equal(buf_len(&v.client.got), 0);
	memory_conn_set_capacity(v.client.conn, MEMORY_CONN_CAPACITY);
	for (int i = 0; i < 4; i++)
		rig_turn(&v.rig);
	assert_true(str_has_suffix(buf_str(&v.client.got), STR("aaa\r\n0\r\n\r\n")));
	assert_true(v.client.eof);
	server_fini(&v);
}

TEST(a_reader_that_takes_nothing_is_given_up)
{
	struct server v;
	static char text[50001];

	server_init(&v, NULL);
	peer_say(&v.client, STR("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
	memory_conn_set_capacity(v.client.conn, 0);
	memset(text, 'a', sizeof(text) - 1);
	answer(&v, 200, false);
	send_text(v.notes.stream, text, true);
	rig_turn(&v.rig);
	rig_advance(&v.rig, DURATION_SECONDS(31));
	assert_null(v.hc);
	server_fini(&v);
}

TEST(closing_inside_a_callback_is_the_last_of_it)
{
	struct server v;

	server_init(&v, NULL);
	peer_say(&v.client, STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n"));
	http_server_conn_close(v.hc);
	rig_turn(&v.rig);
	notes_expect(&v.notes, "headers POST a / Content-Length=6\n"
			       "closed: the connection closed\nconnection closed\n");
	server_fini(&v);
}

TEST(an_idle_connection_holds_no_chunk)
{
	struct server v;
	struct conn *c;

	server_init(&v, NULL);
	v.notes.on_headers = reply_hello;
	peer_say(&v.client, STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
	c = http_server_conn_transport(v.hc);
	assert_null(c->in);
	peer_expect(&v.client, HELLO);
	server_fini(&v);
}
