/*
 * weft history: the revisions of what people applied
 */

#include "base/mem.h"
#include "cli/commands.h"
#include "cli/view.h"

struct history_settings {
	struct output_settings output;
	setting_count limit;
};

static const struct setting table[] = {
	OUTPUT_SETTINGS(struct history_settings, output),
	SETTING(struct history_settings, limit, count, "20", "COUNT", "The newest so many."),
	{ 0 },
};

static const struct table_column columns[] = {
	{ "REVISION", true, false }, { "TIME", false, false },   { "ACTOR", false, false },
	{ "CREATED", true, false },  { "CHANGED", true, false }, { "DELETED", true, false },
	{ "MESSAGE", false, false }, { NULL, false, false },
};

static void add_row(struct table *t, const struct node *revision)
{
	static const char *const counts[] = { "created", "changed", "deleted" };

	table_add_str(t, answer_text(revision, "revision"));
	table_add_str(t, answer_text(revision, "time"));
	table_add_str(t, answer_text(revision, "actor"));
	for (size_t i = 0; i < array_count(counts); i++)
		table_add_str(t, answer_text(revision, counts[i]));
	table_add_str(t, answer_text(revision, "message"));
}

static int ask(struct view *v, struct diag *d)
{
	const struct history_settings *s = v->in->settings;
	char *path = mem_printf("/weft/v1/history?limit=%llu", (unsigned long long)s->limit);
	struct remote_request request = { .path = str_from(path) };
	int r = remote_try(&v->remote, &request, &v->body, d);

	v->rows = "revisions";
	mem_free(path);
	return r;
}

static void show(struct view *v, struct buf *out)
{
	struct table t;

	table_init(&t, columns);
	node_for_each (revision, node_get(v->body, STR("revisions")))
		add_row(&t, revision);
	output_rows(&v->cli, v->output, &t, out);
	table_fini(&t);
}

static void name(unused_arg struct view *v, const struct node *revision, struct buf *out)
{
	buf_append_str(out, answer_text(revision, "revision"));
}

static const struct view_ops ops = {
	.schema = "history/v1",
	.empty = "Nothing was applied yet.",
	.ask = ask,
	.show = show,
	.name = name,
};

static int run(const struct invocation *in)
{
	const struct history_settings *s = in->settings;
	struct view view = { .ops = &ops, .in = in, .output = &s->output };

	return view_run(&view);
}

const struct command history_command = {
	.name = "history",
	.summary = "List the revisions of what was applied",
	.usage = "[flags]",
	.examples = {
		{ "weft history", "the newest 20" },
		{ "weft history --limit 1 -o json", "the present one, for scripts" },
	},
	.settings = table,
	.settings_size = sizeof(struct history_settings),
	.notes = "What weft run registers is no part of it: no rollback ends a live workload.",
	.see_also = "weft diff, weft rollback",
	.exits = EXITS_REMOTE,
	.run = run,
};
