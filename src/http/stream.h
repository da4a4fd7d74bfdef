#pragma once

/*
 * Streams: one request and its response
 *
 * HTTP/1 and HTTP/2 connections, as server and as client, all offer this. A stream has a
 * near side (who uses it: the proxy, the API server, a gRPC call) and a codec behind
 * `ops`. The same struct serves both directions: on a server's stream on_headers delivers
 * the request and stream_send_headers() sends the response, on a client's the other way
 * round.
 *
 *	                send_headers   send_data*    send_trailers? or end
 *	  near side  ───────────────────────────────────────────────────▶  codec
 *	             ◀───────────────────────────────────────────────────
 *	                on_headers(+)  on_data*      on_trailers?  or end
 *
 * (+) A client may see interim responses (1xx) first, with end false, through on_interim.
 *
 * Ends. A stream is over when both directions ended, or it was reset by either side. Then
 * on_closed comes, exactly once, as the last callback; the stream and its pool are freed in
 * the reap that follows. stream_reset() inside any callback is allowed.
 *
 * Flow. stream_pause() asks the codec to deliver no more on_data (HTTP/1 pauses the
 * connection, HTTP/2 withholds window); bounded bytes already received may still come.
 * stream_send_data() that returns SEND_QUEUED means: stop your source until on_sent.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/pool.h"
#include "base/str.h"
#include "message/headers.h"
#include "net/conn.h"

struct stream;

/* Why a stream ended early. */
// clang-format off
#define STREAM_RESET_MAP(X)                                                             \
	X(STREAM_RESET_NONE,      "ended in order")                                     \
	X(STREAM_RESET_LOCAL,     "reset by this side")                                 \
	X(STREAM_RESET_PEER,      "reset by the peer")                                  \
	X(STREAM_RESET_REFUSED,   "refused by the peer before it was processed")        \
	X(STREAM_RESET_CLOSED,    "the connection closed")                              \
	X(STREAM_RESET_PROTOCOL,  "the peer broke the protocol")                        \
	X(STREAM_RESET_LIMIT,     "a limit was reached")                                \
	X(STREAM_RESET_CONNECT,   "the connection could not be made")
// clang-format on

enum stream_reset {
#define X(name, text) name,
	STREAM_RESET_MAP(X)
#undef X
};

/* "reset by the peer" */
const char *stream_reset_text(enum stream_reset r);

struct stream_handler {
	/* Complete and valid head. `h` lives as long as the stream. `end`: no body, no trailers.
	 * The near side may change `h` in place. */
	void (*on_headers)(struct stream *s, struct headers *h, bool end);
	/* 1xx other than 101 (client only). May be NULL: dropped. */
	void (*on_interim)(struct stream *s, struct headers *h);
	/* Borrowed bytes of the body, never empty unless `end`. */
	void (*on_data)(struct stream *s, struct str data, bool end);
	/* Ends the direction. May be NULL: then the end is reported as on_data("", true). */
	void (*on_trailers)(struct stream *s, struct headers *trailers);
	/* The queue of stream_send_*() became empty. */
	void (*on_sent)(struct stream *s);
	/* The last callback. */
	void (*on_closed)(struct stream *s, enum stream_reset reason);
	/* Prints what the near side makes of the stream; see base/dump.h. May be NULL. */
	void (*dump)(const struct stream *s, struct dump *d);
};

struct stream_ops {
	/* Client: the request; server: the response, or an interim one when status is 1xx. The
	 * headers are borrowed for the call. Hop-by-hop fields must be gone: the codec adds its
	 * own framing (content-length is kept as it stands; without it HTTP/1 frames by
	 * chunks, or by close towards an HTTP/1.0 client). */
	enum send_result (*send_headers)(struct stream *s, const struct headers *h, bool end);
	enum send_result (*send_data)(struct stream *s, const struct iovec *iov, int iov_count,
				      bool end);
	/* Ends the sending direction. Trailers are dropped where the protocol or the peer does
	 * not take them. */
	enum send_result (*send_trailers)(struct stream *s, const struct headers *trailers);
	void (*pause)(struct stream *s);
	void (*resume)(struct stream *s);
	/* Ends both directions. HTTP/1: closes the connection. HTTP/2: RST_STREAM with CANCEL
	 * or, when refused is true and nothing was processed, REFUSED_STREAM. */
	void (*reset)(struct stream *s, bool refused);
};

struct stream {
	const struct stream_ops *ops;
	const struct stream_handler *handler; /* set by the near side */
	void *user;                           /* the near side's */
	struct pool pool;                     /* of this exchange; freed with it */
	struct conn *conn; /* for addresses and TLS facts only; NULL once it is gone */
	struct loop *loop;

	/* May be read by the near side. */
	struct {
		bool recv_ended; /* the peer's direction has ended */
		bool send_ended; /* ours has */
		bool send_started;
		bool closed;
		bool paused;
	} is;
	uint32_t reset_code;     /* HTTP/2's error code, where a reset ended the stream */
	uint64_t bytes_received; /* of bodies */
	uint64_t bytes_sent;
};

static inline enum send_result stream_send_headers(struct stream *s, const struct headers *h,
						   bool end)
{
	return s->ops->send_headers(s, h, end);
}

static inline enum send_result stream_send_data(struct stream *s, const struct iovec *iov,
						int iov_count, bool end)
{
	return s->ops->send_data(s, iov, iov_count, end);
}

static inline enum send_result stream_send_trailers(struct stream *s,
						    const struct headers *trailers)
{
	return s->ops->send_trailers(s, trailers);
}

static inline void stream_pause(struct stream *s)
{
	s->ops->pause(s);
}

static inline void stream_resume(struct stream *s)
{
	s->ops->resume(s);
}

static inline void stream_reset(struct stream *s, bool refused)
{
	s->ops->reset(s, refused);
}

/* Sends a whole answer with a text body: for local replies and small servers. */
enum send_result stream_reply(struct stream *s, uint16_t status, struct str content_type,
			      struct str body);

/* Looking inside; see base/dump.h. */
void stream_check(const struct stream *s);
void stream_dump(const struct stream *s, int64_t id, struct dump *d); /* id 0: none */
