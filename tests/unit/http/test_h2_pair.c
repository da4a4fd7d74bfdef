/*
 * Client and server of HTTP/2 against each other over a connection in memory, and the client
 * against frames made by hand.
 */

#include "http/client.h"

#include <errno.h>

#include "h2_wire.h"
#include "rig.h"
#include "test.h"

struct side {
	struct notes notes;
	struct buf events; /* of the connection */
	struct http_server_conn *server;
	struct http_client_conn *client;
	struct stream *streams[8]; /* of a server, in order */
	int stream_count;
};

struct pair {
	struct rig rig;
	struct side server;
	struct side client;
	struct http_server_options server_options;
	struct peer peer; /* in place of the server */
};

static void on_stream(struct http_server_conn *hc, struct stream *s)
{
	struct side *side = http_server_conn_user(hc);

	s->handler = &notes_handler;
	s->user = &side->notes;
	side->notes.stream = s;
	side->streams[side->stream_count++ % 8] = s;
}

static void on_server_closed(struct http_server_conn *hc)
{
	struct side *side = http_server_conn_user(hc);

	side->server = NULL;
}

static const struct http_server_handler server_handler = {
	.on_stream = on_stream,
	.on_closed = on_server_closed,
};

static void on_ready(struct http_client_conn *hc)
{
	buf_printf(&((struct side *)http_client_conn_user(hc))->events, "ready\n");
}

static void on_draining(struct http_client_conn *hc)
{
	buf_printf(&((struct side *)http_client_conn_user(hc))->events, "draining\n");
}

static void on_client_closed(struct http_client_conn *hc, int error)
{
	struct side *side = http_client_conn_user(hc);

	side->client = NULL;
	buf_printf(&side->events, "closed: %s\n", err_text(error));
}

static const struct http_client_handler client_handler = {
	.on_ready = on_ready,
	.on_draining = on_draining,
	.on_closed = on_client_closed,
};

static void side_init(struct side *s)
{
	*s = (struct side){ 0 };
	notes_init(&s->notes);
}

static void side_fini(struct side *s)
{
	notes_fini(&s->notes);
	buf_fini(&s->events);
}

static void pair_init(struct pair *p, const struct http_client_options *options,
		      const struct memory_conn_options *transport)
{
	struct conn *a, *b;
	struct http_client_options o = options ? *options : (struct http_client_options){ 0 };

	rig_init(&p->rig);
	side_init(&p->server);
	side_init(&p->client);
	p->peer = (struct peer){ 0 };
	p->server_options = (struct http_server_options){ 0 };
	o.codec = HTTP_CODEC_HTTP2;
	memory_conn_pair(p->rig.loop, &p->rig.chunks, transport, &a, &b);
	p->client.client = http_client_conn_open_take(a, &o, &client_handler, &p->client);
	p->server.server =
		http_server_conn_open_take(b, &p->server_options, &server_handler, &p->server);
	rig_turn(&p->rig);
}

/* The server is a peer that speaks frames. */
static void lone_init(struct pair *p, const struct http_client_options *options)
{
	struct conn *a, *b;
	struct http_client_options o = options ? *options : (struct http_client_options){ 0 };
	struct buf out = BUF_INIT(0);

	rig_init(&p->rig);
	side_init(&p->server);
	side_init(&p->client);
	o.codec = HTTP_CODEC_HTTP2;
	memory_conn_pair(p->rig.loop, &p->rig.chunks, NULL, &a, &b);
	peer_init(&p->peer, &p->rig, b);
	p->client.client = http_client_conn_open_take(a, &o, &client_handler, &p->client);
	rig_turn(&p->rig);
	buf_consume(&p->peer.got, sizeof(H2_PREFACE) - 1);
	wire_expect(&p->peer, "SETTINGS\nWINDOW_UPDATE 0\n");
	wire_frame(&out, WIRE_SETTINGS, 0, 0, STR("\0\3\0\0\0\2")); /* two streams */
	wire_frame(&out, WIRE_SETTINGS, WIRE_ACK, 0, STR_EMPTY);
	peer_say(&p->peer, buf_str(&out));
	buf_fini(&out);
	wire_expect(&p->peer, "SETTINGS ack\n");
}

