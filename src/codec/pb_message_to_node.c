/*
 * Messages to a JSON tree, for dumps
 *
 * Names are those of the .proto, as Envoy dumps them; what is absent is left out. Of a
 * sensitive field the shape stays and every text in it becomes "[redacted]", also inside an
 * Any. A type that is not known keeps its bytes in base64.
 */

#include "codec/pb_message_read.h"

#include "base/mem.h"
#include "codec/base64.h"
#include "codec/pb_message_text.h"

struct writer {
	struct pool *pool;
	bool redact;
	unsigned depth; /* of Any in Any: their contents were not decoded together */
};

static struct node *message_node(struct writer *w, const struct pb_message *m);

static struct node *buf_node(struct writer *w, enum node_kind kind, struct buf *text)
{
	struct node *n = node_new(w->pool, kind);

	n->text = pool_strdup(w->pool, buf_str(text));
	buf_fini(text);
	return n;
}

/* Scalars */

static struct node *text_node(struct writer *w, struct str text)
{
	return node_new_text(w->pool, w->redact ? STR("[redacted]") : text);
}

static struct node *bytes_node(struct writer *w, struct str bytes)
{
	struct buf text = BUF_INIT(0);

	if (w->redact)
		return text_node(w, bytes);
	base64_encode(bytes, BASE64_STANDARD, &text);
	return buf_node(w, NODE_TEXT, &text);
}

static struct node *real_node(struct writer *w, double real, bool single)
{
	struct buf text = BUF_INIT(0);
	bool finite = real - real == 0;

	pb_real_format(real, single, &text);
	return buf_node(w, finite ? NODE_NUMBER : NODE_TEXT, &text);
}

/* 64 bits are text, since many readers of JSON keep only 53 of them. */
static struct node *long_node(struct writer *w, const union pb_value *value, bool is_signed)
{
	struct buf text = BUF_INIT(0);

	if (is_signed)
		buf_printf(&text, "%lld", (long long)value->number);
	else
		buf_printf(&text, "%llu", (unsigned long long)value->unsigned_number);
	return buf_node(w, NODE_TEXT, &text);
}

static struct node *enum_node(struct writer *w, const struct pb_enum_desc *e, int64_t number)
{
	for (uint16_t i = 0; i < e->value_count; i++)
		if (e->values[i].number == number)
			return node_new_text(w->pool, str_from(e->values[i].name));
	return node_new_number(w->pool, number);
}

static struct node *value_node(struct writer *w, const struct pb_field_desc *f,
			       const union pb_value *value)
{
	switch (f->type) {
	case PB_TYPE_BOOL:
		return node_new_bool(w->pool, value->number);
	case PB_TYPE_INT64:
	case PB_TYPE_SFIXED64:
		return long_node(w, value, true);
	case PB_TYPE_UINT64:
	case PB_TYPE_FIXED64:
		return long_node(w, value, false);
	case PB_TYPE_FLOAT:
	case PB_TYPE_DOUBLE:
		return real_node(w, value->real, f->type == PB_TYPE_FLOAT);
	case PB_TYPE_ENUM:
		return enum_node(w, f->enumeration, value->number);
	case PB_TYPE_STRING:
		return text_node(w, value->text);
	case PB_TYPE_BYTES:
		return bytes_node(w, value->text);
	case PB_TYPE_MESSAGE:
		return message_node(w, value->message);
	default:
		return node_new_number(w->pool, value->number);
	}
}

/* Fields */

static struct str key_text(struct writer *w, const struct pb_message *entry)
{
	switch (entry->desc->fields[0].type) {
	case PB_TYPE_STRING:
		return pb_text(entry, 0);
	case PB_TYPE_BOOL:
		return pb_bool(entry, 0) ? STR("true") : STR("false");
	default:
		return pool_printf(w->pool, "%lld", (long long)pb_number(entry, 0));
	}
}

static struct node *map_node(struct writer *w, const struct pb_slot *slot)
{
	cleanup(mem_freep) union pb_value *entries = mem_new_array(union pb_value, slot->count + 1);
	struct node *map = node_new(w->pool, NODE_MAP);

	if (slot->count)
		memcpy(entries, slot->many, slot->count * sizeof(*entries));
	qsort(entries, slot->count, sizeof(*entries), pb_entry_compare);
	for (uint32_t i = 0; i < slot->count; i++) {
		const struct pb_message *entry = entries[i].message;
		bool last =
			i + 1 == slot->count || !pb_entry_keys_equal(entry, entries[i + 1].message);

		if (last && entry->slots[1].count)
			node_map_add(map, key_text(w, entry),
				     value_node(w, &entry->desc->fields[1], &entry->slots[1].one));
	}
	return map;
}

