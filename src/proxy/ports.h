#pragma once

/*
 * Ports: the sockets that workers accept on
 *
 * One listening socket per address, shared by all workers. A port leads to a listener by slot:
 * to the listener that asked for the address itself (bind_to_port), or, for a binding of
 * explicit mode, to whatever listener of that name the control plane sends; until then the
 * worker holds what it accepts. A descriptor inherited from a supervisor is never closed.
 */

#include <stdbool.h>

#include "base/diag.h"
#include "message/address.h"
#include "proxy/shared.h"

/* Descriptors passed by name: LISTEN_FDS and LISTEN_FDNAMES of the environment. */
#define INHERITED_MAX 512

struct inherited_fd {
	const char *name;
	int fd;
	bool used;
};

struct inherited {
	struct inherited_fd items[INHERITED_MAX];
	uint32_t count;
	char *names;
};

/* Reads the environment; a wrong number or name list is ERR_CONFIG. */
must_check int inherited_read(struct inherited *in, struct diag *d);
void inherited_fini(struct inherited *in);
/* The descriptor of that name, marked as used; -1 when none was passed. */
int inherited_find(struct inherited *in, struct str name);

struct port {
	struct shared shared;
	struct address address; /* as bound, with the number that the system chose */
	int fd;
	bool inherited;
	uint32_t listener_slot;
	char *name; /* of the listener */
};

struct port_options {
	struct shared_domain *domain;
	struct str listener_name;
	struct address address;
	uint32_t listener_slot;
	int inherited_fd; /* -1: bind to the address */
};

/* Binds and listens, or adopts. -errno or ERR_CONFIG with the reason in `d`. */
must_check int port_open(const struct port_options *options, struct port **ret_port,
			 struct diag *d);

/* Nobody is let in any more: connecting fails from now on. Nothing for an inherited one, which
 * somebody else may be accepting on. */
void port_shut(struct port *p);

static inline struct port *port_of(struct shared *s)
{
	return s ? container_of(s, struct port, shared) : NULL;
}
