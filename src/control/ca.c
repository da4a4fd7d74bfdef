#include "control/ca.h"

#include <assert.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/ca_issue.h"
#include "control/store.h"
#include "identity/csr.h"
#include "identity/svid.h"
#include "message/spiffe.h"
#include "net/certificate.h"

/* Clocks differ: what is signed now is valid on a machine whose clock is this much behind. */
#define LEAF_BACKDATE   DURATION_SECONDS(60)
#define SIGNER_BACKDATE DURATION_SECONDS(3600)
/* Time to sign the next issuing certificate in, should the store refuse at first. */
#define ROTATE_MARGIN   DURATION_SECONDS(3600)

#define NS_PER_SECOND   1000000000

struct ca {
	struct ca_facts facts;
	struct duration validity_min;
	struct duration validity_max;
	struct duration issuing_validity;
	char *trust_domain;
	struct ca_signer *root;
	struct ca_signer *issuing;
	bool is_new;
	uint64_t issued;
	uint64_t rotated;
};

static struct wall_time wall_after(struct wall_time t, struct duration d)
{
	return (struct wall_time){ t.ns + d.ns };
}

static struct wall_time wall_before(struct wall_time t, struct duration d)
{
	return (struct wall_time){ t.ns - d.ns };
}

static struct wall_time earlier_of(struct wall_time a, struct wall_time b)
{
	return a.ns < b.ns ? a : b;
}

/*
 * Keeping signers
 */

static int save(struct ca *ca, const char *fact, const struct ca_signer *s, struct diag *d)
{
	cleanup(key_wipe) struct buf text = BUF_INIT(0);
	int r;

	ca_signer_append(s, &text);
	r = ca->facts.set(ca->facts.user, fact, buf_str(&text));
	return r < 0 ? diag_fail(d, r, "\"%s\" cannot be stored: %s", fact, err_text(r)) : 0;
}

/* `signs`: what it will be used for. */
static int load(struct ca *ca, const char *fact, enum ca_kind signs, struct ca_signer **ret_signer,
		struct diag *d)
{
	struct pool pool = POOL_INIT(0);
	struct str text;
	int r = ca->facts.get(ca->facts.user, fact, &pool, &text);

	if (r == 0)
		r = ca_signer_read(text, signs, ret_signer);
	pool_fini(&pool);
	if (r < 0 && r != ERR_NOT_FOUND)
		return diag_fail(d, r, "\"%s\" cannot be read: %s", fact, err_text(r));
	return r;
}

/*
 * Making signers
 */

static void trust_domain_id(const struct ca *ca, struct buf *out)
{
	buf_printf(out, "spiffe://%s", ca->trust_domain);
}

/* A new key with its certificate, which will sign `signs`. */
static int make_signer(struct ca *ca, struct ca_wish *wish, enum ca_kind signs,
		       struct ca_signer **ret_signer)
{
	cleanup(key_freep) struct key *key = NULL;
	struct buf id = BUF_INIT(0);
	X509 *x509;
	int r = key_new(&key);

	trust_domain_id(ca, &id);
	wish->spiffe_id = buf_str(&id);
	wish->key = key;
	if (r == 0)
		r = ca_issue(wish, &x509);
	if (r == 0)
		r = ca_signer_new_take(TAKE(key), x509, signs, ret_signer);
	buf_fini(&id);
	return r;
}

static int make_root(struct ca *ca, struct wall_time now, struct diag *d)
{
	struct ca_wish wish = {
		.kind = CA_ROOT,
		.not_before = wall_before(now, SIGNER_BACKDATE),
		.not_after = wall_after(now, CA_ROOT_VALIDITY),
	};
	int r = make_signer(ca, &wish, CA_ISSUING, &ca->root);

	if (r < 0)
		return diag_fail(d, r, "no root key could be made: %s", err_text(r));
	ca->is_new = true;
	log_info("ca.created", "trust_domain=%s", ca->trust_domain);
	return save(ca, CA_FACT_ROOT, ca->root, d);
}

