/* Base64 and percent-encoding. */

#include "codec/base64.h"
#include "codec/percent.h"

#include "base/error.h"
#include "base/mem.h"
#include "test.h"

TEST(base64_has_the_vectors_of_rfc_4648)
{
	static const char *const rows[][2] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
	};
	struct buf out = BUF_INIT(0);

	for (size_t i = 0; i < array_count(rows); i++) {
		buf_clear(&out);
		base64_encode(str_from(rows[i][0]), BASE64_STANDARD, &out);
		assert_str_equal(buf_str(&out), rows[i][1]);
		buf_clear(&out);
		assert_int_equal(base64_decode(str_from(rows[i][1]), BASE64_STANDARD, &out), 0);
		assert_str_equal(buf_str(&out), rows[i][0]);
	}
	buf_fini(&out);
}

TEST(base64_url_has_its_own_alphabet_and_no_padding)
{
	struct buf out = BUF_INIT(0);

	base64_encode(STR("\xfb\xff\xfe\xff"), BASE64_URL, &out);
	assert_str_equal(buf_str(&out), "-__-_w");
	buf_clear(&out);
	assert_int_equal(base64_decode(STR("-__-_w"), BASE64_URL, &out), 0);
	assert_str_equal(buf_str(&out), "\xfb\xff\xfe\xff");
	buf_fini(&out);
}

TEST(base64_refuses_every_second_spelling)
{
	static const struct {
		const char *text;
		enum base64_kind kind;
	} rows[] = {
		{ "Zg=", BASE64_STANDARD },    { "Zg", BASE64_STANDARD },
		{ "Zh==", BASE64_STANDARD },   { "Zm9=", BASE64_STANDARD },
		{ "Z===", BASE64_STANDARD },   { "====", BASE64_STANDARD },
		{ "Zg==\n", BASE64_STANDARD }, { "Zm 9v", BASE64_STANDARD },
		{ "-__-", BASE64_STANDARD },   { "Zg==", BASE64_URL },
		{ "+//+", BASE64_URL },        { "Z", BASE64_ANY },
		{ "Zg=", BASE64_ANY },         { "Zg==Zg==", BASE64_ANY },
	};
	struct buf out = BUF_INIT(0);

	for (size_t i = 0; i < array_count(rows); i++)
		assert_int_equal(base64_decode(str_from(rows[i].text), rows[i].kind, &out),
				 ERR_SYNTAX);
	assert_int_equal(buf_len(&out), 0);
	assert_int_equal(base64_decode(STR("Zg"), BASE64_ANY, &out), 0);
	assert_int_equal(base64_decode(STR("_w=="), BASE64_ANY, &out), 0);
	assert_str_equal(buf_str(&out), "f\xff");
	buf_fini(&out);
}

TEST(base64_respects_the_limit_of_the_buffer)
{
	struct buf out = BUF_INIT(2);

	assert_int_equal(base64_decode(STR("Zm9vYmFy"), BASE64_STANDARD, &out), ERR_LIMIT);
	buf_fini(&out);
}

TEST(percent_encoding_leaves_what_the_place_allows)
{
	static const struct {
		enum percent_set set;
		const char *text;
	} rows[] = {
		{ PERCENT_COMPONENT, "a-._~%2F%3F%20%25%C3%A9%22" },
		{ PERCENT_PATH, "a-._~/%3F%20%25%C3%A9%22" },
		{ PERCENT_QUERY, "a-._~/?%20%25%C3%A9%22" },
		{ PERCENT_GRPC_MESSAGE, "a-._~/? %25%C3%A9\"" },
	};
	struct buf out = BUF_INIT(0);

	for (size_t i = 0; i < array_count(rows); i++) {
		buf_clear(&out);
		percent_encode(STR("a-._~/? %\xc3\xa9\""), rows[i].set, &out);
		assert_str_equal(buf_str(&out), rows[i].text);
	}
	buf_fini(&out);
}

TEST(percent_decoding_is_strict_unless_asked)
{
	struct pool pool = POOL_INIT(0);
	struct str plain = STR("abc");
	struct str text;

	assert_int_equal(percent_decode(plain, &pool, &text), 0);
	assert_ptr_equal(text.ptr, plain.ptr);
	assert_int_equal(percent_decode(STR("a%2fb%C3%a9"), &pool, &text), 0);
	assert_str_equal(text, "a/b\xc3\xa9");
	assert_int_equal(percent_decode(STR("%00"), &pool, &text), 0);
	assert_int_equal(text.len, 1);
	assert_int_equal(percent_decode(STR("a%"), &pool, &text), ERR_SYNTAX);
	assert_int_equal(percent_decode(STR("a%2"), &pool, &text), ERR_SYNTAX);
	assert_int_equal(percent_decode(STR("%g0"), &pool, &text), ERR_SYNTAX);
	assert_str_equal(percent_decode_lenient(STR("100% of %41%4"), &pool), "100% of A%4");
	pool_fini(&pool);
}
