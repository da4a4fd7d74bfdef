/*
 * What people write to messages: protobuf's JSON form
 *
 * The file is Envoy's own: an unknown name is an error with its place and the nearest known
 * name, and nothing is guessed. Both names of a field are read. null is the same as absent,
 * except where the field itself is a JSON value.
 *
 * Each well-known type has a reader of its own in a table; everything else is a mapping whose
 * keys are fields.
 */

#include "codec/pb_message_read.h"

#include <assert.h>
#include <inttypes.h>

#include "base/mem.h"
#include "codec/base64.h"
#include "codec/pb_message_text.h"

/* Where a value goes, and the node that it comes from. */
struct source {
	struct pb_message *m;
	unsigned field;
	const struct node *n;
	unsigned depth; /* of m */
};

static int read_message(struct pb_reader *r, struct pb_message *m, const struct node *n,
			unsigned depth);

static const struct pb_field_desc *field_of(const struct source *s)
{
	return &s->m->desc->fields[s->field];
}

static struct pb_place place_of(const struct source *s)
{
	return (struct pb_place){ .m = s->m, .field = field_of(s), .node = s->n };
}

static int fail_node(struct pb_reader *r, const struct node *n, const char *expected)
{
	const struct pb_place place = { .node = n };

	return pb_reader_fail(r, &place, ERR_CONFIG, "expected %s, found %s", expected,
			      node_kind_text(n->kind));
}

/* Scalars */

/* Adds "did you mean" to the failure just recorded. `names` ends with NULL. */
static void hint_nearest(struct pb_reader *r, bool first, struct str word, const char **names)
{
	const char *nearest = NULL;

	if (!first)
		return;
	for (const char **name = names; *name; name++)
		if (str_eq_nocase(word, str_from(*name)))
			nearest = *name;
	if (!nearest)
		nearest = str_nearest(word, names);
	if (nearest)
		diag_hint(r->d, "did you mean \"%s\"?", nearest);
}

static int fail_enum(struct pb_reader *r, const struct source *s)
{
	const struct pb_enum_desc *e = field_of(s)->enumeration;
	cleanup(mem_freep) const char **names = mem_new_array(const char *, e->value_count + 1);
	bool first = r->d && !r->d->error;
	size_t count = 0;
	const struct pb_place place = place_of(s);
	int error = pb_reader_fail(r, &place, ERR_CONFIG, "\"%.*s\" is no value of %s",
				   STR_ARGS(s->n->text), e->name);

	for (uint16_t i = 0; i < e->value_count; i++)
		if (!e->values[i].unsupported)
			names[count++] = e->values[i].name;
	hint_nearest(r, first, s->n->text, names);
	return error;
}

static int enum_by_name(struct pb_reader *r, const struct source *s, int64_t *ret_number)
{
	const struct pb_enum_desc *e = field_of(s)->enumeration;

	for (uint16_t i = 0; i < e->value_count; i++) {
		if (!str_eq(s->n->text, str_from(e->values[i].name)))
			continue;
		*ret_number = e->values[i].number;
		return 0;
	}
	return fail_enum(r, s);
}

/* Smallest and largest number of each type. */
static const struct {
	int64_t min;
	uint64_t max;
} ranges[] = {
	[PB_TYPE_INT32] = { INT32_MIN, INT32_MAX },    [PB_TYPE_INT64] = { INT64_MIN, INT64_MAX },
	[PB_TYPE_UINT32] = { 0, UINT32_MAX },          [PB_TYPE_UINT64] = { 0, UINT64_MAX },
	[PB_TYPE_SFIXED64] = { INT64_MIN, INT64_MAX }, [PB_TYPE_FIXED64] = { 0, UINT64_MAX },
	[PB_TYPE_ENUM] = { INT32_MIN, INT32_MAX },
};

