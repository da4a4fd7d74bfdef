#include "cli/demo_pages.h"

#include <stdio.h>

#include "cli/output.h"

static const struct {
	const char *name;
	uint32_t cents;
	uint32_t stars; /* of 5 */
	const char *review;
} items[SHOP_ITEMS] = {
	{ "Loom", 24900, 5, "Wove my first scarf on it within a day." },
	{ "Shuttle", 1450, 4, "Glides well. I would buy it again." },
	{ "Warp yarn", 890, 4, "Strong, and it does not fray." },
	{ "Weft yarn", 790, 5, "The colours are even better than in the picture." },
	{ "Spindle", 1990, 3, "Good, but a little heavy." },
	{ "Pattern book", 2900, 5, "Clear drawings, and nothing is left out." },
};

static uint32_t index_of(const struct page_visit *v)
{
	return v->item - 1;
}

static void write_item(uint32_t i, struct buf *out)
{
	buf_printf(out, "{\"id\":%u,\"name\":\"%s\",\"cents\":%u}", i + 1, items[i].name,
		   items[i].cents);
}

static void write_catalog(unused_arg const struct page_visit *v, struct buf *out)
{
	buf_append_str(out, STR("{\"items\":["));
	for (uint32_t i = 0; i < SHOP_ITEMS; i++) {
		if (i)
			buf_append_char(out, ',');
		write_item(i, out);
	}
	buf_append_str(out, STR("]}"));
}

static void write_catalog_item(const struct page_visit *v, struct buf *out)
{
	write_item(index_of(v), out);
}

static void write_rating(const struct page_visit *v, struct buf *out)
{
	buf_printf(out, "{\"stars\":%u}", items[index_of(v)].stars);
}

/* The second version shows the stars. */
static void write_review(const struct page_visit *v, struct buf *out)
{
	buf_printf(out, "{\"version\":\"%s\",\"text\":\"%s\"", v->version,
		   items[index_of(v)].review);
	if (str_eq(str_from(v->version), STR("v2")))
		buf_printf(out, ",\"stars\":%llu",
			   (unsigned long long)answer_count(v->answers[0], "stars"));
	buf_append_char(out, '}');
}

static void write_cart(const struct page_visit *v, struct buf *out)
{
	buf_printf(out, "{\"count\":2,\"cents\":%llu}",
		   (unsigned long long)answer_count(v->answers[0], "cents") * 2);
}

static void write_order(const struct page_visit *v, struct buf *out)
{
	buf_printf(out, "{\"order\":%llu,\"cents\":%llu,\"payment\":%llu}",
		   (unsigned long long)v->number,
		   (unsigned long long)answer_count(v->answers[0], "cents"),
		   (unsigned long long)answer_count(v->answers[1], "payment"));
}

static void write_payment(const struct page_visit *v, struct buf *out)
{
	buf_printf(out, "{\"payment\":%llu}", (unsigned long long)v->number);
}

/*
 * What people see
 */

static void write_price(uint64_t cents, struct buf *out)
{
	buf_printf(out, "%llu.%02llu", (unsigned long long)cents / 100,
		   (unsigned long long)cents % 100);
}

static void page_begin(const char *title, struct buf *out)
{
	buf_printf(out,
		   "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
		   "<title>%s</title><style>body{font:16px/1.5 sans-serif;max-width:40em;"
		   "margin:2em auto;padding:0 1em}li{margin:.3em 0}.by{color:#777}</style></head>"
		   "<body><h1>%s</h1>\n",
		   title, title);
}

static void write_review_html(const struct node *review, struct buf *out)
{
	uint64_t stars = answer_count(review, "stars");

	buf_printf(out, "<blockquote>%.*s ", STR_ARGS(answer_text(review, "text")));
	for (uint64_t i = 0; i < stars; i++)
		buf_append_str(out, STR("★"));
	buf_printf(out, " <span class=by>by reviews %.*s</span></blockquote>\n",
		   STR_ARGS(answer_text(review, "version")));
}

