/*
 * What epoll told and a call has not yet disproved is remembered in `readable` and
 * `writable`. An edge sets them, EAGAIN and a short read or write clear them; so a read or a
 * write is only tried when it will probably succeed.
 */

#include "net/socket_conn.h"

#include <assert.h>
#include <errno.h>
#include <sys/epoll.h>

#include "base/mem.h"
#include "net/conn_impl.h"
#include "net/socket.h"
#include "net/sys.h"

#define READ_BYTES_PER_TURN 65536
#define FLUSH_IOV_MAX       16
#define WATCHED             (EPOLLIN | EPOLLOUT | EPOLLRDHUP)
#define HUNG_UP             (EPOLLRDHUP | EPOLLHUP | EPOLLERR)

struct socket_conn {
	struct conn conn;
	int fd;
	int write_error; /* writing failed; what is left to read comes first */
	bool readable;
	bool writable;
	bool hung_up; /* no short read any more: read until the end shows */
	struct chunk_queue queue;
	struct watch watch;
	struct deferred more;
	struct timer timeout; /* of connecting */
};

static struct socket_conn *socket_conn_of(const struct conn *c)
{
	return container_of((struct conn *)c, struct socket_conn, conn);
}

static void on_more(struct deferred *d);

/* The outcome of one recv(). False: reading ends for now. */
static bool take_received(struct socket_conn *s, ssize_t n, size_t asked)
{
	struct conn *c = &s->conn;

	conn_received(c, n > 0 ? (size_t)n : 0);
	if (n > 0) {
		if ((size_t)n < asked && !s->hung_up)
			s->readable = false;
		conn_deliver(c);
		return true;
	}
	s->readable = false;
	/* The call that failed took the error off the socket: an end seen now may be a reset. */
	if (s->write_error)
		conn_fail(c, s->write_error);
	else if (n == 0)
		conn_ended(c);
	else if (n != -EAGAIN)
		conn_fail(c, (int)n);
	return false;
}

static void read_input(struct socket_conn *s)
{
	struct conn *c = &s->conn;
	size_t budget = c->limits.read_bytes_per_turn;

	if (budget == 0)
		budget = READ_BYTES_PER_TURN;
	while (s->readable && conn_may_read(c)) {
		size_t len;
		char *room;
		ssize_t n;

		if (budget == 0) {
			defer_to_next_turn(c->loop, &s->more, on_more);
			return;
		}
		room = conn_room(c, &len);
		if (len == 0) {
			/* Consuming calls read_more. With the answer lost, it may never come. */
			if (s->write_error)
				conn_fail(c, s->write_error);
			return;
		}
		len = min_of(len, budget);
		n = sys_recv(s->fd, room, len);
		if (!take_received(s, n, len))
			return;
		budget -= (size_t)n;
	}
}

/*
 * Hung up, and nobody will read: a reset would go unnoticed. It ends the connection, unless
 * bytes are left that came before it and wait for the reader to resume.
 */
static void check_reset(struct socket_conn *s)
{
	struct conn *c = &s->conn;
	int error;

	if (c->read_paused && (c->in || socket_readable_bytes(s->fd) > 0))
		return;
	error = s->write_error ? s->write_error : socket_error(s->fd);
	if (error < 0)
		conn_fail(c, error);
}

static void read_or_check(struct socket_conn *s)
{
	if (s->conn.state != CONN_OPEN)
		return;
	if (conn_may_read(&s->conn))
		read_input(s);
	else if (s->hung_up)
		check_reset(s);
}

static void on_more(struct deferred *d)
{
	struct socket_conn *s = container_of(d, struct socket_conn, more);

	conn_deliver_again(&s->conn);
	read_or_check(s);
}

/* Nothing can be sent any more. The peer may have said why: its last bytes are read first. */
static void write_failed(struct socket_conn *s, int error)
{
	chunk_queue_clear(&s->queue);
	s->conn.send_queued = false;
	s->conn.write_shut = true;
	s->write_error = error;
	s->readable = s->hung_up = true;
	defer(s->conn.loop, &s->more, on_more);
}

