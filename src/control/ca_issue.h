#pragma once

/*
 * Making certificates: what stands in a root, an issuing certificate and a leaf
 *
 * The extensions of each kind are a row of a table in ca_issue.c. For control/ca.c alone.
 */

#include "base/diag.h"
#include "base/time.h"
#include "identity/openssl.h"

enum ca_kind { CA_ROOT, CA_ISSUING, CA_LEAF, CA_KIND_COUNT };

/* One authority: a key and its certificate, ready to sign. */
struct ca_signer {
	struct key *key;
	X509 *x509;
	char *pem; /* of the certificate */
	struct wall_time not_before;
	struct wall_time not_after;
	/* What each certificate that it signs carries: made once. */
	STACK_OF(X509_EXTENSION) * extensions;
};

struct ca_wish {
	enum ca_kind kind;
	const struct key *key; /* of the subject */
	struct str spiffe_id;
	struct wall_time not_before;
	struct wall_time not_after;
	const struct ca_signer *issuer; /* NULL: signs itself */
};

/* ERR_UNAVAILABLE when OpenSSL cannot: for want of random numbers. */
must_check int ca_issue(const struct ca_wish *wish, X509 **ret_x509);

/* Appends the serial number as struct certificate has it. */
void ca_append_serial(X509 *x, struct buf *out);

/* Takes both, and prepares to sign `kind`. ERR_CORRUPT when the key is not the certificate's. */
must_check int ca_signer_new_take(struct key *key, X509 *x509, enum ca_kind kind,
				  struct ca_signer **ret_signer);
struct ca_signer *ca_signer_free(struct ca_signer *s);
DEFINE_CLEANUP(struct ca_signer *, ca_signer_free)

/* Text that keeps a signer: its key and its certificate. */
void ca_signer_append(const struct ca_signer *s, struct buf *out);
must_check int ca_signer_read(struct str text, enum ca_kind kind, struct ca_signer **ret_signer);

/* Was this one's certificate signed by `issuer`? */
bool ca_signer_is_by(const struct ca_signer *s, const struct ca_signer *issuer);
