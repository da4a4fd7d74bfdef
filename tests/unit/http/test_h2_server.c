#include "http/server.h"

#include "h2_wire.h"
#include "server_rig.h"

static void flush(struct server *v)
{
	peer_say(&v->client, buf_str(&v->out));
	buf_clear(&v->out);
}

/* A connection on which SETTINGS were exchanged. */
static void h2_init(struct server *v, const struct http_server_options *options)
{
	server_init(v, options);
	assert_int_equal(buf_append_str(&v->out, STR(H2_PREFACE)), 0);
	wire_frame(&v->out, WIRE_SETTINGS, 0, 0, STR_EMPTY);
	flush(v);
	wire_expect(&v->client, "SETTINGS\nSETTINGS ack\nWINDOW_UPDATE 0\n");
	wire_frame(&v->out, WIRE_SETTINGS, WIRE_ACK, 0, STR_EMPTY);
	flush(v);
	assert_int_equal(http_server_conn_codec(v->hc), HTTP_CODEC_HTTP2);
}

#define GET_FIELDS  ":method=GET;:scheme=http;:authority=a;:path=/x"
#define POST_FIELDS ":method=POST;:scheme=http;:authority=a;:path=/x"

static void get(struct server *v, uint32_t id)
{
	wire_headers(&v->out, WIRE_END_STREAM, id, GET_FIELDS);
	flush(v);
}

TEST(h2_a_request_is_answered)
{
	struct server v;

	h2_init(&v, NULL);
	v.notes.on_headers = reply_hello;
	get(&v, 1);
	notes_expect(&v.notes, "headers GET a /x end\nclosed: ended in order\n");
	wire_expect(&v.client, "HEADERS 1 200\nDATA 1 5 end\n");
	get(&v, 3);
	wire_expect(&v.client, "HEADERS 3 200\nDATA 3 5 end\n");
	server_fini(&v);
}

TEST(h2_requests_may_come_byte_by_byte)
{
	struct server v;

	h2_init(&v, NULL);
	v.notes.on_headers = reply_hello;
	wire_headers(&v.out, 0, 1, POST_FIELDS ";x-a=b");
	wire_frame(&v.out, WIRE_DATA, 0, 1, STR("abc"));
	wire_frame(&v.out, WIRE_DATA, WIRE_END_STREAM, 1, STR("de"));
	peer_say_slowly(&v.client, buf_str(&v.out));
	notes_expect(&v.notes, "headers POST a /x x-a=b\ndata a\ndata b\ndata c\ndata d\ndata e\n"
			       "data  end\nclosed: ended in order\n");
	server_fini(&v);
}

TEST(h2_trailers_come_and_go)
{
	struct server v;
	struct headers h;

	h2_init(&v, NULL);
	wire_headers(&v.out, 0, 1, POST_FIELDS ";te=trailers");
	wire_frame(&v.out, WIRE_DATA, 0, 1, STR("abc"));
	wire_headers(&v.out, WIRE_END_STREAM, 1, "x-sum=1");
	flush(&v);
	notes_expect(&v.notes, "headers POST a /x te=trailers\ndata abc\ntrailers x-sum=1\n");
	headers_init(&h, &v.notes.stream->pool);
	h.status = 200;
	stream_send_headers(v.notes.stream, &h, false);
	headers_clear(&h);
	headers_add(&h, HEADER_GRPC_STATUS, STR("0"));
	stream_send_trailers(v.notes.stream, &h);
	rig_turn(&v.rig);
	wire_expect(&v.client, "HEADERS 1 200\nHEADERS 1 end\n");
	notes_expect(&v.notes, "closed: ended in order\n");
	server_fini(&v);
}