static int read_integer(struct pb_reader *r, const struct source *s)
{
	const struct pb_field_desc *f = field_of(s);
	const struct pb_place place = place_of(s);
	int64_t number = 0;
	bool keep;
	int error;

	if (s->n->kind == NODE_TEXT && f->type == PB_TYPE_ENUM) {
		error = enum_by_name(r, s, &number);
		if (error < 0)
			return error;
	} else if (s->n->kind != NODE_NUMBER && s->n->kind != NODE_TEXT) {
		return fail_node(r, s->n,
				 f->type == PB_TYPE_ENUM ? "the name of a value" : "a number");
	} else {
		error = pb_integer_parse(s->n->text, ranges[f->type].min, ranges[f->type].max,
					 &number);
		if (error < 0)
			return pb_reader_fail(
				r, &place, ERR_CONFIG, "%.*s is %s", STR_ARGS(s->n->text),
				error == ERR_LIMIT ? "out of range" : "no whole number");
	}
	error = pb_reader_number(r, &place, number, &keep);
	if (error == 0 && keep)
		pb_put(s->m, s->field, (union pb_value){ .number = number });
	return error;
}

static int read_bool(struct pb_reader *r, const struct source *s)
{
	if (s->n->kind != NODE_BOOL)
		return fail_node(r, s->n, "true or false");
	pb_put(s->m, s->field, (union pb_value){ .number = s->n->boolean });
	return 0;
}

static int read_real(struct pb_reader *r, const struct source *s)
{
	const struct pb_place place = place_of(s);
	double real;

	if (s->n->kind != NODE_NUMBER && s->n->kind != NODE_TEXT)
		return fail_node(r, s->n, "a number");
	if (pb_real_parse(s->n->text, &real) < 0)
		return pb_reader_fail(r, &place, ERR_CONFIG, "\"%.*s\" is no number",
				      STR_ARGS(s->n->text));
	if (field_of(s)->type == PB_TYPE_FLOAT)
		real = (float)real;
	pb_put(s->m, s->field, (union pb_value){ .real = real });
	return 0;
}

static int read_text(struct pb_reader *r, const struct source *s)
{
	const struct pb_place place = place_of(s);
	int error;

	if (s->n->kind != NODE_TEXT) {
		bool first = r->d && !r->d->error;

		error = fail_node(r, s->n, "text");
		if (first && (s->n->kind == NODE_NUMBER || s->n->kind == NODE_BOOL))
			diag_hint(r->d, "write it in quotes");
		return error;
	}
	error = pb_reader_text(r, &place, s->n->text);
	if (error < 0)
		return error;
	pb_put(s->m, s->field, (union pb_value){ .text = pool_strdup(r->pool, s->n->text) });
	return 0;
}

static int read_bytes(struct pb_reader *r, const struct source *s)
{
	const struct pb_place place = place_of(s);
	struct buf bytes = BUF_INIT(PB_TEXT_MAX * 4);
	int error;

	if (s->n->kind != NODE_TEXT)
		return fail_node(r, s->n, "text in base64");
	error = base64_decode(s->n->text, BASE64_ANY, &bytes);
	if (error == 0)
		error = pb_reader_text(r, &place, buf_str(&bytes));
	else
		error = pb_reader_fail(r, &place, ERR_CONFIG, "is no base64");
	if (error == 0)
		pb_put(s->m, s->field,
		       (union pb_value){ .text = pool_strdup(r->pool, buf_str(&bytes)) });
	buf_fini(&bytes);
	return error;
}

static int read_sub(struct pb_reader *r, const struct source *s)
{
	const struct pb_place place = place_of(s);
	unsigned below = field_of(s)->map ? s->depth : s->depth + 1;
	struct pb_message *sub;
	int error;

	if (below > PB_DEPTH_MAX)
		return pb_reader_fail(r, &place, ERR_LIMIT, "nested deeper than %d messages",
				      PB_DEPTH_MAX);
	error = pb_reader_message(r, &place, s->m, s->field, &sub);
	return error < 0 ? error : read_message(r, sub, s->n, below);
}

static int (*const type_readers[])(struct pb_reader *r, const struct source *s) = {
	[PB_TYPE_BOOL] = read_bool,       [PB_TYPE_INT32] = read_integer,
	[PB_TYPE_INT64] = read_integer,   [PB_TYPE_UINT32] = read_integer,
	[PB_TYPE_UINT64] = read_integer,  [PB_TYPE_SFIXED64] = read_integer,
	[PB_TYPE_FIXED64] = read_integer, [PB_TYPE_FLOAT] = read_real,
	[PB_TYPE_DOUBLE] = read_real,     [PB_TYPE_ENUM] = read_integer,
	[PB_TYPE_STRING] = read_text,     [PB_TYPE_BYTES] = read_bytes,
	[PB_TYPE_MESSAGE] = read_sub,
};

