/*
 * Well-known names: header fields, methods, status texts
 *
 * header_id_of() runs once per received field. Its hash takes the length and two letters; the
 * tables are filled from HEADER_MAP at the start of the program. A known name stands there as
 * its first and last eight bytes with a mask of the bits that case may change, so that a hit
 * costs some thirty instructions and a miss half of that. A new row in HEADER_MAP is all that
 * a new name needs.
 */

#include "message/headers.h"

#include <assert.h>

#define SLOT_COUNT 256 /* a power of two, several times HEADER_ID_COUNT */

static const struct str header_names[HEADER_ID_COUNT] = {
#define X(id, text) [id] = STR_INIT(text),
	HEADER_MAP(X)
#undef X
};

/* The bytes of a name that are compared in one go; for up to sixteen that is all of it. */
struct ends {
	uint64_t head;
	uint64_t tail;
};

static struct known {
	struct ends ends;
	struct ends letters; /* bit 0x20 of each byte that is a letter */
	size_t len;
} known_names[HEADER_ID_COUNT];

static uint8_t slots[SLOT_COUNT]; /* enum header_id; 0: empty */

static_assert(HEADER_ID_COUNT < SLOT_COUNT / 4, "the table of header names is too full");

/* The factors keep the names of HEADER_MAP apart; a collision costs a second look, no more.
 * Bit 0x20 is set for all letters, so that case does not matter. len > 0. */
static inline uint32_t name_hash(const char *s, size_t len)
{
	uint32_t first = (uint8_t)s[0] | 0x20, last = (uint8_t)s[len - 1] | 0x20;

	return ((uint32_t)len * 196 + first * 197 + last) % SLOT_COUNT;
}

/* Overlapping where the name is short. len > 0. */
static inline struct ends ends_of(const char *s, size_t len)
{
	struct ends e = { 0, 0 };
	uint32_t first, last;

	if (likely(len >= sizeof(e.head))) {
		memcpy(&e.head, s, sizeof(e.head));
		memcpy(&e.tail, s + len - sizeof(e.tail), sizeof(e.tail));
	} else if (len >= sizeof(first)) {
		memcpy(&first, s, sizeof(first));
		memcpy(&last, s + len - sizeof(last), sizeof(last));
		e.head = first;
		e.tail = last;
	} else {
		e.head = (uint64_t)(uint8_t)s[0] << 16 | (uint64_t)(uint8_t)s[len / 2] << 8 |
			 (uint8_t)s[len - 1];
	}
	return e;
}

/* A known name has only lower-case letters, digits and hyphens: letters have bit 0x40. */
static uint64_t letters_of(uint64_t word)
{
	return (word & 0x4040404040404040) >> 1;
}

static void __attribute__((constructor)) fill_slots(void)
{
	for (uint32_t id = HEADER_OTHER + 1; id < HEADER_ID_COUNT; id++) {
		struct str name = header_names[id];
		struct ends ends = ends_of(name.ptr, name.len);
		uint32_t i = name_hash(name.ptr, name.len);

		known_names[id] = (struct known){
			.ends = ends,
			.letters = { letters_of(ends.head), letters_of(ends.tail) },
			.len = name.len,
		};
		while (slots[i])
			i = (i + 1) % SLOT_COUNT;
		slots[i] = (uint8_t)id;
	}
}

/* What the ends of a long name leave out. */
static bool middle_eq(const char *any, const char *known, size_t len)
{
	for (size_t i = sizeof(uint64_t); i < len - sizeof(uint64_t); i++)
		if ((any[i] | ((known[i] & 0x40) >> 1)) != known[i])
			return false;
	return true;
}

static inline bool is_known(struct str name, uint32_t id)
{
	const struct known *k = &known_names[id];
	struct ends e;

	if (k->len != name.len)
		return false;
	e = ends_of(name.ptr, name.len);
	return (e.head | k->letters.head) == k->ends.head &&
	       (e.tail | k->letters.tail) == k->ends.tail &&
	       (likely(name.len <= sizeof(e)) ||
		middle_eq(name.ptr, header_names[id].ptr, name.len));
}

static __attribute__((noinline)) enum header_id look_on(struct str name, uint32_t i)
{
	for (; slots[i]; i = (i + 1) % SLOT_COUNT)
		if (is_known(name, slots[i]))
			return slots[i];
	return HEADER_OTHER;
}

enum header_id header_id_of(struct str name)
{
	uint32_t i, id;

	if (unlikely(name.len == 0))
		return HEADER_OTHER;
	i = name_hash(name.ptr, name.len);
	id = slots[i];
	if (id == HEADER_OTHER || likely(is_known(name, id)))
		return id;
	return look_on(name, (i + 1) % SLOT_COUNT);
}

struct str header_id_text(enum header_id id)
{
	assert(id > HEADER_OTHER && id < HEADER_ID_COUNT);
	return header_names[id];
}

