#include "fuzz.h"

/*
 * What yaml_parse() accepts, the YAML and the JSON writer write so that it reads back as the
 * same value, paths lead back to their nodes, and what was refused says where.
 */

#include <assert.h>

#include "codec/node.h"

#include "base/mem.h"

static void assert_reads_back(const struct node *root, const struct buf *text)
{
	struct pool pool = POOL_INIT(0);
	struct node_documents again = { 0 };

	if (yaml_parse(buf_str(text), NULL, &pool, &again, NULL) < 0)
		assert(!"what was written does not read back");
	assert(again.count == 1);
	assert(node_eq(root, again.items[0]));
	pool_fini(&pool);
}

static void check_document(const struct node *root)
{
	struct buf text = BUF_INIT(0);

	yaml_write(root, &text);
	assert_reads_back(root, &text);
	buf_clear(&text);
	json_write(root, &text);
	assert_reads_back(root, &text);
	buf_fini(&text);
}

static void check_paths(const struct node *root, const struct node *n)
{
	struct buf text = BUF_INIT(0);
	char *path;

	node_path(n, &text);
	path = buf_take_text(&text);
	assert(node_at(root, path) == n);
	mem_free(path);
	node_for_each (child, n)
		check_paths(root, child);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct node_limits limits = { .depth_max = 20, .nodes_max = 2000, .aliases_max = 500 };
	struct node_documents documents = { 0 };
	struct pool pool = POOL_INIT(0);
	struct diag d = DIAG_INIT;

	if (yaml_parse(str_of((const char *)data, size), &limits, &pool, &documents, &d) < 0)
		assert(d.error && d.text && d.at.line && d.at.column);
	for (size_t i = 0; i < documents.count; i++) {
		check_document(documents.items[i]);
		check_paths(documents.items[i], documents.items[i]);
	}
	diag_fini(&d);
	pool_fini(&pool);
	return 0;
}