/* Stored before it is used: what it signs must be explained by what is kept. */
static int make_issuing(struct ca *ca, struct wall_time now, struct diag *d)
{
	cleanup(ca_signer_freep) struct ca_signer *s = NULL;
	struct ca_wish wish = {
		.kind = CA_ISSUING,
		.issuer = ca->root,
		.not_before = wall_before(now, SIGNER_BACKDATE),
		.not_after = earlier_of(wall_after(now, ca->issuing_validity), ca->root->not_after),
	};
	int r = make_signer(ca, &wish, CA_LEAF, &s);

	if (r < 0)
		return diag_fail(d, r, "no issuing key could be made: %s", err_text(r));
	r = save(ca, CA_FACT_ISSUING, s, d);
	if (r < 0)
		return r;
	ca_signer_free(ca->issuing);
	ca->issuing = TAKE(s);
	return 0;
}

/*
 * Rotation
 */

/* Would the longest leaf have to end early, or soon? And would another one be better? */
static bool must_rotate(const struct ca *ca, struct wall_time now)
{
	int64_t margin = min_of(ROTATE_MARGIN.ns, ca->issuing_validity.ns / 8);
	struct wall_time needed = wall_after(now, DURATION_NS(ca->validity_max.ns + margin));

	return ca->issuing->not_after.ns < needed.ns &&
	       ca->issuing->not_after.ns < ca->root->not_after.ns;
}

/* A failure is one only when there is nothing to sign with; the next signing tries again. */
static int rotate(struct ca *ca, struct wall_time now, struct diag *d)
{
	struct diag why = DIAG_INIT;
	int r = make_issuing(ca, now, &why);

	if (r == 0) {
		ca->rotated++;
		log_info("ca.issuing_rotated", "trust_domain=%s", ca->trust_domain);
	} else {
		log_warn("ca.rotate_failed", "reason=%s", log_quote(str_from(why.text)));
		if (ca->issuing->not_after.ns > now.ns)
			r = 0;
		else
			r = diag_fail(d, ERR_UNAVAILABLE, "%s", why.text);
	}
	diag_fini(&why);
	return r;
}

static int check_times(const struct ca *ca, struct wall_time now, struct diag *d)
{
	if (now.ns < ca->root->not_before.ns)
		return diag_fail(d, ERR_UNAVAILABLE,
				 "the clock stands before the beginning of the root certificate");
	if (now.ns >= ca->root->not_after.ns)
		return diag_fail(d, ERR_UNAVAILABLE, "the root certificate has expired");
	return 0;
}

/*
 * Beginning
 */

static struct duration set_or(struct duration set, int64_t otherwise_ns)
{
	return set.ns ? set : DURATION_NS(otherwise_ns);
}

static int use_validity(struct ca *ca, const struct ca_options *o, struct diag *d)
{
	ca->validity_max = set_or(o->validity_max, CA_VALIDITY_MAX.ns);
	if (ca->validity_max.ns > CA_ROOT_VALIDITY.ns / 10)
		return diag_fail(d, ERR_CONFIG, "a certificate lives for a year at most");
	ca->validity_min = set_or(o->validity_min, min_of(CA_VALIDITY_MIN.ns, ca->validity_max.ns));
	if (ca->validity_min.ns < DURATION_SECONDS(1).ns ||
	    ca->validity_min.ns > ca->validity_max.ns)
		return diag_fail(d, ERR_CONFIG,
				 "the shortest life of a certificate is a second at least, and at "
				 "most the longest one");
	ca->issuing_validity = set_or(o->issuing_validity,
				      max_of(CA_ISSUING_VALIDITY.ns, 4 * ca->validity_max.ns));
	if (ca->issuing_validity.ns / 2 < ca->validity_max.ns)
		return diag_fail(d, ERR_CONFIG,
				 "the issuing certificate must live twice as long as what it signs "
				 "at least");
	return 0;
}

