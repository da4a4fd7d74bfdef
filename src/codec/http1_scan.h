#pragma once

/*
 * Character classes of HTTP/1, and skipping many bytes at once
 *
 * Targets and values are skipped sixteen bytes at a time where the machine has SSE2, else
 * eight in a register. The tail is looked at in the last sixteen bytes of the input, of which
 * some were seen before: `begin` says how far back that may reach. Inputs shorter than that
 * go byte by byte through the table. None of these reads outside [begin, end).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/str.h"

enum http1_class {
	HTTP1_TOKEN = 1 << 0,  /* RFC 9110 §5.6.2 */
	HTTP1_VALUE = 1 << 1,  /* SP, HTAB, visible, obs-text */
	HTTP1_TARGET = 1 << 2, /* visible ASCII but '#': a fragment is never sent */
	HTTP1_HOST = 1 << 3,   /* reg-name of RFC 3986, '%' included */
	HTTP1_DIGIT = 1 << 4,
	HTTP1_HEX = 1 << 5,
	HTTP1_QUOTED = 1 << 6, /* qdtext, RFC 9110 §5.6.4 */
};

extern const uint8_t http1_classes[256];

static inline bool http1_is(char c, enum http1_class class)
{
	return http1_classes[(uint8_t)c] & class;
}

static inline bool http1_all_are(struct str s, enum http1_class class)
{
	for (size_t i = 0; i < s.len; i++)
		if (!http1_is(s.ptr[i], class))
			return false;
	return true;
}

/* The length of the host in front of a port: a name, or a literal in brackets. 0: invalid. */
size_t http1_host_name_len(struct str host);

#define HTTP1_ONES  0x0101010101010101u
#define HTTP1_HIGHS 0x8080808080808080u

/* The high bit of each byte of v that is less than n (n <= 128; exact for the lowest hit). */
static inline uint64_t http1_bytes_below(uint64_t v, uint64_t n)
{
	return (v - HTTP1_ONES * n) & ~v & HTTP1_HIGHS;
}

static inline uint64_t http1_bytes_equal(uint64_t v, uint64_t c)
{
	return http1_bytes_below(v ^ (HTTP1_ONES * c), 1);
}

#ifdef __SSE2__

/*
 * A bit for each of sixteen bytes that stops a scan. Values stop at HTAB and obs-text too,
 * which are rare and then looked at one by one: adding one makes DEL negative as these are.
 */
static inline unsigned http1_stops_value(const char *p)
{
	__m128i v = _mm_loadu_si128((const __m128i *)p);
	__m128i next = _mm_add_epi8(v, _mm_set1_epi8(1));

	return (unsigned)_mm_movemask_epi8(_mm_cmplt_epi8(next, _mm_set1_epi8(' ' + 1)));
}

static inline unsigned http1_stops_target(const char *p)
{
	__m128i v = _mm_loadu_si128((const __m128i *)p);
	__m128i bad = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f)),
				   _mm_cmpeq_epi8(v, _mm_set1_epi8('#')));
	/* Signed: obs-text is below the space too. */
	__m128i good = _mm_andnot_si128(bad, _mm_cmpgt_epi8(v, _mm_set1_epi8(' ')));

	return (unsigned)_mm_movemask_epi8(good) ^ 0xffff;
}

static inline unsigned http1_stops_colon(const char *p)
{
	__m128i v = _mm_loadu_si128((const __m128i *)p);

	return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8(':')));
}

/* Letters, digits, '-' and '.' are all of most hosts; the table knows the rest. */
static inline unsigned http1_stops_plain_host(const char *p)
{
	__m128i v = _mm_loadu_si128((const __m128i *)p);
	__m128i low = _mm_or_si128(v, _mm_set1_epi8(0x20));
	__m128i letter = _mm_and_si128(_mm_cmpgt_epi8(low, _mm_set1_epi8('a' - 1)),
				       _mm_cmplt_epi8(low, _mm_set1_epi8('z' + 1)));
	__m128i other = _mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8('-' - 1)),
				      _mm_cmplt_epi8(v, _mm_set1_epi8('9' + 1)));

	other = _mm_andnot_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('/')), other);
	return (unsigned)_mm_movemask_epi8(_mm_or_si128(letter, other)) ^ 0xffff;
}

