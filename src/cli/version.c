#include "cli/commands.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "cli/tree.h"

struct version_settings {
	struct output_settings output;
	setting_flag client;
};

static const struct setting table[] = {
	REPORT_SETTINGS(struct version_settings, output),
	SETTING(struct version_settings, client, flag, NULL, NULL,
		"Do not ask the control plane for its version."),
	{ 0 },
};

/* The control plane's version; empty where none answers. */
static struct str control_version(const struct invocation *in, struct pool *pool)
{
	struct remote remote;
	struct remote_request request = { .path = STR("/weft/v1/info") };
	struct str version = STR_EMPTY;
	struct diag d = DIAG_INIT;
	struct node *body;

	if (remote_open(&remote, in->cli, &d) == 0 && remote_try(&remote, &request, &body, &d) == 0)
		version = pool_strdup(pool, answer_text(body, "version"));
	remote_close(&remote);
	diag_fini(&d);
	return version;
}

static int run(const struct invocation *in)
{
	const struct version_settings *s = in->settings;
	struct pool pool = POOL_INIT(0);
	struct output_tree tree = { .body = node_new(&pool, NODE_MAP), .schema = "version/v1" };
	struct buf text = BUF_INIT(0);
	struct str control;
	enum output output;
	int code = output_read(in->cli, &s->output, &output);

	if (code)
		return code;
	control = s->client ? STR_EMPTY : control_version(in, &pool);
	tree_text(&pool, tree.body, "client", STR(WEFT_VERSION));
	if (control.len)
		tree_text(&pool, tree.body, "control", control);
	if (output == OUTPUT_JSON || output == OUTPUT_YAML) {
		output_tree(in->cli, &s->output, &tree, &pool, &text);
	} else {
		buf_append_str(&text, STR("weft " WEFT_VERSION "\n"));
		if (control.len)
			buf_printf(&text, "control plane %.*s\n", STR_ARGS(control));
	}
	cli_out(in->cli, &text);
	buf_fini(&text);
	pool_fini(&pool);
	return EXIT_DONE;
}

const struct command version_command = {
	.name = "version",
	.summary = "Print the version of weft and of the control plane",
	.usage = "[flags]",
	.examples = {
		{ "weft version", "both, where a control plane answers" },
		{ "weft version --client -o json", "this program's alone, for scripts" },
	},
	.settings = table,
	.settings_size = sizeof(struct version_settings),
	.run = run,
};
