/*
 * Binary to messages
 *
 * The wire format allows much that no honest encoder writes: singular fields twice, both
 * members of a oneof, numbers that do not fit. Two readers that resolve these differently see
 * two messages in one, so messages of the class closed take none of it; elsewhere the rules
 * of protobuf hold: the last scalar wins, messages merge.
 */

#include "codec/pb_message_read.h"

#include <assert.h>
#include <inttypes.h>

/* How a value of each type stands on the wire when it is not packed. */
static const enum pb_wire wire_of_type[] = {
	[PB_TYPE_BOOL] = PB_VARINT,     [PB_TYPE_INT32] = PB_VARINT,
	[PB_TYPE_INT64] = PB_VARINT,    [PB_TYPE_UINT32] = PB_VARINT,
	[PB_TYPE_UINT64] = PB_VARINT,   [PB_TYPE_SFIXED64] = PB_FIXED64,
	[PB_TYPE_FIXED64] = PB_FIXED64, [PB_TYPE_FLOAT] = PB_FIXED32,
	[PB_TYPE_DOUBLE] = PB_FIXED64,  [PB_TYPE_ENUM] = PB_VARINT,
	[PB_TYPE_STRING] = PB_BYTES,    [PB_TYPE_BYTES] = PB_BYTES,
	[PB_TYPE_MESSAGE] = PB_BYTES,
};

static int decode_message(struct pb_reader *r, struct pb_message *m, struct str bytes,
			  unsigned depth);

