#include "fixture.h"

#include "base/mem.h"
#include "model/compile.h"
#include "model/endpoints.h"

#define ADDRESS(ip, port)  "address: {socket_address: {address: " ip ", port_value: " port "}}"
#define ENDPOINT(ip, port) "{endpoint: {" ADDRESS(ip, port) "}}"
#define SET(localities)    "cluster_name: c\nendpoints: [" localities "]\n"
#define FIRST              "{endpoint: {" ADDRESS("10.0.0.1", "80") "}"
#define ONE(fields)        SET("{lb_endpoints: [" FIRST fields "}]}")
#define AT                 "endpoints[0].lb_endpoints[0]."

static struct endpoint_set *set_of(const char *yaml)
{
	return endpoint_set_of(compiled(PART_ENDPOINTS, yaml));
}

TEST(an_endpoint_without_settings_means_what_it_means_in_envoy)
{
	struct endpoint_set *s = set_of(ONE(""));

	assert_str_equal(s->part.name, "c");
	assert_int_equal(s->count, 1);
	assert_int_equal(s->healthy_count, 1);
	assert_int_equal(s->priority_count, 1);
	assert_int_equal(s->overprovisioning_percent, 140);
	assert_string_equal(address_text(&s->items[0].address), "10.0.0.1:80");
	assert_int_equal(s->items[0].weight, 1);
	assert_int_equal(s->items[0].priority, 0);
	assert_int_equal(s->items[0].health, ENDPOINT_HEALTHY);
	assert_int_equal(s->items[0].hostname.len, 0);
	assert_int_equal(s->items[0].workload.len, 0);
	part_unref(&s->part);
}

TEST(each_setting_of_an_endpoint_is_taken_over)
{
	struct endpoint_set *s = set_of(
		"cluster_name: c\n"
		"policy: {overprovisioning_factor: 200}\n"
		"endpoints:\n"
		"- locality: {region: r, zone: z, sub_zone: s}\n"
		"  load_balancing_weight: 3\n"
		"  priority: 2\n"
		"  metadata: {filter_metadata: {weft.dev: {service: not-this}}}\n"
		"  lb_endpoints:\n"
		"  - endpoint: {hostname: h.example, observability_name: o, address: {pipe: {path: "
		"/run/e.sock}}}\n"
		"    health_status: DEGRADED\n"
		"    load_balancing_weight: 7\n"
		"    metadata: {filter_metadata: {other: {service: nor-this}, weft.dev: {workload: "
		"w, "
		"service: web, version: v2, more: x}}}\n");

	assert_int_equal(s->overprovisioning_percent, 200);
	assert_int_equal(s->priority_count, 3);
	assert_int_equal(s->healthy_count, 0);
	assert_string_equal(address_text(&s->items[0].address), "unix:/run/e.sock");
	assert_str_equal(s->items[0].hostname, "h.example");
	assert_int_equal(s->items[0].weight, 7);
	assert_int_equal(s->items[0].priority, 2);
	assert_int_equal(s->items[0].health, ENDPOINT_DEGRADED);
	assert_str_equal(s->items[0].workload, "w");
	assert_str_equal(s->items[0].service, "web");
	assert_str_equal(s->items[0].version, "v2");
	part_unref(&s->part);
}

TEST(endpoints_stand_by_priority_and_then_as_received)
{
	struct endpoint_set *s =
		set_of(SET("{priority: 1, lb_endpoints: [" ENDPOINT("10.0.0.1", "1") ", " ENDPOINT(
			"10.0.0.2",
			"1") "]}, {lb_endpoints: [" ENDPOINT("10.0.0.3",
							     "1") "]}, {priority: 1, lb_endpoints: "
								  "[" ENDPOINT("10.0.0.4",
									       "1") "]}"));
	static const char *const order[] = { "10.0.0.3:1", "10.0.0.1:1", "10.0.0.2:1",
					     "10.0.0.4:1" };

	assert_int_equal(s->count, 4);
	assert_int_equal(s->priority_count, 2);
	for (size_t i = 0; i < array_count(order); i++)
		assert_string_equal(address_text(&s->items[i].address), order[i]);
	part_unref(&s->part);
}

