#pragma once

/*
 * Inside of TLS, for the files of src/net alone: the only header with OpenSSL's types
 */

#include <stdatomic.h>

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "net/conn_impl.h"
#include "net/tls.h"

struct tls_context {
	_Atomic uint32_t refs;
	SSL_CTX *ssl_ctx;
	enum tls_role role;
	enum tls_verify verify;
	struct tls_san_matcher *sans;
	uint32_t san_count;
	struct str trust_domain;
	uint8_t *alpn; /* as on the wire: each with its length before it */
	uint32_t alpn_len;
	struct certificate *certificate;
	struct certificate **anchors;
	uint32_t anchor_count;
	struct pool pool;
};

struct tls_conn {
	struct conn conn;
	struct conn *lower; /* NULL once it is closed, or was let go */
	SSL *ssl;
	struct tls_context *context;
	struct certificate *peer;
	struct chunk_queue out; /* records on their way down, within one call */
	bool broken;            /* OpenSSL must not be called again */
	uint32_t records_sent;  /* with the present key */
	bool certificate_shown; /* clients: the server asked for ours */
	char *sni;
	struct duration handshake_timeout;
	struct timer timeout; /* of the handshake */
	struct deferred more;
	struct tls_info info;
};

/* Records why. The first reason stands. `detail` may be NULL. */
void tls_set_failure(struct tls_info *info, enum tls_failure f, const char *detail);

/* "unknown ca" for 48. */
const char *tls_alert_text(int alert);

/* For SSL_CTX_set_cert_verify_callback(); `arg` is the context. */
int tls_verify_peer(X509_STORE_CTX *store, void *arg);

/* The facts of a certificate. ERR_SYNTAX, ERR_LIMIT. */
must_check int certificate_from_x509(X509 *x, struct certificate **ret_certificate);
