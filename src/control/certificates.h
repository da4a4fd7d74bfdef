#pragma once

/*
 * The certificate service: istio.v1.auth.IstioCertificateService/CreateCertificate
 *
 * Who asks is proven by the connection, never by the request:
 *
 *	Unix socket   the kernel says which user connected. Root and the control plane's own
 *	              user may name any identity of the trust domain; others those that a rule
 *	              of MeshConfig.localIdentities grants them, by user, number or group.
 *	              The control plane's own identity is not theirs, whatever a rule says.
 *	TLS           the caller's SVID, verified by the connection: it renews itself alone.
 *
 * Which identity is wanted is metadata.ImpersonatedIdentity; over TLS it may be absent. A
 * metadata field that is not known is refused, since it may be meant to restrict.
 *
 * Each refusal is a row of the table below: a gRPC status, a counter, a line in the log, and
 * one sentence for the caller.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/counter.h"
#include "control/ca.h"
#include "event/loop.h"
#include "http/grpc.h"
#include "mesh/mesh_config.h"

#define CERTIFICATES_PATH          "/istio.v1.auth.IstioCertificateService/CreateCertificate"
#define CERTIFICATES_REQUEST_BYTES (64 * 1024)
#define CERTIFICATES_GROUPS_MAX    256

// clang-format off
#define CERTIFICATES_REFUSAL_MAP(X)                                                         \
	X(CERTIFICATES_MALFORMED,       "malformed",       GRPC_INVALID_ARGUMENT)           \
	X(CERTIFICATES_UNSUPPORTED,     "unsupported",     GRPC_INVALID_ARGUMENT)           \
	X(CERTIFICATES_BAD_CSR,         "bad_csr",         GRPC_INVALID_ARGUMENT)           \
	X(CERTIFICATES_BAD_KEY,         "bad_key",         GRPC_INVALID_ARGUMENT)           \
	X(CERTIFICATES_NO_IDENTITY,     "no_identity",     GRPC_INVALID_ARGUMENT)           \
	X(CERTIFICATES_BAD_IDENTITY,    "bad_identity",    GRPC_INVALID_ARGUMENT)           \
	X(CERTIFICATES_TRUST_DOMAIN,    "trust_domain",    GRPC_PERMISSION_DENIED)          \
	X(CERTIFICATES_UNKNOWN_CALLER,  "unknown_caller",  GRPC_PERMISSION_DENIED)          \
	X(CERTIFICATES_NOT_GRANTED,     "not_granted",     GRPC_PERMISSION_DENIED)          \
	X(CERTIFICATES_NOT_ITSELF,      "not_itself",      GRPC_PERMISSION_DENIED)          \
	X(CERTIFICATES_CANNOT_SIGN,     "cannot_sign",     GRPC_UNAVAILABLE)
// clang-format on

enum certificates_refusal {
#define X(id, name, status) id,
	CERTIFICATES_REFUSAL_MAP(X)
#undef X
		CERTIFICATES_REFUSAL_COUNT
};

/* "not_granted": for metrics and the log. */
const char *certificates_refusal_name(enum certificates_refusal r);

struct certificates_counters {
	struct counter issued;
	struct counter refused[CERTIFICATES_REFUSAL_COUNT];
};

/* Users and groups by name. True when there is such a name. */
struct certificates_names {
	bool (*user)(const char *name, uid_t *ret_uid);
	bool (*group)(const char *name, gid_t *ret_gid);
};

struct certificates {
	/* Set by the caller before the first request; the rest is zero. */
	struct ca *ca;
	struct loop *loop;
	const struct mesh_config *(*mesh_config)(void *user); /* the present one; never NULL */
	void *user;
	uid_t own_user;                         /* of the control plane: geteuid() */
	const struct certificates_names *names; /* NULL: those of the system */

	/* May be read. */
	struct certificates_counters counters;
};

/* For the on_unary of a grpc_method with CERTIFICATES_PATH and CERTIFICATES_REQUEST_BYTES. */
void certificates_serve(struct certificates *c, struct grpc_call *call, struct str request);

/*
 * The decision alone, without I/O: who may have which identity.
 */
enum certificates_proof {
	CERTIFICATES_PROOF_NONE,
	CERTIFICATES_PROOF_UNIX,
	CERTIFICATES_PROOF_TLS
};

struct certificates_caller {
	enum certificates_proof proof;
	pid_t pid;
	uid_t uid;
	gid_t groups[CERTIFICATES_GROUPS_MAX]; /* the primary one first */
	uint32_t group_count;
	struct str spiffe_id; /* of the SVID, over TLS */
};

/* Who is at the other end. */
void certificates_caller_of(const struct conn *conn, struct certificates_caller *ret_caller);

/*
 * Is `wanted` (empty: not said) granted? *ret_id is then the identity to be certified, borrowed
 * from `wanted` or the caller. False: *ret_refusal, and the sentence in `d`.
 */
bool certificates_decide(const struct certificates *c, const struct certificates_caller *caller,
			 struct str wanted, struct str *ret_id,
			 enum certificates_refusal *ret_refusal, struct diag *d);
