/*
 * weft proxy status: what each proxy has, and what it refused
 */

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/remote.h"

struct proxy_settings {
	struct scope_settings scope;
	struct output_settings output;
	setting_flag behind;
};

static const struct setting table[] = {
	SETTING_TABLE(struct proxy_settings, scope, scope_table),
	SETTING_TABLE(struct proxy_settings, output, output_table),
	SETTING(struct proxy_settings, behind, flag, NULL, NULL,
		"Only those that do not serve the newest configuration."),
	{ 0 },
};

static const struct table_column columns[] = {
	{ "NAME", false, false },    { "STATE", false, false },   { "VERSION", false, false },
	{ "REVISION", true, false }, { "SERVED", true, false },   { "PROGRAMMED", false, false },
	{ "AGE", true, false },      { "UNCHANGED", true, true }, { "REFUSED", false, false },
	{ NULL, false, false },
};

static bool is_wanted(const struct invocation *in, const struct node *proxy)
{
	const struct proxy_settings *s = in->settings;
	struct str name = answer_text(proxy, "workload");

	if (s->behind && answer_flag(proxy, "programmed"))
		return false;
	if (!s->scope.all_namespaces &&
	    !str_eq(answer_text(proxy, "namespace"), namespace_of(&s->scope.in)))
		return false;
	for (size_t i = 0; i < in->word_count; i++)
		if (str_eq(name, str_from(in->words[i])))
			return true;
	return in->word_count == 0;
}

static void add_age(struct table *t, struct str since)
{
	struct buf text = BUF_INIT(0);
	struct wall_time at;

	if (wall_time_parse(since, &at) == 0)
		short_duration(DURATION_NS(max_of(time_wall_now().ns - at.ns, INT64_C(0))), &text);
	table_add_str(t, buf_str(&text));
	buf_fini(&text);
}

static void add_row(struct table *t, const struct proxy_settings *s, const struct node *proxy)
{
	bool up = str_eq(answer_text(proxy, "state"), STR("up"));
	bool programmed = answer_flag(proxy, "programmed");
	const struct node *refusal = node_at(proxy, "refusals[0]");

	table_add_str(t, answer_text(proxy, s->scope.all_namespaces ? "name" : "workload"));
	table_add_style(t, up ? STYLE_PLAIN : STYLE_RED, "%.*s",
			STR_ARGS(answer_text(proxy, "state")));
	table_add_str(t, answer_text(proxy, "version"));
	table_add_str(t, answer_text(proxy, "revision"));
	table_add_str(t, answer_text(proxy, "served"));
	table_add_style(t, programmed ? STYLE_PLAIN : STYLE_YELLOW, programmed ? "yes" : "no");
	add_age(t, answer_text(proxy, "since"));
	table_add_str(t, answer_text(proxy, "unchanged"));
	if (refusal)
		table_add_style(t, STYLE_RED, "%.*s %.*s: %.*s",
				STR_ARGS(answer_text(refusal, "type")),
				STR_ARGS(answer_text(refusal, "name")),
				STR_ARGS(answer_text(refusal, "reason")));
	else
		table_add(t, "-");
}

static void filter(const struct invocation *in, struct node *list)
{
	struct node *next;

	for (struct node *proxy = list->first; proxy; proxy = next) {
		next = proxy->next;
		if (!is_wanted(in, proxy))
			node_remove(proxy);
	}
}

static void show_names(const struct cli *c, const struct node *list)
{
	struct buf text = BUF_INIT(0);

	node_for_each (proxy, list)
		buf_printf(&text, "%.*s\n", STR_ARGS(answer_text(proxy, "name")));
	cli_out(c, &text);
	buf_fini(&text);
}

static void show(const struct invocation *in, enum output output, struct node *body,
		 struct pool *pool)
{
	const struct proxy_settings *s = in->settings;
	struct node *list = node_get(body, STR("proxies"));
	struct table t;

	filter(in, list);
	if (output == OUTPUT_JSON || output == OUTPUT_YAML) {
		output_schema(body, "proxy-status/v1", pool);
		output_node(in->cli, output, body);
		return;
	}
	if (output == OUTPUT_NAME) {
		show_names(in->cli, list);
		return;
	}
	table_init(&t, columns);
	node_for_each (proxy, list)
		add_row(&t, s, proxy);
	output_rows(in->cli, &s->output, &t, s->behind ? "No proxy is behind." : "No proxy here.");
	table_fini(&t);
}

static int run(const struct invocation *in)
{
	const struct proxy_settings *s = in->settings;
	enum output output;
	struct remote remote;
	struct node *body;
	int code = output_read(in->cli, &s->output, &output);

	if (code == EXIT_DONE)
		code = remote_ask(&remote, in->cli, STR("/weft/v1/proxies"), &body);
	if (code)
		return code;
	if (node_get(body, STR("proxies")))
		show(in, output, body, &remote.pool);
	remote_close(&remote);
	return EXIT_DONE;
}

const struct command proxy_status_command = {
	.name = "proxy status",
	.summary = "Show what each proxy has been sent, serves and refused",
	.usage = "[WORKLOAD...] [flags]",
	.examples = {
		{ "weft proxy status", "the proxies of the namespace" },
		{ "weft proxy status -A --behind", "those that lack the newest configuration" },
		{ "weft proxy status -A -o json", "all of them, for scripts" },
	},
	.settings = table,
	.settings_size = sizeof(struct proxy_settings),
	.see_also = "weft status",
	.takes_words = true,
	.run = run,
};
