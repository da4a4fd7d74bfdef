#include "test.h"

#include "base/mem.h"
#include "base/pool.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

TEST(pool_memory_is_aligned_separate_and_gone_at_the_end)
{
	uint64_t before = mem_live_bytes();
	struct pool p;
	unsigned char *pieces[200];

	pool_init(&p, 512);
	assert_int_equal(mem_live_bytes(), before);
	for (size_t i = 0; i < array_count(pieces); i++) {
		pieces[i] = pool_alloc(&p, i);
		assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
		memset(pieces[i], (int)i, i);
	}
	for (size_t i = 0; i < array_count(pieces); i++)
		for (size_t k = 0; k < i; k++)
			assert_int_equal(pieces[i][k], i);
	pool_fini(&p);
	pool_fini(&p);
	assert_int_equal(mem_live_bytes(), before);
}

TEST(a_large_piece_does_not_waste_the_current_block)
{
	struct pool p = POOL_INIT(1024);
	char *a = pool_alloc(&p, 16);
	char *large = pool_alloc(&p, 100000);
	char *b = pool_alloc(&p, 16);

	memset(large, 1, 100000);
	assert_ptr_equal(b, a + 16);
	assert_true(p.used_bytes >= 100032);
	pool_fini(&p);
}

TEST(a_reset_pool_serves_again_from_the_memory_it_keeps)
{
	struct pool p = POOL_INIT(1024);
	char *first = pool_alloc(&p, 16);

	for (int i = 0; i < 100; i++)
		pool_alloc(&p, 300);
	pool_reset(&p);
	assert_int_equal(p.used_bytes, 0);

	uint64_t kept = mem_live_bytes();

	assert_ptr_equal(pool_alloc(&p, 16), first);
	assert_int_equal(mem_live_bytes(), kept);
	pool_fini(&p);
}

TEST(a_reset_pool_does_not_keep_a_block_of_unusual_size)
{
	uint64_t before = mem_live_bytes();
	struct pool p = POOL_INIT(1024);

	pool_reset(&p);
	pool_alloc(&p, 1000000);
	pool_reset(&p);
	assert_int_equal(mem_live_bytes(), before);
	assert_non_null(pool_alloc(&p, 10));
	pool_fini(&p);
}

TEST(zeroed_memory_is_a_pool)
{
	struct pool p = { 0 };
	uint32_t *numbers;

	pool_fini(&p);
	numbers = pool_new_array(&p, uint32_t, 50);
	for (int i = 0; i < 50; i++)
		assert_int_equal(numbers[i], 0);
	pool_fini(&p);
}

TEST(text_in_a_pool_is_terminated)
{
	struct pool p = POOL_INIT(0);
	struct str copy = pool_strdup(&p, str_of("slice", 3));
	struct str printed = pool_printf(&p, "%s:%d", "host", 80);

	assert_str_equal(copy, "sli");
	assert_int_equal(copy.ptr[3], '\0');
	assert_str_equal(printed, "host:80");
	assert_int_equal(printed.ptr[7], '\0');
	assert_str_equal(pool_strdup(&p, STR_EMPTY), "");
	pool_fini(&p);
}

#if defined(__SANITIZE_ADDRESS__)
TEST(what_a_pool_did_not_hand_out_is_poisoned)
{
	struct pool p = POOL_INIT(1024);
	char *a = pool_alloc(&p, 13);

	assert_false(__asan_address_is_poisoned(a + 12));
	assert_true(__asan_address_is_poisoned(a + 13));
	assert_true(__asan_address_is_poisoned(a + 16));
	pool_reset(&p);
	assert_true(__asan_address_is_poisoned(a));
	pool_fini(&p);
}
#endif

TEST(numbers_are_written_in_decimal)
{
	struct pool p = POOL_INIT(0);

	assert_str_equal(pool_decimal(&p, 0), "0");
	assert_str_equal(pool_decimal(&p, 9), "9");
	assert_str_equal(pool_decimal(&p, 10), "10");
	assert_str_equal(pool_decimal(&p, UINT64_MAX), "18446744073709551615");
	pool_fini(&p);
}
