#include "control/ca_issue.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "base/error.h"
#include "base/mem.h"
#include "net/certificate.h"

#define SERIAL_BYTES  16
#define KEY_ID_BYTES  20
#define NS_PER_SECOND 1000000000

struct extension {
	int nid;
	const char *value; /* in OpenSSL's words */
};

/* RFC 5280 §4.2 and X509-SVID §4. An authority is named by its trust domain; a leaf by its
 * SPIFFE ID alone, so that this name is critical. */
// clang-format off
static const struct profile {
	const char *subject;      /* its common name, with the key's begin behind it; NULL: empty */
	bool id_critical;
	struct extension extensions[4];
} profiles[CA_KIND_COUNT] = {
	[CA_ROOT] = {
		.subject = "Weft root",
		.extensions = {
			{ NID_basic_constraints, "critical,CA:TRUE" },
			{ NID_key_usage,         "critical,keyCertSign,cRLSign" },
		},
	},
	[CA_ISSUING] = {
		.subject = "Weft issuing",
		.extensions = {
			{ NID_basic_constraints, "critical,CA:TRUE,pathlen:0" },
			{ NID_key_usage,         "critical,keyCertSign,cRLSign" },
		},
	},
	[CA_LEAF] = {
		.id_critical = true,
		.extensions = {
			{ NID_basic_constraints, "critical,CA:FALSE" },
			{ NID_key_usage,         "critical,digitalSignature" },
			{ NID_ext_key_usage,     "serverAuth,clientAuth" },
		},
	},
};
// clang-format on

static void octets_freep(ASN1_OCTET_STRING **o)
{
	ASN1_OCTET_STRING_free(*o);
}

static void names_freep(GENERAL_NAMES **n)
{
	GENERAL_NAMES_free(*n);
}

static void number_freep(BIGNUM **n)
{
	BN_free(*n);
}

static void extensions_freep(STACK_OF(X509_EXTENSION) * *e)
{
	sk_X509_EXTENSION_pop_free(*e, X509_EXTENSION_free);
}

/*
 * The parts of a certificate. Each returns whether OpenSSL could.
 */

static bool set_serial(X509 *x)
{
	unsigned char bytes[SERIAL_BYTES];
	cleanup(number_freep) BIGNUM *number = NULL;

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return false;
	number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	return number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x));
}

static bool set_times(X509 *x, const struct ca_wish *w)
{
	return ASN1_TIME_set(X509_getm_notBefore(x), w->not_before.ns / NS_PER_SECOND) &&
	       ASN1_TIME_set(X509_getm_notAfter(x), w->not_after.ns / NS_PER_SECOND);
}

/* RFC 7093 §2 (1): the leftmost 160 bits of the SHA-256 of the key. */
static bool key_id(const X509 *x, unsigned char ret_id[EVP_MAX_MD_SIZE])
{
	unsigned len;

	return X509_pubkey_digest(x, EVP_sha256(), ret_id, &len) == 1 && len >= KEY_ID_BYTES;
}

/* Two authorities never have the same name: chains are found by it. */
static bool set_subject(X509 *x, const struct profile *p)
{
	unsigned char id[EVP_MAX_MD_SIZE];
	char name[64];

	if (!p->subject)
		return true;
	if (!key_id(x, id))
		return false;
	snprintf(name, sizeof(name), "%s %02x%02x%02x%02x", p->subject, id[0], id[1], id[2], id[3]);
	return X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
					  (const unsigned char *)name, -1, -1, 0) == 1;
}

static bool add_key_id(X509 *x)
{
	cleanup(octets_freep) ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
	unsigned char id[EVP_MAX_MD_SIZE];

	return octets && key_id(x, id) && ASN1_OCTET_STRING_set(octets, id, KEY_ID_BYTES) == 1 &&
	       X509_add1_ext_i2d(x, NID_subject_key_identifier, octets, 0, X509V3_ADD_DEFAULT) == 1;
}

static bool add_spiffe_id(X509 *x, struct str id, bool critical)
{
	cleanup(names_freep) GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_IA5STRING *text = ASN1_IA5STRING_new();

	if (!names || !name || !text || sk_GENERAL_NAME_push(names, name) <= 0) {
		GENERAL_NAME_free(name);
		ASN1_IA5STRING_free(text);
		return false;
	}
	GENERAL_NAME_set0_value(name, GEN_URI, text);
	return ASN1_STRING_set(text, id.ptr, (int)id.len) == 1 &&
	       X509_add1_ext_i2d(x, NID_subject_alt_name, names, critical, X509V3_ADD_DEFAULT) == 1;
}

/* Adds a copy of each. */
static bool add_extensions(X509 *x, const STACK_OF(X509_EXTENSION) * extensions)
{
	for (int i = 0; i < sk_X509_EXTENSION_num(extensions); i++)
		if (X509_add_ext(x, sk_X509_EXTENSION_value(extensions, i), -1) != 1)
			return false;
	return true;
}