static void pair_fini(struct pair *p)
{
	if (p->client.client)
		http_client_conn_close(p->client.client);
	rig_turn(&p->rig);
	if (p->server.server)
		http_server_conn_close(p->server.server);
	if (p->peer.rig)
		peer_fini(&p->peer);
	rig_turn(&p->rig);
	side_fini(&p->server);
	side_fini(&p->client);
	rig_fini(&p->rig);
}

static struct stream *request(struct pair *p, const char *method, bool end)
{
	struct side *side = &p->client;
	struct stream *s = http_client_conn_begin(side->client, &notes_handler, &side->notes);
	struct headers h;

	assert_non_null(s);
	headers_init(&h, &s->pool);
	h.method = str_from(method);
	h.method_id = method_of(h.method);
	h.scheme = STR("http");
	h.authority = STR("a");
	h.path = STR("/x");
	headers_add_named(&h, STR("X-Case"), STR("Kept"));
	stream_send_headers(s, &h, end);
	rig_turn(&p->rig);
	side->notes.stream = s;
	return s;
}

static enum send_result send_text(struct stream *s, const char *text, bool end)
{
	struct iovec iov = { (void *)text, strlen(text) };

	return stream_send_data(s, &iov, 1, end);
}

TEST(h2_pair_exchanges_messages)
{
	struct pair p;
	struct stream *s;

	pair_init(&p, NULL, NULL);
	s = request(&p, "POST", false);
	send_text(s, "abc", false);
	send_text(s, "def", true);
	rig_turn(&p.rig);
	notes_expect(&p.server.notes, "headers POST a /x x-case=Kept\ndata abcdef\ndata  end\n");
	stream_reply(p.server.notes.stream, 201, STR("text/plain"), STR("hello"));
	rig_turn(&p.rig);
	notes_expect(&p.client.notes, "headers 201 content-type=text/plain content-length=5\n"
				      "data hello\ndata  end\nclosed: ended in order\n");
	notes_expect(&p.server.notes, "closed: ended in order\n");
	assert_int_equal(http_client_conn_active(p.client.client), 0);
	pair_fini(&p);
}

TEST(h2_client_at_rest_moves_to_another_loop)
{
	struct pair p;
	struct rig other;

	pair_init(&p, &(struct http_client_options){ .ping_interval = DURATION_SECONDS(1) }, NULL);
	rig_init(&other);
	request(&p, "GET", true);
	assert_int_equal(http_client_conn_detach(p.client.client), ERR_CONFLICT);
	stream_reply(p.server.notes.stream, 204, STR_EMPTY, STR_EMPTY);
	rig_turn(&p.rig);
	assert_int_equal(http_client_conn_detach(p.client.client), 0);
	assert_int_equal(
		http_client_conn_attach(p.client.client, other.loop, &other.chunks, &p.client), 0);
	request(&p, "GET", true);
	rig_turn(&other);
	rig_turn(&p.rig);
	stream_reply(p.server.notes.stream, 204, STR_EMPTY, STR_EMPTY);
	rig_turn(&p.rig);
	rig_turn(&other);
	notes_expect(&p.client.notes, "headers 204 end\nclosed: ended in order\n"
				      "headers 204 end\nclosed: ended in order\n");
	assert_int_equal(http_client_conn_detach(p.client.client), 0);
	http_client_conn_discard(p.client.client);
	p.client.client = NULL;
	pair_fini(&p);
	rig_fini(&other);
}

TEST(h2_pair_works_byte_by_byte)
{
	struct pair p;

	pair_init(&p, NULL, &(struct memory_conn_options){ .step_bytes = 1 });
	for (int i = 0; i < 200; i++)
		rig_turn(&p.rig);
	request(&p, "GET", true);
	for (int i = 0; i < 200; i++)
		rig_turn(&p.rig);
	notes_expect(&p.server.notes, "headers GET a /x x-case=Kept end\n");
	pair_fini(&p);
}

TEST(h2_pair_answers_head_without_body)
{
	struct pair p;

	pair_init(&p, NULL, NULL);
	request(&p, "HEAD", true);
	stream_reply(p.server.notes.stream, 200, STR("text/plain"), STR("hello"));
	rig_turn(&p.rig);
	notes_expect(&p.client.notes, "headers 200 content-type=text/plain content-length=5\n"
				      "data  end\nclosed: ended in order\n");
	pair_fini(&p);
}

