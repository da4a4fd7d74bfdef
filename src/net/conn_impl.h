#pragma once

/*
 * For transports: what every struct conn_ops needs to deliver bytes and to end
 *
 * A transport appends to the input with conn_room() and conn_received(), and tells the user
 * through the functions below, which look after the state, pauses and the order of
 * callbacks. After each of them the user may have closed the connection: check c->state.
 */

#include "net/conn.h"

/* Where at most *ret_len bytes may be appended to the input; *ret_len is 0 when the input is at
 * its limit, and then consuming calls read_more. */
char *conn_room(struct conn *c, size_t *ret_len);
/* `len` bytes were written there. Gives an empty chunk back when len is 0. */
void conn_received(struct conn *c, size_t len);

/* on_data, unless paused; remembers to do it after the resume otherwise. */
void conn_deliver(struct conn *c);
/* Delivers what a resume owes, if anything. */
void conn_deliver_again(struct conn *c);
void conn_opened(struct conn *c);
/* The end of input: on_eof, or closing with ERR_CLOSED where nobody listens. */
void conn_ended(struct conn *c);
void conn_queue_sent(struct conn *c);
/* Closes with an error. */
void conn_fail(struct conn *c, int error);

static inline bool conn_may_read(const struct conn *c)
{
	return c->state == CONN_OPEN && !c->read_paused && !c->eof_received;
}

/* Total of a vector. */
size_t iov_len(const struct iovec *iov, int iov_count);

/*
 * Bytes that the transport did not take: chunks from the stock, in order. What a user may
 * queue is its own decision (see conn.h), so there is no limit here.
 */
struct chunk_queue {
	struct chunk *first;
	struct chunk *last;
	size_t len;
};

/* Appends the vector without its first `skip` bytes. */
void chunk_queue_append(struct chunk_queue *q, struct chunk_stock *stock, const struct iovec *iov,
			int iov_count, size_t skip);
void chunk_queue_append_bytes(struct chunk_queue *q, struct chunk_stock *stock, const void *bytes,
			      size_t len);
/* Describes the front in at most `iov_max` parts; returns how many. */
int chunk_queue_front(const struct chunk_queue *q, struct iovec *iov, int iov_max);
void chunk_queue_consume(struct chunk_queue *q, size_t len);
void chunk_queue_clear(struct chunk_queue *q);
/* Looking inside; see base/dump.h. */
void chunk_queue_check(const struct chunk_queue *q);
void chunk_queue_dump(const struct chunk_queue *q, const char *name, struct dump *d);
