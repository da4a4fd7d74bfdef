#pragma once

/*
 * HTTP/1 connections, what both sides share
 *
 * One exchange at a time. Receiving and sending are two small machines; the stream is over
 * when both are at their end. Private to src/http.
 *
 *	receiving   HEAD ──▶ BODY ──▶ [TRAILERS] ──▶ END ─ stream is over ─▶ HEAD
 *	                       └─ nobody wants the rest ─▶ the same, dropped within a limit
 *	sending     HEAD ──▶ LENGTH | CHUNKED | CLOSE | NONE ──▶ END
 *
 * A stream that is over tells its near side in the deferred part of the turn, never from
 * within a call of the near side, and only then the connection goes on: the next pipelined
 * request waits in the connection's input until then.
 *
 * A head that is sent waits for the body until the end of the turn, so that both leave in one
 * system call. Nothing else is buffered here.
 */

#include "codec/http1.h"
#include "http/stream.h"
#include "net/conn.h"

enum h1_recv { H1_RECV_HEAD, H1_RECV_BODY, H1_RECV_TRAILERS, H1_RECV_END };

enum h1_send {
	H1_SEND_HEAD,
	H1_SEND_LENGTH,
	H1_SEND_CHUNKED,
	H1_SEND_CLOSE, /* until the connection closes */
	H1_SEND_NONE,  /* no body may follow; what comes is dropped */
	H1_SEND_END,
};

struct h1;

/* What the two sides do differently. */
struct h1_role {
	const struct stream_ops *stream_ops;
	/* Once ours is sent, what the peer still sends is unwanted (a server's answer is out). */
	bool sent_first_ends;
	/* Bytes are there and a head is due. False: wait for more. */
	bool (*read_head)(struct h1 *h);
	/* The peer broke the rules while its message was read; the stream is closed already. */
	void (*on_fault)(struct h1 *h, enum http1_fault fault);
	/* The exchange is over and its near side knows. */
	void (*on_over)(struct h1 *h);
	/* A message without a stream was read to its end. */
	void (*on_dropped)(struct h1 *h);
	/* Works through the input, and looks for its end. */
	void (*run)(struct h1 *h);
};

struct h1_stream {
	struct stream s;
	struct h1 *h1;            /* NULL once the connection is gone */
	struct chunk *head_chunk; /* where the fields lie */
	struct chunk *trailers_chunk;
	struct deferred over;
	struct h1_stream *next; /* in the stock */
	enum stream_reset reason;
	enum h1_send send;
	uint64_t send_left;  /* H1_SEND_LENGTH */
	enum method request; /* the method of the exchange */
	uint8_t version;     /* of the request */
	bool sent_owed;      /* SEND_QUEUED was returned: on_sent follows */
	bool continue_owed;  /* the client waits for 100 */
	uint8_t interims;    /* 1xx received */
	struct headers head; /* from here on nothing is zeroed for the next exchange */
	struct headers trailers;
};

struct h1 {
	struct conn *conn; /* NULL once it is gone */
	const struct h1_role *role;
	struct http1_limits limits;
	struct duration linger; /* how long the peer may take to close after our last byte */
	struct http1_reader reader;
	struct h1_stream *stream; /* until its near side knows that it is over */
	enum h1_recv recv;
	enum http1_body body;
	bool trailers_enabled;
	bool keep_alive;    /* the connection outlives the exchange */
	bool dropping;      /* the rest of this message is nobody's */
	uint32_t drop_left; /* bytes that may still be dropped */
	uint64_t left;      /* of a body with a length */
	struct http1_chunked chunked;
	struct chunk *held; /* a head that waits for its body */
	struct deferred flush;
	struct deferred again; /* resumed at the end of input, which brings no event any more */
};

/* A request body is read this far after its response was complete. */
#define H1_DROP_BYTES_MAX (64 * 1024)
#define H1_INTERIMS_MAX   16

void h1_init(struct h1 *h, struct conn *c, const struct h1_role *role);

/* A stream for an exchange, from the thread's stock. It is the connection's once attached. */
struct h1_stream *h1_stream_new(struct h1 *h);
/* Back to the stock, unseen by anybody. */
void h1_stream_free(struct h1_stream *x);

static inline struct h1_stream *h1_stream_of(const struct stream *s)
{
	return container_of((struct stream *)s, struct h1_stream, s);
}

static inline bool h1_is_open(const struct h1 *h)
{
	return h->conn && h->conn->state == CONN_OPEN;
}

/* Is there somebody to tell? */
static inline bool h1_stream_is_live(const struct h1_stream *x)
{
	return x && !x->s.is.closed && h1_is_open(x->h1);
}

/* Works through the input as far as it goes. */
void h1_run(struct h1 *h);
/* The head was read: the stream keeps the chunk that it lies in. */
void h1_head_taken(struct h1 *h, struct h1_stream *x, const struct http1_head *head);
/* The peer's message ended with the connection: true when that is a proper end. */
bool h1_end_of_input(struct h1 *h);

/* Ends the stream: on_closed follows in this turn. */
void h1_stream_over(struct h1_stream *x, enum stream_reset reason);
/* The same when both directions are at their end. */
void h1_check_over(struct h1_stream *x);
/* The connection is gone: the stream learns it now. */
void h1_gone(struct h1 *h);

/*
 * Sends a head with what `add` says (enum http1_add). The framing was decided by the caller:
 * x->send and x->send_left. An interim head leaves the stream's state alone.
 */
enum send_result h1_send_head(struct h1_stream *x, const struct headers *h, unsigned add, bool end);
enum send_result h1_send_interim(struct h1_stream *x, const struct headers *h);
/* Content-Length of a head that is to be sent. False: there is one that is no good. */
bool h1_read_length(const struct headers *h, bool *ret_declared, uint64_t *ret_length);
/* What the near side sends cannot be put on the wire; the peer must not take it for whole. */
enum send_result h1_fail(struct h1_stream *x);

/* The stream_ops that are the same on both sides. */
enum send_result h1_send_data(struct stream *s, const struct iovec *iov, int iov_count, bool end);
enum send_result h1_send_trailers(struct stream *s, const struct headers *trailers);
void h1_pause(struct stream *s);
void h1_resume(struct stream *s);

/* A head that waits for its body goes alone. */
void h1_flush(struct h1 *h);
void h1_on_sent(struct h1 *h);

/* Looking inside; see base/dump.h. */
void h1_check(const struct h1 *h);
void h1_dump(const struct h1 *h, struct dump *d);
