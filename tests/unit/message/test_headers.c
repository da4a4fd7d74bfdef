#include "message/headers.h"

#include "test.h"

/* "name=value name=value …" */
static void assert_fields(const struct headers *h, const char *expected)
{
	struct pool p = POOL_INIT(0);
	struct str all = STR_EMPTY;

	headers_for_each (f, h)
		all = pool_printf(&p, "%.*s%s%.*s=%.*s", STR_ARGS(all), all.len ? " " : "",
				  STR_ARGS(f->name), STR_ARGS(f->value));
	assert_str_equal(all, expected);
	pool_fini(&p);
}

TEST(fields_keep_their_order_case_and_duplicates)
{
	struct pool p = POOL_INIT(0);
	struct headers h;

	headers_init(&h, &p);
	headers_add_named(&h, STR("Host"), STR("a"));
	headers_add_named(&h, STR("X-A"), STR("1"));
	headers_add_named(&h, STR("x-a"), STR("2"));
	headers_add(&h, HEADER_VIA, STR("me"));
	assert_fields(&h, "Host=a X-A=1 x-a=2 via=me");
	assert_str_equal(headers_get(&h, HEADER_HOST)->value, "a");
	assert_str_equal(headers_get_named(&h, STR("X-a"))->value, "1");
	assert_int_equal(headers_count(&h), 4);
	assert_null(headers_get(&h, HEADER_DATE));
	assert_null(headers_get_named(&h, STR("x-b")));
	pool_fini(&p);
}

TEST(set_leaves_one_field_and_remove_none)
{
	struct pool p = POOL_INIT(0);
	struct headers h;

	headers_init(&h, &p);
	headers_add_named(&h, STR("Via"), STR("1"));
	headers_add_named(&h, STR("x"), STR("y"));
	headers_add_named(&h, STR("VIA"), STR("2"));
	headers_set(&h, HEADER_VIA, STR("3"));
	assert_fields(&h, "via=3 x=y");
	headers_set(&h, HEADER_DATE, STR("now"));
	assert_fields(&h, "via=3 x=y date=now");
	headers_remove(&h, HEADER_VIA);
	headers_remove_named(&h, STR("X"));
	headers_remove_named(&h, STR("Date"));
	assert_fields(&h, "");
	assert_int_equal(headers_count(&h), 0);
	pool_fini(&p);
}

TEST(many_fields_grow_the_array)
{
	struct pool p = POOL_INIT(0);
	struct headers h;

	headers_init(&h, &p);
	for (int i = 0; i < 1000; i++)
		headers_add(&h, HEADER_COOKIE, STR("c"));
	assert_int_equal(headers_count_of(&h, HEADER_COOKIE), 1000);
	headers_clear(&h);
	assert_int_equal(headers_count(&h), 0);
	pool_fini(&p);
}

TEST(a_copy_lives_without_its_source)
{
	struct pool p = POOL_INIT(0), q = POOL_INIT(0);
	struct headers h, copy;
	char value[] = "value", path[] = "/p";

	headers_init(&h, &p);
	h.method = STR("GET");
	h.method_id = METHOD_GET;
	h.path = str_from(path);
	h.version = 11;
	headers_add_named(&h, STR("gone"), STR("gone"));
	headers_add_named(&h, STR("X-A"), str_from(value));
	headers_add(&h, HEADER_DATE, STR_EMPTY);
	headers_remove_named(&h, STR("gone"));

	headers_init(&copy, &q);
	headers_copy(&copy, &h);
	memset(value, '!', sizeof(value) - 1);
	memset(path, '!', sizeof(path) - 1);
	pool_fini(&p);

	assert_fields(&copy, "X-A=value date=");
	assert_str_equal(copy.path, "/p");
	assert_str_equal(copy.method, "GET");
	assert_int_equal(copy.version, 11);
	headers_add(&copy, HEADER_VIA, STR("v"));
	assert_fields(&copy, "X-A=value date= via=v");
	pool_fini(&q);
}

TEST(a_list_is_searched_over_all_its_fields)
{
	struct pool p = POOL_INIT(0);
	struct headers h;

	headers_init(&h, &p);
	headers_add(&h, HEADER_CONNECTION, STR("keep-alive ,  Foo"));
	headers_add(&h, HEADER_CONNECTION, STR(",,Close"));
	assert_true(headers_list_has(&h, HEADER_CONNECTION, STR("close")));
	assert_true(headers_list_has(&h, HEADER_CONNECTION, STR("foo")));
	assert_false(headers_list_has(&h, HEADER_CONNECTION, STR("fo")));
	assert_false(headers_list_has(&h, HEADER_TE, STR("close")));
	pool_fini(&p);
}
