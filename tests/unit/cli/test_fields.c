#include "cli/fields.h"

#include "test.h"

/* The fields of a JSON text, as JSON, and the first that is nowhere. */
static void assert_fields(const char *json, const char *fields, const char *expected,
			  const char *missing)
{
	struct pool pool = POOL_INIT(0);
	struct diag d = DIAG_INIT;
	struct buf out = BUF_INIT(0);
	struct node *n;
	struct str nowhere;

	assert_int_equal(json_parse(str_from(json), NULL, &pool, &n, &d), 0);
	json_write(fields_pick(n, str_from(fields), &pool, &nowhere), &out);
	assert_str_equal(buf_str(&out), expected);
	assert_str_equal(nowhere, missing);
	buf_fini(&out);
	pool_fini(&pool);
}

TEST(a_field_stays_in_its_place)
{
	static const char json[] = "{\"a\":1,\"b\":{\"c\":2,\"d\":{\"e\":3,\"f\":4}}}";

	assert_fields(json, "a", "{\"a\":1}", "");
	assert_fields(json, "b.d.e,a", "{\"b\":{\"d\":{\"e\":3}},\"a\":1}", "");
	assert_fields(json, "b.c, b.d.f", "{\"b\":{\"c\":2,\"d\":{\"f\":4}}}", "");
	assert_fields(json, "b.d", "{\"b\":{\"d\":{\"e\":3,\"f\":4}}}", "");
	assert_fields(json, "b,b.c", "{\"b\":{\"c\":2,\"d\":{\"e\":3,\"f\":4}}}", "");
}

TEST(a_path_goes_through_lists)
{
	static const char json[] = "[{\"p\":[{\"x\":1,\"y\":2},{\"x\":3}]},{\"p\":[]}]";

	assert_fields(json, "p.x", "[{\"p\":[{\"x\":1},{\"x\":3}]},{\"p\":[]}]", "");
	assert_fields(json, "p.y", "[{\"p\":[{\"y\":2},{\"y\":null}]},{\"p\":[]}]", "");
}

TEST(a_key_may_have_dots)
{
	static const char json[] = "{\"l\":{\"app.io/name\":\"web\",\"app\":{\"v\":1}}}";

	assert_fields(json, "l.app.io/name", "{\"l\":{\"app.io/name\":\"web\"}}", "");
	assert_fields(json, "l.app.v", "{\"l\":{\"app\":{\"v\":1}}}", "");
}

TEST(what_is_absent_is_null_and_named)
{
	assert_fields("{\"a\":1}", "b", "{\"b\":null}", "b");
	assert_fields("{\"a\":1}", "a.b", "{\"a\":null}", "a.b");
	assert_fields("{\"a\":1}", "b.c.d", "{\"b\":null}", "b.c.d");
	assert_fields("[{\"a\":1},{\"b\":2}]", "b", "[{\"b\":null},{\"b\":2}]", "");
	assert_fields("[]", "b", "[]", "");
	assert_fields("7", "b", "null", "b");
}
