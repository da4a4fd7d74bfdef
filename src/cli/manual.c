#include "cli/manual.h"

#include "base/mem.h"
#include "cli/help.h"

static void put_item(const struct manual_format *f, const char *term, const char *text,
		     struct buf *out)
{
	f->item(out, term, str_from(text));
}

/*
 * Flags, each group under its heading
 */

struct flags {
	const struct manual_format *format;
	struct buf *out;
	const char *title;   /* of those that stand under none */
	const char *heading; /* of those before, while `begun` */
	bool begun;
};

static void put_flag(const struct setting *row, const char *heading, void *user)
{
	struct flags *x = user;
	struct buf term = BUF_INIT(0), text = BUF_INIT(0);
	char *copy;

	if (!x->begun || heading != x->heading)
		x->format->section(x->out, heading ? heading : x->title);
	x->heading = heading;
	x->begun = true;
	setting_synopsis(row, &term);
	setting_describe(row, &text);
	copy = buf_take_text(&term);
	x->format->item(x->out, copy, buf_str(&text));
	mem_free(copy);
	buf_fini(&text);
}

static void put_flags(const struct manual_format *f, const struct setting *table, const char *title,
		      struct buf *out)
{
	struct flags x = { .format = f, .out = out, .title = title };

	settings_each_grouped(table, put_flag, &x);
}

static void put_examples(const struct manual_format *f, const struct command *c, struct buf *out)
{
	f->section(out, "Examples");
	for (size_t i = 0; i < COMMAND_EXAMPLES_MAX && c->examples[i].line; i++)
		put_item(f, c->examples[i].line, c->examples[i].text, out);
}

static void put_exits(const struct manual_format *f, uint32_t exits, struct buf *out)
{
	f->section(out, "Exit status");
	for (size_t i = 0; i < exit_text_count; i++) {
		char number[12];

		if (!exit_is_of(exit_texts[i].code, exits))
			continue;
		snprintf(number, sizeof(number), "%d", exit_texts[i].code);
		put_item(f, number, exit_texts[i].text, out);
	}
}

static void put_topic(const struct manual_format *f, const char *name, struct buf *out)
{
	struct buf text = BUF_INIT(0);

	for (size_t i = 0; i < topic_count; i++)
		if (str_eq(str_from(topics[i].name), str_from(name)))
			topics[i].put(&text);
	f->literal(out, buf_str(&text));
	buf_fini(&text);
}

void manual_program(const struct manual_format *f, struct buf *out)
{
	f->begin(out, "weft", "A service mesh in two small programs");
	f->section(out, "Usage");
	f->literal(out, STR("weft COMMAND [flags]\n"));
	f->section(out, "Commands");
	for (size_t i = 0; commands[i]; i++)
		if (!commands[i]->hidden)
			put_item(f, commands[i]->name, commands[i]->summary, out);
	put_flags(f, look_table, "Flags of every command", out);
	f->section(out, "Forms of results");
	put_topic(f, "output", out);
	put_exits(f, UINT32_MAX, out);
	f->section(out, "Environment");
	for (size_t i = 0; i < variable_count; i++)
		put_item(f, variables[i].name, variables[i].text, out);
}

void manual_command(const struct manual_format *f, const struct command *c, struct buf *out)
{
	char *name = mem_printf("weft %s", c->name);
	char *usage = mem_printf("%s%s%s\n", name, *c->usage ? " " : "", c->usage);

	f->begin(out, name, c->summary);
	f->section(out, "Usage");
	f->literal(out, str_from(usage));
	if (c->notes)
		f->text(out, str_from(c->notes));
	put_examples(f, c, out);
	if (c->settings)
		put_flags(f, c->settings, "Flags", out);
	put_exits(f, c->exits, out);
	f->section(out, "See also");
	f->text(out, str_from(c->see_also ? c->see_also : "weft help"));
	mem_free(usage);
	mem_free(name);
}

char *manual_page_name(const struct command *c)
{
	char *name = mem_printf("weft-%s", c->name);

	for (char *at = name; *at; at++)
		if (*at == ' ')
			*at = '-';
	return name;
}

void manual_reference(struct buf *out)
{
	buf_append_str(out,
		       STR("# The command line\n"
			   "\n"
			   "Made from the tables of the program by `weft man --form markdown`; "
			   "`weft help` and the\n"
			   "man pages say the same.\n"));
	manual_program(&manual_markdown, out);
	for (size_t i = 0; commands[i]; i++)
		if (!commands[i]->hidden)
			manual_command(&manual_markdown, commands[i], out);
}
