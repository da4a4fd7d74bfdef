#include "http/h2_goaway.h"

#include <string.h>

#include "base/macro.h"

#define PREFACE_BYTES     24
#define TYPE_GOAWAY       7
#define LAST_STREAM_BYTES 4

void h2_goaway_init(struct h2_goaway *g)
{
	*g = (struct h2_goaway){ .skip = PREFACE_BYTES };
}

static size_t take_head(struct h2_goaway *g, const char *bytes, size_t len)
{
	size_t n = min_of(len, sizeof(g->head) - g->have);

	memcpy(g->head + g->have, bytes, n);
	g->have = (uint8_t)(g->have + n);
	if (g->have < sizeof(g->head))
		return n;
	g->have = 0;
	g->skip = (uint32_t)g->head[0] << 16 | (uint32_t)g->head[1] << 8 | g->head[2];
	if (g->head[3] == TYPE_GOAWAY) {
		g->clear = (uint8_t)min_of(g->skip, (uint32_t)LAST_STREAM_BYTES);
		g->skip -= g->clear;
	}
	return n;
}

static size_t take_id(struct h2_goaway *g, char *bytes, size_t len)
{
	size_t n = min_of(len, (size_t)g->clear);

	memset(bytes, 0, n);
	g->clear = (uint8_t)(g->clear - n);
	return n;
}

static size_t take_rest(struct h2_goaway *g, size_t len)
{
	size_t n = min_of(len, (size_t)g->skip);

	g->skip -= (uint32_t)n;
	return n;
}

void h2_goaway_pass(struct h2_goaway *g, char *bytes, size_t len)
{
	while (len > 0) {
		size_t n = g->clear  ? take_id(g, bytes, len)
			   : g->skip ? take_rest(g, len)
				     : take_head(g, bytes, len);

		bytes += n;
		len -= n;
	}
}
