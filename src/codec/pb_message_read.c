#include "codec/pb_message_read.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* Of google.protobuf.Duration and Timestamp. */
#define DURATION_SECONDS_MAX  INT64_C(315576000000)
#define TIMESTAMP_SECONDS_MIN INT64_C(-62135596800)
#define TIMESTAMP_SECONDS_MAX INT64_C(253402300799)
#define NANOS_MAX             999999999

struct pb_reader pb_reader_of(struct pool *pool, struct pb_report *report, struct diag *d)
{
	return (struct pb_reader){
		.pool = pool, .pool_bytes_before = pool->used_bytes, .report = report, .d = d
	};
}

static void place_path(const struct pb_place *place, struct buf *out)
{
	if (place->node) {
		node_path(place->node, out);
		return;
	}
	pb_path(place->m, out);
	if (place->field)
		buf_printf(out, "%s%s", buf_len(out) ? "." : "", place->field->name);
}

static struct position place_position(const struct pb_place *place)
{
	if (!place->node)
		return place->m->at;
	return place->key && place->node->key_at.line ? place->node->key_at : place->node->at;
}

static int fail_at(struct pb_reader *r, const struct pb_place *place, int error, const char *format,
		   va_list args)
{
	struct buf text = BUF_INIT(0);
	struct buf path = BUF_INIT(0);

	if (!r->d || r->d->error)
		return error;
	buf_vprintf(&text, format, args);
	place_path(place, &path);
	diag_fail(r->d, error, "%.*s", STR_ARGS(buf_str(&text)));
	diag_at(r->d, place_position(place));
	if (buf_len(&path))
		diag_path(r->d, buf_str(&path));
	buf_fini(&text);
	buf_fini(&path);
	return error;
}

int pb_reader_fail(struct pb_reader *r, const struct pb_place *place, int error, const char *format,
		   ...)
{
	va_list args;

	va_start(args, format);
	fail_at(r, place, error, format, args);
	va_end(args);
	return error;
}

static void report_warning(struct pb_reader *r, const struct pb_place *place, const char *format,
			   va_list args)
{
	struct buf text = BUF_INIT(0);

	if (!r->report || r->report->warnings++)
		return;
	place_path(place, &text);
	if (buf_len(&text))
		buf_append_str(&text, STR(": "));
	buf_vprintf(&text, format, args);
	snprintf(r->report->first_warning, sizeof(r->report->first_warning), "%.*s",
		 STR_ARGS(buf_str(&text)));
	buf_fini(&text);
}

int pb_reader_refuse(struct pb_reader *r, const struct pb_place *place, enum pb_class klass,
		     const char *format, ...)
{
	va_list args;
	int result = 0;

	va_start(args, format);
	if (klass >= PB_SEMANTIC)
		result = fail_at(r, place, ERR_UNSUPPORTED, format, args);
	else if (klass == PB_DEGRADE)
		report_warning(r, place, format, args);
	else if (r->report)
		r->report->ignored++;
	va_end(args);
	return result;
}

int pb_reader_room(struct pb_reader *r, const struct pb_place *place, const struct pb_message *m,
		   unsigned field)
{
	const struct pb_field_desc *f = &m->desc->fields[field];
	uint32_t limit = f->limit ? f->limit : PB_LIST_MAX;

	if (f->repeated && m->slots[field].count >= limit)
		return pb_reader_fail(r, place, ERR_LIMIT, "more than %" PRIu32 " entries", limit);
	if (r->pool->used_bytes - r->pool_bytes_before > PB_MEMORY_MAX)
		return pb_reader_fail(r, place, ERR_LIMIT, "needs more than %zu MiB of memory",
				      PB_MEMORY_MAX >> 20);
	return 0;
}

int pb_reader_message(struct pb_reader *r, const struct pb_place *place, struct pb_message *m,
		      unsigned field, struct pb_message **ret_message)
{
	int error = pb_reader_room(r, place, m, field);

	if (error < 0)
		return error;
	*ret_message = pb_add_message(m, field);
	return 0;
}

static int check_enum(struct pb_reader *r, const struct pb_place *place, int64_t number,
		      bool *ret_keep)
{
	const struct pb_field_desc *f = place->field;
	const struct pb_enum_desc *e = f->enumeration;

	*ret_keep = false;
	for (uint16_t i = 0; i < e->value_count; i++) {
		const struct pb_enum_value *value = &e->values[i];

		if (value->number != number)
			continue;
		if (value->unsupported)
			return pb_reader_refuse(r, place, f->klass,
						"%s is not supported by this version", value->name);
		*ret_keep = true;
		return 0;
	}
	return pb_reader_refuse(r, place, f->klass, "%" PRId64 " is no value of %s", number,
				e->name);
}

