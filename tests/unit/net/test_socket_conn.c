/* Connections over real sockets: how they read, write, and end. */

#include "net/socket_conn.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/mem.h"
#include "net/socket.h"

#include "calls.h"
#include "test.h"
#include "wire.h"

TEST(bytes_go_both_ways_over_tcp_and_unix)
{
	for (int i = 0; i < 2; i++) {
		struct wire w;
		char *answer;

		(i == 0 ? wire_init : wire_init_unix)(&w);
		wire_send(&w, STR("question"));
		wire_until_received(&w, 8);
		assert_str_equal(buf_str(&w.peer.received), "question");
		assert_int_equal(conn_send_str(w.peer.conn, STR("answer")), SEND_DONE);
		answer = wire_receive(&w, 6);
		assert_string_equal(answer, "answer");
		mem_free(answer);
		assert_null(w.peer.conn->in);
		wire_fini(&w);
	}
}

TEST(addresses_of_both_ends_are_known)
{
	struct wire w;

	wire_init(&w);
	assert_true(address_is_loopback(&w.peer.conn->local));
	assert_true(address_port(&w.peer.conn->peer) > 0);
	assert_true(socket_conn_fd(w.peer.conn) >= 0);
	wire_fini(&w);
}

TEST(only_a_connection_over_a_unix_socket_tells_its_user)
{
	struct socket_peer peer;
	struct wire w;

	wire_init_unix(&w);
	assert_int_equal(socket_conn_peer(w.peer.conn, &peer), 0);
	assert_int_equal(peer.uid, getuid());
	assert_int_equal(peer.pid, getpid());
	wire_fini(&w);
	wire_init(&w);
	assert_int_equal(socket_conn_peer(w.peer.conn, &peer), ERR_NOT_FOUND);
	wire_fini(&w);
}

TEST(an_exchange_costs_one_recv_one_send_and_no_epoll_ctl)
{
	struct wire w;

	wire_init(&w);
	world_turn(&w.world, 2);
	calls = (struct calls){ 0 };
	for (int i = 0; i < 10; i++) {
		wire_send(&w, STR("request"));
		wire_until_received(&w, 7 * (size_t)(i + 1));
		conn_send_str(w.peer.conn, STR("response"));
	}
	assert_int_equal(calls.recv, 10);
	assert_int_equal(calls.recv_again, 0);
	assert_int_equal(calls.send, 10 + 10); /* and ten by the test */
	assert_int_equal(calls.epoll_ctl, 0);
	wire_fini(&w);
}

TEST(after_the_peers_fin_reading_goes_on_to_the_end)
{
	struct wire w;

	wire_init(&w);
	wire_send(&w, STR("last"));
	shutdown(w.raw, SHUT_WR);
	wire_until(&w, 'e');
	assert_string_equal(w.peer.trace, "de");
	assert_str_equal(buf_str(&w.peer.received), "last");
	assert_int_equal(conn_send_str(w.peer.conn, STR("answer")), SEND_DONE);
	mem_free(wire_receive(&w, 6));
	wire_fini(&w);
}

TEST(resuming_reads_in_this_turn_without_an_edge)
{
	struct wire w;

	wire_init(&w);
	conn_pause(w.peer.conn);
	wire_send(&w, STR("waiting"));
	/* The edge comes and goes while paused. */
	assert_int_equal(loop_turn(w.world.loop, DURATION_SECONDS(10)), 0);
	world_turn(&w.world, 3);
	assert_string_equal(w.peer.trace, "");
	conn_resume(w.peer.conn);
	world_turn(&w.world, 1);
	assert_str_equal(buf_str(&w.peer.received), "waiting");
	wire_fini(&w);
}

TEST(a_paused_connection_keeps_bytes_in_the_kernel)
{
	struct wire w;

	wire_init(&w);
	conn_pause(w.peer.conn);
	wire_send(&w, STR("waiting"));
	calls = (struct calls){ 0 };
	assert_int_equal(loop_turn(w.world.loop, DURATION_SECONDS(10)), 0);
	assert_int_equal(calls.recv, 0);
	assert_null(w.peer.conn->in);
	wire_fini(&w);
}

/* How much had been received when another connection got its turn. */
TEST(one_connection_reads_its_share_of_a_turn_and_no_more)
{
	struct wire w;
	size_t len = 200000;
	char *bytes = pattern_bytes(len);
	size_t before = 0;

	wire_init_unix(&w);
	w.peer.conn->limits.read_bytes_per_turn = 10000;
	assert_int_equal(send(w.raw, bytes, 100000, MSG_DONTWAIT), 100000);
	for (int i = 0; i < 9; i++) {
		world_turn(&w.world, 1);
		assert_true(buf_len(&w.peer.received) - before <= 10000);
		assert_true(buf_len(&w.peer.received) > before);
		before = buf_len(&w.peer.received);
	}
	wire_until_received(&w, 100000); /* without a further edge */
	assert_memory_equal(buf_str(&w.peer.received).ptr, bytes, 100000);
	wire_fini(&w);
	mem_free(bytes);
}

