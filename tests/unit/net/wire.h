#pragma once

/*
 * A connection over a real socket, whose other end is a plain descriptor of the test
 */

#include "peer.h"

struct wire {
	struct world world;
	struct peer peer; /* ours: a socket_conn */
	int raw;          /* the other end, blocking; -1 when closed */
};

/* Over TCP on the loopback, or over a Unix socket pair. */
void wire_init(struct wire *w);
void wire_init_unix(struct wire *w);
void wire_fini(struct wire *w);

void wire_send(struct wire *w, struct str s);
/* Reads exactly `len` bytes; turns the loop meanwhile. mem_free() the result. */
char *wire_receive(struct wire *w, size_t len);
/* Turns until the peer has received `len` bytes in all, or was closed. */
void wire_until_received(struct wire *w, size_t len);
void wire_until_closed(struct wire *w);
/* Turns until `letter` is in the trace. */
void wire_until(struct wire *w, char letter);
/* Closes the raw end with a RST. */
void wire_reset(struct wire *w);

/* A listening TCP socket on 127.0.0.1, and its address. */
int listen_loopback(struct address *ret_address);
/* A blocking connection to it. */
int connect_raw(const struct address *a);
