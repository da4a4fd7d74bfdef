#pragma once

/*
 * Filters of a rule and of a backend: tables, for http_route.c
 */

#include "mesh/field.h"
#include "mesh/http_route.h"

extern const struct object rule_filter_object;
extern const struct object backend_filter_object;

#define FILTERS_MAX 16

/* No type of filter twice. */
must_check int filters_check(struct reader *r, const struct route_filter *filters, uint32_t count);
