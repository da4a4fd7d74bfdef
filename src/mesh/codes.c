#include "mesh/codes.h"

#include <assert.h>
#include <stddef.h>

static const struct code_text codes[CODE_COUNT] = {
#define X(code, name, title, fix) [code] = { name, title, fix },
	CODE_MAP(X)
#undef X
};

const struct code_text *code_text(enum code code)
{
	assert(code < CODE_COUNT);
	return &codes[code];
}

const struct code_text *code_find(struct str name)
{
	for (size_t i = 0; i < CODE_COUNT; i++)
		if (str_eq_nocase(name, str_from(codes[i].name)))
			return &codes[i];
	return NULL;
}
