#include "fuzz.h"

/*
 * Documents that are read: their canonical form reads back to the same bytes, differs from
 * itself in nothing and from another only where their bytes differ, and the checks of all
 * together hold for any. What was refused has a code.
 */

#include <assert.h>

#include "mesh/attach.h"
#include "mesh/check.h"

#include "base/mem.h"

static void check_canonical(const struct document *doc)
{
	struct pool pool = POOL_INIT(0);
	struct documents again = { 0 };
	struct buf first = BUF_INIT(0);
	struct buf second = BUF_INIT(0);

	document_canonical_json(doc, &first);
	if (documents_parse(buf_str(&first), NULL, &pool, &again, NULL) < 0)
		assert(!"the canonical form does not read back");
	assert(again.count == 1);
	document_canonical_json(again.items[0], &second);
	assert(str_eq(buf_str(&first), buf_str(&second)));
	assert(document_diff(doc, again.items[0], &pool).count == 0);
	buf_fini(&first);
	buf_fini(&second);
	pool_fini(&pool);
}

static void check_diff(const struct document *a, const struct document *b)
{
	struct pool pool = POOL_INIT(0);
	struct differences found;
	bool equal;

	if (a->kind != b->kind)
		return;
	found = document_diff(a, b, &pool);
	equal = node_eq(document_canonical(a, &pool), document_canonical(b, &pool));
	assert(equal == (found.count == 0));
	pool_fini(&pool);
}

static void check_together(const struct documents *documents, struct pool *pool)
{
	struct document_index *x = document_index_new(documents, pool);
	struct findings findings = check_documents(x, pool);

	for (uint32_t i = 0; i < findings.count; i++) {
		struct diag d = DIAG_INIT;

		finding_diag(&findings.items[i], &d);
		assert(d.error && d.code && d.text);
		diag_fini(&d);
	}
	for (uint32_t i = 0; i < documents->count; i++) {
		const struct document *doc = documents->items[i];

		assert(document_index_get(x, doc->kind->id, doc->name_space, doc->name) == doc);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pool pool = POOL_INIT(0);
	struct documents documents = { 0 };
	struct diag d = DIAG_INIT;

	if (documents_parse(str_of((const char *)data, size), NULL, &pool, &documents, &d) < 0) {
		assert(d.error && d.text && d.code && d.at.line);
	} else {
		for (uint32_t i = 0; i < documents.count; i++) {
			check_canonical(documents.items[i]);
			check_diff(documents.items[0], documents.items[i]);
		}
		check_together(&documents, &pool);
	}
	diag_fini(&d);
	pool_fini(&pool);
	return 0;
}
