#include "net/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fault.h"
#include "net/sys.h"

#define UNIX_MODE_DEFAULT 0600
#define BACKLOG_MAX       65535 /* the kernel cuts it down to net.core.somaxconn */

static void close_fdp(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static int set_option(int fd, int level, int name, int value)
{
	return (int)sys_retry("setsockopt", setsockopt(fd, level, name, &value, sizeof(value)));
}

static int make(int family, int *ret_fd)
{
	int fd = (int)sys_retry("socket",
				socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));

	if (fd < 0)
		return fd;
	*ret_fd = fd;
	return 0;
}

/*
 * Accepted sockets inherit these, so they cost no call per connection.
 */
static int set_listening_options(int fd, const struct address *a,
				 const struct socket_listen_options *o)
{
	bool ip6 = a->any.sa_family == AF_INET6;
	int r;

	if (a->any.sa_family == AF_UNIX)
		return 0;
	r = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (r == 0)
		r = set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (r == 0 && ip6)
		r = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, !o->ipv4_too);
	if (r == 0 && o->transparent)
		r = ip6 ? set_option(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, 1)
			: set_option(fd, IPPROTO_IP, IP_TRANSPARENT, 1);
	if (r == 0 && o->free_bind)
		r = ip6 ? set_option(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1)
			: set_option(fd, IPPROTO_IP, IP_FREEBIND, 1);
	return r;
}

static bool has_file(const struct address *a)
{
	return a->any.sa_family == AF_UNIX && a->unix_path.sun_path[0] != '\0';
}

