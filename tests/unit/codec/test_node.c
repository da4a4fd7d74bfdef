#include "codec/node.h"

#include "base/mem.h"
#include "test.h"

static struct pool pool;
static struct diag diag;

static struct node *tree(const char *json)
{
	struct node *root = NULL;

	pool_init(&pool, 0);
	diag_init(&diag);
	assert_int_equal(json_parse(str_from(json), NULL, &pool, &root, &diag), 0);
	return root;
}

static void end(void)
{
	diag_fini(&diag);
	pool_fini(&pool);
}

static void assert_diag(const char *message)
{
	struct buf out = BUF_INIT(0);

	diag_format(&diag, &out);
	assert_str_equal(buf_str(&out), message);
	buf_fini(&out);
	diag_fini(&diag);
}

TEST(a_path_leads_back_to_its_node)
{
	struct node *root = tree("{\"a\":[{\"b\":1},{\"x.y/z\":[2]},{\"\":3}]}");
	static const char *const paths[] = {
		"a", "a[0]", "a[0].b", "a[1][\"x.y/z\"]", "a[1][\"x.y/z\"][0]", "a[2][\"\"]",
	};
	struct buf out = BUF_INIT(0);

	for (size_t i = 0; i < array_count(paths); i++) {
		struct node *n = node_at(root, paths[i]);

		assert_non_null(n);
		buf_clear(&out);
		node_path(n, &out);
		assert_str_equal(buf_str(&out), paths[i]);
	}
	buf_fini(&out);
	end();
}

TEST(a_path_that_leads_nowhere_is_null)
{
	struct node *root = tree("{\"a\":[{\"b\":1}]}");
	static const char *const paths[] = {
		"c", "a[1]", "a.b", "a[", "a[x]", "a[0].b.c", "a[\"0\"]", "[0]", "a[0", "a..b",
	};

	for (size_t i = 0; i < array_count(paths); i++)
		assert_null(node_at(root, paths[i]));
	assert_ptr_equal(node_at(root, ""), root);
	assert_null(node_at(NULL, "a"));
	end();
}

TEST(equality_looks_at_values_not_at_order_of_keys)
{
	struct node *root =
		tree("[{\"a\":1,\"b\":[true,null]},{\"b\":[true,null],\"a\":1},"
		     "{\"a\":1,\"b\":[null,true]},{\"a\":1},{\"a\":1,\"c\":[true,null]},"
		     "{\"a\":\"1\",\"b\":[true,null]}]");

	assert_true(node_eq(root, root));
	assert_true(node_eq(node_at(root, "[0]"), node_at(root, "[1]")));
	for (int i = 2; i < 6; i++) {
		char *path = mem_printf("[%d]", i);

		assert_false(node_eq(node_at(root, "[0]"), node_at(root, path)));
		mem_free(path);
	}
	end();
}

TEST(a_copy_is_equal_and_stands_alone)
{
	struct node *root = tree("{\"a\":[1,\"x\",{\"b\":true}],\"c\":null}");
	struct pool other = POOL_INIT(0);
	struct node *copy = node_copy(&other, root);

	assert_true(node_eq(root, copy));
	assert_int_equal(node_at(copy, "a[2].b")->at.column, node_at(root, "a[2].b")->at.column);
	end();
	assert_str_equal(node_at(copy, "a[1]")->text, "x");
	pool_fini(&other);
}

TEST(removing_closes_the_gap)
{
	struct node *root = tree("[1,2,3]");
	struct buf out = BUF_INIT(0);

	node_remove(node_at(root, "[1]"));
	assert_str_equal(node_at(root, "[1]")->text, "3");
	node_remove(node_at(root, "[1]"));
	node_list_add(root, node_new_number(&pool, -4));
	node_remove(node_at(root, "[0]"));
	json_write(root, &out);
	assert_str_equal(buf_str(&out), "[-4]");
	assert_int_equal(root->count, 1);
	buf_fini(&out);
	end();
}

TEST(scalars_of_the_wrong_kind_say_what_was_expected)
{
	struct node *root =
		tree("{\"n\":10,\"t\":\"10\",\"b\":true,\"l\":[],\"z\":null,\"f\":1.5}");
	struct str text;
	uint64_t number;
	bool boolean;

	assert_int_equal(node_read_text(node_at(root, "n"), &text, &diag), ERR_CONFIG);
	assert_diag("1:6: n: expected text, found the number 10 (write \"10\")");
	assert_int_equal(node_read_u64(node_at(root, "t"), 99, &number, &diag), ERR_CONFIG);
	assert_diag("1:13: t: expected a number, found the text \"10\" (write 10 without quotes)");
	assert_int_equal(node_read_u64(node_at(root, "n"), 9, &number, &diag), ERR_CONFIG);
	assert_diag("1:6: n: 10 is more than 9");
	assert_int_equal(node_read_u64(node_at(root, "f"), 9, &number, &diag), ERR_CONFIG);
	assert_diag("1:47: f: expected a whole number from 0, found 1.5");
	assert_int_equal(node_read_bool(node_at(root, "l"), &boolean, &diag), ERR_CONFIG);
	assert_diag("1:31: l: expected true or false, found a list");
	assert_int_equal(node_read_text(node_at(root, "z"), &text, &diag), ERR_CONFIG);
	assert_diag("1:38: z: expected text, found nothing");

	assert_int_equal(node_read_u64(node_at(root, "n"), 10, &number, &diag), 0);
	assert_int_equal(number, 10);
	assert_int_equal(node_read_bool(node_at(root, "b"), &boolean, &diag), 0);
	assert_true(boolean);
	assert_int_equal(node_read_text(node_at(root, "t"), &text, &diag), 0);
	assert_str_equal(text, "10");
	end();
}

TEST(failing_at_a_key_points_at_the_key)
{
	struct node *root = tree("{\"spec\": {\"timout\": 1}}");

	assert_int_equal(node_fail_key(&diag, node_at(root, "spec.timout"), ERR_CONFIG,
				       "unknown field \"%s\"", "timout"),
			 ERR_CONFIG);
	assert_diag("1:11: spec.timout: unknown field \"timout\"");
	end();
}
