#include "test.h"

#include "base/hash.h"

/* Computed by CPython's siphash13 with the same key. */
TEST(siphash_gives_the_numbers_of_another_implementation)
{
	static const struct {
		const char *text;
		uint64_t hash;
	} known[] = {
		{ "a", 0x407448d2b89b1813 },
		{ "abcdefg", 0x6db12aae9070f506 },
		{ "abcdefgh", 0x3f7b849c0b8e35ea },
		{ "abcdefghi", 0xf89b34a3d11eb6e5 },
		{ "reviews.shop.svc.cluster.local", 0xc81b6b69356d8d45 },
	};

	for (size_t i = 0; i < array_count(known); i++)
		assert_true(hash_bytes_keyed(str_from(known[i].text), 0, 0) == known[i].hash);
}

TEST(fnv_gives_its_published_numbers)
{
	assert_true(hash_fnv1a64(STR("")) == 0xcbf29ce484222325);
	assert_true(hash_fnv1a64(STR("a")) == 0xaf63dc4c8601ec8c);
	assert_true(hash_fnv1a64(STR("foobar")) == 0x85944171f73967e8);
}

TEST(the_process_has_a_key_of_its_own)
{
	assert_true(hash_bytes(STR("weft")) == hash_bytes(STR("weft")));
	assert_true(hash_bytes(STR("weft")) != hash_bytes_keyed(STR("weft"), 0, 0));
}
