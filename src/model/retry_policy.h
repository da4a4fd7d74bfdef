#pragma once

/*
 * Retry policies of routes and virtual hosts
 */

#include "model/compile.h"
#include "model/routes.h"

/* A RetryPolicy. Words of retry_on that we do not know are refused, with a suggestion. */
must_check int retry_policy_compile(struct compile *c, const struct pb_message *m,
				    struct retry_policy **ret_policy);
