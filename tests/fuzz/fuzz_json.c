#include "fuzz.h"

/*
 * What json_parse() accepts, both writers write so that it reads back as the same value, and
 * what was refused says where.
 */

#include <assert.h>

#include "codec/node.h"

static void assert_reads_back(const struct node *root, const struct buf *text)
{
	struct pool pool = POOL_INIT(0);
	struct node *again = NULL;

	if (json_parse(buf_str(text), NULL, &pool, &again, NULL) < 0)
		assert(!"what was written does not read back");
	assert(node_eq(root, again));
	pool_fini(&pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pool pool = POOL_INIT(0);
	struct diag d = DIAG_INIT;
	struct buf text = BUF_INIT(0);
	struct node *root = NULL;

	if (json_parse(str_of((const char *)data, size), NULL, &pool, &root, &d) < 0) {
		assert(d.error && d.text && d.at.line && d.at.column);
	} else {
		json_write(root, &text);
		assert_reads_back(root, &text);
		buf_clear(&text);
		json_write_pretty(root, &text);
		assert_reads_back(root, &text);
	}
	buf_fini(&text);
	diag_fini(&d);
	pool_fini(&pool);
	return 0;
}
