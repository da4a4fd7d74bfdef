#pragma once

/*
 * TLS over any connection
 *
 * tls_conn_new_take() puts a struct conn over another one. OpenSSL reads from the lower
 * connection's chunk and writes into chunks that go down in one conn_send(); it never sees a
 * descriptor. The records of one conn_send() leave in one lower send.
 *
 *	user ── conn_send ──▶ SSL_write ──▶ chunks ──▶ conn_send(lower)
 *	user ◀── on_data ─── SSL_read ◀── lower->in
 *
 * A struct tls_context is everything that is decided before a connection: identity, trust,
 * versions, names that the peer must have. It is immutable and shared by threads; a rotated
 * certificate is a new context for new connections.
 *
 * Sessions are not resumed: a resumed session skips the peer's certificate, so a certificate
 * that expired, or a name that is no longer allowed, would go on being accepted. There is no
 * renegotiation, no compression, no early data.
 *
 * A failed handshake closes the connection with ERR_TLS (ERR_TIMEOUT when it took too long);
 * c->tls->failure and failure_text say why, in words that stay the same between releases. The
 * peer is told by an alert. The end of input is on_eof only behind a close_notify; without
 * one the connection closes with ERR_TLS and TLS_FAILURE_TRUNCATED.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/macro.h"
#include "base/time.h"
#include "message/text_match.h"
#include "net/certificate.h"
#include "net/conn.h"

#define TLS_VERSION_1_2       0x0303
#define TLS_VERSION_1_3       0x0304

#define TLS_HANDSHAKE_TIMEOUT DURATION_SECONDS(15)

/* Stable names for counters, and the text that begins failure_text. */
// clang-format off
#define TLS_FAILURE_MAP(X)                                                                  \
	X(TLS_FAILURE_NONE,           "none",           "no failure")                        \
	X(TLS_FAILURE_TIMEOUT,        "timeout",        "handshake timed out")               \
	X(TLS_FAILURE_CONNECTION,     "connection",     "connection lost during handshake")  \
	X(TLS_FAILURE_NO_CERTIFICATE, "no_certificate", "no client certificate")             \
	X(TLS_FAILURE_VERIFY,         "verify",         "certificate verify failed")         \
	X(TLS_FAILURE_SAN,            "san",            "san mismatch")                      \
	X(TLS_FAILURE_TRUST_DOMAIN,   "trust_domain",   "trust domain mismatch")             \
	X(TLS_FAILURE_NOT_SVID,       "not_svid",       "not an X.509-SVID")                 \
	X(TLS_FAILURE_ALERT,          "alert",          "alert from the peer")               \
	X(TLS_FAILURE_PROTOCOL,       "protocol",       "TLS protocol error")                \
	X(TLS_FAILURE_TRUNCATED,      "truncated",      "closed without close_notify")
// clang-format on

enum tls_failure {
#define X(id, name, text) id,
	TLS_FAILURE_MAP(X)
#undef X
		TLS_FAILURE_COUNT,
};

/* "san" and "san mismatch". */
const char *tls_failure_name(enum tls_failure f);
const char *tls_failure_text(enum tls_failure f);

enum tls_san_type { TLS_SAN_URI, TLS_SAN_DNS, TLS_SAN_IP };

struct tls_san_matcher {
	enum tls_san_type type;
	/* DNS names are compared without case; an exact one matches wildcards of the certificate.
	 */
	struct text_match text;
};

enum tls_role { TLS_CLIENT, TLS_SERVER };

enum tls_verify {
	TLS_VERIFY_NONE,     /* a server asks for no certificate, a client takes any */
	TLS_VERIFY_OPTIONAL, /* servers: a certificate need not come, but must be good */
	TLS_VERIFY_REQUIRED,
};

/* All text is copied. */
struct tls_options {
	enum tls_role role;
	struct str certificate_pem; /* leaf first; a server must have one */
	struct str key_pem;
	struct str trust_pem; /* anchors; needed unless verify is NONE */
	enum tls_verify verify;
	uint16_t version_min;   /* 0: TLS 1.3 */
	uint16_t version_max;   /* 0: TLS 1.3 */
	const struct str *alpn; /* in order of preference; the server's order wins */
	uint32_t alpn_count;
	/* One must match one of the peer's names; none: any name. */
	const struct tls_san_matcher *sans;
	uint32_t san_count;
	/* Not empty: the peer must show an X.509-SVID of this trust domain, that is exactly one
	 * URI name, a SPIFFE ID, on a certificate that is no CA. */
	struct str trust_domain;
};

struct tls_context;

/* ERR_CONFIG with the reason in `d` (which may be NULL). */
must_check int tls_context_new(const struct tls_options *options, struct tls_context **ret_context,
			       struct diag *d);
struct tls_context *tls_context_ref(struct tls_context *context);
/* Accepts NULL; returns NULL. From any thread. */
struct tls_context *tls_context_unref(struct tls_context *context);
DEFINE_CLEANUP(struct tls_context *, tls_context_unref)

/* Our own leaf certificate; NULL where there is none. Lives as long as the context. */
const struct certificate *tls_context_certificate(const struct tls_context *context);
/* Number of anchors, and each: for /certs. */
uint32_t tls_context_anchor_count(const struct tls_context *context);
const struct certificate *tls_context_anchor(const struct tls_context *context, uint32_t index);

#define TLS_FAILURE_TEXT_BYTES 160

/* Facts of one connection: c->tls. There from the beginning, filled as they become known. */
struct tls_info {
	bool established; /* the handshake was completed */
	bool mutual;      /* both showed a certificate, and the peer's was verified */
	uint16_t version; /* TLS_VERSION_1_3; 0 before the handshake */
	const char *version_text;
	const char *cipher;             /* "TLS_AES_256_GCM_SHA384" */
	struct str alpn;                /* empty: none was agreed on */
	struct str sni;                 /* sent, or received */
	const struct certificate *peer; /* also when it was refused; NULL: none came */
	enum tls_failure failure;
	char failure_text[TLS_FAILURE_TEXT_BYTES]; /* with the detail behind a colon */
};

/* For x-forwarded-client-cert: false when the peer showed no certificate. */
bool tls_peer_pem(const struct conn *c, struct buf *out);
bool tls_peer_sha256(const struct conn *c, uint8_t ret_hash[32]);

struct tls_conn_options {
	struct tls_context *context;       /* referenced, not taken */
	struct str sni;                    /* clients; empty: none is sent */
	struct duration handshake_timeout; /* since the lower one is open; 0: 15 s */
};

/*
 * TLS over `lower`, which may be connecting or open and may hold unread input: it is the TLS
 * connection's from now on, closing included. on_open follows when the peer was accepted.
 * Never NULL; what fails at once arrives as on_closed.
 */
struct conn *tls_conn_new_take(struct conn *lower, const struct tls_conn_options *options,
			       const struct conn_handler *handler);

/*
 * TLS 1.3: new keys for what we send, and for what the peer sends when ask_peer is set. This
 * happens by itself before a key has been used for too many records.
 */
must_check int tls_conn_update_keys(struct conn *c, bool ask_peer);
