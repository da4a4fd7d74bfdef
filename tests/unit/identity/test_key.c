/* Keys: P-256, in and out of PEM. */

#include "identity/key.h"

#include "base/error.h"
#include "base/mem.h"
#include "identity/openssl.h"

#include "test.h"

TEST(a_new_key_is_p256_and_reads_back_from_its_pem)
{
	uint64_t live = mem_live_bytes();
	struct buf first = BUF_INIT(0), second = BUF_INIT(0);
	struct key *made, *read;
	char group[32];
	size_t len;

	assert_int_equal(key_new(&made), 0);
	assert_int_equal(EVP_PKEY_get_group_name(made->pkey, group, sizeof(group), &len), 1);
	assert_string_equal(group, "prime256v1");
	key_append_pem(made, &first);
	assert_true(str_has_prefix(buf_str(&first), STR("-----BEGIN PRIVATE KEY-----\n")));
	assert_int_equal(key_read(buf_str(&first), &read), 0);
	key_append_pem(read, &second);
	assert_true(str_eq(buf_str(&first), buf_str(&second)));
	key_wipe(&first);
	key_wipe(&second);
	key_free(made);
	key_free(read);
	assert_null(key_free(NULL));
	assert_int_equal(mem_live_bytes(), live);
}

TEST(every_new_key_is_another_one)
{
	struct key *a, *b;

	assert_int_equal(key_new(&a), 0);
	assert_int_equal(key_new(&b), 0);
	assert_int_not_equal(EVP_PKEY_eq(a->pkey, b->pkey), 1);
	key_free(a);
	key_free(b);
}

TEST(what_is_no_key_is_refused_without_asking_for_a_passphrase)
{
	static const char *const texts[] = {
		"",
		"key",
		"-----BEGIN PRIVATE KEY-----\n",
		"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE "
		 "KEY-----\n"),
	};
	struct key *k = NULL;

	for (size_t i = 0; i < array_count(texts); i++)
		assert_int_equal(key_read(str_from(texts[i]), &k), ERR_SYNTAX);
	assert_null(k);
}
