#pragma once

/*
 * gRPC over mutual TLS: the port where proxies connect
 *
 * HTTP/2 only. A connection is let in by its SVID; what the SVID may do is each method's
 * business. The context is replaced when the control plane's own SVID is renewed; connections
 * that are open go on with the one that let them in.
 */

#include "http/grpc.h"
#include "http/server.h"
#include "net/acceptor.h"
#include "net/tls.h"

#define RPC_CONNECTIONS_MAX 20000

struct rpc {
	/* Set by the caller; the rest is zero. */
	struct loop *loop;
	struct chunk_stock *chunks;
	const struct grpc_service *service;

	/* May be read. */
	uint32_t connection_count;
	uint64_t handshakes_failed;
	uint64_t refused; /* over RPC_CONNECTIONS_MAX, or before the first SVID */

	/* private */
	struct tls_context *context;
	struct acceptor acceptor;
	struct list connections;
};

/* The descriptor stays the caller's. */
must_check int rpc_start(struct rpc *r, int listening_fd);
/* Takes a reference. Until there is one, connections are closed at once. */
void rpc_set_context(struct rpc *r, struct tls_context *context);
/* No new connections; those that are open are ended. Also before rpc_start(). */
void rpc_close(struct rpc *r);
/* When connection_count is 0. */
void rpc_fini(struct rpc *r);
