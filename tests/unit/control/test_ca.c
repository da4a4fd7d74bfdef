/* The authority: what it keeps, what it signs, and how it stays able to sign. */

#include "control/ca.h"

#include <errno.h>
#include <unistd.h>

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/error.h"
#include "base/mem.h"
#include "control/store.h"
#include "identity/csr.h"
#include "identity/openssl.h"
#include "identity/svid.h"
#include "net/certificate.h"

#include "facts.h"
#include "test.h"

#define WEB    "spiffe://weft.local/ns/shop/sa/web"
#define SECOND 1000000000LL
#define MINUTE (60 * SECOND)
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)

/* 2026-01-01T00:00:00Z */
static const struct wall_time start = { 1767225600LL * SECOND };

static struct wall_time after(int64_t ns)
{
	return (struct wall_time){ start.ns + ns };
}

static struct ca *open_ca(struct facts *f, struct wall_time now)
{
	struct ca_options options = { .facts = facts_of(f) };
	struct ca *ca = NULL;

	assert_int_equal(ca_new(&options, now, &ca, NULL), 0);
	return ca;
}

static void refused(const struct ca_options *options, struct wall_time now, int error,
		    const char *text)
{
	struct diag d = DIAG_INIT;
	struct ca *ca = NULL;

	assert_int_equal(ca_new(options, now, &ca, &d), error);
	assert_string_equal(d.text, text);
	assert_null(ca);
	diag_fini(&d);
}

/* One certificate for a fresh key. */
struct signed_one {
	struct key *key;
	struct pool pool;
	struct ca_certificate c;
};

static void sign(struct signed_one *s, struct ca *ca, struct duration validity,
		 struct wall_time now)
{
	*s = (struct signed_one){ .pool = POOL_INIT(0) };
	assert_int_equal(key_new(&s->key), 0);
	assert_int_equal(ca_sign(ca, &(struct ca_request){ s->key, STR(WEB), validity, now },
				 &s->pool, &s->c, NULL),
			 0);
}

static void signed_fini(struct signed_one *s)
{
	key_free(s->key);
	pool_fini(&s->pool);
}

static int64_t life_of(struct ca *ca, struct duration validity, struct wall_time now)
{
	struct signed_one s;
	int64_t ns;

	sign(&s, ca, validity, now);
	ns = s.c.not_after.ns - now.ns;
	signed_fini(&s);
	return ns;
}

static X509 *x509_of(struct str pem)
{
	cleanup(x509_stack_freep) STACK_OF(X509) *stack = NULL;

	assert_int_equal(pem_read_certificates(pem, 1, &stack), 0);
	return sk_X509_pop(stack);
}

/* Does the whole verify under OpenSSL's strictest reading of RFC 5280? */
static void assert_strictly_valid(const struct ca_certificate *c, struct wall_time now)
{
	X509 *leaf = x509_of(c->leaf_pem), *issuing = x509_of(c->issuing_pem),
	     *root = x509_of(c->root_pem);
	STACK_OF(X509) *between = sk_X509_new_null();
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *context = X509_STORE_CTX_new();

	sk_X509_push(between, issuing);
	X509_STORE_add_cert(store, root);
	X509_STORE_set_flags(store, X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE);
	assert_int_equal(X509_STORE_CTX_init(context, store, leaf, between), 1);
	X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER);
	X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context), now.ns / SECOND);
	if (X509_verify_cert(context) != 1)
		fail_msg("%s", X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)));
	X509_STORE_CTX_free(context);
	X509_STORE_free(store);
	sk_X509_free(between);
	X509_free(leaf);
	X509_free(issuing);
	X509_free(root);
}

