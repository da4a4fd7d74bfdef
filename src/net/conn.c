/*
 * What all transports share: the input, pauses, the order of callbacks, and the ways to end
 */

#include "net/conn.h"

#include <assert.h>

#include "base/mem.h"
#include "net/conn_impl.h"

/* Less room than this behind the input, and the input moves to the front of its chunk. */
#define ROOM_BYTES_MIN (CHUNK_BYTES / 4)

/* Drawn in conn.h. */
const struct state_row conn_states[] = {
	[CONN_CONNECTING] = { "connecting", STATE_TO(CONN_OPEN) | STATE_TO(CONN_CLOSED) },
	[CONN_OPEN] = { "open", STATE_TO(CONN_CLOSED) },
	[CONN_CLOSED] = { "closed", 0 },
};

/* What is queued at the end has so long to leave, where the peer gets no time to close. */
#define SEND_TIME DURATION_SECONDS(1)

/* conn_close_after_sent(): stands between the connection and its user. */
struct conn_linger {
	struct conn *conn;
	bool waits;                         /* for the peer to close, beyond our own last byte */
	const struct conn_handler *handler; /* the user's */
	struct timer timer;
	struct deferred drop;
};

static uint32_t input_bytes_max(const struct conn *c)
{
	return c->limits.input_bytes_max ? c->limits.input_bytes_max : CHUNK_BYTES;
}

/* The unread bytes move to the front of a chunk with at least one byte of room. */
static void make_room(struct conn *c, uint32_t limit)
{
	struct chunk *old = c->in, *fresh;
	uint32_t unread = chunk_len(old), size = old->size;

	if (old->refs == 1 && old->start > 0) {
		memmove(old->data, old->data + old->start, unread);
		old->start = 0;
		old->end = unread;
		return;
	}
	if (unread == size)
		size = size < limit / 2 ? size * 2 : limit;
	fresh = chunk_new(c->chunks, size);
	memcpy(fresh->data, old->data + old->start, unread);
	fresh->end = unread;
	c->in = fresh;
	chunk_unref(old);
}

char *conn_room(struct conn *c, size_t *ret_len)
{
	uint32_t limit = input_bytes_max(c), unread, room;

	if (!c->in)
		c->in = chunk_new(c->chunks, CHUNK_BYTES);
	unread = chunk_len(c->in);
	if (unread >= limit) {
		c->input_full = true;
		*ret_len = 0;
		return NULL;
	}
	room = c->in->size - c->in->end;
	if (room == 0 || (room < ROOM_BYTES_MIN && c->in->start > 0))
		make_room(c, limit);

	*ret_len = min_of(c->in->size - c->in->end, limit - unread);
	return c->in->data + c->in->end;
}

/* Gives a chunk without unread bytes back. */
static void release_empty(struct conn *c)
{
	if (c->in && chunk_len(c->in) == 0)
		c->in = chunk_unref(c->in);
}

void conn_received(struct conn *c, size_t len)
{
	assert(len <= c->in->size - c->in->end);
	c->in->end += (uint32_t)len;
	c->bytes_received += len;
	release_empty(c);
}

/* The input became shorter: whoever stopped for want of room reads again. */
static void input_shrank(struct conn *c)
{
	release_empty(c);
	if (unlikely(c->input_full)) {
		c->input_full = false;
		if (c->state == CONN_OPEN)
			c->ops->read_more(c);
	}
}

void conn_consume(struct conn *c, size_t len)
{
	if (len == 0)
		return;
	assert(c->in && len <= chunk_len(c->in));
	c->in->start += (uint32_t)len;
	input_shrank(c);
	debug_check(1, conn_check(c));
}

struct chunk *conn_input_take(struct conn *c, size_t len)
{
	struct chunk *taken = c->in;
	uint32_t tail;

	assert(taken && len <= chunk_len(taken));
	tail = chunk_len(taken) - (uint32_t)len;
	c->in = NULL;
	if (tail > 0) {
		c->in = chunk_new(c->chunks, tail);
		memcpy(c->in->data, taken->data + taken->end - tail, tail);
		c->in->end = tail;
	}
	taken->start += (uint32_t)len;
	taken->end = taken->start;
	input_shrank(c);
	return taken;
}

void conn_pause(struct conn *c)
{
	c->read_paused = true;
}

void conn_resume(struct conn *c)
{
	if (!c->read_paused)
		return;
	c->read_paused = false;
	c->input_again = c->in != NULL;
	if (c->state == CONN_OPEN)
		c->ops->read_more(c);
}

void conn_deliver(struct conn *c)
{
	if (c->state != CONN_OPEN)
		return;
	c->input_again = c->read_paused;
	if (c->read_paused || !c->handler->on_data)
		return;
	c->handler->on_data(c);
	debug_check(1, conn_check(c));
}

void conn_deliver_again(struct conn *c)
{
	if (c->input_again && c->in)
		conn_deliver(c);
}

void conn_opened(struct conn *c)
{
	state_move(conn_states, c->state, CONN_OPEN);
	if (c->handler->on_open)
		c->handler->on_open(c);
}

void conn_ended(struct conn *c)
{
	if (c->state != CONN_OPEN || c->eof_received)
		return;
	c->eof_received = true;
	if (c->handler->on_eof)
		c->handler->on_eof(c);
	else
		conn_fail(c, ERR_CLOSED);
}

void conn_queue_sent(struct conn *c)
{
	c->send_queued = false;
	if (c->state == CONN_OPEN && c->handler->on_sent)
		c->handler->on_sent(c);
}

static struct conn_linger *linger_free(struct conn_linger *l)
{
	if (l) {
		timer_stop(&l->timer);
		defer_cancel(&l->drop);
	}
	return mem_free(l);
}