TEST(what_the_socket_does_not_take_is_queued_and_sent_later)
{
	for (int i = 0; i < 2; i++) {
		struct wire w;
		size_t len = 5 << 20;
		char *bytes = pattern_bytes(len), *received;

		(i == 0 ? wire_init : wire_init_unix)(&w);
		assert_int_equal(conn_send_str(w.peer.conn, str_of(bytes, len - 3)), SEND_QUEUED);
		assert_int_equal(conn_send_str(w.peer.conn, str_of(bytes + len - 3, 3)),
				 SEND_QUEUED);
		assert_true(w.peer.conn->send_queued);
		received = wire_receive(&w, len);
		assert_memory_equal(received, bytes, len);
		world_turn(&w.world, 2);
		assert_string_equal(w.peer.trace, "s");
		assert_int_equal(w.peer.conn->bytes_sent, len);
		mem_free(received);
		wire_fini(&w);
		mem_free(bytes);
	}
}

TEST(fin_goes_behind_what_is_queued)
{
	struct wire w;
	size_t len = 5 << 20;
	char *bytes = pattern_bytes(len), *received, more;

	wire_init(&w);
	conn_send_str(w.peer.conn, str_of(bytes, len));
	conn_shut_write(w.peer.conn);
	received = wire_receive(&w, len);
	assert_memory_equal(received, bytes, len);
	assert_int_equal(recv(w.raw, &more, 1, 0), 0);
	/* The other direction is open. */
	wire_send(&w, STR("thanks"));
	wire_until_received(&w, 6);
	mem_free(received);
	wire_fini(&w);
	mem_free(bytes);
}

TEST(a_reset_closes_with_its_error)
{
	struct wire w;

	wire_init(&w);
	wire_reset(&w);
	wire_until_closed(&w);
	assert_string_equal(w.peer.trace, "c");
	assert_int_equal(w.peer.error, -ECONNRESET);
	wire_fini(&w);
}

TEST(what_came_before_a_reset_is_delivered_before_it)
{
	struct wire w;

	wire_init(&w);
	wire_send(&w, STR("413 too large"));
	wire_reset(&w);
	wire_until_closed(&w);
	assert_string_equal(w.peer.trace, "dc");
	assert_str_equal(buf_str(&w.peer.received), "413 too large");
	wire_fini(&w);
}

TEST(a_paused_connection_notices_a_reset)
{
	struct wire w;

	wire_init(&w);
	conn_pause(w.peer.conn);
	world_turn(&w.world, 1);
	wire_reset(&w);
	wire_until_closed(&w);
	assert_int_equal(w.peer.error, -ECONNRESET);
	wire_fini(&w);
}

TEST(a_paused_connection_keeps_what_came_before_a_reset)
{
	struct wire w;

	wire_init(&w);
	conn_pause(w.peer.conn);
	wire_send(&w, STR("answer"));
	world_turn(&w.world, 1);
	wire_reset(&w);
	assert_int_equal(loop_turn(w.world.loop, DURATION_MS(100)), 0);
	world_turn(&w.world, 3);
	assert_string_equal(w.peer.trace, "");
	conn_resume(w.peer.conn);
	wire_until_closed(&w);
	assert_string_equal(w.peer.trace, "dc");
	assert_str_equal(buf_str(&w.peer.received), "answer");
	wire_fini(&w);
}

TEST(a_half_closed_connection_notices_a_reset)
{
	struct wire w;

	wire_init(&w);
	shutdown(w.raw, SHUT_WR);
	wire_until(&w, 'e');
	wire_reset(&w);
	wire_until_closed(&w);
	assert_int_equal(w.peer.error, -EPIPE); /* the kernel's word after a FIN */
	wire_fini(&w);
}

/* The peer answered early and closed: our write fails, its answer is read all the same. */
TEST(a_failed_write_does_not_lose_the_peers_last_words)
{
	struct wire w;
	enum send_result result = SEND_DONE;

	wire_init(&w);
	conn_pause(w.peer.conn);
	wire_send(&w, STR("413"));
	wire_reset(&w);
	for (int i = 0; i < 1000 && result == SEND_DONE; i++)
		result = conn_send_str(w.peer.conn, STR("body"));
	assert_int_equal(result, SEND_CLOSED);
	assert_int_equal(conn_send_str(w.peer.conn, STR("more")), SEND_CLOSED);
	world_turn(&w.world, 2);
	conn_resume(w.peer.conn);
	wire_until_closed(&w);
	assert_string_equal(w.peer.trace, "dc");
	assert_str_equal(buf_str(&w.peer.received), "413");
	assert_true(w.peer.error == -EPIPE || w.peer.error == -ECONNRESET);
	wire_fini(&w);
}

