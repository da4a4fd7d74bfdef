#pragma once

/*
 * The control plane without its certificates: store, state, proxies, telemetry and the API on a
 * Unix socket, in a directory of their own, with a clock that the test moves
 */

#include "codec/node.h"
#include "control/api.h"
#include "control/certificates.h"
#include "control/rpc.h"
#include "control/telemetry.h"
#include "net/socket.h"

#include "test.h"

struct house {
	char dir[32];
	char db[64];
	char socket[64];
	struct loop *loop;
	struct chunk_stock chunks;
	struct store *store;
	struct proxies *proxies;
	struct state *state;
	struct telemetry *telemetry;
	struct api *api;
	struct grpc_service grpc;
	struct address address;
	int listening_fd;
	int peer_error; /* of asking who is at the other end */
	/* Not served: what they counted, for /metrics. */
	struct certificates certificates;
	struct rpc rpc;

	/* The last answer. */
	uint16_t status;
	char *body;
	char *allow; /* the field of that name, or NULL */
	struct pool pool;
	struct node *json; /* NULL: the body is none */
};

void house_open(struct house *h);
/* Nothing of it is left, in memory and on disk. */
void house_close(struct house *h);
/* Ends and begins anew from what the store has. */
void house_restart(struct house *h);
void house_turns(struct house *h, unsigned count);

/* Writes to the store fail, or not any more. */
void house_break_store(struct house *h, bool broken);
/* From now on whoever connects is this user. */
void house_peer_is(uid_t uid);

/* One request, until its answer is there; body NULL: none. Returns the status. */
uint16_t house_ask(struct house *h, const char *method, const char *path, const char *body);
/* Text at a path of the last answer; NULL when it is not there. Numbers as written. */
const char *house_text(struct house *h, const char *path);

/* A document as {kind: List, items: […]}; asserts that it is taken. */
void house_apply(struct house *h, const char *items);
void house_register(struct house *h, const char *items);

#define assert_answer(h, expected_status, expected_body)            \
	do {                                                        \
		assert_string_equal((h)->body, expected_body "\n"); \
		assert_int_equal((h)->status, expected_status);     \
	} while (0)

#define SERVICE_JSON(name)                                                           \
	"{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"" name \
	"\",\"namespace\":\"shop\"},\"spec\":{\"selector\":{\"app\":\"" name         \
	"\"},\"ports\":[{\"name\":\"http\",\"port\":9080,\"appProtocol\":\"http\"}]}}"

#define WORKLOAD_JSON(name, app, octet, readiness)                                       \
	"{\"apiVersion\":\"weft.dev/"                                                    \
	"v1alpha1\",\"kind\":\"Workload\",\"metadata\":{\"name\":\"" name                \
	"\",\"namespace\":\"shop\",\"labels\":{\"app\":\"" app                           \
	"\",\"version\":\"v1\"}},\"spec\":{\"address\":\"127.77.0." octet                \
	"\",\"serviceAccount\":\"" app "\",\"ports\":[{\"name\":\"http\",\"port\":9080," \
	"\"meshPort\":15006,\"protocol\":\"http\"}],\"readiness\":\"" readiness "\"}}"

#define ROUTE_JSON(backend)                                                                      \
	"{\"apiVersion\":\"gateway.networking.k8s.io/v1\",\"kind\":\"HTTPRoute\",\"metadata\":{" \
	"\"name\":\"reviews\",\"namespace\":\"shop\"},\"spec\":{\"parentRefs\":[{\"group\":"     \
	"\"\",\"kind\":\"Service\",\"name\":\"reviews\",\"port\":9080}],\"rules\":[{"            \
	"\"backendRefs\":[{\"name\":\"" backend "\",\"port\":9080}]}]}}"

#define LIST_JSON(items) "{\"kind\":\"List\",\"apiVersion\":\"v1\",\"items\":[" items "]}"
