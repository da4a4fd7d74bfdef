#include "test.h"

#include "base/random.h"

TEST(the_generator_is_xoshiro256plusplus)
{
	struct random r = { { 1, 2, 3, 4 } };

	assert_true(random_u64(&r) == 41943041);
	assert_true(random_u64(&r) == 58720359);
	assert_true(random_u64(&r) == 3588806011781223);
	assert_true(random_u64(&r) == 3591011842654386);
}

TEST(one_seed_gives_one_sequence)
{
	struct random a, b, c;

	random_init(&a, 1);
	random_init(&b, 1);
	random_init(&c, 2);
	for (int i = 0; i < 100; i++)
		assert_true(random_u64(&a) == random_u64(&b));
	assert_true(random_u64(&a) != random_u64(&c));
}

TEST(the_kernel_seeds_two_generators_apart)
{
	struct random a, b;

	random_init_from_kernel(&a);
	random_init_from_kernel(&b);
	assert_true(random_u64(&a) != random_u64(&b));
}

TEST(a_bound_is_kept_and_every_value_below_it_is_met)
{
	struct random r;
	int count_of[10] = { 0 };

	random_init(&r, 3);
	for (int i = 0; i < 10000; i++)
		count_of[random_below(&r, 10)]++;
	for (int i = 0; i < 10; i++)
		assert_in_range(count_of[i], 850, 1150);
	assert_int_equal(random_below(&r, 1), 0);
	for (int i = 0; i < 100; i++)
		assert_true(random_below(&r, UINT64_MAX) < UINT64_MAX);
}

/* With a bound of 3/4 of the range, a plain modulo would meet the lower third twice as often. */
TEST(a_large_bound_is_fair)
{
	struct random r;
	uint64_t bound = 3ull << 62;
	int low = 0;

	random_init(&r, 5);
	for (int i = 0; i < 9000; i++)
		low += random_below(&r, bound) < bound / 3;
	assert_in_range(low, 2800, 3200);
}

TEST(a_uuid_has_version_four_and_its_form)
{
	struct random r;
	char a[RANDOM_UUID_LEN], b[RANDOM_UUID_LEN];

	random_init(&r, 9);
	for (int i = 0; i < 100; i++) {
		random_uuid(&r, a);
		for (int k = 0; k < RANDOM_UUID_LEN; k++)
			if (k == 8 || k == 13 || k == 18 || k == 23)
				assert_int_equal(a[k], '-');
			else
				assert_non_null(strchr("0123456789abcdef", a[k]));
		assert_int_equal(a[14], '4');
		assert_non_null(strchr("89ab", a[19]));
	}
	random_uuid(&r, b);
	assert_memory_not_equal(a, b, RANDOM_UUID_LEN);
}
