#pragma once

/*
 * What the services of the shop answer
 *
 * A page is a row: the service, the request, the calls to other services that it needs, and how
 * it is made of their answers. A path that ends in "/" takes the number of an item behind it,
 * and passes it on to calls whose paths end so.
 */

#include "base/buf.h"
#include "message/headers.h"

#define PAGE_CALLS_MAX 3
#define SHOP_ITEMS     6

/* The answer to one call of a page; NULL where it is not JSON. */
struct node;

struct page_visit {
	const char *version; /* of this service; "" where it has none */
	uint32_t item;       /* 1 to SHOP_ITEMS; 0: the path has none */
	uint64_t number;     /* of the visit, from 1 */
	const struct node *answers[PAGE_CALLS_MAX];
};

struct page {
	const char *service;
	enum method method;
	const char *path;
	const char *type; /* of the content */
	void (*write)(const struct page_visit *v, struct buf *out);
	struct {
		const char *service;
		enum method method;
		const char *path;
	} calls[PAGE_CALLS_MAX];
};

/* The page of a request, and the item that its path names. NULL: there is none. */
const struct page *page_find(struct str service, enum method method, struct str path,
			     uint32_t *ret_item);
/* For tests: all pages; *ret_count of them. */
const struct page *page_table(size_t *ret_count);
