#include "test.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/random.h"

TEST(a_buffer_takes_at_the_end_and_gives_at_the_front)
{
	struct buf b = BUF_INIT(0);

	assert_int_equal(buf_append(&b, "hello", 5), 0);
	assert_int_equal(buf_append_char(&b, ' '), 0);
	assert_int_equal(buf_append_str(&b, STR("world")), 0);
	assert_str_equal(buf_str(&b), "hello world");
	buf_consume(&b, 6);
	assert_str_equal(buf_str(&b), "world");
	assert_int_equal(buf_len(&b), 5);
	buf_consume(&b, 5);
	assert_int_equal(buf_len(&b), 0);
	buf_fini(&b);
	buf_fini(&b);
}

TEST(an_empty_buffer_is_empty_text)
{
	struct buf b = BUF_INIT(0);

	assert_str_equal(buf_str(&b), "");
	assert_int_equal(buf_append(&b, NULL, 0), 0);
	assert_int_equal(buf_append_str(&b, STR_EMPTY), 0);
	buf_clear(&b);
	assert_str_equal(buf_str(&b), "");
	buf_fini(&b);
}

TEST(an_append_beyond_the_limit_is_refused_whole_and_remembered)
{
	struct buf b = BUF_INIT(10);

	assert_int_equal(buf_append_str(&b, STR("12345678")), 0);
	assert_int_equal(buf_append_str(&b, STR("abc")), ERR_LIMIT);
	assert_str_equal(buf_str(&b), "12345678");
	assert_true(b.overflowed);
	assert_int_equal(buf_append_str(&b, STR("90")), 0);
	assert_true(b.overflowed);
	assert_int_equal(buf_append_char(&b, 'x'), ERR_LIMIT);
	buf_clear(&b);
	assert_false(b.overflowed);
	buf_fini(&b);
}

TEST(the_limit_counts_unread_bytes_only)
{
	struct buf b = BUF_INIT(4);

	for (int i = 0; i < 1000; i++) {
		assert_int_equal(buf_append_str(&b, STR("abcd")), 0);
		buf_consume(&b, 4);
	}
	assert_int_equal(buf_append_str(&b, STR("abc")), 0);
	buf_consume(&b, 1);
	assert_int_equal(buf_append_str(&b, STR("xy")), 0);
	assert_str_equal(buf_str(&b), "bcxy");
	assert_true(b.capacity <= 64);
	buf_fini(&b);
}

TEST(printing_respects_the_limit_to_the_byte)
{
	struct buf b = BUF_INIT(8);

	assert_int_equal(buf_printf(&b, "%s", "12345678"), 0);
	assert_str_equal(buf_str(&b), "12345678");
	assert_int_equal(buf_printf(&b, "%d", 9), ERR_LIMIT);
	assert_str_equal(buf_str(&b), "12345678");
	buf_clear(&b);
	assert_int_equal(buf_printf(&b, "%s", "123456789"), ERR_LIMIT);
	assert_int_equal(buf_len(&b), 0);
	buf_fini(&b);
}

TEST(printing_grows_the_buffer)
{
	struct buf b = BUF_INIT(0);

	for (int i = 0; i < 100; i++)
		assert_int_equal(buf_printf(&b, "%03d;", i), 0);
	assert_int_equal(buf_len(&b), 400);
	assert_str_equal(str_slice(buf_str(&b), 396, 400), "099;");
	buf_fini(&b);
}

TEST(reserved_room_is_claimed_in_part)
{
	struct buf b = BUF_INIT(100);
	char *room = buf_reserve(&b, 100);

	memcpy(room, "abc", 3);
	buf_claim(&b, 3);
	assert_str_equal(buf_str(&b), "abc");
	assert_null(buf_reserve(&b, 98));
	assert_null(buf_reserve(&b, SIZE_MAX));
	assert_non_null(buf_reserve(&b, 97));
	buf_fini(&b);
}

TEST(the_text_is_handed_out_terminated_and_the_buffer_is_new)
{
	uint64_t before = mem_live_bytes();
	struct buf b = BUF_INIT(0);
	char *text;

	text = buf_take_text(&b);
	assert_string_equal(text, "");
	mem_free(text);
	for (int i = 0; i < 64; i++)
		buf_append_char(&b, 'a');
	buf_consume(&b, 1);
	text = buf_take_text(&b);
	assert_int_equal(strlen(text), 63);
	assert_int_equal(buf_len(&b), 0);
	mem_free(text);
	assert_int_equal(mem_live_bytes(), before);
}

TEST(random_appends_and_consumes_lose_no_byte)
{
	struct buf b = BUF_INIT(0);
	struct random r;
	unsigned char in = 0, out = 0;

	random_init(&r, 7);
	for (int i = 0; i < 5000; i++) {
		for (uint64_t n = random_below(&r, 40); n; n--)
			buf_append_char(&b, (char)in++);

		size_t len = random_below(&r, buf_len(&b) + 1);

		for (size_t k = 0; k < len; k++)
			assert_int_equal((unsigned char)buf_str(&b).ptr[k], out++);
		buf_consume(&b, len);
	}
	buf_fini(&b);
}