/* One value of a field: of a repeated one, one element. */
static int read_value(struct pb_reader *r, const struct source *s)
{
	const struct pb_place place = place_of(s);
	int error = pb_reader_room(r, &place, s->m, s->field);

	return error < 0 ? error : type_readers[field_of(s)->type](r, s);
}

/* Lists and maps */

static int read_list(struct pb_reader *r, const struct source *s)
{
	if (s->n->kind != NODE_LIST)
		return fail_node(r, s->n, "a list");
	node_for_each (child, s->n) {
		struct source element = { s->m, s->field, child, s->depth };
		int error = read_value(r, &element);

		if (error < 0)
			return error;
	}
	return 0;
}

/* The key of an entry is text in JSON, whatever its type. */
static int read_entry(struct pb_reader *r, const struct source *s)
{
	const struct pb_place place = place_of(s);
	struct node key = { .kind = NODE_TEXT, .text = s->n->key, .at = s->n->key_at };
	struct pb_message *entry;
	int error = pb_reader_message(r, &place, s->m, s->field, &entry);

	if (error < 0)
		return error;
	entry->at = s->n->at;
	if (entry->desc->fields[0].type == PB_TYPE_BOOL) {
		key.kind = NODE_BOOL;
		key.boolean = str_eq(key.text, STR("true"));
	}
	error = read_value(r, &(struct source){ entry, 0, &key, s->depth });
	if (error == 0)
		error = read_value(r, &(struct source){ entry, 1, s->n, s->depth });
	return error;
}

static int read_map(struct pb_reader *r, const struct source *s)
{
	if (s->n->kind != NODE_MAP)
		return fail_node(r, s->n, "a mapping");
	node_for_each (child, s->n) {
		struct source entry = { s->m, s->field, child, s->depth };
		int error = read_entry(r, &entry);

		if (error < 0)
			return error;
	}
	return 0;
}

/* Fields */

static bool takes_null(const struct pb_field_desc *f)
{
	return !f->repeated && ((f->message && f->message->wellknown == PB_WELLKNOWN_VALUE) ||
				(f->type == PB_TYPE_ENUM &&
				 strcmp(f->enumeration->name, "google.protobuf.NullValue") == 0));
}

/* The node says what absent says. */
static bool is_empty(const struct pb_field_desc *f, const struct node *n)
{
	if (n->kind == NODE_LIST || n->kind == NODE_MAP)
		return f->repeated && n->count == 0;
	if (f->presence)
		return false;
	return (n->kind == NODE_BOOL && !n->boolean) || (n->kind == NODE_TEXT && !n->text.len) ||
	       (n->kind == NODE_NUMBER && str_eq(n->text, STR("0")));
}

static int read_field(struct pb_reader *r, const struct source *s)
{
	const struct pb_field_desc *f = field_of(s);
	struct pb_place place = place_of(s);
	const struct pb_field_desc *other = pb_seen_before(s->m, s->field);

	place.key = true;
	if (other == f)
		return pb_reader_fail(r, &place, ERR_CONFIG, "stands twice, as %s and as %s",
				      f->name, f->json_name);
	if (s->n->kind == NODE_NULL && !takes_null(f))
		return 0;
	if (f->unsupported)
		return is_empty(f, s->n) ? 0
					 : pb_reader_refuse(r, &place, f->klass,
							    "is not supported by this version");
	if (other)
		return pb_reader_fail(r, &place, ERR_CONFIG, "stands beside %s, which excludes it",
				      other->name);
	if (f->map)
		return read_map(r, s);
	return f->repeated ? read_list(r, s) : read_value(r, s);
}

static int field_by_name(const struct pb_desc *desc, struct str name)
{
	for (unsigned i = 0; i < desc->field_count; i++)
		if (str_eq(name, str_from(desc->fields[i].name)) ||
		    str_eq(name, str_from(desc->fields[i].json_name)))
			return (int)i;
	return -1;
}

