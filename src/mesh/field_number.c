/*
 * Fields that hold numbers and durations
 */

#include "mesh/field.h"

#include <assert.h>
#include <inttypes.h>

static int only_check(struct reader *r, const struct field *f, const struct node *n, uint64_t value)
{
	struct buf list = BUF_INIT(0);
	int code;

	for (size_t i = 0; f->only[i]; i++) {
		if (f->only[i] == value) {
			buf_fini(&list);
			return 0;
		}
		buf_printf(&list, "%s%u", i ? ", " : "", f->only[i]);
	}
	code = reader_fail(r, n, CODE_NO_SUCH_CHOICE, "%s is none of %.*s: %" PRIu64, f->name,
			   STR_ARGS(buf_str(&list)), value);
	buf_fini(&list);
	return code;
}

static uint64_t count_max(const struct field *f)
{
	return f->max ? f->max : UINT32_MAX;
}

static int count_read(struct reader *r, const struct field *f, const struct node *n,
		      void *ret_value)
{
	uint64_t value;
	int code;

	if (n->kind != NODE_NUMBER)
		return reader_wrong_type(r, node_read_u64(n, count_max(f), &value, r->diag));
	code = node_read_u64(n, count_max(f), &value, r->diag);
	if (code < 0) {
		diag_code(r->diag, code_text(CODE_BAD_VALUE)->name);
		return code;
	}
	if (value < f->min)
		return reader_fail(r, n, CODE_BAD_VALUE, "%" PRIu64 " is less than %" PRIu64, value,
				   f->min);
	if (f->only) {
		code = only_check(r, f, n, value);
		if (code < 0)
			return code;
	}
	*(uint32_t *)ret_value = (uint32_t)value;
	return 0;
}

static uint32_t count_default(const struct field *f)
{
	uint64_t value = 0;

	if (f->default_text && str_to_u64(str_from(f->default_text), UINT32_MAX, &value) < 0)
		assert(!"the default is no number");
	return (uint32_t)value;
}

static int count_fill(struct reader *r unused_arg, const struct field *f,
		      const struct node *parent unused_arg, void *ret_value)
{
	*(uint32_t *)ret_value = count_default(f);
	return 0;
}

static void count_schema(const struct field *f, struct node *schema, struct pool *pool)
{
	struct node *numbers;

	schema_set(schema, STR("type"), "integer", pool);
	node_map_add(schema, STR("minimum"), node_new_number(pool, (int64_t)f->min));
	node_map_add(schema, STR("maximum"), node_new_number(pool, (int64_t)count_max(f)));
	if (f->default_text)
		node_map_add(schema, STR("default"), node_new_number(pool, count_default(f)));
	if (!f->only)
		return;
	numbers = node_new(pool, NODE_LIST);
	for (size_t i = 0; f->only[i]; i++)
		node_list_add(numbers, node_new_number(pool, f->only[i]));
	node_map_add(schema, STR("enum"), numbers);
}

const struct field_type field_count = {
	.name = "number",
	.read = count_read,
	.fill = count_fill,
	.schema = count_schema,
};

/* Of GEP-2257. */
#define DURATION_PATTERN "^([0-9]{1,5}(h|m|s|ms)){1,4}$"

/* One "12ms" off the front of *rest. */
static bool duration_part(struct str *rest)
{
	static const struct str units[] = { STR_INIT("ms"), STR_INIT("h"), STR_INIT("m"),
					    STR_INIT("s") };
	size_t digits = 0;

	while (digits < rest->len && rest->ptr[digits] >= '0' && rest->ptr[digits] <= '9')
		digits++;
	if (digits < 1 || digits > 5)
		return false;
	*rest = str_slice(*rest, digits, rest->len);
	for (size_t i = 0; i < array_count(units); i++) {
		if (str_has_prefix(*rest, units[i])) {
			*rest = str_slice(*rest, units[i].len, rest->len);
			return true;
		}
	}
	return false;
}

static bool duration_valid(struct str text)
{
	int parts = 0;

	while (text.len > 0 && parts < 5 && duration_part(&text))
		parts++;
	return text.len == 0 && parts >= 1 && parts <= 4;
}

static int duration_read(struct reader *r, const struct field *f unused_arg, const struct node *n,
			 void *ret_value)
{
	int code;

	if (n->kind == NODE_NUMBER) {
		code = reader_fail(r, n, CODE_WRONG_TYPE, "a duration needs a unit, found %.*s",
				   STR_ARGS(reader_shown(n->text)));
		diag_hint(r->diag, "write %.*ss for seconds, %.*sms for milliseconds",
			  STR_ARGS(reader_shown(n->text)), STR_ARGS(reader_shown(n->text)));
		return code;
	}
	if (n->kind != NODE_TEXT)
		return reader_fail(r, n, CODE_WRONG_TYPE, "expected a duration, found a %s",
				   node_kind_text(n->kind));
	if (!duration_valid(n->text) || duration_parse(n->text, ret_value) < 0)
		return reader_fail(r, n, CODE_BAD_VALUE,
				   "\"%.*s\" is not a duration (whole numbers with h, m, s or ms: "
				   "1h30m, 500ms)",
				   STR_ARGS(reader_shown(n->text)));
	return 0;
}

static int duration_fill(struct reader *r unused_arg, const struct field *f,
			 const struct node *parent unused_arg, void *ret_value)
{
	struct duration *d = ret_value;

	*d = DURATION_NS(-1);
	if (f->default_text && duration_parse(str_from(f->default_text), d) < 0)
		assert(!"the default is no duration");
	return 0;
}

/* In one spelling: 1500ms and 1s500ms are the same. */
static struct node *duration_canonical(const struct field *f unused_arg, const struct node *n,
				       struct pool *pool)
{
	struct buf text = BUF_INIT(0);
	struct duration d;
	struct node *canonical;

	if (duration_parse(n->text, &d) < 0)
		assert(!"it was read as a duration before");
	duration_format(d, &text);
	canonical = node_new_text(pool, pool_strdup(pool, buf_str(&text)));
	buf_fini(&text);
	return canonical;
}

static void duration_schema(const struct field *f, struct node *schema, struct pool *pool)
{
	schema_set(schema, STR("type"), "string", pool);
	schema_set(schema, STR("pattern"), DURATION_PATTERN, pool);
	if (f->default_text)
		schema_set(schema, STR("default"), f->default_text, pool);
}

const struct field_type field_duration = {
	.name = "duration",
	.read = duration_read,
	.fill = duration_fill,
	.canonical = duration_canonical,
	.schema = duration_schema,
};
