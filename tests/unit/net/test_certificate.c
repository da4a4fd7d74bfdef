#include "net/certificate.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"

#include "certs.h"
#include "test.h"

TEST(the_facts_of_a_certificate_are_read)
{
	struct test_cert *ca = test_ca_new("root");
	struct test_cert *leaf = test_cert_new(&(struct test_cert_options){
		.issuer = ca,
		.name = "web",
		.sans = "URI:spiffe://t/a,DNS:a.example,DNS:b.example,IP:10.0.0.1,IP:::1" });
	struct certificate *c;

	assert_int_equal(certificate_read(str_from(leaf->pem), &c), 0);
	assert_str_equal(c->subject, "CN=web");
	assert_str_equal(c->issuer, "CN=root");
	assert_int_equal(c->serial.len, 6);
	assert_memory_equal(c->serial.ptr, "ab", 2);
	assert_int_equal(c->uri_san_count, 1);
	assert_int_equal(c->dns_san_count, 2);
	assert_str_equal(c->dns_sans[1], "b.example");
	assert_int_equal(c->ip_san_count, 2);
	assert_str_equal(c->ip_sans[0], "10.0.0.1");
	assert_str_equal(c->ip_sans[1], "::1");
	assert_int_equal(c->not_before.ns, (TEST_WALL_SECONDS - 3600) * 1000000000);
	assert_int_equal(c->not_after.ns, (TEST_WALL_SECONDS + 86400) * 1000000000);
	assert_false(c->is_ca);
	assert_str_equal(certificate_spiffe_id(c), "spiffe://t/a");
	certificate_free(c);

	assert_int_equal(certificate_read(str_from(ca->pem), &c), 0);
	assert_true(c->is_ca);
	assert_str_equal(certificate_spiffe_id(c), "");
	certificate_free(c);
	test_cert_free(leaf);
	test_cert_free(ca);
}

TEST(what_is_no_certificate_is_refused)
{
	struct test_cert *ca = test_ca_new("root");
	struct certificate *c;

	assert_int_equal(certificate_read(STR_EMPTY, &c), ERR_SYNTAX);
	assert_int_equal(certificate_read(str_from(ca->key_pem), &c), ERR_SYNTAX);
	for (size_t len = 0; len + 27 < strlen(ca->pem); len += 7)
		assert_int_equal(certificate_read(str_of(ca->pem, len), &c), ERR_SYNTAX);
	assert_null(certificate_free(NULL));
	test_cert_free(ca);
}

TEST(a_certificate_with_too_many_names_is_refused)
{
	char *sans = mem_strdup("DNS:a0.example");
	struct test_cert *c;
	struct certificate *read;

	for (int i = 1; i <= CERTIFICATE_NAMES_MAX; i++) {
		char *longer = mem_printf("%s,DNS:a%d.example", sans, i);

		mem_free(sans);
		sans = longer;
	}
	c = test_cert_new(&(struct test_cert_options){ .sans = sans });
	assert_int_equal(certificate_read(str_from(c->pem), &read), ERR_LIMIT);
	test_cert_free(c);
	mem_free(sans);
}
