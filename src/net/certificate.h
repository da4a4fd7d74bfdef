#pragma once

/*
 * What a certificate says
 *
 * The facts that identity, admin, logs and forwarded headers need, read once from an X.509
 * certificate. No OpenSSL type leaves this layer.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/pool.h"
#include "base/str.h"
#include "base/time.h"

#define CERTIFICATE_NAMES_MAX 64 /* per kind; more is ERR_LIMIT */

/* Text is terminated and owned by the object. */
struct certificate {
	struct str serial;  /* hexadecimal, lower case */
	struct str subject; /* RFC 2253: "CN=web,O=example" */
	struct str issuer;
	struct str *uri_sans;
	uint32_t uri_san_count;
	struct str *dns_sans;
	uint32_t dns_san_count;
	struct str *ip_sans; /* as text: "127.0.0.1" */
	uint32_t ip_san_count;
	struct wall_time not_before;
	struct wall_time not_after;
	bool is_ca; /* basic constraints, or may sign certificates */
	struct pool pool;
};

/* The first certificate of a PEM text. ERR_SYNTAX, ERR_LIMIT. */
must_check int certificate_read(struct str pem, struct certificate **ret_certificate);
/* Accepts NULL; returns NULL. */
struct certificate *certificate_free(struct certificate *c);
DEFINE_CLEANUP(struct certificate *, certificate_free)

/* The URI SAN if there is exactly one, else empty: the SPIFFE ID of an SVID. */
struct str certificate_spiffe_id(const struct certificate *c);
