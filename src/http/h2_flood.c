#include "http/h2_flood.h"

#include "base/macro.h"

#define NS_PER_SECOND 1000000000
/* Frames that we sent and that the peer may still answer each with a PING. */
#define GIVEN_MAX     10000

static const struct {
	uint32_t burst;
	uint32_t per_second;
} rates[H2_FLOOD_KIND_COUNT] = {
	[H2_FLOOD_RESETS] = { 500, 100 },      [H2_FLOOD_PINGS] = { 100, 10 },
	[H2_FLOOD_SETTINGS] = { 30, 1 },       [H2_FLOOD_EMPTIES] = { 100, 10 },
	[H2_FLOOD_PRIORITIES] = { 1000, 100 },
};

void h2_flood_init(struct h2_flood *f, struct instant now)
{
	for (int kind = 0; kind < H2_FLOOD_KIND_COUNT; kind++) {
		f->buckets[kind].left = rates[kind].burst;
		f->buckets[kind].filled = now;
	}
}

/* Whole tokens only; the rest of the time stays for later. */
static void refill(struct h2_flood *f, enum h2_flood_kind kind, struct instant now)
{
	int64_t ns_per_token = NS_PER_SECOND / rates[kind].per_second;
	int64_t tokens = instant_since(now, f->buckets[kind].filled).ns / ns_per_token;

	if (tokens <= 0)
		return;
	f->buckets[kind].filled.ns += tokens * ns_per_token;
	if (f->buckets[kind].left < rates[kind].burst)
		f->buckets[kind].left = (uint32_t)min_of(tokens + f->buckets[kind].left,
							 (int64_t)rates[kind].burst);
}

bool h2_flood_take(struct h2_flood *f, enum h2_flood_kind kind, struct instant now)
{
	refill(f, kind, now);
	if (f->buckets[kind].left == 0)
		return false;
	f->buckets[kind].left--;
	return true;
}

void h2_flood_give(struct h2_flood *f, enum h2_flood_kind kind)
{
	if (f->buckets[kind].left < GIVEN_MAX)
		f->buckets[kind].left++;
}
