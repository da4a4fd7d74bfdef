#pragma once

/*
 * The certificate authority
 *
 *	root (10 years) ──signs──▶ issuing (7 days) ──signs──▶ leaf (at most 24 hours)
 *	   the trust anchor           path length 0               an X.509-SVID
 *
 * Root and issuing key are made at the first start and kept by the store. The trust domain is
 * a name in the root, so it is fixed then too. The issuing certificate travels with each leaf;
 * so it is replaced without anybody being told, before a leaf would have to end early because
 * of it. A leaf never outlives its issuer, nor an issuer the root.
 *
 * What is asked is not judged here but by who serves the request (control/certificates.h).
 * Times are given by the caller; nothing here waits. Its own changes are logged (ca.*).
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/pool.h"
#include "base/time.h"
#include "identity/key.h"
#include "identity/source.h"

#define CA_TRUST_DOMAIN_DEFAULT "weft.local"
#define CA_VALIDITY_MIN         DURATION_SECONDS(5 * 60)
#define CA_VALIDITY_MAX         DURATION_SECONDS(24 * 3600)
#define CA_ISSUING_VALIDITY     DURATION_SECONDS(7 * 24 * 3600)
#define CA_ROOT_VALIDITY        DURATION_SECONDS(3652 * 24 * 3600LL)

/* Names of the facts. Each holds a private key and its certificate as PEM, written at once. */
#define CA_FACT_ROOT            "ca.root"
#define CA_FACT_ISSUING         "ca.issuing"

struct ca;

/* Where its keys are kept: ca_facts_of(store), or what a test makes up. */
struct ca_facts {
	/* ERR_NOT_FOUND when absent. */
	int (*get)(void *user, const char *name, struct pool *pool, struct str *ret_value);
	int (*set)(void *user, const char *name, struct str value);
	void *user;
};

struct store;
struct ca_facts ca_facts_of(struct store *s);

struct ca_options {
	struct ca_facts facts;
	struct str trust_domain; /* empty: as it is, or the default at the first start */
	struct duration
		validity_min; /* of a leaf; 0: as above, or the longest where that is less */
	struct duration validity_max;     /* and what a caller gets who does not say; 0: as above */
	struct duration issuing_validity; /* 0: as above, or four times the longest leaf */
};

/*
 * Reads the authority, or makes it when there is none. ERR_CONFIG when another trust domain is
 * asked for than it has, ERR_CORRUPT when what is stored makes no sense, and what the facts
 * return; `d` has the sentence.
 */
must_check int ca_new(const struct ca_options *options, struct wall_time now, struct ca **ret_ca,
		      struct diag *d);
struct ca *ca_free(struct ca *ca);
DEFINE_CLEANUP(struct ca *, ca_free)

struct str ca_trust_domain(const struct ca *ca);
/* The trust anchor, PEM. */
struct str ca_root_pem(const struct ca *ca);
struct wall_time ca_root_not_after(const struct ca *ca);
struct wall_time ca_issuing_not_after(const struct ca *ca);
/* Was the authority made by ca_new() rather than read? For the log of the first start. */
bool ca_is_new(const struct ca *ca);
uint64_t ca_issued_count(const struct ca *ca);
uint64_t ca_rotated_count(const struct ca *ca);

struct ca_request {
	const struct key *key;    /* its public half is certified */
	struct str spiffe_id;     /* valid, of the trust domain, with a path */
	struct duration validity; /* clamped; 0: the most there is */
	struct wall_time now;
};

/* What was signed, each with its PEM text in the pool or living as long as the authority. */
struct ca_certificate {
	struct str leaf_pem;
	struct str issuing_pem;
	struct str root_pem;
	struct wall_time not_after;
	struct str serial; /* hexadecimal, lower case */
};

/* ERR_UNAVAILABLE when nothing can be signed any more: the root has ended, or no issuing
 * certificate could be made. */
must_check int ca_sign(struct ca *ca, const struct ca_request *request, struct pool *pool,
		       struct ca_certificate *ret_certificate, struct diag *d);

/*
 * The control plane's own identity: for identity_options.sign, with a struct ca_own as sign_user.
 */
struct ca_own {
	struct ca *ca;
	struct loop *loop; /* for the time */
};
int ca_sign_own(void *sign_user, struct str csr_pem, struct duration validity,
		struct identity_grant *ret_grant, struct diag *d);
