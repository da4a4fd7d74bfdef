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
#include "cli/output.h"
#include "cli/remote.h"
#include "codec/percent.h"

#define SUCCESS_GOOD 0.99

struct stat_settings {
	struct scope_settings scope;
	struct output_settings output;
	setting_text by;
	setting_text window;
};

static const struct setting table[] = {
	SETTING_TABLE(struct stat_settings, scope, scope_table),
	SETTING_TABLE(struct stat_settings, output, output_table),
	SETTING(struct stat_settings, by, text, "service", "SPLIT",
		"Rows by service, version or peer."),
	SETTING_SHORT(struct stat_settings, window, text, 't', "60s", "DURATION",
		      "The last so long, up to 5m; or all."),
	{ 0 },
};

static const char *const by_words[] = { "service", "version", "peer", NULL };

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

static bool is_wanted(const struct invocation *in, const struct node *row)
{
	const struct stat_settings *s = in->settings;

	if (!s->scope.all_namespaces &&
	    !str_eq(answer_text(row, "namespace"), namespace_of(&s->scope.in)))
		return false;
	for (size_t i = 0; i < in->word_count; i++)
		if (str_eq(answer_text(row, "service"), str_from(in->words[i])))
			return true;
	return in->word_count == 0;
}

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

static void add_row(struct table *t, const struct stat_settings *s, const struct node *row)
{
	uint64_t requests = answer_count(row, "requests");
	uint64_t ready = answer_count(row, "ready"), of = answer_count(row, "of");
	struct str name = answer_text(row, "service");

	if (s->scope.all_namespaces)
		table_add(t, "%.*s/%.*s", STR_ARGS(answer_text(row, "namespace")), STR_ARGS(name));
	else
		table_add_str(t, name);
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

/* Leaves the rows that were asked for. */
static void filter(const struct invocation *in, struct node *body)
{
	struct node *next;

	for (struct node *row = node_get(body, STR("rows"))->first; row; row = next) {
		next = row->next;
		if (!is_wanted(in, row))
			node_remove(row);
	}
}

static void show(const struct invocation *in, enum output output, struct node *body,
		 struct pool *pool)
{
	const struct stat_settings *s = in->settings;
	struct table t;

	if (output == OUTPUT_JSON || output == OUTPUT_YAML) {
		output_schema(body, "stat/v1", pool);
		output_node(in->cli, output, body);
		return;
	}
	table_init(&t, columns_of(s->by));
	node_for_each (row, node_get(body, STR("rows")))
		add_row(&t, s, row);
	output_rows(in->cli, &s->output, &t, "No requests were counted here yet.");
	table_fini(&t);
}

static bool is_split(const char *by)
{
	for (size_t i = 0; by_words[i]; i++)
		if (str_eq(str_from(by), str_from(by_words[i])))
			return true;
	return false;
}

static int run(const struct invocation *in)
{
	const struct stat_settings *s = in->settings;
	enum output output;
	struct remote remote;
	struct node *body;
	struct buf path = BUF_INIT(0);
	int code = output_read(in->cli, &s->output, &output);

	if (code)
		return code;
	if (!is_split(s->by))
		return cli_usage(in->cli, "stat", "--by: \"%s\" is not service, version or peer",
				 s->by);
	buf_printf(&path, "/weft/v1/stat?by=%s&window=", s->by);
	percent_encode(str_from(s->window), PERCENT_COMPONENT, &path);
	code = remote_ask(&remote, in->cli, buf_str(&path), &body);
	buf_fini(&path);
	if (code)
		return code;
	if (node_get(body, STR("rows"))) {
		filter(in, body);
		show(in, output, body, &remote.pool);
	}
	remote_close(&remote);
	return EXIT_DONE;
}

const struct command stat_command = {
	.name = "stat",
	.summary = "Show requests, success, latency and mutual TLS of services",
	.usage = "[SERVICE...] [flags]",
	.examples = {
		{ "weft stat", "every service of the namespace" },
		{ "weft stat reviews --by version", "compare the versions of one service" },
		{ "weft stat reviews --by peer", "who calls it" },
		{ "weft stat -A -t 5m -o json", "all namespaces, five minutes, for scripts" },
	},
	.settings = table,
	.settings_size = sizeof(struct stat_settings),
	.see_also = "weft status",
	.takes_words = true,
	.first = true,
	.run = run,
};
