#include "http/grpc.h"

#include <errno.h>

#include "http/grpc_private.h"
#include "rig.h"
#include "test.h"

/* Client and server over one HTTP/2 connection in memory. */
struct grpc_rig {
	struct rig rig;
	struct http_server_conn *server;
	struct http_client_conn *client;
	struct http_server_options server_options;
	struct buf log;
	struct grpc_call *at_server; /* the last one begun there; NULL: closed */
	struct grpc_call *at_client;
	struct stream *raw; /* a stream served by hand */
	bool by_hand;
	const char *unary_reply; /* NULL: later */
};

static struct grpc_rig *the; /* the one of the running test */

static void note(const char *format, ...) printf_like(1, 2);
static void note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	buf_vprintf(&the->log, format, args);
	va_end(args);
}

static void expect_at(const char *text, const char *file, int line)
{
	test_assert_str(buf_str(&the->log), text, file, line);
	buf_clear(&the->log);
}
#define expect(text) expect_at((text), __FILE__, __LINE__)

static void note_message(const char *who, struct str message)
{
	if (message.len > 40)
		note("%s message of %zu\n", who, message.len);
	else
		note("%s message %.*s\n", who, STR_ARGS(message));
}

static void server_message(struct grpc_call *call, struct str message)
{
	(void)call;
	note_message("server", message);
}

static void server_half_close(struct grpc_call *call)
{
	(void)call;
	note("server half-close\n");
}

static void server_sent(struct grpc_call *call)
{
	(void)call;
	note("server sent\n");
}

static void server_closed(struct grpc_call *call, enum grpc_status status, struct str text)
{
	assert_ptr_equal(call, the->at_server);
	the->at_server = NULL;
	note("server closed %s %.*s\n", grpc_status_text(status), STR_ARGS(text));
}

static const struct grpc_call_handler server_call_handler = {
	.on_message = server_message,
	.on_half_close = server_half_close,
	.on_sent = server_sent,
	.on_closed = server_closed,
};

static void on_begin(struct grpc_call *call, const struct headers *h)
{
	const struct header *meta = headers_get_named(h, STR("x-meta"));

	assert_ptr_equal(grpc_call_service_user(call), the);
	the->at_server = call;
	note("server begin%s%.*s\n", meta ? " " : "", STR_ARGS(meta ? meta->value : STR_EMPTY));
	grpc_accept(call, &server_call_handler, NULL);
}

static void on_refuse(struct grpc_call *call, const struct headers *h)
{
	(void)h;
	grpc_finish(call, GRPC_PERMISSION_DENIED, STR("not you: 100% no\n"));
}

static void on_unary(struct grpc_call *call, struct str request)
{
	note_message("unary", request);
	if (the->unary_reply) {
		grpc_reply(call, str_from(the->unary_reply));
		return;
	}
	the->at_server = call;
	grpc_accept(call, &server_call_handler, NULL);
}

static const struct grpc_method methods[] = {
	{ .path = STR_INIT("/test/Stream"), .on_begin = on_begin },
	{ .path = STR_INIT("/test/Refuse"), .on_begin = on_refuse },
	{ .path = STR_INIT("/test/Unary"), .on_unary = on_unary, .message_bytes_max = 1000 },
	{ .path = STR_INIT("/test/Short"), .on_unary = on_unary, .timeout_max = { 5000000000 } },
};

static struct grpc_service service = { methods, array_count(methods), NULL };

static void on_headers(struct stream *s, struct headers *h, bool end)
{
	if (the->by_hand)
		the->raw = s;
	else
		grpc_serve_take(&service, s, h, end);
}

static void on_raw_data(struct stream *s, struct str data, bool end)
{
	(void)s;
	(void)data;
	(void)end;
}

static void on_raw_closed(struct stream *s, enum stream_reset reason)
{
	(void)reason;
	if (s == the->raw)
		the->raw = NULL;
}

static const struct stream_handler stream_handler = {
	.on_headers = on_headers,
	.on_data = on_raw_data,
	.on_closed = on_raw_closed,
};

static void on_stream(struct http_server_conn *hc, struct stream *s)
{
	(void)hc;
	s->handler = &stream_handler;
}

static void on_server_closed(struct http_server_conn *hc)
{
	(void)hc;
	the->server = NULL;
}

static const struct http_server_handler server_handler = {
	.on_stream = on_stream,
	.on_closed = on_server_closed,
};

