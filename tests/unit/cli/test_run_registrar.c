#include "cli/run_registrar.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "net/acceptor.h"
#include "net/socket.h"
#include "net/socket_conn.h"
#include "test.h"

/* A control plane that writes down what it is asked, and answers when it is told to. */
struct desk {
	struct remote remote;
	struct run_plan plan;
	struct run_registrar registrar;
	struct acceptor acceptor;
	char dir[32];
	int fd;
	struct conn *conn; /* of the request that waits */
	struct buf asked;  /* "POST Starting\n", "DELETE\n" */
	struct buf input;
	bool answers; /* at once */
	int withdrawn;
};

static bool has(struct str text, const char *word)
{
	return memmem(text.ptr, text.len, word, strlen(word));
}

static void answer(struct desk *k)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nconnection: close\r\n"
				   "content-length: 2\r\n\r\n{}";

	assert_non_null(k->conn);
	conn_send_str(k->conn, STR(text));
	conn_close_after_sent(k->conn, DURATION_SECONDS(1));
	k->conn = NULL;
}

static void on_data(struct conn *c)
{
	struct desk *k = c->user;
	struct str input = conn_input(c);

	buf_append_str(&k->input, input);
	conn_consume(c, input.len);
	input = buf_str(&k->input);
	if (str_has_prefix(input, STR("DELETE")) ? !has(input, "\r\n\r\n")
						 : !has(input, "\"readiness\""))
		return;
	buf_printf(&k->asked, "%s\n",
		   str_has_prefix(input, STR("DELETE")) ? "DELETE"
		   : has(input, "Starting")             ? "POST Starting"
							: "POST Ready");
	buf_clear(&k->input);
	k->conn = c;
	if (k->answers)
		answer(k);
}

static void on_closed(unused_arg struct conn *c)
{
}

static const struct conn_handler handler = { .on_data = on_data, .on_closed = on_closed };

static void on_accept(struct acceptor *a, int fd, const struct address *peer)
{
	struct desk *k = container_of(a, struct desk, acceptor);
	struct conn *c =
		socket_conn_new_take(k->remote.loop, &k->remote.chunks, fd, peer, &handler);

	c->user = k;
}

static void on_withdrawn(struct run_registrar *r)
{
	container_of(r, struct desk, registrar)->withdrawn++;
}

static void turn(struct desk *k)
{
	for (int i = 0; i < 64; i++)
		assert_int_equal(loop_turn(k->remote.loop, DURATION_NS(0)), 0);
}

static void desk_listen(struct desk *k)
{
	assert_int_equal(socket_listen(&k->remote.address, NULL, &k->fd), 0);
	k->acceptor = (struct acceptor){ 0 };
	assert_int_equal(acceptor_start(k->remote.loop, &k->acceptor, k->fd, on_accept), 0);
}

static void desk_unlisten(struct desk *k)
{
	acceptor_stop(&k->acceptor);
	close(k->fd);
	socket_remove_file(&k->remote.address);
}

static void desk_init(struct desk *k)
{
	static const struct cli cli;
	char socket[64];
	struct diag d = DIAG_INIT;

	*k = (struct desk){
		.dir = "/tmp/weft-desk-XXXXXX",
		.plan = { .name_space = STR("shop"), .service = STR("a"), .workload = STR("a-1") },
	};
	assert_non_null(mkdtemp(k->dir));
	snprintf(socket, sizeof(socket), "%s/control.sock", k->dir);
	setenv("WEFT_ADDR", socket, 1);
	assert_int_equal(remote_open(&k->remote, &cli, &d), 0);
	unsetenv("WEFT_ADDR");
	loop_set_clock(k->remote.loop, (struct instant){ 1 }, (struct wall_time){ 1 });
	desk_listen(k);
	run_registrar_start(&k->registrar, &k->remote, &k->plan, on_withdrawn);
}

static void desk_fini(struct desk *k)
{
	run_registrar_stop(&k->registrar);
	if (k->conn)
		conn_close(k->conn);
	turn(k);
	loop_advance(k->remote.loop, DURATION_SECONDS(2)); /* connections that linger */
	turn(k);
	desk_unlisten(k);
	buf_fini(&k->asked);
	buf_fini(&k->input);
	remote_close(&k->remote);
	assert_int_equal(rmdir(k->dir), 0);
}

static void expect(struct desk *k, const char *asked)
{
	turn(k);
	assert_str_equal(buf_str(&k->asked), asked);
	buf_clear(&k->asked);
}

TEST(a_workload_is_registered_again_at_every_beat)
{
	struct desk k;

	desk_init(&k);
	k.answers = true;
	expect(&k, "");
	loop_advance(k.remote.loop, DURATION_SECONDS(10));
	expect(&k, "POST Starting\n");
	run_registrar_set_ready(&k.registrar);
	expect(&k, "POST Ready\n");
	loop_advance(k.remote.loop, DURATION_SECONDS(10));
	expect(&k, "POST Ready\n");
	desk_fini(&k);
}

TEST(a_withdrawal_waits_for_the_registration_under_way)
{
	struct desk k;

	desk_init(&k);
	run_registrar_set_ready(&k.registrar);
	expect(&k, "POST Ready\n");
	run_registrar_withdraw(&k.registrar);
	expect(&k, "");
	answer(&k);
	expect(&k, "DELETE\n");
	assert_int_equal(k.withdrawn, 0);
	answer(&k);
	expect(&k, "");
	assert_int_equal(k.withdrawn, 1);
	loop_advance(k.remote.loop, DURATION_SECONDS(60));
	expect(&k, "");
	desk_fini(&k);
}

TEST(what_changes_meanwhile_is_said_afterwards)
{
	struct desk k;

	desk_init(&k);
	loop_advance(k.remote.loop, DURATION_SECONDS(10));
	expect(&k, "POST Starting\n");
	run_registrar_set_ready(&k.registrar);
	expect(&k, "");
	answer(&k);
	expect(&k, "POST Ready\n");
	desk_fini(&k);
}

TEST(a_workload_that_goes_on_is_registered_at_the_next_beat)
{
	struct desk k;

	desk_init(&k);
	k.answers = true;
	run_registrar_withdraw(&k.registrar);
	expect(&k, "DELETE\n");
	assert_int_equal(k.withdrawn, 1);
	run_registrar_keep(&k.registrar);
	expect(&k, "");
	loop_advance(k.remote.loop, DURATION_SECONDS(10));
	expect(&k, "POST Starting\n");
	desk_fini(&k);
}

TEST(a_control_plane_that_is_away_is_asked_each_second_and_holds_up_no_end)
{
	struct desk k;

	desk_init(&k);
	log_set_level(LOG_LEVEL_ERROR);
	k.answers = true;
	desk_unlisten(&k);
	run_registrar_set_ready(&k.registrar);
	expect(&k, "");
	desk_listen(&k);
	loop_advance(k.remote.loop, DURATION_SECONDS(1));
	expect(&k, "POST Ready\n");
	desk_unlisten(&k);
	run_registrar_withdraw(&k.registrar);
	expect(&k, "");
	assert_int_equal(k.withdrawn, 1);
	desk_listen(&k);
	log_set_level(LOG_LEVEL_INFO);
	desk_fini(&k);
}