/* Does nobody listen on this socket file? */
static bool is_stale(const struct address *a)
{
	cleanup(close_fdp) int fd = -1;
	struct stat st;

	if (lstat(a->unix_path.sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return false;
	if (make(AF_UNIX, &fd) < 0)
		return false;
	return connect(fd, &a->any, a->len) < 0 && errno == ECONNREFUSED;
}

static int bind_once(int fd, const struct address *a)
{
	return (int)sys_retry("bind", bind(fd, &a->any, a->len));
}

/*
 * The lock is on the directory: of two programs that find the same stale file, the second
 * must not remove the file that the first has just made.
 */
static int replace_stale(int fd, const struct address *a)
{
	cleanup(close_fdp) int directory = -1;
	char path[sizeof(a->unix_path.sun_path) + 1];
	char *slash;

	memcpy(path, a->unix_path.sun_path, sizeof(a->unix_path.sun_path));
	path[sizeof(a->unix_path.sun_path)] = '\0';
	slash = strrchr(path, '/');
	if (slash)
		slash[slash == path] = '\0';
	directory = open(slash ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0 || flock(directory, LOCK_EX) < 0)
		return -errno;

	if (!is_stale(a))
		return -EADDRINUSE;
	if (unlink(a->unix_path.sun_path) < 0 && errno != ENOENT)
		return -errno;
	return bind_once(fd, a);
}

static int bind_unix(int fd, const struct address *a, mode_t mode)
{
	int r = bind_once(fd, a);

	if (r == -EADDRINUSE && has_file(a))
		r = replace_stale(fd, a);
	if (r < 0 || !has_file(a))
		return r;
	/* Nobody can connect before listen(), so the file is never open to more than `mode`. */
	return chmod(a->unix_path.sun_path, mode ? mode : UNIX_MODE_DEFAULT) < 0 ? -errno : 0;
}

int socket_listen(const struct address *a, const struct socket_listen_options *options, int *ret_fd)
{
	static const struct socket_listen_options defaults = { 0 };
	const struct socket_listen_options *o = options ? options : &defaults;
	cleanup(close_fdp) int fd = -1;
	int r;

	r = make(a->any.sa_family, &fd);
	if (r < 0)
		return r;
	r = set_listening_options(fd, a, o);
	if (r < 0)
		return r;
	r = a->any.sa_family == AF_UNIX ? bind_unix(fd, a, o->unix_mode) : bind_once(fd, a);
	if (r < 0)
		return r;
	r = (int)sys_retry("listen", listen(fd, o->backlog ? o->backlog : BACKLOG_MAX));
	if (r < 0)
		return r;

	*ret_fd = fd;
	fd = -1;
	return 0;
}

static int get_option(int fd, int name, int *ret_value)
{
	socklen_t len = sizeof(*ret_value);

	return getsockopt(fd, SOL_SOCKET, name, ret_value, &len) < 0 ? -errno : 0;
}

int socket_adopt_listening(int fd)
{
	int listening = 0, type = 0, family = 0, flags;

	if (get_option(fd, SO_ACCEPTCONN, &listening) < 0 || get_option(fd, SO_TYPE, &type) < 0 ||
	    get_option(fd, SO_DOMAIN, &family) < 0)
		return ERR_CONFIG;
	if (!listening || type != SOCK_STREAM)
		return ERR_CONFIG;

	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	return family == AF_UNIX ? 0 : set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

void socket_remove_file(const struct address *a)
{
	if (a->len && has_file(a) && is_stale(a))
		unlink(a->unix_path.sun_path);
}

int socket_connect(const struct address *a, const struct address *source, int *ret_fd)
{
	cleanup(close_fdp) int fd = -1;
	int r;

	r = make(a->any.sa_family, &fd);
	if (r < 0)
		return r;
	if (a->any.sa_family != AF_UNIX)
		r = set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (r == 0 && source)
		r = bind_once(fd, source);
	if (r < 0)
		return r;
	r = (int)sys_retry("connect", connect(fd, &a->any, a->len));
	if (r < 0 && r != -EINPROGRESS)
		return r;

	*ret_fd = fd;
	fd = -1;
	return 0;
}

int socket_accept(int fd, struct address *ret_peer, int *ret_fd)
{
	struct address peer = { .len = sizeof(peer) - offsetof(struct address, any) };
	int r = (int)sys_retry("accept",
			       accept4(fd, &peer.any, &peer.len, SOCK_NONBLOCK | SOCK_CLOEXEC));

	if (r < 0)
		return r;
	*ret_peer = peer;
	*ret_fd = r;
	return 0;
}

int socket_error(int fd)
{
	int error = 0;
	int r = get_option(fd, SO_ERROR, &error);

	return r < 0 ? r : -error;
}

void socket_addresses(int fd, struct address *ret_local, struct address *ret_peer)
{
	socklen_t size = sizeof(struct address) - offsetof(struct address, any);

	if (ret_local) {
		*ret_local = (struct address){ .len = size };
		if (getsockname(fd, &ret_local->any, &ret_local->len) < 0)
			ret_local->len = 0;
	}
	if (ret_peer) {
		*ret_peer = (struct address){ .len = size };
		if (getpeername(fd, &ret_peer->any, &ret_peer->len) < 0)
			ret_peer->len = 0;
	}
}

size_t socket_readable_bytes(int fd)
{
	int n = 0;

	return ioctl(fd, FIONREAD, &n) < 0 || n < 0 ? 0 : (size_t)n;
}

int socket_peer_of(int fd, struct socket_peer *ret_peer)
{
	struct ucred u;
	socklen_t len = sizeof(u);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &u, &len) < 0)
		return -errno;
	if (u.pid == 0) /* not a Unix socket, or a peer outside our name space */
		return ERR_NOT_FOUND;
	*ret_peer = (struct socket_peer){ u.pid, u.uid, u.gid };
	return 0;
}

int socket_peer_groups(int fd, gid_t *groups, uint32_t count_max, uint32_t *ret_count)
{
	socklen_t len = (socklen_t)(count_max * sizeof(gid_t));

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return errno == ERANGE ? ERR_LIMIT : -errno;
	*ret_count = (uint32_t)(len / sizeof(gid_t));
	return 0;
}
