#pragma once

/*
 * What every document has around its spec
 */

#include "mesh/field.h"

struct metadata {
	const struct node *node;
	struct str name;
	struct str name_space;
	struct text_map labels;
	struct text_map annotations;
	struct str resource_version;
};

struct envelope {
	const struct node *node;
	struct str api_version;
	struct str kind;
	struct metadata *metadata;
	void *spec;
};

/* The check() of metadata: the rules of the kind for names and namespaces. */
int metadata_check(struct reader *r, void *value);
