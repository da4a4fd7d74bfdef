#include "fixture.h"

#include "base/mem.h"
#include "certs.h"
#include "codec/node.h"
#include "model/cluster.h"

TEST(each_kind_is_known_by_its_type)
{
	static const char *const types[PART_KIND_COUNT] = {
		[PART_LISTENER] = "type.googleapis.com/envoy.config.listener.v3.Listener",
		[PART_ROUTES] = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
		[PART_CLUSTER] = "type.googleapis.com/envoy.config.cluster.v3.Cluster",
		[PART_ENDPOINTS] =
			"type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
		[PART_SECRET] =
			"type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
	};

	for (enum part_kind kind = 0; kind < PART_KIND_COUNT; kind++) {
		assert_str_equal(part_type_url(kind), types[kind]);
		assert_int_equal(part_kind_of(str_from(types[kind])), kind);
	}
	assert_int_equal(part_kind_of(STR("type.googleapis.com/a.B")), PART_KIND_COUNT);
	assert_string_equal(part_kind_text(PART_ROUTES), "routes");
}

TEST(a_part_lives_as_long_as_its_last_reference)
{
	struct part *p = compiled(PART_CLUSTER, "name: c\n");

	assert_int_equal(p->refs, 1);
	assert_ptr_equal(part_ref(p), p);
	assert_null(part_unref(p));
	assert_str_equal(p->name, "c");
	assert_null(part_unref(p));
	assert_null(part_unref(NULL));
}

static uint32_t freed;

static void count_free(struct part *p)
{
	assert_str_equal(p->name, "c");
	freed++;
}

TEST(a_part_says_when_it_goes)
{
	struct part *p = compiled(PART_CLUSTER, "name: c\n");

	freed = 0;
	p->on_free = count_free;
	part_ref(p);
	part_unref(p);
	assert_int_equal(freed, 0);
	part_unref(p);
	assert_int_equal(freed, 1);
}

TEST(a_part_keeps_its_bytes_and_not_the_callers)
{
	struct pool pool;
	struct diag d = DIAG_INIT;
	struct part *p;
	struct str bytes;

	pool_init(&pool, 0);
	bytes = encoded(&pool, PART_CLUSTER, "name: c\nalt_stat_name: other\n");
	assert_int_equal(part_compile(PART_CLUSTER, bytes, STR("v"), &p, &d), 0);
	assert_true(str_eq(p->raw, bytes));
	memset((char *)bytes.ptr, 'x', bytes.len);
	assert_str_equal(p->name, "c");
	assert_str_equal(cluster_of(p)->alt_stat_name, "other");
	assert_str_equal(p->version, "v");
	assert_false(p->from_bootstrap);
	part_unref(p);
	pool_fini(&pool);
}

TEST(compiling_leaves_nothing_behind_when_it_fails)
{
	uint64_t before = mem_live_bytes();
	struct diag d = DIAG_INIT;
	struct part *p = NULL;

	for (enum part_kind kind = 0; kind < PART_KIND_COUNT; kind++) {
		assert_int_equal(part_compile(kind, STR("\x0a\xff"), STR_EMPTY, &p, &d), ERR_PROTO);
		assert_null(p);
		diag_fini(&d);
	}
	assert_int_equal(mem_live_bytes(), before);
}

TEST(a_resource_has_a_limit)
{
	size_t size = (16 << 20) + 1;
	char *bytes = mem_zalloc(size);
	struct diag d = DIAG_INIT;
	struct part *p;

	assert_int_equal(part_compile(PART_CLUSTER, str_of(bytes, size), STR_EMPTY, &p, &d),
			 ERR_LIMIT);
	assert_string_equal(d.text, "a resource has at most 16777216 bytes");
	diag_fini(&d);
	mem_free(bytes);
}

TEST(what_was_tolerated_is_reported)
{
	struct pool pool;
	struct diag d = DIAG_INIT;
	struct buf bytes = BUF_INIT(0);
	struct part *p;

	pool_init(&pool, 0);
	buf_append_str(&bytes, encoded(&pool, PART_CLUSTER, "name: c\n"));
	buf_append(&bytes, "\x42\x00", 2); /* health_checks: [{}] */
	assert_int_equal(part_compile(PART_CLUSTER, buf_str(&bytes), STR_EMPTY, &p, &d), 0);
	assert_int_equal(p->report.warnings, 1);
	assert_string_equal(p->report.first_warning,
			    "health_checks: is not supported by this version");
	part_unref(p);
	buf_fini(&bytes);
	pool_fini(&pool);
}

TEST(a_part_is_dumped_as_json_without_secrets)
{
	struct test_cert *ca = test_ca_new("root"), *leaf = test_svid_new(ca, "spiffe://a/b");
	struct buf text = BUF_INIT(0), pem = BUF_INIT(0);
	struct pool pool;
	struct part *p;
	char *yaml, *key;

	json_write_text(str_from(leaf->chain_pem), &pem);
	buf_append_str(&pem, STR("}, private_key: {inline_string: "));
	json_write_text(str_from(leaf->key_pem), &pem);
	key = buf_take_text(&pem);
	yaml = mem_printf("name: s\ntls_certificate: {certificate_chain: {inline_string: %s}}\n",
			  key);
	p = compiled(PART_SECRET, yaml);

	pool_init(&pool, 0);
	json_write(part_dump(p, &pool), &text);
	assert_true(str_has_prefix(buf_str(&text), STR("{\"name\":\"s\"")));
	assert_null(memmem(buf_str(&text).ptr, buf_len(&text), "PRIVATE KEY", 11));
	assert_non_null(memmem(buf_str(&text).ptr, buf_len(&text), "[redacted]", 10));
	pool_fini(&pool);
	part_unref(p);
	buf_fini(&text);
	mem_free(yaml);
	mem_free(key);
	test_cert_free(leaf);
	test_cert_free(ca);
}

TEST(a_part_is_dumped_by_the_names_of_its_fields)
{
	struct buf text = BUF_INIT(0);
	struct pool pool;
	struct part *p = compiled(PART_ENDPOINTS, "cluster_name: c\n"
						  "endpoints: [{priority: 1}]\n");

	pool_init(&pool, 0);
	json_write(part_dump(p, &pool), &text);
	assert_str_equal(buf_str(&text),
			 "{\"cluster_name\":\"c\",\"endpoints\":[{\"priority\":1}]}");
	pool_fini(&pool);
	part_unref(p);
	buf_fini(&text);
}