/* Moves p to the first stop, or to a tail that has to go byte by byte. */
#define HTTP1_SCAN(begin, p, end, stops)                                 \
	do {                                                             \
		unsigned hits_ = 0;                                      \
		while ((end) - (p) >= 16 && !(hits_ = stops(p)))         \
			(p) += 16;                                       \
		if (!hits_ && (end) - (begin) >= 16) {                   \
			hits_ = stops((end)-16) >> (16 - ((end) - (p))); \
			hits_ |= 1u << ((end) - (p));                    \
		}                                                        \
		if (hits_)                                               \
			(p) += __builtin_ctz(hits_);                     \
	} while (0)

#else

static inline uint64_t http1_word(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline bool http1_stops_value(const char *p)
{
	uint64_t v = http1_word(p);

	return http1_bytes_below(v, ' ') | http1_bytes_equal(v, 0x7f);
}

static inline bool http1_stops_target(const char *p)
{
	uint64_t v = http1_word(p);

	return (v & HTTP1_HIGHS) | http1_bytes_below(v, ' ' + 1) | http1_bytes_equal(v, 0x7f) |
	       http1_bytes_equal(v, '#');
}

static inline bool http1_stops_colon(const char *p)
{
	return http1_bytes_equal(http1_word(p), ':');
}

static inline bool http1_stops_plain_host(const char *p)
{
	(void)p;
	return true;
}

#define HTTP1_SCAN(begin, p, end, stops)              \
	do {                                          \
		(void)(begin);                        \
		while ((end) - (p) >= 8 && !stops(p)) \
			(p) += 8;                     \
	} while (0)

#endif

/* The first control byte (HTAB is none) at or behind p. */
static inline const char *http1_scan_value(const char *begin, const char *p, const char *end)
{
	for (;;) {
		HTTP1_SCAN(begin, p, end, http1_stops_value);
		if (likely(p == end || !http1_is(*p, HTTP1_VALUE)))
			return p;
		p++;
	}
}

/* The first byte that cannot stand in a request target. */
static inline const char *http1_scan_target(const char *begin, const char *p, const char *end)
{
	HTTP1_SCAN(begin, p, end, http1_stops_target);
	while (p < end && http1_is(*p, HTTP1_TARGET))
		p++;
	return p;
}

/* The first colon, or end. Most names are shorter than sixteen bytes. */
static inline const char *http1_scan_colon(const char *begin, const char *p, const char *end)
{
#ifdef __SSE2__
	if (likely(end - p >= 16)) {
		unsigned hits = http1_stops_colon(p);

		if (likely(hits))
			return p + __builtin_ctz(hits);
	}
#endif
	HTTP1_SCAN(begin, p, end, http1_stops_colon);
	while (p < end && *p != ':')
		p++;
	return p;
}

/* The first byte that cannot stand in the name of a host. */
static inline const char *http1_scan_host(const char *p, const char *end)
{
	const char *begin = p;

	for (;;) {
		HTTP1_SCAN(begin, p, end, http1_stops_plain_host);
		if (likely(p == end || !http1_is(*p, HTTP1_HOST)))
			return p;
		p++;
	}
}

/* Has a value no control byte? The same by words, for values that are too short for a scan. */
static inline bool http1_is_clean(struct str s)
{
	uint64_t a = 0, b = 0;

	if (s.len < 4 || s.len >= 16)
		return s.len == 0 || http1_scan_value(s.ptr, s.ptr, s.ptr + s.len) == s.ptr + s.len;
	if (s.len >= 8) {
		memcpy(&a, s.ptr, 8);
		memcpy(&b, s.ptr + s.len - 8, 8);
	} else {
		memcpy(&a, s.ptr, 4);
		memcpy((char *)&a + 4, s.ptr + s.len - 4, 4);
		b = a;
	}
	if (likely(!(http1_bytes_below(a, ' ') | http1_bytes_below(b, ' ') |
		     http1_bytes_equal(a, 0x7f) | http1_bytes_equal(b, 0x7f))))
		return true;
	/* A tab is no fault. */
	return http1_all_are(s, HTTP1_VALUE);
}

/* Without case, against a word of small letters and hyphens: eight bytes and then the last
 * eight, which overlap. len is 8 to 16. */
static inline bool http1_word_is(struct str s, const char *word, size_t len)
{
	uint64_t a, b, x, y;

	if (s.len != len)
		return false;
	memcpy(&a, s.ptr, sizeof(a));
	memcpy(&b, s.ptr + len - sizeof(b), sizeof(b));
	memcpy(&x, word, sizeof(x));
	memcpy(&y, word + len - sizeof(y), sizeof(y));
	return (a | (x & (HTTP1_ONES * 0x40)) >> 1) == x &&
	       (b | (y & (HTTP1_ONES * 0x40)) >> 1) == y;
}
