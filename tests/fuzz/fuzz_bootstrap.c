#include "fuzz.h"

/*
 * A file is a bootstrap or is refused with a reason, and nothing is left behind. What was
 * accepted is a set of parts that compile again from their own bytes, and that can be dumped.
 */

#include <assert.h>

#include "base/mem.h"
#include "codec/node.h"
#include "model/bootstrap.h"

static void check_part(const struct part *p)
{
	struct diag d = DIAG_INIT;
	struct pool pool = POOL_INIT(0);
	struct part *again = NULL;
	int r = part_compile(p->kind, p->raw, STR_EMPTY, &again, &d);

	assert(r == 0);
	assert(str_eq(again->name, p->name));
	assert(part_dump(again, &pool)->kind == NODE_MAP);
	part_unref(again);
	pool_fini(&pool);
	diag_fini(&d);
}

static void check_parts(const struct part_list *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		check_part(list->items[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t before = mem_live_bytes();
	struct bootstrap *b = NULL;
	struct diag d = DIAG_INIT;

	if (bootstrap_parse("input", str_of((const char *)data, size), &b, &d) < 0) {
		assert(!b);
		assert(d.error && d.text && d.file);
	} else {
		assert(!d.error);
		check_parts(&b->listeners);
		check_parts(&b->clusters);
		check_parts(&b->secrets);
	}
	bootstrap_free(b);
	diag_fini(&d);
	assert(mem_live_bytes() == before);
	return 0;
}