TEST(h2_pair_passes_interim_answers)
{
	struct pair p;
	struct headers h;

	pair_init(&p, NULL, NULL);
	request(&p, "GET", true);
	headers_init(&h, &p.server.notes.stream->pool);
	h.status = 103;
	headers_add_named(&h, STR("link"), STR("x"));
	stream_send_headers(p.server.notes.stream, &h, false);
	rig_turn(&p.rig);
	notes_expect(&p.client.notes, "interim 103 link=x\n");
	stream_reply(p.server.notes.stream, 204, STR_EMPTY, STR_EMPTY);
	rig_turn(&p.rig);
	notes_expect(&p.client.notes, "headers 204 end\nclosed: ended in order\n");
	pair_fini(&p);
}

TEST(h2_pair_moves_a_large_body_both_ways)
{
	struct pair p;
	static char text[300001];
	struct stream *s;

	pair_init(&p, NULL, NULL);
	memset(text, 'a', sizeof(text) - 1);
	s = request(&p, "POST", false);
	assert_int_equal(send_text(s, text, true), SEND_QUEUED);
	for (int i = 0; i < 20; i++)
		rig_turn(&p.rig);
	assert_true(p.server.notes.stream->is.recv_ended);
	assert_int_equal(p.server.notes.stream->bytes_received, 300000);
	stream_reply(p.server.notes.stream, 200, STR_EMPTY, str_of(text, 300000));
	for (int i = 0; i < 20; i++)
		rig_turn(&p.rig);
	assert_true(str_has_suffix(buf_str(&p.client.notes.log),
				   STR("data  end\nclosed: ended in order\n")));
	pair_fini(&p);
}

TEST(h2_pair_refusal_is_told_as_such)
{
	struct pair p;

	pair_init(&p, NULL, NULL);
	request(&p, "GET", true);
	stream_reset(p.server.notes.stream, true);
	rig_turn(&p.rig);
	notes_expect(&p.client.notes, "closed: refused by the peer before it was processed\n");
	pair_fini(&p);
}

TEST(h2_pair_early_answer_ends_in_order)
{
	struct pair p;
	struct stream *s;

	pair_init(&p, NULL, NULL);
	s = request(&p, "POST", false);
	send_text(s, "abc", false);
	rig_turn(&p.rig);
	stream_reply(p.server.notes.stream, 413, STR_EMPTY, STR("no"));
	stream_reset(p.server.notes.stream, false);
	rig_turn(&p.rig);
	notes_expect(&p.client.notes, "headers 413 content-length=2\ndata no\ndata  end\n"
				      "closed: ended in order\n");
	pair_fini(&p);
}

TEST(h2_pair_drains_without_loss)
{
	struct pair p;

	pair_init(&p, NULL, NULL);
	request(&p, "GET", true);
	http_server_conn_drain(p.server.server);
	rig_turn(&p.rig);
	assert_str_equal(buf_str(&p.client.events), "ready\ndraining\n");
	assert_false(http_client_conn_available(p.client.client));
	stream_reply(p.server.notes.stream, 200, STR_EMPTY, STR("ok"));
	rig_turn(&p.rig);
	assert_true(str_has_suffix(buf_str(&p.client.notes.log), STR("closed: ended in order\n")));
	rig_advance(&p.rig, DURATION_SECONDS(2));
	assert_null(p.client.client);
	assert_null(p.server.server);
	pair_fini(&p);
}

TEST(h2_pair_closes_streams_with_the_connection)
{
	struct pair p;

	pair_init(&p, NULL, NULL);
	request(&p, "GET", true);
	memory_conn_break(http_client_conn_transport(p.client.client), -ECONNRESET);
	rig_turn(&p.rig);
	notes_expect(&p.client.notes, "closed: the connection closed\n");
	assert_true(str_has_suffix(buf_str(&p.server.notes.log),
				   STR("closed: the connection closed\n")));
	pair_fini(&p);
}

TEST(h2_client_keeps_to_the_servers_limit)
{
	struct pair p;

	lone_init(&p, NULL);
	request(&p, "GET", true);
	request(&p, "GET", true);
	assert_false(http_client_conn_available(p.client.client));
	assert_null(http_client_conn_begin(p.client.client, &notes_handler, NULL));
	wire_expect(&p.peer, "HEADERS 1 end\nHEADERS 3 end\n");
	pair_fini(&p);
}

