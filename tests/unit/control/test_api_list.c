/* Lists page by page: nothing twice, nothing left out, and a token that has expired says so. */

#include "control/api.h"

#include "base/mem.h"
#include "codec/base64.h"

#include "house.h"

#define ALL  "/api/v1/services"
#define SHOP "/api/v1/namespaces/shop/services"

#define ELSEWHERE                                                                    \
	"{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"z\"}," \
	"\"spec\":{\"ports\":[{\"port\":1}]}}"

/* Of the last answer; to be freed. */
static char *token_of(struct house *h)
{
	const char *token = house_text(h, "metadata.continue");

	return token ? mem_strdup(token) : NULL;
}

static uint16_t ask_page(struct house *h, const char *path, unsigned limit, const char *token)
{
	char *whole = mem_printf("%s?limit=%u%s%s", path, limit, token ? "&continue=" : "",
				 token ? token : "");
	uint16_t status = house_ask(h, "GET", whole, NULL);

	mem_free(whole);
	return status;
}

/* All names, page by page: "a,b;c;". */
static char *names(struct house *h, const char *path, unsigned limit)
{
	struct buf text = BUF_INIT(0);
	char *token = NULL;

	do {
		const struct node *items;

		assert_int_equal(ask_page(h, path, limit, token), 200);
		items = node_get(h->json, STR("items"));
		node_for_each (item, items)
			buf_printf(&text, "%s%.*s", item->index ? "," : "",
				   STR_ARGS(node_at(item, "metadata.name")->text));
		buf_append_char(&text, ';');
		mem_free(token);
		token = token_of(h);
	} while (token);
	return buf_take_text(&text);
}

static void assert_names(struct house *h, const char *path, unsigned limit, const char *expected)
{
	char *found = names(h, path, limit);

	assert_string_equal(found, expected);
	mem_free(found);
}

static void fill(struct house *h)
{
	house_open(h);
	house_apply(h, SERVICE_JSON("b") "," SERVICE_JSON("a") "," SERVICE_JSON("c") "," ELSEWHERE);
}

TEST(the_pages_of_a_list_are_the_list)
{
	struct house h;

	fill(&h);
	assert_names(&h, ALL, 0, "z,a,b,c;");
	assert_names(&h, ALL, 4, "z,a,b,c;");
	assert_names(&h, ALL, 3, "z,a,b;c;");
	assert_names(&h, ALL, 2, "z,a;b,c;");
	assert_names(&h, ALL, 1, "z;a;b;c;");
	assert_names(&h, SHOP, 2, "a,b;c;");
	assert_names(&h, "/api/v1/namespaces/empty/services", 2, ";");
	assert_names(&h, "/apis/weft.dev/v1alpha1/meshconfigs", 1, ";");
	ask_page(&h, SHOP, 1, NULL);
	assert_string_equal(house_text(&h, "metadata.remainingItemCount"), "2");
	house_close(&h);
}

TEST(a_page_after_a_change_has_expired_and_tells_how_to_go_on)
{
	struct house h;
	char *token;

	fill(&h);
	ask_page(&h, SHOP, 1, NULL);
	token = token_of(&h);
	/* What is of no service changes nothing. */
	house_register(&h, WORKLOAD_JSON("a-1", "a", "1", "Ready"));
	assert_int_equal(ask_page(&h, SHOP, 1, token), 200);
	house_apply(&h, SERVICE_JSON("aa"));
	assert_int_equal(ask_page(&h, SHOP, 1, token), 410);
	assert_string_equal(house_text(&h, "reason"), "Expired");
	assert_string_equal(house_text(&h, "message"), "the list has changed since its first page");
	mem_free(token);
	/* On in the list as it is now, behind the object that was the last. */
	token = token_of(&h);
	assert_int_equal(ask_page(&h, SHOP, 10, token), 200);
	assert_string_equal(house_text(&h, "items[0].metadata.name"), "aa");
	assert_string_equal(house_text(&h, "items[2].metadata.name"), "c");
	assert_null(house_text(&h, "metadata.continue"));
	mem_free(token);
	house_close(&h);
}

TEST(a_deletion_and_a_restart_expire_a_list_too)
{
	struct house h;
	char *token;

	fill(&h);
	ask_page(&h, SHOP, 1, NULL);
	token = token_of(&h);
	house_ask(&h, "DELETE", SHOP "/c", NULL);
	assert_int_equal(ask_page(&h, SHOP, 1, token), 410);
	mem_free(token);
	token = token_of(&h);
	assert_int_equal(ask_page(&h, SHOP, 1, token), 200);
	loop_advance(h.loop, DURATION_SECONDS(1));
	house_restart(&h);
	assert_int_equal(ask_page(&h, SHOP, 1, token), 410);
	mem_free(token);
	house_close(&h);
}

TEST(a_token_is_for_the_list_that_it_came_from)
{
	static const char *const plain[] = { "",
					     "x",
					     "1 2",
					     "1 2 Service",
					     "1 2 Service a",
					     "1 2 Service a/b",
					     "1 2 Service a/b/",
					     "x 2 Service shop/shop/a",
					     "1 -2 Service shop/shop/a",
					     "1 99999999999999999999 Service shop/shop/a" };
	struct house h;
	char *token;

	fill(&h);
	ask_page(&h, SHOP, 1, NULL);
	token = token_of(&h);
	assert_int_equal(ask_page(&h, ALL, 1, token), 400);
	assert_string_equal(house_text(&h, "message"), "continue= is of another list");
	assert_int_equal(
		ask_page(&h, "/apis/weft.dev/v1alpha1/namespaces/shop/workloads", 1, token), 400);
	/* Cut off, it is none, or one of another time. */
	for (size_t i = 1; i < strlen(token); i++) {
		char *part = mem_printf("%.*s", (int)i, token);
		uint16_t status = ask_page(&h, SHOP, 1, part);

		assert_true(status == 400 || status == 410 || status == 200);
		mem_free(part);
	}
	for (size_t i = 1; i < array_count(plain); i++) {
		struct buf text = BUF_INIT(0);

		base64_encode(str_from(plain[i]), BASE64_URL, &text);
		buf_append_char(&text, '\0');
		assert_int_equal(ask_page(&h, SHOP, 1, buf_str(&text).ptr), 400);
		buf_fini(&text);
	}
	mem_free(token);
	house_close(&h);
}
