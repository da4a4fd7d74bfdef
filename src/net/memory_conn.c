/*
 * Each end holds what it received and has not yet given to its user (`incoming`, the
 * receive buffer of a socket) and what the other end had no room for (`queue`). Bytes move in
 * deferred work of the loop only, never inside conn_send() of the other end's user.
 */

#include "net/memory_conn.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "net/conn_impl.h"

#define READ_BYTES_PER_TURN 65536

struct memory_conn {
	struct conn conn;
	struct memory_conn *other; /* NULL: the other end is closed */
	struct chunk_queue incoming;
	struct chunk_queue queue;
	uint32_t capacity_bytes;
	uint32_t step_bytes;
	bool end_sent;        /* the other end knows that nothing follows */
	bool end_due;         /* behind `incoming` comes the end */
	bool sent_due;        /* the queue became empty: on_sent */
	bool established_due; /* on_open, or establish_error */
	int establish_error;
	int break_error; /* behind `incoming` comes this error */
	struct deferred more;
};

static struct memory_conn *memory_conn_of(const struct conn *c)
{
	return container_of((struct conn *)c, struct memory_conn, conn);
}

static void on_more(struct deferred *d);

static void wake(struct memory_conn *m)
{
	if (m->conn.loop)
		defer(m->conn.loop, &m->more, on_more);
}

static size_t room_of(const struct memory_conn *m)
{
	return m->capacity_bytes > m->incoming.len ? m->capacity_bytes - m->incoming.len : 0;
}

static void tell_end(struct memory_conn *m)
{
	if (m->conn.write_shut && m->queue.len == 0 && !m->end_sent && m->other) {
		m->end_sent = true;
		m->other->end_due = true;
		wake(m->other);
	}
}

/* What the other end has queued moves into the room of this one. */
static void pull(struct memory_conn *m)
{
	struct memory_conn *from = m->other;

	if (!from)
		return;
	while (from->queue.len > 0 && room_of(m) > 0) {
		struct iovec front;
		size_t n;

		chunk_queue_front(&from->queue, &front, 1);
		n = min_of(front.iov_len, room_of(m));
		chunk_queue_append_bytes(&m->incoming, from->conn.chunks, front.iov_base, n);
		chunk_queue_consume(&from->queue, n);
		from->conn.bytes_sent += n;
	}
	if (from->conn.send_queued && from->queue.len == 0) {
		from->sent_due = true;
		wake(from);
	}
	tell_end(from);
}

/* One on_data. False when there was nothing to deliver, or no room for it. */
static bool deliver_step(struct memory_conn *m, size_t budget)
{
	struct conn *c = &m->conn;
	struct iovec front;
	size_t len;
	char *room;

	if (m->incoming.len == 0 || !conn_may_read(c))
		return false;
	room = conn_room(c, &len);
	if (len == 0)
		return false;
	chunk_queue_front(&m->incoming, &front, 1);
	len = min_of(len, front.iov_len);
	len = min_of(len, budget);
	if (m->step_bytes)
		len = min_of(len, (size_t)m->step_bytes);
	memcpy(room, front.iov_base, len);
	chunk_queue_consume(&m->incoming, len);
	conn_received(c, len);
	pull(m);
	conn_deliver(c);
	return true;
}

static void read_input(struct memory_conn *m)
{
	struct conn *c = &m->conn;
	size_t budget =
		c->limits.read_bytes_per_turn ? c->limits.read_bytes_per_turn : READ_BYTES_PER_TURN;
	uint64_t start = c->bytes_received;

	pull(m);
	while (c->bytes_received - start < budget &&
	       deliver_step(m, budget - (c->bytes_received - start)) && m->step_bytes == 0)
		;
	if (m->incoming.len > 0 && conn_may_read(c) && !c->input_full)
		defer_to_next_turn(c->loop, &m->more, on_more);
}

/* What stands behind the last byte. */
static void read_end(struct memory_conn *m)
{
	struct conn *c = &m->conn;

	if (m->incoming.len > 0 || c->state != CONN_OPEN)
		return;
	if (m->break_error && !(c->read_paused && c->in))
		conn_fail(c, m->break_error);
	else if (m->end_due && conn_may_read(c))
		conn_ended(c);
}

static void establish(struct memory_conn *m)
{
	m->established_due = false;
	if (m->establish_error)
		conn_fail(&m->conn, m->establish_error);
	else
		conn_opened(&m->conn);
}

static void on_more(struct deferred *d)
{
	struct memory_conn *m = container_of(d, struct memory_conn, more);
	struct conn *c = &m->conn;

	if (m->established_due)
		establish(m);
	if (c->state != CONN_OPEN)
		return;
	if (m->sent_due) {
		m->sent_due = false;
		conn_queue_sent(c);
	}
	conn_deliver_again(c);
	if (c->state == CONN_OPEN)
		read_input(m);
	read_end(m);
}

