#include "identity/svid_check.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <openssl/x509_vfy.h>

#include "base/error.h"

#define NS_PER_SECOND 1000000000

static void store_freep(X509_STORE **s)
{
	X509_STORE_free(*s);
}

static void store_context_freep(X509_STORE_CTX **c)
{
	X509_STORE_CTX_free(*c);
}

/*
 * Reading
 */

static int read_certificates(struct str pem, int count_max, const char *what,
			     STACK_OF(X509) * *ret_stack, struct diag *d)
{
	int r = pem.len <= SVID_PEM_BYTES_MAX ? pem_read_certificates(pem, count_max, ret_stack)
					      : ERR_LIMIT;

	if (r == ERR_LIMIT)
		return diag_fail(d, ERR_CONFIG, "the %s has more than %d certificates", what,
				 count_max);
	return r < 0 ? diag_fail(d, ERR_CONFIG, "the %s is not certificates in PEM", what) : 0;
}

int svid_material_read(const struct svid_parts *parts, struct svid_material *ret_material,
		       struct diag *d)
{
	struct svid_material m = { 0 };
	int r = 0;

	if (parts->key_pem.len > KEY_PEM_BYTES_MAX || key_read(parts->key_pem, &m.key) < 0)
		return diag_fail(d, ERR_CONFIG, "the key is not a private key in PEM");
	r = read_certificates(parts->chain_pem, SVID_CHAIN_COUNT_MAX, "chain", &m.chain, d);
	if (r == 0)
		r = read_certificates(parts->trust_pem, SVID_ANCHOR_COUNT_MAX, "trust bundle",
				      &m.anchors, d);
	if (r < 0)
		svid_material_fini(&m);
	else
		*ret_material = m;
	return r;
}

void svid_material_fini(struct svid_material *m)
{
	key_free(m->key);
	sk_X509_pop_free(m->chain, X509_free);
	sk_X509_pop_free(m->anchors, X509_free);
	*m = (struct svid_material){ 0 };
}

/*
 * The rules
 */

/* X509-SVID §2: one URI name, a SPIFFE ID; §3: of a workload, so with a path. */
static int check_name(const struct certificate *leaf, struct str wanted_id, struct diag *d)
{
	struct spiffe_id id;

	if (leaf->uri_san_count != 1)
		return diag_fail(d, ERR_CONFIG, "the certificate has %u URI names, not one",
				 leaf->uri_san_count);
	if (spiffe_id_parse(leaf->uri_sans[0], &id) < 0)
		return diag_fail(d, ERR_CONFIG, "the certificate's name is no SPIFFE ID");
	if (id.path.len == 0)
		return diag_fail(d, ERR_CONFIG,
				 "the certificate names a trust domain, not a workload");
	if (wanted_id.len > 0 && !str_eq(wanted_id, leaf->uri_sans[0]))
		return diag_fail(d, ERR_CONFIG, "the certificate is for %.*s, not for %.*s",
				 STR_ARGS(leaf->uri_sans[0]), STR_ARGS(wanted_id));
	return 0;
}

/* X509-SVID §4.1 to §4.4. */
static int check_usage(X509 *leaf, const struct certificate *facts, struct diag *d)
{
	uint32_t flags = X509_get_extension_flags(leaf), usage = X509_get_key_usage(leaf);
	uint32_t extended = X509_get_extended_key_usage(leaf);

	if (facts->is_ca)
		return diag_fail(d, ERR_CONFIG, "the certificate is of an authority");
	if (!(flags & EXFLAG_KUSAGE) || !(usage & KU_DIGITAL_SIGNATURE))
		return diag_fail(d, ERR_CONFIG,
				 "the certificate's key usage is not digitalSignature");
	if (usage & (KU_KEY_CERT_SIGN | KU_CRL_SIGN))
		return diag_fail(d, ERR_CONFIG, "the certificate may sign for others");
	if ((flags & EXFLAG_XKUSAGE) &&
	    (extended & (XKU_SSL_SERVER | XKU_SSL_CLIENT)) != (XKU_SSL_SERVER | XKU_SSL_CLIENT))
		return diag_fail(d, ERR_CONFIG,
				 "the certificate is not for both servers and clients");
	return 0;
}

static int check_key(X509 *leaf, const struct key *k, struct diag *d)
{
	if (X509_check_private_key(leaf, k->pkey) != 1)
		return diag_fail(d, ERR_CONFIG, "the key does not belong to the certificate");
	return 0;
}

static bool add_anchors(X509_STORE *store, STACK_OF(X509) * anchors)
{
	for (int i = 0; i < sk_X509_num(anchors); i++)
		if (X509_STORE_add_cert(store, sk_X509_value(anchors, i)) != 1)
			return false;
	/* An intermediate in the bundle is an anchor as good as a root: as in net/tls.h. */
	return X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1;
}

static int check_chain(const struct svid_material *m, struct wall_time now, struct diag *d)
{
	cleanup(store_freep) X509_STORE *store = X509_STORE_new();
	cleanup(store_context_freep) X509_STORE_CTX *context = X509_STORE_CTX_new();
	X509 *leaf = sk_X509_value(m->chain, 0);

	if (!store || !context || !add_anchors(store, m->anchors) ||
	    X509_STORE_CTX_init(context, store, leaf, m->chain) != 1)
		return diag_fail(d, ERR_CONFIG, "the trust bundle cannot be used");
	X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context),
				   (time_t)(now.ns / NS_PER_SECOND));
	if (X509_verify_cert(context) != 1)
		return diag_fail(d, ERR_CONFIG, "the chain does not lead to the trust bundle: %s",
				 X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)));
	return 0;
}

int svid_material_check(const struct svid_material *m, const struct certificate *leaf,
			struct str wanted_id, struct wall_time now, struct diag *d)
{
	X509 *x = sk_X509_value(m->chain, 0);
	int r = check_name(leaf, wanted_id, d);

	if (r == 0)
		r = check_usage(x, leaf, d);
	if (r == 0)
		r = check_key(x, m->key, d);
	if (r == 0)
		r = check_chain(m, now, d);
	ERR_clear_error();
	return r;
}
