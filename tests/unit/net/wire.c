#include "wire.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/socket.h"
#include "net/socket_conn.h"

#include "test.h"

#define TURNS_MAX 10000

int listen_loopback(struct address *ret_address)
{
	struct address any;
	int fd;

	assert_int_equal(address_parse(STR("127.0.0.1:0"), &any), 0);
	assert_int_equal(socket_listen(&any, NULL, &fd), 0);
	socket_addresses(fd, ret_address, NULL);
	return fd;
}

int connect_raw(const struct address *a)
{
	int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, &a->any, a->len), 0);
	return fd;
}

static void use(struct wire *w, int fd)
{
	struct conn *c =
		socket_conn_new_take(w->world.loop, &w->world.chunks, fd, NULL, &peer_handler);

	assert_int_equal(c->state, CONN_OPEN);
	peer_use(&w->peer, c);
}

void wire_init(struct wire *w)
{
	struct address a, peer;
	int listening = listen_loopback(&a), fd = -1;
	struct pollfd p = { .fd = listening, .events = POLLIN };

	world_init(&w->world);
	w->raw = connect_raw(&a);
	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_int_equal(socket_accept(listening, &peer, &fd), 0);
	close(listening);
	use(w, fd);
}

void wire_init_unix(struct wire *w)
{
	int fds[2];

	world_init(&w->world);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	w->raw = fds[1];
	use(w, fds[0]);
}

void wire_fini(struct wire *w)
{
	if (w->peer.conn)
		conn_close(w->peer.conn);
	if (w->raw >= 0)
		close(w->raw);
	world_turn(&w->world, 2);
	peer_fini(&w->peer);
	world_fini(&w->world);
}

void wire_send(struct wire *w, struct str s)
{
	assert_int_equal(send(w->raw, s.ptr, s.len, MSG_NOSIGNAL), s.len);
}

static void turn(struct wire *w)
{
	assert_int_equal(loop_turn(w->world.loop, DURATION_MS(100)), 0);
}

char *wire_receive(struct wire *w, size_t len)
{
	char *bytes = mem_alloc(len + 1);
	size_t have = 0;

	for (int i = 0; i < TURNS_MAX && have < len; i++) {
		ssize_t n = recv(w->raw, bytes + have, len - have, MSG_DONTWAIT);

		have += n > 0 ? (size_t)n : 0;
		if (n <= 0)
			assert_int_equal(loop_turn(w->world.loop, DURATION_MS(1)), 0);
	}
	assert_int_equal(have, len);
	bytes[len] = '\0';
	return bytes;
}

void wire_until_received(struct wire *w, size_t len)
{
	for (int i = 0; i < TURNS_MAX && w->peer.conn && buf_len(&w->peer.received) < len; i++)
		turn(w);
	assert_true(buf_len(&w->peer.received) >= len);
}

void wire_until(struct wire *w, char letter)
{
	for (int i = 0; i < TURNS_MAX && !strchr(w->peer.trace, letter); i++)
		turn(w);
	assert_non_null(strchr(w->peer.trace, letter));
}

void wire_until_closed(struct wire *w)
{
	wire_until(w, 'c');
}

void wire_reset(struct wire *w)
{
	struct linger abort = { .l_onoff = 1 };

	assert_int_equal(setsockopt(w->raw, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort)), 0);
	close(w->raw);
	w->raw = -1;
}