static enum send_result memory_send(struct conn *c, const struct iovec *iov, int iov_count)
{
	struct memory_conn *m = memory_conn_of(c);
	size_t len = iov_len(iov, iov_count);

	if (!m->other) {
		if (!m->break_error)
			m->break_error = -EPIPE;
		wake(m);
		return SEND_CLOSED;
	}
	chunk_queue_append(&m->queue, c->chunks, iov, iov_count, 0);
	pull(m->other);
	if (m->other->incoming.len > 0)
		wake(m->other);
	m->sent_due = false;
	c->send_queued = m->queue.len > 0;
	return c->send_queued && len > 0 ? SEND_QUEUED : SEND_DONE;
}

static void memory_shut_write(struct conn *c)
{
	tell_end(memory_conn_of(c));
}

static void memory_read_more(struct conn *c)
{
	wake(memory_conn_of(c));
}

static void memory_close(struct conn *c, bool reset)
{
	struct memory_conn *m = memory_conn_of(c);

	defer_cancel(&m->more);
	if (!m->other)
		return;
	if (reset) {
		chunk_queue_clear(&m->other->incoming);
		m->other->break_error = -ECONNRESET;
	}
	m->other->end_due = true;
	m->other->other = NULL;
	wake(m->other);
	m->other = NULL;
}

static void memory_free(struct conn *c)
{
	struct memory_conn *m = memory_conn_of(c);

	chunk_queue_clear(&m->queue);
	chunk_queue_clear(&m->incoming);
	mem_free(m);
}

static int memory_detach(struct conn *c)
{
	struct memory_conn *m = memory_conn_of(c);

	if (m->incoming.len > 0)
		return ERR_CONFLICT;
	defer_cancel(&m->more);
	c->loop = NULL;
	c->chunks = NULL;
	return 0;
}

static int memory_attach(struct conn *c, struct loop *l unused_arg)
{
	wake(memory_conn_of(c));
	return 0;
}

static const struct conn_ops memory_conn_ops = {
	.name = "memory",
	.send = memory_send,
	.shut_write = memory_shut_write,
	.read_more = memory_read_more,
	.close = memory_close,
	.free = memory_free,
	.detach = memory_detach,
	.attach = memory_attach,
};

static void ignore_closed(struct conn *c unused_arg)
{
}

static const struct conn_handler no_handler = { .on_closed = ignore_closed };

static struct memory_conn *make(struct loop *l, struct chunk_stock *chunks,
				const struct memory_conn_options *o)
{
	struct memory_conn *m = mem_new(struct memory_conn);

	m->conn.ops = &memory_conn_ops;
	m->conn.handler = &no_handler;
	m->conn.loop = l;
	m->conn.chunks = chunks;
	m->conn.state = CONN_OPEN;
	m->capacity_bytes = o->capacity_bytes ? o->capacity_bytes : MEMORY_CONN_CAPACITY;
	m->step_bytes = o->step_bytes;
	return m;
}

void memory_conn_pair(struct loop *l, struct chunk_stock *chunks,
		      const struct memory_conn_options *options, struct conn **ret_a,
		      struct conn **ret_b)
{
	static const struct memory_conn_options defaults = { 0 };
	const struct memory_conn_options *o = options ? options : &defaults;
	struct memory_conn *a = make(l, chunks, o), *b = make(l, chunks, o);

	a->other = b;
	b->other = a;
	if (o->connecting)
		a->conn.state = CONN_CONNECTING;
	*ret_a = &a->conn;
	*ret_b = &b->conn;
}

void memory_conn_use(struct conn *c, const struct conn_handler *handler, void *user)
{
	c->handler = handler;
	c->user = user;
}

void memory_conn_establish(struct conn *c, int error)
{
	struct memory_conn *m = memory_conn_of(c);

	if (c->state != CONN_CONNECTING)
		return;
	m->established_due = true;
	m->establish_error = error;
	wake(m);
}

void memory_conn_set_capacity(struct conn *c, uint32_t capacity_bytes)
{
	struct memory_conn *m = memory_conn_of(c);

	m->capacity_bytes = capacity_bytes;
	wake(m);
}

void memory_conn_set_step(struct conn *c, uint32_t step_bytes)
{
	memory_conn_of(c)->step_bytes = step_bytes;
}

void memory_conn_break(struct conn *c, int error)
{
	struct memory_conn *m = memory_conn_of(c);

	if (m->other) {
		m->other->break_error = -ECONNRESET;
		wake(m->other);
	}
	chunk_queue_clear(&m->incoming);
	m->break_error = error;
	wake(m);
}
