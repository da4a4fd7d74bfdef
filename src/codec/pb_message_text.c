#include "codec/pb_message_text.h"

#include <math.h>

#include "base/error.h"

#define NANOS_DIGITS    9
#define NUMBER_TEXT_MAX 64
#define SECONDS_PER_DAY 86400

/* Durations and timestamps */

/* Up to nine digits behind a point, as nanoseconds. */
static int parse_fraction(struct str digits, int32_t *ret_nanos)
{
	uint64_t nanos;
	int error;

	if (digits.len > NANOS_DIGITS)
		return ERR_SYNTAX;
	error = str_to_u64(digits, UINT32_MAX, &nanos);
	if (error < 0)
		return ERR_SYNTAX;
	for (size_t i = digits.len; i < NANOS_DIGITS; i++)
		nanos *= 10;
	*ret_nanos = (int32_t)nanos;
	return 0;
}

static void format_fraction(int32_t nanos, struct buf *out)
{
	char digits[NANOS_DIGITS];
	size_t len = NANOS_DIGITS;

	if (!nanos)
		return;
	for (size_t i = NANOS_DIGITS; i > 0; i--) {
		digits[i - 1] = (char)('0' + nanos % 10);
		nanos /= 10;
	}
	while (digits[len - 1] == '0')
		len--;
	buf_append_char(out, '.');
	buf_append(out, digits, len);
}

int pb_duration_parse(struct str text, struct pb_time *ret_time)
{
	bool negative = str_has_prefix(text, STR("-"));
	struct str number = str_slice(text, negative, text.len ? text.len - 1 : 0);
	size_t point = str_find(number, 0, '.');
	uint64_t seconds;
	int32_t nanos = 0;

	if (!str_has_suffix(text, STR("s")) ||
	    str_to_u64(str_slice(number, 0, point), INT64_MAX, &seconds) < 0)
		return ERR_SYNTAX;
	if (point < number.len &&
	    parse_fraction(str_slice(number, point + 1, number.len), &nanos) < 0)
		return ERR_SYNTAX;
	ret_time->seconds = negative ? -(int64_t)seconds : (int64_t)seconds;
	ret_time->nanos = negative ? -nanos : nanos;
	return 0;
}

void pb_duration_format(struct pb_time t, struct buf *out)
{
	bool negative = t.seconds < 0 || t.nanos < 0;
	uint64_t seconds = t.seconds < 0 ? -(uint64_t)t.seconds : (uint64_t)t.seconds;

	buf_printf(out, "%s%llu", negative ? "-" : "", (unsigned long long)seconds);
	format_fraction(t.nanos < 0 ? -t.nanos : t.nanos, out);
	buf_append_char(out, 's');
}

/*
 * Days since 1970-01-01 of the Gregorian calendar and back. A year is taken to begin in
 * March, so that the leap day is its last, and 400 years are 146,097 days.
 */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * 146097 + day_of_era - 719468;
}

struct date {
	int64_t year, month, day;
};

static struct date date_of(int64_t days)
{
	int64_t shifted = days + 719468;
	int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	int64_t day_of_era = shifted - era * 146097;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month = (5 * day_of_year + 2) / 153;

	return (struct date){
		.year = year_of_era + era * 400 + (month >= 10),
		.month = month < 10 ? month + 3 : month - 9,
		.day = day_of_year - (153 * month + 2) / 5 + 1,
	};
}

/* `len` digits at `at`, from min to max. */
static bool take_digits(struct str text, size_t at, size_t len, uint64_t max, int64_t *ret_number)
{
	uint64_t number;

	if (at + len > text.len || str_to_u64(str_slice(text, at, at + len), max, &number) < 0)
		return false;
	*ret_number = (int64_t)number;
	return true;
}

/* "Z", "+01:00": seconds to take off. */
static bool take_offset(struct str text, int64_t *ret_seconds)
{
	int64_t hours, minutes;

	*ret_seconds = 0;
	if (str_eq(text, STR("Z")))
		return true;
	if (text.len != 6 || (text.ptr[0] != '+' && text.ptr[0] != '-') || text.ptr[3] != ':' ||
	    !take_digits(text, 1, 2, 23, &hours) || !take_digits(text, 4, 2, 59, &minutes))
		return false;
	*ret_seconds = (hours * 60 + minutes) * 60;
	if (text.ptr[0] == '-')
		*ret_seconds = -*ret_seconds;
	return true;
}