/* Writes what is queued. */
static void flush(struct socket_conn *s)
{
	struct conn *c = &s->conn;

	while (s->queue.len > 0 && s->writable) {
		struct iovec iov[FLUSH_IOV_MAX];
		int iov_count = chunk_queue_front(&s->queue, iov, FLUSH_IOV_MAX);
		size_t asked = iov_len(iov, iov_count);
		ssize_t n = sys_send(s->fd, iov, iov_count);

		if (n < 0 && n != -EAGAIN) {
			write_failed(s, (int)n);
			return;
		}
		n = max_of(n, 0);
		s->writable = (size_t)n == asked;
		c->bytes_sent += (uint64_t)n;
		chunk_queue_consume(&s->queue, (size_t)n);
	}
	if (s->queue.len > 0 || !c->send_queued)
		return;
	if (c->write_shut)
		shutdown(s->fd, SHUT_WR);
	conn_queue_sent(c);
}

static void finish_connect(struct socket_conn *s, uint32_t events)
{
	struct conn *c = &s->conn;
	int error = events & (EPOLLERR | EPOLLHUP) ? socket_error(s->fd) : 0;

	if (error == 0)
		error = fault_point("connect");
	if (error < 0) {
		conn_fail(c, error);
		return;
	}
	if (!(events & EPOLLOUT))
		return;
	timer_stop(&s->timeout);
	socket_addresses(s->fd, &c->local, NULL);
	conn_opened(c);
}

static void on_ready(struct watch *w, uint32_t events)
{
	struct socket_conn *s = container_of(w, struct socket_conn, watch);
	struct conn *c = &s->conn;

	s->writable |= (events & EPOLLOUT) != 0;
	s->hung_up |= (events & HUNG_UP) != 0;
	s->readable |= (events & (EPOLLIN | HUNG_UP)) != 0;

	if (unlikely(c->state == CONN_CONNECTING))
		finish_connect(s, events);
	if (s->queue.len > 0 && c->state == CONN_OPEN)
		flush(s);
	/* Queued work reads later in this turn: not more than once what a turn may read. */
	if (s->readable && !list_is_linked(&s->more.in_loop))
		read_or_check(s);
}

static enum send_result socket_send(struct conn *c, const struct iovec *iov, int iov_count)
{
	struct socket_conn *s = socket_conn_of(c);
	size_t len = iov_len(iov, iov_count);
	ssize_t n = 0;

	if (likely(s->queue.len == 0 && s->writable && len > 0)) {
		n = sys_send(s->fd, iov, iov_count);
		if (unlikely(n < 0 && n != -EAGAIN)) {
			write_failed(s, (int)n);
			return SEND_CLOSED;
		}
		n = max_of(n, 0);
		c->bytes_sent += (uint64_t)n;
		s->writable = (size_t)n == len;
	}
	if (likely((size_t)n == len))
		return s->queue.len > 0 ? SEND_QUEUED : SEND_DONE;

	chunk_queue_append(&s->queue, c->chunks, iov, iov_count, (size_t)n);
	c->send_queued = true;
	return SEND_QUEUED;
}

static void socket_shut_write(struct conn *c)
{
	struct socket_conn *s = socket_conn_of(c);

	if (s->queue.len == 0)
		shutdown(s->fd, SHUT_WR);
}

static void socket_read_more(struct conn *c)
{
	struct socket_conn *s = socket_conn_of(c);

	/* Without bytes to deliver or to read, an edge will come. */
	if (s->readable || c->in)
		defer(c->loop, &s->more, on_more);
}

static void leave_loop(struct socket_conn *s)
{
	watch_stop(&s->watch);
	defer_cancel(&s->more);
	timer_stop(&s->timeout);
}

static void socket_close(struct conn *c, bool reset)
{
	struct socket_conn *s = socket_conn_of(c);
	struct linger abort = { .l_onoff = 1 };

	leave_loop(s);
	if (s->fd < 0)
		return;
	if (reset)
		setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
	close(s->fd);
	s->fd = -1;
}

static void socket_free(struct conn *c)
{
	struct socket_conn *s = socket_conn_of(c);

	chunk_queue_clear(&s->queue);
	mem_free(s);
}

