/*
 * Formats of START_TIME: the conversions of strftime() that depend on no locale, %s, and
 * Envoy's for fractions of a second. The zone is always UTC.
 */

#include "model/access_log_format.h"

#include <stdio.h>
#include <time.h>

#define FORMAT_ABSENT "%Y-%m-%dT%H:%M:%E3SZ"

#define NS_PER_SECOND 1000000000

struct moment {
	time_t seconds;
	uint32_t ns;
};

static struct moment moment_of(struct wall_time t)
{
	int64_t seconds = t.ns / NS_PER_SECOND, ns = t.ns % NS_PER_SECOND;

	if (ns < 0) {
		seconds--;
		ns += NS_PER_SECOND;
	}
	return (struct moment){ (time_t)seconds, (uint32_t)ns };
}

/* The first digits of nine. */
static void fraction_write(uint32_t ns, unsigned digits, struct buf *out)
{
	char text[16];

	snprintf(text, sizeof(text), "%09u", ns);
	buf_append(out, text, digits);
}

static const char *const days[] = { "Sunday",   "Monday", "Tuesday",  "Wednesday",
				    "Thursday", "Friday", "Saturday", NULL };
static const char *const months[] = { "January",  "February", "March",  "April",     "May",
				      "June",     "July",     "August", "September", "October",
				      "November", "December", NULL };

/* A conversion is a number of struct tm, a name for one, or an abbreviation of others. */
// clang-format off
static const struct conversion {
	char letter;
	size_t offset;
	int add;
	int width;                /* of a number, filled with zeros */
	const char *const *names;
	int letters;              /* of the name; 0: whole */
	const char *expands_to;
} conversions[] = {
	{ 'Y', offsetof(struct tm, tm_year), 1900, 4 },
	{ 'm', offsetof(struct tm, tm_mon), 1, 2 },
	{ 'd', offsetof(struct tm, tm_mday), 0, 2 },
	{ 'H', offsetof(struct tm, tm_hour), 0, 2 },
	{ 'M', offsetof(struct tm, tm_min), 0, 2 },
	{ 'S', offsetof(struct tm, tm_sec), 0, 2 },
	{ 'j', offsetof(struct tm, tm_yday), 1, 3 },
	{ 'w', offsetof(struct tm, tm_wday), 0, 1 },
	{ 'b', offsetof(struct tm, tm_mon), .names = months, .letters = 3 },
	{ 'h', offsetof(struct tm, tm_mon), .names = months, .letters = 3 },
	{ 'B', offsetof(struct tm, tm_mon), .names = months },
	{ 'a', offsetof(struct tm, tm_wday), .names = days, .letters = 3 },
	{ 'A', offsetof(struct tm, tm_wday), .names = days },
	{ 'F', .expands_to = "%Y-%m-%d" },
	{ 'T', .expands_to = "%H:%M:%S" },
	{ 'R', .expands_to = "%H:%M" },
	{ 'Z', .expands_to = "UTC" },
	{ 'z', .expands_to = "+0000" },
};
// clang-format on

static bool format_write(struct str format, struct moment t, struct buf *out);

static void tm_write(const struct conversion *k, struct moment t, struct buf *out)
{
	struct tm utc;
	int number;

	gmtime_r(&t.seconds, &utc);
	memcpy(&number, (const char *)&utc + k->offset, sizeof(number));
	if (k->names) {
		struct str name = str_from(k->names[number]);

		buf_append_str(out, k->letters ? str_slice(name, 0, (size_t)k->letters) : name);
	} else {
		buf_printf(out, "%0*d", k->width, number + k->add);
	}
}

static bool table_write(char letter, struct moment t, struct buf *out)
{
	for (size_t i = 0; i < array_count(conversions); i++) {
		if (conversions[i].letter != letter)
			continue;
		if (conversions[i].expands_to)
			return format_write(str_from(conversions[i].expands_to), t, out);
		tm_write(&conversions[i], t, out);
		return true;
	}
	return false;
}

static bool is_digit(char c)
{
	return c >= '1' && c <= '9';
}

/* Writes one conversion and takes what stands behind its "%" off the front. False: there is none.
 */
static bool conversion_write(struct str *rest, struct moment t, struct buf *out)
{
	char c = rest->len > 0 ? rest->ptr[0] : '\0';
	char second = rest->len > 1 ? rest->ptr[1] : '\0',
	     third = rest->len > 2 ? rest->ptr[2] : '\0';
	size_t len = 1;

	if (c == '%') {
		buf_append_char(out, '%');
	} else if (c == 's') {
		buf_printf(out, "%lld", (long long)t.seconds);
	} else if (c == 'f') {
		fraction_write(t.ns, 9, out);
	} else if (is_digit(c) && second == 'f') {
		fraction_write(t.ns, (unsigned)(c - '0'), out);
		len = 2;
	} else if (c == 'E' && is_digit(second) && third == 'S') {
		(void)table_write('S', t, out);
		buf_append_char(out, '.');
		fraction_write(t.ns, (unsigned)(second - '0'), out);
		len = 3;
	} else if (!table_write(c, t, out)) {
		return false;
	}
	*rest = str_slice(*rest, len, rest->len);
	return true;
}

static bool format_write(struct str format, struct moment t, struct buf *out)
{
	for (;;) {
		size_t percent = str_find(format, 0, '%');

		buf_append_str(out, str_slice(format, 0, percent));
		if (percent == format.len)
			return true;
		format = str_slice(format, percent + 1, format.len);
		if (!conversion_write(&format, t, out))
			return false;
	}
}

bool access_log_time_valid(struct str format)
{
	struct buf unused = BUF_INIT(0);
	bool valid = format_write(format, (struct moment){ 0 }, &unused);

	buf_fini(&unused);
	return valid;
}

void access_log_time(struct str format, struct wall_time t, struct buf *out)
{
	(void)format_write(format.len > 0 ? format : STR(FORMAT_ABSENT), moment_of(t), out);
}