static const struct {
	const char *fields;
	uint16_t status; /* 0: reset */
	enum http_fault fault;
} bad_heads[] = {
	{ GET_FIELDS ";host=b", 400, HTTP_FAULT_MESSAGE },
	{ GET_FIELDS ";host=a;host=a", 0, HTTP_FAULT_NONE },
	/* Who refuses these two depends on the release of nghttp2: 1.52 leaves them to us. */
	{ ":method=GET;:scheme=http;:authority=u@a;:path=/", 400, HTTP_FAULT_NONE },
	{ ":method=GET;:scheme=http;:authority=a;:path=/a#b", 400, HTTP_FAULT_NONE },
	{ ":method=GET;:scheme=http;:path=/", 400, HTTP_FAULT_NONE },
	{ ":method=GET;:scheme=http;:authority=a;:path=/a b", 400, HTTP_FAULT_NONE },
	{ ":method=GET;:scheme=http;:authority=a;:path=*", 0, HTTP_FAULT_NONE },
	{ ":method=CONNECT;:authority=a:1", 403, HTTP_FAULT_UPGRADE },
	{ GET_FIELDS ";Upper=b", 0, HTTP_FAULT_MESSAGE },
	{ GET_FIELDS ";connection=close", 0, HTTP_FAULT_MESSAGE },
	{ GET_FIELDS ";transfer-encoding=chunked", 0, HTTP_FAULT_MESSAGE },
	{ GET_FIELDS ";te=gzip", 0, HTTP_FAULT_MESSAGE },
	{ GET_FIELDS ";x=a\nb", 0, HTTP_FAULT_MESSAGE },
	{ GET_FIELDS ";x y=a", 0, HTTP_FAULT_MESSAGE },
	{ GET_FIELDS ";:path=/", 0, HTTP_FAULT_NONE },
	{ ":method=GET;:scheme=http;:authority=a", 0, HTTP_FAULT_NONE },
	{ GET_FIELDS ";content-length=5", 0, HTTP_FAULT_NONE },
};

TEST(h2_bad_heads_reach_no_near_side)
{
	for (size_t i = 0; i < array_count(bad_heads); i++) {
		struct server v;

		h2_init(&v, NULL);
		wire_headers(&v.out, WIRE_END_STREAM, 1, bad_heads[i].fields);
		flush(&v);
		if (str_find(buf_str(&v.notes.log), 0, 'h') < buf_len(&v.notes.log) &&
		    str_has_prefix(buf_str(&v.notes.log), STR("headers")))
			fail_msg("%s was let through", bad_heads[i].fields);
		/* The connection goes on. */
		buf_clear(&v.notes.log);
		wire_forget(&v.client);
		v.notes.on_headers = reply_hello;
		get(&v, 3);
		wire_expect(&v.client, "HEADERS 3 200\nDATA 3 5 end\n");
		server_fini(&v);
	}
}

TEST(h2_refusals_say_why)
{
	for (size_t i = 0; i < array_count(bad_heads); i++) {
		struct server v;
		char text[64];

		if (bad_heads[i].status == 0 || bad_heads[i].fault == HTTP_FAULT_NONE)
			continue;
		h2_init(&v, NULL);
		wire_headers(&v.out, WIRE_END_STREAM, 1, bad_heads[i].fields);
		flush(&v);
		wire_expect(&v.client, bad_heads[i].status == 400 ? "HEADERS 1 400 end\n"
								  : "HEADERS 1 literal end\n");
		snprintf(text, sizeof(text), "fault %d %d: ", bad_heads[i].fault,
			 bad_heads[i].status);
		assert_true(str_has_prefix(buf_str(&v.notes.log), str_from(text)));
		server_fini(&v);
	}
}

TEST(h2_host_may_stand_for_the_authority)
{
	struct server v;

	h2_init(&v, NULL);
	wire_headers(&v.out, WIRE_END_STREAM, 1, ":method=GET;:scheme=http;:path=/;host=b:1");
	wire_headers(&v.out, WIRE_END_STREAM, 3, GET_FIELDS ";host=A");
	flush(&v);
	notes_expect(&v.notes, "headers GET b:1 / end\nheaders GET a /x end\n");
	server_fini(&v);
}

static void forget_stream(struct stream *s)
{
	(void)s;
}

TEST(h2_cookie_crumbs_are_joined)
{
	struct server v;

	h2_init(&v, NULL);
	v.notes.on_closed = forget_stream;
	wire_headers(&v.out, WIRE_END_STREAM, 1,
		     GET_FIELDS ";cookie=a=b;x=y;cookie=c=d;cookie=e=f");
	flush(&v);
	notes_expect(&v.notes, "headers GET a /x cookie=a=b; c=d; e=f x=y end\n");
	server_fini(&v);
}

