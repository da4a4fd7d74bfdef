#include "message/headers.h"

#include "test.h"

TEST(every_well_known_name_is_found_in_any_case)
{
	for (enum header_id id = HEADER_OTHER + 1; id < HEADER_ID_COUNT; id++) {
		struct str name = header_id_text(id);
		char upper[64], mixed[64];

		for (size_t i = 0; i < name.len; i++) {
			char c = name.ptr[i];

			upper[i] = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
			mixed[i] = i % 2 ? upper[i] : c;
		}
		assert_int_equal(header_id_of(name), id);
		assert_int_equal(header_id_of(str_of(upper, name.len)), id);
		assert_int_equal(header_id_of(str_of(mixed, name.len)), id);
	}
}

/* Every name with one bit changed is another name, unless the bit is the case of a letter. */
TEST(a_name_with_one_bit_changed_is_not_well_known)
{
	for (enum header_id id = HEADER_OTHER + 1; id < HEADER_ID_COUNT; id++) {
		struct str name = header_id_text(id);
		char other[64];

		for (size_t bit = 0; bit < name.len * 8; bit++) {
			memcpy(other, name.ptr, name.len);
			other[bit / 8] = (char)(other[bit / 8] ^ (1 << bit % 8));

			struct str changed = str_of(other, name.len);

			if (str_eq_nocase(changed, name))
				continue;
			assert_int_not_equal(header_id_of(changed), id);
		}
		assert_int_not_equal(header_id_of(str_slice(name, 0, name.len - 1)), id);
	}
	assert_int_equal(header_id_of(STR_EMPTY), HEADER_OTHER);
	assert_int_equal(header_id_of(STR("x-unheard-of")), HEADER_OTHER);
}

TEST(methods_are_compared_with_case)
{
	assert_int_equal(method_of(STR("GET")), METHOD_GET);
	assert_int_equal(method_of(STR("get")), METHOD_OTHER);
	assert_int_equal(method_of(STR("PATCH")), METHOD_PATCH);
	assert_int_equal(method_of(STR("")), METHOD_OTHER);
	assert_str_equal(method_text(METHOD_OPTIONS), "OPTIONS");
	assert_true(method_is_idempotent(METHOD_PUT));
	assert_false(method_is_idempotent(METHOD_POST));
	assert_false(method_is_idempotent(METHOD_OTHER));
	assert_false(method_is_idempotent(METHOD_CONNECT));
}

TEST(status_texts_are_the_registry)
{
	assert_str_equal(status_text(200), "OK");
	assert_str_equal(status_text(431), "Request Header Fields Too Large");
	assert_str_equal(status_text(451), "Unavailable For Legal Reasons");
	assert_str_equal(status_text(511), "Network Authentication Required");
	assert_str_equal(status_text(418), "");
	assert_str_equal(status_text(599), "");
	assert_str_equal(status_text(0), "");
	assert_str_equal(status_text(999), "");
}
