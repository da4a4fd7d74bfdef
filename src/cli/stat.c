/*
 * weft stat: the golden signals
 *
 *	NAME     READY   RPS  SUCCESS    P50    P95    P99  MTLS
 *	reviews    2/2  61.2     100%  1.2ms  2.4ms  3.9ms  100%
 *
 * Counted by the proxies in front of the services. `--by` splits the rows by version or by
 * who called.
 */

#include "cli/commands.h"
#include "cli/named.h"
#include "cli/view.h"
#include "codec/percent.h"

#define SUCCESS_GOOD 0.99

struct stat_settings {
	struct scope_settings scope;
	struct output_settings output;
	struct watch_settings watch;
	setting_text by;
	setting_text window;
};

static const char *const by_words[] = { "service", "version", "peer", NULL };

static const struct setting table[] = {
	SCOPE_SETTINGS(struct stat_settings, scope),
	OUTPUT_SETTINGS(struct stat_settings, output),
	WATCH_SETTINGS(struct stat_settings, watch),
	SETTING_CHOICE(struct stat_settings, by, 0, "service", "SPLIT", by_words,
		       "What a row stands for"),
	SETTING_SHORT(struct stat_settings, window, text, 't', "60s", "DURATION",
		      "The last so long, up to 5m; or all."),
	{ 0 },
};

static const struct table_column service_columns[] = {
	{ "NAME", false, false },   { "NAMESPACE", false, true }, { "READY", true, false },
	{ "RPS", true, false },     { "SUCCESS", true, false },   { "P50", true, false },
	{ "P95", true, false },     { "P99", true, false },       { "MTLS", true, false },
	{ "REQUESTS", true, true }, { "FAILURES", true, true },   { "RETRIES", true, true },
	{ NULL, false, false },
};

static const struct table_column version_columns[] = {
	{ "NAME", false, false },  { "NAMESPACE", false, true }, { "VERSION", false, false },
	{ "READY", true, false },  { "RPS", true, false },       { "SUCCESS", true, false },
	{ "P50", true, false },    { "P95", true, false },       { "P99", true, false },
	{ "MTLS", true, false },   { "REQUESTS", true, true },   { "FAILURES", true, true },
	{ "RETRIES", true, true }, { NULL, false, false },
};

static const struct table_column peer_columns[] = {
	{ "NAME", false, false },  { "NAMESPACE", false, true }, { "PEER", false, false },
	{ "READY", true, false },  { "RPS", true, false },       { "SUCCESS", true, false },
	{ "P50", true, false },    { "P95", true, false },       { "P99", true, false },
	{ "MTLS", true, false },   { "REQUESTS", true, true },   { "FAILURES", true, true },
	{ "RETRIES", true, true }, { NULL, false, false },
};

static const struct table_column *columns_of(const char *by)
{
	if (str_eq(str_from(by), STR("version")))
		return version_columns;
	return str_eq(str_from(by), STR("peer")) ? peer_columns : service_columns;
}

/* What is asked for. */
struct stat {
	struct view view;
	struct named named;
	struct str path;
};

static void add_latency(struct table *t, const struct node *row, const char *name, bool counted)
{
	double ms = answer_real(row, name);

	if (!counted)
		table_add(t, "-");
	else if (ms < 10)
		table_add(t, "%.1fms", ms);
	else
		table_add(t, "%.0fms", ms);
}

static void add_percent(struct table *t, double share, bool counted, double good)
{
	enum style style = counted && share < good ? STYLE_RED : STYLE_PLAIN;
	struct buf text = BUF_INIT(0);

	percent_text(share, counted, &text);
	table_add_style(t, style, "%.*s", STR_ARGS(buf_str(&text)));
	buf_fini(&text);
}