static void on_client_closed(struct http_client_conn *hc, int error)
{
	(void)hc;
	(void)error;
	the->client = NULL;
}

static const struct http_client_handler client_handler = { .on_closed = on_client_closed };

static void grpc_rig_init(struct grpc_rig *r, const struct memory_conn_options *transport)
{
	struct conn *a, *b;
	const struct http_client_options options = { .codec = HTTP_CODEC_HTTP2 };

	*r = (struct grpc_rig){ .unary_reply = "answer" };
	the = r;
	service.user = r;
	rig_init(&r->rig);
	memory_conn_pair(r->rig.loop, &r->rig.chunks, transport, &a, &b);
	r->client = http_client_conn_open_take(a, &options, &client_handler, NULL);
	r->server = http_server_conn_open_take(b, &r->server_options, &server_handler, NULL);
	rig_turn(&r->rig);
}

static void grpc_rig_fini(struct grpc_rig *r)
{
	if (r->client)
		http_client_conn_close(r->client);
	rig_turn(&r->rig);
	if (r->server)
		http_server_conn_close(r->server);
	rig_turn(&r->rig);
	assert_null(r->at_server);
	assert_null(r->at_client);
	buf_fini(&r->log);
	rig_fini(&r->rig);
}

static void client_headers(struct grpc_call *call, const struct headers *h)
{
	(void)call;
	note("client headers %d\n", h->status);
}

static void client_message(struct grpc_call *call, struct str message)
{
	(void)call;
	note_message("client", message);
}

static void client_sent(struct grpc_call *call)
{
	(void)call;
	note("client sent\n");
}

static void client_closed(struct grpc_call *call, enum grpc_status status, struct str text)
{
	assert_ptr_equal(call, the->at_client);
	the->at_client = NULL;
	note("client closed %s %.*s\n", grpc_status_text(status), STR_ARGS(text));
}

static const struct grpc_call_handler client_call_handler = {
	.on_headers = client_headers,
	.on_message = client_message,
	.on_sent = client_sent,
	.on_closed = client_closed,
};

static struct grpc_call *begin(const char *path)
{
	const struct grpc_metadata meta = { STR_INIT("x-meta"), STR_INIT("data") };

	the->at_client = grpc_call_begin(the->client,
					 &(struct grpc_call_options){
						 .path = str_from(path),
						 .authority = STR("a"),
						 .metadata = &meta,
						 .metadata_count = 1,
					 },
					 &client_call_handler, NULL);
	assert_non_null(the->at_client);
	rig_turn(&the->rig);
	return the->at_client;
}

static void on_answer(struct grpc_call *call, const struct grpc_answer *answer)
{
	(void)call;
	note("answer %s \"%.*s\" %.*s\n", grpc_status_text(answer->status), STR_ARGS(answer->text),
	     STR_ARGS(answer->message));
}

static struct grpc_call *unary_timed(const char *path, const char *request, struct duration timeout)
{
	struct grpc_call *call = grpc_unary(the->client,
					    &(struct grpc_call_options){ .path = str_from(path),
									 .authority = STR("a"),
									 .timeout = timeout },
					    str_from(request), on_answer, NULL);

	assert_non_null(call);
	rig_turn(&the->rig);
	return call;
}

static struct grpc_call *unary(const char *path, const char *request)
{
	return unary_timed(path, request, DURATION_NS(0));
}

TEST(grpc_unary_calls_are_answered)
{
	struct grpc_rig r;

	grpc_rig_init(&r, NULL);
	unary("/test/Unary", "question");
	expect("unary message question\nanswer OK \"\" answer\n");
	unary("/test/Unary", "");
	expect("unary message \nanswer OK \"\" answer\n");
	r.unary_reply = "";
	unary("/test/Unary", "question");
	expect("unary message question\nanswer OK \"\" \n");
	grpc_rig_fini(&r);
}

TEST(grpc_unary_calls_may_be_answered_later)
{
	struct grpc_rig r;

	grpc_rig_init(&r, NULL);
	r.unary_reply = NULL;
	unary("/test/Unary", "question");
	expect("unary message question\n");
	grpc_reply(r.at_server, STR("late"));
	rig_turn(&r.rig);
	expect("server closed OK \nanswer OK \"\" late\n");
	grpc_rig_fini(&r);
}

