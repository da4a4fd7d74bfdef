#include "fuzz.h"

/*
 * The first byte says which kind of resource the rest is. It compiles or is refused with a
 * reason; a part can be dumped and compiles to the same again. Nothing is left behind.
 */

#include <assert.h>

#include "base/mem.h"
#include "codec/node.h"
#include "model/part.h"

static void check_part(const struct part *p)
{
	struct diag d = DIAG_INIT;
	struct pool pool = POOL_INIT(0);
	struct part *again = NULL;
	int r = part_compile(p->kind, p->raw, STR_EMPTY, &again, &d);

	assert(r == 0);
	assert(str_eq(again->name, p->name) && p->name.len > 0);
	assert(again->pool.used_bytes == p->pool.used_bytes);
	assert(part_dump(again, &pool)->kind == NODE_MAP);
	part_unref(again);
	pool_fini(&pool);
	diag_fini(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t before = mem_live_bytes();
	struct part *p = NULL;
	struct diag d = DIAG_INIT;

	if (size == 0)
		return 0;
	if (part_compile(data[0] % PART_KIND_COUNT, str_of((const char *)data + 1, size - 1),
			 STR_EMPTY, &p, &d) < 0)
		assert(!p && d.error && d.text);
	else
		check_part(p);
	part_unref(p);
	diag_fini(&d);
	assert(mem_live_bytes() == before);
	return 0;
}
