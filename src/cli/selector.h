#pragma once

/*
 * Selectors of labels: -l app=web,version!=v2,canary,!old
 *
 * As kubectl has them: each term must hold. A term is KEY=VALUE (or ==), KEY!=VALUE (which holds
 * of what lacks the label, too), KEY (it is there) or !KEY (it is not).
 */

#include "base/diag.h"
#include "codec/node.h"

/* ERR_CONFIG where a term has no key. An empty selector holds of everything. */
must_check int selector_check(struct str selector, struct diag *d);
/* Whether the labels, a mapping or NULL, fit a selector that was checked. */
bool selector_fits(struct str selector, const struct node *labels);
