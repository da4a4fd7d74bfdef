#pragma once

/*
 * What holds between the resources of a bootstrap: names are unique, and what is named is there
 */

#include "codec/node.h"
#include "model/bootstrap.h"

/* `root` is the file, for places. A name that a control plane may bring is not missing. */
must_check int bootstrap_check(const struct bootstrap *b, const struct node *root, struct diag *d);
