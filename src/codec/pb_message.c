#include "codec/pb_message.h"

#include <assert.h>
#include <stdarg.h>

#include "codec/pb_registry.h"

static int compare_name(struct str name, const struct pb_desc *desc)
{
	return str_cmp(name, str_from(desc->name));
}

const struct pb_desc *pb_desc_by_name(struct str full_name)
{
	size_t low = 0;
	size_t high = pb_registry_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare_name(full_name, pb_registry[middle]);

		if (order == 0)
			return pb_registry[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct pb_desc *pb_desc_by_type_url(struct str type_url)
{
	size_t slash = type_url.len;

	while (slash > 0 && type_url.ptr[slash - 1] != '/')
		slash--;
	if (slash == 0)
		return NULL;
	return pb_desc_by_name(str_slice(type_url, slash, type_url.len));
}

/* Slots */

static struct pb_slot *slot_at(struct pb_message *m, unsigned field)
{
	assert(field < m->desc->field_count);
	return &m->slots[field];
}

/* NULL when there is no value. */
static const struct pb_slot *slot_read(const struct pb_message *m, unsigned field)
{
	if (!m)
		return NULL;
	assert(field < m->desc->field_count);
	return m->slots[field].count ? &m->slots[field] : NULL;
}

static const union pb_value *value_one(const struct pb_message *m, unsigned field)
{
	const struct pb_slot *slot = slot_read(m, field);

	assert(!slot || !m->desc->fields[field].repeated);
	return slot ? &slot->one : NULL;
}

static const union pb_value *value_at(const struct pb_message *m, unsigned field, uint32_t i)
{
	const struct pb_slot *slot = slot_read(m, field);

	assert(slot && m->desc->fields[field].repeated);
	assert(i < slot->count);
	return &slot->many[i];
}

struct pb_message *pb_new(const struct pb_desc *desc, struct pool *pool)
{
	size_t slots_bytes = desc->field_count * sizeof(struct pb_slot);
	struct pb_message *m = pool_zalloc(pool, sizeof(*m) + slots_bytes);

	m->desc = desc;
	m->pool = pool;
	return m;
}

/* Room for one more value, the other members of its oneof cleared. */
static union pb_value *value_set(struct pb_message *m, unsigned field)
{
	struct pb_slot *slot = slot_at(m, field);
	int16_t oneof = m->desc->fields[field].oneof;

	assert(!m->desc->fields[field].repeated);
	for (unsigned i = 0; oneof >= 0 && i < m->desc->field_count; i++)
		if (m->desc->fields[i].oneof == oneof)
			m->slots[i] = (struct pb_slot){ 0 };
	slot->count = slot->capacity = 1;
	return &slot->one;
}

static union pb_value *value_add(struct pb_message *m, unsigned field)
{
	struct pb_slot *slot = slot_at(m, field);

	assert(m->desc->fields[field].repeated);
	if (slot->count == slot->capacity) {
		uint32_t capacity = slot->capacity ? slot->capacity * 2 : 4;
		union pb_value *many = pool_new_array(m->pool, union pb_value, capacity);

		if (slot->count)
			memcpy(many, slot->many, slot->count * sizeof(*many));
		slot->many = many;
		slot->capacity = capacity;
	}
	return &slot->many[slot->count++];
}

/* Building */

void pb_set_bool(struct pb_message *m, unsigned field, bool value)
{
	value_set(m, field)->unsigned_number = value;
}

void pb_set_number(struct pb_message *m, unsigned field, int64_t value)
{
	value_set(m, field)->number = value;
}

void pb_set_real(struct pb_message *m, unsigned field, double value)
{
	value_set(m, field)->real = value;
}

void pb_set_text(struct pb_message *m, unsigned field, struct str value)
{
	value_set(m, field)->text = value;
}

struct pb_message *pb_add_message(struct pb_message *m, unsigned field)
{
	assert(field < m->desc->field_count);

	const struct pb_field_desc *f = &m->desc->fields[field];

	assert(f->type == PB_TYPE_MESSAGE);

	struct pb_message *sub = pb_new(f->message, m->pool);

	sub->parent = m;
	sub->parent_field = (uint16_t)field;
	sub->parent_index = f->repeated ? m->slots[field].count : 0;
	(f->repeated ? value_add(m, field) : value_set(m, field))->message = sub;
	return sub;
}

void pb_add_text(struct pb_message *m, unsigned field, struct str value)
{
	value_add(m, field)->text = value;
}

void pb_add_number(struct pb_message *m, unsigned field, int64_t value)
{
	value_add(m, field)->number = value;
}

void pb_add_real(struct pb_message *m, unsigned field, double value)
{
	value_add(m, field)->real = value;
}

struct pb_message *pb_add_entry(struct pb_message *m, unsigned field, struct str key)
{
	struct pb_message *entry = pb_add_message(m, field);

	assert(entry->desc->entry);
	pb_set_text(entry, 0, key);
	return pb_add_message(entry, 1);
}

/* type_url and value are the first and the second field of google.protobuf.Any. */
void pb_set_any(struct pb_message *m, unsigned field, const struct pb_message *value)
{
	struct pb_message *any = pb_add_message(m, field);
	struct buf bytes = BUF_INIT(0);

	assert(any->desc->wellknown == PB_WELLKNOWN_ANY);
	pb_encode(value, &bytes);
	pb_set_text(any, 0, pool_printf(m->pool, "type.googleapis.com/%s", value->desc->name));
	pb_set_text(any, 1, pool_strdup(m->pool, buf_str(&bytes)));
	buf_fini(&bytes);
}

void pb_set_wrapped(struct pb_message *m, unsigned field, uint64_t value)
{
	struct pb_message *wrapper = pb_add_message(m, field);

	assert(wrapper->desc->wellknown == PB_WELLKNOWN_WRAPPER);
	pb_set_number(wrapper, 0, (int64_t)value);
}

void pb_set_wrapped_bool(struct pb_message *m, unsigned field, bool value)
{
	pb_set_wrapped(m, field, value);
}

#define NS_PER_SECOND 1000000000

void pb_set_duration(struct pb_message *m, unsigned field, struct duration d)
{
	struct pb_message *duration = pb_add_message(m, field);

	assert(duration->desc->wellknown == PB_WELLKNOWN_DURATION);
	pb_set_number(duration, 0, d.ns / NS_PER_SECOND);
	pb_set_number(duration, 1, d.ns % NS_PER_SECOND);
}

/* Reading */

bool pb_has(const struct pb_message *m, unsigned field)
{
	return slot_read(m, field) != NULL;
}

bool pb_bool(const struct pb_message *m, unsigned field)
{
	const union pb_value *value = value_one(m, field);

	return value && value->unsigned_number;
}

int64_t pb_number(const struct pb_message *m, unsigned field)
{
	const union pb_value *value = value_one(m, field);

	return value ? value->number : 0;
}

double pb_real(const struct pb_message *m, unsigned field)
{
	const union pb_value *value = value_one(m, field);

	return value ? value->real : 0;
}

struct str pb_text(const struct pb_message *m, unsigned field)
{
	const union pb_value *value = value_one(m, field);

	return value ? value->text : STR_EMPTY;
}

struct pb_message *pb_sub(const struct pb_message *m, unsigned field)
{
	const union pb_value *value = value_one(m, field);

	assert(!value || m->desc->fields[field].type == PB_TYPE_MESSAGE);
	return value ? value->message : NULL;
}

uint32_t pb_count(const struct pb_message *m, unsigned field)
{
	const struct pb_slot *slot = slot_read(m, field);

	return slot ? slot->count : 0;
}

struct pb_message *pb_sub_at(const struct pb_message *m, unsigned field, uint32_t i)
{
	assert(m->desc->fields[field].type == PB_TYPE_MESSAGE);
	return value_at(m, field, i)->message;
}

struct str pb_text_at(const struct pb_message *m, unsigned field, uint32_t i)
{
	return value_at(m, field, i)->text;
}

int64_t pb_number_at(const struct pb_message *m, unsigned field, uint32_t i)
{
	return value_at(m, field, i)->number;
}

double pb_real_at(const struct pb_message *m, unsigned field, uint32_t i)
{
	return value_at(m, field, i)->real;
}

struct pb_message *pb_entry(const struct pb_message *m, unsigned field, struct str key)
{
	for (uint32_t i = 0; i < pb_count(m, field); i++) {
		struct pb_message *entry = pb_sub_at(m, field, i);

		assert(entry->desc->entry);
		if (str_eq(pb_text(entry, 0), key))
			return entry;
	}
	return NULL;
}

const char *pb_enum_name(const struct pb_message *m, unsigned field)
{
	assert(field < m->desc->field_count && m->desc->fields[field].enumeration);

	const struct pb_enum_desc *e = m->desc->fields[field].enumeration;

	for (uint16_t i = 0; i < e->value_count; i++)
		if (e->values[i].number == pb_number(m, field))
			return e->values[i].name;
	return NULL;
}

int pb_which(const struct pb_message *m, const char *oneof)
{
	int16_t index = 0;

	if (!m)
		return -1;
	while (index < m->desc->oneof_count && strcmp(m->desc->oneofs[index], oneof) != 0)
		index++;
	assert(index < m->desc->oneof_count);
	for (unsigned i = 0; i < m->desc->field_count; i++)
		if (m->desc->fields[i].oneof == index && m->slots[i].count)
			return (int)i;
	return -1;
}

uint64_t pb_wrapped(const struct pb_message *m, unsigned field, uint64_t absent)
{
	const struct pb_message *wrapper = pb_sub(m, field);

	assert(!wrapper || wrapper->desc->wellknown == PB_WELLKNOWN_WRAPPER);
	return wrapper ? (uint64_t)pb_number(wrapper, 0) : absent;
}

bool pb_wrapped_bool(const struct pb_message *m, unsigned field, bool absent)
{
	return pb_wrapped(m, field, absent) != 0;
}

struct duration pb_duration(const struct pb_message *m, unsigned field, struct duration absent)
{
	const struct pb_message *duration = pb_sub(m, field);
	int64_t ns;

	if (!duration)
		return absent;
	assert(duration->desc->wellknown == PB_WELLKNOWN_DURATION);
	if (__builtin_mul_overflow(pb_number(duration, 0), (int64_t)NS_PER_SECOND, &ns) ||
	    __builtin_add_overflow(ns, pb_number(duration, 1), &ns))
		return pb_number(duration, 0) < 0 ? DURATION_NS(INT64_MIN) : DURATION_FOREVER;
	return DURATION_NS(ns);
}

/* Paths and failures */

/* As node_path() writes keys, so that a path finds its place in the document again. */
static void path_key(struct str key, struct buf *out)
{
	bool plain = key.len > 0;

	for (size_t i = 0; i < key.len; i++) {
		char c = char_lower(key.ptr[i]);

		plain = plain && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
				  c == '-' || c == '$' || c == '@');
	}
	if (!plain) {
		buf_append_char(out, '[');
		json_write_text(key, out);
		buf_append_char(out, ']');
		return;
	}
	if (buf_len(out))
		buf_append_char(out, '.');
	buf_append_str(out, key);
}

static void path_entry(const struct pb_message *entry, struct buf *out)
{
	if (!pb_has(entry, 0))
		buf_printf(out, "[%u]", entry->parent_index);
	else if (entry->desc->fields[0].type == PB_TYPE_STRING)
		path_key(pb_text(entry, 0), out);
	else
		buf_printf(out, ".%lld", (long long)pb_number(entry, 0));
}

/* What an Any holds and the value of an entry are no steps of their own. */
void pb_path(const struct pb_message *m, struct buf *out)
{
	if (!m->parent)
		return;
	pb_path(m->parent, out);
	if (m->parent->desc->wellknown == PB_WELLKNOWN_ANY || m->parent->desc->entry)
		return;

	const struct pb_field_desc *f = &m->parent->desc->fields[m->parent_field];

	if (buf_len(out))
		buf_append_char(out, '.');
	buf_append_str(out, str_from(f->name));
	if (m->desc->entry)
		path_entry(m, out);
	else if (f->repeated)
		buf_printf(out, "[%u]", m->parent_index);
}

static int fail_at(struct diag *d, const struct pb_message *m, const struct pb_field_desc *f,
		   int error, const char *format, va_list args)
{
	struct buf text = BUF_INIT(0);
	struct buf path = BUF_INIT(0);

	if (!d || d->error)
		return error;
	buf_vprintf(&text, format, args);
	diag_fail(d, error, "%.*s", STR_ARGS(buf_str(&text)));
	pb_path(m, &path);
	if (f)
		buf_printf(&path, "%s%s", buf_len(&path) ? "." : "", f->name);
	if (buf_len(&path))
		diag_path(d, buf_str(&path));
	diag_at(d, m->at);
	buf_fini(&text);
	buf_fini(&path);
	return error;
}

int pb_fail(struct diag *d, const struct pb_message *m, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fail_at(d, m, NULL, error, format, args);
	va_end(args);
	return error;
}

int pb_fail_field(struct diag *d, const struct pb_message *m, unsigned field, int error,
		  const char *format, ...)
{
	va_list args;

	assert(field < m->desc->field_count);

	const struct pb_field_desc *f = &m->desc->fields[field];
	const struct pb_slot *slot = &m->slots[field];

	va_start(args, format);
	if (f->type == PB_TYPE_MESSAGE && !f->repeated && slot->count && slot->one.message->at.line)
		fail_at(d, slot->one.message, NULL, error, format, args);
	else
		fail_at(d, m, f, error, format, args);
	va_end(args);
	return error;
}
