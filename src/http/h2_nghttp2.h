#pragma once

/*
 * HTTP/2 over nghttp2
 *
 * Included by the h2_nghttp2*.c files alone: a codec of our own can take their place.
 *
 *	h2_nghttp2.c         the session: bytes in, bytes out, floods, the end
 *	h2_nghttp2_recv.c    its callbacks: heads, bodies, ends
 *	h2_nghttp2_stream.c  streams: their life, sending, flow control
 *	h2_nghttp2_server.c, h2_nghttp2_client.c
 *
 * Output is collected and leaves in one conn_send() at the end of the turn. When the
 * transport is full nothing more is taken from nghttp2, so what is queued stands in the
 * streams, each of which asks its near side to stop at H2_QUEUE_BYTES.
 *
 * Input is given to the near side at once; the window is given back to the peer when the
 * near side is not paused. So what a paused stream can hold is its window, and all of them
 * together the window of the connection.
 */

#include <nghttp2/nghttp2.h>

#include "base/buf.h"
#include "http/conn_private.h"
#include "http/h2_flood.h"
#include "http/h2_goaway.h"

#define H2_QUEUE_BYTES          (64 * 1024)
#define H2_STREAM_WINDOW_BYTES  (256 * 1024)
#define H2_CONN_WINDOW_BYTES    (1024 * 1024)
#define H2_STREAMS_MAX          100
#define H2_INTERIMS_MAX         16
/* What a field costs beside its text, as in SETTINGS_MAX_HEADER_LIST_SIZE. */
#define H2_FIELD_OVERHEAD_BYTES 32

struct h2_stream {
	struct stream s;
	struct h2 *h2; /* NULL once the connection is gone */
	int32_t id;    /* 0: not on the wire yet */
	struct list in_conn;
	struct deferred over;
	enum stream_reset reason;
	bool known;    /* the near side has it: it is owed on_closed */
	bool end_sent; /* our direction has ended on the wire */
	bool silent;   /* it wants no more but on_closed; what it sent still goes out */

	struct headers head;
	struct headers trailers;
	struct headers *reading; /* the block that arrives */
	nghttp2_rcbuf **bufs;    /* where their text is */
	uint32_t buf_count;
	uint32_t buf_capacity;
	uint32_t field_count; /* of the block, and its bytes */
	uint32_t field_bytes;
	enum http_fault fault; /* of the block */
	enum method request;
	uint8_t interims;
	bool head_done;
	bool peer_reset;
	size_t unconsumed; /* received, and the window not given back */

	struct buf out; /* body that waits for window */
	struct headers out_trailers;
	bool out_end;
	bool out_with_trailers;
	bool out_waits; /* nghttp2 was told that there is nothing */
	bool no_body;   /* what is sent of a body is dropped */
	bool sent_owed;
};

struct h2 {
	nghttp2_session *session;
	struct conn *conn; /* NULL once it is gone */
	struct http_server_conn *server;
	struct http_client_conn *client; /* one of the two */
	const struct stream_ops *stream_ops;
	struct list streams;
	uint32_t active;
	struct http1_limits limits;
	struct h2_flood floods;
	struct deferred flush;
	struct chunk *out;   /* in the making */
	uint32_t own_resets; /* submitted, not yet sent */
	bool ending;         /* GOAWAY is queued: close when it is sent */
	bool settings_came;
	bool receiving; /* nghttp2 is in the midst of input */

	/* Client: life of the peer. */
	struct timer ping_timer;
	bool ping_waits;
	/* Server: two-phase drain. */
	bool drain_noticed;
	bool drain_final;
	struct timer drain_timer;
	struct h2_goaway goaway;
	struct duration linger; /* how long the peer may take to close after us */
};

static inline struct h2_stream *h2_stream_of(const struct stream *s)
{
	return container_of((struct stream *)s, struct h2_stream, s);
}

static inline bool h2_is_open(const struct h2 *h)
{
	return h && h->conn && h->conn->state == CONN_OPEN;
}

/* Is there a near side to tell? */
static inline bool h2_stream_is_live(const struct h2_stream *x)
{
	return x && x->known && !x->silent && !x->s.is.closed && h2_is_open(x->h2);
}

/* The connection's windows and limits, the common part of both sides' options. */
struct h2_setup {
	bool server;
	uint32_t streams_max;
	uint32_t stream_window_bytes;
	uint32_t connection_window_bytes;
	uint32_t headers_count_max;
	uint32_t headers_bytes_max;
	struct duration linger;
};

struct h2 *h2_new(struct conn *c, const struct h2_setup *setup);
/* The transport is gone: streams are told, the session is freed. Returns NULL. */
struct h2 *h2_free(struct h2 *h);

void h2_on_data(struct h2 *h);
void h2_on_sent(struct h2 *h);
/* There is output: it leaves at the end of the turn. */
void h2_schedule(struct h2 *h);
/* What can leave now leaves: before a reset, which would drop it. Not while nghttp2 takes input,
 * which it must not be asked for; the near side may be in the midst of a call. */
void h2_write_now(struct h2 *h);
/* GOAWAY with a code, and the end of the connection behind it. */
void h2_end(struct h2 *h, uint32_t code);
/* One more frame of a kind; ends the connection when there were too many. */
void h2_flood(struct h2 *h, enum h2_flood_kind kind);

/* The callbacks of h2_nghttp2_recv.c. */
void h2_recv_callbacks(nghttp2_session_callbacks *callbacks);

struct h2_stream *h2_stream_new(struct h2 *h, int32_t id);
struct h2_stream *h2_stream_find(struct h2 *h, int32_t id);
/* Ends the stream for its near side; on_closed follows in this turn. */
void h2_stream_over(struct h2_stream *x, enum stream_reset reason);
/* RST_STREAM of our own will. */
void h2_stream_rst(struct h2_stream *x, uint32_t code);
void h2_stream_tell_sent(struct h2_stream *x);
/* Bytes that the near side took (or will never take): the window is given back. */
void h2_stream_consume(struct h2_stream *x);
void h2_stream_gone(struct h2_stream *x);
/* What the near side sends, for nghttp2 to take. */
extern const nghttp2_data_provider h2_body;

/* A head as nghttp2 takes it, in the stream's pool. False: it cannot be sent. */
bool h2_write_fields(struct pool *pool, const struct headers *h, nghttp2_nv **ret_nva,
		     size_t *ret_count);

enum send_result h2_send_data(struct stream *s, const struct iovec *iov, int iov_count, bool end);
enum send_result h2_send_trailers(struct stream *s, const struct headers *trailers);
void h2_pause(struct stream *s);
void h2_resume(struct stream *s);
enum send_result h2_fail(struct h2_stream *x);

/* What the sides do at events of the session. */
void h2_server_on_head(struct h2_stream *x, bool end);
void h2_server_on_over(struct h2 *h);
void h2_server_fault(struct h2 *h, enum http_fault fault, uint16_t status, const char *detail);
/* The client's first SETTINGS: its preface is complete. */
void h2_server_on_settings(struct h2 *h);
/* Our PING of the drain came back. */
void h2_server_on_pong(struct h2 *h);
void h2_client_on_head(struct h2_stream *x, bool end);
void h2_client_on_over(struct h2 *h);
void h2_client_on_goaway(struct h2 *h);
void h2_client_on_pong(struct h2 *h);
