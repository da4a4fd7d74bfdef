#pragma once

/*
 * Time
 *
 * A duration, a point on the monotonic clock and a point on the wall clock are three types,
 * so that none is taken for another and no name needs a unit. Loops carry both clocks
 * (event/loop.h), settable by tests; time_*_now() is for programs that have no loop.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macro.h"
#include "base/str.h"

struct duration {
	int64_t ns;
};

/* Monotonic, since an arbitrary origin. */
struct instant {
	int64_t ns;
};

/* Since 1970-01-01T00:00:00Z. */
struct wall_time {
	int64_t ns;
};

#define DURATION_NS(n)      ((struct duration){ (int64_t)(n) })
#define DURATION_US(n)      ((struct duration){ (int64_t)(n)*1000 })
#define DURATION_MS(n)      ((struct duration){ (int64_t)(n)*1000000 })
#define DURATION_SECONDS(n) ((struct duration){ (int64_t)(n)*1000000000 })
#define DURATION_FOREVER    ((struct duration){ INT64_MAX })

struct instant time_monotonic_now(void);
struct wall_time time_wall_now(void);

/* Saturates instead of overflowing; FOREVER stays forever. Inline: timers live by it. */
static inline struct instant instant_after(struct instant from, struct duration d)
{
	int64_t ns;

	if (d.ns == INT64_MAX)
		return (struct instant){ INT64_MAX };
	if (__builtin_add_overflow(from.ns, d.ns, &ns))
		ns = d.ns > 0 ? INT64_MAX : INT64_MIN;
	return (struct instant){ ns };
}

static inline struct duration instant_since(struct instant later, struct instant earlier)
{
	int64_t ns;

	if (later.ns == INT64_MAX)
		return DURATION_FOREVER;
	if (__builtin_sub_overflow(later.ns, earlier.ns, &ns))
		ns = earlier.ns < 0 ? INT64_MAX : INT64_MIN;
	return (struct duration){ ns };
}

/*
 * "1500ms", "2s", "1h30m" (GEP-2257 without its size limit) and Go's fractions: "1.5s". A
 * unit is required, a sign is not allowed. ERR_SYNTAX, or ERR_LIMIT above 292 years.
 */
must_check int duration_parse(struct str s, struct duration *ret_duration);
/* Exactly, by the units h, m, s, ms, us, ns: "1h30m", "1s500ms", "0s"; "forever". */
void duration_format(struct duration d, struct buf *out);

/* RFC 3339 in UTC with milliseconds: 2026-11-27T08:23:16.123Z */
void wall_time_format(struct wall_time t, struct buf *out);
/* RFC 3339 with any offset and fraction. ERR_SYNTAX, or ERR_LIMIT outside 1677 to 2262. */
must_check int wall_time_parse(struct str s, struct wall_time *ret_time);