TEST(h2_fields_are_limited)
{
	struct server v;
	struct buf fields = BUF_INIT(0);

	h2_init(&v, &(struct http_server_options){ .headers_count_max = 2 });
	wire_headers(&v.out, 0, 1, POST_FIELDS ";a=b;c=d;e=f");
	flush(&v);
	notes_expect(&v.notes, "fault 3 431: the fields are over a limit\n");
	wire_expect(&v.client, "HEADERS 1 literal end\nRST_STREAM 1 0\n");
	server_fini(&v);

	h2_init(&v, &(struct http_server_options){ .headers_bytes_max = 1000 });
	buf_printf(&fields, GET_FIELDS);
	for (int i = 0; i < 20; i++)
		buf_printf(&fields, ";abcdefgh=0123456789");
	buf_append_char(&fields, '\0');
	wire_headers(&v.out, WIRE_END_STREAM, 1, buf_str(&fields).ptr);
	flush(&v);
	notes_expect(&v.notes, "fault 2 431: the fields are over a limit\n");
	buf_fini(&fields);
	server_fini(&v);
}

TEST(h2_a_body_keeps_to_its_length)
{
	struct server v;

	h2_init(&v, NULL);
	wire_headers(&v.out, 0, 1, POST_FIELDS ";content-length=5");
	wire_frame(&v.out, WIRE_DATA, WIRE_END_STREAM, 1, STR("abc"));
	flush(&v);
	wire_expect(&v.client, "RST_STREAM 1 1\n");
	assert_true(str_has_suffix(buf_str(&v.notes.log),
				   STR("closed: the peer broke the protocol\n")));
	server_fini(&v);
}

TEST(h2_a_reset_is_told_with_its_code)
{
	struct server v;

	h2_init(&v, NULL);
	get(&v, 1);
	wire_u32(&v.out, WIRE_RST_STREAM, 1, 8);
	flush(&v);
	notes_expect(&v.notes, "headers GET a /x end\nclosed: reset by the peer\n");
	server_fini(&v);
}

TEST(h2_the_near_side_resets_by_what_it_has_done)
{
	struct server v;
	struct headers h;

	h2_init(&v, NULL);
	get(&v, 1);
	stream_reset(v.notes.stream, true);
	rig_turn(&v.rig);
	wire_expect(&v.client, "RST_STREAM 1 7\n");
	get(&v, 3);
	stream_reset(v.notes.stream, false);
	rig_turn(&v.rig);
	wire_expect(&v.client, "RST_STREAM 3 8\n");
	get(&v, 5);
	headers_init(&h, &v.notes.stream->pool);
	h.status = 200;
	stream_send_headers(v.notes.stream, &h, false);
	rig_turn(&v.rig);
	stream_reset(v.notes.stream, true);
	rig_turn(&v.rig);
	wire_expect(&v.client, "HEADERS 5 200\nRST_STREAM 5 8\n");
	server_fini(&v);
}

static void reply_and_reset(struct stream *s, struct headers *h, bool end)
{
	reply_hello(s, h, end);
	stream_reset(s, false);
}

TEST(h2_a_reset_behind_the_answer_lets_it_go_out)
{
	struct server v;

	h2_init(&v, NULL);
	v.notes.on_headers = reply_and_reset;
	wire_headers(&v.out, 0, 1, POST_FIELDS);
	wire_frame(&v.out, WIRE_DATA, 0, 1, STR("abc"));
	flush(&v);
	wire_expect(&v.client, "HEADERS 1 200\nDATA 1 5 end\nRST_STREAM 1 0\n");
	notes_expect(&v.notes, "headers POST a /x\nclosed: reset by this side\n");
	server_fini(&v);
}

static void pause_stream(struct stream *s, struct headers *h, bool end)
{
	(void)h;
	(void)end;
	stream_pause(s);
}

TEST(h2_a_paused_stream_withholds_its_window)
{
	struct server v;
	static char text[16000];

	h2_init(&v, NULL);
	v.notes.on_headers = pause_stream;
	memset(text, 'a', sizeof(text));
	wire_headers(&v.out, 0, 1, POST_FIELDS);
	for (int i = 0; i < 16; i++)
		wire_frame(&v.out, WIRE_DATA, 0, 1, str_of(text, sizeof(text)));
	flush(&v);
	wire_expect(&v.client, "");
	stream_resume(v.notes.stream);
	rig_turn(&v.rig);
	wire_expect(&v.client, "WINDOW_UPDATE 1\n");
	assert_int_equal(v.notes.stream->bytes_received, 256000);
	/* The window is what it is: more is an error. */
	stream_pause(v.notes.stream);
	for (int i = 0; i < 17; i++)
		wire_frame(&v.out, WIRE_DATA, 0, 1, str_of(text, sizeof(text)));
	flush(&v);
	assert_null(v.notes.stream);
	server_fini(&v);
}

