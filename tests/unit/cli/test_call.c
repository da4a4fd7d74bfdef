#include "cli/call.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "net/acceptor.h"
#include "net/socket.h"
#include "net/socket_conn.h"
#include "test.h"

#define REPLY(body) "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n" body
#define TURNS_MAX   1000

/* A server that answers each request with the next text; NULL closes the connection. */
struct server {
	struct loop *loop;
	struct chunk_stock chunks;
	struct acceptor acceptor;
	struct address address;
	int fd;
	const char *const *replies;
	uint32_t connections;
	struct conn *conn; /* the last one */
	struct buf got;
	struct line line;
	struct call call;
	bool done;
};

static void on_data(struct conn *c)
{
	struct server *s = c->user;
	struct str input = conn_input(c);

	buf_append_str(&s->got, input);
	conn_consume(c, input.len);
	if (!str_has_suffix(buf_str(&s->got), STR("\r\n\r\n")) &&
	    !str_has_suffix(buf_str(&s->got), STR("body")))
		return;
	if (*s->replies)
		conn_send_str(c, str_from(*s->replies));
	else
		conn_close(c);
	s->replies++;
}

static void on_closed(struct conn *c)
{
	struct server *s = c->user;

	if (s->conn == c)
		s->conn = NULL;
}

static const struct conn_handler handler = { .on_data = on_data, .on_closed = on_closed };

static void on_accept(struct acceptor *a, int fd, const struct address *peer)
{
	struct server *s = container_of(a, struct server, acceptor);

	s->conn = socket_conn_new_take(s->loop, &s->chunks, fd, peer, &handler);
	s->conn->user = s;
	s->connections++;
}

static void server_init(struct server *s, const char *const *replies)
{
	char name[64];

	*s = (struct server){ .replies = replies };
	assert_int_equal(loop_new(&s->loop), 0);
	chunk_stock_init(&s->chunks, 4);
	snprintf(name, sizeof(name), "@weft-call-test-%d", getpid());
	assert_int_equal(address_from_unix(str_from(name), &s->address), 0);
	assert_int_equal(socket_listen(&s->address, NULL, &s->fd), 0);
	assert_int_equal(acceptor_start(s->loop, &s->acceptor, s->fd, on_accept), 0);

	struct line_options options = {
		.loop = s->loop,
		.chunks = &s->chunks,
		.address = s->address,
		.host = STR("shop"),
		.idle_max = 2,
	};

	line_init(&s->line, &options);
}

static void server_fini(struct server *s)
{
	line_close(&s->line);
	while (!line_is_closed(&s->line))
		assert_int_equal(loop_turn(s->loop, DURATION_FOREVER), 0);
	if (s->conn)
		conn_close(s->conn);
	assert_int_equal(loop_turn(s->loop, DURATION_NS(0)), 0);
	acceptor_stop(&s->acceptor);
	close(s->fd);
	call_fini(&s->call);
	buf_fini(&s->got);
	chunk_stock_fini(&s->chunks);
	loop_free(s->loop);
}

static void on_done(struct call *c)
{
	container_of(c, struct server, call)->done = true;
}

/* Asks and waits. */
static void ask(struct server *s, enum method method, struct str body)
{
	s->call.method = method;
	s->call.path = STR("/x");
	s->call.body = body;
	s->call.content_type = body.len ? STR("text/plain") : STR_EMPTY;
	s->call.on_done = on_done;
	s->done = false;
	call_start(&s->line, &s->call);
	for (int i = 0; i < TURNS_MAX && !s->done; i++)
		assert_int_equal(loop_turn(s->loop, DURATION_SECONDS(60)), 0);
	assert_true(s->done);
}

TEST(a_connection_is_kept_for_the_next_call)
{
	static const char *const replies[] = { REPLY("ok"), REPLY("go"), NULL };
	struct server s;

	server_init(&s, replies);
	ask(&s, METHOD_GET, STR_EMPTY);
	assert_int_equal(s.call.error, 0);
	assert_int_equal(s.call.status, 200);
	assert_str_equal(buf_str(&s.call.response), "ok");
	assert_true(str_has_prefix(buf_str(&s.got), STR("GET /x HTTP/1.1\r\n")));
	ask(&s, METHOD_GET, STR_EMPTY);
	assert_str_equal(buf_str(&s.call.response), "go");
	assert_int_equal(s.connections, 1);
	server_fini(&s);
}

TEST(a_kept_connection_that_closes_costs_no_idempotent_call)
{
	static const char *const replies[] = { REPLY("ok"), NULL, REPLY("go"), NULL };
	struct server s;

	server_init(&s, replies);
	ask(&s, METHOD_GET, STR_EMPTY);
	ask(&s, METHOD_GET, STR_EMPTY);
	assert_int_equal(s.call.error, 0);
	assert_str_equal(buf_str(&s.call.response), "go");
	assert_int_equal(s.connections, 2);
	server_fini(&s);
}

TEST(a_call_that_may_have_had_its_effect_is_not_made_again)
{
	static const char *const replies[] = { REPLY("ok"), NULL, REPLY("go"), NULL };
	struct server s;

	server_init(&s, replies);
	ask(&s, METHOD_GET, STR_EMPTY);
	ask(&s, METHOD_POST, STR("body"));
	assert_int_equal(s.call.error, ERR_CLOSED);
	assert_int_equal(s.connections, 1);
	server_fini(&s);
}

TEST(a_body_is_sent_with_its_length)
{
	static const char *const replies[] = { REPLY("ok"), NULL };
	struct server s;

	server_init(&s, replies);
	ask(&s, METHOD_POST, STR("body"));
	assert_int_equal(s.call.status, 200);
	assert_non_null(memmem(buf_str(&s.got).ptr, buf_len(&s.got), "content-length: 4\r\n", 19));
	server_fini(&s);
}

TEST(an_answer_over_the_limit_is_an_error)
{
	static const char *const replies[] = { REPLY("ok"), NULL };
	struct server s;

	server_init(&s, replies);
	s.call.response_bytes_max = 1;
	ask(&s, METHOD_GET, STR_EMPTY);
	assert_int_equal(s.call.error, ERR_LIMIT);
	server_fini(&s);
}

TEST(a_fresh_connection_that_closes_is_an_error)
{
	static const char *const replies[] = { NULL };
	struct server s;

	server_init(&s, replies);
	ask(&s, METHOD_GET, STR_EMPTY);
	assert_int_equal(s.call.error, ERR_CLOSED);
	server_fini(&s);
}

TEST(nobody_listening_is_told_by_the_systems_error)
{
	static const char *const replies[] = { NULL };
	struct server s;

	server_init(&s, replies);
	acceptor_stop(&s.acceptor);
	close(s.fd);
	s.fd = -1;
	ask(&s, METHOD_GET, STR_EMPTY);
	assert_int_equal(s.call.error, -ECONNREFUSED);
	server_fini(&s);
}

TEST(a_call_can_time_out_and_be_cancelled)
{
	static const char *const replies[] = { "HTTP/1.1 200 OK\r\n", NULL };
	struct server s;

	server_init(&s, replies);
	s.call.timeout = DURATION_MS(1);
	ask(&s, METHOD_GET, STR_EMPTY);
	assert_int_equal(s.call.error, ERR_TIMEOUT);
	s.call.timeout = DURATION_NS(0);
	s.done = false;
	call_start(&s.line, &s.call);
	call_cancel(&s.call);
	assert_false(call_is_running(&s.call));
	assert_int_equal(loop_turn(s.loop, DURATION_NS(0)), 0);
	assert_false(s.done);
	server_fini(&s);
}
