#include "cli/change.h"

#include "test.h"

static void assert_plan(const struct terminal *t, const char *json, const char *expected)
{
	struct pool pool = POOL_INIT(0);
	struct buf out = BUF_INIT(0);
	struct diag d = DIAG_INIT;
	struct node *body;

	assert_int_equal(json_parse(str_from(json), NULL, &pool, &body, &d), 0);
	change_plan(t, body, &out);
	assert_str_equal(buf_str(&out), expected);
	buf_fini(&out);
	pool_fini(&pool);
}

static const char changed[] =
	"{\"revision\":419,\"previous\":418,\"created\":1,\"changed\":1,\"deleted\":0,"
	"\"warnings\":[{\"document\":\"Service shop/a\",\"code\":\"WEFT1107\","
	"\"text\":\"selects no workload\",\"hint\":\"start one\"}],\"objects\":["
	"{\"kind\":\"HTTPRoute\",\"namespace\":\"shop\",\"name\":\"reviews\",\"action\":"
	"\"changed\","
	"\"differences\":["
	"{\"path\":\"rules[main].backendRefs[reviews-v1].weight\",\"before\":\"90\",\"after\":"
	"\"75\"},"
	"{\"path\":\"rules[main].name\",\"before\":\"-\",\"after\":\"x\"}]},"
	"{\"kind\":\"Service\",\"namespace\":\"shop\",\"name\":\"a\",\"action\":\"created\","
	"\"differences\":[]},"
	"{\"kind\":\"MeshConfig\",\"namespace\":\"\",\"name\":\"default\",\"action\":\"unchanged\","
	"\"differences\":[]}]}";

TEST(a_plan_shows_what_changes_and_how)
{
	struct terminal t = { .utf8 = true };

	assert_plan(&t, changed,
		    "Revision 419: 1 created, 1 changed\n"
		    "~ HTTPRoute shop/reviews\n"
		    "    rules[main].backendRefs[reviews-v1].weight  90 → 75\n"
		    "    rules[main].name                            - → x\n"
		    "+ Service shop/a\n"
		    "▲ WEFT1107  Service shop/a: selects no workload\n"
		    "    start one\n");
}

TEST(a_plan_is_ascii_where_the_locale_is)
{
	struct terminal t = { 0 };

	assert_plan(
		&t,
		"{\"revision\":3,\"dryRun\":true,\"deleted\":1,\"objects\":[{\"kind\":\"Service\","
		"\"namespace\":\"shop\",\"name\":\"a\",\"action\":\"deleted\"}]}",
		"Would be: 1 deleted\n"
		"- Service shop/a\n");
	assert_plan(&t,
		    "{\"revision\":3,\"changed\":1,\"objects\":[{\"kind\":\"Service\","
		    "\"namespace\":\"shop\",\"name\":\"a\",\"action\":\"changed\",\"differences\":["
		    "{\"path\":\"x\",\"before\":\"1\",\"after\":\"2\"}]}]}",
		    "Revision 3: 1 changed\n"
		    "~ Service shop/a\n"
		    "    x  1 -> 2\n");
}

TEST(nothing_to_change_is_said)
{
	struct terminal t = { 0 };

	assert_plan(&t, "{\"revision\":3,\"unchanged\":1,\"objects\":[]}",
		    "Revision 3: nothing to change\n");
}
