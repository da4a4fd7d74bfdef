/*
 * weft proxy status: what each proxy has, and what it refused
 */

#include "cli/commands.h"
#include "cli/named.h"
#include "cli/view.h"

struct proxy_settings {
	struct scope_settings scope;
	struct output_settings output;
	struct watch_settings watch;
	setting_flag behind;
};

static const struct setting table[] = {
	SCOPE_SETTINGS(struct proxy_settings, scope),
	OUTPUT_SETTINGS(struct proxy_settings, output),
	WATCH_SETTINGS(struct proxy_settings, watch),
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

/* What is asked for. */
struct proxies {
	struct view view;
	struct named named;
};

static void add_age(struct table *t, struct str since)
{
	struct buf text = BUF_INIT(0);
	struct wall_time at;

	if (wall_time_parse(since, &at) == 0)
		short_duration(DURATION_NS(max_of(time_wall_now().ns - at.ns, INT64_C(0))), &text);
	table_add_str(t, buf_str(&text));
	buf_fini(&text);
}

static void add_row(struct table *t, const struct named *named, const struct node *proxy)
{
	bool up = str_eq(answer_text(proxy, "state"), STR("up"));
	bool programmed = answer_flag(proxy, "programmed");
	const struct node *refusal = node_at(proxy, "refusals[0]");
	struct buf name = BUF_INIT(0);

	named_put(named, proxy, &name);
	table_add_str(t, buf_str(&name));
	buf_fini(&name);
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

static void filter_behind(struct node *list)
{
	struct node *next;

	for (struct node *proxy = list ? list->first : NULL; proxy; proxy = next) {
		next = proxy->next;
		if (answer_flag(proxy, "programmed"))
			node_remove(proxy);
	}
}

static int ask(struct view *v, struct diag *d)
{
	struct proxies *x = container_of(v, struct proxies, view);
	const struct proxy_settings *s = v->in->settings;
	struct remote_request request = { .path = STR("/weft/v1/proxies") };
	int r = remote_try(&v->remote, &request, &v->body, d);
	struct node *list;

	if (r < 0)
		return r;
	v->rows = "proxies";
	list = node_get(v->body, STR("proxies"));
	r = named_filter(&x->named, &v->remote, list, d);
	if (r == 0 && s->behind)
		filter_behind(list);
	return r;
}

static void show(struct view *v, struct buf *out)
{
	struct proxies *x = container_of(v, struct proxies, view);
	const struct proxy_settings *s = v->in->settings;
	struct table t;

	table_init(&t, columns);
	node_for_each (proxy, node_get(v->body, STR("proxies")))
		add_row(&t, &x->named, proxy);
	output_rows(&v->cli, &s->output, &t, out);
	table_fini(&t);
}

static void name(struct view *v, const struct node *row, struct buf *out)
{
	named_ref(&container_of(v, struct proxies, view)->named, row, out);
}

static const struct view_ops ops = {
	.schema = "proxy-status/v1",
	.empty = "No proxy here.",
	.ask = ask,
	.show = show,
	.name = name,
};

static const struct view_ops behind_ops = {
	.schema = "proxy-status/v1",
	.empty = "No proxy is behind.",
	.ask = ask,
	.show = show,
	.name = name,
};

static int run(const struct invocation *in)
{
	const struct proxy_settings *s = in->settings;
	struct pool pool = POOL_INIT(0);
	struct proxies x = {
		.view = { .ops = s->behind ? &behind_ops : &ops,
			  .in = in,
			  .output = &s->output,
			  .watch = &s->watch },
		.named = { .kind = kind_of(KIND_WORKLOAD),
			   .key = "workload",
			   .name_space = scope_of(&s->scope) },
	};
	struct diag d = DIAG_INIT;
	int code;

	if (named_parse(&x.named, in->words, in->word_count, &pool, &d) < 0)
		code = cli_misuse(in->cli, &d);
	else
		code = view_run(&x.view);
	pool_fini(&pool);
	diag_fini(&d);
	return code;
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
	.exits = EXITS_REMOTE | EXITS_WATCH,
	.words = COMPLETE_WORKLOADS,
	.run = run,
};