/* The input is full, its reader waits until its answer is out, and that is lost. */
TEST(a_failed_write_ends_a_connection_whose_input_stays)
{
	struct wire w;
	enum send_result result = SEND_DONE;

	wire_init(&w);
	w.peer.conn->limits.input_bytes_max = 4;
	w.peer.act.consume_none = true;
	wire_send(&w, STR("more than that"));
	world_turn(&w.world, 2);
	assert_str_equal(conn_input(w.peer.conn), "more");
	wire_reset(&w);
	for (int i = 0; i < 1000 && result == SEND_DONE; i++)
		result = conn_send_str(w.peer.conn, STR("answer"));
	assert_int_equal(result, SEND_CLOSED);
	wire_until_closed(&w);
	assert_true(w.peer.error == -EPIPE || w.peer.error == -ECONNRESET);
	wire_fini(&w);
}

TEST(a_connection_may_be_closed_in_its_callbacks)
{
	struct wire w;

	wire_init(&w);
	w.peer.act.close_in_data = true;
	wire_send(&w, STR("x"));
	wire_until_closed(&w);
	assert_string_equal(w.peer.trace, "dc");
	wire_fini(&w);
}

TEST(a_reset_by_us_is_a_reset_for_the_peer)
{
	struct wire w;
	char byte;

	wire_init(&w);
	conn_reset(w.peer.conn);
	world_turn(&w.world, 1);
	assert_string_equal(w.peer.trace, "c");
	assert_int_equal(recv(w.raw, &byte, 1, 0), -1);
	assert_int_equal(errno, ECONNRESET);
	wire_fini(&w);
}

TEST(the_last_answer_survives_what_the_peer_still_sends)
{
	struct wire w;
	char *answer;

	wire_init(&w);
	wire_send(&w, STR("a request with a body that nobody reads"));
	w.peer.act.consume_none = true;
	wire_until(&w, 'd');
	conn_send_str(w.peer.conn, STR("400 no"));
	conn_close_after_sent(w.peer.conn, DURATION_SECONDS(1));
	wire_send(&w, STR("more body"));
	world_turn(&w.world, 3);
	wire_send(&w, STR("even more"));
	answer = wire_receive(&w, 6);
	assert_string_equal(answer, "400 no");
	close(w.raw);
	w.raw = -1;
	wire_until_closed(&w);
	assert_int_equal(w.peer.error, 0);
	mem_free(answer);
	wire_fini(&w);
}

static struct conn *dial(struct world *w, struct peer *p, const struct address *a,
			 struct duration timeout)
{
	struct conn *c = socket_conn_connect(
		w->loop, &w->chunks,
		&(struct socket_connect_options){ .peer = a, .timeout = timeout }, &peer_handler);

	peer_use(p, c);
	return c;
}

static void until_trace(struct world *w, const struct peer *p)
{
	for (int i = 0; i < 1000 && p->trace[0] == '\0'; i++)
		assert_int_equal(loop_turn(w->loop, DURATION_MS(100)), 0);
}

TEST(connecting_opens_in_a_later_turn)
{
	struct world w;
	struct peer p;
	struct address a;
	int listening = listen_loopback(&a);

	world_init(&w);
	dial(&w, &p, &a, DURATION_SECONDS(5));
	assert_int_equal(p.conn->state, CONN_CONNECTING);
	assert_int_equal(conn_send_str(p.conn, STR("early")), SEND_CLOSED);
	p.act.send_in_open = "hello";
	until_trace(&w, &p);
	assert_string_equal(p.trace, "o");
	assert_true(address_eq(&p.conn->peer, &a));
	assert_true(address_port(&p.conn->local) > 0);
	conn_close(p.conn);
	world_turn(&w, 1);
	peer_fini(&p);
	world_fini(&w);
	close(listening);
}

TEST(a_refused_connection_closes_with_its_error)
{
	struct world w;
	struct peer p;
	struct address a;
	int listening = listen_loopback(&a);

	close(listening);
	world_init(&w);
	dial(&w, &p, &a, DURATION_SECONDS(5));
	until_trace(&w, &p);
	assert_string_equal(p.trace, "c");
	assert_int_equal(p.error, -ECONNREFUSED);

	/* Unix sockets tell at once; the callback comes in the reap all the same. */
	assert_int_equal(address_parse(STR("unix:/nonexistent/socket"), &a), 0);
	dial(&w, &p, &a, DURATION_SECONDS(5));
	assert_string_equal(p.trace, "");
	world_turn(&w, 1);
	assert_string_equal(p.trace, "c");
	assert_int_equal(p.error, -ENOENT);
	peer_fini(&p);
	world_fini(&w);
}

