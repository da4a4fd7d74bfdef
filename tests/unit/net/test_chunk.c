#include "net/chunk.h"

#include <string.h>

#include "base/mem.h"
#include "net/conn_impl.h"

#include "in_child.h"
#include "peer.h"

TEST(a_returned_chunk_is_the_next_one_given_out)
{
	struct chunk_stock s;
	struct chunk *a, *b;
	uint64_t live = mem_live_bytes();

	chunk_stock_init(&s, 1);
	a = chunk_new(&s, 0);
	b = chunk_new(&s, CHUNK_BYTES);
	assert_int_equal(a->size, CHUNK_BYTES);
	a->end = 5;
	assert_null(chunk_unref(a));
	chunk_unref(b); /* the stock keeps one */
	assert_int_equal(s.free_count, 1);
	assert_ptr_equal(chunk_new(&s, 10), a);
	assert_int_equal(chunk_len(a), 0);
	chunk_unref(a);
	chunk_stock_fini(&s);
	assert_int_equal(mem_live_bytes(), live);
}

TEST(a_shared_chunk_stays_until_its_last_holder_lets_go)
{
	struct chunk_stock s;
	struct chunk *c;

	chunk_stock_init(&s, 4);
	c = chunk_new(&s, 0);
	assert_ptr_equal(chunk_ref(c), c);
	chunk_unref(c);
	assert_int_equal(s.free_count, 0);
	chunk_unref(c);
	assert_int_equal(s.free_count, 1);
	assert_null(chunk_unref(NULL));
	chunk_stock_fini(&s);
}

TEST(a_large_chunk_does_not_enter_the_stock)
{
	struct chunk_stock s;
	struct chunk *c;

	chunk_stock_init(&s, 4);
	c = chunk_new(&s, CHUNK_BYTES + 1);
	assert_int_equal(c->size, CHUNK_BYTES + 1);
	chunk_unref(c);
	assert_int_equal(s.free_count, 0);
	chunk_stock_fini(&s);
}

TEST(a_queue_gives_back_what_was_appended_in_any_portions)
{
	struct chunk_stock s;
	struct chunk_queue q = { 0 };
	size_t len = 3 * CHUNK_BYTES + 77, taken = 0;
	char *bytes = pattern_bytes(len);
	struct iovec iov[2] = { { bytes, 100 }, { bytes + 100, len - 100 } };

	chunk_stock_init(&s, 4);
	assert_int_equal(iov_len(iov, 2), len);
	chunk_queue_append(&q, &s, iov, 2, 150);
	assert_int_equal(q.len, len - 150);
	for (size_t step = 1; q.len > 0; step += 997) {
		struct iovec front[2];
		int n = chunk_queue_front(&q, front, 2);
		size_t part = min_of(step, front[0].iov_len);

		assert_true(n >= 1);
		assert_memory_equal(front[0].iov_base, bytes + 150 + taken, part);
		chunk_queue_consume(&q, part);
		taken += part;
	}
	assert_int_equal(taken, len - 150);
	chunk_queue_append_bytes(&q, &s, "x", 1);
	chunk_queue_clear(&q);
	assert_int_equal(q.len, 0);
	chunk_stock_fini(&s);
	mem_free(bytes);
}

TEST(a_stock_or_a_queue_of_chunks_that_lost_count_is_found)
{
	struct chunk_stock stock;
	struct chunk_queue q = { 0 };

	chunk_stock_init(&stock, 4);
	chunk_unref(chunk_new(&stock, 0));
	chunk_stock_check(&stock);
	stock.free_count++;
	assert_aborts(chunk_stock_check, &stock);
	stock.free_count--;

	chunk_queue_append_bytes(&q, &stock, "weft", 4);
	chunk_queue_check(&q);
	q.len++;
	assert_aborts(chunk_queue_check, &q);
	q.len--;
	q.first->refs = 0;
	assert_aborts(chunk_queue_check, &q);
	q.first->refs = 1;
	chunk_queue_clear(&q);
	chunk_stock_fini(&stock);
}
