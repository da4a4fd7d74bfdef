/* What must hold for every table of fields, so that a new row cannot break the walks. */

#include "mesh/kind.h"

#include "base/macro.h"
#include "fixture.h"
#include "mesh/field.h"

static void check_field(const struct object *object, const struct field *f)
{
	assert_non_null(f->type);
	assert_ptr_equal(field_find(object, str_from(f->name)), f);
	if (f->unsupported)
		return;
	assert_non_null(f->text);
	assert_true(f->text[strlen(f->text) - 1] == '.');
	if (f->type == &field_read_only)
		return;
	/* The first member of the struct is its node. */
	assert_true(f->offset >= sizeof(void *) && f->offset < object->size);
	assert_true(f->type == &field_object ? f->object != NULL : f->object == NULL);
	if (f->type == &field_choice)
		assert_non_null(f->choices);
	if (f->key && f->object)
		assert_non_null(field_find(f->object, str_from(f->key)));
	/* Whatever a person can make grow has a limit. */
	if (f->count_offset || f->type == &field_text_map)
		assert_true(f->entries_max > 0);
	if (f->type == &field_text)
		assert_true(f->format || f->choices || str_eq(str_from(f->name), STR("name")) ||
			    str_eq(str_from(f->name), STR("kind")) ||
			    str_eq(str_from(f->name), STR("apiVersion")));
	/* The spec of a document is a void pointer; all others say their struct. */
	if (f->object && f->entry_size)
		assert_int_equal(f->entry_size, f->object->size);
}

static void check_object(const struct object *object)
{
	field_for_each(f, object)
	{
		check_field(object, f);
		if (f->object)
			check_object(f->object);
	}
}

TEST(every_row_of_every_table_is_sound)
{
	for (int i = 0; i < KIND_COUNT; i++)
		check_object(kind_of((enum kind_id)i)->object);
}

TEST(every_code_has_its_own_name)
{
	for (int i = 0; i < CODE_COUNT; i++)
		assert_ptr_equal(code_find(str_from(code_text((enum code)i)->name)),
				 code_text((enum code)i));
}
