/*
 * weft status: how the mesh does, on one screen
 */

#include "cli/commands.h"
#include "cli/view.h"
#include "mesh/kind.h"

#define LABEL_WIDTH  14
#define HINT_COLUMN  60
#define SUCCESS_GOOD 0.99

struct status_settings {
	struct output_settings output;
	struct watch_settings watch;
	setting_text fail_on;
};

static const char *const severities[] = { "error", "warning", NULL };

static const struct setting table[] = {
	REPORT_SETTINGS(struct status_settings, output),
	WATCH_SETTINGS(struct status_settings, watch),
	SETTING_CHOICE(struct status_settings, fail_on, 0, NULL, "SEVERITY", severities,
		       "Exit with 3 when there is a finding as grave as that"),
	{ 0 },
};

struct screen {
	const struct cli *cli;
	const struct node *status;
	const struct node *info;
	const char *socket;
	struct buf *out;
};

/* What is asked for. */
struct status {
	struct view view;
	struct node *info;
};

/* "Proxies         ▲  8 of 9 …     weft proxy status" */
static void put_line(struct screen *s, const char *label, enum mark mark, struct buf *text,
		     const char *hint)
{
	uint32_t used = LABEL_WIDTH + 6 + text_columns(buf_str(text));

	buf_printf(s->out, "%-*s  ", LABEL_WIDTH, label);
	terminal_mark(&s->cli->out, mark, s->out);
	buf_printf(s->out, "  %.*s", STR_ARGS(buf_str(text)));
	if (hint && mark != MARK_OK)
		buf_printf(s->out, "%*s%s", used < HINT_COLUMN ? (int)(HINT_COLUMN - used) : 2, "",
			   hint);
	buf_append_char(s->out, '\n');
	buf_fini(text);
}

static void put_control(struct screen *s)
{
	struct str started = answer_text(s->info, "startedAt");
	struct wall_time at;
	struct buf text = BUF_INIT(0);

	buf_printf(&text, "version %.*s", STR_ARGS(answer_text(s->info, "version")));
	if (wall_time_parse(started, &at) == 0) {
		buf_append_str(&text, STR(", up for "));
		short_duration(DURATION_NS(max_of(time_wall_now().ns - at.ns, INT64_C(0))), &text);
	}
	buf_printf(&text, ", %s", s->socket);
	put_line(s, "Control plane", MARK_OK, &text, NULL);
}

static void put_proxies(struct screen *s)
{
	uint64_t up = answer_count(s->status, "proxies.up");
	uint64_t of = answer_count(s->status, "proxies.of");
	uint64_t programmed = answer_count(s->status, "proxies.programmed");
	struct buf text = BUF_INIT(0);

	if (!of) {
		buf_append_str(&text, STR("none is connected"));
		put_line(s, "Proxies", MARK_NONE, &text, "weft help run");
		return;
	}
	buf_printf(&text, "%llu of %llu programmed", (unsigned long long)programmed,
		   (unsigned long long)of);
	if (up < of)
		buf_printf(&text, ", %llu lost", (unsigned long long)(of - up));
	put_line(s, "Proxies", programmed == of ? MARK_OK : MARK_WARN, &text, "weft proxy status");
}

static void put_encryption(struct screen *s)
{
	double share = answer_real(s->status, "requests.mtlsShare");
	bool counted = answer_count(s->status, "requests.requests") > 0;
	struct buf text = BUF_INIT(0);

	if (!counted) {
		buf_append_str(&text, STR("no requests in the last minute"));
		put_line(s, "Encryption", MARK_NONE, &text, NULL);
		return;
	}
	percent_text(share, true, &text);
	buf_append_str(&text, STR(" of requests use mTLS"));
	put_line(s, "Encryption", share >= 1 ? MARK_OK : MARK_WARN, &text, NULL);
}

/* "2 Services, 1 HTTPRoute" */
static void put_documents(struct screen *s)
{
	const struct node *list = node_get(s->status, STR("findings"));
	struct buf text = BUF_INIT(0);
	uint32_t findings = 0;

	node_for_each (kind, node_get(s->status, STR("documents"))) {
		uint64_t count;

		if (kind->kind == NODE_NUMBER && str_to_u64(kind->text, UINT64_MAX, &count) == 0 &&
		    count > 0)
			buf_printf(&text, "%s%llu %.*s%s", buf_len(&text) ? ", " : "",
				   (unsigned long long)count, STR_ARGS(kind->key),
				   count == 1 ? "" : "s");
	}
	if (list)
		findings = list->count;
	if (!buf_len(&text))
		buf_append_str(&text, STR("no documents"));
	if (findings)
		buf_printf(&text, ", %u finding%s", findings, findings == 1 ? "" : "s");
	put_line(s, "Config", findings ? MARK_WARN : MARK_OK, &text, NULL);
}