/* RFC 9110 §9.2: the methods that may be repeated without a second effect. */
static const struct {
	struct str text;
	bool idempotent;
} methods[] = {
	[METHOD_OTHER] = { STR_INIT(""), false },
	[METHOD_GET] = { STR_INIT("GET"), true },
	[METHOD_HEAD] = { STR_INIT("HEAD"), true },
	[METHOD_POST] = { STR_INIT("POST"), false },
	[METHOD_PUT] = { STR_INIT("PUT"), true },
	[METHOD_DELETE] = { STR_INIT("DELETE"), true },
	[METHOD_CONNECT] = { STR_INIT("CONNECT"), false },
	[METHOD_OPTIONS] = { STR_INIT("OPTIONS"), true },
	[METHOD_TRACE] = { STR_INIT("TRACE"), true },
	[METHOD_PATCH] = { STR_INIT("PATCH"), false },
};

enum method method_of(struct str text)
{
	for (enum method m = METHOD_GET; m < array_count(methods); m++)
		if (str_eq(methods[m].text, text))
			return m;
	return METHOD_OTHER;
}

struct str method_text(enum method m)
{
	assert(m < array_count(methods));
	return methods[m].text;
}

bool method_is_idempotent(enum method m)
{
	assert(m < array_count(methods));
	return methods[m].idempotent;
}

/* The IANA registry, by class and number within it. */
#define STATUS_PER_CLASS 52

// clang-format off
static const struct str statuses[][STATUS_PER_CLASS] = {
	[1] = {
		[0] = STR_INIT("Continue"),
		[1] = STR_INIT("Switching Protocols"),
		[2] = STR_INIT("Processing"),
		[3] = STR_INIT("Early Hints"),
	},
	[2] = {
		[0] = STR_INIT("OK"),
		[1] = STR_INIT("Created"),
		[2] = STR_INIT("Accepted"),
		[3] = STR_INIT("Non-Authoritative Information"),
		[4] = STR_INIT("No Content"),
		[5] = STR_INIT("Reset Content"),
		[6] = STR_INIT("Partial Content"),
		[7] = STR_INIT("Multi-Status"),
		[8] = STR_INIT("Already Reported"),
		[26] = STR_INIT("IM Used"),
	},
	[3] = {
		[0] = STR_INIT("Multiple Choices"),
		[1] = STR_INIT("Moved Permanently"),
		[2] = STR_INIT("Found"),
		[3] = STR_INIT("See Other"),
		[4] = STR_INIT("Not Modified"),
		[5] = STR_INIT("Use Proxy"),
		[7] = STR_INIT("Temporary Redirect"),
		[8] = STR_INIT("Permanent Redirect"),
	},
	[4] = {
		[0] = STR_INIT("Bad Request"),
		[1] = STR_INIT("Unauthorized"),
		[2] = STR_INIT("Payment Required"),
		[3] = STR_INIT("Forbidden"),
		[4] = STR_INIT("Not Found"),
		[5] = STR_INIT("Method Not Allowed"),
		[6] = STR_INIT("Not Acceptable"),
		[7] = STR_INIT("Proxy Authentication Required"),
		[8] = STR_INIT("Request Timeout"),
		[9] = STR_INIT("Conflict"),
		[10] = STR_INIT("Gone"),
		[11] = STR_INIT("Length Required"),
		[12] = STR_INIT("Precondition Failed"),
		[13] = STR_INIT("Content Too Large"),
		[14] = STR_INIT("URI Too Long"),
		[15] = STR_INIT("Unsupported Media Type"),
		[16] = STR_INIT("Range Not Satisfiable"),
		[17] = STR_INIT("Expectation Failed"),
		[21] = STR_INIT("Misdirected Request"),
		[22] = STR_INIT("Unprocessable Content"),
		[23] = STR_INIT("Locked"),
		[24] = STR_INIT("Failed Dependency"),
		[25] = STR_INIT("Too Early"),
		[26] = STR_INIT("Upgrade Required"),
		[28] = STR_INIT("Precondition Required"),
		[29] = STR_INIT("Too Many Requests"),
		[31] = STR_INIT("Request Header Fields Too Large"),
		[51] = STR_INIT("Unavailable For Legal Reasons"),
	},
	[5] = {
		[0] = STR_INIT("Internal Server Error"),
		[1] = STR_INIT("Not Implemented"),
		[2] = STR_INIT("Bad Gateway"),
		[3] = STR_INIT("Service Unavailable"),
		[4] = STR_INIT("Gateway Timeout"),
		[5] = STR_INIT("HTTP Version Not Supported"),
		[6] = STR_INIT("Variant Also Negotiates"),
		[7] = STR_INIT("Insufficient Storage"),
		[8] = STR_INIT("Loop Detected"),
		[10] = STR_INIT("Not Extended"),
		[11] = STR_INIT("Network Authentication Required"),
	},
};
// clang-format on

struct str status_text(uint16_t status)
{
	uint16_t class = status / 100, number = status % 100;

	if (class >= array_count(statuses) || number >= STATUS_PER_CLASS)
		return STR_EMPTY;
	return statuses[class][number];
}
