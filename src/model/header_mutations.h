#pragma once

/*
 * Changes to headers: what a route table, a virtual host, a route or a weighted cluster adds
 * and removes
 */

#include "model/compile.h"
#include "model/routes.h"

/* Most entries of one list, as in Envoy. */
#define HEADER_MUTATIONS_MAX 1000

/* `add` is a repeated HeaderValueOption field of `m`, `remove` a repeated string field. */
must_check int header_mutations_compile(struct compile *c, const struct pb_message *m, unsigned add,
					unsigned remove, struct header_mutations *ret_list);
