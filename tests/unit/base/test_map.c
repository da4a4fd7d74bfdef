#include "test.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"

static struct str key_of(int number, char *text, size_t size)
{
	return str_of(text, (size_t)snprintf(text, size, "key-%d", number));
}

TEST(a_map_finds_what_was_set_and_returns_what_was_replaced)
{
	struct map m;
	int one = 1, two = 2;

	map_init(&m);
	assert_null(map_get(&m, STR("a")));
	assert_null(map_remove(&m, STR("a")));
	assert_null(map_set(&m, STR("a"), &one));
	assert_ptr_equal(map_get(&m, STR("a")), &one);
	assert_ptr_equal(map_set(&m, STR("a"), &two), &one);
	assert_ptr_equal(map_get(&m, STR("a")), &two);
	assert_null(map_get(&m, STR("A")));
	assert_int_equal(m.count, 1);
	assert_ptr_equal(map_remove(&m, STR("a")), &two);
	assert_int_equal(m.count, 0);
	map_fini(&m);
}

TEST(a_map_copies_its_keys_and_allows_the_empty_one)
{
	struct map m;
	char key[] = "name";
	int value;

	map_init(&m);
	map_set(&m, str_from(key), &value);
	map_set(&m, STR_EMPTY, &m);
	key[0] = 'x';
	assert_ptr_equal(map_get(&m, STR("name")), &value);
	assert_ptr_equal(map_get(&m, STR("")), &m);
	map_fini(&m);
}

TEST(a_map_keeps_insertion_order_while_it_grows)
{
	struct map m;
	int values[1000];
	char text[32];
	int expected = 0;

	map_init(&m);
	for (int i = 0; i < 1000; i++)
		map_set(&m, key_of(i, text, sizeof(text)), &values[i]);
	map_for_each (entry, &m) {
		assert_ptr_equal(entry->value, &values[expected]);
		assert_true(str_eq(entry->key, key_of(expected, text, sizeof(text))));
		assert_int_equal(entry->key.ptr[entry->key.len], '\0');
		expected++;
	}
	assert_int_equal(expected, 1000);
	for (int i = 0; i < 1000; i++)
		assert_ptr_equal(map_get(&m, key_of(i, text, sizeof(text))), &values[i]);
	map_fini(&m);
}

TEST(the_current_entry_may_be_removed_during_iteration)
{
	struct map m;
	int values[100];
	char text[32];
	int visited = 0;

	map_init(&m);
	for (int i = 0; i < 100; i++)
		map_set(&m, key_of(i, text, sizeof(text)), &values[i]);
	map_for_each (entry, &m) {
		visited++;
		if ((int *)entry->value - values >= 50)
			break;
		assert_non_null(map_remove(&m, entry->key));
	}
	assert_int_equal(visited, 51);
	assert_int_equal(m.count, 50);
	assert_null(map_get(&m, STR("key-49")));
	assert_ptr_equal(map_get(&m, STR("key-50")), &values[50]);
	map_for_each (entry, &m)
		map_remove(&m, entry->key);
	assert_int_equal(m.count, 0);
	assert_true(list_is_empty(&m.in_order));
	map_fini(&m);
}

#define CHAIN 6

/* Keys that share one of the eight buckets of a small table. */
static void find_colliding(int *ret_numbers)
{
	char text[32];
	int found = 0;

	for (int i = 0; found < CHAIN; i++)
		if (hash_bytes(key_of(i, text, sizeof(text))) % 8 == 3)
			ret_numbers[found++] = i;
}

TEST(keys_in_one_bucket_are_told_apart_and_leave_from_any_place)
{
	int numbers[CHAIN], values[CHAIN];
	char text[32];

	find_colliding(numbers);
	for (int removed = 0; removed < CHAIN; removed++) {
		struct map m;

		map_init(&m);
		for (int i = 0; i < CHAIN; i++)
			map_set(&m, key_of(numbers[i], text, sizeof(text)), &values[i]);
		assert_int_equal(m.bucket_count, 8);
		assert_ptr_equal(map_remove(&m, key_of(numbers[removed], text, sizeof(text))),
				 &values[removed]);
		for (int i = 0; i < CHAIN; i++)
			assert_ptr_equal(map_get(&m, key_of(numbers[i], text, sizeof(text))),
					 i == removed ? NULL : &values[i]);
		map_fini(&m);
	}
}

TEST(zeroed_memory_is_a_map_that_can_be_ended)
{
	struct map m = { 0 };

	map_fini(&m);
	assert_null(map_get(&m, STR("a")));
	map_fini(&m);
}

TEST(a_map_returns_all_its_memory)
{
	uint64_t before = mem_live_bytes();
	struct map m;
	int value;

	map_init(&m);
	map_set(&m, STR("a"), &value);
	map_set(&m, STR("b"), &value);
	map_remove(&m, STR("a"));
	map_fini(&m);
	assert_int_equal(mem_live_bytes(), before);
}
