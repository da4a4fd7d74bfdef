#pragma once

/*
 * Header mutations of routes, applied
 */

#include "message/headers.h"
#include "model/routes.h"

void header_mutations_run(const struct header_mutations *m, struct headers *h);

/* Most have none. */
static inline void header_mutations_apply(const struct header_mutations *m, struct headers *h)
{
	if (unlikely(m->add_count || m->remove_count))
		header_mutations_run(m, h);
}
