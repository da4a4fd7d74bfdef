/*
 * What may stand where in HTTP/1: classes of bytes, hosts, and the texts of the faults
 */

#include "codec/http1.h"

#include "codec/http1_scan.h"

// clang-format off
static const char *const fault_texts[] = {
#define X(name, text) [name] = text,
	HTTP1_FAULT_MAP(X)
#undef X
};

#define T HTTP1_TOKEN
#define V HTTP1_VALUE
#define P HTTP1_TARGET
#define H HTTP1_HOST
#define D HTTP1_DIGIT
#define X HTTP1_HEX
#define Q HTTP1_QUOTED

const uint8_t http1_classes[256] = {
	['\t'] = V | Q,
	[' '] = V | Q,
	['!'] = V | Q | P | T | H,
	['"'] = V | P,
	['#'] = V | Q | T,
	['$'] = V | Q | P | T | H,
	['%'] = V | Q | P | T | H,
	['&'] = V | Q | P | T | H,
	['\''] = V | Q | P | T | H,
	['('] = V | Q | P | H,
	[')'] = V | Q | P | H,
	['*'] = V | Q | P | T | H,
	['+'] = V | Q | P | T | H,
	[','] = V | Q | P | H,
	['-'] = V | Q | P | T | H,
	['.'] = V | Q | P | T | H,
	['/'] = V | Q | P,
	['0' ... '9'] = V | Q | P | T | H | D | X,
	[':'] = V | Q | P,
	[';'] = V | Q | P | H,
	['<'] = V | Q | P,
	['='] = V | Q | P | H,
	['>'] = V | Q | P,
	['?'] = V | Q | P,
	['@'] = V | Q | P,
	['A' ... 'F'] = V | Q | P | T | H | X,
	['G' ... 'Z'] = V | Q | P | T | H,
	['['] = V | Q | P,
	['\\'] = V | P,
	[']'] = V | Q | P,
	['^'] = V | Q | P | T,
	['_'] = V | Q | P | T | H,
	['`'] = V | Q | P | T,
	['a' ... 'f'] = V | Q | P | T | H | X,
	['g' ... 'z'] = V | Q | P | T | H,
	['{'] = V | Q | P,
	['|'] = V | Q | P | T,
	['}'] = V | Q | P,
	['~'] = V | Q | P | T | H,
	[0x80 ... 0xff] = V | Q,
};

#undef T
#undef V
#undef P
#undef H
#undef D
#undef X
#undef Q
// clang-format on

const char *http1_fault_text(enum http1_fault fault)
{
	return (size_t)fault < array_count(fault_texts) ? fault_texts[fault] : "unknown fault";
}

/* Digits up to 65535, or nothing. */
static bool port_is_valid(const char *p, const char *end)
{
	uint32_t number = 0;

	if (end - p > 5)
		return false;
	for (; p < end; p++) {
		if (!http1_is(*p, HTTP1_DIGIT))
			return false;
		number = number * 10 + (uint32_t)(*p - '0');
	}
	return number <= UINT16_MAX;
}

/* The length of the host in front of a port: a name, or a literal in brackets. 0: invalid. */
size_t http1_host_name_len(struct str host)
{
	size_t len = 0;

	if (host.len == 0 || host.ptr[0] != '[')
		return (size_t)(http1_scan_host(host.ptr, host.ptr + host.len) - host.ptr);
	len = str_find(host, 1, ']');
	if (len == host.len || len == 1)
		return 0;
	for (size_t i = 1; i < len; i++)
		if (!http1_is(host.ptr[i], HTTP1_HOST) && host.ptr[i] != ':')
			return 0;
	return len + 1;
}

bool http1_host_is_valid(struct str host)
{
	size_t len = http1_host_name_len(host);

	if (len == 0)
		return false;
	return len == host.len ||
	       (host.ptr[len] == ':' && port_is_valid(host.ptr + len + 1, host.ptr + host.len));
}
