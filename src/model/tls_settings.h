#pragma once

/*
 * TLS contexts, compiled from DownstreamTlsContext and UpstreamTlsContext
 *
 * What the proxy needs to build a struct tls_context (net/tls.h) once the secrets are there.
 * A certificate or trust bundle is inline, in a file, or a secret by SDS name; names `default`
 * and `ROOTCA` are served by src/identity inside the proxy.
 */

#include "model/part.h"
#include "rules/match.h"

enum san_type { SAN_URI, SAN_DNS, SAN_IP };

struct san_match {
	enum san_type type;
	struct text_match text;
};

struct tls_settings {
	bool downstream;
	uint16_t version_min; /* 0x0303, 0x0304 */
	uint16_t version_max;
	struct str *alpn;
	uint32_t alpn_count;
	/* Own certificate: a secret by name, or PEM (read from files at compile time). */
	struct str certificate_secret;
	struct str certificate_pem; /* chain, leaf first */
	struct str key_pem;
	/* Validation of the peer. */
	bool verify_peer; /* a trust anchor is configured */
	struct str trust_secret;
	struct str trust_pem;
	bool require_client_certificate; /* downstream */
	struct san_match *sans;          /* one must match; none: any name */
	uint32_t san_count;
	struct str sni; /* upstream */
};

/* Most bytes of a certificate chain, of a key, of a trust bundle. */
#define TLS_PEM_BYTES_MAX (1 << 20)

/*
 * Compile the transport_socket field of a filter chain or a cluster: NULL for plaintext.
 * What is inline or in files is checked as a whole, key against certificate.
 */
struct compile;
must_check int tls_downstream_compile(struct compile *c, const struct pb_message *m, unsigned field,
				      struct tls_settings **ret_tls);
must_check int tls_upstream_compile(struct compile *c, const struct pb_message *m, unsigned field,
				    struct tls_settings **ret_tls);
/* PEM of a TlsCertificate (both must be there), and of a CertificateValidationContext's
 * trusted_ca (empty when absent). */
must_check int tls_certificate_compile(struct compile *c, const struct pb_message *m,
				       struct str *ret_certificate, struct str *ret_key);
must_check int tls_trust_compile(struct compile *c, const struct pb_message *m,
				 struct str *ret_trust);
/* Parses what PEM is in `t`, key against certificate; fails at `m`. */
must_check int tls_pem_check(struct compile *c, const struct pb_message *m,
			     const struct tls_settings *t);