static int use_options(struct ca *ca, const struct ca_options *o, struct diag *d)
{
	ca->facts = o->facts;
	if (o->trust_domain.len > 0 && !spiffe_trust_domain_valid(o->trust_domain))
		return diag_fail(d, ERR_CONFIG,
				 "\"%.*s\" is not a trust domain: lower-case letters, digits, "
				 "\".\", \"-\" and \"_\"",
				 STR_ARGS(o->trust_domain));
	return use_validity(ca, o, d);
}

/* The name in the root, which is the trust domain's own ID. */
static int read_trust_domain(struct ca *ca, struct diag *d)
{
	cleanup(certificate_freep) struct certificate *facts = NULL;
	struct spiffe_id id;

	if (certificate_read(str_from(ca->root->pem), &facts) < 0 ||
	    spiffe_id_parse(certificate_spiffe_id(facts), &id) < 0 || id.path.len > 0)
		return diag_fail(d, ERR_CORRUPT, "the root certificate names no trust domain");
	ca->trust_domain = mem_strdup_str(id.trust_domain);
	return 0;
}

static int check_trust_domain(const struct ca *ca, struct str wanted, struct diag *d)
{
	if (wanted.len == 0 || str_eq(wanted, str_from(ca->trust_domain)))
		return 0;
	diag_fail(d, ERR_CONFIG,
		  "the trust domain is \"%s\" since the first start and cannot become \"%.*s\"",
		  ca->trust_domain, STR_ARGS(wanted));
	diag_hint(d, "start without --trust-domain, or with an empty --state directory");
	return ERR_CONFIG;
}

static int begin_root(struct ca *ca, struct str trust_domain, struct wall_time now, struct diag *d)
{
	int r = load(ca, CA_FACT_ROOT, CA_ISSUING, &ca->root, d);

	if (r == ERR_NOT_FOUND) {
		ca->trust_domain = trust_domain.len > 0 ? mem_strdup_str(trust_domain)
							: mem_strdup(CA_TRUST_DOMAIN_DEFAULT);
		return make_root(ca, now, d);
	}
	if (r == 0)
		r = read_trust_domain(ca, d);
	if (r == 0)
		r = check_trust_domain(ca, trust_domain, d);
	return r;
}

static int begin_issuing(struct ca *ca, struct wall_time now, struct diag *d)
{
	int r = load(ca, CA_FACT_ISSUING, CA_LEAF, &ca->issuing, d);

	if (r == ERR_NOT_FOUND)
		return make_issuing(ca, now, d);
	if (r == 0 && !ca_signer_is_by(ca->issuing, ca->root))
		return diag_fail(d, ERR_CORRUPT,
				 "the issuing certificate was not signed by the root");
	return r;
}

int ca_new(const struct ca_options *options, struct wall_time now, struct ca **ret_ca,
	   struct diag *d)
{
	cleanup(ca_freep) struct ca *ca = mem_new(struct ca);
	int r = use_options(ca, options, d);

	if (r == 0)
		r = begin_root(ca, options->trust_domain, now, d);
	if (r == 0)
		r = begin_issuing(ca, now, d);
	if (r < 0)
		return r;
	*ret_ca = TAKE(ca);
	return 0;
}

struct ca *ca_free(struct ca *ca)
{
	if (!ca)
		return NULL;
	ca_signer_free(ca->root);
	ca_signer_free(ca->issuing);
	mem_free(ca->trust_domain);
	return mem_free(ca);
}

/*
 * Signing
 */

static struct duration clamped(const struct ca *ca, struct duration wanted)
{
	if (wanted.ns == 0 || wanted.ns > ca->validity_max.ns)
		return ca->validity_max;
	return wanted.ns < ca->validity_min.ns ? ca->validity_min : wanted;
}

/* Not read back from the certificate: that costs as much as signing it. */
static void describe(X509 *x, const struct ca_wish *wish, struct pool *pool,
		     struct ca_certificate *out)
{
	struct buf pem = BUF_INIT(0), serial = BUF_INIT(0);

