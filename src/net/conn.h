#pragma once

/*
 * Connections, push-shaped
 *
 * A connection delivers bytes and takes bytes; what moves them is a struct conn_ops: a
 * socket under epoll (net/socket_conn.h), TLS over another connection (net/tls.h), or memory
 * (net/memory_conn.h, for tests). The user sees only this header.
 *
 *	            open()                 close() or the peer
 *	 CONNECTING ───────▶ OPEN ──────────────────────────▶ CLOSED ──▶ on_closed, freed
 *	     │   connected / handshake done     ▲                            in the reap
 *	     └───────────────────────────────────┘ failed
 *
 * Reading. on_data is called with `c->in` holding at least one unread byte. The user consumes
 * from the front with conn_consume(); what it leaves stays, and on_data is called again when
 * more bytes were appended behind it. A chunk that is full and not consumed is replaced by a
 * larger one up to `input_bytes_max`; at that limit reading stops until something is
 * consumed, so a user that leaves bytes must have decided that they are too few and must
 * itself refuse when its own limit is reached. conn_input_take() hands the whole chunk to the
 * user and moves the unconsumed tail into a fresh one. When everything is consumed the chunk
 * goes back to the worker's stock.
 *
 * Paused, a connection reads nothing more, and on_data is not called; resuming queues a read
 * in this turn of the loop without waiting for an edge (bytes that TLS holds count as
 * readable). What was left unconsumed is delivered then, even when nothing was appended.
 * Reading ends at a short read, without a probe for EAGAIN, except after EPOLLRDHUP. After
 * `read_bytes_per_turn` other connections come first. A paused connection does not see the
 * end of input; it sees a reset, once nothing is left to read.
 *
 * Writing. conn_send() writes at once what the transport takes and queues a copy of the rest;
 * nothing is queued by an idle peer's choice beyond what the user sends: a user that gets
 * SEND_QUEUED must stop its own source until on_sent. When writing fails, what the peer sent
 * before is still delivered, then the connection closes.
 *
 * Every wait can be cancelled: conn_close() at any time, also inside a callback; no callback
 * but on_closed follows it.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/error.h"
#include "base/list.h"
#include "base/state.h"
#include "event/loop.h"
#include "message/address.h"
#include "net/chunk.h"

struct conn;
struct tls_info; /* net/tls.h */

enum send_result {
	SEND_DONE,   /* all bytes are with the transport */
	SEND_QUEUED, /* the rest is queued; on_sent follows when the queue is empty */
	SEND_CLOSED, /* the connection is closed or closing; bytes were dropped */
};

enum conn_state { CONN_CONNECTING, CONN_OPEN, CONN_CLOSED };

extern const struct state_row conn_states[];

/* All optional but on_closed. */
struct conn_handler {
	/* Connected, and for TLS the handshake is done and the peer was accepted. Never called from
	 * inside the constructor, and not at all for what is open from birth (accepted sockets). */
	void (*on_open)(struct conn *c);
	void (*on_data)(struct conn *c);
	/* The peer has sent its last byte (FIN, close_notify); sending is still possible. Without
	 * this callback the connection is closed at the end of input. */
	void (*on_eof)(struct conn *c);
	/* The queue of conn_send() became empty. */
	void (*on_sent)(struct conn *c);
	/* The last callback: c->error says why (0: conn_close() was called by the user). The
	 * object is freed by the loop afterwards; the user drops its pointer here. */
	void (*on_closed)(struct conn *c);
};

/* What a transport implements. Users call the conn_*() functions instead. */
struct conn_ops {
	const char *name;
	enum send_result (*send)(struct conn *c, const struct iovec *iov, int iov_count);
	void (*shut_write)(struct conn *c); /* FIN or close_notify behind what is queued */
	void (*read_more)(struct conn *c);  /* after resume: try to read in this turn */
	void (*close)(struct conn *c, bool reset);
	void (*free)(struct conn *c);
	/* Leaves the loop, and enters another one (pools hand connections over). May be NULL. */
	int (*detach)(struct conn *c);
	int (*attach)(struct conn *c, struct loop *l);
	/* Looking inside: what the transport adds. Both may be NULL. */
	void (*check)(const struct conn *c);
	void (*dump)(const struct conn *c, struct dump *d);
};