int pb_reader_number(struct pb_reader *r, const struct pb_place *place, int64_t number,
		     bool *ret_keep)
{
	const struct pb_field_desc *f = place->field;

	*ret_keep = true;
	if (f->type == PB_TYPE_ENUM)
		return check_enum(r, place, number, ret_keep);
	/* A negative number is beyond every maximum: none is given to a field that may have one. */
	if (f->max && (uint64_t)number > f->max)
		return pb_reader_fail(r, place, ERR_CONFIG, "is more than %" PRIu64, f->max);
	return 0;
}

int pb_reader_text(struct pb_reader *r, const struct pb_place *place, struct str text)
{
	const struct pb_field_desc *f = place->field;
	uint32_t limit = f->limit && !f->repeated ? f->limit : PB_TEXT_MAX;

	if (text.len > limit)
		return pb_reader_fail(r, place, ERR_LIMIT, "longer than %" PRIu32 " bytes", limit);
	if (f->type == PB_TYPE_STRING && !str_is_utf8(text))
		return pb_reader_fail(r, place, ERR_PROTO, "is not UTF-8");
	/* Elsewhere it ends a text: what is checked here would be used there only in part. */
	if (f->type == PB_TYPE_STRING && f->klass != PB_OPEN && text.len &&
	    memchr(text.ptr, 0, text.len))
		return pb_reader_fail(r, place, ERR_PROTO, "holds a NUL");
	return 0;
}

bool pb_is_default(const struct pb_field_desc *f, const union pb_value *value)
{
	if (f->presence || f->repeated)
		return false;
	switch (f->type) {
	case PB_TYPE_STRING:
	case PB_TYPE_BYTES:
		return value->text.len == 0;
	case PB_TYPE_FLOAT:
	case PB_TYPE_DOUBLE:
		/* By its bits: minus zero is written. */
		return value->unsigned_number == 0;
	default:
		return value->number == 0;
	}
}

/* A default is absent, but remembered as seen: capacity says so. */
void pb_put(struct pb_message *m, unsigned field, union pb_value value)
{
	const struct pb_field_desc *f = &m->desc->fields[field];

	if (f->repeated && (f->type == PB_TYPE_STRING || f->type == PB_TYPE_BYTES))
		pb_add_text(m, field, value.text);
	else if (f->repeated)
		pb_add_number(m, field, value.number);
	else if (f->type == PB_TYPE_STRING || f->type == PB_TYPE_BYTES)
		pb_set_text(m, field, value.text);
	else
		pb_set_number(m, field, value.number);
	if (!f->repeated && pb_is_default(f, &value))
		m->slots[field].count = 0;
}

const struct pb_field_desc *pb_seen_before(const struct pb_message *m, unsigned field)
{
	const struct pb_field_desc *f = &m->desc->fields[field];

	if (f->repeated)
		return NULL;
	if (m->slots[field].capacity)
		return f;
	for (unsigned i = 0; f->oneof >= 0 && i < m->desc->field_count; i++)
		if (m->desc->fields[i].oneof == f->oneof && m->slots[i].capacity)
			return &m->desc->fields[i];
	return NULL;
}

/* Finishing */

static int64_t number_of(const struct pb_message *m, unsigned field)
{
	return m->slots[field].count ? m->slots[field].one.number : 0;
}

static int check_duration(struct pb_reader *r, const struct pb_message *m)
{
	const struct pb_place place = { .m = m };
	int64_t seconds = number_of(m, 0);
	int64_t nanos = number_of(m, 1);

	if (seconds < -DURATION_SECONDS_MAX || seconds > DURATION_SECONDS_MAX ||
	    nanos < -NANOS_MAX || nanos > NANOS_MAX || (seconds > 0 && nanos < 0) ||
	    (seconds < 0 && nanos > 0))
		return pb_reader_fail(r, &place, ERR_CONFIG, "is out of the range of a duration");
	return 0;
}

