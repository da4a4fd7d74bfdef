#pragma once

/*
 * Facts in memory, that can refuse to be written
 */

#include "control/ca.h"

#define FACTS_MAX 4

struct facts {
	char *names[FACTS_MAX];
	char *values[FACTS_MAX];
	uint32_t count;
	uint32_t sets;
	int fail_set; /* 0: none */
};

struct ca_facts facts_of(struct facts *f);
void facts_fini(struct facts *f);
/* The value, or NULL. */
char *facts_value(const struct facts *f, const char *name);
void facts_put(struct facts *f, const char *name, struct str value);
