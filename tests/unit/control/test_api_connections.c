/* Clients of the API that are slow, greedy, many, or gone. */

#include "control/api.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

#include "house.h"

#define STALLED_AFTER DURATION_SECONDS(15)

/* A client by hand. */
static int connect_to(struct house *h)
{
	int fd;

	assert_true(socket_connect(&h->address, NULL, &fd) == 0);
	house_turns(h, 4);
	return fd;
}

static void say(struct house *h, int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	house_turns(h, 4);
}

/* All that came, terminated; "" when nothing did. */
static const char *heard(int fd)
{
	static char text[4096];
	ssize_t n = read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static bool is_closed(int fd)
{
	char byte;
	ssize_t n = read(fd, &byte, 1);

	return n == 0 || (n < 0 && errno != EAGAIN);
}

static void pass(struct house *h, struct duration time)
{
	loop_advance(h->loop, time);
	house_turns(h, 4);
}

static const char *metric(struct house *h, const char *line)
{
	house_ask(h, "GET", "/metrics", NULL);
	return strstr(h->body, line);
}

TEST(a_request_that_does_not_arrive_is_answered_and_left)
{
	struct house h;
	int fd;

	house_open(&h);
	fd = connect_to(&h);
	say(&h, fd, "POST /apply HTTP/1.1\r\nHost: weft\r\nContent-Length: 100\r\n\r\n{");
	pass(&h, STALLED_AFTER);
	say(&h, fd, " "); /* slow, and yet it moves */
	pass(&h, STALLED_AFTER);
	assert_string_equal(heard(fd), "");
	pass(&h, STALLED_AFTER);
	assert_non_null(strstr(heard(fd), "HTTP/1.1 408"));
	close(fd);
	house_turns(&h, 4);
	assert_non_null(metric(&h, "weft_control_api_connections_stalled_total 1\n"));
	house_close(&h);
}

TEST(a_client_that_goes_away_in_the_middle_leaves_nothing)
{
	struct house h;
	int fd;

	house_open(&h);
	fd = connect_to(&h);
	say(&h, fd, "POST /apply HTTP/1.1\r\nHost: weft\r\nContent-Length: 100\r\n\r\n{\"kind\"");
	close(fd);
	house_turns(&h, 4);
	pass(&h, STALLED_AFTER);
	pass(&h, STALLED_AFTER);
	fd = connect_to(&h);
	say(&h, fd, "GET /healthz HTTP/1.1\r\nHost: weft\r\n\r\n");
	close(fd);
	house_turns(&h, 4);
	house_close(&h);
}

TEST(a_large_request_is_refused_and_the_connection_ends)
{
	char *block = mem_alloc(1024 * 1024);
	struct house h;
	size_t sent = 0;
	int fd;

	memset(block, ' ', 1024 * 1024);
	house_open(&h);
	fd = connect_to(&h);
	say(&h, fd, "POST /apply HTTP/1.1\r\nHost: weft\r\nContent-Length: 9000000\r\n\r\n");
	while (sent < 9000000) {
		ssize_t n = write(fd, block, min_of((size_t)(1024 * 1024), 9000000 - sent));

		if (n < 0 && errno != EAGAIN)
			break;
		sent += n > 0 ? (size_t)n : 0;
		house_turns(&h, 1);
	}
	house_turns(&h, 4);
	assert_non_null(strstr(heard(fd), "HTTP/1.1 413"));
	close(fd);
	house_turns(&h, 4);
	mem_free(block);
	house_close(&h);
}

/* So many objects that the list of them does not fit into a socket. */
static void fill(struct house *h)
{
	struct buf items = BUF_INIT(0);

	for (unsigned i = 0; i < 2000; i++)
		buf_printf(&items,
			   "%s{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":"
			   "\"s%u\"},\"spec\":{\"ports\":[{\"port\":1}]}}",
			   i ? "," : "", i);
	buf_append_char(&items, '\0');
	house_apply(h, buf_str(&items).ptr);
	buf_fini(&items);
}

#define GET_ALL "GET /api/v1/services HTTP/1.1\r\nHost: weft\r\n\r\n"

TEST(a_client_that_does_not_read_its_answer_is_left)
{
	struct house h;
	int fd;

	house_open(&h);
	fill(&h);
	fd = connect_to(&h);
	say(&h, fd, GET_ALL);
	pass(&h, STALLED_AFTER);
	pass(&h, STALLED_AFTER);
	/* What was in the socket is there; then it is over. */
	while (*heard(fd))
		;
	assert_true(is_closed(fd));
	close(fd);
	assert_non_null(metric(&h, "weft_control_api_connections_stalled_total 1\n"));
	house_close(&h);
}

TEST(a_client_that_asks_on_is_answered_as_it_reads)
{
	struct house h;
	int fd;

	house_open(&h);
	fill(&h);
	fd = connect_to(&h);
	say(&h, fd, GET_ALL GET_ALL GET_ALL);
	/* The documents, the first of the three, and this question. */
	assert_non_null(metric(&h, "weft_control_api_requests_total 3\n"));
	while (*heard(fd))
		house_turns(&h, 4);
	assert_non_null(metric(&h, "weft_control_api_requests_total 6\n"));
	close(fd);
	house_close(&h);
}

TEST(one_user_does_not_take_all_connections)
{
	int fds[260];
	struct house h;
	unsigned closed = 0;

	house_open(&h);
	house_peer_is(4711);
	for (size_t i = 0; i < array_count(fds); i++)
		fds[i] = connect_to(&h);
	for (size_t i = 0; i < array_count(fds); i++)
		closed += is_closed(fds[i]);
	assert_int_equal(closed, 4);
	house_peer_is(0);
	assert_int_equal(house_ask(&h, "GET", "/healthz", NULL), 200);
	assert_non_null(metric(&h, "weft_control_api_connections_refused_total 4\n"));
	for (size_t i = 0; i < array_count(fds); i++)
		close(fds[i]);
	house_turns(&h, 8);
	house_close(&h);
}

TEST(a_connection_of_nobody_is_closed)
{
	struct house h;
	int fd;

	house_open(&h);
	h.peer_error = -EINVAL;
	fd = connect_to(&h);
	assert_true(is_closed(fd));
	close(fd);
	house_close(&h);
}
