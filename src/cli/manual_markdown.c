/*
 * The pages as one: docs/reference/cli.md
 */

#include "cli/manual.h"

static void begin(struct buf *out, const char *name, const char *summary)
{
	buf_printf(out, "\n## %s\n\n%s.\n", name, summary);
}

static void section(struct buf *out, const char *title)
{
	buf_printf(out, "\n### %s\n\n", title);
}

static void text(struct buf *out, struct str words)
{
	buf_printf(out, "%.*s\n", STR_ARGS(words));
}

static void literal(struct buf *out, struct str lines)
{
	buf_printf(out, "```text\n%.*s```\n", STR_ARGS(lines));
}

static void item(struct buf *out, const char *term, struct str words)
{
	buf_printf(out, "- `%s`: %.*s\n", term, STR_ARGS(words));
}

const struct manual_format manual_markdown = {
	.name = "markdown",
	.begin = begin,
	.section = section,
	.text = text,
	.literal = literal,
	.item = item,
};
