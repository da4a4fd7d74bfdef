/* What we rely on in Linux and could not see in a manual page alone. */

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/socket.h"

#include "test.h"
#include "wire.h"

static void tcp_pair(int *ret_ours, int *ret_theirs)
{
	struct address a, peer;
	int listening = listen_loopback(&a);

	*ret_theirs = connect_raw(&a);
	assert_int_equal(poll(&(struct pollfd){ listening, POLLIN, 0 }, 1, 10000), 1);
	assert_int_equal(socket_accept(listening, &peer, ret_ours), 0);
	close(listening);
}

static void reset(int fd)
{
	struct linger abort = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
	close(fd);
}

/* epoll_wait() for one event, at most ten seconds. */
static uint32_t next_events(int epoll)
{
	struct epoll_event e = { 0 };

	return epoll_wait(epoll, &e, 1, 10000) == 1 ? e.events : 0;
}

static int watch_fd(int fd)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e), 0);
	return epoll;
}

TEST(kernel_accepted_sockets_inherit_nodelay)
{
	int ours, theirs, value = 0;
	socklen_t len = sizeof(value);

	tcp_pair(&ours, &theirs);
	assert_int_equal(getsockopt(ours, IPPROTO_TCP, TCP_NODELAY, &value, &len), 0);
	assert_true(value);
	close(ours);
	close(theirs);
}

TEST(kernel_bytes_before_a_reset_stay_readable)
{
	int ours, theirs;
	char text[8];

	tcp_pair(&ours, &theirs);
	assert_int_equal(send(theirs, "alert", 5, 0), 5);
	reset(theirs);
	assert_true(poll(&(struct pollfd){ ours, 0, 0 }, 1, 10000) == 1); /* POLLERR */
	assert_int_equal(socket_readable_bytes(ours), 5);
	assert_int_equal(recv(ours, text, sizeof(text), 0), 5);
	assert_int_equal(recv(ours, text, sizeof(text), 0), -1);
	assert_int_equal(errno, ECONNRESET);
	close(ours);
}

TEST(kernel_registering_reports_what_is_ready_already)
{
	int ours, theirs, epoll;

	tcp_pair(&ours, &theirs);
	assert_int_equal(send(theirs, "x", 1, 0), 1);
	assert_int_equal(poll(&(struct pollfd){ ours, POLLIN, 0 }, 1, 10000), 1);
	epoll = watch_fd(ours);
	assert_int_equal(next_events(epoll), EPOLLIN | EPOLLOUT);
	close(epoll);
	close(ours);
	close(theirs);
}

TEST(kernel_a_fin_is_an_edge_with_rdhup)
{
	int ours, theirs, epoll;
	char byte;

	tcp_pair(&ours, &theirs);
	epoll = watch_fd(ours);
	assert_int_equal(next_events(epoll), EPOLLOUT);
	shutdown(theirs, SHUT_WR);
	assert_int_equal(next_events(epoll), EPOLLIN | EPOLLOUT | EPOLLRDHUP);
	assert_int_equal(recv(ours, &byte, 1, 0), 0);
	close(epoll);
	close(ours);
	close(theirs);
}

TEST(kernel_a_new_byte_is_a_new_edge_though_old_ones_are_unread)
{
	int ours, theirs, epoll;

	tcp_pair(&ours, &theirs);
	epoll = watch_fd(ours);
	assert_int_equal(next_events(epoll), EPOLLOUT);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(send(theirs, "x", 1, 0), 1);
		assert_int_equal(next_events(epoll), EPOLLIN | EPOLLOUT);
	}
	close(epoll);
	close(ours);
	close(theirs);
}

/* Fills ours until it is full; returns how much went in. */
static size_t fill(int fd)
{
	static const char zeros[65536];
	size_t len = 0;
	ssize_t n;

	do {
		n = send(fd, zeros, sizeof(zeros), MSG_DONTWAIT);
		len += n > 0 ? (size_t)n : 0;
	} while (n == (ssize_t)sizeof(zeros)); /* a partial write: no probe for EAGAIN */
	return len;
}

static void drain(int fd, size_t len)
{
	char memory[65536];

	while (len > 0) {
		ssize_t n = recv(fd, memory, min_of(len, sizeof(memory)), 0);

		assert_true(n > 0);
		len -= (size_t)n;
	}
}

static void assert_room_is_an_edge(int ours, int theirs)
{
	int epoll = watch_fd(ours);
	size_t len;

	assert_int_equal(next_events(epoll), EPOLLOUT);
	len = fill(ours);
	drain(theirs, len);
	assert_int_equal(next_events(epoll), EPOLLOUT);
	close(epoll);
	close(ours);
	close(theirs);
}

TEST(kernel_room_after_a_partial_write_is_an_edge)
{
	int pair[2];

	tcp_pair(&pair[0], &pair[1]);
	assert_room_is_an_edge(pair[0], pair[1]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_room_is_an_edge(pair[0], pair[1]);
}

TEST(kernel_a_full_unix_backlog_answers_again)
{
	struct address a;
	int listening, fd = -1, clients[8], count = 0, r = 0;

	assert_int_equal(address_parse(STR("unix:@weft-test-backlog"), &a), 0);
	assert_int_equal(
		socket_listen(&a, &(struct socket_listen_options){ .backlog = 1 }, &listening), 0);
	while (count < 8 && (r = socket_connect(&a, NULL, &fd)) == 0)
		clients[count++] = fd;
	assert_int_equal(r, -EAGAIN);
	while (count > 0)
		close(clients[--count]);
	close(listening);
}

TEST(kernel_a_unix_socket_in_a_file_refuses_when_nobody_listens)
{
	struct address a;
	char path[] = "/tmp/weft-test-XXXXXX";
	char *text;
	int fd;

	assert_non_null(mkdtemp(path));
	text = mem_printf("unix:%s/s", path);
	assert_int_equal(address_parse(str_from(text), &a), 0);
	assert_int_equal(socket_listen(&a, NULL, &fd), 0);
	close(fd);
	assert_int_equal(socket_connect(&a, NULL, &fd), -ECONNREFUSED);
	socket_remove_file(&a);
	rmdir(path);
	mem_free(text);
}
