#include "test.h"

#include <pthread.h>

#include "base/histogram.h"

static struct histogram_data data_of(const struct histogram *h)
{
	struct histogram_data d = { 0 };

	histogram_merge(h, &d);
	return d;
}

TEST(a_value_on_a_bound_belongs_below_it)
{
	struct histogram h = { 0 };

	for (int i = 0; i < HISTOGRAM_BOUND_COUNT; i++) {
		int64_t bound = (int64_t)(histogram_bounds_ms[i] * 1e6);

		histogram_record(&h, DURATION_NS(bound));
		histogram_record(&h, DURATION_NS(bound + 1));
	}

	struct histogram_data d = data_of(&h);

	assert_int_equal(d.buckets[0], 1);
	for (int i = 1; i < HISTOGRAM_BOUND_COUNT; i++)
		assert_int_equal(d.buckets[i], 2);
	assert_int_equal(d.buckets[HISTOGRAM_BOUND_COUNT], 1);
	assert_int_equal(histogram_count(&d), 2 * HISTOGRAM_BOUND_COUNT);
}

TEST(the_bounds_ascend)
{
	for (int i = 1; i < HISTOGRAM_BOUND_COUNT; i++)
		assert_true(histogram_bounds_ms[i - 1] < histogram_bounds_ms[i]);
}

TEST(a_clock_that_went_back_counts_as_zero)
{
	struct histogram h = { 0 };

	histogram_record(&h, DURATION_NS(-5));

	struct histogram_data d = data_of(&h);

	assert_int_equal(d.buckets[0], 1);
	assert_int_equal(d.sum_us, 0);
}

TEST(histograms_of_workers_add_up)
{
	struct histogram a = { 0 }, b = { 0 };
	struct histogram_data sum = { 0 };

	histogram_record(&a, DURATION_MS(2));
	histogram_record(&b, DURATION_MS(3));
	histogram_record(&b, DURATION_SECONDS(7200));
	histogram_merge(&a, &sum);
	histogram_merge(&b, &sum);
	assert_int_equal(histogram_count(&sum), 3);
	assert_int_equal(sum.buckets[2], 2);
	assert_int_equal(sum.sum_us, 7200005000);
}

static void assert_near(double value, double expected)
{
	assert_true(value > expected - 0.001 && value < expected + 0.001);
}

TEST(quantiles_are_linear_within_a_bucket)
{
	struct histogram_data d = { .buckets = { [3] = 50, [4] = 50 } }; /* 5-10 ms, 10-25 ms */

	assert_near(histogram_quantile_ms(&d, 0), 5);
	assert_near(histogram_quantile_ms(&d, 0.25), 7.5);
	assert_near(histogram_quantile_ms(&d, 0.5), 10);
	assert_near(histogram_quantile_ms(&d, 0.9), 22);
	assert_near(histogram_quantile_ms(&d, 1), 25);
}

TEST(quantiles_of_nothing_and_of_the_endless_bucket)
{
	struct histogram_data d = { 0 };

	assert_near(histogram_quantile_ms(&d, 0.5), 0);
	d.buckets[HISTOGRAM_BOUND_COUNT] = 4;
	assert_near(histogram_quantile_ms(&d, 0.5), 3600000);
	d.buckets[0] = 4;
	assert_near(histogram_quantile_ms(&d, 0.25), 0.25);
	assert_near(histogram_quantile_ms(&d, 0.99), 3600000);
}

#define ADDS 10000

static void *add_shared(void *c)
{
	for (int i = 0; i < ADDS; i++)
		counter_add_shared(c, 1);
	return NULL;
}

TEST(a_shared_counter_loses_nothing_and_a_reader_needs_no_lock)
{
	static struct counter c;
	pthread_t threads[2];
	uint64_t last = 0;

	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, add_shared, &c), 0);
	for (int i = 0; i < 1000; i++) {
		assert_true(counter_read(&c) >= last);
		last = counter_read(&c);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(counter_read(&c), 2 * ADDS);
}

TEST(a_gauge_goes_both_ways)
{
	struct gauge g = { 0 };

	gauge_add(&g, 5);
	gauge_add(&g, -7);
	assert_int_equal(gauge_read(&g), -2);
	gauge_set(&g, 9);
	assert_int_equal(gauge_read(&g), 9);
}
