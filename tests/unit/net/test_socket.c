#include "net/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"

#include "test.h"
#include "wire.h"

static struct address address_of(const char *text)
{
	struct address a;

	assert_int_equal(address_parse(str_from(text), &a), 0);
	return a;
}

/* A fresh directory, and the address of a socket in it. */
static struct address socket_path(char *directory)
{
	struct address a;
	char *text;

	assert_non_null(mkdtemp(directory));
	text = mem_printf("unix:%s/s", directory);
	a = address_of(text);
	mem_free(text);
	return a;
}

#define DIRECTORY_TEMPLATE "/tmp/weft-test-XXXXXX"

static void remove_path(const struct address *a, const char *directory)
{
	socket_remove_file(a);
	rmdir(directory);
}

TEST(listening_sockets_accept_on_every_family)
{
	static const char *const texts[] = { "127.0.0.1:0", "[::1]:0", "unix:@weft-test-socket" };

	for (size_t i = 0; i < array_count(texts); i++) {
		struct address a = address_of(texts[i]), bound, peer;
		int listening, raw, fd;

		if (socket_listen(&a, NULL, &listening) == -EADDRNOTAVAIL)
			continue; /* no IPv6 on this machine */
		socket_addresses(listening, &bound, NULL);
		assert_int_equal(socket_accept(listening, &peer, &fd), -EAGAIN);
		raw = connect_raw(&bound);
		assert_int_equal(poll(&(struct pollfd){ listening, POLLIN, 0 }, 1, 10000), 1);
		assert_int_equal(socket_accept(listening, &peer, &fd), 0);
		assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
		assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
		close(fd);
		close(raw);
		close(listening);
	}
}

TEST(an_address_in_use_is_refused)
{
	struct address a;
	int first = listen_loopback(&a), second;

	assert_int_equal(socket_listen(&a, NULL, &second), -EADDRINUSE);
	close(first);
	assert_int_equal(socket_listen(&a, NULL, &second), 0);
	close(second);
}

TEST(a_stale_socket_file_is_replaced_and_a_live_one_is_not)
{
	char directory[] = DIRECTORY_TEMPLATE;
	struct address a = socket_path(directory);
	int first, second;

	assert_int_equal(socket_listen(&a, NULL, &first), 0);
	assert_int_equal(socket_listen(&a, NULL, &second), -EADDRINUSE);
	close(connect_raw(&a)); /* the first one still listens */

	close(first); /* its file stays */
	assert_int_equal(access(a.unix_path.sun_path, F_OK), 0);
	assert_int_equal(socket_listen(&a, NULL, &second), 0);
	close(connect_raw(&a));
	close(second);
	remove_path(&a, directory);
}

TEST(the_file_of_a_successor_is_not_removed)
{
	char directory[] = DIRECTORY_TEMPLATE;
	struct address a = socket_path(directory);
	int fd;

	assert_int_equal(socket_listen(&a, NULL, &fd), 0);
	socket_remove_file(&a);
	close(connect_raw(&a));
	close(fd);
	socket_remove_file(&a);
	assert_int_equal(access(a.unix_path.sun_path, F_OK), -1);
	rmdir(directory);
}

TEST(a_file_that_is_no_socket_is_left_alone)
{
	char directory[] = DIRECTORY_TEMPLATE;
	struct address a = socket_path(directory);
	int fd = open(a.unix_path.sun_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(socket_listen(&a, NULL, &fd), -EADDRINUSE);
	socket_remove_file(&a);
	assert_int_equal(unlink(a.unix_path.sun_path), 0);
	rmdir(directory);
}

TEST(a_socket_file_is_private_unless_asked_otherwise)
{
	char directory[] = DIRECTORY_TEMPLATE;
	struct address a = socket_path(directory);
	struct stat st;
	int fd;

	assert_int_equal(socket_listen(&a, NULL, &fd), 0);
	assert_int_equal(stat(a.unix_path.sun_path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	close(fd);
	assert_int_equal(
		socket_listen(&a, &(struct socket_listen_options){ .unix_mode = 0666 }, &fd), 0);
	assert_int_equal(stat(a.unix_path.sun_path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0666);
	close(fd);
	remove_path(&a, directory);
}

TEST(an_inherited_descriptor_must_be_listening)
{
	struct address a;
	int listening = listen_loopback(&a), pair[2];

	fcntl(listening, F_SETFL, 0);
	fcntl(listening, F_SETFD, 0);
	assert_int_equal(socket_adopt_listening(listening), 0);
	assert_int_equal(fcntl(listening, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	assert_int_equal(fcntl(listening, F_GETFD), FD_CLOEXEC);

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(socket_adopt_listening(pair[0]), ERR_CONFIG);
	assert_int_equal(socket_adopt_listening(-1), ERR_CONFIG);
	close(pair[0]);
	close(pair[1]);
	close(listening);
}

TEST(a_unix_peer_is_known_by_its_credentials)
{
	struct socket_peer peer;
	struct address a;
	int pair[2], listening = listen_loopback(&a);

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(socket_peer_of(pair[0], &peer), 0);
	assert_int_equal(peer.pid, getpid());
	assert_int_equal(peer.uid, getuid());
	assert_int_equal(socket_peer_of(listening, &peer), ERR_NOT_FOUND);
	close(pair[0]);
	close(pair[1]);
	close(listening);
}

TEST(the_groups_of_a_unix_peer_are_those_that_it_had)
{
	gid_t groups[256], own[256];
	uint32_t count = 0;
	int pair[2], own_count = getgroups(256, own);

	assert_true(own_count >= 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(socket_peer_groups(pair[0], groups, 256, &count), 0);
	assert_int_equal(count, own_count);
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(groups[i], own[i]);
	if (own_count > 0)
		assert_int_equal(socket_peer_groups(pair[0], groups, count - 1, &count), ERR_LIMIT);
	close(pair[0]);
	close(pair[1]);
}

TEST(a_connection_can_come_from_a_chosen_address)
{
	struct address a, source = address_of("127.0.0.9:0"), peer;
	int listening = listen_loopback(&a), fd, accepted;

	assert_int_equal(socket_connect(&a, &source, &fd), 0);
	assert_int_equal(poll(&(struct pollfd){ listening, POLLIN, 0 }, 1, 10000), 1);
	assert_int_equal(socket_accept(listening, &peer, &accepted), 0);
	assert_int_equal(ntohl(peer.ip4.sin_addr.s_addr), 0x7f000009);
	close(accepted);
	close(fd);
	close(listening);
}