TEST(grpc_refusals_carry_their_text)
{
	struct grpc_rig r;

	grpc_rig_init(&r, NULL);
	unary("/test/Refuse", "x");
	expect("answer PERMISSION_DENIED \"not you: 100% no\n\" \n");
	unary("/test/Nothing", "x");
	expect("answer UNIMPLEMENTED \"unknown method /test/Nothing\" \n");
	grpc_rig_fini(&r);
}

TEST(grpc_streams_go_both_ways)
{
	struct grpc_rig r;

	grpc_rig_init(&r, NULL);
	begin("/test/Stream");
	expect("server begin data\n");
	grpc_send(r.at_client, STR("one"));
	grpc_send(r.at_client, STR("two"));
	rig_turn(&r.rig);
	expect("server message one\nserver message two\n");
	grpc_send(r.at_server, STR("ack"));
	rig_turn(&r.rig);
	expect("client headers 200\nclient message ack\n");
	grpc_send(r.at_client, STR("three"));
	grpc_send_end(r.at_client);
	assert_int_equal(grpc_send(r.at_client, STR("four")), SEND_CLOSED);
	rig_turn(&r.rig);
	expect("server message three\nserver half-close\n");
	grpc_send(r.at_server, STR("last"));
	grpc_finish(r.at_server, GRPC_OK, STR_EMPTY);
	assert_int_equal(grpc_send(r.at_server, STR("never")), SEND_CLOSED);
	rig_turn(&r.rig);
	expect("server closed OK \nclient message last\nclient closed OK \n");
	grpc_rig_fini(&r);
}

TEST(grpc_works_byte_by_byte)
{
	struct grpc_rig r;

	grpc_rig_init(&r, &(struct memory_conn_options){ .step_bytes = 1 });
	begin("/test/Stream");
	for (int i = 0; i < 60; i++)
		rig_turn(&r.rig);
	grpc_send(r.at_client, STR("hello"));
	for (int i = 0; i < 20; i++)
		rig_turn(&r.rig);
	grpc_finish(r.at_server, GRPC_ABORTED, STR("enough"));
	for (int i = 0; i < 40; i++)
		rig_turn(&r.rig);
	expect("server begin data\nserver message hello\nserver closed ABORTED enough\n"
	       "client closed ABORTED enough\n");
	grpc_rig_fini(&r);
}

TEST(grpc_a_server_may_finish_before_the_client)
{
	struct grpc_rig r;

	grpc_rig_init(&r, NULL);
	begin("/test/Stream");
	grpc_send(r.at_server, STR("bye"));
	grpc_finish(r.at_server, GRPC_UNAVAILABLE, STR("going"));
	rig_turn(&r.rig);
	expect("server begin data\nserver closed UNAVAILABLE going\nclient headers 200\n"
	       "client message bye\nclient closed UNAVAILABLE going\n");
	assert_int_equal(http_client_conn_active(r.client), 0);
	grpc_rig_fini(&r);
}

TEST(grpc_a_cancelled_call_is_over_on_both_sides)
{
	struct grpc_rig r;

	grpc_rig_init(&r, NULL);
	begin("/test/Stream");
	grpc_cancel(r.at_client);
	rig_turn(&r.rig);
	expect("server begin data\nclient closed CANCELLED cancelled by this side\n"
	       "server closed CANCELLED reset by the peer\n");
	begin("/test/Stream");
	grpc_cancel(r.at_server);
	rig_turn(&r.rig);
	expect("server begin data\nserver closed CANCELLED cancelled by this side\n"
	       "client closed CANCELLED reset by the peer\n");
	grpc_rig_fini(&r);
}

TEST(grpc_a_lost_connection_ends_its_calls)
{
	struct grpc_rig r;

	grpc_rig_init(&r, NULL);
	begin("/test/Stream");
	memory_conn_break(http_client_conn_transport(r.client), -ECONNRESET);
	rig_turn(&r.rig);
	assert_true(strstr(r.log.memory, "client closed UNAVAILABLE the connection closed\n") !=
		    NULL);
	assert_true(strstr(r.log.memory, "server closed CANCELLED the connection closed\n") !=
		    NULL);
	grpc_rig_fini(&r);
}

