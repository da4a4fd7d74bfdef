/* X.509-SVIDs: each rule of the standard, and the contexts that are made of them. */

#include "identity/svid.h"

#include "base/error.h"
#include "base/mem.h"

#include "certs.h"
#include "test.h"

#define ID "spiffe://weft.local/ns/shop/sa/web"

static const struct wall_time now = { TEST_WALL_SECONDS * 1000000000 };

static int make(const struct test_cert *leaf, const struct test_cert *root, struct svid **ret_svid,
		struct diag *d)
{
	const struct svid_parts parts = {
		.key_pem = str_from(leaf->key_pem),
		.chain_pem = str_from(leaf->chain_pem),
		.trust_pem = str_from(root->pem),
	};

	return svid_new(&parts, STR(ID), now, ret_svid, d);
}

/* A leaf with these options, issued by a fresh root, is refused with that sentence. */
static void refused(struct test_cert_options options, const char *text)
{
	struct test_cert *root = test_ca_new("root"), *leaf;
	struct diag d = DIAG_INIT;
	struct svid *s = NULL;

	options.issuer = root;
	leaf = test_cert_new(&options);
	assert_int_equal(make(leaf, root, &s, &d), ERR_CONFIG);
	assert_string_equal(d.text, text);
	assert_null(s);
	diag_fini(&d);
	test_cert_free(leaf);
	test_cert_free(root);
}

TEST(an_svid_tells_who_it_is_and_until_when)
{
	uint64_t live = mem_live_bytes();
	struct test_cert *root = test_ca_new("root"), *leaf = test_svid_new(root, ID);
	struct svid *s;

	assert_int_equal(make(leaf, root, &s, NULL), 0);
	assert_str_equal(s->id_text, ID);
	assert_str_equal(s->id.trust_domain, "weft.local");
	assert_str_equal(s->id.name_space, "shop");
	assert_str_equal(s->id.account, "web");
	assert_str_equal(s->chain_pem, leaf->pem);
	assert_str_equal(s->trust_pem, root->pem);
	assert_str_equal(s->key_pem, leaf->key_pem);
	assert_int_equal(s->not_before.ns, now.ns - 3600LL * 1000000000);
	assert_int_equal(s->not_after.ns, now.ns + 86400LL * 1000000000);
	assert_true(svid_is_valid_at(s, now));
	assert_false(svid_is_valid_at(s, s->not_after));
	assert_false(svid_is_valid_at(s, (struct wall_time){ s->not_before.ns - 1 }));
	test_cert_free(leaf);
	test_cert_free(root);
	assert_ptr_equal(svid_ref(s), s);
	assert_null(svid_unref(s));
	assert_str_equal(s->id_text, ID);
	svid_unref(s);
	assert_int_equal(mem_live_bytes(), live);
}

TEST(intermediates_lead_to_the_anchor)
{
	struct test_cert *root = test_ca_new("root");
	struct test_cert *middle = test_cert_new(
		&(struct test_cert_options){ .issuer = root, .name = "middle", .ca = true });
	struct test_cert *leaf = test_svid_new(middle, ID);
	struct svid *s;

	assert_int_equal(make(leaf, root, &s, NULL), 0);
	assert_str_equal(s->chain_pem, leaf->chain_pem);
	svid_unref(s);
	test_cert_free(leaf);
	test_cert_free(middle);
	test_cert_free(root);
}

TEST(the_name_is_exactly_one_spiffe_id_of_a_workload)
{
	refused((struct test_cert_options){ .sans = "DNS:web" },
		"the certificate has 0 URI names, not one");
	refused((struct test_cert_options){ .sans = "URI:" ID ",URI:" ID },
		"the certificate has 2 URI names, not one");
	refused((struct test_cert_options){ .sans = "URI:https://weft.local/ns/shop/sa/web" },
		"the certificate's name is no SPIFFE ID");
	refused((struct test_cert_options){ .sans = "URI:spiffe://weft.local/ns//sa" },
		"the certificate's name is no SPIFFE ID");
	refused((struct test_cert_options){ .sans = "URI:spiffe://weft.local" },
		"the certificate names a trust domain, not a workload");
	refused((struct test_cert_options){ .sans = "URI:spiffe://weft.local/ns/shop/sa/other" },
		"the certificate is for spiffe://weft.local/ns/shop/sa/other, not for " ID);
}

TEST(a_certificate_that_may_sign_others_is_no_identity)
{
	refused((struct test_cert_options){ .sans = "URI:" ID, .ca = true },
		"the certificate is of an authority");
	refused((struct test_cert_options){ .sans = "URI:" ID,
					    .usage = "critical,digitalSignature,keyCertSign" },
		"the certificate is of an authority");
	refused((struct test_cert_options){ .sans = "URI:" ID,
					    .usage = "critical,digitalSignature,cRLSign" },
		"the certificate may sign for others");
}

