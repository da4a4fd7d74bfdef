#include "cli/demo_pages.h"

#include "cli/demo_shop.h"
#include "codec/node.h"
#include "test.h"

static bool calls(const char *service, const char *other)
{
	for (size_t i = 0; i < SHOP_WORKLOAD_COUNT; i++) {
		const struct shop_workload *w = &shop_workloads[i];

		if (!str_eq(str_from(w->service), str_from(service)))
			continue;
		for (size_t n = 0; n < SHOP_CALLS_MAX && w->calls[n]; n++)
			if (str_eq(str_from(w->calls[n]), str_from(other)))
				return true;
	}
	return false;
}

TEST(a_page_calls_only_services_that_its_own_has_a_way_to)
{
	size_t count;
	const struct page *pages = page_table(&count);

	for (size_t i = 0; i < count; i++)
		for (size_t n = 0; n < PAGE_CALLS_MAX && pages[i].calls[n].service; n++)
			if (!calls(pages[i].service, pages[i].calls[n].service))
				fail_msg("%s%s", pages[i].service, pages[i].path);
}

TEST(a_page_calls_only_pages_that_exist)
{
	size_t count;
	const struct page *pages = page_table(&count);

	for (size_t i = 0; i < count; i++) {
		for (size_t n = 0; n < PAGE_CALLS_MAX && pages[i].calls[n].service; n++) {
			struct buf path = BUF_INIT(0);
			uint32_t item;

			buf_append_str(&path, str_from(pages[i].calls[n].path));
			if (path.memory[path.end - 1] == '/')
				buf_append_char(&path, '1');
			if (!page_find(str_from(pages[i].calls[n].service),
				       pages[i].calls[n].method, buf_str(&path), &item))
				fail_msg("%s", pages[i].calls[n].path);
			buf_fini(&path);
		}
	}
}

TEST(pages_are_found_by_service_method_and_path)
{
	uint32_t item = 0;

	assert_non_null(page_find(STR("web"), METHOD_GET, STR("/?x=1"), &item));
	assert_non_null(page_find(STR("catalog"), METHOD_GET, STR("/items/3"), &item));
	assert_int_equal(item, 3);
	assert_null(page_find(STR("catalog"), METHOD_GET, STR("/items/0"), &item));
	assert_null(page_find(STR("catalog"), METHOD_GET, STR("/items/7"), &item));
	assert_null(page_find(STR("catalog"), METHOD_GET, STR("/items/x"), &item));
	assert_null(page_find(STR("catalog"), METHOD_POST, STR("/items"), &item));
	assert_null(page_find(STR("nobody"), METHOD_GET, STR("/"), &item));
}

/* What a page says when its calls answer what their own pages say. */
static void visit(const char *service, enum method method, const char *path, struct buf *out)
{
	struct page_visit v = { .version = "v2", .number = 7 };
	const struct page *p = page_find(str_from(service), method, str_from(path), &v.item);
	struct pool pool = POOL_INIT(0);
	struct diag d = DIAG_INIT;

	assert_non_null(p);
	for (size_t i = 0; i < PAGE_CALLS_MAX && p->calls[i].service; i++) {
		struct buf answer = BUF_INIT(0), inner = BUF_INIT(0);
		struct node *n;

		buf_append_str(&inner, str_from(p->calls[i].path));
		if (inner.memory[inner.end - 1] == '/')
			buf_printf(&inner, "%u", v.item);
		buf_append_char(&inner, 0);
		visit(p->calls[i].service, p->calls[i].method, inner.memory, &answer);
		assert_int_equal(
			json_parse(pool_strdup(&pool, buf_str(&answer)), NULL, &pool, &n, &d), 0);
		v.answers[i] = n;
		buf_fini(&answer);
		buf_fini(&inner);
	}
	p->write(&v, out);
	pool_fini(&pool);
}

static void assert_page(const char *service, enum method method, const char *path, const char *part)
{
	struct buf out = BUF_INIT(0);

	visit(service, method, path, &out);
	if (!memmem(buf_str(&out).ptr, buf_len(&out), part, strlen(part)))
		fail_msg("%.*s", STR_ARGS(buf_str(&out)));
	buf_fini(&out);
}

TEST(pages_hold_what_the_other_services_know)
{
	assert_page("catalog", METHOD_GET, "/items/2",
		    "{\"id\":2,\"name\":\"Shuttle\",\"cents\":1450}");
	assert_page("reviews", METHOD_GET, "/reviews/5", "\"stars\":3");
	assert_page("cart", METHOD_GET, "/cart", "{\"count\":2,\"cents\":2900}");
	assert_page("checkout", METHOD_POST, "/orders", "\"payment\":7");
	assert_page("web", METHOD_GET, "/", "<a href=\"/items/6\">Pattern book</a> 29.00");
	assert_page("web", METHOD_GET, "/", "★★★★★ <span class=by>by reviews v2");
	assert_page("web", METHOD_GET, "/items/1", "<h1>Loom</h1>");
	assert_page("web", METHOD_POST, "/checkout", "Order 7 is paid: 29.00");
}