TEST(h2_a_sender_without_window_is_asked_to_stop)
{
	struct server v;
	static char text[100000];
	struct iovec iov = { text, sizeof(text) };
	struct headers h;

	h2_init(&v, NULL);
	get(&v, 1);
	buf_clear(&v.notes.log);
	memset(text, 'a', sizeof(text));
	headers_init(&h, &v.notes.stream->pool);
	h.status = 200;
	stream_send_headers(v.notes.stream, &h, false);
	assert_int_equal(stream_send_data(v.notes.stream, &iov, 1, false), SEND_QUEUED);
	rig_turn(&v.rig);
	wire_expect(&v.client, "HEADERS 1 200\nDATA 1 16384\nDATA 1 16384\nDATA 1 16384\n"
			       "DATA 1 16383\n");
	notes_expect(&v.notes, "");
	wire_u32(&v.out, WIRE_WINDOW_UPDATE, 0, 100000);
	wire_u32(&v.out, WIRE_WINDOW_UPDATE, 1, 100000);
	flush(&v);
	wire_expect(&v.client, "DATA 1 16384\nDATA 1 16384\nDATA 1 1697\n");
	notes_expect(&v.notes, "sent\n");
	server_fini(&v);
}

TEST(h2_streams_are_limited)
{
	struct server v;

	h2_init(&v, &(struct http_server_options){ .streams_max = 2 });
	wire_headers(&v.out, WIRE_END_STREAM, 1, GET_FIELDS);
	wire_headers(&v.out, WIRE_END_STREAM, 3, GET_FIELDS);
	flush(&v);
	wire_forget(&v.client);
	wire_headers(&v.out, WIRE_END_STREAM, 5, GET_FIELDS);
	flush(&v);
	wire_expect(&v.client, "GOAWAY 3 1\n");
	assert_true(v.client.eof);
	notes_expect(&v.notes, "headers GET a /x end\nheaders GET a /x end\n"
			       "fault 10 0: Protocol error\n");
	server_fini(&v);
}

TEST(h2_a_cut_answer_gets_as_far_as_it_came)
{
	struct server v;
	struct headers h;

	h2_init(&v, NULL);
	v.notes.on_headers = NULL;
	get(&v, 1);
	headers_init(&h, &v.notes.stream->pool);
	h.status = 200;
	stream_send_headers(v.notes.stream, &h, false);
	stream_send_data(v.notes.stream, &(struct iovec){ (void *)"hello", 5 }, 1, false);
	stream_reset(v.notes.stream, false);
	rig_turn(&v.rig);
	wire_expect(&v.client, "HEADERS 1 200\nDATA 1 5\nRST_STREAM 1 8\n");
	server_fini(&v);
}

TEST(h2_draining_has_two_steps)
{
	struct server v;

	h2_init(&v, NULL);
	v.notes.on_headers = NULL;
	get(&v, 1);
	http_server_conn_drain(v.hc);
	rig_turn(&v.rig);
	wire_expect(&v.client, "PING\nGOAWAY 2147483647 0\n");
	/* A request that crossed the first GOAWAY is served. */
	v.notes.on_headers = reply_hello;
	get(&v, 3);
	wire_expect(&v.client, "HEADERS 3 200\nDATA 3 5 end\n");
	wire_frame(&v.out, WIRE_PING, WIRE_ACK, 0, STR("drain\0\0\0"));
	flush(&v);
	wire_expect(&v.client, "GOAWAY 3 0\n");
	assert_non_null(v.hc);
	wire_u32(&v.out, WIRE_RST_STREAM, 1, 8);
	flush(&v);
	assert_true(v.client.eof);
	server_fini(&v);
}

TEST(h2_draining_takes_the_time_it_is_given)
{
	struct server v;

	h2_init(&v, &(struct http_server_options){ .drain_timeout = DURATION_SECONDS(3) });
	v.notes.on_headers = reply_hello;
	get(&v, 1);
	http_server_conn_drain(v.hc);
	rig_turn(&v.rig);
	wire_expect(&v.client, "HEADERS 1 200\nDATA 1 5 end\nGOAWAY 2147483647 0\n");
	rig_advance(&v.rig, DURATION_SECONDS(2));
	get(&v, 3);
	wire_expect(&v.client, "HEADERS 3 200\nDATA 3 5 end\n");
	rig_advance(&v.rig, DURATION_SECONDS(1));
	wire_expect(&v.client, "GOAWAY 3 0\n");
	assert_true(v.client.eof);
	server_fini(&v);
}

