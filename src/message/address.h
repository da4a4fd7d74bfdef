#pragma once

/*
 * Network addresses: IPv4, IPv6 and Unix sockets in one value
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <netinet/in.h>

#include "base/buf.h"
#include "base/macro.h"
#include "base/str.h"

struct address {
	socklen_t len; /* 0: no address */
	union {
		struct sockaddr any;
		struct sockaddr_in ip4;
		struct sockaddr_in6 ip6;
		struct sockaddr_un unix_path;
	};
};

/* "127.0.0.1", "::1" (without brackets) and a port. ERR_SYNTAX for names: nothing is resolved. */
must_check int address_from_ip(struct str ip, uint16_t port, struct address *ret_address);
/* "127.0.0.1:80", "[::1]:80", "unix:/run/x.sock". */
must_check int address_parse(struct str s, struct address *ret_address);
/* ERR_LIMIT for a path over 107 bytes. A leading '@' is the abstract name space. */
must_check int address_from_unix(struct str path, struct address *ret_address);

/* The forms that address_parse() reads. */
void address_format(const struct address *a, struct buf *out);
/* Without the port: "127.0.0.1"; for Unix sockets the path. */
void address_format_ip(const struct address *a, struct buf *out);
/* address_format() into memory of this thread; valid until the eighth further call. */
const char *address_text(const struct address *a);

bool address_eq(const struct address *a, const struct address *b);
uint16_t address_port(const struct address *a); /* 0 for Unix */
void address_set_port(struct address *a, uint16_t port);
bool address_is_loopback(const struct address *a);
