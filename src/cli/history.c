/*
 * weft history: the revisions of what people applied
 */

#include "base/mem.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/remote.h"

struct history_settings {
	struct output_settings output;
	setting_count limit;
};

static const struct setting table[] = {
	SETTING_TABLE(struct history_settings, output, output_table),
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

static void show(const struct invocation *in, enum output output, struct node *body,
		 struct pool *pool)
{
	const struct history_settings *s = in->settings;
	struct buf names = BUF_INIT(0);
	struct table t;

	if (output == OUTPUT_JSON || output == OUTPUT_YAML) {
		output_schema(body, "history/v1", pool);
		output_node(in->cli, output, body);
		return;
	}
	table_init(&t, columns);
	node_for_each (revision, node_get(body, STR("revisions"))) {
		add_row(&t, revision);
		buf_printf(&names, "%.*s\n", STR_ARGS(answer_text(revision, "revision")));
	}
	if (output == OUTPUT_NAME)
		cli_out(in->cli, &names);
	else
		output_rows(in->cli, &s->output, &t, "Nothing was applied yet.");
	buf_fini(&names);
	table_fini(&t);
}

static int run(const struct invocation *in)
{
	const struct history_settings *s = in->settings;
	char *path = mem_printf("/weft/v1/history?limit=%llu", (unsigned long long)s->limit);
	enum output output;
	struct remote remote;
	struct node *body;
	int code = output_read(in->cli, &s->output, &output);

	if (code == EXIT_DONE)
		code = remote_ask(&remote, in->cli, str_from(path), &body);
	mem_free(path);
	if (code)
		return code;
	show(in, output, body, &remote.pool);
	remote_close(&remote);
	return EXIT_DONE;
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
	.run = run,
};
