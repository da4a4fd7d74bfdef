#include "net/tls.h"

#include <string.h>

#include "base/mem.h"

#include "certs.h"
#include "test.h"

static void assert_refused(const struct tls_options *o, const char *text)
{
	struct tls_context *context = NULL;
	struct diag d = DIAG_INIT;

	assert_int_equal(tls_context_new(o, &context, &d), ERR_CONFIG);
	assert_string_equal(d.text, text);
	assert_null(context);
	assert_int_equal(tls_context_new(o, &context, NULL), ERR_CONFIG);
	diag_fini(&d);
}

TEST(a_context_tells_what_is_wrong_with_its_options)
{
	struct test_cert *ca = test_ca_new("ca"), *leaf = test_svid_new(ca, "spiffe://t/a"),
			 *other = test_svid_new(ca, "spiffe://t/b");
	struct tls_options good = {
		.role = TLS_SERVER,
		.certificate_pem = str_from(leaf->chain_pem),
		.key_pem = str_from(leaf->key_pem),
		.trust_pem = str_from(ca->pem),
		.verify = TLS_VERIFY_REQUIRED,
	}, o;
	struct str long_name = STR("");
	uint64_t live = mem_live_bytes();

	o = good;
	o.certificate_pem = o.key_pem = STR_EMPTY;
	assert_refused(&o, "a server needs a certificate");
	o = good;
	o.certificate_pem = STR("-----BEGIN NOTHING");
	assert_refused(&o, "certificate is not PEM");
	o = good;
	o.certificate_pem.len -= 30;
	assert_refused(&o, "certificate is not PEM");
	o = good;
	o.key_pem = STR_EMPTY;
	assert_refused(&o, "private key is not PEM, or has a passphrase");
	o = good;
	o.key_pem = str_from(other->key_pem);
	assert_refused(&o, "private key does not belong to the certificate");
	o = good;
	o.trust_pem = STR_EMPTY;
	assert_refused(&o, "verification needs a trust anchor");
	o.trust_pem = STR("nonsense");
	assert_refused(&o, "trust bundle is not PEM");
	o = good;
	o.verify = TLS_VERIFY_NONE;
	o.trust_domain = STR("weft.local");
	assert_refused(&o, "names cannot be checked without a trust anchor");
	o = good;
	o.role = TLS_CLIENT;
	o.verify = TLS_VERIFY_OPTIONAL;
	assert_refused(&o, "a server always shows a certificate: it cannot be optional");
	o = good;
	o.version_min = 0x0301;
	assert_refused(&o, "TLS versions are 1.2 and 1.3, the lowest first");
	o = good;
	o.version_max = TLS_VERSION_1_2;
	assert_refused(&o, "TLS versions are 1.2 and 1.3, the lowest first");
	o = good;
	o.alpn = &long_name;
	o.alpn_count = 1;
	assert_refused(&o, "a protocol name has 1 to 255 bytes");
	assert_int_equal(mem_live_bytes(), live);

	test_cert_free(leaf);
	test_cert_free(other);
	test_cert_free(ca);
}

TEST(a_damaged_rest_of_a_bundle_is_not_overlooked)
{
	struct test_cert *ca = test_ca_new("ca");
	char *damaged = mem_printf(
		"%s-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", ca->pem);
	struct tls_options o = { .role = TLS_CLIENT,
				 .trust_pem = str_from(damaged),
				 .verify = TLS_VERIFY_REQUIRED };

	assert_refused(&o, "trust bundle is damaged");
	mem_free(damaged);
	test_cert_free(ca);
}

TEST(a_context_knows_its_certificate_and_anchors)
{
	struct test_cert *ca = test_ca_new("root"), *second = test_ca_new("second"),
			 *leaf = test_svid_new(ca, "spiffe://t/a");
	char *bundle = mem_printf("%s\n# a comment\n%s", ca->pem, second->pem);
	struct tls_context *context;
	struct tls_options o = {
		.role = TLS_CLIENT,
		.certificate_pem = str_from(leaf->chain_pem),
		.key_pem = str_from(leaf->key_pem),
		.trust_pem = str_from(bundle),
		.verify = TLS_VERIFY_REQUIRED,
	};

	assert_int_equal(tls_context_new(&o, &context, NULL), 0);
	assert_str_equal(certificate_spiffe_id(tls_context_certificate(context)), "spiffe://t/a");
	assert_int_equal(tls_context_anchor_count(context), 2);
	assert_str_equal(tls_context_anchor(context, 1)->subject, "CN=second");
	assert_null(tls_context_anchor(context, 2));
	assert_ptr_equal(tls_context_ref(context), context);
	assert_null(tls_context_unref(context));
	assert_null(tls_context_unref(context));
	mem_free(bundle);
	test_cert_free(leaf);
	test_cert_free(second);
	test_cert_free(ca);
}

TEST(failures_have_stable_names)
{
	assert_string_equal(tls_failure_name(TLS_FAILURE_SAN), "san");
	assert_string_equal(tls_failure_text(TLS_FAILURE_NO_CERTIFICATE), "no client certificate");
	for (enum tls_failure f = 0; f < TLS_FAILURE_COUNT; f++)
		assert_true(strlen(tls_failure_name(f)) > 0);
}
