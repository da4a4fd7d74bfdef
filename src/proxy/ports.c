#include "proxy/ports.h"

#include <unistd.h>

#include "base/mem.h"
#include "net/socket.h"

#define INHERITED_FIRST_FD 3

static int names_read(struct inherited *in, uint64_t count, struct diag *d)
{
	const char *names = getenv("LISTEN_FDNAMES");
	char *at;

	in->names = mem_strdup(names ? names : "");
	at = in->names;
	for (uint64_t i = 0; i < count; i++) {
		char *end = strchr(at, ':');

		if (*at == 0)
			return diag_fail(d, ERR_CONFIG,
					 "LISTEN_FDNAMES has fewer names than LISTEN_FDS says");
		in->items[in->count++] = (struct inherited_fd){
			.name = at,
			.fd = INHERITED_FIRST_FD + (int)i,
		};
		if (end)
			*end = 0;
		at = end ? end + 1 : at + strlen(at);
	}
	return 0;
}

int inherited_read(struct inherited *in, struct diag *d)
{
	const char *count_text = getenv("LISTEN_FDS");
	const char *pid_text = getenv("LISTEN_PID");
	uint64_t count, pid;

	*in = (struct inherited){ 0 };
	if (!count_text)
		return 0;
	if (pid_text &&
	    (str_to_u64(str_from(pid_text), INT32_MAX, &pid) < 0 || pid != (uint64_t)getpid()))
		return 0;
	if (str_to_u64(str_from(count_text), INHERITED_MAX, &count) < 0)
		return diag_fail(d, ERR_CONFIG, "LISTEN_FDS must be a number up to %d",
				 INHERITED_MAX);
	return names_read(in, count, d);
}

void inherited_fini(struct inherited *in)
{
	in->names = mem_free(in->names);
	in->count = 0;
}

int inherited_find(struct inherited *in, struct str name)
{
	for (uint32_t i = 0; i < in->count; i++) {
		if (!str_eq(str_from(in->items[i].name), name))
			continue;
		in->items[i].used = true;
		return in->items[i].fd;
	}
	return -1;
}

void port_shut(struct port *p)
{
	if (p->inherited)
		return;
	shutdown(p->fd, SHUT_RDWR);
	socket_remove_file(&p->address);
}

static void port_free(struct shared *s)
{
	struct port *p = container_of(s, struct port, shared);

	if (!p->inherited) {
		close(p->fd);
		socket_remove_file(&p->address);
	}
	mem_free(p->name);
	shared_fini(&p->shared);
	mem_free(p);
}

static int socket_open(const struct port_options *o, int *ret_fd, struct diag *d)
{
	int r;

	if (o->inherited_fd >= 0) {
		r = socket_adopt_listening(o->inherited_fd);
		if (r < 0)
			return diag_fail(d, r, "inherited descriptor %d cannot be used: %s",
					 o->inherited_fd, err_text(r));
		*ret_fd = o->inherited_fd;
		return 0;
	}
	r = socket_listen(&o->address, NULL, ret_fd);
	if (r < 0)
		return diag_fail(d, r, "cannot listen on %s: %s", address_text(&o->address),
				 err_text(r));
	return 0;
}

int port_open(const struct port_options *options, struct port **ret_port, struct diag *d)
{
	struct address peer;
	struct port *p;
	int fd, r;

	r = socket_open(options, &fd, d);
	if (r < 0)
		return r;
	p = mem_new(struct port);
	shared_init(&p->shared, options->domain, SHARED_COLD, port_free);
	p->fd = fd;
	p->inherited = options->inherited_fd >= 0;
	p->listener_slot = options->listener_slot;
	p->name = mem_strdup_str(options->listener_name);
	socket_addresses(fd, &p->address, &peer);
	if (p->address.len == 0)
		p->address = options->address;
	*ret_port = p;
	return 0;
}
