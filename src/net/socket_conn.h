#pragma once

/*
 * Connections over sockets
 *
 * One epoll registration for the life of the connection, edge-triggered, for input, output
 * and hang-up together; readiness is remembered here, so that in steady state there is no
 * epoll_ctl and no call that only returns EAGAIN.
 *
 * Both constructors always return a connection. What fails at once (no descriptor, no route)
 * arrives as on_closed at the end of the turn, like what fails later.
 */

#include "base/time.h"
#include "net/conn.h"
#include "net/socket.h"

/* An accepted, connected socket: open from birth, on_open is not called. The descriptor is the
 * connection's. `peer` as accept gave it; NULL: asked from the socket. */
struct conn *socket_conn_new_take(struct loop *l, struct chunk_stock *chunks, int fd,
				  const struct address *peer, const struct conn_handler *handler);

struct socket_connect_options {
	const struct address *peer;
	const struct address *source; /* to bind to; NULL: the system's choice */
	struct duration timeout;      /* 0: none. Closes with ERR_TIMEOUT */
};

struct conn *socket_conn_connect(struct loop *l, struct chunk_stock *chunks,
				 const struct socket_connect_options *options,
				 const struct conn_handler *handler);

/* The descriptor, for peer credentials and the like; -1 when closed or not a socket. */
int socket_conn_fd(const struct conn *c);
/* Who is at the other end of a Unix socket. ERR_NOT_FOUND for every other connection, also for
 * TLS over a Unix socket: there the certificate says who it is. */
must_check int socket_conn_peer(const struct conn *c, struct socket_peer *ret_peer);
