#pragma once

/*
 * The shells that `weft completion` speaks to
 */

#include <stddef.h>

struct shell {
	const char *name;
	const char *file; /* below share/, where the shell looks for it */
	const char *script;
};
extern const struct shell shells[];
extern const size_t shell_count;
