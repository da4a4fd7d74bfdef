/*
 * Help from the tables
 *
 *	HTTPRoute.spec.rules.timeouts: How long it may take.
 *
 *	  request         duration
 *	                  For a request with all its tries; 0s: none.
 *	  backendRequest  duration
 *	                  For one try; 0s: none.
 */

#include "mesh/kind.h"

#include "mesh/field.h"

/* "list of number", "text", "Exact|PathPrefix". */
static void write_type(const struct field *f, struct buf *out)
{
	bool first = true;

	if (f->count_offset)
		buf_append_str(out, STR("list of "));
	if (!f->choices)
		buf_append_str(out, str_from(f->type->name));
	for (size_t i = 0; f->choices && f->choices[i].word; i++) {
		if (f->choices[i].unsupported)
			continue;
		buf_printf(out, "%s%s", first ? "" : "|", f->choices[i].word);
		first = false;
	}
}

static int name_width(const struct object *object)
{
	size_t width = 0;

	field_for_each(f, object) if (!f->unsupported) width = max_of(width, strlen(f->name));
	return (int)width;
}

static void write_field(const struct field *f, int width, struct buf *out)
{
	buf_printf(out, "  %-*s  ", width, f->name);
	write_type(f, out);
	if (f->required)
		buf_append_str(out, STR(", required"));
	if (f->default_text && f->default_text[0])
		buf_printf(out, ", default %s", f->default_text);
	buf_printf(out, "\n  %*s  %s\n", width, "", f->text);
}

int kind_help(const struct kind *k, struct str path, struct buf *out)
{
	const struct object *object = k->object;
	const char *text = k->text;
	struct str rest = path;
	struct str name;

	while (str_split(&rest, '.', &name)) {
		const struct field *f = field_find(object, name);

		if (!f || !f->object)
			return ERR_NOT_FOUND;
		object = f->object;
		text = f->text;
	}
	buf_printf(out, "%s%s%.*s: %s\n\n", k->name, path.len ? "." : "", STR_ARGS(path), text);
	field_for_each(f, object) if (!f->unsupported) write_field(f, name_width(object), out);
	return 0;
}