static int fail_name(struct pb_reader *r, const struct pb_desc *desc, const struct node *n)
{
	const struct pb_place place = { .node = n, .key = true };
	cleanup(mem_freep) const char **names =
		mem_new_array(const char *, 2 * desc->field_count + 1);
	bool first = r->d && !r->d->error;
	size_t count = 0;
	int error =
		pb_reader_fail(r, &place, ERR_CONFIG, "unknown name \"%.*s\"", STR_ARGS(n->key));

	for (unsigned i = 0; i < desc->field_count; i++) {
		if (desc->fields[i].unsupported)
			continue;
		names[count++] = desc->fields[i].name;
		names[count++] = desc->fields[i].json_name;
	}
	hint_nearest(r, first, n->key, names);
	return error;
}

static bool is_type_key(const struct pb_message *m, const struct node *n)
{
	return m->parent && m->parent->desc->wellknown == PB_WELLKNOWN_ANY &&
	       str_eq(n->key, STR("@type"));
}

static int read_fields(struct pb_reader *r, struct pb_message *m, const struct node *n,
		       unsigned depth)
{
	if (n->kind != NODE_MAP)
		return fail_node(r, n, "a mapping");
	node_for_each (child, n) {
		int field = field_by_name(m->desc, child->key);
		int error;

		if (field < 0 && is_type_key(m, child))
			continue;
		if (field < 0)
			return fail_name(r, m->desc, child);
		error = read_field(r, &(struct source){ m, (unsigned)field, child, depth });
		if (error < 0)
			return error;
	}
	return 0;
}

/* Well-known types */

static int read_time(struct pb_reader *r, struct pb_message *m, const struct node *n, bool duration)
{
	const struct pb_place place = { .m = m, .node = n };
	struct pb_time t;
	int error;

	if (n->kind != NODE_TEXT)
		return fail_node(r, n, duration ? "a duration as \"1.5s\"" : "a time as text");
	error = duration ? pb_duration_parse(n->text, &t) : pb_timestamp_parse(n->text, &t);
	if (error < 0)
		return pb_reader_fail(r, &place, ERR_CONFIG, "\"%.*s\" is no %s", STR_ARGS(n->text),
				      duration ? "duration: write seconds, as \"1.5s\""
					       : "time: write \"2026-01-02T03:04:05Z\"");
	pb_put(m, 0, (union pb_value){ .number = t.seconds });
	pb_put(m, 1, (union pb_value){ .number = t.nanos });
	return 0;
}

static int read_duration(struct pb_reader *r, struct pb_message *m, const struct node *n,
			 unsigned depth)
{
	(void)depth;
	return read_time(r, m, n, true);
}

static int read_timestamp(struct pb_reader *r, struct pb_message *m, const struct node *n,
			  unsigned depth)
{
	(void)depth;
	return read_time(r, m, n, false);
}

/* The bare value, or for Struct and ListValue the mapping or list, is the only field. */
static int read_wrapper(struct pb_reader *r, struct pb_message *m, const struct node *n,
			unsigned depth)
{
	return read_value(r, &(struct source){ m, 0, n, depth });
}

static int read_struct(struct pb_reader *r, struct pb_message *m, const struct node *n,
		       unsigned depth)
{
	return read_map(r, &(struct source){ m, 0, n, depth });
}

static int read_list_value(struct pb_reader *r, struct pb_message *m, const struct node *n,
			   unsigned depth)
{
	return read_list(r, &(struct source){ m, 0, n, depth });
}

/* The fields of google.protobuf.Value by the kind of node. */
static int read_json_value(struct pb_reader *r, struct pb_message *m, const struct node *n,
			   unsigned depth)
{
	static const uint32_t numbers[] = {
		[NODE_NULL] = 1, [NODE_NUMBER] = 2, [NODE_TEXT] = 3,
		[NODE_BOOL] = 4, [NODE_MAP] = 5,    [NODE_LIST] = 6,
	};
	/* They are numbered from 1 without a gap, so that the index is one less. */
	unsigned field = numbers[n->kind] - 1;

	if (n->kind == NODE_NULL) {
		pb_put(m, field, (union pb_value){ .number = 0 });
		return 0;
	}
	return read_value(r, &(struct source){ m, field, n, depth });
}

