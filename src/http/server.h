#pragma once

/*
 * An HTTP server connection over any struct conn
 *
 * http_server_conn_open() takes a connection that is open (TLS done) and speaks HTTP/1 or
 * HTTP/2 on it: by ALPN, by what is asked for, or by the preface for clear text. It creates
 * streams and gives them to on_stream; everything else happens on the streams.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"
#include "http/stream.h"
#include "net/conn.h"

enum http_codec {
	HTTP_CODEC_AUTO, /* ALPN where there is TLS, else the HTTP/2 preface decides */
	HTTP_CODEC_HTTP1,
	HTTP_CODEC_HTTP2,
};

/* What ended a connection or a request before its head was a stream's, for reasons and counters. */
// clang-format off
#define HTTP_FAULT_MAP(X)                                                          \
	X(HTTP_FAULT_NONE,            "")                                          \
	X(HTTP_FAULT_CODEC,           "http1.codec_error")                         \
	X(HTTP_FAULT_HEADERS_LARGE,   "request_headers_too_large")                 \
	X(HTTP_FAULT_HEADERS_MANY,    "too_many_headers")                          \
	X(HTTP_FAULT_HEADERS_TIMEOUT, "request_header_timeout")                    \
	X(HTTP_FAULT_IDLE,            "idle_timeout")                              \
	X(HTTP_FAULT_UPGRADE,         "upgrade_not_allowed")                       \
	X(HTTP_FAULT_FLOOD,           "http2.flood")                               \
	X(HTTP_FAULT_CODING,          "http1.invalid_transfer_encoding")           \
	X(HTTP_FAULT_OLD_VERSION,     "low_version")                               \
	X(HTTP_FAULT_MESSAGE,         "http2.violation.of.messaging.rule")         \
	X(HTTP_FAULT_HOST_MISSING,    "missing_host_header")                       \
	X(HTTP_FAULT_CODING_LENGTH,   "http1.content_length_and_chunked_not_allowed") \
	X(HTTP_FAULT_CHARACTERS,      "http1.invalid_characters")                  \
	X(HTTP_FAULT_HEAD_LARGE,      "http1.headers_too_large")                   \
	X(HTTP_FAULT_HEAD_MANY,       "http1.too_many_headers")
// clang-format on

enum http_fault {
#define X(name, details) name,
	HTTP_FAULT_MAP(X)
#undef X
};

struct http_server_options {
	enum http_codec codec;
	uint32_t headers_count_max;       /* 0: 100 */
	uint32_t headers_bytes_max;       /* 0: 60 KiB */
	uint32_t streams_max;             /* concurrent HTTP/2 streams; 0: 100 */
	uint32_t stream_window_bytes;     /* 0: 256 KiB */
	uint32_t connection_window_bytes; /* 0: 1 MiB */
	struct duration idle_timeout;     /* no stream: close; 0: none */
	struct duration headers_timeout;  /* from first byte to complete head; 0: none.
					   * HTTP/2: from the beginning to its SETTINGS */
	/* HTTP/2: between the GOAWAY that announces a drain and the one that counts; 0: until the
	 * client has answered a PING, 5 s at most. */
	struct duration drain_timeout;
	/* After our last byte: how long the client has to read it and to close, while what it still
	 * sends is dropped; 0: 1 s; less: no time. */
	struct duration close_timeout;
	bool http10_refused;     /* HTTP/1.0 is answered 426 */
	struct str default_host; /* of requests of HTTP/1.0 that name none; empty: 400 */
	bool trailers_enabled;   /* HTTP/1 trailers are dropped otherwise */
	/*
	 * Expect: 100-continue in HTTP/1. False: the codec takes the field away and answers 100
	 * itself as soon as the near side takes the body, that is behind on_headers, or at
	 * stream_resume() when it paused there. True: the field stays, the near side sends 100 as
	 * an interim response, or passes on its server's.
	 */
	bool expect_forwarded;
};

struct http_server_conn;

struct http_server_handler {
	/* A request begins: set s->handler. on_headers follows at once. */
	void (*on_stream)(struct http_server_conn *hc, struct stream *s);
	/* The codec answered by itself (400, 431, 408) or gave up. For counters and logs. */
	void (*on_fault)(struct http_server_conn *hc, enum http_fault fault, uint16_t status);
	/* All streams are closed, the connection is gone; drop the pointer. */
	void (*on_closed)(struct http_server_conn *hc);
};

/*
 * Takes the connection over: its handler, input and closing. It is open, or has failed in this
 * turn: then on_closed follows. `options` and `handler` must outlive it. Freed by itself after
 * on_closed.
 */
struct http_server_conn *http_server_conn_open_take(struct conn *c,
						    const struct http_server_options *options,
						    const struct http_server_handler *handler,
						    void *user);
void *http_server_conn_user(const struct http_server_conn *hc);
struct conn *http_server_conn_transport(const struct http_server_conn *hc);
enum http_codec http_server_conn_codec(const struct http_server_conn *hc);
/* What was wrong at the last on_fault, in words: "Host is missing". Static. */
const char *http_server_conn_fault_detail(const struct http_server_conn *hc);
/* The server connection that a stream came from. */
struct http_server_conn *http_server_conn_of(const struct stream *s);

/* Finish what runs, begin nothing new: `Connection: close`, GOAWAY. */
void http_server_conn_drain(struct http_server_conn *hc);
/* Ends everything now; streams see STREAM_RESET_CLOSED. */
void http_server_conn_close(struct http_server_conn *hc);

/* Looking inside; see base/dump.h. */
void http_server_conn_check(const struct http_server_conn *hc);
void http_server_conn_dump(const struct http_server_conn *hc, struct dump *d);
