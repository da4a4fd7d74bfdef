#include "certs.h"

#include <stdio.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/mem.h"

#include "test.h"

#define HOUR_SECONDS 3600

static char *text_of(BIO *b)
{
	char *bytes;
	long len = BIO_get_mem_data(b, &bytes);
	char *text = mem_strdup_str(str_of(bytes, (size_t)len));

	BIO_free(b);
	return text;
}

static char *certificate_text(X509 *x)
{
	BIO *b = BIO_new(BIO_s_mem());

	assert_int_equal(PEM_write_bio_X509(b, x), 1);
	return text_of(b);
}

static char *key_text(EVP_PKEY *key)
{
	BIO *b = BIO_new(BIO_s_mem());

	assert_int_equal(PEM_write_bio_PrivateKey(b, key, NULL, NULL, 0, NULL, NULL), 1);
	return text_of(b);
}

static void add_extension(X509 *x, X509V3_CTX *context, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, context, nid, value);

	assert_non_null(e);
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

static void add_extensions(X509 *x, X509 *issuer, const struct test_cert_options *o)
{
	X509V3_CTX context;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, issuer, x, NULL, NULL, 0);
	add_extension(x, &context, NID_basic_constraints,
		      o->ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	add_extension(x, &context, NID_key_usage,
		      o->usage ? o->usage
		      : o->ca  ? "critical,keyCertSign,cRLSign"
			       : "critical,digitalSignature");
	add_extension(x, &context, NID_subject_key_identifier, "hash");
	if (!o->ca)
		add_extension(x, &context, NID_ext_key_usage,
			      o->extended_usage ? o->extended_usage : "clientAuth,serverAuth");
	if (o->sans)
		add_extension(x, &context, NID_subject_alt_name, o->sans);
}

static X509 *make_x509(EVP_PKEY *key, const struct test_cert_options *o)
{
	static long serial = 0xab0000;
	X509 *x = X509_new();
	X509 *issuer = o->issuer ? o->issuer->x509 : x;
	X509_NAME *name = X509_get_subject_name(x);
	int64_t begin = o->not_before_seconds ? o->not_before_seconds : -HOUR_SECONDS;
	int64_t end = o->not_after_seconds ? o->not_after_seconds : 24 * HOUR_SECONDS;

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
	ASN1_TIME_set(X509_getm_notBefore(x), TEST_WALL_SECONDS + begin);
	ASN1_TIME_set(X509_getm_notAfter(x), TEST_WALL_SECONDS + end);
	X509_set_pubkey(x, key);
	if (o->name)
		X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
					   (const unsigned char *)o->name, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(issuer));
	add_extensions(x, issuer, o);
	assert_true(X509_sign(x, o->issuer ? o->issuer->key : key, EVP_sha256()) > 0);
	return x;
}

struct test_cert *test_cert_new(const struct test_cert_options *o)
{
	struct test_cert *c = mem_new(struct test_cert);

	if (o->key)
		EVP_PKEY_up_ref(o->key);
	c->key = o->key ? o->key : EVP_EC_gen("P-256");
	assert_non_null(c->key);
	c->x509 = make_x509(c->key, o);
	c->pem = certificate_text(c->x509);
	c->key_pem = o->key ? NULL : key_text(c->key);
	c->chain_pem = o->issuer && o->issuer->chain_pem
			       ? mem_printf("%s%s", c->pem, o->issuer->chain_pem)
			       : NULL;
	if (!c->chain_pem)
		c->chain_pem = mem_strdup(o->issuer ? c->pem : "");
	return c;
}

struct test_cert *test_cert_free(struct test_cert *c)
{
	if (!c)
		return NULL;
	X509_free(c->x509);
	EVP_PKEY_free(c->key);
	mem_free(c->pem);
	mem_free(c->chain_pem);
	mem_free(c->key_pem);
	return mem_free(c);
}

struct test_cert *test_ca_new(const char *name)
{
	return test_cert_new(&(struct test_cert_options){ .name = name, .ca = true });
}

struct test_cert *test_svid_new(const struct test_cert *ca, const char *spiffe_id)
{
	char *sans = mem_printf("URI:%s", spiffe_id);
	struct test_cert *c =
		test_cert_new(&(struct test_cert_options){ .issuer = ca, .sans = sans });

	mem_free(sans);
	return c;
}