TEST(each_health_is_known)
{
	static const struct {
		const char *yaml;
		enum endpoint_health health;
	} rows[] = {
		{ ONE(", health_status: UNKNOWN"), ENDPOINT_HEALTHY },
		{ ONE(", health_status: HEALTHY"), ENDPOINT_HEALTHY },
		{ ONE(", health_status: UNHEALTHY"), ENDPOINT_UNHEALTHY },
		{ ONE(", health_status: DRAINING"), ENDPOINT_DRAINING },
		{ ONE(", health_status: TIMEOUT"), ENDPOINT_UNHEALTHY },
		{ ONE(", health_status: DEGRADED"), ENDPOINT_DEGRADED },
	};

	for (size_t i = 0; i < array_count(rows); i++) {
		struct endpoint_set *s = set_of(rows[i].yaml);

		assert_int_equal(s->items[0].health, rows[i].health);
		assert_int_equal(s->healthy_count, rows[i].health == ENDPOINT_HEALTHY);
		part_unref(&s->part);
	}
}

TEST(a_set_may_be_empty)
{
	struct endpoint_set *s = set_of("cluster_name: c\n");

	assert_int_equal(s->count, 0);
	assert_int_equal(s->priority_count, 0);
	part_unref(&s->part);
}

// clang-format off
static const struct refusal endpoint_refused[] = {
	{ "endpoints: []\n", "cluster_name: is missing" },
	{ SET("{lb_endpoints: [{}]}"),
	  "endpoints[0].lb_endpoints[0]: needs one of its host_identifier" },
	{ SET("{lb_endpoints: [{endpoint: {}}]}"), AT "endpoint.address: is missing" },
	{ SET("{lb_endpoints: [{endpoint_name: x}]}"),
	  AT "endpoint_name: is not supported by this version" },
	{ SET("{lb_endpoints: [" ENDPOINT("web.example", "80") "]}"), AT
	  "endpoint.address.socket_address.address: \"web.example\" is not an IP address: "
	  "names are not resolved yet" },
	{ SET("{lb_endpoints: [" ENDPOINT("10.0.0.1", "65536") "]}"),
	  AT "endpoint.address.socket_address.port_value: is more than 65535" },
	{ ONE(", load_balancing_weight: 0"),
	  AT "load_balancing_weight: must be at least 1" },
	{ SET("{priority: 129}"), "endpoints[0].priority: is more than 128" },
	{ "cluster_name: c\npolicy: {overprovisioning_factor: 0}\n",
	  "policy.overprovisioning_factor: must be at least 1" },
	{ "cluster_name: c\npolicy: {drop_overloads: [{}]}\n",
	  "policy.drop_overloads: is not supported by this version" },
	{ "cluster_name: c\nnamed_endpoints: {x: {}}\n",
	  "named_endpoints: is not supported by this version" },
};
// clang-format on

TEST(what_no_endpoint_may_say_is_refused)
{
	assert_all_refused(PART_ENDPOINTS, endpoint_refused);
}

/* Both ways */

static int short_way(struct str bytes, struct pool *pool, struct endpoint_set *set)
{
	struct pb_report report = { 0 };
	struct diag d = DIAG_INIT;
	struct compile c = { .pool = pool, .scratch = pool, .report = &report, .d = &d };
	int r = endpoints_read(&c, bytes, set);

	diag_fini(&d);
	return r;
}

static int long_way(struct str bytes, struct pool *pool, struct endpoint_set *set)
{
	struct pb_report report = { 0 };
	struct diag d = DIAG_INIT;
	struct compile c = { .pool = pool, .scratch = pool, .report = &report, .d = &d };
	struct pb_message *m;
	int r = pb_decode(&pb_ClusterLoadAssignment, bytes, pool, &m, &report, &d);

	if (r == 0)
		r = endpoints_compile(&c, m, set);
	diag_fini(&d);
	return r;
}

static void assert_same_endpoint(const struct endpoint *a, const struct endpoint *b)
{
	assert_true(address_eq(&a->address, &b->address));
	assert_true(str_eq(a->hostname, b->hostname));
	assert_int_equal(a->weight, b->weight);
	assert_int_equal(a->priority, b->priority);
	assert_int_equal(a->health, b->health);
	assert_true(str_eq(a->workload, b->workload));
	assert_true(str_eq(a->service, b->service));
	assert_true(str_eq(a->version, b->version));
}

static bool both_ways(struct str bytes)
{
	struct endpoint_set a = { 0 }, b = { 0 };
	struct pool pool;
	int r;

	pool_init(&pool, 0);
	r = short_way(bytes, &pool, &a);
	assert_int_equal(r, long_way(bytes, &pool, &b));
	if (r == 0) {
		assert_true(str_eq(a.part.name, b.part.name));
		assert_int_equal(a.count, b.count);
		assert_int_equal(a.healthy_count, b.healthy_count);
		assert_int_equal(a.priority_count, b.priority_count);
		assert_int_equal(a.overprovisioning_percent, b.overprovisioning_percent);
		for (uint32_t i = 0; i < a.count; i++)
			assert_same_endpoint(&a.items[i], &b.items[i]);
	}
	pool_fini(&pool);
	return r == 0;
}

