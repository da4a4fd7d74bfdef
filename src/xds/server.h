#pragma once

/*
 * xDS server: delta ADS streams over gRPC
 *
 * Each accepted call is an xds_stream: a delta_stream and the deferred work that sends what
 * became dirty. Whoever serves gRPC (the control plane) registers the method of
 * xds_server_method_path and hands calls over with xds_server_accept().
 */

#include "event/loop.h"
#include "http/grpc.h"
#include "xds/delta_server.h"

struct xds_stream {
	struct delta_stream delta; /* its user is this struct xds_stream */
	struct xds_server *server;
	struct grpc_call *call;
	struct list in_server;
	struct deferred pump;
	struct timer node_wait; /* for the first request */
	struct timer warm_wait; /* for endpoints that the client does not ask for */
	struct buf message;
	struct instant opened;
	uint64_t messages_sent;
	void *user; /* of the server's owner: set in on_node */
};

struct xds_server_callbacks {
	struct delta_source source;
	/* The stream is gone; drop what `user` of it points to. Comes also for a stream whose
	 * node was refused or never seen. */
	void (*on_closed)(struct xds_stream *s);
};

struct xds_server {
	struct loop *loop;
	const struct xds_server_callbacks *callbacks;
	void *user;
	struct list streams; /* struct xds_stream.in_server */
	struct interests interests;
	uint32_t stream_count;
	uint32_t streams_max;
};

/* A stream whose first request does not come within this time is ended. */
#define XDS_NODE_TIMEOUT      DURATION_SECONDS(15)

/* Listeners and routes wait no longer than this for a client that takes all clusters to ask for
 * the endpoints of each. */
#define XDS_WARM_TIMEOUT      DURATION_SECONDS(5)

/* Most bytes of a request: the names and versions of a large client. */
#define XDS_REQUEST_BYTES_MAX (32 * 1024 * 1024)

void xds_server_init(struct xds_server *s, struct loop *loop,
		     const struct xds_server_callbacks *callbacks, void *user);
/* All streams must be closed. */
void xds_server_fini(struct xds_server *s);

/* From the on_begin of the method. Over streams_max the call is refused RESOURCE_EXHAUSTED. */
void xds_server_accept(struct xds_server *s, struct grpc_call *call);
/* Ends every stream with UNAVAILABLE: clients come back elsewhere or later. */
void xds_server_close(struct xds_server *s);

/* The content of a name changed: marks it in every stream that wants it, at no cost of others. */
void xds_server_changed(struct xds_server *s, enum xds_type type, struct str name);

/* The stream that a callback of delta_source speaks of. */
static inline struct xds_stream *xds_stream_of(struct delta_stream *d)
{
	return container_of(d, struct xds_stream, delta);
}
