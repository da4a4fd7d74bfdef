#include "cli/named.h"

#include "test.h"

static const char rows[] = "[{\"namespace\":\"shop\",\"service\":\"b\",\"version\":\"v2\"},"
			   "{\"namespace\":\"default\",\"service\":\"c\"},"
			   "{\"namespace\":\"shop\",\"service\":\"b\",\"version\":\"v1\"},"
			   "{\"namespace\":\"shop\",\"service\":\"a\"}]";

/* What is left of the rows, as get takes it. */
static void assert_rows(const char *name_space, const char *word, const char *expected)
{
	struct named n = {
		.kind = kind_of(KIND_SERVICE),
		.key = "service",
		.name_space = str_from(name_space),
	};
	char *words[] = { (char *)word };
	struct remote remote = { .pool = POOL_INIT(0) };
	struct diag d = DIAG_INIT;
	struct buf out = BUF_INIT(0);
	struct node *list;

	assert_int_equal(json_parse(STR(rows), NULL, &remote.pool, &list, &d), 0);
	assert_int_equal(named_parse(&n, words, word ? 1 : 0, &remote.pool, &d), 0);
	assert_int_equal(named_filter(&n, &remote, list, &d), 0);
	node_for_each (row, list) {
		named_ref(&n, row, &out);
		buf_printf(&out, "%.*s ", STR_ARGS(answer_text(row, "version")));
	}
	assert_str_equal(buf_str(&out), expected);
	buf_fini(&out);
	pool_fini(&remote.pool);
}

TEST(rows_are_those_of_the_namespace_in_order)
{
	assert_rows("shop", NULL, "service/a service/bv1 service/bv2 ");
	assert_rows("", NULL,
		    "service/default/c service/shop/a service/shop/bv1 service/shop/bv2 ");
	assert_rows("bank", NULL, "");
}

TEST(rows_that_were_named_are_left)
{
	assert_rows("shop", "b", "service/bv1 service/bv2 ");
	assert_rows("shop", "c.default", "service/c ");
	assert_rows("", "svc/a", "service/shop/a ");
}