TEST(connecting_gives_up_after_its_timeout)
{
	struct world w;
	struct peer first, second, p;
	struct address any, a;
	int listening;

	/* A backlog of none takes one connection; further ones stay in SYN_SENT. */
	assert_int_equal(address_parse(STR("127.0.0.1:0"), &any), 0);
	assert_int_equal(
		socket_listen(&any, &(struct socket_listen_options){ .backlog = 1 }, &listening),
		0);
	assert_int_equal(listen(listening, 0), 0);
	socket_addresses(listening, &a, NULL);
	world_init(&w);
	dial(&w, &first, &a, DURATION_MS(0));
	until_trace(&w, &first);
	dial(&w, &second, &a, DURATION_MS(0));
	dial(&w, &p, &a, DURATION_SECONDS(5));
	world_turn(&w, 3);
	loop_advance(w.loop, DURATION_MS(4999));
	world_turn(&w, 1);
	assert_string_equal(p.trace, "");
	loop_advance(w.loop, DURATION_MS(1));
	world_turn(&w, 1);
	assert_string_equal(p.trace, "c");
	assert_int_equal(p.error, ERR_TIMEOUT);
	conn_close(first.conn);
	if (second.conn)
		conn_close(second.conn);
	world_turn(&w, 1);
	world_fini(&w);
	close(listening);
}

TEST(connecting_can_be_given_up_at_any_time)
{
	struct world w;
	struct peer p;
	struct address a;
	int listening = listen_loopback(&a);

	world_init(&w);
	dial(&w, &p, &a, DURATION_SECONDS(5));
	conn_close(p.conn);
	world_turn(&w, 1);
	assert_string_equal(p.trace, "c");
	assert_int_equal(p.error, 0);

	dial(&w, &p, &a, DURATION_SECONDS(5));
	p.act.close_in_open = true;
	until_trace(&w, &p);
	assert_string_equal(p.trace, "oc");
	world_fini(&w);
	close(listening);
}

TEST(a_socket_connection_moves_to_another_loop)
{
	struct wire w;
	struct world other;

	wire_init(&w);
	world_turn(&w.world, 1);
	assert_int_equal(conn_detach(w.peer.conn), 0);
	wire_send(&w, STR("meanwhile"));

	world_init(&other);
	assert_int_equal(conn_attach(w.peer.conn, other.loop, &other.chunks), 0);
	for (int i = 0; i < 100 && buf_len(&w.peer.received) < 9; i++)
		assert_int_equal(loop_turn(other.loop, DURATION_MS(100)), 0);
	assert_str_equal(buf_str(&w.peer.received), "meanwhile");
	assert_int_equal(conn_send_str(w.peer.conn, STR("x")), SEND_DONE);
	conn_close(w.peer.conn);
	world_turn(&other, 1);
	assert_string_equal(w.peer.trace, "dc");
	loop_free(other.loop);
	chunk_stock_fini(&other.chunks);
	wire_fini(&w);
}

#ifdef WEFT_FAULTS
/* Connect, exchange, close, with the nth system call failing. */
static bool exchange_with_fault(unsigned nth)
{
	struct world w;
	struct peer client, server = { 0 };
	struct address a, peer;
	int listening = listen_loopback(&a), fd;
	bool delivered;

	world_init(&w);
	fault_arm(nth, -ENOMEM);
	dial(&w, &client, &a, DURATION_SECONDS(5));
	client.act.send_in_open = "ping";
	for (int i = 0; i < 50; i++) {
		if (!server.conn && server.trace[0] == '\0' &&
		    socket_accept(listening, &peer, &fd) == 0) {
			peer_use(&server,
				 socket_conn_new_take(w.loop, &w.chunks, fd, &peer, &peer_handler));
			server.act.send_in_data = "pong";
			server.act.close_in_data = true;
		}
		if (loop_turn(w.loop, DURATION_MS(1)) < 0)
			continue; /* epoll_wait failed; the next turn goes on */
		if (strchr(client.trace, 'c') || strchr(client.trace, 'e'))
			break;
	}
	delivered = fault_delivered();
	fault_arm(0, 0);
	if (!delivered)
		assert_str_equal(buf_str(&client.received), "pong");
	if (client.conn)
		conn_close(client.conn);
	if (server.conn)
		conn_close(server.conn);
	world_turn(&w, 2);
	peer_fini(&client);
	peer_fini(&server);
	world_fini(&w);
	close(listening);
	return delivered;
}

TEST(every_failing_system_call_ends_in_an_orderly_close)
{
	unsigned nth = 1;

	while (exchange_with_fault(nth))
		nth++;
	assert_true(nth > 10);
}
#endif