/* Every other well-known type has its value under "value". */
static int read_any_content(struct pb_reader *r, struct pb_message *content, const struct node *n,
			    unsigned depth)
{
	const struct pb_place place = { .m = content, .node = n };
	const struct node *value = node_get(n, STR("value"));

	if (content->desc->wellknown == PB_PLAIN || content->desc->wellknown == PB_WELLKNOWN_EMPTY)
		return read_message(r, content, n, depth);
	if (!value || n->count != 2)
		return pb_reader_fail(r, &place, ERR_CONFIG,
				      "expected \"@type\" and \"value\" alone");
	return read_message(r, content, value, depth);
}

static int read_any_known(struct pb_reader *r, struct pb_message *m, const struct pb_desc *desc,
			  const struct node *n, unsigned depth)
{
	const struct pb_place place = { .m = m, .node = n };
	struct pb_message *content;
	struct buf bytes = BUF_INIT(0);
	int error;

	if (depth + 1 > PB_DEPTH_MAX)
		return pb_reader_fail(r, &place, ERR_LIMIT, "nested deeper than %d messages",
				      PB_DEPTH_MAX);
	content = pb_new(desc, r->pool);
	content->parent = m;
	content->parent_field = PB_ANY_VALUE;
	content->at = n->at;
	error = read_any_content(r, content, n, depth + 1);
	if (error == 0)
		error = pb_reader_finish(r, content);
	if (error < 0)
		return error;
	pb_encode(content, &bytes);
	pb_put(m, PB_ANY_VALUE, (union pb_value){ .text = pool_strdup(r->pool, buf_str(&bytes)) });
	buf_fini(&bytes);
	m->any_opened = content;
	return 0;
}

static int read_any(struct pb_reader *r, struct pb_message *m, const struct node *n, unsigned depth)
{
	const struct pb_place place = { .m = m, .node = n };
	const struct node *type = node_get(n, STR("@type"));
	const struct pb_desc *desc;

	if (n->kind != NODE_MAP)
		return fail_node(r, n, "a mapping with \"@type\"");
	if (n->count == 0)
		return 0;
	if (!type)
		return pb_reader_fail(r, &place, ERR_CONFIG, "needs \"@type\"");
	if (type->kind != NODE_TEXT || str_find(type->text, 0, '/') == type->text.len)
		return pb_reader_fail(r, &(struct pb_place){ .m = m, .node = type }, ERR_CONFIG,
				      "expected a type as \"type.googleapis.com/NAME\"");
	pb_put(m, PB_ANY_TYPE_URL, (union pb_value){ .text = pool_strdup(r->pool, type->text) });
	desc = pb_desc_by_type_url(type->text);
	if (!desc || desc->unsupported)
		return 0;
	return read_any_known(r, m, desc, n, depth);
}

static int (*const wellknown_readers[])(struct pb_reader *r, struct pb_message *m,
					const struct node *n, unsigned depth) = {
	[PB_PLAIN] = read_fields,
	[PB_WELLKNOWN_DURATION] = read_duration,
	[PB_WELLKNOWN_TIMESTAMP] = read_timestamp,
	[PB_WELLKNOWN_WRAPPER] = read_wrapper,
	[PB_WELLKNOWN_STRUCT] = read_struct,
	[PB_WELLKNOWN_VALUE] = read_json_value,
	[PB_WELLKNOWN_LIST_VALUE] = read_list_value,
	[PB_WELLKNOWN_ANY] = read_any,
	[PB_WELLKNOWN_EMPTY] = read_fields,
};

static int read_message(struct pb_reader *r, struct pb_message *m, const struct node *n,
			unsigned depth)
{
	m->at = n->at;
	return wellknown_readers[m->desc->wellknown](r, m, n, depth);
}

int pb_from_node(const struct pb_desc *desc, const struct node *n, struct pool *pool,
		 struct pb_message **ret_message, struct pb_report *report, struct diag *d)
{
	struct pb_reader r = pb_reader_of(pool, report, d);
	struct pb_message *m = pb_new(desc, pool);
	const struct pb_place place = { .m = m, .node = n };
	int error;

	if (desc->unsupported)
		return pb_reader_fail(&r, &place, ERR_UNSUPPORTED,
				      "%s is not supported by this version", desc->name);
	error = read_message(&r, m, n, 1);
	if (error == 0)
		error = pb_reader_finish(&r, m);
	if (error == 0)
		*ret_message = m;
	return error;
}