TEST(the_first_start_makes_root_and_issuing_key_and_later_ones_read_them)
{
	struct facts f = { 0 };
	struct ca *first = open_ca(&f, start), *second;
	char *root = mem_strdup_str(ca_root_pem(first));

	assert_true(ca_is_new(first));
	assert_int_equal(f.sets, 2);
	assert_str_equal(ca_trust_domain(first), "weft.local");
	assert_int_equal(ca_root_not_after(first).ns - start.ns, 3652 * DAY);
	assert_int_equal(ca_issuing_not_after(first).ns - start.ns, 7 * DAY);
	ca_free(first);

	second = open_ca(&f, after(HOUR));
	assert_false(ca_is_new(second));
	assert_int_equal(f.sets, 2);
	assert_str_equal(ca_root_pem(second), root);
	assert_int_equal(ca_issuing_not_after(second).ns - start.ns, 7 * DAY);
	ca_free(second);
	mem_free(root);
	facts_fini(&f);
}

TEST(what_it_keeps_lies_in_the_store)
{
	char dir[] = "/tmp/weft-test-XXXXXX";
	char *path, *root;
	struct store *store;
	struct ca *ca;

	assert_non_null(mkdtemp(dir));
	path = mem_printf("%s/store", dir);
	assert_int_equal(store_open(path, &store, NULL), 0);
	assert_int_equal(
		ca_new(&(struct ca_options){ .facts = ca_facts_of(store) }, start, &ca, NULL), 0);
	root = mem_strdup_str(ca_root_pem(ca));
	ca_free(ca);
	store_close(store);

	assert_int_equal(store_open(path, &store, NULL), 0);
	assert_int_equal(
		ca_new(&(struct ca_options){ .facts = ca_facts_of(store) }, start, &ca, NULL), 0);
	assert_false(ca_is_new(ca));
	assert_str_equal(ca_root_pem(ca), root);
	ca_free(ca);
	store_close(store);
	mem_free(root);
	for (size_t i = 0; i < 4; i++) {
		static const char *const suffixes[] = { "", "-wal", "-shm", ".lock" };
		char *file = mem_printf("%s%s", path, suffixes[i]);

		unlink(file);
		mem_free(file);
	}
	assert_int_equal(rmdir(dir), 0);
	mem_free(path);
}

TEST(the_trust_domain_is_fixed_at_the_first_start)
{
	struct facts f = { 0 };
	struct ca_options options = { .facts = facts_of(&f), .trust_domain = STR("shop.example") };
	struct diag d = DIAG_INIT;
	struct ca *ca;

	assert_int_equal(ca_new(&options, start, &ca, NULL), 0);
	assert_str_equal(ca_trust_domain(ca), "shop.example");
	ca_free(ca);
	assert_int_equal(ca_new(&options, start, &ca, NULL), 0);
	ca_free(ca);
	options.trust_domain = STR_EMPTY;
	assert_int_equal(ca_new(&options, start, &ca, NULL), 0);
	assert_str_equal(ca_trust_domain(ca), "shop.example");
	ca_free(ca);

	options.trust_domain = STR("other.example");
	assert_int_equal(ca_new(&options, start, &ca, &d), ERR_CONFIG);
	assert_string_equal(d.text,
			    "the trust domain is \"shop.example\" since the first start and "
			    "cannot become \"other.example\"");
	assert_string_equal(d.hint,
			    "start without --trust-domain, or with an empty --state directory");
	diag_fini(&d);
	options.trust_domain = STR("Other");
	refused(&options, start, ERR_CONFIG,
		"\"Other\" is not a trust domain: lower-case letters, digits, \".\", \"-\" and "
		"\"_\"");
	facts_fini(&f);
}

TEST(what_is_stored_and_makes_no_sense_is_corrupt)
{
	struct facts f = { 0 }, other = { 0 };
	struct ca_options options = { .facts = facts_of(&f) };

	ca_free(open_ca(&f, start));
	ca_free(open_ca(&other, start));
	facts_put(&f, CA_FACT_ISSUING, str_from(facts_value(&other, CA_FACT_ISSUING)));
	refused(&options, start, ERR_CORRUPT, "the issuing certificate was not signed by the root");
	facts_put(&f, CA_FACT_ISSUING, STR("key"));
	refused(&options, start, ERR_CORRUPT,
		"\"ca.issuing\" cannot be read: stored data is damaged");
	facts_put(&f, CA_FACT_ROOT, STR(""));
	refused(&options, start, ERR_CORRUPT, "\"ca.root\" cannot be read: stored data is damaged");
	facts_fini(&f);
	facts_fini(&other);
}

