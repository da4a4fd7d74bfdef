#pragma once

/*
 * HTTPRoute (gateway.networking.k8s.io/v1), attached to Services
 *
 * The shape of the standard channel. What this version does not execute (regular expressions,
 * mirrors, Gateways as parents …) is refused by name while the document is read, so that what
 * stands in these structs can be compiled. Every field has its effective value: defaults of
 * the standard are filled in.
 */

#include "base/time.h"
#include "codec/node.h"
#include "message/headers.h"

/* A Service; group "" and kind Service were checked. */
struct parent_ref {
	const struct node *node;
	struct str group;
	struct str kind;
	struct str name_space; /* that of the route where not set */
	struct str name;
	struct str section_name; /* name of a port; may be empty */
	uint32_t port;           /* 0: every port */
};

enum route_path_type { ROUTE_PATH_PREFIX, ROUTE_PATH_EXACT, ROUTE_PATH_REGEX };

struct route_path_match {
	const struct node *node;
	enum route_path_type type; /* a prefix of whole segments: /a matches /a/b, not /ab */
	struct str value;          /* begins with "/"; a prefix has no "/" at the end but "/" */
};

struct route_value_match {
	const struct node *node;
	struct str name; /* a header's, without regard to case, or a query parameter's */
	struct str value;
	uint32_t type; /* 0: Exact, the only one for now */
};

struct route_match {
	const struct node *node;
	struct route_path_match *path; /* never NULL */
	struct route_value_match *headers;
	uint32_t header_count;
	struct route_value_match *queries;
	uint32_t query_count;
	struct str method; /* empty: any */
};

struct header_pair {
	const struct node *node;
	struct str name;
	struct str value;
};

struct header_edit {
	const struct node *node;
	struct header_pair *set; /* replaces */
	uint32_t set_count;
	struct header_pair *add; /* appends */
	uint32_t add_count;
	struct str *remove;
	uint32_t remove_count;
};

enum path_edit_type { PATH_REPLACE_FULL, PATH_REPLACE_PREFIX };

struct path_edit {
	const struct node *node;
	enum path_edit_type type;
	struct str replace_full;
	struct str replace_prefix;
};

enum redirect_scheme { REDIRECT_SCHEME_KEEP, REDIRECT_SCHEME_HTTP, REDIRECT_SCHEME_HTTPS };

struct route_redirect {
	const struct node *node;
	enum redirect_scheme scheme;
	struct str hostname;    /* empty: as requested */
	struct path_edit *path; /* NULL: as requested */
	uint32_t port;          /* 0: by the scheme where that is set, else as requested */
	uint32_t status;        /* 301, 302, 303, 307, 308 */
};

struct route_rewrite {
	const struct node *node;
	struct str hostname;    /* empty: as requested */
	struct path_edit *path; /* NULL: as requested */
};

enum route_filter_type {
	ROUTE_FILTER_REQUEST_HEADERS,
	ROUTE_FILTER_RESPONSE_HEADERS,
	ROUTE_FILTER_REDIRECT,
	ROUTE_FILTER_REWRITE,
};

/* The member of its type is set, the others are NULL. A type occurs once per list. */
struct route_filter {
	const struct node *node;
	enum route_filter_type type;
	struct header_edit *request_headers;
	struct header_edit *response_headers;
	struct route_redirect *redirect;
	struct route_rewrite *rewrite;
};

/* A Service; group "" and kind Service were checked. Filters of a backend edit headers only. */
struct backend_ref {
	const struct node *node;
	struct str group;
	struct str kind;
	struct str name_space; /* that of the route where not set */
	struct str name;
	uint32_t port;
	uint32_t weight; /* 1 where not set; 0 takes nothing */
	struct route_filter *filters;
	uint32_t filter_count;
};

/* -1 ns: not set (the default of the mesh). 0: no limit. */
struct route_timeouts {
	const struct node *node;
	struct duration request;         /* all tries together */
	struct duration backend_request; /* one try */
};

struct route_retry {
	const struct node *node;
	uint32_t *codes;
	uint32_t code_count;     /* 0: as the mesh retries by default */
	uint32_t attempts;       /* tries after the first; 1 where not set */
	struct duration backoff; /* least wait between tries; 25ms where not set */
};

struct route_rule {
	const struct node *node;
	struct str name;             /* may be empty */
	struct route_match *matches; /* at least one; the request matches if any does */
	uint32_t match_count;
	struct route_filter *filters;
	uint32_t filter_count;
	struct backend_ref *backends; /* none: answered by a redirect, else 500 */
	uint32_t backend_count;
	struct route_timeouts *timeouts; /* may be NULL */
	struct route_retry *retry;       /* may be NULL */
};

struct http_route {
	const struct node *node;
	struct parent_ref *parents;
	uint32_t parent_count;
	struct str *hostnames; /* kept; without meaning for a route attached to a Service */
	uint32_t hostname_count;
	struct route_rule *rules;
	uint32_t rule_count;
};

/* The filter of that type in a list, or NULL. */
const struct route_filter *route_filter_find(const struct route_filter *filters, uint32_t count,
					     enum route_filter_type type);
