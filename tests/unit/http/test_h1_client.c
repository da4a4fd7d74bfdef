#include "http/client.h"

#include <errno.h>

#include "rig.h"
#include "test.h"

/* A client connection, its near side, and the server as a scripted peer. */
struct client {
	struct rig rig;
	struct peer server;
	struct notes notes;
	struct http_client_conn *hc; /* NULL: closed */
};

static void on_ready(struct http_client_conn *hc)
{
	buf_printf(&((struct client *)http_client_conn_user(hc))->notes.log, "ready\n");
}

static void on_available(struct http_client_conn *hc)
{
	buf_printf(&((struct client *)http_client_conn_user(hc))->notes.log, "available\n");
}

static void on_draining(struct http_client_conn *hc)
{
	buf_printf(&((struct client *)http_client_conn_user(hc))->notes.log, "draining\n");
}

static void on_closed(struct http_client_conn *hc, int error)
{
	struct client *k = http_client_conn_user(hc);

	k->hc = NULL;
	buf_printf(&k->notes.log, "connection closed: %s\n", err_text(error));
}

static const struct http_client_handler client_handler = {
	.on_ready = on_ready,
	.on_available = on_available,
	.on_draining = on_draining,
	.on_closed = on_closed,
};

static void client_open(struct client *k, const struct http_client_options *options,
			const struct memory_conn_options *transport)
{
	struct conn *ours, *theirs;

	rig_init(&k->rig);
	notes_init(&k->notes);
	k->notes.user = k;
	memory_conn_pair(k->rig.loop, &k->rig.chunks, transport, &ours, &theirs);
	peer_init(&k->server, &k->rig, theirs);
	k->hc = http_client_conn_open_take(
		ours, options ? options : &(struct http_client_options){ 0 }, &client_handler, k);
}

static void client_init(struct client *k, const struct http_client_options *options)
{
	client_open(k, options, NULL);
	rig_turn(&k->rig);
	notes_expect(&k->notes, "ready\n");
}

static void client_fini(struct client *k)
{
	if (k->hc)
		http_client_conn_close(k->hc);
	peer_fini(&k->server);
	assert_null(k->hc);
	assert_null(k->notes.stream);
	notes_fini(&k->notes);
	rig_fini(&k->rig);
}

static void request(struct client *k, const char *method, bool end)
{
	struct headers h;

	k->notes.stream = http_client_conn_begin(k->hc, &notes_handler, &k->notes);
	assert_non_null(k->notes.stream);
	headers_init(&h, &k->notes.stream->pool);
	h.method = str_from(method);
	h.method_id = method_of(h.method);
	h.path = STR("/x");
	h.authority = STR("a");
	stream_send_headers(k->notes.stream, &h, end);
	rig_turn(&k->rig);
}

static enum send_result send_text(struct stream *s, const char *text, bool end)
{
	struct iovec iov = { (void *)text, strlen(text) };

	return stream_send_data(s, &iov, 1, end);
}

TEST(a_client_waits_for_its_transport)
{
	struct client k;

	client_open(&k, NULL, &(struct memory_conn_options){ .connecting = true });
	rig_turn(&k.rig);
	notes_expect(&k.notes, "");
	assert_false(http_client_conn_available(k.hc));
	memory_conn_establish(http_client_conn_transport(k.hc), 0);
	rig_turn(&k.rig);
	notes_expect(&k.notes, "ready\n");
	assert_true(http_client_conn_available(k.hc));
	client_fini(&k);

	client_open(&k, NULL, &(struct memory_conn_options){ .connecting = true });
	memory_conn_establish(http_client_conn_transport(k.hc), -ECONNREFUSED);
	rig_turn(&k.rig);
	notes_expect(&k.notes, "connection closed: Connection refused\n");
	client_fini(&k);
}