int pb_timestamp_parse(struct str text, struct pb_time *ret_time)
{
	struct date date, real;
	int64_t hour, minute, second, offset, days;
	int32_t nanos = 0;
	size_t at = 19;

	if (text.len < 20 || text.ptr[4] != '-' || text.ptr[7] != '-' || text.ptr[10] != 'T' ||
	    text.ptr[13] != ':' || text.ptr[16] != ':' ||
	    !take_digits(text, 0, 4, 9999, &date.year) ||
	    !take_digits(text, 5, 2, 12, &date.month) || !take_digits(text, 8, 2, 31, &date.day) ||
	    !take_digits(text, 11, 2, 23, &hour) || !take_digits(text, 14, 2, 59, &minute) ||
	    !take_digits(text, 17, 2, 59, &second))
		return ERR_SYNTAX;
	if (text.ptr[at] == '.') {
		while (++at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9')
			;
		if (parse_fraction(str_slice(text, 20, at), &nanos) < 0)
			return ERR_SYNTAX;
	}
	if (!take_offset(str_slice(text, at, text.len), &offset))
		return ERR_SYNTAX;
	days = days_of(date.year, date.month, date.day);
	real = date_of(days);
	if (real.day != date.day || real.month != date.month || date.year == 0)
		return ERR_SYNTAX;
	ret_time->seconds = days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second - offset;
	ret_time->nanos = nanos;
	return 0;
}

void pb_timestamp_format(struct pb_time t, struct buf *out)
{
	int64_t days = t.seconds / SECONDS_PER_DAY - (t.seconds % SECONDS_PER_DAY < 0);
	int rest = (int)(t.seconds - days * SECONDS_PER_DAY);
	struct date date = date_of(days);

	buf_printf(out, "%04d-%02d-%02dT%02d:%02d:%02d", (int)date.year, (int)date.month,
		   (int)date.day, rest / 3600, rest / 60 % 60, rest % 60);
	format_fraction(t.nanos, out);
	buf_append_char(out, 'Z');
}

/* Numbers */

void pb_real_format(double real, bool single, struct buf *out)
{
	int digits_max = single ? 9 : 17;
	char text[NUMBER_TEXT_MAX];

	if (isnan(real) || isinf(real)) {
		buf_append_str(out, isnan(real) ? STR("NaN")
				    : real > 0  ? STR("Infinity")
						: STR("-Infinity"));
		return;
	}
	/* "-0" is a whole number to many readers, and then loses its sign. */
	if (real == 0 && signbit(real)) {
		buf_append_str(out, STR("-0.0"));
		return;
	}
	for (int digits = single ? 6 : 15; digits <= digits_max; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, real);

		double again = strtod(text, NULL);

		if (single ? (float)again == (float)real : again == real)
			break;
	}
	buf_append_str(out, str_from(text));
}

/* -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)? */
static bool is_json_number(struct str s)
{
	size_t i = str_has_prefix(s, STR("-"));
	size_t start = i;

	while (i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9')
		i++;
	if (i == start || (s.ptr[start] == '0' && i > start + 1))
		return false;
	if (i < s.len && s.ptr[i] == '.') {
		start = ++i;
		while (i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9')
			i++;
		if (i == start)
			return false;
	}
	if (i < s.len && char_lower(s.ptr[i]) == 'e') {
		i++;
		i += i < s.len && (s.ptr[i] == '+' || s.ptr[i] == '-');
		start = i;
		while (i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9')
			i++;
		if (i == start)
			return false;
	}
	return i == s.len;
}

int pb_real_parse(struct str text, double *ret_real)
{
	char terminated[NUMBER_TEXT_MAX * 4];
	double real;

	if (str_eq(text, STR("NaN")))
		real = NAN;
	else if (str_eq(text, STR("Infinity")))
		real = INFINITY;
	else if (str_eq(text, STR("-Infinity")))
		real = -INFINITY;
	else if (!is_json_number(text) || text.len >= sizeof(terminated))
		return ERR_SYNTAX;
	else {
		memcpy(terminated, text.ptr, text.len);
		terminated[text.len] = '\0';
		real = strtod(terminated, NULL);
		if (isinf(real))
			return ERR_LIMIT;
	}
	*ret_real = real;
	return 0;
}

/* With a fraction or an exponent, but whole. */
static int integer_from_real(struct str text, int64_t min, uint64_t max, int64_t *ret_number)
{
	double real;
	int error = pb_real_parse(text, &real);

	if (error < 0)
		return error;
	if (real != floor(real))
		return ERR_SYNTAX;
	if (real < (double)min || real > (double)max || real >= 0x1p64)
		return ERR_LIMIT;
	*ret_number = real < 0 ? (int64_t)real : (int64_t)(uint64_t)real;
	return 0;
}

int pb_integer_parse(struct str text, int64_t min, uint64_t max, int64_t *ret_number)
{
	bool negative = str_has_prefix(text, STR("-"));
	uint64_t most = negative ? -(uint64_t)min : max;
	uint64_t number;
	int error;

	if (!is_json_number(text))
		return ERR_SYNTAX;
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] == '.' || char_lower(text.ptr[i]) == 'e')
			return integer_from_real(text, min, max, ret_number);
	error = str_to_u64(str_slice(text, negative, text.len), most, &number);
	if (error == 0)
		*ret_number = (int64_t)(negative ? -number : number);
	return error;
}
