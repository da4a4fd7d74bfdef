#include "cli/table.h"

#include <assert.h>

#include "base/mem.h"

#define GAP 2

void table_init(struct table *t, const struct table_column *columns)
{
	*t = (struct table){ .columns = columns };
	pool_init(&t->pool, 0);
	while (columns[t->column_count].name)
		t->column_count++;
}

void table_fini(struct table *t)
{
	t->cells = mem_free(t->cells);
	pool_fini(&t->pool);
}

static void add(struct table *t, enum style style, struct str text)
{
	if (t->cell_count == t->capacity) {
		t->capacity = t->capacity ? t->capacity * 2 : 64;
		t->cells = mem_realloc(t->cells, t->capacity * sizeof(*t->cells));
	}
	t->cells[t->cell_count++] = (struct table_cell){
		.text = text.len ? pool_strdup(&t->pool, text) : STR("-"),
		.style = style,
	};
}

void table_add_str(struct table *t, struct str text)
{
	add(t, STYLE_PLAIN, text);
}

static void add_formatted(struct table *t, enum style style, const char *format, va_list args)
{
	struct buf text = BUF_INIT(0);

	buf_vprintf(&text, format, args);
	add(t, style, buf_str(&text));
	buf_fini(&text);
}

void table_add(struct table *t, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_formatted(t, STYLE_PLAIN, format, args);
	va_end(args);
}

void table_add_style(struct table *t, enum style style, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_formatted(t, style, format, args);
	va_end(args);
}

uint32_t table_row_count(const struct table *t)
{
	return t->cell_count / t->column_count;
}

static bool is_shown(const struct table *t, uint32_t column, const struct table_options *o)
{
	return o->wide || !t->columns[column].wide_only;
}

static uint32_t width_of(const struct table *t, uint32_t column, const struct table_options *o)
{
	uint32_t width = o->no_headers ? 0 : text_columns(str_from(t->columns[column].name));

	for (uint32_t i = column; i < t->cell_count; i += t->column_count)
		width = max_of(width, text_columns(t->cells[i].text));
	return width;
}

#define CUT_MIN 8 /* columns that a text keeps */

static uint32_t total_of(const struct table *t, const uint32_t *widths,
			 const struct table_options *o)
{
	uint32_t total = 0;

	for (uint32_t c = 0; c < t->column_count; c++)
		if (is_shown(t, c, o))
			total += widths[c] + (total ? GAP : 0);
	return total;
}

/* The widest column of texts behind the name, which stays whole; NULL where none can be cut. */
static uint32_t *widest(const struct table *t, uint32_t *widths, const struct table_options *o)
{
	uint32_t *found = NULL;

	for (uint32_t c = 1; c < t->column_count; c++)
		if (is_shown(t, c, o) && !t->columns[c].right && widths[c] > CUT_MIN &&
		    (!found || widths[c] > *found))
			found = &widths[c];
	return found;
}

static void fit(const struct table *t, uint32_t *widths, const struct table_options *o)
{
	uint32_t *column;

	if (!o->terminal->is_tty)
		return;
	while (total_of(t, widths, o) > o->terminal->columns && (column = widest(t, widths, o)))
		--*column;
}

/* The first characters, and a sign that there are more. */
static void put_cut(const struct terminal *t, const struct table_cell *cell, uint32_t width,
		    struct buf *out)
{
	struct str mark = t->utf8 ? STR("…") : STR("..");
	uint32_t room = width - text_columns(mark);
	struct buf text = BUF_INIT(0);
	size_t end = 0;

	while (end < cell->text.len && text_columns(str_slice(cell->text, 0, end + 1)) <= room)
		end++;
	buf_append_str(&text, str_slice(cell->text, 0, end));
	buf_append_str(&text, mark);
	terminal_style(t, cell->style, buf_str(&text), out);
	buf_fini(&text);
}

/* Blanks that are owed are written with the next text, so that none end a line. */
struct line {
	const struct table_options *options;
	struct buf *out;
	uint32_t blanks;
};

static void put(struct line *line, const struct table_cell *cell, uint32_t width, bool right)
{
	uint32_t wanted = text_columns(cell->text);
	uint32_t fill = width > wanted ? width - wanted : 0;

	if (right)
		line->blanks += fill;
	buf_printf(line->out, "%*s", (int)line->blanks, "");
	if (wanted > width)
		put_cut(line->options->terminal, cell, width, line->out);
	else
		terminal_style(line->options->terminal, cell->style, cell->text, line->out);
	line->blanks = GAP + (right ? 0 : fill);
}

void table_write(const struct table *t, const struct table_options *o, struct buf *out)
{
	uint32_t *widths = mem_new_array(uint32_t, t->column_count);

	assert(t->cell_count % t->column_count == 0);
	for (uint32_t c = 0; c < t->column_count; c++)
		widths[c] = width_of(t, c, o);
	fit(t, widths, o);
	for (uint32_t row = o->no_headers; row <= table_row_count(t); row++) {
		struct line line = { .options = o, .out = out };

		for (uint32_t c = 0; c < t->column_count; c++) {
			struct table_cell head = { str_from(t->columns[c].name), STYLE_BOLD };
			const struct table_cell *cell =
				row ? &t->cells[(row - 1) * t->column_count + c] : &head;

			if (is_shown(t, c, o))
				put(&line, cell, widths[c], t->columns[c].right);
		}
		buf_append_char(out, '\n');
	}
	mem_free(widths);
}