TEST(requests_follow_each_other_on_a_connection)
{
	struct client k;

	client_init(&k, NULL);
	for (int i = 0; i < 3; i++) {
		request(&k, "GET", true);
		assert_false(http_client_conn_available(k.hc));
		assert_null(http_client_conn_begin(k.hc, &notes_handler, &k.notes));
		peer_expect(&k.server, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
		peer_say(&k.server, STR("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"));
		notes_expect(&k.notes, "headers 200 Content-Length=3\ndata abc end\n"
				       "closed: ended in order\navailable\n");
	}
	client_fini(&k);
}

TEST(a_client_at_rest_moves_to_another_loop)
{
	struct client k;
	struct rig other;

	client_init(&k, NULL);
	rig_init(&other);
	request(&k, "GET", true);
	assert_int_equal(http_client_conn_detach(k.hc), ERR_CONFLICT);
	peer_say(&k.server, STR("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
	assert_int_equal(http_client_conn_detach(k.hc), 0);
	assert_int_equal(http_client_conn_attach(k.hc, other.loop, &other.chunks, &k), 0);
	notes_expect(&k.notes, "headers 200 Content-Length=0 end\nclosed: ended in order\n"
			       "available\n");
	peer_expect(&k.server, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
	request(&k, "GET", true);
	rig_turn(&other);
	rig_turn(&k.rig);
	peer_say(&k.server, STR("HTTP/1.1 204 No Content\r\n\r\n"));
	rig_turn(&other);
	notes_expect(&k.notes, "headers 204 end\nclosed: ended in order\navailable\n");
	assert_int_equal(http_client_conn_detach(k.hc), 0);
	http_client_conn_discard(k.hc);
	k.hc = NULL;
	rig_turn(&k.rig);
	assert_true(k.server.eof);
	client_fini(&k);
	rig_fini(&other);
}

TEST(requests_with_a_body_are_framed)
{
	struct client k;

	client_init(&k, NULL);
	request(&k, "POST", false);
	send_text(k.notes.stream, "abc", false);
	send_text(k.notes.stream, "", true);
	rig_turn(&k.rig);
	peer_expect(&k.server, "POST /x HTTP/1.1\r\nHost: a\r\ntransfer-encoding: chunked\r\n\r\n"
			       "3\r\nabc\r\n0\r\n\r\n");
	peer_say(&k.server, STR("HTTP/1.1 204 No Content\r\n\r\n"));
	notes_expect(&k.notes, "headers 204 end\nclosed: ended in order\navailable\n");
	request(&k, "POST", true);
	peer_expect(&k.server, "POST /x HTTP/1.1\r\nHost: a\r\ncontent-length: 0\r\n\r\n");
	client_fini(&k);
}

TEST(responses_may_come_byte_by_byte)
{
	struct client k;

	client_init(&k, &(struct http_client_options){ .trailers_enabled = true });
	request(&k, "GET", true);
	peer_say_slowly(&k.server, STR("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 X\r\nL: m\r\n\r\n"
				       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
				       "2\r\nab\r\n0\r\nX: y\r\n\r\n"));
	notes_expect(&k.notes, "interim 100\ninterim 103 L=m\nheaders 200\ndata a\ndata b\n"
			       "trailers X=y\nclosed: ended in order\navailable\n");
	client_fini(&k);
}

TEST(a_response_to_head_has_no_body_here_either)
{
	struct client k;

	client_init(&k, NULL);
	request(&k, "HEAD", true);
	peer_say(&k.server, STR("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"));
	notes_expect(&k.notes,
		     "headers 200 Content-Length=3 end\nclosed: ended in order\navailable\n");
	client_fini(&k);
}

TEST(a_body_may_end_with_the_connection)
{
	struct client k;

	client_init(&k, NULL);
	request(&k, "GET", true);
	peer_say(&k.server, STR("HTTP/1.1 200 OK\r\n\r\nabc"));
	notes_expect(&k.notes, "draining\nheaders 200\ndata abc\n");
	conn_shut_write(k.server.conn);
	rig_turn(&k.rig);
	notes_expect(&k.notes, "data  end\nclosed: ended in order\n"
			       "connection closed: no error\n");
	client_fini(&k);
}

TEST(a_broken_connection_is_no_end_of_a_body)
{
	struct client k;

	client_init(&k, NULL);
	request(&k, "GET", true);
	peer_say(&k.server, STR("HTTP/1.1 200 OK\r\n\r\nabc"));
	memory_conn_break(k.server.conn, -ECONNRESET);
	rig_turn(&k.rig);
	notes_expect(&k.notes, "draining\nheaders 200\ndata abc\nclosed: the connection closed\n"
			       "connection closed: Connection reset by peer\n");
	client_fini(&k);
}

TEST(a_response_that_is_cut_is_broken_and_one_that_never_began_is_not)
{
	static const struct {
		const char *text;
		const char *expected;
	} rows[] = {
		{ "", "the connection closed" },
		{ "HTTP/1.1 200", "the peer broke the protocol" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
		  "the peer broke the protocol" },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
		  "the peer broke the protocol" },
	};

	for (size_t i = 0; i < array_count(rows); i++) {
		struct client k;
		char end[100];

		client_init(&k, NULL);
		request(&k, "GET", true);
		conn_send_str(k.server.conn, str_from(rows[i].text));
		conn_shut_write(k.server.conn);
		rig_turn(&k.rig);
		snprintf(end, sizeof(end), "closed: %s\nconnection closed: no error\n",
			 rows[i].expected);
		assert_true(str_has_suffix(buf_str(&k.notes.log), str_from(end)));
		client_fini(&k);
	}
}

TEST(close_drains_the_connection)
{
	struct client k;

	client_init(&k, NULL);
	request(&k, "GET", true);
	peer_say(&k.server,
		 STR("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
	notes_expect(&k.notes, "draining\nheaders 200 Content-Length=0 Connection=close end\n"
			       "closed: ended in order\nconnection closed: no error\n");
	client_fini(&k);
}

TEST(an_old_server_closes_unless_it_says_otherwise)
{
	struct client k;

	client_init(&k, NULL);
	request(&k, "GET", true);
	peer_say(&k.server, STR("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n"
				"Connection: keep-alive\r\n\r\n"));
	assert_true(http_client_conn_available(k.hc));
	request(&k, "GET", true);
	peer_say(&k.server, STR("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"));
	assert_null(k.hc);
	client_fini(&k);
}

TEST(bytes_that_nobody_asked_for_end_the_connection)
{
	struct client k;

	client_init(&k, NULL);
	peer_say(&k.server, STR("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
	notes_expect(&k.notes, "connection closed: no error\n");
	client_fini(&k);

	client_init(&k, NULL);
	request(&k, "GET", true);
	peer_say(&k.server, STR("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200"));
	notes_expect(&k.notes, "headers 200 Content-Length=0 end\nclosed: ended in order\n"
			       "draining\nconnection closed: no error\n");
	client_fini(&k);
}

TEST(doubtful_responses_end_the_connection)
{
	static const char *const texts[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\nContent-Length: 3\n\n",
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
		"SSH-2.0-OpenSSH_9.2\r\n\r\n",
	};

	for (size_t i = 0; i < array_count(texts); i++) {
		struct client k;

		client_init(&k, NULL);
		request(&k, "GET", true);
		peer_say(&k.server, str_from(texts[i]));
		assert_true(str_has_suffix(buf_str(&k.notes.log),
					   STR("closed: the peer broke the protocol\n"
					       "connection closed: no error\n")));
		client_fini(&k);
	}
}

TEST(interim_responses_are_limited)
{
	struct client k;

	client_init(&k, NULL);
	request(&k, "GET", true);
	for (int i = 0; i < 16; i++)
		peer_say(&k.server, STR("HTTP/1.1 102 Processing\r\n\r\n"));
	assert_non_null(k.hc);
	peer_say(&k.server, STR("HTTP/1.1 102 Processing\r\n\r\n"));
	assert_null(k.hc);
	client_fini(&k);
}

TEST(an_early_response_leaves_the_request_to_be_finished)
{
	struct client k;

	client_init(&k, NULL);
	request(&k, "POST", false);
	peer_say(&k.server, STR("HTTP/1.1 413 X\r\nContent-Length: 0\r\n\r\n"));
	notes_expect(&k.notes, "headers 413 Content-Length=0 end\n");
	assert_non_null(k.notes.stream);
	send_text(k.notes.stream, "abc", true);
	rig_turn(&k.rig);
	notes_expect(&k.notes, "closed: ended in order\navailable\n");
	client_fini(&k);
}

TEST(a_reset_closes_the_connection)
{
	struct client k;

	client_init(&k, NULL);
	request(&k, "GET", true);
	stream_reset(k.notes.stream, false);
	rig_turn(&k.rig);
	notes_expect(&k.notes, "closed: reset by this side\nconnection closed: no error\n");
	client_fini(&k);
}

static void pause_stream(struct stream *s, struct headers *h, bool end)
{
	(void)h;
	(void)end;
	stream_pause(s);
}

TEST(a_stream_that_was_not_used_leaves_the_connection_alone)
{
	struct client k;

	client_init(&k, NULL);
	k.notes.stream = http_client_conn_begin(k.hc, &notes_handler, &k.notes);
	stream_reset(k.notes.stream, false);
	rig_turn(&k.rig);
	notes_expect(&k.notes, "closed: reset by this side\navailable\n");
	request(&k, "GET", true);
	peer_say(&k.server, STR("HTTP/1.1 204 No Content\r\n\r\n"));
	notes_expect(&k.notes, "headers 204 end\nclosed: ended in order\navailable\n");
	client_fini(&k);
}

TEST(the_end_of_input_is_not_lost_on_a_paused_stream)
{
	struct client k;

	client_init(&k, NULL);
	k.notes.on_headers = pause_stream;
	request(&k, "GET", true);
	conn_send_str(k.server.conn, STR("HTTP/1.1 200 OK\r\n\r\nabc"));
	conn_shut_write(k.server.conn);
	rig_turn(&k.rig);
	notes_expect(&k.notes, "draining\nheaders 200\n");
	stream_resume(k.notes.stream);
	rig_turn(&k.rig);
	notes_expect(&k.notes, "data abc\ndata  end\nclosed: ended in order\n"
			       "connection closed: no error\n");
	client_fini(&k);
}

TEST(what_leads_out_of_http_is_not_sent)
{
	struct client k;

	client_init(&k, NULL);
	request(&k, "CONNECT", true);
	peer_expect(&k.server, "");
	notes_expect(&k.notes, "closed: reset by this side\nconnection closed: no error\n");
	client_fini(&k);
}

TEST(a_paused_response_waits_and_a_connection_is_reused_after_it)
{
	struct client k;

	client_init(&k, NULL);
	k.notes.on_headers = pause_stream;
	request(&k, "GET", true);
	peer_say(&k.server, STR("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"));
	notes_expect(&k.notes, "headers 200 Content-Length=3\n");
	stream_resume(k.notes.stream);
	rig_turn(&k.rig);
	notes_expect(&k.notes, "data abc end\nclosed: ended in order\navailable\n");
	request(&k, "GET", true);
	peer_say(&k.server, STR("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
	assert_true(http_client_conn_available(k.hc));
	client_fini(&k);
}

TEST(an_idle_connection_that_the_server_closes_is_gone)
{
	struct client k;

	client_init(&k, NULL);
	conn_shut_write(k.server.conn);
	rig_turn(&k.rig);
	notes_expect(&k.notes, "draining\nconnection closed: no error\n");
	client_fini(&k);
}
