/*
 * Text and sockaddr, both ways. Nothing is resolved: only numbers and paths are read.
 */

#include "message/address.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/error.h"

#define TEXT_RING_SIZE  8
#define TEXT_BYTES_MAX  128
#define UNIX_PATH_START offsetof(struct sockaddr_un, sun_path)

static const struct str unix_prefix = STR_INIT("unix:");

int address_from_ip(struct str ip, uint16_t port, struct address *ret_address)
{
	char text[INET6_ADDRSTRLEN];
	struct address a = { 0 };

	if (ip.len >= sizeof(text) || memchr(ip.ptr ?: "", 0, ip.len))
		return ERR_SYNTAX;
	memcpy(text, ip.ptr ?: "", ip.len);
	text[ip.len] = '\0';

	if (inet_pton(AF_INET, text, &a.ip4.sin_addr) == 1) {
		a.ip4.sin_family = AF_INET;
		a.len = sizeof(a.ip4);
	} else if (inet_pton(AF_INET6, text, &a.ip6.sin6_addr) == 1) {
		a.ip6.sin6_family = AF_INET6;
		a.len = sizeof(a.ip6);
	} else {
		return ERR_SYNTAX;
	}
	address_set_port(&a, port);
	*ret_address = a;
	return 0;
}

int address_from_unix(struct str path, struct address *ret_address)
{
	struct address a = { 0 };

	if (path.len == 0 || memchr(path.ptr, 0, path.len))
		return ERR_SYNTAX;
	if (path.len >= sizeof(a.unix_path.sun_path))
		return ERR_LIMIT;

	a.unix_path.sun_family = AF_UNIX;
	memcpy(a.unix_path.sun_path, path.ptr, path.len);
	a.len = (socklen_t)(UNIX_PATH_START + path.len);
	if (path.ptr[0] == '@')
		a.unix_path.sun_path[0] = '\0'; /* abstract: its length ends it */
	else
		a.len++; /* the terminator belongs to a path */
	*ret_address = a;
	return 0;
}

/* The place of the colon before the port, and the IP without brackets. */
static int split_port(struct str s, struct str *ret_ip, struct str *ret_port)
{
	const char *colon = s.len ? memrchr(s.ptr, ':', s.len) : NULL;
	size_t ip_len;

	if (!colon)
		return ERR_SYNTAX;
	ip_len = (size_t)(colon - s.ptr);
	*ret_port = str_slice(s, ip_len + 1, s.len);
	*ret_ip = str_slice(s, 0, ip_len);

	if (s.ptr[0] == '[') {
		if (ip_len < 2 || s.ptr[ip_len - 1] != ']')
			return ERR_SYNTAX;
		*ret_ip = str_slice(s, 1, ip_len - 1);
		return memchr(ret_ip->ptr, ':', ret_ip->len) ? 0 : ERR_SYNTAX;
	}
	return memchr(ret_ip->ptr, ':', ret_ip->len) ? ERR_SYNTAX : 0;
}

int address_parse(struct str s, struct address *ret_address)
{
	struct str ip, port;
	uint64_t number;
	int r;

	if (str_has_prefix(s, unix_prefix))
		return address_from_unix(str_slice(s, unix_prefix.len, s.len), ret_address);

	r = split_port(s, &ip, &port);
	if (r < 0)
		return r;
	if (str_to_u64(port, UINT16_MAX, &number) < 0)
		return ERR_SYNTAX;
	return address_from_ip(ip, (uint16_t)number, ret_address);
}

/* The path, with '@' in place of the zero byte of an abstract name; empty when unnamed. */
static struct str unix_name(const struct address *a, char *memory, size_t size)
{
	size_t len = a->len > UNIX_PATH_START ? a->len - UNIX_PATH_START : 0;

	if (len == 0)
		return STR_EMPTY;
	if (a->unix_path.sun_path[0] != '\0')
		return str_of(a->unix_path.sun_path, strnlen(a->unix_path.sun_path, len));
	len = min_of(len, size);
	memcpy(memory, a->unix_path.sun_path, len);
	memory[0] = '@';
	return str_of(memory, len);
}

