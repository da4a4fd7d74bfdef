/*
 * Messages to binary, canonically
 *
 * Fields ascend by number, defaults are left out, repeated numbers are packed, entries of maps
 * are sorted by key. So equal messages have equal bytes, and the hash of the bytes is the
 * version of a resource.
 */

#include "codec/pb_message_read.h"

#include <assert.h>

#include "base/mem.h"

static void encode_message(const struct pb_message *m, struct buf *out);

static uint32_t float_bits(double real)
{
	float single = (float)real;
	uint32_t bits;

	memcpy(&bits, &single, sizeof(bits));
	return bits;
}

static void encode_value(const struct pb_field_desc *f, const union pb_value *value,
			 struct buf *out)
{
	size_t mark;

	switch (f->type) {
	case PB_TYPE_STRING:
	case PB_TYPE_BYTES:
		pb_write_bytes(out, f->number, value->text);
		break;
	case PB_TYPE_MESSAGE:
		mark = pb_begin(out, f->number);
		encode_message(value->message, out);
		pb_finish(out, mark);
		break;
	case PB_TYPE_FLOAT:
		pb_write_fixed32(out, f->number, float_bits(value->real));
		break;
	case PB_TYPE_FIXED64:
	case PB_TYPE_SFIXED64:
	case PB_TYPE_DOUBLE:
		pb_write_fixed64(out, f->number, value->unsigned_number);
		break;
	default:
		pb_write_varint(out, f->number, value->unsigned_number);
		break;
	}
}

static void encode_packed(const struct pb_field_desc *f, const struct pb_slot *slot,
			  struct buf *out)
{
	size_t mark = pb_begin(out, f->number);

	for (uint32_t i = 0; i < slot->count; i++) {
		const union pb_value *value = &slot->many[i];

		switch (f->type) {
		case PB_TYPE_FLOAT:
			pb_append_fixed32(out, float_bits(value->real));
			break;
		case PB_TYPE_FIXED64:
		case PB_TYPE_SFIXED64:
		case PB_TYPE_DOUBLE:
			pb_append_fixed64(out, value->unsigned_number);
			break;
		default:
			pb_append_varint(out, value->unsigned_number);
			break;
		}
	}
	pb_finish(out, mark);
}

/* What was built may have its entries in any order; the message is not ours to change. */
static void encode_map(const struct pb_field_desc *f, const struct pb_slot *slot, struct buf *out)
{
	cleanup(mem_freep) union pb_value *entries = mem_new_array(union pb_value, slot->count);

	memcpy(entries, slot->many, slot->count * sizeof(*entries));
	qsort(entries, slot->count, sizeof(*entries), pb_entry_compare);
	for (uint32_t i = 0; i < slot->count; i++) {
		bool last = i + 1 == slot->count ||
			    !pb_entry_keys_equal(entries[i].message, entries[i + 1].message);

		if (last)
			encode_value(f, &entries[i], out);
	}
}

static void encode_repeated(const struct pb_field_desc *f, const struct pb_slot *slot,
			    struct buf *out)
{
	bool numbers =
		f->type != PB_TYPE_STRING && f->type != PB_TYPE_BYTES && f->type != PB_TYPE_MESSAGE;

	if (!slot->count)
		return;
	if (f->map)
		encode_map(f, slot, out);
	else if (numbers)
		encode_packed(f, slot, out);
	else
		for (uint32_t i = 0; i < slot->count; i++)
			encode_value(f, &slot->many[i], out);
}

static void encode_message(const struct pb_message *m, struct buf *out)
{
	for (unsigned i = 0; i < m->desc->field_count; i++) {
		const struct pb_field_desc *f = &m->desc->fields[i];
		const struct pb_slot *slot = &m->slots[i];

		if (f->repeated)
			encode_repeated(f, slot, out);
		else if (slot->count && !pb_is_default(f, &slot->one))
			encode_value(f, &slot->one, out);
	}
}

void pb_encode(const struct pb_message *m, struct buf *out)
{
	encode_message(m, out);
}
