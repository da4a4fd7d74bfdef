/*
 * The kinds of documents as one page: docs/reference/documents.md
 */

#include "cli/manual.h"

#include <assert.h>

#include "base/mem.h"
#include "mesh/codes.h"
#include "mesh/field.h"

static const char top[] =
	"# Documents\n"
	"\n"
	"Made from the tables of the program by `weft man kinds --form markdown`; `weft help KIND` "
	"shows the\n"
	"same in a terminal. Documents are YAML or JSON, and `weft apply` checks all of them "
	"before it changes\n"
	"anything: an unknown field is an error.\n"
	"\n"
	"A duration is a number and a unit, or several: `500ms`, `10s`, `1m30s`. Where no default "
	"is named, a\n"
	"field that is left out is empty, and its text says what that means.\n";

/*
 * The type of a field and what limits it
 */

/* What Markdown would take for its own is text. */
static void put_cell(const char *text, struct buf *out)
{
	for (; *text; text++) {
		if (strchr("|*_`", *text))
			buf_append_char(out, '\\');
		buf_append_char(out, *text);
	}
}

static void put_choices(const struct field *f, struct buf *out)
{
	bool first = true;

	for (const struct choice *c = f->choices; c->word; c++) {
		if (c->unsupported)
			continue;
		buf_printf(out, "%s`%s`", first ? "" : ", ", c->word);
		first = false;
	}
}

static void put_range(const struct field *f, struct buf *out)
{
	for (size_t i = 0; f->only && f->only[i]; i++)
		buf_printf(out, "%s%u", i ? ", " : ": ", f->only[i]);
	if (f->max && !f->only)
		buf_printf(out, ", %llu to %llu", (unsigned long long)f->min,
			   (unsigned long long)f->max);
}

static void put_form(const struct field *f, struct buf *out)
{
	if (f->choices)
		put_choices(f, out);
	else
		put_cell(f->format && f->type == &field_text ? f->format->expected : f->type->name,
			 out);
}

static void put_type(const struct field *f, struct buf *out)
{
	if (f->count_offset && f->object)
		buf_append_str(out, STR("list of mappings"));
	else if (f->count_offset && f->type == &field_count)
		buf_append_str(out, STR("list of numbers"));
	else {
		buf_append_str(out, f->count_offset ? STR("list, each ") : STR(""));
		put_form(f, out);
	}
	put_range(f, out);
	if (f->format && f->type == &field_text_map) {
		buf_append_str(out, STR(", values: "));
		put_cell(f->format->expected, out);
	}
	if (f->entries_max)
		buf_printf(out, "; at most %u", f->entries_max);
}

static void put_default(const struct field *f, struct buf *out)
{
	if (f->required)
		buf_append_str(out, STR("required"));
	else if (f->default_text)
		buf_printf(out, f->default_text[0] ? "`%s`" : "`\"\"`", f->default_text);
}

/*
 * Objects, each with its fields, then the objects within
 */

static void put_rows(const struct object *object, struct buf *out)
{
	buf_append_str(out, STR("\n| Field | Value | Default | |\n| --- | --- | --- | --- |\n"));
	field_for_each(f, object)
	{
		if (f->unsupported)
			continue;
		buf_printf(out, "| `%s` | ", f->name);
		put_type(f, out);
		buf_append_str(out, STR(" | "));
		put_default(f, out);
		buf_printf(out, " | %s |\n", f->text);
	}
}

static void put_refused_row(const char *name, const char *word, const char *why, bool *begun,
			    struct buf *out)
{
	if (!*begun)
		buf_append_str(out, STR("\nRefused by name:\n\n"));
	*begun = true;
	if (word)
		buf_printf(out, "- `%s: %s`: %s\n", name, *word ? word : "\"\"", why);
	else
		buf_printf(out, "- `%s`: %s\n", name, why);
}

static void put_refused(const struct object *object, struct buf *out)
{
	bool begun = false;

	field_for_each(f, object)
	{
		if (f->unsupported)
			put_refused_row(f->name, NULL, f->unsupported, &begun, out);
		for (const struct choice *c = f->choices; c && c->word; c++)
			if (c->unsupported)
				put_refused_row(f->name, c->word, c->unsupported, &begun, out);
	}
}

/* The objects of the page, so that one that stands in several places is told once. */
struct page {
	struct buf *out;
	struct {
		const struct object *object;
		char *path;
	} told[128];
	size_t count;
};

static const char *told_at(const struct page *p, const struct object *object)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->told[i].object == object)
			return p->told[i].path;
	return NULL;
}

/* Takes the path. */
static void put_object(struct page *p, char *path, const struct object *object, const char *text)
{
	const char *before = told_at(p, object);

	assert(p->count < array_count(p->told));
	p->told[p->count].object = object;
	p->told[p->count++].path = path;
	buf_printf(p->out, "\n### %s\n\n%s", path, text);
	if (before) {
		buf_printf(p->out, " The fields are those of `%s`.\n", before);
		return;
	}
	buf_append_char(p->out, '\n');
	put_rows(object, p->out);
	put_refused(object, p->out);
	field_for_each(f, object) if (f->object)
		put_object(p, mem_printf("%s.%s%s", path, f->name, f->count_offset ? "[]" : ""),
			   f->object, f->text);
}

static void put_about(const struct kind *k, struct buf *out)
{
	buf_printf(out, "\n## %s\n\n%s `apiVersion: ", k->name, k->text);
	kind_api_version(k, out);
	buf_printf(out, "`, `kind: %s`; ", k->name);
	for (size_t i = 0; k->words[i]; i++)
		buf_printf(out, "%s`%s`", i ? ", " : "", k->words[i]);
	buf_append_str(out, STR(" on the command line."));
	if (!k->namespaced)
		buf_append_str(out, STR(" It has no namespace."));
	if (k->only_name)
		buf_printf(out, " There is one, named `%s`.\n", k->only_name);
	else
		buf_printf(out, " Its name is %s.\n", k->name_format->expected);
}

static void put_kind(struct page *p, const struct kind *k)
{
	put_about(k, p->out);
	field_for_each(f, k->object) if (f->object && !told_at(p, f->object))
		put_object(p, mem_printf("%s.%s", k->name, f->name), f->object, f->text);
}

static void put_envelope(struct page *p)
{
	const struct object *document = kind_of(KIND_SERVICE)->object;
	const struct field *metadata = field_find(document, STR("metadata"));

	buf_append_str(p->out, STR("\n## Every document\n"));
	put_rows(document, p->out);
	put_object(p, mem_strdup("metadata"), metadata->object, metadata->text);
}

static void put_codes(struct buf *out)
{
	buf_append_str(out,
		       STR("\n## Codes\n"
			   "\n"
			   "What can be wrong with documents; `weft help CODE` says the same.\n"
			   "\n"
			   "| Code | Means | What to do |\n| --- | --- | --- |\n"));
	for (unsigned i = 0; i < CODE_COUNT; i++) {
		const struct code_text *code = code_text((enum code)i);

		buf_printf(out, "| %s | %s | %s |\n", code->name, code->title, code->fix);
	}
}

void manual_documents(struct buf *out)
{
	struct page p = { .out = out };

	buf_append_str(out, STR(top));
	put_envelope(&p);
	for (unsigned i = 0; i < KIND_COUNT; i++)
		put_kind(&p, kind_of((enum kind_id)i));
	put_codes(out);
	for (size_t i = 0; i < p.count; i++)
		mem_free(p.told[i].path);
}
