/* TLS over sockets of the kernel, with real timing of what arrives when. */

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/socket.h"
#include "net/socket_conn.h"

#include "test.h"
#include "tls_couple.h"
#include "wire.h"

struct tls_wire {
	struct tls_couple couple;
	struct address address;
	int listening;
};

static void wire_start(struct tls_wire *w)
{
	struct world *world = &w->couple.world;
	struct address peer;
	struct conn *client, *server;
	int fd;

	w->listening = listen_loopback(&w->address);
	client = socket_conn_connect(world->loop, &world->chunks,
				     &(struct socket_connect_options){ .peer = &w->address },
				     &peer_handler);
	assert_int_equal(poll(&(struct pollfd){ w->listening, POLLIN, 0 }, 1, 10000), 1);
	assert_int_equal(socket_accept(w->listening, &peer, &fd), 0);
	server = socket_conn_new_take(world->loop, &world->chunks, fd, &peer, &peer_handler);
	close(w->listening);
	tls_couple_start_over(&w->couple, client, server);
}

static bool has(const struct peer *p, char letter)
{
	return strchr(p->trace, letter) != NULL;
}

static void turn(struct tls_wire *w)
{
	assert_int_equal(loop_turn(w->couple.world.loop, DURATION_MS(100)), 0);
}

TEST(tls_over_tcp_carries_a_large_exchange)
{
	struct tls_wire w;
	size_t len = 3 << 20;
	char *bytes = pattern_bytes(len);
	struct peer *client = &w.couple.client, *server = &w.couple.server;

	tls_couple_init(&w.couple);
	wire_start(&w);
	while (!has(client, 'o') || !has(server, 'o'))
		turn(&w);
	conn_send_str(client->conn, str_of(bytes, len));
	conn_send_str(server->conn, str_of(bytes, len));
	conn_shut_write(client->conn);
	while (!has(server, 'e') || buf_len(&client->received) < len)
		turn(&w);
	assert_memory_equal(buf_str(&client->received).ptr, bytes, len);
	assert_int_equal(buf_len(&server->received), len);
	assert_memory_equal(buf_str(&server->received).ptr, bytes, len);
	tls_couple_fini(&w.couple);
	mem_free(bytes);
}

/* The client is done before the server refuses it, and sends at once: the server closes over
 * unread bytes, and its alert must arrive all the same. */
TEST(a_refused_client_hears_why_though_it_was_already_sending)
{
	struct tls_wire w;
	struct peer *client = &w.couple.client, *server = &w.couple.server;
	char *bytes = pattern_bytes(500000);

	tls_couple_init(&w.couple);
	tls_side_identity(&w.couple.client_side, NULL);
	wire_start(&w);
	while (!has(client, 'o') && !has(client, 'c'))
		world_turn(&w.couple.world, 1);
	if (client->conn)
		conn_send_str(client->conn, str_of(bytes, 500000));
	while (!has(client, 'c') || !has(server, 'c'))
		turn(&w);
	assert_int_equal(w.couple.server_info.failure, TLS_FAILURE_NO_CERTIFICATE);
	assert_string_equal(w.couple.client_info.failure_text,
			    "alert from the peer: certificate required");
	tls_couple_fini(&w.couple);
	mem_free(bytes);
}

TEST(a_killed_peer_is_no_end_of_input)
{
	struct tls_wire w;
	struct peer *client = &w.couple.client, *server = &w.couple.server;

	tls_couple_init(&w.couple);
	wire_start(&w);
	while (!has(client, 'o') || !has(server, 'o'))
		turn(&w);
	/* What the kernel does for a process that dies: FIN, without a close_notify. */
	shutdown(socket_conn_fd(w.couple.client_lower), SHUT_RDWR);
	while (!has(server, 'c'))
		turn(&w);
	assert_int_equal(w.couple.server_info.failure, TLS_FAILURE_TRUNCATED);
	tls_couple_fini(&w.couple);
}

/* The input is full, its reader waits until its answer is out, and that is lost. */
TEST(a_failed_write_ends_a_connection_whose_full_input_nobody_takes)
{
	struct tls_wire w;
	struct peer *client = &w.couple.client, *server = &w.couple.server;
	char *bytes = pattern_bytes(300000);

	tls_couple_init(&w.couple);
	wire_start(&w);
	while (!has(client, 'o') || !has(server, 'o'))
		turn(&w);
	server->act.consume_none = true;
	conn_send_str(client->conn, str_of(bytes, 300000));
	while (conn_input(server->conn).len < CHUNK_BYTES)
		turn(&w);
	conn_reset(client->conn);
	while (!has(client, 'c'))
		turn(&w);
	for (int i = 0; i < 50 && server->conn; i++) {
		conn_send_str(server->conn, STR("answer"));
		turn(&w);
	}
	assert_true(has(server, 'c'));
	tls_couple_fini(&w.couple);
	mem_free(bytes);
}