static void release(struct conn *c)
{
	c->in = chunk_unref(c->in);
	c->ops->free(c);
}

static void on_reap(struct deferred *d)
{
	struct conn *c = container_of(d, struct conn, reap);

	c->handler->on_closed(c);
	release(c);
}

static void end(struct conn *c, int error, bool reset)
{
	if (c->state == CONN_CLOSED)
		return;
	state_move(conn_states, c->state, CONN_CLOSED);
	c->error = error;
	if (c->linger) {
		c->handler = c->linger->handler;
		c->error = 0; /* it was the user who closed */
		c->linger = linger_free(c->linger);
	}
	c->ops->close(c, reset);
	debug_check(1, conn_check(c));
	loop_reap(c->loop, &c->reap, on_reap);
}

void conn_fail(struct conn *c, int error)
{
	end(c, error, false);
}

void conn_close(struct conn *c)
{
	end(c, 0, false);
}

void conn_reset(struct conn *c)
{
	end(c, 0, true);
}

enum send_result conn_send(struct conn *c, const struct iovec *iov, int iov_count)
{
	assert(iov_count <= SEND_PARTS_MAX);
	if (unlikely(c->state != CONN_OPEN || c->write_shut))
		return SEND_CLOSED;
	return c->ops->send(c, iov, iov_count);
}

enum send_result conn_send_str(struct conn *c, struct str s)
{
	struct iovec iov = { (void *)s.ptr, s.len };

	return conn_send(c, &iov, 1);
}

void conn_shut_write(struct conn *c)
{
	if (c->state != CONN_OPEN || c->write_shut)
		return;
	c->write_shut = true;
	c->ops->shut_write(c);
}

static void linger_drop_input(struct conn *c)
{
	conn_consume(c, conn_input(c).len);
}

/* Both directions are at their end, as far as we can know. */
static void linger_check(struct conn *c)
{
	if ((c->eof_received || !c->linger->waits) && !c->send_queued)
		conn_close(c);
}

/* Whoever ended the connection may be looking at its input still, and consume it. */
static void linger_on_drop(struct deferred *d)
{
	linger_drop_input(container_of(d, struct conn_linger, drop)->conn);
}

static void linger_on_due(struct timer *t)
{
	struct conn *c = container_of(t, struct conn_linger, timer)->conn;

	c->linger_expired = true;
	conn_close(c);
}

static const struct conn_handler linger_handler = {
	.on_data = linger_drop_input,
	.on_eof = linger_check,
	.on_sent = linger_check,
};

void conn_close_after_sent(struct conn *c, struct duration linger)
{
	struct conn_linger *l;

	if (c->state != CONN_OPEN) {
		conn_close(c);
		return;
	}
	if (c->linger)
		return;

	l = mem_new(struct conn_linger);
	l->conn = c;
	l->handler = c->handler;
	l->waits = linger.ns > 0;
	timer_init(&l->timer, linger_on_due);
	timer_start(c->loop, &l->timer, l->waits ? linger : SEND_TIME);
	c->linger = l;
	c->handler = &linger_handler;

	defer(c->loop, &l->drop, linger_on_drop);
	conn_resume(c);
	conn_shut_write(c);
	linger_check(c);
}

int conn_detach(struct conn *c)
{
	if (c->state != CONN_OPEN || c->in || c->send_queued || c->linger || c->eof_received ||
	    c->write_shut)
		return ERR_CONFLICT;
	if (!c->ops->detach)
		return ERR_UNSUPPORTED;
	return c->ops->detach(c);
}

int conn_attach(struct conn *c, struct loop *l, struct chunk_stock *chunks)
{
	int r;

	assert(!c->loop && c->state == CONN_OPEN);
	c->loop = l;
	c->chunks = chunks;
	r = c->ops->attach(c, l);
	if (r < 0) {
		c->loop = NULL;
		c->chunks = NULL;
	}
	return r;
}

void conn_discard(struct conn *c)
{
	assert(!c->loop);
	state_move(conn_states, c->state, CONN_CLOSED);
	c->ops->close(c, false);
	release(c);
}

/*
 * Looking inside
 */

void conn_check(const struct conn *c)
{
	assert(c->ops);
	assert(c->state <= CONN_CLOSED);
	assert(!c->loop == !c->chunks);
	if (c->in)
		chunk_check(c->in);
	assert(!c->in || c->in->stock == c->chunks);
	assert(!c->input_full || c->in);
	assert(!c->linger || c->state == CONN_OPEN);
	assert(!c->linger || c->write_shut);
	assert(!c->eof_received || c->state != CONN_CONNECTING);
	if (c->ops->check)
		c->ops->check(c);
}

void conn_dump(const struct conn *c, struct dump *d)
{
	dump_line(d, "conn");
	dump_word(d, "kind", c->ops->name);
	dump_word(d, "state", conn_states[c->state].name);
	dump_str(d, "local", str_from(address_text(&c->local)));
	dump_str(d, "peer", str_from(address_text(&c->peer)));
	dump_number(d, "received", c->bytes_received);
	dump_number(d, "sent", c->bytes_sent);
	if (c->in)
		dump_number(d, "unread", chunk_len(c->in));
	if (c->error)
		dump_signed(d, "error", c->error);
	dump_flag(d, "paused", c->read_paused);
	dump_flag(d, "input_full", c->input_full);
	dump_flag(d, "eof_received", c->eof_received);
	dump_flag(d, "write_shut", c->write_shut);
	dump_flag(d, "send_queued", c->send_queued);
	dump_flag(d, "lingers", c->linger != NULL);
	dump_flag(d, "detached", !c->loop);
	if (c->ops->dump)
		c->ops->dump(c, d);
}