void address_format_ip(const struct address *a, struct buf *out)
{
	char text[TEXT_BYTES_MAX] = "";

	if (a->len == 0)
		return;
	if (a->any.sa_family == AF_INET)
		inet_ntop(AF_INET, &a->ip4.sin_addr, text, sizeof(text));
	else if (a->any.sa_family == AF_INET6)
		inet_ntop(AF_INET6, &a->ip6.sin6_addr, text, sizeof(text));
	else if (a->any.sa_family == AF_UNIX) {
		buf_append_str(out, unix_name(a, text, sizeof(text)));
		return;
	}
	buf_append_str(out, str_from(text));
}

/* Into memory of TEXT_BYTES_MAX; returns the length. */
static size_t format_text(const struct address *a, char *text)
{
	char ip[INET6_ADDRSTRLEN];
	char name[sizeof(a->unix_path.sun_path)];
	int n = 0;

	if (a->len == 0) {
		text[0] = '\0';
	} else if (a->any.sa_family == AF_INET) {
		inet_ntop(AF_INET, &a->ip4.sin_addr, ip, sizeof(ip));
		n = snprintf(text, TEXT_BYTES_MAX, "%s:%u", ip, address_port(a));
	} else if (a->any.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &a->ip6.sin6_addr, ip, sizeof(ip));
		n = snprintf(text, TEXT_BYTES_MAX, "[%s]:%u", ip, address_port(a));
	} else {
		n = snprintf(text, TEXT_BYTES_MAX, "unix:%.*s",
			     STR_ARGS(unix_name(a, name, sizeof(name))));
	}
	return (size_t)n;
}

void address_format(const struct address *a, struct buf *out)
{
	char text[TEXT_BYTES_MAX];

	buf_append(out, text, format_text(a, text));
}

const char *address_text(const struct address *a)
{
	static _Thread_local char ring[TEXT_RING_SIZE][TEXT_BYTES_MAX];
	static _Thread_local unsigned turn;
	char *text = ring[turn++ % TEXT_RING_SIZE];

	format_text(a, text);
	return text;
}

bool address_eq(const struct address *a, const struct address *b)
{
	if (a->len == 0 || b->len == 0)
		return a->len == b->len;
	if (a->any.sa_family != b->any.sa_family)
		return false;
	if (a->any.sa_family == AF_INET)
		return a->ip4.sin_port == b->ip4.sin_port &&
		       a->ip4.sin_addr.s_addr == b->ip4.sin_addr.s_addr;
	if (a->any.sa_family == AF_INET6)
		return a->ip6.sin6_port == b->ip6.sin6_port &&
		       a->ip6.sin6_scope_id == b->ip6.sin6_scope_id &&
		       memcmp(&a->ip6.sin6_addr, &b->ip6.sin6_addr, sizeof(a->ip6.sin6_addr)) == 0;

	char name_a[sizeof(a->unix_path.sun_path)], name_b[sizeof(a->unix_path.sun_path)];

	return str_eq(unix_name(a, name_a, sizeof(name_a)), unix_name(b, name_b, sizeof(name_b)));
}

uint16_t address_port(const struct address *a)
{
	if (a->len && a->any.sa_family == AF_INET)
		return ntohs(a->ip4.sin_port);
	if (a->len && a->any.sa_family == AF_INET6)
		return ntohs(a->ip6.sin6_port);
	return 0;
}

void address_set_port(struct address *a, uint16_t port)
{
	if (a->len && a->any.sa_family == AF_INET)
		a->ip4.sin_port = htons(port);
	else if (a->len && a->any.sa_family == AF_INET6)
		a->ip6.sin6_port = htons(port);
}

bool address_is_loopback(const struct address *a)
{
	if (a->len && a->any.sa_family == AF_INET)
		return ntohl(a->ip4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	if (a->len && a->any.sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&a->ip6.sin6_addr);
	return a->len && a->any.sa_family == AF_UNIX;
}
