#include "test.h"

#include "base/error.h"
#include "base/time.h"

#define SECOND 1000000000ll

static int64_t parsed(const char *text)
{
	struct duration d = { -1 };

	assert_int_equal(duration_parse(str_from(text), &d), 0);
	return d.ns;
}

TEST(durations_are_read_in_every_unit)
{
	assert_int_equal(parsed("0s"), 0);
	assert_int_equal(parsed("1500ms"), 1500000000);
	assert_int_equal(parsed("2s"), 2 * SECOND);
	assert_int_equal(parsed("1h30m"), 5400 * SECOND);
	assert_int_equal(parsed("1h2m3s4ms5us6ns"), 3723 * SECOND + 4005006);
	assert_int_equal(parsed("10s5s"), 15 * SECOND);
	assert_int_equal(parsed("100000h"), 360000000 * SECOND);
}

TEST(durations_take_fractions)
{
	assert_int_equal(parsed("1.5s"), 1500000000);
	assert_int_equal(parsed("0.25h"), 900 * SECOND);
	assert_int_equal(parsed("1.000000001s"), SECOND + 1);
	assert_int_equal(parsed("1.0000000019s"), SECOND + 1);
	assert_int_equal(parsed("0.5ns"), 0);
}

TEST(what_is_no_duration_is_refused)
{
	static const char *const bad[] = { "",     "1",    "s",     "-1s",  "+1s", "1 s",    " 1s",
					   "1s ",  "1x",   "1.s",   ".5s",  "1d",  "1sm",    "1S",
					   "1e3s", "1,5s", "1..5s", "0x1s", "1.5", "forever" };
	struct duration d = { 7 };

	for (size_t i = 0; i < array_count(bad); i++)
		assert_int_equal(duration_parse(str_from(bad[i]), &d), ERR_SYNTAX);
	assert_int_equal(d.ns, 7);
}

TEST(a_duration_beyond_the_range_is_a_limit)
{
	struct duration d = { 7 };

	assert_int_equal(duration_parse(STR("2562047h47m16s854ms775us807ns"), &d), 0);
	assert_true(d.ns == INT64_MAX);
	assert_int_equal(duration_parse(STR("2562047h47m16s854ms775us808ns"), &d), ERR_LIMIT);
	assert_int_equal(duration_parse(STR("2562048h"), &d), ERR_LIMIT);
	assert_int_equal(duration_parse(STR("99999999999999999999s"), &d), ERR_LIMIT);
}

static void assert_formatted(int64_t ns, const char *expected)
{
	struct buf b = BUF_INIT(0);

	duration_format(DURATION_NS(ns), &b);
	assert_str_equal(buf_str(&b), expected);
	buf_fini(&b);
}

TEST(durations_are_written_exactly)
{
	assert_formatted(0, "0s");
	assert_formatted(250000000, "250ms");
	assert_formatted(1500000000, "1s500ms");
	assert_formatted(5400 * SECOND, "1h30m");
	assert_formatted(3600 * SECOND + 1, "1h1ns");
	assert_formatted(-1500000, "-1ms500us");
	assert_formatted(INT64_MAX, "forever");
	assert_formatted(INT64_MIN, "-2562047h47m16s854ms775us808ns");
}

TEST(adding_to_an_instant_saturates)
{
	struct instant t = { 1000 };

	assert_int_equal(instant_after(t, DURATION_NS(5)).ns, 1005);
	assert_int_equal(instant_after(t, DURATION_NS(-5)).ns, 995);
	assert_true(instant_after(t, DURATION_FOREVER).ns == INT64_MAX);
	assert_true(instant_after((struct instant){ -1000 }, DURATION_FOREVER).ns == INT64_MAX);
	assert_true(instant_after(t, DURATION_NS(INT64_MAX - 10)).ns == INT64_MAX);
	assert_true(instant_after((struct instant){ INT64_MIN + 1 }, DURATION_NS(-5)).ns ==
		    INT64_MIN);
}

TEST(the_time_between_instants_saturates)
{
	struct instant a = { 100 }, b = { 350 }, never = { INT64_MAX }, first = { INT64_MIN };

	assert_int_equal(instant_since(b, a).ns, 250);
	assert_int_equal(instant_since(a, b).ns, -250);
	assert_true(instant_since(never, a).ns == INT64_MAX);
	assert_true(instant_since(b, first).ns == INT64_MAX);
	assert_true(instant_since(first, b).ns == INT64_MIN);
}