TEST(h2_draining_waits_for_no_ping_that_never_comes)
{
	struct server v;

	h2_init(&v, NULL);
	v.notes.on_headers = NULL;
	get(&v, 1);
	http_server_conn_drain(v.hc);
	rig_turn(&v.rig);
	wire_expect(&v.client, "PING\nGOAWAY 2147483647 0\n");
	rig_advance(&v.rig, DURATION_SECONDS(5));
	wire_expect(&v.client, "GOAWAY 1 0\n");
	server_fini(&v);
}

TEST(h2_a_goaway_of_the_client_ends_nothing_that_runs)
{
	static const struct str ids[] = { STR_INIT("\x7f\xff\xff\xff\0\0\0\0"),
					  STR_INIT("\0\0\0\1\0\0\0\0"),
					  STR_INIT("\0\0\0\0\0\0\0\0bye") };

	for (size_t i = 0; i < array_count(ids); i++) {
		struct server v;

		h2_init(&v, NULL);
		v.notes.on_headers = NULL;
		get(&v, 1);
		notes_expect(&v.notes, "headers GET a /x end\n");
		wire_frame(&v.out, WIRE_GOAWAY, 0, 0, ids[i]);
		flush(&v);
		notes_expect(&v.notes, "");
		stream_reply(v.notes.stream, 200, STR("text/plain"), STR("hello"));
		rig_turn(&v.rig);
		wire_expect(&v.client, "HEADERS 1 200\nDATA 1 5 end\n");
		server_fini(&v);
	}
}

TEST(h2_draining_begins_before_the_preface)
{
	struct server v;

	server_init(&v, NULL);
	http_server_conn_drain(v.hc);
	buf_append_str(&v.out, STR(H2_PREFACE));
	wire_frame(&v.out, WIRE_SETTINGS, 0, 0, STR_EMPTY);
	flush(&v);
	wire_expect(&v.client, "SETTINGS\nPING\nSETTINGS ack\nWINDOW_UPDATE 0\n"
			       "GOAWAY 2147483647 0\n");
	server_fini(&v);
}

TEST(h2_draining_an_idle_connection_ends_it)
{
	struct server v;

	h2_init(&v, NULL);
	http_server_conn_drain(v.hc);
	rig_turn(&v.rig);
	assert_false(v.client.eof);
	rig_advance(&v.rig, DURATION_SECONDS(2));
	assert_true(v.client.eof);
	server_fini(&v);
}

TEST(h2_an_idle_connection_ends_in_time)
{
	struct server v;

	h2_init(&v, &(struct http_server_options){ .idle_timeout = DURATION_SECONDS(10) });
	get(&v, 1);
	rig_advance(&v.rig, DURATION_SECONDS(60));
	assert_false(v.client.eof);
	reply_hello(v.notes.stream, NULL, true);
	rig_turn(&v.rig);
	rig_advance(&v.rig, DURATION_SECONDS(9));
	assert_false(v.client.eof);
	rig_advance(&v.rig, DURATION_SECONDS(1));
	assert_true(v.client.eof);
	server_fini(&v);
}

TEST(h2_the_preface_must_come_in_time)
{
	struct http_server_options options = {
		.codec = HTTP_CODEC_HTTP2,
		.headers_timeout = DURATION_SECONDS(10),
	};
	struct server v;

	server_init(&v, &options);
	rig_turn(&v.rig);
	rig_advance(&v.rig, DURATION_SECONDS(9));
	assert_false(v.client.eof);
	rig_advance(&v.rig, DURATION_SECONDS(1));
	assert_true(v.client.eof);
	notes_expect(&v.notes, "fault 4 0: no preface came in time\n");
	server_fini(&v);
}

static void reset_request(struct server *v, uint32_t id)
{
	wire_headers(&v->out, WIRE_END_STREAM, id, GET_FIELDS);
	wire_u32(&v->out, WIRE_RST_STREAM, id, 8);
}

static void bad_window(struct server *v, uint32_t id)
{
	/* A window over 2^31-1 makes the server reset the stream. */
	wire_headers(&v->out, WIRE_END_STREAM, id, GET_FIELDS);
	wire_u32(&v->out, WIRE_WINDOW_UPDATE, id, INT32_MAX);
}

static void ping(struct server *v, uint32_t id)
{
	(void)id;
	wire_frame(&v->out, WIRE_PING, 0, 0, STR("12345678"));
}

static void settings(struct server *v, uint32_t id)
{
	(void)id;
	wire_frame(&v->out, WIRE_SETTINGS, 0, 0, STR_EMPTY);
}

