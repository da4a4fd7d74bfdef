#include "test.h"

#include "model/route_index.h"
#include "model/routes.h"

/* A table whose virtual hosts have one domain each, named by it. */
static struct route_table table_of(struct pool *pool, const char *const *domains, uint32_t count)
{
	struct route_table t = { .hosts = pool_new_array(pool, struct virtual_host, count),
				 .host_count = count,
				 .index = route_index_new(pool, count) };

	for (uint32_t i = 0; i < count; i++) {
		t.hosts[i].name = str_from(domains[i]);
		assert_true(route_index_add(t.index, t.hosts[i].name, i));
	}
	return t;
}

static void assert_host(const struct route_table *t, const char *authority, const char *expected)
{
	struct virtual_host *v = route_table_host(t, str_from(authority));

	if (!expected)
		assert_null(v);
	else
		assert_str_equal(v ? v->name : STR("(none)"), expected);
}

static const char *const domains[] = {
	"*",         "www.foo.com", "*.foo.com",  "*.bar.foo.com", "*-bar.foo.com",
	"www.foo.*", "www.*",       "www.foo.c*", "10.0.0.1",      "port.com:8080",
};

TEST(the_most_specific_domain_is_found)
{
	static const char *const rows[][2] = {
		{ "www.foo.com", "www.foo.com" },
		{ "WWW.Foo.COM", "www.foo.com" },
		{ "api.foo.com", "*.foo.com" },
		{ "a.b.foo.com", "*.foo.com" },
		{ "a.bar.foo.com", "*.bar.foo.com" },
		{ "baz-bar.foo.com", "*-bar.foo.com" },
		{ ".foo.com", "*" },
		{ "-bar.foo.com", "*.foo.com" },
		{ "foo.com", "*" },
		{ "www.foo.net", "www.foo.*" },
		{ "www.foo.cz", "www.foo.c*" },
		{ "www.foo.c", "www.foo.*" },
		{ "www.other", "www.*" },
		{ "www.", "*" },
		{ "10.0.0.1", "10.0.0.1" },
		{ "port.com", "*" },
		{ "port.com:8080", "port.com:8080" },
		{ "www.foo.com:80", "www.foo.c*" },
		{ "", "*" },
	};
	struct pool pool;
	struct route_table t;

	pool_init(&pool, 0);
	t = table_of(&pool, domains, array_count(domains));
	for (size_t i = 0; i < array_count(rows); i++)
		assert_host(&t, rows[i][0], rows[i][1]);
	pool_fini(&pool);
}

TEST(without_a_default_domain_a_strange_host_is_not_found)
{
	static const char *const few[] = { "a.example", "*.b.example" };
	struct pool pool;
	struct route_table t;

	pool_init(&pool, 0);
	t = table_of(&pool, few, array_count(few));
	assert_host(&t, "a.example", "a.example");
	assert_host(&t, "c.example", NULL);
	assert_host(&t, "", NULL);
	pool_fini(&pool);
}

TEST(the_port_of_the_host_is_ignored_where_asked)
{
	static const char *const rows[][2] = {
		{ "www.foo.com:80", "www.foo.com" },
		{ "www.foo.com", "www.foo.com" },
		{ "[::1]:80", "[::1]" },
		{ "[::1]", "[::1]" },
		{ "www.foo.com:", "www.foo.com" },
	};
	static const char *const few[] = { "www.foo.com", "[::1]" };
	struct pool pool;
	struct route_table t;

	pool_init(&pool, 0);
	t = table_of(&pool, few, array_count(few));
	assert_host(&t, "www.foo.com:80", NULL);
	t.ignore_port_in_host = true;
	for (size_t i = 0; i < array_count(rows); i++)
		assert_host(&t, rows[i][0], rows[i][1]);
	pool_fini(&pool);
}

TEST(a_domain_is_there_once_in_any_case)
{
	struct pool pool;
	struct route_index *x;

	pool_init(&pool, 0);
	x = route_index_new(&pool, 8);
	assert_true(route_index_add(x, STR("a.example"), 0));
	assert_false(route_index_add(x, STR("A.example"), 1));
	assert_true(route_index_add(x, STR("*.example"), 1));
	assert_false(route_index_add(x, STR("*.EXAMPLE"), 2));
	assert_true(route_index_add(x, STR(".example"), 2));
	assert_true(route_index_add(x, STR("*"), 3));
	assert_false(route_index_add(x, STR("*"), 4));
	pool_fini(&pool);
}

TEST(many_domains_are_each_found)
{
	struct pool pool;
	struct route_index *x;

	pool_init(&pool, 0);
	x = route_index_new(&pool, 3000);
	for (uint32_t i = 0; i < 1000; i++) {
		assert_true(route_index_add(x, pool_printf(&pool, "s%u.example", i), i));
		assert_true(route_index_add(x, pool_printf(&pool, "*.s%u.example", i), i + 1000));
		assert_true(route_index_add(x, pool_printf(&pool, "s%u.*", i), i + 2000));
	}
	for (uint32_t i = 0; i < 1000; i++) {
		struct str host = pool_printf(&pool, "s%u.example", i);

		assert_int_equal(route_index_find(x, host), i);
		host = pool_printf(&pool, "a.s%u.example", i);
		assert_int_equal(route_index_find(x, host), i + 1000);
		host = pool_printf(&pool, "s%u.net", i);
		assert_int_equal(route_index_find(x, host), i + 2000);
	}
	pool_fini(&pool);
}

