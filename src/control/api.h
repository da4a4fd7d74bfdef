#pragma once

/*
 * The API: documents over HTTP/1 on a Unix socket
 *
 *	GET                      /api/… /apis/…            an object, or a list (mesh/kind.h)
 *	PUT DELETE               /api/…/NAME               one object, as one revision
 *	POST                     /apply                    {kind: List, items, deletions}
 *	POST                     /weft/v1/register         what `weft run` writes
 *	GET                      /weft/v1/history          revisions, newest first
 *	GET                      /weft/v1/revisions/N      the documents as they stood
 *	POST                     /weft/v1/rollback?to=N    a new revision with that content
 *	GET                      /weft/v1/info status proxies stat
 *	POST                     /weft/v1/backup?path=FILE
 *	GET                      /metrics /healthz
 *
 * `dryRun=true` goes through everything but the store. Every error is a JSON Status with one
 * sentence, the code of the problem, its path in the request (`items[3].spec.rules[0].timouts`)
 * and the fix; docs/reference/api.md has all of it. Writes are taken from root and the control
 * plane's own user, and room is kept for these two. The same socket takes gRPC over HTTP/2 for
 * certificates, told apart by the preface.
 *
 * Every request is answered once, at once: nothing here waits. A client that stops in the
 * middle of its request, or does not read its answer, is left after half a minute.
 */

#include "control/proxies.h"
#include "control/state.h"
#include "control/store.h"
#include "http/grpc.h"
#include "http/server.h"
#include "net/acceptor.h"
#include "net/socket.h"

struct certificates;
struct identity;
struct rpc;
struct telemetry;

struct api_options {
	struct loop *loop;
	struct chunk_stock *chunks;
	struct state *state;
	struct store *store;
	struct proxies *proxies;
	struct telemetry *telemetry;
	const struct grpc_service *grpc; /* of this socket; may be NULL */
	struct str xds_address;          /* "127.0.0.1:15012": where proxies connect */
	/* For /metrics; each may be NULL. */
	const struct certificates *certificates;
	const struct rpc *rpc;
	const struct identity *identity;
	/* Who is at the other end; NULL: socket_peer_of(). */
	int (*peer_of)(int fd, struct socket_peer *ret_peer);
};

struct api;

/* Serves on a Unix socket that is listening already; the descriptor stays the caller's. */
must_check int api_new(const struct api_options *options, int listening_fd, struct api **ret_api);
/* Takes no more connections and ends those that are open, but for answers that are on their
 * way. Free it when api_is_idle(). */
void api_close(struct api *a);
/* Ends these too. */
void api_abort(struct api *a);
bool api_is_idle(const struct api *a);
struct api *api_free(struct api *a);

/* Prints all that the control plane works on; see base/dump.h. */
void api_inside(const struct api *a, struct dump *d);
