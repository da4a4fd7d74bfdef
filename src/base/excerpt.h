#pragma once

/*
 * A problem, shown in the text that has it
 *
 *	error: unknown field "timout" in HTTPRoute shop/reviews [WEFT1002]
 *	  --> reviews.yaml:17:5
 *	   |
 *	17 |     timout: {request: 2s, backendRequest: 500ms}
 *	   |     ^^^^^^ did you mean "timeouts"?
 *	   |
 *
 * The code stands at the right edge of 80 columns where there is room. Without a place or
 * without the text, what is known is printed in the same order.
 */

#include "base/diag.h"

/* `source` is the content of d->file, or empty. Ends with a line feed. */
void excerpt_write(const struct diag *d, struct str source, struct buf *out);