#define WHOLE 1000000

static const char *chosen(const struct virtual_host *v, const char *path, const char *type)
{
	struct pool pool;
	struct headers h;
	struct random random;
	struct route *r;

	pool_init(&pool, 0);
	random_init(&random, 7);
	headers_init(&h, &pool);
	h.method = STR("GET");
	h.path = str_from(path);
	if (type)
		headers_add(&h, HEADER_CONTENT_TYPE, str_from(type));
	r = virtual_host_route(v, &h, &random);
	pool_fini(&pool);
	return r ? r->name.ptr : "";
}

static struct query_match flag = { .kind = QUERY_MATCH_PRESENT,
				   .name = STR_INIT("v"),
				   .present = true };
static struct header_match delete = { .kind = HEADER_MATCH_TEXT,
				      .name = STR_INIT(":method"),
				      .text = { .value = STR_INIT("DELETE") } };

TEST(the_first_route_that_matches_is_taken)
{
	struct route routes[] = {
		{ .name = STR("exact"),
		  .path = { .kind = PATH_MATCH_EXACT, .value = STR("/a") },
		  .fraction_per_million = WHOLE },
		{ .name = STR("grpc"),
		  .path = { .value = STR("/") },
		  .grpc_only = true,
		  .fraction_per_million = WHOLE },
		{ .name = STR("query"),
		  .path = { .value = STR("/a") },
		  .queries = &flag,
		  .query_count = 1,
		  .fraction_per_million = WHOLE },
		{ .name = STR("method"),
		  .path = { .value = STR("/") },
		  .headers = &delete,
		  .header_count = 1,
		  .fraction_per_million = WHOLE },
		{ .name = STR("never"), .path = { .value = STR("/") } },
		{ .name = STR("rest"),
		  .path = { .value = STR("/a") },
		  .fraction_per_million = WHOLE },
	};
	struct virtual_host v = { .routes = routes, .route_count = array_count(routes) };

	assert_string_equal(chosen(&v, "/a", NULL), "exact");
	assert_string_equal(chosen(&v, "/a?x=1", NULL), "exact");
	assert_string_equal(chosen(&v, "/a#x?v", NULL), "exact");
	assert_string_equal(chosen(&v, "/ab", NULL), "rest");
	assert_string_equal(chosen(&v, "/ab?v=1", NULL), "query");
	assert_string_equal(chosen(&v, "/ab#?v=1", NULL), "rest");
	assert_string_equal(chosen(&v, "/b", "application/grpc"), "grpc");
	assert_string_equal(chosen(&v, "/b", "application/grpc+proto"), "grpc");
	assert_string_equal(chosen(&v, "/b", "application/grpc-web"), "");
	assert_string_equal(chosen(&v, "/b", NULL), "");
	assert_string_equal(chosen(&v, "", NULL), "");
	assert_string_equal(chosen(&v, "*", NULL), "");
}

TEST(a_fraction_is_drawn_once_for_all_routes_of_a_request)
{
	struct route routes[] = {
		{ .name = STR("a"), .path = { .value = STR("/") }, .fraction_per_million = 300000 },
		{ .name = STR("b"), .path = { .value = STR("/") }, .fraction_per_million = 300000 },
	};
	struct virtual_host v = { .routes = routes, .route_count = 2 };
	struct headers h = { .path = STR("/") };
	struct random random;
	uint32_t first = 0, second = 0;

	random_init(&random, 1);
	for (int i = 0; i < 20000; i++) {
		struct route *r = virtual_host_route(&v, &h, &random);

		first += r == &routes[0];
		second += r == &routes[1];
	}
	assert_in_range(first, 5700, 6300);
	assert_int_equal(second, 0);
}

TEST(clusters_are_chosen_by_weight)
{
	struct weighted_cluster clusters[] = { { .weight = 90 },
					       { .weight = 0 },
					       { .weight = 10 } };
	struct route r = {
		.action = ROUTE_FORWARD,
		.forward = { .clusters = clusters, .cluster_count = 3, .weight_total = 100 }
	};
	uint32_t counts[3] = { 0 };
	struct random random;

	random_init(&random, 1);
	for (int i = 0; i < 20000; i++)
		counts[route_cluster(&r, &random) - clusters]++;
	assert_in_range(counts[0], 17700, 18300);
	assert_int_equal(counts[1], 0);
	assert_int_equal(counts[0] + counts[2], 20000);
}

TEST(a_single_cluster_needs_no_draw)
{
	struct weighted_cluster cluster = { .weight = 1 };
	struct route r = { .action = ROUTE_FORWARD,
			   .forward = {
				   .clusters = &cluster, .cluster_count = 1, .weight_total = 1 } };

	assert_ptr_equal(route_cluster(&r, NULL), &cluster);
}
