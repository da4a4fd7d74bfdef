#include "identity/csr.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/error.h"
#include "base/mem.h"
#include "identity/openssl.h"

#define RSA_BITS_MIN   2048
#define RSA_BITS_MAX   8192 /* checking a signature gets slow above */
#define GROUP_NAME_MAX 64

static void request_freep(X509_REQ **q)
{
	X509_REQ_free(*q);
}

static void extensions_freep(STACK_OF(X509_EXTENSION) * *e)
{
	sk_X509_EXTENSION_pop_free(*e, X509_EXTENSION_free);
}

/*
 * Asking
 */

/* The text goes through OpenSSL's own little language of names, in which a comma would begin the
 * next name: a SPIFFE ID has none (message/spiffe.h). */
static bool add_name(X509_REQ *q, struct str spiffe_id)
{
	cleanup(extensions_freep) STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
	cleanup(mem_freep) char *value = mem_printf("critical,URI:%.*s", STR_ARGS(spiffe_id));
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, value);

	if (!e)
		return false;
	if (!list || sk_X509_EXTENSION_push(list, e) <= 0) {
		X509_EXTENSION_free(e);
		return false;
	}
	return X509_REQ_add_extensions(q, list) == 1;
}

static int append_request(X509_REQ *q, struct buf *out)
{
	cleanup(bio_freep) BIO *b = BIO_new(BIO_s_mem());
	char *bytes;

	if (!b || PEM_write_bio_X509_REQ(b, q) != 1)
		return ERR_UNAVAILABLE;

	long len = BIO_get_mem_data(b, &bytes);

	return buf_append(out, bytes, (size_t)len);
}

int csr_append(const struct key *k, struct str spiffe_id, struct buf *out)
{
	cleanup(request_freep) X509_REQ *q = X509_REQ_new();
	bool ok = q && X509_REQ_set_version(q, X509_REQ_VERSION_1) == 1 &&
		  X509_REQ_set_pubkey(q, k->pkey) == 1 && add_name(q, spiffe_id) &&
		  X509_REQ_sign(q, k->pkey, EVP_sha256()) > 0;

	ERR_clear_error();
	return ok ? append_request(q, out) : ERR_UNAVAILABLE;
}

/*
 * Reading
 */

/* Curves by name alone: spelled-out parameters may describe a weak one (CVE-2020-0601). */
static bool curve_is_allowed(const EVP_PKEY *pkey)
{
	char name[GROUP_NAME_MAX];
	size_t len;
	int explicit_parameters = 0;

	if (EVP_PKEY_get_group_name(pkey, name, sizeof(name), &len) != 1 ||
	    EVP_PKEY_get_int_param(pkey, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
				   &explicit_parameters) != 1)
		return false;
	return !explicit_parameters && (str_eq(str_of(name, len), STR("prime256v1")) ||
					str_eq(str_of(name, len), STR("secp384r1")));
}

static bool kind_is_allowed(const EVP_PKEY *pkey)
{
	int bits = EVP_PKEY_get_bits(pkey);

	switch (EVP_PKEY_get_base_id(pkey)) {
	case EVP_PKEY_EC:
		return curve_is_allowed(pkey);
	case EVP_PKEY_RSA:
		return bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX;
	default:
		return false;
	}
}

static int read_key(X509_REQ *q, struct key **ret_key, struct diag *d)
{
	EVP_PKEY *pkey = X509_REQ_get0_pubkey(q); /* the request's */

	if (!pkey)
		return diag_fail(d, ERR_UNSUPPORTED, "the key of the CSR cannot be read");
	if (!kind_is_allowed(pkey))
		return diag_fail(d, ERR_UNSUPPORTED,
				 "the key of the CSR must be P-256, P-384, or RSA of %d to %d bits",
				 RSA_BITS_MIN, RSA_BITS_MAX);
	if (X509_REQ_verify(q, pkey) != 1)
		return diag_fail(d, ERR_DENIED, "the CSR is not signed with its own key");
	EVP_PKEY_up_ref(pkey);
	*ret_key = key_new_take(pkey);
	return 0;
}

int csr_read(struct str pem, struct key **ret_key, struct diag *d)
{
	cleanup(bio_freep) BIO *in = pem_open(pem);
	cleanup(request_freep) X509_REQ *q = NULL;
	int r;

	if (pem.len > CSR_BYTES_MAX)
		return diag_fail(d, ERR_LIMIT, "the CSR has more than %d bytes", CSR_BYTES_MAX);
	q = in ? PEM_read_bio_X509_REQ(in, NULL, pem_no_passphrase, NULL) : NULL;
	r = q ? read_key(q, ret_key, d) : diag_fail(d, ERR_SYNTAX, "the CSR is not PKCS#10 in PEM");
	ERR_clear_error();
	return r;
}