static void priority(struct server *v, uint32_t id)
{
	(void)id;
	wire_frame(&v->out, WIRE_PRIORITY, 0, 1, STR("\0\0\0\0\1"));
}

static void unknown(struct server *v, uint32_t id)
{
	(void)id;
	wire_frame(&v->out, WIRE_CONTINUATION + 1, 0xff, 0, STR("x"));
}

static void empty_data(struct server *v, uint32_t id)
{
	if (id == 1)
		wire_headers(&v->out, 0, 1, POST_FIELDS);
	wire_frame(&v->out, WIRE_DATA, 0, 1, STR_EMPTY);
}

static const struct {
	const char *name;
	void (*write)(struct server *v, uint32_t id);
	uint32_t bearable;
	uint32_t unbearable;
} floods[] = {
	{ "rapid reset", reset_request, 400, 600 },
	{ "made you reset", bad_window, 400, 600 },
	{ "ping", ping, 90, 200 },
	{ "settings", settings, 25, 60 },
	{ "priority", priority, 900, 1100 },
	{ "unknown", unknown, 900, 1100 },
	{ "empty data", empty_data, 90, 200 },
};

TEST(h2_floods_end_the_connection)
{
	for (size_t i = 0; i < array_count(floods); i++) {
		struct server v;

		h2_init(&v, NULL);
		for (uint32_t n = 0; n < floods[i].bearable; n++) {
			floods[i].write(&v, n * 2 + 1);
			if (n % 50 == 49)
				flush(&v);
		}
		flush(&v);
		if (!v.hc || v.client.eof)
			fail_msg("%s: ended too early", floods[i].name);
		for (uint32_t n = floods[i].bearable;
		     n < floods[i].unbearable && v.client.conn && !v.client.eof; n++) {
			floods[i].write(&v, n * 2 + 1);
			if (n % 50 == 49)
				flush(&v);
		}
		if (v.client.conn && !v.client.eof)
			fail_msg("%s: never ended", floods[i].name);
		assert_true(strstr(v.notes.log.memory, "fault 7 0: ") != NULL);
		server_fini(&v);
	}
}

/* As gRPC does to measure the way (bandwidth-delay product). */
TEST(h2_a_ping_for_each_answer_is_no_flood)
{
	struct server v;

	h2_init(&v, NULL);
	v.notes.on_headers = reply_hello;
	for (uint32_t n = 0; n < 1000; n++) {
		wire_headers(&v.out, WIRE_END_STREAM, n * 2 + 1, GET_FIELDS);
		flush(&v);
		buf_clear(&v.notes.log);
		wire_forget(&v.client);
	}
	rig_advance(&v.rig, DURATION_SECONDS(1));
	for (uint32_t n = 0; n < 1000; n++) {
		ping(&v, 0);
		flush(&v);
		wire_forget(&v.client);
	}
	assert_non_null(v.hc);
	assert_false(v.client.eof);
	server_fini(&v);
}

TEST(h2_resets_are_forgiven_with_time)
{
	struct server v;

	h2_init(&v, NULL);
	for (uint32_t n = 0; n < 2000; n++) {
		reset_request(&v, n * 2 + 1);
		if (n % 50 == 49) {
			flush(&v);
			buf_clear(&v.notes.log);
			rig_advance(&v.rig, DURATION_SECONDS(1));
		}
	}
	assert_non_null(v.hc);
	server_fini(&v);
}

TEST(h2_every_truncation_of_a_session_is_survived)
{
	struct buf session = BUF_INIT(0);
	size_t len;

	assert_int_equal(buf_append_str(&session, STR(H2_PREFACE)), 0);
	wire_frame(&session, WIRE_SETTINGS, 0, 0, STR("\0\4\0\0\xff\xff"));
	wire_headers(&session, 0, 1, POST_FIELDS);
	wire_frame(&session, WIRE_DATA, WIRE_END_STREAM, 1, STR("abc"));
	wire_frame(&session, WIRE_GOAWAY, 0, 0, STR("\0\0\0\0\0\0\0\0"));
	len = buf_len(&session);
	for (size_t cut = 1; cut < len; cut++) {
		struct server v;

		server_init(&v, NULL);
		peer_say(&v.client, str_slice(buf_str(&session), 0, cut));
		conn_close(v.client.conn);
		rig_turn(&v.rig);
		assert_null(v.hc);
		server_fini(&v);
	}
	buf_fini(&session);
}