static int check_timestamp(struct pb_reader *r, const struct pb_message *m)
{
	const struct pb_place place = { .m = m };
	int64_t seconds = number_of(m, 0);
	int64_t nanos = number_of(m, 1);

	if (seconds < TIMESTAMP_SECONDS_MIN || seconds > TIMESTAMP_SECONDS_MAX || nanos < 0 ||
	    nanos > NANOS_MAX)
		return pb_reader_fail(r, &place, ERR_CONFIG, "is out of the range of a timestamp");
	return 0;
}

static int check_oneofs(struct pb_reader *r, const struct pb_message *m)
{
	const struct pb_place place = { .m = m };

	for (uint8_t i = 0; i < m->desc->oneof_count; i++) {
		if (!(m->desc->oneofs_required >> i & 1) || pb_which(m, m->desc->oneofs[i]) >= 0)
			continue;
		return pb_reader_fail(r, &place, ERR_CONFIG, "needs one of its %s",
				      m->desc->oneofs[i]);
	}
	return 0;
}

/* (weft.max) of a wrapper stands at the field that has it. */
static int check_wrapped(struct pb_reader *r, const struct pb_message *m,
			 const struct pb_field_desc *f)
{
	const struct pb_place place = { .m = m };

	if (f->max && m->desc->wellknown == PB_WELLKNOWN_WRAPPER &&
	    (uint64_t)number_of(m, 0) > f->max)
		return pb_reader_fail(r, &place, ERR_CONFIG, "is more than %" PRIu64, f->max);
	return 0;
}

static int compare_keys(const struct pb_message *a, const struct pb_message *b)
{
	int64_t x, y;

	if (a->desc->fields[0].type == PB_TYPE_STRING)
		return str_cmp(pb_text(a, 0), pb_text(b, 0));
	x = number_of(a, 0);
	y = number_of(b, 0);
	return x < y ? -1 : x > y;
}

int pb_entry_compare(const void *a, const void *b)
{
	const struct pb_message *x = ((const union pb_value *)a)->message;
	const struct pb_message *y = ((const union pb_value *)b)->message;
	int order = compare_keys(x, y);

	if (order)
		return order;
	return x->parent_index < y->parent_index ? -1 : x->parent_index > y->parent_index;
}

bool pb_entry_keys_equal(const struct pb_message *a, const struct pb_message *b)
{
	return compare_keys(a, b) == 0;
}

static int finish_map(struct pb_reader *r, const struct pb_place *place, struct pb_slot *slot)
{
	uint32_t kept = 0;

	if (slot->count > 1)
		qsort(slot->many, slot->count, sizeof(*slot->many), pb_entry_compare);
	for (uint32_t i = 0; i < slot->count; i++) {
		bool twice = kept > 0 && pb_entry_keys_equal(slot->many[kept - 1].message,
							     slot->many[i].message);

		if (twice && place->field->klass == PB_CLOSED)
			return pb_reader_fail(r, place, ERR_PROTO, "has a key twice");
		kept -= twice;
		slot->many[kept++] = slot->many[i];
	}
	slot->count = kept;
	for (uint32_t i = 0; i < kept; i++)
		slot->many[i].message->parent_index = i;
	return 0;
}

static int finish_field(struct pb_reader *r, struct pb_message *m, unsigned field)
{
	const struct pb_field_desc *f = &m->desc->fields[field];
	struct pb_slot *slot = &m->slots[field];
	const struct pb_place place = { .m = m, .field = f };

	if (f->required && !slot->count)
		return pb_reader_fail(r, &place, ERR_CONFIG, "is missing");
	if (f->map && finish_map(r, &place, slot) < 0)
		return ERR_PROTO;
	for (uint32_t i = 0; f->type == PB_TYPE_MESSAGE && i < slot->count; i++) {
		struct pb_message *sub = f->repeated ? slot->many[i].message : slot->one.message;
		int error = check_wrapped(r, sub, f);

		if (error == 0)
			error = pb_reader_finish(r, sub);
		if (error < 0)
			return error;
	}
	return 0;
}

int pb_reader_finish(struct pb_reader *r, struct pb_message *m)
{
	int error = 0;

	if (m->desc->wellknown == PB_WELLKNOWN_DURATION)
		return check_duration(r, m);
	if (m->desc->wellknown == PB_WELLKNOWN_TIMESTAMP)
		return check_timestamp(r, m);
	for (unsigned i = 0; error == 0 && i < m->desc->field_count; i++)
		error = finish_field(r, m, i);
	return error < 0 ? error : check_oneofs(r, m);
}