TEST(the_usages_are_those_of_both_sides_of_a_handshake)
{
	refused((struct test_cert_options){ .sans = "URI:" ID, .usage = "keyEncipherment" },
		"the certificate's key usage is not digitalSignature");
	refused((struct test_cert_options){ .sans = "URI:" ID, .extended_usage = "serverAuth" },
		"the certificate is not for both servers and clients");
	refused((struct test_cert_options){ .sans = "URI:" ID, .extended_usage = "clientAuth" },
		"the certificate is not for both servers and clients");
}

TEST(the_time_is_now)
{
	refused((struct test_cert_options){ .sans = "URI:" ID, .not_after_seconds = -1 },
		"the chain does not lead to the trust bundle: certificate has expired");
	refused((struct test_cert_options){ .sans = "URI:" ID, .not_before_seconds = 60 },
		"the chain does not lead to the trust bundle: certificate is not yet valid");
}

TEST(the_chain_leads_to_an_anchor_and_the_key_is_its_own)
{
	struct test_cert *root = test_ca_new("root"), *other = test_ca_new("other");
	struct test_cert *leaf = test_svid_new(root, ID), *second = test_svid_new(root, ID);
	struct diag d = DIAG_INIT;
	struct svid_parts parts;
	struct svid *s = NULL;

	assert_int_equal(make(leaf, other, &s, &d), ERR_CONFIG);
	assert_string_equal(d.text, "the chain does not lead to the trust bundle: unable to get "
				    "local issuer certificate");
	diag_fini(&d);

	parts = (struct svid_parts){ str_from(second->key_pem), str_from(leaf->chain_pem),
				     str_from(root->pem) };
	assert_int_equal(svid_new(&parts, STR(ID), now, &s, &d), ERR_CONFIG);
	assert_string_equal(d.text, "the key does not belong to the certificate");
	diag_fini(&d);
	assert_null(s);
	test_cert_free(leaf);
	test_cert_free(second);
	test_cert_free(root);
	test_cert_free(other);
}

TEST(parts_that_are_no_pem_are_named)
{
	struct test_cert *root = test_ca_new("root"), *leaf = test_svid_new(root, ID);
	const struct str key = str_from(leaf->key_pem), chain = str_from(leaf->chain_pem),
			 trust = str_from(root->pem);
	const struct {
		struct svid_parts parts;
		const char *text;
	} cases[] = {
		{ { STR("x"), chain, trust }, "the key is not a private key in PEM" },
		{ { key, STR("x"), trust }, "the chain is not certificates in PEM" },
		{ { key, chain, STR_EMPTY }, "the trust bundle is not certificates in PEM" },
		{ { key, chain, str_slice(trust, 0, trust.len - 40) },
		  "the trust bundle is not certificates in PEM" },
	};

	for (size_t i = 0; i < array_count(cases); i++) {
		struct diag d = DIAG_INIT;
		struct svid *s = NULL;

		assert_int_equal(svid_new(&cases[i].parts, STR(ID), now, &s, &d), ERR_CONFIG);
		assert_string_equal(d.text, cases[i].text);
		diag_fini(&d);
	}
	test_cert_free(leaf);
	test_cert_free(root);
}

TEST(a_chain_has_a_limit)
{
	struct test_cert *root = test_ca_new("root"), *leaf = test_svid_new(root, ID);
	struct buf chain = BUF_INIT(0);
	struct diag d = DIAG_INIT;
	struct svid *s = NULL;
	struct svid_parts parts;

	for (int i = 0; i <= SVID_CHAIN_COUNT_MAX; i++)
		buf_append_str(&chain, str_from(leaf->pem));
	parts = (struct svid_parts){ str_from(leaf->key_pem), buf_str(&chain),
				     str_from(root->pem) };
	assert_int_equal(svid_new(&parts, STR(ID), now, &s, &d), ERR_CONFIG);
	assert_string_equal(d.text, "the chain has more than 8 certificates");
	diag_fini(&d);
	buf_fini(&chain);
	test_cert_free(leaf);
	test_cert_free(root);
}

TEST(contexts_are_made_for_both_sides)
{
	static const struct str h2 = STR_INIT("h2");
	const struct svid_tls_options options = { .role = TLS_SERVER,
						  .alpn = &h2,
						  .alpn_count = 1 };
	struct test_cert *root = test_ca_new("root"), *leaf = test_svid_new(root, ID);
	struct tls_context *server, *client;
	struct svid *s;

	assert_int_equal(make(leaf, root, &s, NULL), 0);
	assert_int_equal(svid_tls_context(s, &options, &server, NULL), 0);
	assert_int_equal(svid_control_client_context(s, &client, NULL), 0);
	assert_str_equal(certificate_spiffe_id(tls_context_certificate(server)), ID);
	assert_int_equal(tls_context_anchor_count(client), 1);
	tls_context_unref(server);
	tls_context_unref(client);
	svid_unref(s);
	test_cert_free(leaf);
	test_cert_free(root);
}

TEST(the_control_planes_identity_has_a_fixed_name)
{
	struct buf id = BUF_INIT(0);

	svid_control_id(STR("weft.local"), &id);
	assert_str_equal(buf_str(&id), "spiffe://weft.local/ns/weft-system/sa/control");
	buf_fini(&id);
}
