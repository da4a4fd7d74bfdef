#include "base/time.h"

#include <time.h>

#include "base/error.h"

#define NS_PER_SECOND   1000000000ll
#define SECONDS_PER_DAY 86400

// clang-format off
static const struct unit {
	struct str name;
	int64_t ns;
} units[] = {
	{ STR_INIT("h"),  3600 * NS_PER_SECOND },
	{ STR_INIT("m"),    60 * NS_PER_SECOND },
	{ STR_INIT("s"),         NS_PER_SECOND },
	{ STR_INIT("ms"),              1000000 },
	{ STR_INIT("us"),                 1000 },
	{ STR_INIT("ns"),                    1 },
};
// clang-format on

static int64_t clock_read(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

struct instant time_monotonic_now(void)
{
	return (struct instant){ clock_read(CLOCK_MONOTONIC) };
}

struct wall_time time_wall_now(void)
{
	return (struct wall_time){ clock_read(CLOCK_REALTIME) };
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Takes the digits, possibly none, off the front. */
static struct str take_digits(struct str *s)
{
	size_t len = 0;

	while (len < s->len && is_digit(s->ptr[len]))
		len++;

	struct str digits = str_slice(*s, 0, len);

	*s = str_slice(*s, len, s->len);
	return digits;
}

static bool take_char(struct str *s, char c)
{
	if (s->len == 0 || *s->ptr != c)
		return false;
	*s = str_slice(*s, 1, s->len);
	return true;
}

static const struct unit *take_unit(struct str *s)
{
	size_t len = 0;

	while (len < s->len && !is_digit(s->ptr[len]))
		len++;
	for (size_t i = 0; i < array_count(units); i++)
		if (str_eq(units[i].name, str_slice(*s, 0, len))) {
			*s = str_slice(*s, len, s->len);
			return &units[i];
		}
	return NULL;
}

/* digits/10^n of a unit; what is below a nanosecond is dropped. */
static int64_t fraction_of(struct str digits, int64_t unit)
{
	int64_t sum = 0;

	for (size_t i = 0; i < digits.len && unit; i++) {
		unit /= 10;
		sum += (digits.ptr[i] - '0') * unit;
	}
	return sum;
}

/* NUMBER[.FRACTION]UNIT, added to *ns. */
static int take_term(struct str *s, int64_t *ns)
{
	struct str whole = take_digits(s);
	bool has_fraction = take_char(s, '.');
	struct str fraction = has_fraction ? take_digits(s) : STR_EMPTY;
	const struct unit *unit = take_unit(s);
	uint64_t number;
	int64_t part;

	if (!unit || whole.len == 0 || (has_fraction && fraction.len == 0))
		return ERR_SYNTAX;

	int r = str_to_u64(whole, INT64_MAX, &number);

	if (r < 0)
		return r;
	if (__builtin_mul_overflow((int64_t)number, unit->ns, &part) ||
	    __builtin_add_overflow(part, fraction_of(fraction, unit->ns), &part) ||
	    __builtin_add_overflow(part, *ns, ns))
		return ERR_LIMIT;
	return 0;
}

int duration_parse(struct str s, struct duration *ret_duration)
{
	int64_t ns = 0;
	int r;

	if (s.len == 0)
		return ERR_SYNTAX;
	while (s.len) {
		r = take_term(&s, &ns);
		if (r < 0)
			return r;
	}
	*ret_duration = (struct duration){ ns };
	return 0;
}

void duration_format(struct duration d, struct buf *out)
{
	uint64_t left = d.ns < 0 ? -(uint64_t)d.ns : (uint64_t)d.ns;

	if (d.ns == INT64_MAX) {
		buf_append_str(out, STR("forever"));
		return;
	}
	if (d.ns < 0)
		buf_append_char(out, '-');
	for (size_t i = 0; i < array_count(units); i++) {
		uint64_t count = left / (uint64_t)units[i].ns;

		left %= (uint64_t)units[i].ns;
		if (count)
			buf_printf(out, "%llu%s", (unsigned long long)count, units[i].name.ptr);
	}
	if (d.ns == 0)
		buf_append_str(out, STR("0s"));
}

/*
 * The Gregorian calendar
 *
 * Years are counted from March, so that the leap day is the last of its year, in eras of
 * 400 years, which all have the same number of days. (libc's gmtime takes a lock.)
 */
#define DAYS_PER_ERA      146097
#define DAYS_BEFORE_EPOCH 719468 /* from 0000-03-01 to 1970-01-01 */

struct date {
	int64_t year;
	int month, day;
};

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static int64_t days_from_date(struct date date)
{
	int64_t year = date.month > 2 ? date.year : date.year - 1;
	int64_t era = floor_div(year, 400);
	int64_t year_of_era = year - era * 400;
	int month_from_march = (date.month + 9) % 12;
	int64_t day_of_year = (153 * month_from_march + 2) / 5 + date.day - 1;

	return era * DAYS_PER_ERA + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
	       day_of_year - DAYS_BEFORE_EPOCH;
}

static struct date date_from_days(int64_t days)
{
	days += DAYS_BEFORE_EPOCH;

	int64_t era = floor_div(days, DAYS_PER_ERA);
	int64_t day = days - era * DAYS_PER_ERA;
	int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	int day_of_year = (int)(day - (365 * year + year / 4 - year / 100));
	int month_from_march = (5 * day_of_year + 2) / 153;
	int month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;

	return (struct date){
		.year = era * 400 + year + (month <= 2),
		.month = month,
		.day = day_of_year - (153 * month_from_march + 2) / 5 + 1,
	};
}

void wall_time_format(struct wall_time t, struct buf *out)
{
	int64_t ms = floor_div(t.ns, 1000000);
	int64_t days = floor_div(ms, SECONDS_PER_DAY * 1000ll);
	int ms_of_day = (int)(ms - days * SECONDS_PER_DAY * 1000ll);
	int second = ms_of_day / 1000;
	struct date date = date_from_days(days);

	buf_printf(out, "%04lld-%02d-%02dT%02d:%02d:%02d.%03dZ", (long long)date.year, date.month,
		   date.day, second / 3600, second / 60 % 60, second % 60, ms_of_day % 1000);
}

/* Takes exactly `len` digits within [low, high]. */
static bool take_number(struct str *s, size_t len, int low, int high, int *ret_number)
{
	uint64_t number;

	if (s->len < len || str_to_u64(str_slice(*s, 0, len), (uint64_t)high, &number) < 0)
		return false;
	*s = str_slice(*s, len, s->len);
	*ret_number = (int)number;
	return *ret_number >= low;
}

static bool take_date(struct str *s, struct date *ret_date)
{
	struct date date;
	int year;

	if (!take_number(s, 4, 0, 9999, &year) || !take_char(s, '-') ||
	    !take_number(s, 2, 1, 12, &date.month) || !take_char(s, '-') ||
	    !take_number(s, 2, 1, 31, &date.day))
		return false;
	date.year = year;

	/* 31 April is 1 May on the way back. */
	struct date same = date_from_days(days_from_date(date));

	*ret_date = date;
	return same.day == date.day;
}

/* HH:MM:SS[.FRACTION]; a leap second counts as the one behind it. */
static bool take_clock(struct str *s, int64_t *ret_ns)
{
	int hour, minute, second;

	if (!take_number(s, 2, 0, 23, &hour) || !take_char(s, ':') ||
	    !take_number(s, 2, 0, 59, &minute) || !take_char(s, ':') ||
	    !take_number(s, 2, 0, 60, &second))
		return false;
	*ret_ns = (hour * 3600 + minute * 60 + second) * NS_PER_SECOND;
	if (!take_char(s, '.'))
		return true;

	struct str fraction = take_digits(s);

	*ret_ns += fraction_of(fraction, NS_PER_SECOND);
	return fraction.len > 0;
}

/* Z, or how far local time is ahead of UTC. */
static bool take_offset(struct str *s, int64_t *ret_ns)
{
	int hour, minute;

	*ret_ns = 0;
	if (take_char(s, 'Z') || take_char(s, 'z'))
		return true;

	bool ahead = take_char(s, '+');

	if ((!ahead && !take_char(s, '-')) || !take_number(s, 2, 0, 23, &hour) ||
	    !take_char(s, ':') || !take_number(s, 2, 0, 59, &minute))
		return false;
	*ret_ns = (hour * 3600 + minute * 60) * (ahead ? NS_PER_SECOND : -NS_PER_SECOND);
	return true;
}

int wall_time_parse(struct str s, struct wall_time *ret_time)
{
	struct date date;
	int64_t clock_ns, offset_ns, ns;

	if (!take_date(&s, &date) || (!take_char(&s, 'T') && !take_char(&s, 't')) ||
	    !take_clock(&s, &clock_ns) || !take_offset(&s, &offset_ns) || s.len)
		return ERR_SYNTAX;
	if (__builtin_mul_overflow(days_from_date(date), SECONDS_PER_DAY * NS_PER_SECOND, &ns) ||
	    __builtin_add_overflow(ns, clock_ns - offset_ns, &ns))
		return ERR_LIMIT;
	*ret_time = (struct wall_time){ ns };
	return 0;
}
