#pragma once

/*
 * What a plain (unquoted) YAML scalar means
 *
 * YAML 1.1, 1.2 and the tools that people know disagree about many words: no, on, 010, 1_000,
 * 1:30. A plain scalar is taken only where all of them agree: JSON's numbers, true and false,
 * null, and text. Whatever else could be taken for something is YAML_SURPRISE and refused with
 * the two ways to write it.
 */

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

enum yaml_plain {
	YAML_TEXT,
	YAML_NULL,
	YAML_TRUE,
	YAML_FALSE,
	YAML_NUMBER, /* by JSON's grammar */
	YAML_SURPRISE,
};

enum yaml_plain yaml_plain_resolve(struct str text);

/* For a surprise: what it is elsewhere and what to write instead, as a hint for a person. */
void yaml_plain_advise(struct str text, struct buf *out);