static void assert_wall(int64_t ns, const char *expected)
{
	struct buf b = BUF_INIT(0);

	wall_time_format((struct wall_time){ ns }, &b);
	assert_str_equal(buf_str(&b), expected);
	buf_fini(&b);
}

TEST(wall_time_is_written_in_utc_with_milliseconds)
{
	assert_wall(0, "1970-01-01T00:00:00.000Z");
	assert_wall(1795767796123456789, "2026-11-27T08:23:16.123Z");
	assert_wall(951782400 * SECOND, "2000-02-29T00:00:00.000Z");
	assert_wall(4107542399 * SECOND, "2100-02-28T23:59:59.000Z");
	assert_wall(4107542400 * SECOND, "2100-03-01T00:00:00.000Z");
	assert_wall(-1, "1969-12-31T23:59:59.999Z");
	assert_wall(INT64_MAX, "2262-04-11T23:47:16.854Z");
	assert_wall(INT64_MIN, "1677-09-21T00:12:43.145Z");
}

static int64_t wall_parsed(const char *text)
{
	struct wall_time t;

	assert_int_equal(wall_time_parse(str_from(text), &t), 0);
	return t.ns;
}

TEST(wall_time_is_read_with_fractions_and_offsets)
{
	assert_int_equal(wall_parsed("1970-01-01T00:00:00Z"), 0);
	assert_int_equal(wall_parsed("2026-11-27T08:23:16.123456789Z"), 1795767796123456789);
	assert_int_equal(wall_parsed("2026-11-27t08:23:16z"), 1795767796 * SECOND);
	assert_int_equal(wall_parsed("2026-11-27T10:23:16+02:00"), 1795767796 * SECOND);
	assert_int_equal(wall_parsed("2026-11-26T22:53:16-09:30"), 1795767796 * SECOND);
	assert_int_equal(wall_parsed("1969-12-31T23:59:59.5Z"), -SECOND / 2);
	assert_int_equal(wall_parsed("2016-12-31T23:59:60Z"), 1483228800 * SECOND);
	assert_int_equal(wall_parsed("2024-02-29T00:00:00Z"), 1709164800 * SECOND);
}

TEST(what_is_no_wall_time_is_refused)
{
	static const char *const bad[] = {
		"",
		"2026-11-27",
		"2026-11-27T08:23Z",
		"2026-11-27T08:23:16",
		"2026-11-27 08:23:16Z",
		"2026-11-27T08:23:16.Z",
		"2026-11-27T08:23:16ZZ",
		"2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z",
		"2026-04-31T00:00:00Z",
		"2026-02-29T00:00:00Z",
		"2026-01-00T00:00:00Z",
		"2026-01-01T24:00:00Z",
		"2026-01-01T00:60:00Z",
		"2026-01-01T00:00:61Z",
		"2026-01-01T00:00:00+24:00",
		"2026-01-01T00:00:00+0200",
		"26-01-01T00:00:00Z",
		"+026-01-01T00:00:00Z",
	};
	struct wall_time t;

	for (size_t i = 0; i < array_count(bad); i++)
		assert_int_equal(wall_time_parse(str_from(bad[i]), &t), ERR_SYNTAX);
	assert_int_equal(wall_time_parse(STR("0001-01-01T00:00:00Z"), &t), ERR_LIMIT);
	assert_int_equal(wall_time_parse(STR("2300-01-01T00:00:00Z"), &t), ERR_LIMIT);
}

TEST(every_day_of_four_centuries_comes_back)
{
	for (int64_t day = -100000; day < 80000; day += 37) {
		struct buf b = BUF_INIT(0);
		struct wall_time t;

		wall_time_format((struct wall_time){ day * 86400 * SECOND }, &b);
		assert_int_equal(wall_time_parse(buf_str(&b), &t), 0);
		assert_int_equal(t.ns, day * 86400 * SECOND);
		buf_fini(&b);
	}
}

TEST(the_clocks_run)
{
	struct instant before = time_monotonic_now();

	assert_true(time_monotonic_now().ns >= before.ns);
	assert_true(time_wall_now().ns > 1600000000 * SECOND);
}
