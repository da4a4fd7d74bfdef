#pragma once

/*
 * What the proxies report, kept for the last minutes
 *
 * Each proxy sends cumulative numbers every second on its xDS connection. The difference to
 * what it sent before is added to the series (direction, service, version, peer, TLS), whose
 * memory is a ring of slots of five seconds over five minutes, and the total since the start of
 * the control plane. A process that starts anew begins at zero, and says when it began. What a
 * proxy had counted before we knew of it is not ours to count: the first report of an old
 * process is where counting begins.
 *
 * Bounded: a proxy has TELEMETRY_PROXY_SERIES_MAX series, and all have TELEMETRY_SERIES_MAX,
 * of which those make room that were silent for the whole memory. Where there is no room,
 * requests are counted in the series of the service "(other)". A label that is long or holds
 * line breaks, and requests that a proxy claims for another's service, are dropped and counted.
 */

#include "base/histogram.h"
#include "control/proxies.h"

#define TELEMETRY_SERIES_MAX       10000
#define TELEMETRY_PROXY_SERIES_MAX 1000
#define TELEMETRY_SLOT             DURATION_SECONDS(5)
#define TELEMETRY_SLOT_COUNT       60
#define TELEMETRY_CLASS_COUNT      6
#define TELEMETRY_OTHER            "(other)"

struct telemetry;

struct telemetry *telemetry_new(struct loop *loop, struct proxies *proxies);
struct telemetry *telemetry_free(struct telemetry *t);

/* Unary gRPC method TELEMETRY_EXPORT_PATH. */
void telemetry_export(struct telemetry *t, struct grpc_call *call, struct str request);

struct telemetry_labels {
	struct str direction;
	struct str service;
	struct str name_space;
	struct str version;
	struct str peer;
	struct str tls;
};

/* Sums over a window. */
struct telemetry_sums {
	uint64_t classes[TELEMETRY_CLASS_COUNT]; /* none, 1xx … 5xx */
	uint64_t retries;
	struct histogram_data duration;
};

void telemetry_sums_add(struct telemetry_sums *sums, const struct telemetry_sums *more);

/* Calls for each series with its sums over the last `window` (0: since the start). */
void telemetry_each(const struct telemetry *t, struct duration window,
		    void (*on_series)(void *user, const struct telemetry_labels *labels,
				      const struct telemetry_sums *sums),
		    void *user);
/* How much of the window the memory covers, for rates. */
struct duration telemetry_covered(const struct telemetry *t, struct duration window);

struct telemetry_counters {
	uint64_t reports;
	uint64_t refused; /* reports: of somebody else, or not to be read */
	uint64_t dropped; /* data points */
	uint64_t series;
};
struct telemetry_counters telemetry_counters(const struct telemetry *t);
