/*
 * weft apply: documents become what the mesh does, in one transaction
 */

#include "base/mem.h"
#include "cli/change.h"
#include "cli/commands.h"
#include "cli/sources.h"
#include "codec/percent.h"

struct apply_settings {
	struct namespace_settings in;
	struct change_settings change;
	setting_list file;
	setting_flag allow_dangling;
};

static const struct setting table[] = {
	SETTING_SHORT(struct apply_settings, file, list, 'f', NULL, "FILE",
		      "A file, a directory of them, or - for standard input; repeatable."),
	SETTING_TABLE(struct apply_settings, in, namespace_table),
	SETTING(struct apply_settings, allow_dangling, flag, NULL, NULL,
		"Take references to what does not exist yet; they become warnings."),
	SETTING_TABLE(struct apply_settings, change, change_table),
	{ 0 },
};

static void apply_path(const char *flags, struct str name_space, struct buf *out)
{
	buf_printf(out, "/apply?%snamespace=", flags);
	percent_encode(name_space, PERCENT_COMPONENT, out);
}

static int fail_document(const struct invocation *in, const struct sources *sources, struct diag *d)
{
	int code;

	sources_locate(sources, d);
	code = sources_problem(sources, in->cli, d);
	if (code != EXIT_FAILED)
		return code;
	if (d->code)
		cli_say(in->cli, "nothing was changed.   more: weft help %s", d->code);
	else
		cli_say(in->cli, "nothing was changed.");
	return code;
}

static int send_all(const struct invocation *in, struct change *c, struct sources *sources)
{
	const struct apply_settings *s = in->settings;
	struct buf path = BUF_INIT(0), body = BUF_INIT(0);
	struct remote_request request = { .method = METHOD_POST };
	struct diag d = DIAG_INIT;
	struct node *answer;
	char *flags = mem_printf("%s%s", s->change.dry_run ? "dryRun=true&" : "",
				 s->allow_dangling ? "allowDangling=true&" : "");
	int code;

	apply_path(flags, namespace_of(&s->in), &path);
	sources_list(sources, &body);
	request.path = buf_str(&path);
	request.body = buf_str(&body);
	if (remote_try(c->remote, &request, &answer, &d) < 0)
		code = fail_document(in, sources, &d);
	else
		code = change_finish(c, answer);
	mem_free(flags);
	buf_fini(&path);
	buf_fini(&body);
	diag_fini(&d);
	return code;
}

static int apply(const struct invocation *in, struct change *c, struct sources *sources)
{
	const struct apply_settings *s = in->settings;
	struct diag d = DIAG_INIT;
	int code;

	if (sources_read(sources, &s->file, namespace_of(&s->in), &d) < 0)
		code = fail_document(in, sources, &d);
	else if (remote_open(c->remote, in->cli, &d) < 0)
		code = cli_problem(in->cli, &d, STR_EMPTY);
	else
		code = send_all(in, c, sources);
	diag_fini(&d);
	return code;
}

static int run(const struct invocation *in)
{
	const struct apply_settings *s = in->settings;
	struct remote remote = { 0 };
	struct change c = { .cli = in->cli, .settings = &s->change, .remote = &remote };
	struct sources sources;
	int code = change_begin(&c);

	if (code)
		return code;
	if (!s->file.count)
		return cli_usage(in->cli, "apply", "-f FILE is missing");
	sources_init(&sources);
	code = apply(in, &c, &sources);
	remote_close(&remote);
	sources_fini(&sources);
	return code;
}

const struct command apply_command = {
	.name = "apply",
	.summary = "Apply documents, as one revision",
	.usage = "-f FILE|DIR|- [flags]",
	.examples = {
		{ "weft apply -f reviews.yaml", "validate, store, wait for the proxies" },
		{ "weft apply -f mesh/", "every *.yaml, *.yml and *.json of a directory" },
		{ "weft apply -f - < reviews.yaml", "from standard input" },
		{ "weft apply -f reviews.yaml --dry-run", "show what would change" },
		{ "weft apply -f reviews.yaml --no-wait", "return when it is stored" },
	},
	.settings = table,
	.settings_size = sizeof(struct apply_settings),
	.notes = "All documents of one apply are one transaction: either all of them hold, or\n"
		 "nothing was changed.",
	.see_also = "weft diff, weft rollback, weft help kinds",
	.takes_words = false,
	.first = true,
	.exits = EXITS_REMOTE | EXITS_WAIT,
	.run = run,
};
