#include "test.h"

#include "base/error.h"

TEST(numbers_parse_strictly)
{
	uint64_t value = 7;

	assert_int_equal(str_to_u64(STR("65535"), 65535, &value), 0);
	assert_int_equal(value, 65535);
	assert_int_equal(str_to_u64(STR("18446744073709551615"), UINT64_MAX, &value), 0);
	assert_true(value == UINT64_MAX);
	assert_int_equal(str_to_u64(STR("65536"), 65535, &value), ERR_LIMIT);
	assert_int_equal(str_to_u64(STR("18446744073709551616"), UINT64_MAX, &value), ERR_LIMIT);
	assert_int_equal(str_to_u64(STR(""), 10, &value), ERR_SYNTAX);
	assert_int_equal(str_to_u64(STR("+1"), 10, &value), ERR_SYNTAX);
	assert_int_equal(str_to_u64(STR("-1"), 10, &value), ERR_SYNTAX);
	assert_int_equal(str_to_u64(STR(" 1"), 10, &value), ERR_SYNTAX);
	assert_int_equal(str_to_u64(STR("1a"), 10, &value), ERR_SYNTAX);
	assert_true(value == UINT64_MAX);
}

TEST(numbers_too_large_and_malformed_are_malformed)
{
	uint64_t value;

	assert_int_equal(str_to_u64(STR("99999999999999999999999x"), 10, &value), ERR_SYNTAX);
}

TEST(hexadecimal_takes_both_cases)
{
	uint64_t value;

	assert_int_equal(str_hex_to_u64(STR("fF09"), UINT64_MAX, &value), 0);
	assert_int_equal(value, 0xff09);
	assert_int_equal(str_hex_to_u64(STR("0x10"), UINT64_MAX, &value), ERR_SYNTAX);
	assert_int_equal(str_hex_to_u64(STR("1g"), UINT64_MAX, &value), ERR_SYNTAX);
	assert_int_equal(str_hex_to_u64(STR("11"), 0x10, &value), ERR_LIMIT);
	assert_int_equal(str_hex_to_u64(STR("10000000000000000"), UINT64_MAX, &value), ERR_LIMIT);
}

TEST(case_is_ignored_for_ascii_letters_only)
{
	assert_true(str_eq_nocase(STR("Content-Length"), STR("content-lENGTH")));
	assert_true(str_eq_nocase(STR("X-Request-Identifier"), STR("x-request-IDENTIFIER")));
	assert_false(str_eq_nocase(STR("content-length"), STR("content-lengtx")));
	assert_false(str_eq_nocase(STR("ab"), STR("abc")));
	assert_true(str_eq_nocase(STR_EMPTY, STR("")));
}

TEST(case_is_ignored_for_the_same_bytes_alone_and_among_eight)
{
	for (int a = 0; a < 256; a++)
		for (int b = 0; b < 256; b++) {
			char left[8] = { 'k', 'k', 'k', (char)a, 'k', 'k', 'k', 'k' };
			char right[8] = { 'K', 'k', 'k', (char)b, 'k', 'k', 'k', 'K' };
			bool same = char_lower((char)a) == char_lower((char)b);

			assert_int_equal(str_eq_nocase(str_of(left, 8), str_of(right, 8)), same);
			assert_int_equal(str_eq_nocase(str_of(left + 3, 1), str_of(right + 3, 1)),
					 same);
		}
}

TEST(case_is_ignored_at_every_length_and_a_difference_is_seen_at_every_place)
{
	char left[40], right[40];

	for (size_t len = 0; len <= sizeof(left); len++) {
		memset(left, 'k', len);
		memset(right, 'K', len);
		assert_true(str_eq_nocase(str_of(left, len), str_of(right, len)));
		for (size_t at = 0; at < len; at++) {
			right[at] = 'x';
			assert_false(str_eq_nocase(str_of(left, len), str_of(right, len)));
			right[at] = 'K';
		}
	}
}

TEST(order_is_by_bytes_and_prefixes_come_first)
{
	assert_true(str_cmp(STR("a"), STR("b")) < 0);
	assert_true(str_cmp(STR("ab"), STR("a")) > 0);
	assert_true(str_cmp(STR("a"), STR("ab")) < 0);
	assert_true(str_cmp(STR("\xff"), STR("a")) > 0);
	assert_int_equal(str_cmp(STR_EMPTY, STR("")), 0);
	assert_true(str_cmp(STR_EMPTY, STR("a")) < 0);
}

TEST(prefix_and_suffix)
{
	assert_true(str_has_prefix(STR("/reviews/1"), STR("/reviews")));
	assert_false(str_has_prefix(STR("/rev"), STR("/reviews")));
	assert_true(str_has_prefix(STR("a"), STR_EMPTY));
	assert_true(str_has_suffix(STR("a.svc"), STR(".svc")));
	assert_false(str_has_suffix(STR("svc"), STR(".svc")));
	assert_true(str_has_suffix(STR_EMPTY, STR_EMPTY));
}

