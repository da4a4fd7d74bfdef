#pragma once

/*
 * What the proxies report, kept for the last minutes
 *
 * Each proxy sends cumulative numbers every second on its xDS connection. The difference to
 * what it sent before is added to the series (service, version, direction, peer, TLS), whose
 * memory is a ring of slots of five seconds over five minutes and the total since the start of
 * the control plane. A proxy that starts anew begins at zero; that is noticed and counts on.
 *
 * Bounded: over TELEMETRY_SERIES_MAX series, requests are counted in one overflow series.
 */

#include "base/histogram.h"
#include "control/proxies.h"

#define TELEMETRY_SERIES_MAX  20000
#define TELEMETRY_SLOT        DURATION_SECONDS(5)
#define TELEMETRY_SLOT_COUNT  60
#define TELEMETRY_CLASS_COUNT 6

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