static int socket_detach(struct conn *c)
{
	leave_loop(socket_conn_of(c));
	c->loop = NULL;
	c->chunks = NULL;
	return 0;
}

static int socket_attach(struct conn *c, struct loop *l)
{
	struct socket_conn *s = socket_conn_of(c);

	/* Registering tells what is ready, so nothing is remembered from the other loop. */
	s->readable = s->writable = false;
	return watch_start(l, &s->watch, s->fd, WATCHED, on_ready);
}

static void socket_check(const struct conn *c)
{
	const struct socket_conn *s = socket_conn_of(c);

	chunk_queue_check(&s->queue);
	if (c->state == CONN_CLOSED) {
		assert(s->fd < 0);
		assert(!s->watch.loop);
		assert(!timer_is_running(&s->timeout));
		return;
	}
	assert(s->fd >= 0);
	assert(s->watch.loop == c->loop);
	assert(s->queue.len == 0 || c->send_queued);
	assert(c->state == CONN_CONNECTING || !timer_is_running(&s->timeout));
}

static void socket_dump(const struct conn *c, struct dump *d)
{
	const struct socket_conn *s = socket_conn_of(c);

	dump_signed(d, "fd", s->fd);
	chunk_queue_dump(&s->queue, "queued", d);
	if (s->write_error)
		dump_signed(d, "write_error", s->write_error);
	dump_flag(d, "readable", s->readable);
	dump_flag(d, "writable", s->writable);
	dump_flag(d, "hung_up", s->hung_up);
}

static const struct conn_ops socket_conn_ops = {
	.name = "socket",
	.send = socket_send,
	.shut_write = socket_shut_write,
	.read_more = socket_read_more,
	.close = socket_close,
	.free = socket_free,
	.detach = socket_detach,
	.attach = socket_attach,
	.check = socket_check,
	.dump = socket_dump,
};

static void on_timeout(struct timer *t)
{
	conn_fail(&container_of(t, struct socket_conn, timeout)->conn, ERR_TIMEOUT);
}

static struct socket_conn *make(struct loop *l, struct chunk_stock *chunks,
				const struct conn_handler *handler)
{
	struct socket_conn *s = mem_new(struct socket_conn);

	s->conn.ops = &socket_conn_ops;
	s->conn.handler = handler;
	s->conn.loop = l;
	s->conn.chunks = chunks;
	s->fd = -1;
	timer_init(&s->timeout, on_timeout);
	return s;
}

struct conn *socket_conn_new_take(struct loop *l, struct chunk_stock *chunks, int fd,
				  const struct address *peer, const struct conn_handler *handler)
{
	struct socket_conn *s = make(l, chunks, handler);
	struct conn *c = &s->conn;
	int r;

	s->fd = fd;
	s->writable = true; /* a new socket has room */
	c->state = CONN_OPEN;
	socket_addresses(fd, &c->local, peer ? NULL : &c->peer);
	if (peer)
		c->peer = *peer;
	r = watch_start(l, &s->watch, fd, WATCHED, on_ready);
	if (r < 0)
		conn_fail(c, r);
	return c;
}

struct conn *socket_conn_connect(struct loop *l, struct chunk_stock *chunks,
				 const struct socket_connect_options *options,
				 const struct conn_handler *handler)
{
	struct socket_conn *s = make(l, chunks, handler);
	struct conn *c = &s->conn;
	int r;

	c->peer = *options->peer;
	r = socket_connect(options->peer, options->source, &s->fd);
	if (r == 0)
		r = watch_start(l, &s->watch, s->fd, WATCHED, on_ready);
	if (r < 0)
		conn_fail(c, r);
	else if (options->timeout.ns > 0)
		timer_start(l, &s->timeout, options->timeout);
	return c;
}

int socket_conn_fd(const struct conn *c)
{
	return c->ops == &socket_conn_ops ? socket_conn_of(c)->fd : -1;
}

int socket_conn_peer(const struct conn *c, struct socket_peer *ret_peer)
{
	int fd = socket_conn_fd(c);

	return fd < 0 ? ERR_NOT_FOUND : socket_peer_of(fd, ret_peer);
}
