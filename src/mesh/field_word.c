/*
 * Fields that hold text, free or one of several words
 */

#include "mesh/field.h"

#include <assert.h>

static int choice_index(const struct choice *choices, struct str word)
{
	for (int i = 0; choices[i].word; i++)
		if (str_eq(word, str_from(choices[i].word)))
			return i;
	return -1;
}

#define CHOICES_MAX 16

static int fail_choice(struct reader *r, const struct field *f, const struct node *n,
		       struct str word)
{
	const char *words[CHOICES_MAX + 1] = { NULL };
	struct buf list = BUF_INIT(0);
	const char *nearest;
	int code;

	for (size_t i = 0, count = 0; f->choices[i].word; i++) {
		if (f->choices[i].unsupported)
			continue;
		assert(count < CHOICES_MAX);
		buf_printf(&list, "%s%s", count ? ", " : "", f->choices[i].word);
		words[count++] = f->choices[i].word;
	}
	code = reader_fail(r, n, CODE_NO_SUCH_CHOICE, "%s is none of %.*s: \"%.*s\"", f->name,
			   STR_ARGS(buf_str(&list)), STR_ARGS(reader_shown(word)));
	nearest = str_nearest(word, words);
	if (nearest)
		diag_hint(r->diag, "did you mean \"%s\"?", nearest);
	buf_fini(&list);
	return code;
}

/* The index of the word, or a negative code. */
static int choice_read(struct reader *r, const struct field *f, const struct node *n,
		       struct str word)
{
	int i = choice_index(f->choices, word);
	int code;

	if (i < 0)
		return fail_choice(r, f, n, word);
	if (!f->choices[i].unsupported)
		return i;
	code = reader_fail(r, n, CODE_UNSUPPORTED, "%s %s is not supported by this version",
			   f->name, f->choices[i].word);
	diag_hint(r->diag, "%s", f->choices[i].unsupported);
	return code;
}

static int text_read(struct reader *r, const struct field *f, const struct node *n, void *ret_value)
{
	struct str text;
	int code;

	code = node_read_text(n, &text, r->diag);
	if (code < 0)
		return reader_wrong_type(r, code);
	if (f->choices) {
		code = choice_read(r, f, n, text);
		if (code < 0)
			return code;
	}
	if (f->format) {
		code = reader_check_format(r, f->format, n, text);
		if (code < 0)
			return code;
	}
	*(struct str *)ret_value = text;
	return 0;
}

static int text_fill(struct reader *r unused_arg, const struct field *f,
		     const struct node *parent unused_arg, void *ret_value)
{
	*(struct str *)ret_value = str_from(f->default_text);
	return 0;
}

static void choices_schema(const struct field *f, struct node *schema, struct pool *pool)
{
	struct node *words = node_new(pool, NODE_LIST);

	for (size_t i = 0; f->choices[i].word; i++)
		if (!f->choices[i].unsupported)
			node_list_add(words, node_new_text(pool, str_from(f->choices[i].word)));
	node_map_add(schema, STR("enum"), words);
}

static void text_schema(const struct field *f, struct node *schema, struct pool *pool)
{
	schema_set(schema, STR("type"), "string", pool);
	if (f->choices)
		choices_schema(f, schema, pool);
	if (f->format && f->format->pattern)
		schema_set(schema, STR("pattern"), f->format->pattern, pool);
	if (f->format)
		node_map_add(schema, STR("maxLength"), node_new_number(pool, f->format->len_max));
	if (f->default_text)
		schema_set(schema, STR("default"), f->default_text, pool);
}

const struct field_type field_text = {
	.name = "text",
	.read = text_read,
	.fill = text_fill,
	.schema = text_schema,
};

static int choice_field_read(struct reader *r, const struct field *f, const struct node *n,
			     void *ret_value)
{
	struct str word;
	int code;

	code = node_read_text(n, &word, r->diag);
	if (code < 0)
		return reader_wrong_type(r, code);
	code = choice_read(r, f, n, word);
	if (code < 0)
		return code;
	*(uint32_t *)ret_value = (uint32_t)code;
	return 0;
}

static int choice_fill(struct reader *r unused_arg, const struct field *f,
		       const struct node *parent unused_arg, void *ret_value)
{
	if (!f->default_text)
		return 0;
	*(uint32_t *)ret_value = (uint32_t)choice_index(f->choices, str_from(f->default_text));
	return 0;
}

const struct field_type field_choice = {
	.name = "word",
	.read = choice_field_read,
	.fill = choice_fill,
	.schema = text_schema,
};
