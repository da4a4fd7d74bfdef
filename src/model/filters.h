#pragma once

/*
 * HTTP filters, compiled from the http_filters of a connection manager
 *
 * One row per filter in filters.c: its name and type, how its configuration is compiled, may
 * it be left out when the configuration calls it optional. What protects something may not.
 * The last filter is the router and only the last.
 */

#include "model/part.h"

enum filter_kind { FILTER_ROUTER, FILTER_KIND_COUNT };

struct router_settings {
	bool suppress_envoy_headers; /* x-envoy-* of our own making */
};

struct filter_settings {
	enum filter_kind kind;
	struct str name; /* as configured: settings of routes refer to it */
	bool disabled;   /* off, unless a route turns it on */
	/* By kind: struct router_settings. Immutable, shared by all streams. */
	const void *config;
};

struct filter_list {
	struct filter_settings **items;
	uint32_t count;
};

/* Compiles the http_filters field of a connection manager. */
struct compile;
must_check int filters_compile(struct compile *c, const struct pb_message *m, unsigned field,
			       struct filter_list *ret_filters);