static void add_row(struct table *t, const struct stat *x, const struct node *row)
{
	const struct stat_settings *s = x->view.in->settings;
	uint64_t requests = answer_count(row, "requests");
	uint64_t ready = answer_count(row, "ready"), of = answer_count(row, "of");
	struct buf name = BUF_INIT(0);

	named_put(&x->named, row, &name);
	table_add_str(t, buf_str(&name));
	buf_fini(&name);
	table_add_str(t, answer_text(row, "namespace"));
	if (columns_of(s->by) != service_columns)
		table_add_str(t, answer_text(row, s->by));
	table_add_style(t, ready < of ? STYLE_YELLOW : STYLE_PLAIN, "%llu/%llu",
			(unsigned long long)ready, (unsigned long long)of);
	if (requests)
		table_add(t, "%.1f", answer_real(row, "rps"));
	else
		table_add(t, "-");
	add_percent(t, answer_real(row, "success"), requests > 0, SUCCESS_GOOD);
	add_latency(t, row, "p50Ms", requests > 0);
	add_latency(t, row, "p95Ms", requests > 0);
	add_latency(t, row, "p99Ms", requests > 0);
	add_percent(t, answer_real(row, "mtlsShare"), requests > 0, 1);
	table_add_str(t, answer_text(row, "requests"));
	table_add_str(t, answer_text(row, "failures"));
	table_add_str(t, answer_text(row, "retries"));
}

static int ask(struct view *v, struct diag *d)
{
	struct stat *x = container_of(v, struct stat, view);
	struct remote_request request = { .path = x->path };
	int r = remote_try(&v->remote, &request, &v->body, d);

	v->rows = "rows";
	return r < 0 ? r : named_filter(&x->named, &v->remote, node_get(v->body, STR("rows")), d);
}

static void show(struct view *v, struct buf *out)
{
	struct stat *x = container_of(v, struct stat, view);
	const struct stat_settings *s = v->in->settings;
	struct table t;

	table_init(&t, columns_of(s->by));
	node_for_each (row, node_get(v->body, STR("rows")))
		add_row(&t, x, row);
	output_rows(&v->cli, &s->output, &t, out);
	table_fini(&t);
}

static void name(struct view *v, const struct node *row, struct buf *out)
{
	named_ref(&container_of(v, struct stat, view)->named, row, out);
}

static const struct view_ops ops = {
	.schema = "stat/v1",
	.empty = "No requests were counted here yet.",
	.ask = ask,
	.show = show,
	.name = name,
};

static int run(const struct invocation *in)
{
	const struct stat_settings *s = in->settings;
	struct pool pool = POOL_INIT(0);
	struct stat x = {
		.view = { .ops = &ops, .in = in, .output = &s->output, .watch = &s->watch },
		.named = { .kind = kind_of(KIND_SERVICE),
			   .key = "service",
			   .name_space = scope_of(&s->scope) },
	};
	struct buf path = BUF_INIT(0);
	struct diag d = DIAG_INIT;
	int code;

	buf_printf(&path, "/weft/v1/stat?by=%s&window=", s->by);
	percent_encode(str_from(s->window), PERCENT_COMPONENT, &path);
	x.path = buf_str(&path);
	if (named_parse(&x.named, in->words, in->word_count, &pool, &d) < 0)
		code = cli_misuse(in->cli, &d);
	else
		code = view_run(&x.view);
	buf_fini(&path);
	pool_fini(&pool);
	diag_fini(&d);
	return code;
}

const struct command stat_command = {
	.name = "stat",
	.summary = "Show requests, success, latency and mutual TLS of services",
	.usage = "[SERVICE...] [flags]",
	.examples = {
		{ "weft stat", "every service of the namespace" },
		{ "weft stat reviews --by version", "compare the versions of one service" },
		{ "weft stat reviews --by peer", "who calls it" },
		{ "weft stat -w", "drawn anew every two seconds" },
		{ "weft stat -A -t 5m -o json=service,rps", "two fields of all, for scripts" },
	},
	.settings = table,
	.settings_size = sizeof(struct stat_settings),
	.see_also = "weft status",
	.takes_words = true,
	.first = true,
	.exits = EXITS_REMOTE | EXITS_WATCH,
	.words = COMPLETE_SERVICES,
	.run = run,
};