	pem_append_certificate(x, &pem);
	ca_append_serial(x, &serial);
	out->leaf_pem = pool_strdup(pool, buf_str(&pem));
	out->serial = pool_strdup(pool, buf_str(&serial));
	out->not_after.ns = wish->not_after.ns / NS_PER_SECOND * NS_PER_SECOND;
	buf_fini(&pem);
	buf_fini(&serial);
}

int ca_sign(struct ca *ca, const struct ca_request *request, struct pool *pool,
	    struct ca_certificate *ret_certificate, struct diag *d)
{
	cleanup(x509_freep) X509 *x = NULL;
	struct ca_certificate out = { 0 };
	struct ca_wish wish = {
		.kind = CA_LEAF,
		.key = request->key,
		.spiffe_id = request->spiffe_id,
		.not_before = wall_before(request->now, LEAF_BACKDATE),
		.not_after = wall_after(request->now, clamped(ca, request->validity)),
	};
	int r = check_times(ca, request->now, d);

	if (r == 0 && must_rotate(ca, request->now))
		r = rotate(ca, request->now, d);
	if (r < 0)
		return r;
	wish.issuer = ca->issuing;
	wish.not_after = earlier_of(wish.not_after, ca->issuing->not_after);
	r = ca_issue(&wish, &x);
	if (r < 0)
		return diag_fail(d, ERR_UNAVAILABLE, "the certificate could not be signed: %s",
				 err_text(r));
	describe(x, &wish, pool, &out);
	out.issuing_pem = str_from(ca->issuing->pem);
	out.root_pem = str_from(ca->root->pem);
	ca->issued++;
	*ret_certificate = out;
	return 0;
}

int ca_sign_own(void *sign_user, struct str csr_pem, struct duration validity,
		struct identity_grant *ret_grant, struct diag *d)
{
	struct ca_own *own = sign_user;
	cleanup(key_freep) struct key *key = NULL;
	struct pool pool = POOL_INIT(0);
	struct buf id = BUF_INIT(0);
	struct ca_certificate c;
	int r = csr_read(csr_pem, &key, d);

	svid_control_id(ca_trust_domain(own->ca), &id);
	if (r == 0)
		r = ca_sign(own->ca,
			    &(struct ca_request){ .key = key,
						  .spiffe_id = buf_str(&id),
						  .validity = validity,
						  .now = loop_wall_now(own->loop) },
			    &pool, &c, d);
	if (r == 0) {
		buf_append_str(&ret_grant->chain_pem, c.leaf_pem);
		buf_append_str(&ret_grant->chain_pem, c.issuing_pem);
		buf_append_str(&ret_grant->trust_pem, c.root_pem);
	}
	buf_fini(&id);
	pool_fini(&pool);
	return r;
}

/*
 * Facts
 */

struct str ca_trust_domain(const struct ca *ca)
{
	return str_from(ca->trust_domain);
}

struct str ca_root_pem(const struct ca *ca)
{
	return str_from(ca->root->pem);
}

struct wall_time ca_root_not_after(const struct ca *ca)
{
	return ca->root->not_after;
}

struct wall_time ca_issuing_not_after(const struct ca *ca)
{
	return ca->issuing->not_after;
}

bool ca_is_new(const struct ca *ca)
{
	return ca->is_new;
}

uint64_t ca_issued_count(const struct ca *ca)
{
	return ca->issued;
}

uint64_t ca_rotated_count(const struct ca *ca)
{
	return ca->rotated;
}

/*
 * In the store
 */

static int get_from_store(void *user, const char *name, struct pool *pool, struct str *ret_value)
{
	return store_fact_get(user, name, pool, ret_value);
}

static int set_in_store(void *user, const char *name, struct str value)
{
	return store_fact_set(user, name, value);
}

struct ca_facts ca_facts_of(struct store *s)
{
	return (struct ca_facts){ .get = get_from_store, .set = set_in_store, .user = s };
}