TEST(a_key_beside_the_certificate_of_another_is_corrupt)
{
	struct facts f = { 0 }, other = { 0 };
	struct ca_options options = { .facts = facts_of(&f) };
	struct ca *ca = open_ca(&other, start);
	struct buf mixed = BUF_INIT(0);
	const char *value;

	ca_free(open_ca(&f, start));
	value = facts_value(&f, CA_FACT_ROOT);
	buf_append_str(&mixed, str_slice(str_from(value), 0,
					 (size_t)(strstr(value, "-----BEGIN CERT") - value)));
	buf_append_str(&mixed, ca_root_pem(ca));
	facts_put(&f, CA_FACT_ROOT, buf_str(&mixed));
	refused(&options, start, ERR_CORRUPT, "\"ca.root\" cannot be read: stored data is damaged");
	ca_free(ca);
	buf_fini(&mixed);
	facts_fini(&f);
	facts_fini(&other);
}

TEST(without_a_place_for_its_keys_it_does_not_begin)
{
	struct facts f = { .fail_set = -ENOSPC };
	struct ca_options options = { .facts = facts_of(&f) };

	refused(&options, start, -ENOSPC, "\"ca.root\" cannot be stored: No space left on device");
	facts_fini(&f);
}

TEST(a_first_start_cut_off_in_the_middle_is_finished_by_the_next)
{
	struct facts f = { 0 }, root_only = { 0 };
	struct ca *ca = open_ca(&f, start);

	facts_put(&root_only, CA_FACT_ROOT, str_from(facts_value(&f, CA_FACT_ROOT)));
	ca_free(ca);
	ca = open_ca(&root_only, after(MINUTE));
	assert_non_null(facts_value(&root_only, CA_FACT_ISSUING));
	ca_free(ca);
	facts_fini(&f);
	facts_fini(&root_only);
}

TEST(a_leaf_is_an_svid_by_all_rules)
{
	struct facts f = { 0 };
	struct ca *ca = open_ca(&f, start);
	struct buf key = BUF_INIT(0), chain = BUF_INIT(0);
	struct signed_one s;
	struct svid *svid;

	sign(&s, ca, DURATION_SECONDS(0), start);
	key_append_pem(s.key, &key);
	buf_append_str(&chain, s.c.leaf_pem);
	buf_append_str(&chain, s.c.issuing_pem);
	assert_int_equal(
		svid_new(&(struct svid_parts){ buf_str(&key), buf_str(&chain), s.c.root_pem },
			 STR(WEB), start, &svid, NULL),
		0);
	assert_int_equal(svid->not_before.ns, start.ns - MINUTE);
	assert_int_equal(svid->not_after.ns, start.ns + DAY);
	assert_true(str_eq(svid->serial, s.c.serial));
	assert_int_equal(ca_issued_count(ca), 1);
	assert_strictly_valid(&s.c, start);
	svid_unref(svid);
	key_wipe(&key);
	buf_fini(&chain);
	signed_fini(&s);
	ca_free(ca);
	facts_fini(&f);
}

static bool is_critical(X509 *x, int nid)
{
	int i = X509_get_ext_by_NID(x, nid, -1);

	assert_true(i >= 0);
	return X509_EXTENSION_get_critical(X509_get_ext(x, i));
}