static const char rich[] = "cluster_name: c\n"
			   "policy: {overprovisioning_factor: 150}\n"
			   "endpoints:\n"
			   "- locality: {region: r, zone: z}\n"
			   "  priority: 1\n"
			   "  load_balancing_weight: 5\n"
			   "  lb_endpoints:\n"
			   "  - endpoint: {hostname: h, " ADDRESS(
				   "10.0.0.1", "80") "}\n"
						     "    load_balancing_weight: 300\n"
						     "    health_status: DRAINING\n"
						     "    metadata: {filter_metadata: {weft.dev: "
						     "{workload: w, version: v}, x: {a: b}}}\n"
						     "  - endpoint: {address: {pipe: {path: /x}}}\n"
						     "- lb_endpoints:\n"
						     "  - " ENDPOINT("'::1'", "0") "\n";

TEST(both_ways_accept_the_same_when_a_byte_is_anything)
{
	struct pool pool;
	struct str bytes;
	char *copy;
	uint32_t accepted = 0;

	pool_init(&pool, 0);
	bytes = encoded(&pool, PART_ENDPOINTS, rich);
	copy = mem_alloc(bytes.len);
	for (size_t i = 0; i < bytes.len; i++)
		for (unsigned value = 0; value < 256; value++) {
			memcpy(copy, bytes.ptr, bytes.len);
			copy[i] = (char)value;
			accepted += both_ways(str_of(copy, bytes.len));
		}
	assert_true(accepted > bytes.len);
	mem_free(copy);
	pool_fini(&pool);
}

TEST(both_ways_accept_the_same_when_bytes_are_missing_or_doubled)
{
	struct pool pool;
	struct str bytes;
	char *copy;

	pool_init(&pool, 0);
	bytes = encoded(&pool, PART_ENDPOINTS, rich);
	copy = mem_alloc(bytes.len * 2);
	for (size_t i = 0; i < bytes.len; i++)
		(void)both_ways(str_slice(bytes, 0, i));
	for (size_t i = 0; i < bytes.len; i++)
		for (size_t len = 1; len < 30 && i + len <= bytes.len; len++) {
			memcpy(copy, bytes.ptr, i + len);
			memcpy(copy + i + len, bytes.ptr + i, bytes.len - i);
			(void)both_ways(str_of(copy, bytes.len + len));
		}
	mem_free(copy);
	pool_fini(&pool);
}

TEST(both_ways_give_the_same_for_what_is_unusual)
{
	static const char *const rows[] = {
		ONE(", metadata: {filter_metadata: {weft.dev: {workload: 7, version: v}}}"),
		ONE(", metadata: {filter_metadata: {weft.dev: {workload: [a], service: {b: c}}}}"),
		ONE(", metadata: {typed_filter_metadata: {}}"),
		ONE(", metadata: {filter_metadata: {weft.dev: {}}}"),
		ONE(", metadata: {}"),
		SET("{load_balancing_weight: 0, lb_endpoints: []}"),
		SET("{}, {priority: 128}"),
		"cluster_name: c\npolicy: {}\n",
	};
	struct pool pool;

	pool_init(&pool, 0);
	for (size_t i = 0; i < array_count(rows); i++)
		assert_true(both_ways(encoded(&pool, PART_ENDPOINTS, rows[i])));
	pool_fini(&pool);
}

TEST(the_number_of_endpoints_has_a_limit)
{
	struct pool pool;
	struct buf bytes = BUF_INIT(0);
	struct part *p;
	struct diag d = DIAG_INIT;
	struct str one;

	pool_init(&pool, 0);
	one = encoded(&pool, PART_ENDPOINTS,
		      SET("{lb_endpoints: [" ENDPOINT("10.0.0.1", "1") "]}"));
	buf_append_str(&bytes, one);
	for (uint32_t i = 1; i < ENDPOINTS_MAX; i++)
		buf_append_str(&bytes, str_slice(one, 3, one.len)); /* behind cluster_name */
	assert_int_equal(part_compile(PART_ENDPOINTS, buf_str(&bytes), STR_EMPTY, &p, &d), 0);
	assert_int_equal(endpoint_set_of(p)->count, ENDPOINTS_MAX);
	part_unref(p);
	buf_append_str(&bytes, str_slice(one, 3, one.len));
	assert_int_equal(part_compile(PART_ENDPOINTS, buf_str(&bytes), STR_EMPTY, &p, &d),
			 ERR_LIMIT);
	diag_fini(&d);
	buf_fini(&bytes);
	pool_fini(&pool);
}