TEST(grpc_deadlines_are_kept_on_both_sides)
{
	struct grpc_rig r;

	grpc_rig_init(&r, NULL);
	r.unary_reply = NULL;
	unary_timed("/test/Unary", "x", DURATION_SECONDS(10));
	expect("unary message x\n");
	rig_advance(&r.rig, DURATION_SECONDS(9));
	expect("");
	rig_advance(&r.rig, DURATION_SECONDS(1));
	assert_true(strstr(r.log.memory, "answer DEADLINE_EXCEEDED") != NULL);
	assert_true(strstr(r.log.memory, "server closed DEADLINE_EXCEEDED") != NULL ||
		    strstr(r.log.memory, "server closed CANCELLED") != NULL);
	buf_clear(&r.log);
	/* A server's own limit. */
	unary("/test/Short", "x");
	rig_advance(&r.rig, DURATION_SECONDS(5));
	expect("unary message x\nserver closed DEADLINE_EXCEEDED the time of the call is over\n"
	       "answer DEADLINE_EXCEEDED \"the time of the call is over\" \n");
	grpc_rig_fini(&r);
}

TEST(grpc_messages_are_limited)
{
	struct grpc_rig r;
	static char text[2000];

	grpc_rig_init(&r, NULL);
	memset(text, 'a', sizeof(text) - 1);
	unary("/test/Unary", text);
	expect("answer RESOURCE_EXHAUSTED \"a message is over the limit\" \n");
	grpc_rig_fini(&r);
}

TEST(grpc_large_messages_arrive_whole)
{
	struct grpc_rig r;
	static char text[3000000];

	grpc_rig_init(&r, NULL);
	memset(text, 'a', sizeof(text));
	begin("/test/Stream");
	expect("server begin data\n");
	assert_int_equal(grpc_send(r.at_client, str_of(text, sizeof(text))), SEND_QUEUED);
	assert_true(grpc_call_is_blocked(r.at_client));
	for (int i = 0; i < 60; i++)
		rig_turn(&r.rig);
	assert_false(grpc_call_is_blocked(r.at_client));
	expect("client sent\nserver message of 3000000\n");
	assert_int_equal(r.at_server->in.capacity, 0);
	grpc_cancel(r.at_client);
	rig_turn(&r.rig);
	grpc_rig_fini(&r);
}

TEST(grpc_a_paused_call_gets_nothing_and_loses_nothing)
{
	struct grpc_rig r;

	grpc_rig_init(&r, NULL);
	begin("/test/Stream");
	grpc_pause(r.at_client);
	grpc_send(r.at_server, STR("one"));
	rig_turn(&r.rig);
	grpc_send(r.at_server, STR("two"));
	grpc_finish(r.at_server, GRPC_OK, STR("done"));
	rig_turn(&r.rig);
	expect("server begin data\nclient headers 200\nserver closed OK done\n");
	grpc_resume(r.at_client);
	rig_turn(&r.rig);
	expect("client message one\nclient message two\nclient closed OK done\n");
	grpc_rig_fini(&r);
}

TEST(grpc_a_paused_call_may_be_cancelled)
{
	struct grpc_rig r;

	grpc_rig_init(&r, NULL);
	begin("/test/Stream");
	grpc_pause(r.at_client);
	grpc_send(r.at_server, STR("one"));
	grpc_finish(r.at_server, GRPC_OK, STR("done"));
	rig_turn(&r.rig);
	buf_clear(&r.log);
	grpc_cancel(r.at_client);
	rig_turn(&r.rig);
	expect("client closed OK done\n");
	grpc_rig_fini(&r);
}

TEST(grpc_a_slow_reader_stops_the_sender)
{
	struct grpc_rig r;
	static char text[50000];
	int sent = 0;

	grpc_rig_init(&r, NULL);
	begin("/test/Stream");
	grpc_pause(r.at_client);
	memset(text, 'a', sizeof(text));
	for (; sent < 100 && !grpc_call_is_blocked(r.at_server); sent++) {
		grpc_send(r.at_server, str_of(text, sizeof(text)));
		rig_turn(&r.rig);
	}
	/* The window, and what the stream queues. */
	assert_in_range(sent, 6, 8);
	buf_clear(&r.log);
	grpc_resume(r.at_client);
	for (int i = 0; i < 10; i++)
		rig_turn(&r.rig);
	assert_false(grpc_call_is_blocked(r.at_server));
	assert_true(strstr(r.log.memory, "server sent\n") != NULL);
	grpc_cancel(r.at_client);
	rig_turn(&r.rig);
	grpc_rig_fini(&r);
}