struct conn_limits {
	uint32_t input_bytes_max;     /* unread bytes kept; 0: CHUNK_BYTES */
	uint32_t read_bytes_per_turn; /* 0: 64 KiB */
};

struct conn {
	const struct conn_ops *ops;
	/* Set by the user; may be changed at any time outside a callback of the old one. */
	const struct conn_handler *handler;
	void *user; /* for code that cannot embed the connection; the transport leaves it alone */
	struct conn_limits limits;

	/* May be read by the user. */
	struct loop *loop;
	struct chunk_stock *chunks; /* of the worker */
	struct chunk *in;           /* unread bytes, or NULL */
	enum conn_state state;
	int error; /* why it closed */
	bool read_paused;
	bool eof_received;
	bool write_shut;
	bool send_queued;    /* conn_send() bytes wait in the transport */
	bool linger_expired; /* the peer did not close in the time it was given */
	struct address local;
	struct address peer;
	const struct tls_info *tls; /* NULL for plaintext; valid while the connection lives */
	uint64_t bytes_received;
	uint64_t bytes_sent;

	/* Private to the transport. */
	struct deferred reap;
	struct conn_linger *linger; /* conn_close_after_sent() was called */
	bool input_full;            /* reading stopped for want of room */
	bool input_again;           /* unread bytes are to be delivered once more */
};

/* Unread bytes. */
static inline struct str conn_input(const struct conn *c)
{
	if (!c->in)
		return STR_EMPTY;
	return (struct str){ c->in->data + c->in->start, chunk_len(c->in) };
}

/* Drops bytes from the front of the input. */
void conn_consume(struct conn *c, size_t len);

/*
 * Hands over the chunk that holds the input, the caller's reference now. The first `len`
 * unread bytes are the caller's (they stay where they are, c->in->start is moved behind
 * them); the tail is copied to a fresh chunk.
 */
struct chunk *conn_input_take(struct conn *c, size_t len);

void conn_pause(struct conn *c);
void conn_resume(struct conn *c);

/* The vector is borrowed for the call; at most SEND_PARTS_MAX parts. */
#define SEND_PARTS_MAX 1024
enum send_result conn_send(struct conn *c, const struct iovec *iov, int iov_count);
enum send_result conn_send_str(struct conn *c, struct str s);
/* No byte follows; what is queued is still sent. */
void conn_shut_write(struct conn *c);

/* Closes now; queued bytes are dropped. reset: send RST where the transport can. */
void conn_close(struct conn *c);
void conn_reset(struct conn *c);
/* Closes when the queue is empty, after shutting the write side; reads and drops what the
 * peer still sends for at most `linger`, so that the last answer is not lost to a RST; with
 * none (0 or less) it closes as soon as all is sent, or after a second. What
 * was read already stays, and may be consumed, until the caller is back in the loop. */
void conn_close_after_sent(struct conn *c, struct duration linger);

/*
 * Leaves the loop, for another thread to attach. ERR_CONFLICT when bytes are unread or queued
 * or the connection is not open; ERR_UNSUPPORTED when the transport cannot. Then nothing
 * changed. Between the two calls the connection belongs to whoever carries it.
 */
must_check int conn_detach(struct conn *c);
/* Enters a loop; on failure the caller still owns it detached, and ends it with conn_discard(). */
must_check int conn_attach(struct conn *c, struct loop *l, struct chunk_stock *chunks);
/* Closes and frees a detached connection, without any callback. */
void conn_discard(struct conn *c);

/* Looking inside; see base/dump.h. The dump is one line, and one more for each conn below. */
void conn_check(const struct conn *c);
void conn_dump(const struct conn *c, struct dump *d);
