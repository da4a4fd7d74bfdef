#pragma once

/*
 * Forms of text: names, header fields, paths
 *
 * A form knows whether a text has it, how to say so to a person, and its pattern for JSON
 * Schema.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct format {
	const char *expected; /* "a DNS label (…)" */
	const char *pattern;  /* ECMA 262, for the schema; NULL: none */
	uint32_t len_max;     /* in bytes */
	bool (*valid)(struct str text);
};

extern const struct format format_any;          /* up to 4 KiB, also empty */
extern const struct format format_dns_label;    /* RFC 1123 label */
extern const struct format format_dns_name;     /* labels with dots */
extern const struct format format_name_or_star; /* a DNS label, or "*" */
extern const struct format format_hostname;     /* a DNS name, may begin with "*." */
extern const struct format format_group;        /* an API group; may be empty */
extern const struct format format_kind;         /* a kind */
extern const struct format format_port_name;    /* up to 15 characters, RFC 6335 */
extern const struct format format_label_key;
extern const struct format format_label_value; /* may be empty */
extern const struct format format_annotation;  /* up to 256 KiB, also empty */
extern const struct format format_header_name; /* RFC 9110 token */
extern const struct format format_header_value;
extern const struct format format_query_name;
extern const struct format format_query_value;
extern const struct format format_path; /* absolute, without dot segments, // or %2F */
extern const struct format format_path_edit;
extern const struct format format_trust_domain;
extern const struct format format_user; /* of the operating system */
extern const struct format format_app_protocol;
extern const struct format format_locality;

/* Within the length and of the form? */
bool format_fits(const struct format *f, struct str text);