static void write_front(const struct page_visit *v, struct buf *out)
{
	page_begin("The weavers' shop", out);
	buf_append_str(out, STR("<ul>\n"));
	node_for_each (item, node_get(v->answers[0], STR("items"))) {
		buf_printf(out, "<li><a href=\"/items/%.*s\">%.*s</a> ",
			   STR_ARGS(answer_text(item, "id")), STR_ARGS(answer_text(item, "name")));
		write_price(answer_count(item, "cents"), out);
		buf_append_str(out, STR("</li>\n"));
	}
	buf_append_str(out, STR("</ul>\n"));
	write_review_html(v->answers[1], out);
	buf_printf(out, "<form method=post action=/checkout>%llu things in your cart, ",
		   (unsigned long long)answer_count(v->answers[2], "count"));
	write_price(answer_count(v->answers[2], "cents"), out);
	buf_append_str(out, STR(" <button>Buy</button></form></body></html>\n"));
}

static void write_item_page(const struct page_visit *v, struct buf *out)
{
	char title[64];

	snprintf(title, sizeof(title), "%.*s", STR_ARGS(answer_text(v->answers[0], "name")));
	page_begin(title, out);
	buf_append_str(out, STR("<p>"));
	write_price(answer_count(v->answers[0], "cents"), out);
	buf_append_str(out, STR("</p>\n"));
	write_review_html(v->answers[1], out);
	buf_append_str(out, STR("<p><a href=\"/\">back</a></p></body></html>\n"));
}

static void write_bought(const struct page_visit *v, struct buf *out)
{
	page_begin("Thank you", out);
	buf_printf(out, "<p>Order %llu is paid: ",
		   (unsigned long long)answer_count(v->answers[0], "order"));
	write_price(answer_count(v->answers[0], "cents"), out);
	buf_append_str(out, STR("</p><p><a href=\"/\">back</a></p></body></html>\n"));
}

#define HTML "text/html; charset=utf-8"
#define JSON "application/json"

// clang-format off
static const struct page pages[] = {
	{ "web", METHOD_GET, "/", HTML, write_front,
	  { { "catalog", METHOD_GET, "/items" }, { "reviews", METHOD_GET, "/reviews/1" },
	    { "cart", METHOD_GET, "/cart" } } },
	{ "web", METHOD_GET, "/items/", HTML, write_item_page,
	  { { "catalog", METHOD_GET, "/items/" }, { "reviews", METHOD_GET, "/reviews/" } } },
	{ "web", METHOD_POST, "/checkout", HTML, write_bought,
	  { { "checkout", METHOD_POST, "/orders" } } },
	{ "catalog", METHOD_GET, "/items", JSON, write_catalog, { { NULL } } },
	{ "catalog", METHOD_GET, "/items/", JSON, write_catalog_item, { { NULL } } },
	{ "reviews", METHOD_GET, "/reviews/", JSON, write_review,
	  { { "ratings", METHOD_GET, "/ratings/" } } },
	{ "ratings", METHOD_GET, "/ratings/", JSON, write_rating, { { NULL } } },
	{ "cart", METHOD_GET, "/cart", JSON, write_cart,
	  { { "catalog", METHOD_GET, "/items/2" } } },
	{ "checkout", METHOD_POST, "/orders", JSON, write_order,
	  { { "cart", METHOD_GET, "/cart" }, { "payments", METHOD_POST, "/charges" } } },
	{ "payments", METHOD_POST, "/charges", JSON, write_payment, { { NULL } } },
};
// clang-format on

/* "/items/3" for "/items/": the number behind it. */
static bool path_matches(const struct page *p, struct str path, uint32_t *ret_item)
{
	struct str own = str_from(p->path);
	uint64_t item = 0;

	if (own.len > 1 && own.ptr[own.len - 1] == '/') {
		if (!str_has_prefix(path, own) ||
		    str_to_u64(str_slice(path, own.len, path.len), SHOP_ITEMS, &item) < 0 || !item)
			return false;
	} else if (!str_eq(path, own)) {
		return false;
	}
	*ret_item = (uint32_t)item;
	return true;
}

const struct page *page_find(struct str service, enum method method, struct str path,
			     uint32_t *ret_item)
{
	path = str_slice(path, 0, str_find(path, 0, '?'));
	for (size_t i = 0; i < array_count(pages); i++)
		if (str_eq(service, str_from(pages[i].service)) && method == pages[i].method &&
		    path_matches(&pages[i], path, ret_item))
			return &pages[i];
	return NULL;
}

const struct page *page_table(size_t *ret_count)
{
	*ret_count = array_count(pages);
	return pages;
}