static struct node *list_node(struct writer *w, const struct pb_field_desc *f,
			      const struct pb_slot *slot)
{
	struct node *list = node_new(w->pool, NODE_LIST);

	for (uint32_t i = 0; i < slot->count; i++)
		node_list_add(list, value_node(w, f, &slot->many[i]));
	return list;
}

static struct node *field_node(struct writer *w, const struct pb_field_desc *f,
			       const struct pb_slot *slot)
{
	bool before = w->redact;
	struct node *n;

	w->redact = before || f->sensitive;
	if (f->map)
		n = map_node(w, slot);
	else if (f->repeated)
		n = list_node(w, f, slot);
	else
		n = value_node(w, f, &slot->one);
	w->redact = before;
	return n;
}

static void add_fields(struct writer *w, const struct pb_message *m, struct node *map)
{
	for (unsigned i = 0; i < m->desc->field_count; i++) {
		const struct pb_field_desc *f = &m->desc->fields[i];
		const struct pb_slot *slot = &m->slots[i];

		if (!slot->count || pb_is_default(f, &slot->one))
			continue;
		node_map_add(map, str_from(f->name), field_node(w, f, slot));
	}
}

/* Well-known types */

static struct node *plain_node(struct writer *w, const struct pb_message *m)
{
	struct node *map = node_new(w->pool, NODE_MAP);

	add_fields(w, m, map);
	return map;
}

static struct pb_time time_of(const struct pb_message *m)
{
	return (struct pb_time){ pb_number(m, 0), (int32_t)pb_number(m, 1) };
}

static struct node *duration_node(struct writer *w, const struct pb_message *m)
{
	struct buf text = BUF_INIT(0);

	pb_duration_format(time_of(m), &text);
	return buf_node(w, NODE_TEXT, &text);
}

static struct node *timestamp_node(struct writer *w, const struct pb_message *m)
{
	struct buf text = BUF_INIT(0);

	pb_timestamp_format(time_of(m), &text);
	return buf_node(w, NODE_TEXT, &text);
}

/* A wrapper, Struct or ListValue is its only field; an absent value is the default. */
static struct node *only_field_node(struct writer *w, const struct pb_message *m)
{
	return field_node(w, &m->desc->fields[0], &m->slots[0]);
}

static struct node *json_value_node(struct writer *w, const struct pb_message *m)
{
	int field = pb_which(m, "kind");

	if (field < 0 || m->desc->fields[field].type == PB_TYPE_ENUM)
		return node_new(w->pool, NODE_NULL);
	return field_node(w, &m->desc->fields[field], &m->slots[field]);
}

static void add_any_content(struct writer *w, const struct pb_message *any, struct node *map)
{
	struct pb_message *content = NULL;

	if (w->depth == PB_DEPTH_MAX || pb_open_any(any, w->pool, &content, NULL, NULL) < 0) {
		node_map_add(map, STR("value"), bytes_node(w, pb_text(any, PB_ANY_VALUE)));
		return;
	}
	w->depth++;
	if (content->desc->wellknown == PB_PLAIN)
		add_fields(w, content, map);
	else if (content->desc->wellknown != PB_WELLKNOWN_EMPTY)
		node_map_add(map, STR("value"), message_node(w, content));
	w->depth--;
}

static struct node *any_node(struct writer *w, const struct pb_message *m)
{
	struct node *map = node_new(w->pool, NODE_MAP);
	struct str type_url = pb_text(m, PB_ANY_TYPE_URL);

	if (!type_url.len && !pb_has(m, PB_ANY_VALUE))
		return map;
	node_map_add(map, STR("@type"), node_new_text(w->pool, type_url));
	add_any_content(w, m, map);
	return map;
}

static struct node *(*const wellknown_writers[])(struct writer *w, const struct pb_message *m) = {
	[PB_PLAIN] = plain_node,
	[PB_WELLKNOWN_DURATION] = duration_node,
	[PB_WELLKNOWN_TIMESTAMP] = timestamp_node,
	[PB_WELLKNOWN_WRAPPER] = only_field_node,
	[PB_WELLKNOWN_STRUCT] = only_field_node,
	[PB_WELLKNOWN_VALUE] = json_value_node,
	[PB_WELLKNOWN_LIST_VALUE] = only_field_node,
	[PB_WELLKNOWN_ANY] = any_node,
	[PB_WELLKNOWN_EMPTY] = plain_node,
};

static struct node *message_node(struct writer *w, const struct pb_message *m)
{
	return wellknown_writers[m->desc->wellknown](w, m);
}

struct node *pb_to_node(const struct pb_message *m, struct pool *pool)
{
	struct writer w = { .pool = pool };

	return message_node(&w, m);
}