TEST(h2_client_learns_what_goaway_left_undone)
{
	struct pair p;
	struct buf out = BUF_INIT(0);

	lone_init(&p, NULL);
	request(&p, "GET", true);
	request(&p, "GET", true);
	wire_frame(&out, WIRE_GOAWAY, 0, 0, STR("\0\0\0\1\0\0\0\0"));
	peer_say(&p.peer, buf_str(&out));
	notes_expect(&p.client.notes, "closed: refused by the peer before it was processed\n");
	assert_str_equal(buf_str(&p.client.events), "ready\ndraining\n");
	assert_int_equal(http_client_conn_active(p.client.client), 1);
	buf_clear(&out);
	wire_headers(&out, WIRE_END_STREAM, 1, ":status=204");
	peer_say(&p.peer, buf_str(&out));
	notes_expect(&p.client.notes, "headers 204 end\nclosed: ended in order\n");
	assert_true(p.peer.eof);
	buf_fini(&out);
	pair_fini(&p);
}

TEST(h2_client_asks_for_a_sign_of_life)
{
	struct pair p;
	struct buf out = BUF_INIT(0);

	lone_init(&p, &(struct http_client_options){ .ping_interval = DURATION_SECONDS(30) });
	rig_advance(&p.rig, DURATION_SECONDS(60));
	wire_expect(&p.peer, "");
	request(&p, "GET", true);
	wire_expect(&p.peer, "HEADERS 1 end\n");
	rig_advance(&p.rig, DURATION_SECONDS(30));
	wire_expect(&p.peer, "PING\n");
	wire_frame(&out, WIRE_PING, WIRE_ACK, 0, STR("life\0\0\0\0"));
	peer_say(&p.peer, buf_str(&out));
	rig_advance(&p.rig, DURATION_SECONDS(29));
	wire_expect(&p.peer, "");
	rig_advance(&p.rig, DURATION_SECONDS(1));
	wire_expect(&p.peer, "PING\n");
	rig_advance(&p.rig, DURATION_SECONDS(20));
	notes_expect(&p.client.notes, "closed: the connection closed\n");
	assert_true(str_has_suffix(buf_str(&p.client.events), STR("closed: no answer in time\n")));
	buf_fini(&out);
	pair_fini(&p);
}

TEST(h2_client_cancels)
{
	struct pair p;

	lone_init(&p, NULL);
	stream_reset(request(&p, "GET", true), false);
	rig_turn(&p.rig);
	wire_expect(&p.peer, "HEADERS 1 end\nRST_STREAM 1 8\n");
	notes_expect(&p.client.notes, "closed: reset by this side\n");
	assert_true(http_client_conn_available(p.client.client));
	pair_fini(&p);
}

TEST(h2_client_knows_the_code_of_a_reset)
{
	struct pair p;
	struct buf out = BUF_INIT(0);
	struct stream *s;

	lone_init(&p, NULL);
	s = request(&p, "GET", true);
	wire_u32(&out, WIRE_RST_STREAM, 1, 11);
	peer_say(&p.peer, buf_str(&out));
	notes_expect(&p.client.notes, "closed: reset by the peer\n");
	(void)s;
	buf_fini(&out);
	pair_fini(&p);
}

/* It is no interim answer either, behind which content might stand without a head. */
TEST(h2_client_refuses_a_status_below_100)
{
	struct pair p;
	struct buf out = BUF_INIT(0);

	lone_init(&p, NULL);
	request(&p, "GET", true);
	wire_headers(&out, WIRE_END_HEADERS, 1, ":status=099");
	wire_frame(&out, WIRE_DATA, WIRE_END_STREAM, 1, STR("x"));
	peer_say(&p.peer, buf_str(&out));
	notes_expect(&p.client.notes, "closed: the peer broke the protocol\n");
	buf_fini(&out);
	pair_fini(&p);
}

TEST(h2_client_refuses_a_push)
{
	struct pair p;
	struct buf out = BUF_INIT(0);

	lone_init(&p, NULL);
	request(&p, "GET", true);
	wire_frame(&out, WIRE_PUSH_PROMISE, WIRE_END_HEADERS, 1, STR("\0\0\0\2\x82"));
	peer_say(&p.peer, buf_str(&out));
	assert_null(p.client.client ? NULL : p.client.client);
	assert_true(p.peer.eof || !p.peer.conn);
	buf_fini(&out);
	pair_fini(&p);
}