TEST(slices_are_clamped)
{
	assert_str_equal(str_slice(STR("hello"), 1, 3), "el");
	assert_str_equal(str_slice(STR("hello"), 3, 99), "lo");
	assert_str_equal(str_slice(STR("hello"), 9, 99), "");
	assert_str_equal(str_slice(STR("hello"), 4, 2), "");
	assert_str_equal(str_slice(STR_EMPTY, 0, 2), "");
}

TEST(find_gives_the_length_when_absent)
{
	assert_int_equal(str_find(STR("a:b:c"), 0, ':'), 1);
	assert_int_equal(str_find(STR("a:b:c"), 2, ':'), 3);
	assert_int_equal(str_find(STR("a:b:c"), 4, ':'), 5);
	assert_int_equal(str_find(STR("abc"), 7, 'a'), 3);
	assert_int_equal(str_find(STR_EMPTY, 0, 'a'), 0);
}

TEST(trim_takes_spaces_and_tabs_only)
{
	assert_str_equal(str_trim(STR(" \t a b\t ")), "a b");
	assert_str_equal(str_trim(STR("\na\r")), "\na\r");
	assert_str_equal(str_trim(STR(" \t ")), "");
	assert_str_equal(str_trim(STR_EMPTY), "");
}

TEST(split_gives_empty_parts_but_nothing_for_empty_text)
{
	struct str rest = STR("a,,b");
	struct str part;

	assert_true(str_split(&rest, ',', &part));
	assert_str_equal(part, "a");
	assert_true(str_split(&rest, ',', &part));
	assert_str_equal(part, "");
	assert_true(str_split(&rest, ',', &part));
	assert_str_equal(part, "b");
	assert_false(str_split(&rest, ',', &part));
	assert_false(str_split(&rest, ',', &part));

	rest = STR("");
	assert_false(str_split(&rest, ',', &part));
	rest = STR_EMPTY;
	assert_false(str_split(&rest, ',', &part));
}

TEST(a_trailing_separator_opens_no_part)
{
	struct str rest = STR("a,");
	struct str part;

	assert_true(str_split(&rest, ',', &part));
	assert_str_equal(part, "a");
	assert_false(str_split(&rest, ',', &part));
}

TEST(utf8_is_accepted_up_to_the_last_code_point)
{
	assert_true(str_is_utf8(STR_EMPTY));
	assert_true(str_is_utf8(STR("plain text, longer than a word")));
	assert_true(str_is_utf8(STR("\xc2\x80 \xdf\xbf \xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80")));
	assert_true(str_is_utf8(STR("\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf")));
	assert_true(str_is_utf8(str_of("a\0b", 3)));
}

TEST(utf8_refuses_overlong_forms_surrogates_and_stray_bytes)
{
	static const char *const bad[] = {
		"\x80",
		"\xbf",
		"\xc0\x80",
		"\xc1\xbf",
		"\xe0\x80\x80",
		"\xe0\x9f\xbf",
		"\xed\xa0\x80",
		"\xed\xbf\xbf",
		"\xf0\x80\x80\x80",
		"\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xff",
		"\xfe",
		"\xc2z",
		"\xe1\x80z",
		"\xf1\x80\x80z",
		"12345678\x80",
		"1234567\x80",
		"\xc2\xa0\xa0",
	};

	for (size_t i = 0; i < array_count(bad); i++)
		assert_false(str_is_utf8(str_from(bad[i])));
}

TEST(utf8_refuses_every_truncation)
{
	static const char *const good[] = { "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x90\xa2" };

	for (size_t i = 0; i < array_count(good); i++) {
		struct str s = str_from(good[i]);

		assert_int_equal(str_utf8_len(s), s.len);
		for (size_t len = 1; len < s.len; len++) {
			assert_int_equal(str_utf8_len(str_slice(s, 0, len)), 0);
			assert_false(str_is_utf8(str_slice(s, 0, len)));
		}
	}
	assert_int_equal(str_utf8_len(STR_EMPTY), 0);
}

TEST(the_nearest_word_is_a_typing_mistake_away)
{
	static const char *const words[] = { "timeouts", "retries", "port", NULL };

	assert_string_equal(str_nearest(STR("timouts"), words), "timeouts");
	assert_string_equal(str_nearest(STR("retrise"), words), "retries");
	assert_string_equal(str_nearest(STR("prot"), words), "port");
	assert_string_equal(str_nearest(STR("ports"), words), "port");
	assert_string_equal(str_nearest(STR("port"), words), "port");
}

TEST(a_word_unlike_all_others_has_no_nearest)
{
	static const char *const words[] = { "timeouts", "retries", NULL };
	static const char *const none[] = { NULL };
	char long_word[200];

	memset(long_word, 'a', sizeof(long_word));
	assert_null(str_nearest(STR("listeners"), words));
	assert_null(str_nearest(STR("x"), words));
	assert_null(str_nearest(STR_EMPTY, words));
	assert_null(str_nearest(STR("timeouts"), none));
	assert_null(str_nearest(str_of(long_word, sizeof(long_word)), words));
}