/* Index of the field, or -1. Encoders write in order: the next one is looked at first. */
static int field_find(const struct pb_desc *desc, uint32_t number, unsigned next)
{
	unsigned low = 0;
	unsigned high = desc->field_count;

	for (unsigned i = next; i < desc->field_count && i < next + 2; i++)
		if (desc->fields[i].number == number)
			return (int)i;
	while (low < high) {
		unsigned middle = low + (high - low) / 2;

		if (desc->fields[middle].number == number)
			return (int)middle;
		if (desc->fields[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return -1;
}

/* The raw bits as a value of the field's type. False: out of its range. */
static bool scalar_of(const struct pb_field_desc *f, uint64_t raw, union pb_value *ret_value)
{
	union pb_value value = { .unsigned_number = raw };

	switch (f->type) {
	case PB_TYPE_BOOL:
		if (raw > 1)
			return false;
		break;
	case PB_TYPE_INT32:
	case PB_TYPE_ENUM:
		if (value.number < INT32_MIN || value.number > INT32_MAX)
			return false;
		break;
	case PB_TYPE_UINT32:
		if (raw > UINT32_MAX)
			return false;
		break;
	case PB_TYPE_FLOAT: {
		uint32_t bits = (uint32_t)raw;
		float real;

		memcpy(&real, &bits, sizeof(real));
		value.real = real;
		break;
	}
	default:
		break;
	}
	*ret_value = value;
	return true;
}

static int decode_scalar(struct pb_reader *r, const struct pb_place *place, struct pb_message *m,
			 unsigned field, uint64_t raw)
{
	union pb_value value;
	bool keep;
	int error = pb_reader_room(r, place, m, field);

	if (error < 0)
		return error;
	if (!scalar_of(place->field, raw, &value))
		return pb_reader_fail(r, place, ERR_PROTO, "is out of range");
	if (place->field->type == PB_TYPE_FLOAT || place->field->type == PB_TYPE_DOUBLE) {
		pb_put(m, field, value);
		return 0;
	}
	error = pb_reader_number(r, place, value.number, &keep);
	if (error == 0 && keep)
		pb_put(m, field, value);
	return error;
}

static int decode_packed(struct pb_reader *r, const struct pb_place *place, struct pb_message *m,
			 unsigned field, struct str bytes)
{
	struct pb_cursor c = pb_cursor_of(bytes);
	enum pb_wire wire = wire_of_type[place->field->type];

	while (c.at != c.end) {
		uint64_t raw;
		bool read = wire == PB_VARINT    ? pb_read_varint(&c, &raw)
			    : wire == PB_FIXED32 ? pb_read_fixed32(&c, &raw)
						 : pb_read_fixed64(&c, &raw);

		if (!read)
			return pb_reader_fail(r, place, ERR_PROTO, "ends within a number");

		int error = decode_scalar(r, place, m, field, raw);

		if (error < 0)
			return error;
	}
	return 0;
}

static int decode_text(struct pb_reader *r, const struct pb_place *place, struct pb_message *m,
		       unsigned field, struct str bytes)
{
	int error = pb_reader_room(r, place, m, field);

	if (error == 0)
		error = pb_reader_text(r, place, bytes);
	if (error == 0)
		pb_put(m, field, (union pb_value){ .text = bytes });
	return error;
}

/* A singular message that is there already takes what comes on top. */
static int decode_sub(struct pb_reader *r, const struct pb_place *place, struct pb_message *m,
		      unsigned field, struct str bytes, unsigned depth)
{
	struct pb_slot *slot = &m->slots[field];
	struct pb_message *sub = slot->one.message;
	/* The entry of a map is no level that anybody wrote. */
	unsigned below = place->field->map ? depth : depth + 1;

	if (below > PB_DEPTH_MAX)
		return pb_reader_fail(r, place, ERR_LIMIT, "nested deeper than %d messages",
				      PB_DEPTH_MAX);
	if (place->field->repeated || !slot->count) {
		int error = pb_reader_message(r, place, m, field, &sub);

		if (error < 0)
			return error;
	}
	return decode_message(r, sub, bytes, below);
}

static int check_seen(struct pb_reader *r, const struct pb_place *place, const struct pb_message *m,
		      unsigned field)
{
	const struct pb_field_desc *other = pb_seen_before(m, field);

	if (!other || (m->desc->klass != PB_CLOSED && place->field->klass != PB_CLOSED))
		return 0;
	if (other == place->field)
		return pb_reader_fail(r, place, ERR_PROTO, "stands twice");
	return pb_reader_fail(r, place, ERR_PROTO, "stands beside %s, which excludes it",
			      other->name);
}

/* Known by name, but not implemented. A scalar with the value that absent means says nothing. */
static int decode_unsupported(struct pb_reader *r, const struct pb_place *place,
			      const struct pb_field *wire)
{
	union pb_value value = { .unsigned_number = wire->value };

	if (wire->wire == PB_BYTES)
		value.text = wire->bytes;
	if (pb_is_default(place->field, &value))
		return 0;
	return pb_reader_refuse(r, place, place->field->klass, "is not supported by this version");
}

static int decode_field(struct pb_reader *r, struct pb_message *m, unsigned field,
			const struct pb_field *wire, unsigned depth)
{
	const struct pb_field_desc *f = &m->desc->fields[field];
	const struct pb_place place = { .m = m, .field = f };
	bool packed = f->repeated && wire->wire == PB_BYTES && wire_of_type[f->type] != PB_BYTES;
	int error;

	if (wire->wire != wire_of_type[f->type] && !packed)
		return pb_reader_fail(r, &place, ERR_PROTO, "has wire type %d", wire->wire);
	if (f->unsupported)
		return decode_unsupported(r, &place, wire);
	error = check_seen(r, &place, m, field);
	if (error < 0)
		return error;
	if (packed)
		return decode_packed(r, &place, m, field, wire->bytes);
	if (f->type == PB_TYPE_MESSAGE)
		return decode_sub(r, &place, m, field, wire->bytes, depth);
	if (wire->wire == PB_BYTES)
		return decode_text(r, &place, m, field, wire->bytes);
	return decode_scalar(r, &place, m, field, wire->value);
}

/* The key or value of an entry may be left out and is then the default. */
static int complete_entry(struct pb_reader *r, struct pb_message *m)
{
	const struct pb_place place = { .m = m };

	for (unsigned i = 0; i < m->desc->field_count; i++) {
		struct pb_message *sub;
		int error = 0;

		if (m->slots[i].count)
			continue;
		if (m->desc->fields[i].type == PB_TYPE_MESSAGE)
			error = pb_reader_message(r, &place, m, i, &sub);
		else
			pb_put(m, i, (union pb_value){ .text = STR_EMPTY });
		if (error < 0)
			return error;
	}
	return 0;
}

static int decode_message(struct pb_reader *r, struct pb_message *m, struct str bytes,
			  unsigned depth)
{
	const struct pb_place place = { .m = m };
	struct pb_cursor c = pb_cursor_of(bytes);
	unsigned next = 0;

	for (;;) {
		struct pb_field wire;
		enum pb_next found = pb_next(&c, &wire);
		int error;

		if (found == PB_END)
			return m->desc->entry ? complete_entry(r, m) : 0;
		if (found == PB_MALFORMED)
			return pb_reader_fail(r, &place, ERR_PROTO, "is no valid %s",
					      m->desc->name);

		int field = field_find(m->desc, wire.number, next);

		if (field < 0) {
			error = pb_reader_refuse(
				r, &place, m->desc->klass,
				"field number %" PRIu32 " is unknown to this version", wire.number);
		} else {
			error = decode_field(r, m, (unsigned)field, &wire, depth);
			next = (unsigned)field;
		}
		if (error < 0)
			return error;
	}
}

static int decode_root(struct pb_message *m, struct str bytes, struct pb_report *report,
		       struct diag *d)
{
	struct pb_reader r = pb_reader_of(m->pool, report, d);
	const struct pb_place place = { .m = m };
	int error;

	if (m->desc->unsupported)
		return pb_reader_fail(&r, &place, ERR_UNSUPPORTED,
				      "%s is not supported by this version", m->desc->name);
	error = decode_message(&r, m, bytes, 1);
	return error < 0 ? error : pb_reader_finish(&r, m);
}

int pb_decode(const struct pb_desc *desc, struct str bytes, struct pool *pool,
	      struct pb_message **ret_message, struct pb_report *report, struct diag *d)
{
	struct pb_message *m = pb_new(desc, pool);
	int error = decode_root(m, bytes, report, d);

	if (error == 0)
		*ret_message = m;
	return error;
}

int pb_open_any(const struct pb_message *any, struct pool *pool, struct pb_message **ret_message,
		struct pb_report *report, struct diag *d)
{
	struct pb_message *m = NULL;
	const struct pb_desc *desc;

	if (any && any->any_opened) {
		*ret_message = any->any_opened;
		return 0;
	}
	if (any) {
		assert(any->desc->wellknown == PB_WELLKNOWN_ANY);

		struct str type_url = pb_text(any, PB_ANY_TYPE_URL);

		desc = pb_desc_by_type_url(type_url);
		if (!desc)
			return pb_fail(d, any, ERR_UNSUPPORTED,
				       "type \"%.*s\" is not known to this version",
				       STR_ARGS(type_url));
		m = pb_new(desc, pool);
		m->parent = (struct pb_message *)any;
		m->parent_field = PB_ANY_VALUE;
		m->at = any->at;

		int error = decode_root(m, pb_text(any, PB_ANY_VALUE), report, d);

		if (error < 0)
			return error;
	}
	*ret_message = m;
	return 0;
}
