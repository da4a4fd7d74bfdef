#pragma once

/*
 * X.509-SVID: who a program is
 *
 * A SPIFFE ID, the key, the certificate chain that proves it, and the trust anchors of its
 * trust domain. Immutable and shared by threads; a renewed one is a new object, and contexts
 * for new connections are made from it.
 *
 * An SVID is accepted by the rules of the X.509-SVID standard (§4, §5): exactly one URI name,
 * a SPIFFE ID with a path, on a certificate that is no CA, may sign (digitalSignature) and may
 * not sign certificates; when usages are listed, server and client are both among them; the
 * chain leads to the anchors now, and the key is the certificate's.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/time.h"
#include "message/spiffe.h"
#include "net/tls.h"

#define SVID_CHAIN_COUNT_MAX  8
#define SVID_ANCHOR_COUNT_MAX 64
#define SVID_PEM_BYTES_MAX    (256 * 1024)

struct svid {
	struct spiffe_id id; /* slices of id_text */
	struct str id_text;
	struct str key_pem;
	struct str chain_pem; /* leaf first, without the anchor */
	struct str trust_pem; /* anchors */
	struct wall_time not_before;
	struct wall_time not_after;
	struct str serial; /* hexadecimal, lower case */
	_Atomic uint32_t refs;
	char *memory; /* holds all text */
	size_t memory_bytes;
};

struct svid_parts {
	struct str key_pem;
	struct str chain_pem;
	struct str trust_pem;
};

/*
 * Checks the parts by the rules above; all text is copied. `wanted_id` not empty: it must be
 * that identity. ERR_CONFIG with the reason in `d` (which may be NULL).
 */
must_check int svid_new(const struct svid_parts *parts, struct str wanted_id, struct wall_time now,
			struct svid **ret_svid, struct diag *d);
struct svid *svid_ref(struct svid *s);
/* Accepts NULL; returns NULL. From any thread; the last one wipes the key. */
struct svid *svid_unref(struct svid *s);
DEFINE_CLEANUP(struct svid *, svid_unref)

static inline bool svid_is_valid_at(const struct svid *s, struct wall_time t)
{
	return t.ns >= s->not_before.ns && t.ns < s->not_after.ns;
}

/*
 * Files. DIR (0700, ours) holds svid.pem (0600): key, chain and anchors in one file, so that
 * at any moment it is one SVID, whole. The directory belongs on a tmpfs: keys do not touch a
 * disk.
 */
#define SVID_FILE "svid.pem"

/* -errno; ERR_DENIED when the directory is another user's or open to others. */
must_check int svid_save(const struct svid *s, const char *dir);
/* What was saved, checked as in svid_new(). -ENOENT where nothing was; ERR_DENIED as above. */
must_check int svid_load(const char *dir, struct str wanted_id, struct wall_time now,
			 struct svid **ret_svid, struct diag *d);

/* Both sides show a certificate, and the peer must show an SVID of the trust domain. */
struct svid_tls_options {
	enum tls_role role;
	const struct str *alpn; /* in order of preference */
	uint32_t alpn_count;
	const struct tls_san_matcher *sans; /* one must match; none: any of the trust domain */
	uint32_t san_count;
	struct str trust_domain; /* of the peer; empty: the SVID's own */
};

must_check int svid_tls_context(const struct svid *s, const struct svid_tls_options *options,
				struct tls_context **ret_context, struct diag *d);

/* "spiffe://TRUSTDOMAIN/ns/weft-system/sa/control": what a control plane must be. */
#define SVID_CONTROL_NAMESPACE "weft-system"
#define SVID_CONTROL_ACCOUNT   "control"
void svid_control_id(struct str trust_domain, struct buf *out);

/* The context of a client that talks to the control plane of its own trust domain: HTTP/2, and
 * the server must be what svid_control_id() says. */
must_check int svid_control_client_context(const struct svid *s, struct tls_context **ret_context,
					   struct diag *d);
