#include "cli/object_ref.h"

#include "base/mem.h"
#include "test.h"

#define WORDS_MAX 4

/* The titles of what the words name, or the problem. */
static void assert_refs(const char *const words[WORDS_MAX], const char *expected)
{
	struct pool pool = POOL_INIT(0);
	struct object_refs refs = { 0 };
	struct buf out = BUF_INIT(0);
	struct diag d = DIAG_INIT;
	char *copies[WORDS_MAX];
	size_t count = 0;

	while (count < WORDS_MAX && words[count]) {
		copies[count] = mem_strdup(words[count]);
		count++;
	}
	if (object_refs_parse(copies, count, STR("default"), &pool, &refs, &d) < 0)
		diag_format(&d, &out);
	for (size_t i = 0; i < refs.count; i++) {
		if (i)
			buf_append_str(&out, STR(", "));
		object_ref_title(&refs.items[i], &out);
	}
	assert_str_equal(buf_str(&out), expected);
	for (size_t i = 0; i < count; i++)
		mem_free(copies[i]);
	buf_fini(&out);
	diag_fini(&d);
	pool_fini(&pool);
}

#define ASSERT_REFS(expected, ...) \
	assert_refs((const char *const[WORDS_MAX]){ __VA_ARGS__ }, expected)

TEST(objects_are_named_in_every_way_that_people_know)
{
	ASSERT_REFS("HTTPRoute default/reviews", "httproute/reviews");
	ASSERT_REFS("HTTPRoute default/reviews", "route", "reviews");
	ASSERT_REFS("Service default/a, Service default/b", "svc", "a", "b");
	ASSERT_REFS("Service shop/a, Service bank/b", "services", "shop/a", "b.bank");
	ASSERT_REFS("Service default/a, Workload default/b", "svc/a", "workload/b");
	ASSERT_REFS("Service shop/a", "Service/shop/a");
	/* A name of an HTTPRoute may hold dots. */
	ASSERT_REFS("HTTPRoute default/a.b", "route/a.b");
	ASSERT_REFS("MeshConfig default", "meshconfig/default");
	ASSERT_REFS("Service default/", "svc");
	ASSERT_REFS("Service default/, Workload default/, HTTPRoute default/, MeshConfig ", "all");
}

TEST(words_that_name_nothing_are_explained)
{
	ASSERT_REFS("there is no kind \"servce\" (did you mean service?)", "servce");
	ASSERT_REFS(
		"there is no kind \"pod\" (kinds stand in front of names: service/pod; see: weft "
		"help kinds)",
		"pod/x");
	ASSERT_REFS(
		"name \"a b\" is not a DNS label (lower-case letters, digits and -, at most 63)",
		"svc", "a b");
	ASSERT_REFS(
		"namespace \"A\" is not a DNS label (lower-case letters, digits and -, at most 63)",
		"svc", "A/b");
	ASSERT_REFS("\"all\" takes no names", "all", "x");
}

TEST(paths_are_those_of_the_api)
{
	struct pool pool = POOL_INIT(0);
	char word[] = "httproute/shop/reviews";
	char *words[] = { word };
	struct object_refs refs;
	struct buf out = BUF_INIT(0);
	struct diag d = DIAG_INIT;

	assert_int_equal(object_refs_parse(words, 1, STR("default"), &pool, &refs, &d), 0);
	object_ref_path(&refs.items[0], &out);
	assert_str_equal(buf_str(&out),
			 "/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/reviews");
	buf_fini(&out);
	pool_fini(&pool);
}

TEST(names_of_one_kind_may_carry_it)
{
	static const char *const names[][2] = {
		{ "a", "service/default/a" },     { "service/b", "service/default/b" },
		{ "svc/c", "service/default/c" }, { "shop/d", "service/shop/d" },
		{ "e.shop", "service/shop/e" },   { "svc/shop/f", "service/shop/f" },
	};
	const struct kind *kind = kind_of(KIND_SERVICE);
	struct diag d = DIAG_INIT;
	struct object_ref ref;

	for (size_t i = 0; i < array_count(names); i++) {
		struct buf out = BUF_INIT(0);

		assert_int_equal(
			object_name_parse(kind, str_from(names[i][0]), STR("default"), &ref, &d),
			0);
		object_ref_name(&ref, &out);
		assert_str_equal(buf_str(&out), names[i][1]);
		buf_fini(&out);
	}
	assert_int_equal(object_name_parse(kind, STR("a"), STR_EMPTY, &ref, &d), 0);
	assert_int_equal(ref.name_space.len, 0);
}
