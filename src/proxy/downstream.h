#pragma once

/*
 * Downstream connections: from accept to the one who serves them
 *
 *	accept ──▶ HELD ──▶ INSPECTING ──▶ HANDSHAKE ──▶ SERVING ──▶ closed
 *	            │ the listener   │ ClientHello,   │ TLS
 *	            │ is not there   │ first line     │
 *	            ▼                ▼                ▼
 *	          timeout          timeout          refused
 *
 * Stages that are not needed are skipped: a plain listener serves at once. The filter chain is
 * chosen once, from what is known without TLS; a chain whose secrets are missing refuses.
 * While a listener is not there (a binding of explicit mode before the control plane
 * answered), connections wait unread, bounded in number and time.
 */

#include <stdbool.h>
#include <stdint.h>

#include "http/server.h"
#include "net/conn.h"
#include "proxy/deadlines.h"
#include "proxy/listener_state.h"
#include "proxy/metrics.h"
#include "proxy/reasons.h"
#include "proxy/worker.h"

enum downstream_stage {
	DOWNSTREAM_HELD,
	DOWNSTREAM_INSPECTING,
	DOWNSTREAM_HANDSHAKE,
	DOWNSTREAM_SERVING,
	DOWNSTREAM_CLOSED,
};

struct tcp_session;

struct downstream {
	struct worker *worker;
	struct list in_worker;
	struct list in_held;
	enum downstream_stage stage;
	uint32_t listener_slot;
	struct listener_state *listener; /* held; NULL while it is not there */
	const struct chain_state *chain; /* once chosen */
	struct conn *conn;               /* the uppermost; NULL once it is gone */
	struct counter *cells;           /* of the listener */
	uint64_t id;
	struct instant since;
	struct wall_time wall_since;
	struct timer timer;     /* of the stage; when serving, the end of the peer's certificate */
	struct str server_name; /* asked for by the client; owned */
	enum reason reason;     /* why it was refused */
	struct deferred reap;

	/* Serving HTTP: http_manager.c. */
	struct {
		struct http_server_conn *server;
		const struct http_state *state;
		struct counter *cells;
		struct histogram *times;
		struct request_series *series; /* inbound metrics; NULL: not yet needed */
		struct deadlines deadlines;    /* HTTP/1: of the exchange that runs */
		uint32_t active;
		uint64_t requests;
		bool draining;
	} http;
	/* Serving TCP: tcp_proxy.c. */
	struct tcp_session *tcp;
};

/* Takes the descriptor. `port_listener_slot`: where the listener will be found. */
void downstream_accept(struct worker *w, uint32_t listener_slot, int fd,
		       const struct address *peer);
/* The same for a connection that is there already: from tests, and from captures. */
void downstream_open_take(struct worker *w, uint32_t listener_slot, struct conn *c);

/* The worker has a new snapshot: held connections look for their listener; HTTP connections of
 * a listener that changed or went are drained. */
void downstream_snapshot_changed(struct worker *w);
/* Finish what runs; what waits for its listener ends. */
void downstream_drain(struct downstream *d);
/* Ends now. */
void downstream_close(struct downstream *d);

/* From whoever serves it: the connection is gone. */
void downstream_closed(struct downstream *d);

/* The client's name by mutual TLS: its SPIFFE ID, or its first DNS name; empty. */
struct str downstream_peer_name(const struct downstream *d);
enum metric_tls downstream_tls(const struct downstream *d);

/* Looking inside; see base/dump.h. */
void downstream_check(const struct downstream *d);
void downstream_dump(const struct downstream *d, struct dump *out);
