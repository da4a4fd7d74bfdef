#include "test.h"

#include <math.h>

#include "base/error.h"
#include "codec/pb_message_text.h"

static void assert_duration(const char *text, int64_t seconds, int32_t nanos, const char *again)
{
	struct buf out = BUF_INIT(0);
	struct pb_time t;

	assert_int_equal(pb_duration_parse(str_from(text), &t), 0);
	assert_true(t.seconds == seconds);
	assert_int_equal(t.nanos, nanos);
	pb_duration_format(t, &out);
	assert_str_equal(buf_str(&out), again);
	buf_fini(&out);
}

TEST(pb_durations_read_and_write)
{
	assert_duration("1.5s", 1, 500000000, "1.5s");
	assert_duration("0s", 0, 0, "0s");
	assert_duration("-0.250s", 0, -250000000, "-0.25s");
	assert_duration("315576000000.999999999s", 315576000000, 999999999,
			"315576000000.999999999s");
	assert_duration("007s", 7, 0, "7s");
}

TEST(pb_durations_that_are_none_are_refused)
{
	static const char *const texts[] = {
		"",      "s",     "1",   "1.s",  "1.5",
		"1.5ms", "-s",    "+1s", "1 s",  "1.0000000001s",
		"--1s",  "1.-5s", ".5s", "1e3s", "9223372036854775808s"
	};
	struct pb_time t;

	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(pb_duration_parse(str_from(texts[i]), &t), ERR_SYNTAX);
}

static void assert_timestamp(const char *text, int64_t seconds, int32_t nanos, const char *again)
{
	struct buf out = BUF_INIT(0);
	struct pb_time t;

	assert_int_equal(pb_timestamp_parse(str_from(text), &t), 0);
	assert_true(t.seconds == seconds);
	assert_int_equal(t.nanos, nanos);
	pb_timestamp_format(t, &out);
	assert_str_equal(buf_str(&out), again);
	buf_fini(&out);
}

TEST(pb_timestamps_read_and_write)
{
	assert_timestamp("1970-01-01T00:00:00Z", 0, 0, "1970-01-01T00:00:00Z");
	assert_timestamp("1969-12-31T23:59:59.5Z", -1, 500000000, "1969-12-31T23:59:59.5Z");
	assert_timestamp("2024-02-29T12:00:00+02:00", 1709200800, 0, "2024-02-29T10:00:00Z");
	assert_timestamp("0001-01-01T00:00:00Z", -62135596800, 0, "0001-01-01T00:00:00Z");
	assert_timestamp("9999-12-31T23:59:59.000000001Z", 253402300799, 1,
			 "9999-12-31T23:59:59.000000001Z");
}

TEST(pb_timestamps_that_are_none_are_refused)
{
	static const char *const texts[] = {
		"",
		"2024-02-29",
		"2023-02-29T00:00:00Z",
		"2024-13-01T00:00:00Z",
		"2024-00-01T00:00:00Z",
		"2024-01-00T00:00:00Z",
		"0000-01-01T00:00:00Z",
		"2024-01-01T24:00:00Z",
		"2024-01-01T00:00:60Z",
		"2024-01-01t00:00:00Z",
		"2024-01-01T00:00:00",
		"2024-01-01T00:00:00.Z",
		"2024-01-01T00:00:00.5",
		"2024-01-01T00:00:00+0100",
		"2024-01-01T00:00:00Z ",
		"2024-01-01T00:00:00.1234567890Z",
	};
	struct pb_time t;

	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(pb_timestamp_parse(str_from(texts[i]), &t), ERR_SYNTAX);
}

TEST(pb_reals_are_written_as_short_as_they_read_back)
{
	static const struct {
		double real;
		bool single;
		const char *text;
	} cases[] = {
		{ 0, false, "0" },
		{ -0.0, false, "-0.0" },
		{ 0.1, false, "0.1" },
		{ 1.0 / 3, false, "0.3333333333333333" },
		{ 1e300, false, "1e+300" },
		{ 5e-324, false, "4.94065645841247e-324" },
		{ 0.1f, true, "0.1" },
		{ NAN, false, "NaN" },
		{ -INFINITY, false, "-Infinity" },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out = BUF_INIT(0);

		pb_real_format(cases[i].real, cases[i].single, &out);
		assert_str_equal(buf_str(&out), cases[i].text);
		buf_fini(&out);
	}
}

TEST(pb_reals_that_are_none_are_refused)
{
	static const char *const texts[] = { "",   "-",   "+1",  "1.",  ".5",  "01",
					     "1e", "1e+", "0x1", "nan", "inf", "1 " };
	double real;

	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(pb_real_parse(str_from(texts[i]), &real), ERR_SYNTAX);
	assert_int_equal(pb_real_parse(STR("1e999"), &real), ERR_LIMIT);
	assert_int_equal(pb_real_parse(STR("Infinity"), &real), 0);
	assert_true(isinf(real));
}

TEST(pb_integers_keep_their_range)
{
	int64_t n;

	assert_int_equal(pb_integer_parse(STR("-9223372036854775808"), INT64_MIN, INT64_MAX, &n),
			 0);
	assert_true(n == INT64_MIN);
	assert_int_equal(pb_integer_parse(STR("18446744073709551615"), 0, UINT64_MAX, &n), 0);
	assert_true((uint64_t)n == UINT64_MAX);
	assert_int_equal(pb_integer_parse(STR("1.5e1"), 0, 20, &n), 0);
	assert_int_equal(n, 15);
	assert_int_equal(pb_integer_parse(STR("-0"), 0, 20, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(pb_integer_parse(STR("-1"), 0, 20, &n), ERR_LIMIT);
	assert_int_equal(pb_integer_parse(STR("21"), 0, 20, &n), ERR_LIMIT);
	assert_int_equal(pb_integer_parse(STR("1e40"), 0, UINT64_MAX, &n), ERR_LIMIT);
	assert_int_equal(pb_integer_parse(STR("1.5"), 0, 20, &n), ERR_SYNTAX);
	assert_int_equal(pb_integer_parse(STR("1_0"), 0, 20, &n), ERR_SYNTAX);
	assert_int_equal(pb_integer_parse(STR(""), 0, 20, &n), ERR_SYNTAX);
}
