#include "cli/demo_facts.h"

#include "cli/demo_shop.h"
#include "mesh/document.h"
#include "test.h"

static struct node *tree(struct pool *pool, const char *json)
{
	struct diag d = DIAG_INIT;
	struct node *n;

	assert_int_equal(json_parse(str_from(json), NULL, pool, &n, &d), 0);
	return n;
}

static struct demo_facts facts(struct pool *pool)
{
	return (struct demo_facts){
		.services = tree(pool, "{\"rows\":[{\"service\":\"web\",\"ready\":1,\"of\":1,"
				       "\"requests\":1200,\"failures\":0,\"rps\":61.5,"
				       "\"success\":1,\"p50Ms\":1.204,\"p99Ms\":4,"
				       "\"mtlsShare\":1}]}"),
		.versions = tree(pool, "{\"rows\":[{\"service\":\"reviews\",\"version\":\"v1\","
				       "\"requests\":1080},{\"service\":\"reviews\","
				       "\"version\":\"v2\",\"requests\":120}]}"),
		.status = tree(pool, "{\"revision\":3,\"requests\":{\"requests\":9,"
				     "\"mtlsShare\":1}}"),
		.route = tree(pool, "{\"spec\":{\"rules\":[{\"backendRefs\":[{\"weight\":90},"
				    "{\"weight\":10}]}]}}"),
		.load_requests = 1200,
		.startup_seconds = 3.14,
	};
}

TEST(the_summary_is_one_object_with_every_service)
{
	struct pool pool = POOL_INIT(0);
	struct demo_facts f = facts(&pool);
	struct buf out = BUF_INIT(0);

	json_write(demo_summary(&f, &pool), &out);
	assert_true(str_has_prefix(
		buf_str(&out), STR("{\"startup_seconds\":3.14,\"services\":[{\"name\":\"web\","
				   "\"requests\":1200,\"failures\":0,\"p50_ms\":1.20,"
				   "\"p99_ms\":4.00,\"mtls_share\":1.0000},{\"name\":\"catalog\","
				   "\"requests\":0,")));
	assert_true(str_has_suffix(buf_str(&out),
				   STR("\"reviews\":[{\"version\":\"v1\",\"requests\":1080},"
				       "{\"version\":\"v2\",\"requests\":120}]}")));
	buf_fini(&out);
	pool_fini(&pool);
}

TEST(failures_of_the_load_and_of_the_services_count)
{
	struct pool pool = POOL_INIT(0);
	struct demo_facts f = facts(&pool);

	assert_int_equal(demo_failures(&f), 0);
	f.load_failures = 2;
	assert_int_equal(demo_failures(&f), 2);
	f.services = tree(&pool, "{\"rows\":[{\"service\":\"cart\",\"failures\":3}]}");
	assert_int_equal(demo_failures(&f), 5);
	pool_fini(&pool);
}

TEST(the_screen_shows_services_split_and_what_to_try)
{
	struct pool pool = POOL_INIT(0);
	struct demo_facts f = facts(&pool);
	struct terminal t = { 0 };
	struct demo_screen s = {
		.terminal = &t,
		.weft = "weft",
		.socket = "/x/control.sock",
		.half = "/x/half.yaml",
		.shop_port = 8080,
	};
	static const char *const parts[] = {
		"ok 1200 pages asked for, 0 failed",
		"100% of requests over mutual TLS",
		"web         1/1  61.5     100%  1.2ms  4.0ms  100%\n",
		"catalog       -     -        -      -      -     -\n",
		"reviews   v1 90.0%   v2 10.0%   of the last minute; HTTPRoute 90/10\n",
		"http://127.0.0.1:8080\n",
		"export WEFT_ADDR=/x/control.sock\n",
		"weft apply -f /x/half.yaml",
	};
	struct buf out = BUF_INIT(0);

	demo_draw(&s, &f, &out);
	for (size_t i = 0; i < array_count(parts); i++)
		if (!memmem(buf_str(&out).ptr, buf_len(&out), parts[i], strlen(parts[i])))
			fail_msg("%s is missing in\n%.*s", parts[i], STR_ARGS(buf_str(&out)));
	buf_fini(&out);
	pool_fini(&pool);
}

TEST(the_screen_bears_that_nothing_is_known_yet)
{
	struct terminal t = { 0 };
	struct demo_screen s = { .terminal = &t, .weft = "w", .socket = "s", .half = "h" };
	struct demo_facts f = { 0 };
	struct buf out = BUF_INIT(0);

	demo_draw(&s, &f, &out);
	assert_true(buf_len(&out) > 0);
	buf_fini(&out);
}

TEST(the_route_of_the_shop_is_a_valid_document)
{
	struct document_options options = { 0 };
	struct documents documents = { 0 };
	struct pool pool = POOL_INIT(0);
	struct buf text = BUF_INIT(0);
	struct diag d = DIAG_INIT;

	shop_route(90, 10, &text);
	assert_int_equal(documents_parse(buf_str(&text), &options, &pool, &documents, &d), 0);
	assert_int_equal(documents.items[0]->http_route->parent_count, 1);
	buf_fini(&text);
	pool_fini(&pool);
}
