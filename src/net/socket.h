#pragma once

/*
 * Sockets: opening them with the right options
 *
 * Every descriptor made here is non-blocking and close-on-exec. Addresses are IPv4, IPv6 and
 * Unix stream sockets. The file of a Unix socket is replaced when it is stale, that is when
 * nobody listens on it, and never when somebody does.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/macro.h"
#include "message/address.h"

struct socket_listen_options {
	int backlog;      /* 0: the system's maximum */
	bool ipv4_too;    /* an IPv6 socket takes IPv4 as well */
	mode_t unix_mode; /* of the socket file; 0: 0600 */
	bool transparent; /* IP_TRANSPARENT: takes connections to addresses not our own */
	bool free_bind;   /* the address need not exist yet */
};

/* Bound and listening. `options` may be NULL. */
must_check int socket_listen(const struct address *a, const struct socket_listen_options *options,
			     int *ret_fd);
/* An inherited descriptor: ERR_CONFIG unless it is a listening stream socket. Makes it
 * non-blocking and close-on-exec. */
must_check int socket_adopt_listening(int fd);
/* Removes the file of a Unix socket, once its descriptors are closed: when somebody listens on
 * it (a successor), or it is no socket, it stays. Nothing for other addresses. */
void socket_remove_file(const struct address *a);

/* Begins to connect; writable or an error later tells the outcome (socket_error()).
 * `source` may be NULL. */
must_check int socket_connect(const struct address *a, const struct address *source, int *ret_fd);
/* The next waiting connection, set up as above with TCP_NODELAY. -EAGAIN when there is none. */
must_check int socket_accept(int fd, struct address *ret_peer, int *ret_fd);

/* The pending error of a socket, taken off it: 0 or -errno. */
int socket_error(int fd);
/* Zero-length addresses on failure. */
void socket_addresses(int fd, struct address *ret_local, struct address *ret_peer);
/* Bytes that could be read at once. */
size_t socket_readable_bytes(int fd);

/* Who connected to (or listens on) the other end of a Unix socket. */
struct socket_peer {
	pid_t pid;
	uid_t uid;
	gid_t gid;
};

must_check int socket_peer_of(int fd, struct socket_peer *ret_peer);
/* The supplementary groups that the other end had when it connected, as the kernel noted them.
 * ERR_LIMIT when they are more than `count_max`. */
must_check int socket_peer_groups(int fd, gid_t *groups, uint32_t count_max, uint32_t *ret_count);