/* A stream at the server that the test answers by hand. */
static void raw_begin(struct grpc_rig *r)
{
	grpc_rig_init(r, NULL);
	r->by_hand = true;
	unary("/test/Raw", "x");
	assert_non_null(r->raw);
}

static void raw_head(struct grpc_rig *r, uint16_t status, const char *type, const char *grpc_status)
{
	struct headers h;

	headers_init(&h, &r->raw->pool);
	h.status = status;
	if (type)
		headers_add(&h, HEADER_CONTENT_TYPE, str_from(type));
	if (grpc_status)
		headers_add(&h, HEADER_GRPC_STATUS, str_from(grpc_status));
	stream_send_headers(r->raw, &h, grpc_status != NULL);
	rig_turn(&r->rig);
}

static void raw_end(struct grpc_rig *r, struct str data, const char *grpc_status)
{
	struct iovec iov = { (void *)data.ptr, data.len };
	struct headers h;

	headers_init(&h, &r->raw->pool);
	if (grpc_status)
		headers_add(&h, HEADER_GRPC_STATUS, str_from(grpc_status));
	if (data.len)
		stream_send_data(r->raw, &iov, 1, !grpc_status);
	if (grpc_status)
		stream_send_trailers(r->raw, &h);
	rig_turn(&r->rig);
}

TEST(grpc_answers_that_are_none)
{
	static const struct {
		uint16_t status;
		const char *type, *grpc_status, *answer;
	} cases[] = {
		{ 503, "text/html", NULL, "answer UNAVAILABLE \"HTTP status 503\" \n" },
		{ 401, NULL, NULL, "answer UNAUTHENTICATED \"HTTP status 401\" \n" },
		{ 418, NULL, NULL, "answer UNKNOWN \"HTTP status 418\" \n" },
		{ 200, "text/html", NULL, "answer UNKNOWN \"the answer is not gRPC\" \n" },
		{ 503, NULL, "7", "answer PERMISSION_DENIED \"\" \n" },
		{ 200, "application/grpc", "99", "answer UNKNOWN \"\" \n" },
		{ 200, "application/grpc", "0",
		  "answer INTERNAL \"no answer came with the status\" \n" },
	};

	for (size_t i = 0; i < array_count(cases); i++) {
		struct grpc_rig r;

		raw_begin(&r);
		raw_head(&r, cases[i].status, cases[i].type, cases[i].grpc_status);
		expect(cases[i].answer);
		grpc_rig_fini(&r);
	}
}

TEST(grpc_bodies_that_are_none)
{
	static const struct {
		struct str data;
		const char *status, *answer;
	} cases[] = {
		{ STR_INIT("\0\0\0\0\2ok"), "0", "answer OK \"\" ok\n" },
		{ STR_INIT("\0\0\0\0\2ok"), NULL,
		  "answer UNKNOWN \"no grpc-status with HTTP status 200\" \n" },
		{ STR_INIT("\0\0\0\0\2ok"), "5", "answer NOT_FOUND \"\" \n" },
		{ STR_INIT("\1\0\0\0\2ok"), "0",
		  "answer INTERNAL \"a message is compressed without agreement\" \n" },
		{ STR_INIT("\2\0\0\0\2ok"), "0",
		  "answer INTERNAL \"the flag of a message is invalid\" \n" },
		{ STR_INIT("\0\377\0\0\2ok"), "0",
		  "answer RESOURCE_EXHAUSTED \"a message is over the limit\" \n" },
		{ STR_INIT("\0\0\0\0\3ok"), "0", "answer INTERNAL \"the last message is cut\" \n" },
		{ STR_INIT("\0\0\0\0\1a\0\0\0\0\1b"), "0",
		  "answer INTERNAL \"more than one answer\" \n" },
	};

	for (size_t i = 0; i < array_count(cases); i++) {
		struct grpc_rig r;

		raw_begin(&r);
		raw_head(&r, 200, "application/grpc+proto", NULL);
		raw_end(&r, cases[i].data, cases[i].status);
		expect(cases[i].answer);
		grpc_rig_fini(&r);
	}
}

