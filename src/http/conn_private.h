#pragma once

/*
 * What stands behind http_server_conn and http_client_conn
 *
 * The object that the user holds, whatever the codec: it is made before the codec is known
 * (ALPN, preface) and then works through a table of that codec's.
 */

#include "http/client.h"
#include "http/h1.h"
#include "http/server.h"

struct h2;

struct http_server_codec {
	/* The codec is chosen: takes over the connection's handler; input may be waiting. */
	void (*start)(struct http_server_conn *hc);
	void (*drain)(struct http_server_conn *hc);
	/* The transport is gone: end the streams. */
	void (*gone)(struct http_server_conn *hc);
	/* The time of the phase is over. */
	void (*on_timeout)(struct http_server_conn *hc);
};

/* What a server connection waits for; each has its time (server.c). */
enum http_phase {
	HTTP_PHASE_IDLE,    /* a request */
	HTTP_PHASE_HEAD,    /* the rest of a head */
	HTTP_PHASE_BUSY,    /* its streams, which have time limits of their own */
	HTTP_PHASE_DROP,    /* the rest of a body that nobody wants */
	HTTP_PHASE_SENDING, /* the last answer is on its way to a slow reader */
};

struct http_server_conn {
	struct conn *conn; /* NULL once it is gone */
	const struct http_server_options *options;
	const struct http_server_handler *handler;
	void *user;
	enum http_codec codec; /* AUTO: not known yet */
	const struct http_server_codec *ops;
	enum http_phase phase;
	bool draining;
	struct timer timer;   /* may be due too early, never too late */
	struct instant due;   /* when the timer is */
	struct instant since; /* the phase began */
	uint64_t sent_before; /* HTTP_PHASE_SENDING: to see progress */
	const char *fault_detail;
	struct deferred reap; /* also: first look at the input */
	struct h1 h1;
	struct h2 *h2;
};

void http_server_conn_phase(struct http_server_conn *hc, enum http_phase phase);

extern const struct http_server_codec http_h1_server_codec;
extern const struct http_server_codec http_h2_server_codec;

struct http_client_codec {
	/* The transport is open. on_ready follows. */
	void (*start)(struct http_client_conn *hc);
	bool (*available)(const struct http_client_conn *hc);
	uint32_t (*active)(const struct http_client_conn *hc);
	struct stream *(*begin)(struct http_client_conn *hc, const struct stream_handler *handler,
				void *user);
	/* Nothing of it waits in the loop, and nothing is to be sent. */
	bool (*at_rest)(const struct http_client_conn *hc);
	/* The transport left the loop: so do the timers. May be NULL. */
	void (*leave)(struct http_client_conn *hc);
	void (*gone)(struct http_client_conn *hc);
};

struct http_client_conn {
	struct conn *conn; /* NULL once it is gone */
	struct http_client_options options;
	const struct http_client_handler *handler;
	void *user;
	enum http_codec codec;
	const struct http_client_codec *ops; /* NULL: not open yet */
	struct deferred reap;
	bool draining;
	int error; /* why we closed; 0: as the transport says */
	struct h1 h1;
	struct h2 *h2;
};

extern const struct http_client_codec http_h1_client_codec;
extern const struct http_client_codec http_h2_client_codec;

/* The server connection of a stream; NULL when it is none of this codec's. */
struct http_server_conn *http_h1_server_of(const struct stream *s);
struct http_server_conn *http_h2_server_of(const struct stream *s);

/* on_closed of the transport, for the handlers of every codec. */
void http_server_conn_gone(struct conn *c);
void http_client_conn_gone(struct conn *c);

/* The connection takes no further stream; tells the user once. */
void http_client_conn_draining(struct http_client_conn *hc);

/* So long a peer may take to close after our last byte, where nothing else is said. */
#define HTTP_LINGER DURATION_SECONDS(1)

static inline struct duration http_server_linger(const struct http_server_options *o)
{
	return o->close_timeout.ns == 0 ? HTTP_LINGER : o->close_timeout;
}

#define HTTP_HEADERS_COUNT_DEFAULT 100
#define HTTP_HEADERS_BYTES_DEFAULT (60 * 1024)

/* Looking inside; see base/dump.h. */
void h2_check(const struct h2 *h);
void h2_dump(const struct h2 *h, struct dump *d);
