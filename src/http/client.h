#pragma once

/*
 * An HTTP client connection over any struct conn
 *
 * Made over a connection that is still connecting or open; requests may be begun once
 * on_ready came. HTTP/1 has one stream at a time; HTTP/2 as many as the peer allows.
 * Pools (proxy/pool.h) hold these.
 */

#include "http/server.h"

struct http_client_conn;

struct http_client_options {
	enum http_codec codec;            /* AUTO: ALPN, HTTP/1 without TLS */
	uint32_t headers_count_max;       /* of a response; 0: 100 */
	uint32_t headers_bytes_max;       /* 0: 60 KiB */
	uint32_t stream_window_bytes;     /* 0: 256 KiB */
	uint32_t connection_window_bytes; /* 0: 1 MiB */
	struct duration ping_interval;    /* HTTP/2, while streams are open; 0: none */
	struct duration ping_timeout;     /* 0: 20 s */
	bool trailers_enabled;
};

struct http_client_handler {
	/* Open; streams can be begun. For HTTP/2, before the peer's SETTINGS arrived. */
	void (*on_ready)(struct http_client_conn *hc);
	/* A stream ended and the connection can take another one (HTTP/1: is idle). */
	void (*on_available)(struct http_client_conn *hc);
	/* GOAWAY or Connection: close: no further stream may be begun here. */
	void (*on_draining)(struct http_client_conn *hc);
	/* The last callback; streams were closed before. error: as conn->error. The transport is
	 * still there to be asked, for its TLS facts. */
	void (*on_closed)(struct http_client_conn *hc, int error);
};

struct http_client_conn *http_client_conn_open_take(struct conn *c,
						    const struct http_client_options *options,
						    const struct http_client_handler *handler,
						    void *user);
void *http_client_conn_user(const struct http_client_conn *hc);
struct conn *http_client_conn_transport(const struct http_client_conn *hc);
enum http_codec http_client_conn_codec(const struct http_client_conn *hc);

/* Can a stream be begun now? */
bool http_client_conn_available(const struct http_client_conn *hc);
uint32_t http_client_conn_active(const struct http_client_conn *hc);

/*
 * Begins a stream; call stream_send_headers() on it next. NULL when not available. The stream
 * is freed by the codec after on_closed.
 */
struct stream *http_client_conn_begin(struct http_client_conn *hc,
				      const struct stream_handler *handler, void *user);

void http_client_conn_close(struct http_client_conn *hc);

/*
 * Leaves its loop whole, for another thread to attach. ERR_CONFLICT when it has a stream, drains
 * or is in the middle of anything, ERR_UNSUPPORTED when the transport cannot: then nothing
 * changed. Between the two calls it belongs to whoever carries it, and calls nobody.
 */
must_check int http_client_conn_detach(struct http_client_conn *hc);
/* Enters a loop, with another user; its handler stays. On failure the caller still owns it. */
must_check int http_client_conn_attach(struct http_client_conn *hc, struct loop *l,
				       struct chunk_stock *chunks, void *user);
/* Closes and frees a detached one, without any callback. */
void http_client_conn_discard(struct http_client_conn *hc);

/* Looking inside; see base/dump.h. */
void http_client_conn_check(const struct http_client_conn *hc);
void http_client_conn_dump(const struct http_client_conn *hc, struct dump *d);
