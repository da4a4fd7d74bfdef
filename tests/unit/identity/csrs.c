#include "csrs.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/mem.h"

#include "test.h"

char *test_csr_take(EVP_PKEY *key, EVP_PKEY *signer)
{
	X509_REQ *q = X509_REQ_new();
	BIO *b = BIO_new(BIO_s_mem());
	const EVP_MD *digest = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 ? NULL : EVP_sha256();
	char *bytes, *text;
	long len;

	assert_non_null(key);
	assert_int_equal(X509_REQ_set_pubkey(q, key), 1);
	assert_true(X509_REQ_sign(q, signer ? signer : key, digest) > 0);
	assert_int_equal(PEM_write_bio_X509_REQ(b, q), 1);
	len = BIO_get_mem_data(b, &bytes);
	text = mem_strdup_str(str_of(bytes, (size_t)len));
	BIO_free(b);
	X509_REQ_free(q);
	EVP_PKEY_free(key);
	return text;
}

EVP_PKEY *test_explicit_curve_key(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	assert_int_equal(EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING,
							OSSL_PKEY_EC_ENCODING_EXPLICIT),
			 1);
	return key;
}
