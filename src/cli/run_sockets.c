#include "cli/run_sockets.h"

#include <errno.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/run_documents.h"
#include "net/socket.h"

#define FIRST_FD 3

static int fail_listen(struct diag *d, int error, const char *flag, const struct address *a)
{
	const char *address = address_text(a);

	if (error == -EADDRINUSE) {
		diag_fail(d, error, "%s: %s is in use by another program", flag, address);
		diag_hint(d, "name another address or port, or end that program");
	} else if (error == -EACCES || error == -EPERM) {
		diag_fail(d, error, "%s: not permitted to listen on %s", flag, address);
		diag_hint(d, "ports below 1024 need root or CAP_NET_BIND_SERVICE");
	} else if (error == -EADDRNOTAVAIL) {
		diag_fail(d, error, "%s: this machine has no address %s", flag, address);
		diag_hint(d, "any address of 127.0.0.0/8 may be used, such as 127.77.1.1");
	} else {
		diag_fail(d, error, "%s: cannot listen on %s: %s", flag, address, err_text(error));
	}
	return error;
}

static int port_open(struct run_port *port, const char *flag, struct diag *d)
{
	struct address peer;
	int r = socket_listen(&port->mesh, NULL, &port->fd);

	if (r < 0)
		return fail_listen(d, r, flag, &port->mesh);
	socket_addresses(port->fd, &port->mesh, &peer);
	return 0;
}

static int admin_open(struct run_plan *p, struct diag *d)
{
	struct str path = pool_printf(&p->pool, "%.*s/admin.sock", STR_ARGS(p->dir));
	struct address a;
	int r = address_from_unix(path, &a);

	if (r < 0) {
		diag_fail(d, ERR_CONFIG, "--run: %.*s is too long for a socket", STR_ARGS(p->dir));
		diag_hint(d,
			  "name a shorter directory: the path of a socket has at most 107 bytes");
		return ERR_CONFIG;
	}
	r = socket_listen(&a, NULL, &p->admin_fd);
	return r < 0 ? fail_listen(d, r, "--run", &a) : 0;
}

int run_sockets_open(struct run_plan *p, struct diag *d)
{
	int r = admin_open(p, d);

	for (uint32_t i = 0; r == 0 && i < p->port_count; i++)
		r = port_open(&p->ports[i], "--mesh-address", d);
	for (uint32_t i = 0; r == 0 && i < p->upstream_count; i++) {
		struct run_upstream *u = &p->upstreams[i];

		r = socket_listen(&u->address, NULL, &u->fd);
		if (r < 0)
			r = fail_listen(d, r, "--upstream", &u->address);
	}
	return r;
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void run_sockets_close(struct run_plan *p)
{
	close_one(&p->admin_fd);
	for (uint32_t i = 0; i < p->port_count; i++)
		close_one(&p->ports[i].fd);
	for (uint32_t i = 0; i < p->upstream_count; i++)
		close_one(&p->upstreams[i].fd);
}

/* Where the descriptors and their names are written to. */
struct passing {
	struct child_fd *fds;
	size_t count;
	struct buf *names;
};

static void pass(struct passing *x, int fd, struct str name)
{
	x->fds[x->count] =
		(struct child_fd){ .parent_fd = fd, .child_fd = FIRST_FD + (int)x->count };
	buf_printf(x->names, "%s%.*s", x->count ? ":" : "", STR_ARGS(name));
	x->count++;
}

size_t run_sockets_pass(const struct run_plan *p, struct child_fd *ret_fds, struct buf *names)
{
	struct passing x = { .fds = ret_fds, .names = names };
	struct pool pool = POOL_INIT(0);

	pass(&x, p->admin_fd, STR(RUN_ADMIN_NAME));
	for (uint32_t i = 0; i < p->port_count; i++)
		pass(&x, p->ports[i].fd, run_port_name(&pool, &p->ports[i]));
	for (uint32_t i = 0; i < p->upstream_count; i++)
		pass(&x, p->upstreams[i].fd, run_upstream_name(&pool, i));
	pool_fini(&pool);
	return x.count;
}
