#pragma once

/*
 * The certificate service, with an authority, behind connections of every kind
 */

#include "control/certificates.h"
#include "http/server.h"

#include "facts.h"
#include "../net/peer.h"

struct office {
	struct world world;
	struct facts facts;
	struct certificates certificates;
	struct grpc_service service;
	uint32_t open; /* connections at the service */
};

void office_init(struct office *o);
/* Clients must have left. */
void office_fini(struct office *o);

/* Serves a connection from now on. */
void office_serve_take(struct office *o, struct conn *c);

/* The client's end of a new connection to the service. */
struct conn *office_connect_unix(struct office *o); /* a socket: this process is the caller */
struct conn *office_connect_memory(struct office *o);
/* TLS in memory, shown these: by the service, and by the client. */
struct conn *office_connect_tls(struct office *o, struct tls_context *server,
				struct tls_context *client);

/* Turns of the loop until the sockets are quiet too. */
void office_turn(struct office *o);
