#include "test.h"

#include "base/list.h"

struct item {
	struct list node;
	int number;
};

/* The numbers of a list as one decimal number: 1, 2, 3 is 123. */
static int digits(struct list *l)
{
	int sum = 0;

	list_for_each (node, l)
		sum = sum * 10 + container_of(node, struct item, node)->number;
	return sum;
}

TEST(a_list_keeps_the_order_of_both_ends)
{
	struct item a = { .number = 1 }, b = { .number = 2 }, c = { .number = 3 };
	struct list l;

	list_init(&l);
	assert_true(list_is_empty(&l));
	list_push_back(&l, &b.node);
	list_push_back(&l, &c.node);
	list_push_front(&l, &a.node);
	assert_int_equal(digits(&l), 123);
	assert_int_equal(list_first(&l, struct item, node)->number, 1);
	assert_int_equal(list_last(&l, struct item, node)->number, 3);
	assert_ptr_equal(list_pop_front(&l), &a.node);
	assert_int_equal(digits(&l), 23);
}

TEST(a_node_knows_whether_it_is_in_a_list)
{
	struct item a = { 0 };
	struct list l;

	list_init(&l);
	assert_false(list_is_linked(&a.node));
	list_remove(&a.node);
	list_push_back(&l, &a.node);
	assert_true(list_is_linked(&a.node));
	list_remove(&a.node);
	list_remove(&a.node);
	assert_false(list_is_linked(&a.node));
	assert_null(list_pop_front(&l));
}

TEST(the_current_node_may_be_removed_in_the_safe_walk)
{
	struct item items[5];
	struct list l;

	list_init(&l);
	for (int i = 0; i < 5; i++) {
		items[i].number = i + 1;
		list_push_back(&l, &items[i].node);
	}
	list_for_each_safe (node, &l) {
		if (container_of(node, struct item, node)->number % 2)
			list_remove(node);
	}
	assert_int_equal(digits(&l), 24);
}

TEST(all_nodes_move_behind_those_of_another_list)
{
	struct item a = { .number = 1 }, b = { .number = 2 }, c = { .number = 3 };
	struct list to, from;

	list_init(&to);
	list_init(&from);
	list_push_back(&to, &a.node);
	list_push_back(&from, &b.node);
	list_push_back(&from, &c.node);
	list_move_all(&to, &from);
	assert_int_equal(digits(&to), 123);
	assert_true(list_is_empty(&from));
	list_move_all(&to, &from);
	assert_int_equal(digits(&to), 123);
	list_remove(&b.node);
	assert_int_equal(digits(&to), 13);
}
