#pragma once

/*
 * Certificates for tests
 *
 * Made on the spot with P-256 keys: authorities, leaves with SPIFFE IDs or DNS names, expired
 * ones, ones that break a rule. Other layers' tests add ../net/certs.c to their sources.
 */

#include <stdbool.h>

#include "base/str.h"
#include "base/time.h"

/* Where the clock of the tests stands: 2026-01-01T00:00:00Z. */
#define TEST_WALL_SECONDS 1767225600LL

struct test_cert {
	char *pem;       /* the certificate alone */
	char *chain_pem; /* with its issuers but the root; for TLS */
	char *key_pem;
	void *x509; /* OpenSSL's, for issuing */
	void *key;
};

/* Text may be NULL: not there. */
struct test_cert_options {
	const struct test_cert *issuer; /* NULL: signs itself */
	const char *name;               /* CN */
	const char *sans;               /* "URI:spiffe://…,DNS:a.example,IP:127.0.0.1" */
	bool ca;
	int64_t not_before_seconds; /* from TEST_WALL_SECONDS; 0: an hour before */
	int64_t not_after_seconds;  /* from TEST_WALL_SECONDS; 0: a day after */
	const char *extended_usage; /* NULL: clientAuth,serverAuth */
	const char *usage;          /* "critical,digitalSignature"; NULL: as fits `ca` */
	void *key;                  /* OpenSSL's, to be certified; NULL: a new one. Not taken */
};

struct test_cert *test_cert_new(const struct test_cert_options *options);
struct test_cert *test_cert_free(struct test_cert *c);

/* A root, and a leaf with one SPIFFE ID issued by it. */
struct test_cert *test_ca_new(const char *name);
struct test_cert *test_svid_new(const struct test_cert *ca, const char *spiffe_id);