TEST(grpc_resets_have_a_meaning)
{
	static const struct {
		enum stream_reset reason;
		uint32_t code;
		enum grpc_status status;
	} cases[] = {
		{ STREAM_RESET_PEER, 8, GRPC_CANCELLED },
		{ STREAM_RESET_PEER, 7, GRPC_UNAVAILABLE },
		{ STREAM_RESET_PEER, 11, GRPC_RESOURCE_EXHAUSTED },
		{ STREAM_RESET_PEER, 12, GRPC_PERMISSION_DENIED },
		{ STREAM_RESET_PEER, 0, GRPC_INTERNAL },
		{ STREAM_RESET_PEER, 2, GRPC_INTERNAL },
		{ STREAM_RESET_REFUSED, 7, GRPC_UNAVAILABLE },
		{ STREAM_RESET_CLOSED, 0, GRPC_UNAVAILABLE },
		{ STREAM_RESET_CONNECT, 0, GRPC_UNAVAILABLE },
		{ STREAM_RESET_LIMIT, 0, GRPC_RESOURCE_EXHAUSTED },
		{ STREAM_RESET_PROTOCOL, 1, GRPC_INTERNAL },
	};

	for (size_t i = 0; i < array_count(cases); i++)
		assert_int_equal(grpc_status_of_reset(cases[i].reason, cases[i].code),
				 cases[i].status);
}

TEST(grpc_timeouts_are_written_and_read)
{
	static const struct {
		struct duration timeout;
		const char *text;
	} cases[] = {
		{ { 1500000000 }, "1500m" },
		{ { 10000000000 }, "10000m" },
		{ { 250000 }, "250u" },
		{ { 7 }, "7n" },
		{ { INT64_C(200000) * 1000000000 }, "200000S" },
	};
	static const char *const bad[] = { "", "5", "S", "-1S", "123456789S", "5s", "5 S" };
	struct pool pool = POOL_INIT(0);
	struct duration d;

	for (size_t i = 0; i < array_count(cases); i++) {
		assert_str_equal(grpc_timeout_text(&pool, cases[i].timeout), cases[i].text);
		assert_int_equal(grpc_timeout_parse(str_from(cases[i].text), &d), 0);
		assert_int_equal(d.ns, cases[i].timeout.ns);
	}
	assert_int_equal(grpc_timeout_parse(STR("2M"), &d), 0);
	assert_int_equal(d.ns, DURATION_SECONDS(120).ns);
	assert_int_equal(grpc_timeout_parse(STR("99999999H"), &d), 0);
	assert_int_equal(d.ns, DURATION_FOREVER.ns);
	for (size_t i = 0; i < array_count(bad); i++)
		assert_true(grpc_timeout_parse(str_from(bad[i]), &d) < 0);
	pool_fini(&pool);
}

/* A request made by hand to the gRPC server. */
static void post(const char *type, const char *name, const char *value)
{
	static struct notes notes;
	struct stream *s = http_client_conn_begin(the->client, &notes_handler, &notes);
	struct headers h;

	notes_init(&notes);
	headers_init(&h, &s->pool);
	h.method = STR("POST");
	h.method_id = METHOD_POST;
	h.authority = STR("a");
	h.path = STR("/test/Unary");
	headers_add(&h, HEADER_CONTENT_TYPE, str_from(type));
	if (name)
		headers_add_named(&h, str_from(name), str_from(value));
	stream_send_headers(s, &h, true);
	rig_turn(&the->rig);
	note("%.*s", STR_ARGS(buf_str(&notes.log)));
	notes_fini(&notes);
}

TEST(grpc_requests_that_are_none)
{
	struct grpc_rig r;

	grpc_rig_init(&r, NULL);
	post("application/json", NULL, NULL);
	assert_true(str_has_prefix(buf_str(&r.log), STR("headers 415 ")));
	buf_clear(&r.log);
	post("application/grpcx", NULL, NULL);
	assert_true(str_has_prefix(buf_str(&r.log), STR("headers 415 ")));
	buf_clear(&r.log);
	post("application/grpc+proto", "grpc-encoding", "gzip");
	expect("headers 200 content-type=application/grpc grpc-status=12 "
	       "grpc-message=messages must not be compressed end\nclosed: ended in order\n");
	post("application/grpc", "grpc-timeout", "soon");
	expect("headers 200 content-type=application/grpc grpc-status=13 "
	       "grpc-message=grpc-timeout is invalid end\nclosed: ended in order\n");
	post("application/grpc", NULL, NULL);
	expect("headers 200 content-type=application/grpc grpc-status=13 "
	       "grpc-message=no request came end\nclosed: ended in order\n");
	grpc_rig_fini(&r);
}