static void put_traffic(struct screen *s)
{
	double success = answer_real(s->status, "requests.success");
	bool counted = answer_count(s->status, "requests.requests") > 0;
	struct buf text = BUF_INIT(0);

	if (!counted) {
		buf_append_str(&text, STR("no requests in the last minute"));
		put_line(s, "Traffic", MARK_NONE, &text, NULL);
		return;
	}
	buf_printf(&text, "%.1f rps, ", answer_real(s->status, "requests.rps"));
	percent_text(success, true, &text);
	buf_printf(&text, " success, p99 %.1fms", answer_real(s->status, "requests.p99Ms"));
	put_line(s, "Traffic", success >= SUCCESS_GOOD ? MARK_OK : MARK_WARN, &text, "weft stat");
}

static void put_findings(struct screen *s)
{
	const struct node *list = node_get(s->status, STR("findings"));

	if (!list || !list->count)
		return;
	buf_printf(s->out, "\n%u finding%s\n", list->count, list->count == 1 ? "" : "s");
	node_for_each (finding, list) {
		bool error = str_eq(answer_text(finding, "severity"), STR("error"));

		buf_append_str(s->out, STR("  "));
		terminal_mark(&s->cli->out, error ? MARK_FAIL : MARK_WARN, s->out);
		buf_printf(s->out, " %.*s  %.*s: %.*s\n", STR_ARGS(answer_text(finding, "code")),
			   STR_ARGS(answer_text(finding, "document")),
			   STR_ARGS(answer_text(finding, "text")));
		if (answer_text(finding, "hint").len)
			buf_printf(s->out, "              %.*s\n",
				   STR_ARGS(answer_text(finding, "hint")));
	}
}

static void put_all(struct screen *s)
{
	buf_printf(s->out, "MESH  trust domain %.*s, revision %llu\n\n",
		   STR_ARGS(answer_text(s->status, "trustDomain")),
		   (unsigned long long)answer_count(s->status, "revision"));
	put_control(s);
	put_proxies(s);
	put_encryption(s);
	put_documents(s);
	put_traffic(s);
	put_findings(s);
}

static int ask(struct view *v, struct diag *d)
{
	struct status *x = container_of(v, struct status, view);
	struct remote_request status = { .path = STR("/weft/v1/status") };
	struct remote_request info = { .path = STR("/weft/v1/info") };
	int r = remote_try(&v->remote, &status, &v->body, d);

	return r < 0 ? r : remote_try(&v->remote, &info, &x->info, d);
}

static void show(struct view *v, struct buf *out)
{
	struct screen screen = {
		.cli = &v->cli,
		.status = v->body,
		.info = container_of(v, struct status, view)->info,
		.socket = v->remote.socket,
		.out = out,
	};

	put_all(&screen);
}

static int fail_on(struct view *v)
{
	const struct status_settings *s = v->in->settings;
	bool warnings = str_eq(str_from(s->fail_on), STR("warning"));

	if (!s->fail_on)
		return EXIT_DONE;
	node_for_each (finding, node_get(v->body, STR("findings")))
		if (warnings || str_eq(answer_text(finding, "severity"), STR("error")))
			return EXIT_FINDINGS;
	return EXIT_DONE;
}

static const struct view_ops ops = {
	.schema = "status/v1",
	.ask = ask,
	.show = show,
	.verdict = fail_on,
};

static int run(const struct invocation *in)
{
	const struct status_settings *s = in->settings;
	struct status x = {
		.view = { .ops = &ops, .in = in, .output = &s->output, .watch = &s->watch },
	};

	return view_run(&x.view);
}

const struct command status_command = {
	.name = "status",
	.summary = "Show how the mesh does",
	.usage = "[flags]",
	.examples = {
		{ "weft status", "control plane, proxies, encryption, documents, traffic" },
		{ "weft status --fail-on warning", "exit with 3 when there is a finding" },
		{ "weft status -w", "drawn anew every two seconds" },
		{ "weft status -o json", "the same for scripts" },
	},
	.settings = table,
	.settings_size = sizeof(struct status_settings),
	.see_also = "weft stat, weft proxy status",
	.first = true,
	.exits = EXITS_REMOTE | EXITS_WATCH | EXITS_FINDINGS,
	.run = run,
};