TEST(the_extensions_of_a_leaf_are_those_that_an_svid_has)
{
	struct facts f = { 0 };
	struct ca *ca = open_ca(&f, start);
	struct signed_one s;
	X509 *leaf, *issuing;

	sign(&s, ca, DURATION_SECONDS(0), start);
	leaf = x509_of(s.c.leaf_pem);
	issuing = x509_of(s.c.issuing_pem);
	assert_int_equal(X509_get_version(leaf), X509_VERSION_3);
	assert_int_equal(X509_get_ext_count(leaf), 6);
	assert_int_equal(X509_NAME_entry_count(X509_get_subject_name(leaf)), 0);
	assert_true(is_critical(leaf, NID_subject_alt_name));
	assert_true(is_critical(leaf, NID_basic_constraints));
	assert_true(is_critical(leaf, NID_key_usage));
	assert_int_equal(X509_get_key_usage(leaf), KU_DIGITAL_SIGNATURE);
	assert_int_equal(X509_get_extended_key_usage(leaf), XKU_SSL_SERVER | XKU_SSL_CLIENT);
	assert_int_equal(ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(leaf),
					       X509_get0_subject_key_id(issuing)),
			 0);
	assert_int_equal(ASN1_STRING_length(X509_get0_subject_key_id(leaf)), 20);
	X509_free(leaf);
	X509_free(issuing);
	signed_fini(&s);
	ca_free(ca);
	facts_fini(&f);
}

