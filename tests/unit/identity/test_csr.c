/* Signing requests: what is made is read, and what is refused for which reason. */

#include "identity/csr.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/error.h"
#include "base/mem.h"
#include "identity/openssl.h"

#include "csrs.h"
#include "test.h"

static const struct str web = STR_INIT("spiffe://weft.local/ns/shop/sa/web");

/* Reads a request, frees it, and compares the sentence that it is refused with. */
static void refused(char *pem, int error, const char *text)
{
	struct diag d = DIAG_INIT;
	struct key *k = NULL;

	assert_int_equal(csr_read(str_from(pem), &k, &d), error);
	assert_string_equal(d.text, text);
	assert_null(k);
	diag_fini(&d);
	mem_free(pem);
}

static void accepted(char *pem)
{
	struct key *k = NULL;

	assert_int_equal(csr_read(str_from(pem), &k, NULL), 0);
	assert_non_null(k);
	key_free(k);
	mem_free(pem);
}

#define KINDS "the key of the CSR must be P-256, P-384, or RSA of 2048 to 8192 bits"

TEST(a_request_brings_the_public_key_and_nothing_else)
{
	uint64_t live = mem_live_bytes();
	struct buf pem = BUF_INIT(0);
	struct key *mine, *read;

	assert_int_equal(key_new(&mine), 0);
	assert_int_equal(csr_append(mine, web, &pem), 0);
	assert_int_equal(csr_read(buf_str(&pem), &read, NULL), 0);
	assert_int_equal(EVP_PKEY_eq(mine->pkey, read->pkey), 1);
	buf_fini(&pem);
	key_free(mine);
	key_free(read);
	assert_int_equal(mem_live_bytes(), live);
}

TEST(a_request_names_the_identity_for_authorities_that_look_there)
{
	struct buf pem = BUF_INIT(0);
	struct key *mine;
	BIO *in;
	X509_REQ *q;
	STACK_OF(X509_EXTENSION) * extensions;
	ASN1_OCTET_STRING *value;

	assert_int_equal(key_new(&mine), 0);
	assert_int_equal(csr_append(mine, web, &pem), 0);
	in = pem_open(buf_str(&pem));
	q = PEM_read_bio_X509_REQ(in, NULL, NULL, NULL);
	extensions = X509_REQ_get_extensions(q);
	assert_int_equal(sk_X509_EXTENSION_num(extensions), 1);
	value = X509_EXTENSION_get_data(sk_X509_EXTENSION_value(extensions, 0));
	/* SEQUENCE { [6] uri } */
	assert_int_equal(ASN1_STRING_length(value), (int)web.len + 4);
	assert_memory_equal(ASN1_STRING_get0_data(value) + 4, web.ptr, web.len);
	assert_int_equal(X509_NAME_entry_count(X509_REQ_get_subject_name(q)), 0);
	sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
	X509_REQ_free(q);
	BIO_free(in);
	buf_fini(&pem);
	key_free(mine);
}

TEST(keys_that_are_worth_a_certificate_are_taken)
{
	accepted(test_csr_take(EVP_EC_gen("P-256"), NULL));
	accepted(test_csr_take(EVP_EC_gen("P-384"), NULL));
	accepted(test_csr_take(EVP_RSA_gen(2048), NULL));
}

TEST(other_kinds_of_keys_are_refused_by_name)
{
	refused(test_csr_take(EVP_EC_gen("P-521"), NULL), ERR_UNSUPPORTED, KINDS);
	refused(test_csr_take(EVP_EC_gen("secp256k1"), NULL), ERR_UNSUPPORTED, KINDS);
	refused(test_csr_take(EVP_RSA_gen(1024), NULL), ERR_UNSUPPORTED, KINDS);
	refused(test_csr_take(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), NULL), ERR_UNSUPPORTED,
		KINDS);
	refused(test_csr_take(test_explicit_curve_key(), NULL), ERR_UNSUPPORTED, KINDS);
}

TEST(a_request_for_a_key_that_the_caller_does_not_have_is_refused)
{
	EVP_PKEY *other = EVP_EC_gen("P-256");

	refused(test_csr_take(EVP_EC_gen("P-256"), other), ERR_DENIED,
		"the CSR is not signed with its own key");
	EVP_PKEY_free(other);
}

TEST(what_is_no_request_is_refused)
{
	refused(mem_strdup(""), ERR_SYNTAX, "the CSR is not PKCS#10 in PEM");
	refused(mem_strdup("MIIB"), ERR_SYNTAX, "the CSR is not PKCS#10 in PEM");
	refused(mem_strdup("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n"
			   "-----END CERTIFICATE REQUEST-----\n"),
		ERR_SYNTAX, "the CSR is not PKCS#10 in PEM");
}

TEST(a_request_is_cut_off_at_its_limit)
{
	char *long_text = mem_zalloc(CSR_BYTES_MAX + 2);

	memset(long_text, 'A', CSR_BYTES_MAX + 1);
	refused(long_text, ERR_LIMIT, "the CSR has more than 16384 bytes");
}

TEST(a_truncated_request_is_never_taken)
{
	char *pem = test_csr_take(EVP_EC_gen("P-256"), NULL);
	size_t len = strlen(pem);

	/* The line feed behind the last line is not missed. */
	for (size_t i = 0; i + 1 < len; i++) {
		struct key *k = NULL;

		assert_int_equal(csr_read(str_of(pem, i), &k, NULL), ERR_SYNTAX);
	}
	mem_free(pem);
}
