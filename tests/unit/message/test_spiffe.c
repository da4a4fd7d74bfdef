#include "message/spiffe.h"

#include <string.h>

#include "base/error.h"

#include "test.h"

TEST(a_workload_id_has_namespace_and_account)
{
	struct spiffe_id id;

	assert_int_equal(spiffe_id_parse(STR("spiffe://weft.local/ns/shop/sa/web"), &id), 0);
	assert_str_equal(id.trust_domain, "weft.local");
	assert_str_equal(id.path, "/ns/shop/sa/web");
	assert_str_equal(id.name_space, "shop");
	assert_str_equal(id.account, "web");
}

TEST(other_paths_are_ids_without_account)
{
	struct spiffe_id id;

	assert_int_equal(spiffe_id_parse(STR("spiffe://a.b-c_d"), &id), 0);
	assert_str_equal(id.path, "");
	assert_int_equal(spiffe_id_parse(STR("spiffe://td/ns/shop/sa/web/more"), &id), 0);
	assert_str_equal(id.account, "");
	assert_int_equal(spiffe_id_parse(STR("spiffe://td/Some_Path.x"), &id), 0);
	assert_str_equal(id.name_space, "");
}

TEST(what_the_standard_forbids_is_refused)
{
	static const char *const texts[] = {
		"",
		"http://td/x",
		"spiffe://",
		"spiffe:///x",
		"spiffe://TD/x",
		"spiffe://td/",
		"spiffe://td//x",
		"spiffe://td/./x",
		"spiffe://td/../x",
		"spiffe://td/x/",
		"spiffe://td/x y",
		"spiffe://td/x%41",
		"spiffe://td/x?q",
		"spiffe://td/x#f",
		"spiffe://u@td/x",
		"spiffe://td:80/x",
		"spiffe://td/\xc3\xa4",
		"SPIFFE://td/x",
	};
	struct spiffe_id id;

	for (size_t i = 0; i < array_count(texts); i++)
		assert_int_equal(spiffe_id_parse(str_from(texts[i]), &id), ERR_SYNTAX);
}

TEST(ids_and_trust_domains_have_their_lengths)
{
	char text[SPIFFE_ID_BYTES_MAX + 1];
	struct spiffe_id id;

	memset(text, 'a', sizeof(text));
	memcpy(text, "spiffe://td/", 12);
	assert_int_equal(spiffe_id_parse(str_of(text, SPIFFE_ID_BYTES_MAX), &id), 0);
	assert_int_equal(spiffe_id_parse(str_of(text, SPIFFE_ID_BYTES_MAX + 1), &id), ERR_LIMIT);
	assert_true(spiffe_trust_domain_valid(str_of(text + 12, 255)));
	assert_false(spiffe_trust_domain_valid(str_of(text + 12, 256)));
}

TEST(dns_labels_are_rfc_1123)
{
	assert_true(name_is_dns_label(STR("web-1")));
	assert_true(name_is_dns_label(STR("1")));
	assert_false(name_is_dns_label(STR("")));
	assert_false(name_is_dns_label(STR("-a")));
	assert_false(name_is_dns_label(STR("a-")));
	assert_false(name_is_dns_label(STR("A")));
	assert_false(name_is_dns_label(STR("a.b")));
	assert_false(name_is_dns_label(
		STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")));
}
