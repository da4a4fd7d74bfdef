#include "fuzz.h"

/*
 * The file of kept resources, as it is after an odd first byte: with a right head and checksum
 * around it otherwise, so that the content is reached. What is taken can be written again and is
 * then the same.
 */

#include <assert.h>

#include "base/mem.h"
#include "codec/pb.h"
#include "xds/kept.h"

static const struct kept_owner owner = { STR_INIT("shop/web-1"),
					 STR_INIT("spiffe://weft.local/ns/shop/sa/web") };

static void write_again(struct kept k, struct buf *out)
{
	struct kept_resource r;
	uint32_t count = 0;

	kept_begin(out, &owner, k.revision);
	for (uint32_t all = k.count; kept_next(&k, &r); count++) {
		assert(count < all);
		assert(r.type < XDS_TYPE_COUNT && r.type != XDS_SECRET);
		assert(r.name.len);
		kept_add(out, &r);
	}
	assert(count == k.count);
	if (kept_finish(out) < 0)
		assert(!"it was small enough before");
}

static bool resource_eq(const struct kept_resource *a, const struct kept_resource *b)
{
	return a->type == b->type && str_eq(a->name, b->name) && str_eq(a->version, b->version) &&
	       str_eq(a->bytes, b->bytes);
}

static void check(struct kept k)
{
	struct buf file = BUF_INIT(0);
	struct kept_resource r, same;
	struct kept again;

	write_again(k, &file);
	if (kept_open(buf_str(&file), &owner, &again, NULL) < 0)
		assert(!"what was written is read");
	assert(again.revision == k.revision && again.count == k.count);
	while (kept_next(&k, &r)) {
		bool found = kept_next(&again, &same);

		assert(found && resource_eq(&r, &same));
	}
	buf_fini(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t before = mem_live_bytes();
	struct buf file = BUF_INIT(0);
	struct diag d = DIAG_INIT;
	struct kept k;

	if (!size)
		return 0;
	if (data[0] % 2 == 0) {
		buf_append_str(&file, STR("WEFTKEPT"));
		pb_append_fixed32(&file, KEPT_FORMAT);
	}
	buf_append(&file, data + 1, size - 1);
	if (data[0] % 2 == 0 && kept_finish(&file) < 0)
		assert(!"there is no limit");
	if (kept_open(buf_str(&file), &owner, &k, &d) == 0)
		check(k);
	else
		assert(d.text);
	diag_fini(&d);
	buf_fini(&file);
	assert(mem_live_bytes() == before);
	return 0;
}
