#pragma once

/*
 * Latency histogram with fixed boundaries
 *
 * The boundaries are the union of OpenTelemetry's, Envoy's, Istio's and Linkerd's, so that
 * each of their renderings is exact. One writer, many readers, like counters.
 */

#include "base/counter.h"
#include "base/time.h"

/* Upper bounds in milliseconds; the bucket behind the last is +Inf. */
#define HISTOGRAM_BOUND_COUNT 25
extern const double histogram_bounds_ms[HISTOGRAM_BOUND_COUNT];

struct histogram {
	struct counter buckets[HISTOGRAM_BOUND_COUNT + 1];
	struct counter sum_us;
};

/* A plain copy for arithmetic: merged over workers, differences over time. */
struct histogram_data {
	uint64_t buckets[HISTOGRAM_BOUND_COUNT + 1];
	uint64_t sum_us;
};

/* Only from the owning thread. */
void histogram_record(struct histogram *h, struct duration d);
/* Adds h to *sum. */
void histogram_merge(const struct histogram *h, struct histogram_data *sum);
uint64_t histogram_count(const struct histogram_data *d);
/* quantile in [0, 1], linear within a bucket; 0 when empty; milliseconds. What lies
 * behind the last bound counts as that bound. */
double histogram_quantile_ms(const struct histogram_data *d, double quantile);
