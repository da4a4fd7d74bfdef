#include "fuzz.h"

/*
 * pb_next() stays within its bytes, and what it takes for fields is written back as fields
 * with the same values.
 */

#include <assert.h>

#include "codec/pb.h"

static void write_field(const struct pb_field *f, struct buf *out)
{
	switch (f->wire) {
	case PB_VARINT:
		pb_write_varint(out, f->number, f->value);
		break;
	case PB_FIXED64:
		pb_write_fixed64(out, f->number, f->value);
		break;
	case PB_FIXED32:
		pb_write_fixed32(out, f->number, (uint32_t)f->value);
		break;
	case PB_BYTES: {
		size_t mark = pb_begin(out, f->number);

		buf_append_str(out, f->bytes);
		pb_finish(out, mark);
		break;
	}
	}
}

static void read_packed(struct str bytes)
{
	struct pb_cursor varints = pb_cursor_of(bytes);
	struct pb_cursor fixed = pb_cursor_of(bytes);
	uint64_t value;

	while (pb_read_varint(&varints, &value))
		assert(varints.at <= varints.end);
	while (pb_read_fixed32(&fixed, &value) && pb_read_fixed64(&fixed, &value))
		assert(fixed.at <= fixed.end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pb_cursor c = pb_cursor_of(str_of((const char *)data, size));
	struct buf out = BUF_INIT(0);
	struct pb_field f;

	while (pb_next(&c, &f) == PB_FIELD) {
		struct pb_cursor again;
		struct pb_field g;

		buf_clear(&out);
		write_field(&f, &out);
		again = pb_cursor_of(buf_str(&out));

		enum pb_next found = pb_next(&again, &g);

		assert(found == PB_FIELD && again.at == again.end);
		assert(f.number == g.number && f.wire == g.wire && f.value == g.value);
		assert(str_eq(f.bytes, g.bytes));
		read_packed(f.bytes);
	}
	assert(c.at <= c.end);
	buf_fini(&out);
	return 0;
}
