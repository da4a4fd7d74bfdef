#pragma once

/*
 * SPIFFE identities
 *
 * spiffe://TRUSTDOMAIN/ns/NAMESPACE/sa/ACCOUNT, by the rules of the SPIFFE ID standard that
 * are hard-coded here: lower-case trust domain [a-z0-9._-] of at most 255 bytes without
 * port or user, path segments [A-Za-z0-9._-], none empty, "." or "..", no trailing slash,
 * 2,048 bytes in all, no query or fragment.
 */

#include "base/macro.h"
#include "base/str.h"

#define SPIFFE_ID_BYTES_MAX 2048

/* Slices of the text that was parsed. */
struct spiffe_id {
	struct str trust_domain;
	struct str path;       /* "/ns/shop/sa/web"; empty for a trust domain's own ID */
	struct str name_space; /* empty unless the path has the form /ns/N/sa/A */
	struct str account;
};

must_check int spiffe_id_parse(struct str text, struct spiffe_id *ret_id);
/* Valid as a trust domain by itself? */
bool spiffe_trust_domain_valid(struct str name);
/* A DNS label (RFC 1123): what namespaces, accounts, services and workloads are named by. */
bool name_is_dns_label(struct str name);
