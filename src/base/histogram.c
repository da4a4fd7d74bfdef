#include "base/histogram.h"

// clang-format off
const double histogram_bounds_ms[HISTOGRAM_BOUND_COUNT] = {
	0.5, 1, 5, 10, 25, 50, 75, 100, 200, 250, 300, 400, 500, 750, 1000, 2500, 5000, 7500,
	10000, 30000, 60000, 300000, 600000, 1800000, 3600000,
};

/* The same in whole nanoseconds, to be compared without a division. */
#define MS(n) ((int64_t)((n) * 1e6))
static const int64_t bounds_ns[HISTOGRAM_BOUND_COUNT] = {
	MS(0.5), MS(1), MS(5), MS(10), MS(25), MS(50), MS(75), MS(100), MS(200), MS(250), MS(300),
	MS(400), MS(500), MS(750), MS(1000), MS(2500), MS(5000), MS(7500), MS(10000), MS(30000),
	MS(60000), MS(300000), MS(600000), MS(1800000), MS(3600000),
};
// clang-format on

/* The first bucket whose bound is not below the value. */
static size_t bucket_index(int64_t ns)
{
	size_t low = 0;
	size_t high = HISTOGRAM_BOUND_COUNT;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (bounds_ns[middle] < ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void histogram_record(struct histogram *h, struct duration d)
{
	int64_t ns = max_of(d.ns, 0);

	counter_add(&h->buckets[bucket_index(ns)], 1);
	counter_add(&h->sum_us, (uint64_t)ns / 1000);
}

void histogram_merge(const struct histogram *h, struct histogram_data *sum)
{
	for (size_t i = 0; i < array_count(h->buckets); i++)
		sum->buckets[i] += counter_read(&h->buckets[i]);
	sum->sum_us += counter_read(&h->sum_us);
}

uint64_t histogram_count(const struct histogram_data *d)
{
	uint64_t count = 0;

	for (size_t i = 0; i < array_count(d->buckets); i++)
		count += d->buckets[i];
	return count;
}

double histogram_quantile_ms(const struct histogram_data *d, double quantile)
{
	double rank = quantile * (double)histogram_count(d);
	double below = 0;

	for (size_t i = 0; i < HISTOGRAM_BOUND_COUNT; i++) {
		double inside = (double)d->buckets[i];

		if (inside > 0 && below + inside >= rank) {
			double low = i ? histogram_bounds_ms[i - 1] : 0;
			double share = max_of(rank - below, 0.0) / inside;

			return low + (histogram_bounds_ms[i] - low) * share;
		}
		below += inside;
	}
	/* Nothing is known of the last bucket but where it begins. */
	return d->buckets[HISTOGRAM_BOUND_COUNT] ? histogram_bounds_ms[HISTOGRAM_BOUND_COUNT - 1]
						 : 0;
}