/* What a kind of certificate carries, and whose it is: `issuer` with its key id. */
static bool make_extensions(const struct profile *p, X509 *issuer,
			    STACK_OF(X509_EXTENSION) * *ret_extensions)
{
	static const struct extension authority = { NID_authority_key_identifier, "keyid:always" };
	cleanup(extensions_freep) STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
	const struct extension *e = p->extensions;
	X509V3_CTX context;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, issuer, NULL, NULL, NULL, 0);
	for (bool last = false; !last; e++) {
		const struct extension *row = e->nid ? e : &authority;
		X509_EXTENSION *made = X509V3_EXT_conf_nid(NULL, &context, row->nid, row->value);

		if (!made)
			return false;
		if (!list || sk_X509_EXTENSION_push(list, made) <= 0) {
			X509_EXTENSION_free(made);
			return false;
		}
		last = row == &authority;
	}
	*ret_extensions = TAKE(list);
	return true;
}

static bool add_profile(X509 *x, const struct ca_wish *w, const struct profile *p)
{
	cleanup(extensions_freep) STACK_OF(X509_EXTENSION) *made = NULL;

	if (!add_key_id(x))
		return false;
	/* A root is its own authority, and names its own key. */
	if (!w->issuer && !make_extensions(p, x, &made))
		return false;
	return add_extensions(x, w->issuer ? w->issuer->extensions : made) &&
	       add_spiffe_id(x, w->spiffe_id, p->id_critical);
}

int ca_issue(const struct ca_wish *w, X509 **ret_x509)
{
	const struct profile *p = &profiles[w->kind];
	cleanup(x509_freep) X509 *x = X509_new();
	X509 *issuer = w->issuer ? w->issuer->x509 : x;
	EVP_PKEY *signing_key = w->issuer ? w->issuer->key->pkey : w->key->pkey;
	bool ok = x && X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) &&
		  set_times(x, w) && X509_set_pubkey(x, w->key->pkey) == 1 && set_subject(x, p) &&
		  X509_set_issuer_name(x, X509_get_subject_name(issuer)) == 1 &&
		  add_profile(x, w, p) && X509_sign(x, signing_key, EVP_sha256()) > 0;

	ERR_clear_error();
	if (!ok)
		return ERR_UNAVAILABLE;
	*ret_x509 = TAKE(x);
	return 0;
}

void ca_append_serial(X509 *x, struct buf *out)
{
	unsigned char bytes[SERIAL_BYTES];
	cleanup(number_freep) BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
	int len = number && BN_num_bytes(number) <= SERIAL_BYTES ? BN_bn2bin(number, bytes) : 0;

	for (int i = 0; i < len; i++)
		buf_printf(out, "%02x", bytes[i]);
}

/*
 * Signers
 */

static char *pem_text(X509 *x)
{
	struct buf pem = BUF_INIT(0);

	pem_append_certificate(x, &pem);
	return buf_take_text(&pem);
}

static int prepare(struct ca_signer *s, enum ca_kind kind)
{
	cleanup(certificate_freep) struct certificate *facts = NULL;
	int r;

	if (X509_check_private_key(s->x509, s->key->pkey) != 1)
		return ERR_CORRUPT;
	s->pem = pem_text(s->x509);
	r = certificate_read(str_from(s->pem), &facts);
	if (r < 0 || !facts->is_ca)
		return ERR_CORRUPT;
	s->not_before = facts->not_before;
	s->not_after = facts->not_after;
	return make_extensions(&profiles[kind], s->x509, &s->extensions) ? 0 : ERR_UNAVAILABLE;
}

int ca_signer_new_take(struct key *key, X509 *x509, enum ca_kind kind,
		       struct ca_signer **ret_signer)
{
	cleanup(ca_signer_freep) struct ca_signer *s = mem_new(struct ca_signer);
	int r;

	s->key = key;
	s->x509 = x509;
	r = prepare(s, kind);
	ERR_clear_error();
	if (r < 0)
		return r;
	*ret_signer = TAKE(s);
	return 0;
}

struct ca_signer *ca_signer_free(struct ca_signer *s)
{
	if (!s)
		return NULL;
	key_free(s->key);
	X509_free(s->x509);
	sk_X509_EXTENSION_pop_free(s->extensions, X509_EXTENSION_free);
	mem_free(s->pem);
	return mem_free(s);
}

void ca_signer_append(const struct ca_signer *s, struct buf *out)
{
	key_append_pem(s->key, out);
	buf_append_str(out, str_from(s->pem));
}

int ca_signer_read(struct str text, enum ca_kind kind, struct ca_signer **ret_signer)
{
	STACK_OF(X509) *certificates = NULL;
	struct key *key;
	X509 *x509;
	int r = key_read(text, &key);

	if (r < 0)
		return ERR_CORRUPT;
	if (pem_read_certificates(text, 1, &certificates) < 0) {
		key_free(key);
		return ERR_CORRUPT;
	}
	x509 = sk_X509_pop(certificates);
	sk_X509_free(certificates);
	return ca_signer_new_take(key, x509, kind, ret_signer);
}

bool ca_signer_is_by(const struct ca_signer *s, const struct ca_signer *issuer)
{
	bool by = X509_verify(s->x509, issuer->key->pkey) == 1;

	ERR_clear_error();
	return by;
}