TEST(the_issuing_certificate_signs_leaves_alone_and_is_named_by_its_trust_domain)
{
	struct facts f = { 0 };
	struct ca *ca = open_ca(&f, start);
	struct certificate *facts[2];
	struct signed_one s;
	X509 *issuing;

	sign(&s, ca, DURATION_SECONDS(0), start);
	issuing = x509_of(s.c.issuing_pem);
	assert_int_equal(X509_get_pathlen(issuing), 0);
	assert_int_equal(X509_get_key_usage(issuing), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
	assert_int_equal(certificate_read(s.c.issuing_pem, &facts[0]), 0);
	assert_int_equal(certificate_read(s.c.root_pem, &facts[1]), 0);
	for (int i = 0; i < 2; i++) {
		assert_true(facts[i]->is_ca);
		assert_str_equal(certificate_spiffe_id(facts[i]), "spiffe://weft.local");
		certificate_free(facts[i]);
	}
	X509_free(issuing);
	signed_fini(&s);
	ca_free(ca);
	facts_fini(&f);
}

TEST(the_life_of_a_leaf_is_clamped)
{
	struct facts f = { 0 };
	struct ca *ca = open_ca(&f, start);

	assert_int_equal(life_of(ca, DURATION_SECONDS(0), start), DAY);
	assert_int_equal(life_of(ca, DURATION_SECONDS(1), start), 5 * MINUTE);
	assert_int_equal(life_of(ca, DURATION_SECONDS(3600), start), HOUR);
	assert_int_equal(life_of(ca, DURATION_SECONDS(365 * 86400), start), DAY);
	ca_free(ca);
	facts_fini(&f);
}

TEST(short_lives_can_be_allowed)
{
	struct facts f = { 0 };
	struct ca_options options = {
		.facts = facts_of(&f),
		.validity_min = DURATION_SECONDS(2),
		.validity_max = DURATION_SECONDS(10),
		.issuing_validity = DURATION_SECONDS(20),
	};
	struct ca *ca;

	assert_int_equal(ca_new(&options, start, &ca, NULL), 0);
	assert_int_equal(life_of(ca, DURATION_SECONDS(1), start), 2 * SECOND);
	assert_int_equal(life_of(ca, DURATION_SECONDS(0), start), 10 * SECOND);
	ca_free(ca);

	options.issuing_validity = DURATION_SECONDS(19);
	refused(&options, start, ERR_CONFIG,
		"the issuing certificate must live twice as long as what it signs at least");
	options.validity_min = DURATION_SECONDS(11);
	refused(&options, start, ERR_CONFIG,
		"the shortest life of a certificate is a second at least, and at most the longest "
		"one");
	facts_fini(&f);
}

TEST(one_setting_sets_the_life_of_leaves_and_the_rest_follows)
{
	struct facts f = { 0 }, long_facts = { 0 };
	struct ca_options options = { .facts = facts_of(&f), .validity_max = DURATION_SECONDS(10) };
	struct ca *ca;

	assert_int_equal(ca_new(&options, start, &ca, NULL), 0);
	assert_int_equal(life_of(ca, DURATION_SECONDS(1), start), 10 * SECOND);
	ca_free(ca);

	options = (struct ca_options){ .facts = facts_of(&long_facts),
				       .validity_max = DURATION_SECONDS(10 * 86400) };
	assert_int_equal(ca_new(&options, start, &ca, NULL), 0);
	assert_int_equal(life_of(ca, DURATION_SECONDS(0), start), 10 * DAY);
	assert_int_equal(ca_issuing_not_after(ca).ns, after(40 * DAY).ns);
	ca_free(ca);
	options.validity_max = DURATION_SECONDS(366 * 86400);
	refused(&options, start, ERR_CONFIG, "a certificate lives for a year at most");
	facts_fini(&f);
	facts_fini(&long_facts);
}

TEST(the_issuing_certificate_is_replaced_before_a_leaf_must_end_early)
{
	struct facts f = { 0 };
	struct ca *ca = open_ca(&f, start);
	char *root = mem_strdup_str(ca_root_pem(ca));
	struct signed_one before, behind;

	sign(&before, ca, DURATION_SECONDS(0), after(6 * DAY - HOUR));
	assert_int_equal(ca_rotated_count(ca), 0);
	sign(&behind, ca, DURATION_SECONDS(0), after(6 * DAY - HOUR + SECOND));
	assert_int_equal(ca_rotated_count(ca), 1);
	assert_false(str_eq(behind.c.issuing_pem, str_from(root)));
	assert_str_equal(behind.c.root_pem, root);
	assert_int_equal(ca_issuing_not_after(ca).ns, after(13 * DAY - HOUR + SECOND).ns);
	assert_strictly_valid(&behind.c, after(6 * DAY));
	signed_fini(&before);
	signed_fini(&behind);
	ca_free(ca);

	/* And the new one is what a restart finds. */
	ca = open_ca(&f, after(6 * DAY));
	assert_int_equal(ca_issuing_not_after(ca).ns, after(13 * DAY - HOUR + SECOND).ns);
	ca_free(ca);
	mem_free(root);
	facts_fini(&f);
}

TEST(when_it_cannot_be_replaced_leaves_end_with_it)
{
	struct facts f = { 0 };
	struct ca *ca = open_ca(&f, start);
	struct diag d = DIAG_INIT;
	struct signed_one s;
	struct pool pool = POOL_INIT(0);
	struct ca_certificate c;

	f.fail_set = -ENOSPC;
	assert_int_equal(life_of(ca, DURATION_SECONDS(0), after(7 * DAY - HOUR)), HOUR);
	assert_int_equal(ca_rotated_count(ca), 0);

	sign(&s, ca, DURATION_SECONDS(0), after(7 * DAY - SECOND));
	assert_int_equal(s.c.not_after.ns, after(7 * DAY).ns);
	assert_int_equal(ca_sign(ca,
				 &(struct ca_request){ s.key, STR(WEB), DURATION_SECONDS(0),
						       after(7 * DAY) },
				 &pool, &c, &d),
			 ERR_UNAVAILABLE);
	assert_string_equal(d.text, "\"ca.issuing\" cannot be stored: No space left on device");
	diag_fini(&d);

	f.fail_set = 0;
	assert_int_equal(life_of(ca, DURATION_SECONDS(0), after(7 * DAY)), DAY);
	assert_int_equal(ca_rotated_count(ca), 1);
	signed_fini(&s);
	pool_fini(&pool);
	ca_free(ca);
	facts_fini(&f);
}

TEST(nothing_outlives_the_root)
{
	struct facts f = { 0 };
	struct ca *ca = open_ca(&f, start);
	struct wall_time end = ca_root_not_after(ca), day_before = { end.ns - DAY / 2 };
	struct pool pool = POOL_INIT(0);
	struct diag d = DIAG_INIT;
	struct ca_certificate c;
	struct key *key;

	assert_int_equal(life_of(ca, DURATION_SECONDS(0), day_before), DAY / 2);
	assert_int_equal(ca_issuing_not_after(ca).ns, end.ns);
	assert_int_equal(ca_rotated_count(ca), 1);
	assert_int_equal(life_of(ca, DURATION_SECONDS(0), day_before), DAY / 2);
	assert_int_equal(ca_rotated_count(ca), 1);

	assert_int_equal(key_new(&key), 0);
	assert_int_equal(
		ca_sign(ca, &(struct ca_request){ key, STR(WEB), { 0 }, end }, &pool, &c, &d),
		ERR_UNAVAILABLE);
	assert_string_equal(d.text, "the root certificate has expired");
	diag_fini(&d);
	assert_int_equal(ca_sign(ca, &(struct ca_request){ key, STR(WEB), { 0 }, after(-DAY) },
				 &pool, &c, &d),
			 ERR_UNAVAILABLE);
	assert_string_equal(d.text,
			    "the clock stands before the beginning of the root certificate");
	diag_fini(&d);
	key_free(key);
	pool_fini(&pool);
	ca_free(ca);
	facts_fini(&f);
}

TEST(ten_thousand_signatures_have_as_many_serials_and_leave_nothing_behind)
{
	enum { COUNT = 10000, SERIAL = 40 };
	static char serials[COUNT][SERIAL];
	struct facts f = { 0 };
	struct ca *ca = open_ca(&f, start);
	struct pool pool = POOL_INIT(0);
	struct key *key;
	uint64_t live;

	assert_int_equal(key_new(&key), 0);
	live = mem_live_bytes();
	for (int i = 0; i < COUNT; i++) {
		struct ca_certificate c;

		assert_int_equal(ca_sign(ca, &(struct ca_request){ key, STR(WEB), { 0 }, start },
					 &pool, &c, NULL),
				 0);
		assert_true(c.serial.len < SERIAL);
		memcpy(serials[i], c.serial.ptr, c.serial.len);
		pool_fini(&pool);
		pool_init(&pool, 0);
	}
	assert_int_equal(mem_live_bytes(), live);
	qsort(serials, COUNT, SERIAL, (int (*)(const void *, const void *))strcmp);
	for (int i = 1; i < COUNT; i++)
		assert_string_not_equal(serials[i - 1], serials[i]);
	assert_int_equal(ca_issued_count(ca), COUNT);
	key_free(key);
	ca_free(ca);
	facts_fini(&f);
}

TEST(the_control_planes_own_identity_is_signed_directly)
{
	struct facts f = { 0 };
	struct ca *ca = open_ca(&f, start);
	struct buf csr = BUF_INIT(0), key_pem = BUF_INIT(0);
	struct identity_grant grant = { 0 };
	struct ca_own own = { .ca = ca };
	struct svid *svid;
	struct key *key;

	assert_int_equal(loop_new(&own.loop), 0);
	loop_set_clock(own.loop, (struct instant){ 0 }, start);
	assert_int_equal(key_new(&key), 0);
	assert_int_equal(csr_append(key, STR(WEB), &csr), 0);
	assert_int_equal(ca_sign_own(&own, buf_str(&csr), DURATION_SECONDS(0), &grant, NULL), 0);
	key_append_pem(key, &key_pem);
	assert_int_equal(
		svid_new(&(struct svid_parts){ buf_str(&key_pem), buf_str(&grant.chain_pem),
					       buf_str(&grant.trust_pem) },
			 STR("spiffe://weft.local/ns/weft-system/sa/control"), start, &svid, NULL),
		0);
	svid_unref(svid);
	buf_fini(&grant.chain_pem);
	buf_fini(&grant.trust_pem);
	buf_fini(&csr);
	key_wipe(&key_pem);
	key_free(key);
	loop_free(own.loop);
	ca_free(ca);
	facts_fini(&f);
}
