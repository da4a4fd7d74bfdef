/*
 * weft rollback: a new revision with the content of an earlier one
 */

#include "base/mem.h"
#include "cli/change.h"
#include "cli/commands.h"

struct rollback_settings {
	struct change_settings change;
};

static const struct setting table[] = {
	SETTING_TABLE(struct rollback_settings, change, change_table),
	{ 0 },
};

static int roll_back(struct change *c, uint64_t to)
{
	char *path = mem_printf("/weft/v1/rollback?%sto=%llu",
				c->settings->dry_run ? "dryRun=true&" : "", (unsigned long long)to);
	struct remote_request request = { .method = METHOD_POST, .path = str_from(path) };
	struct diag d = DIAG_INIT;
	struct node *body;
	int code;

	if (remote_open(c->remote, c->cli, &d) < 0 ||
	    remote_try(c->remote, &request, &body, &d) < 0)
		code = cli_problem(c->cli, &d, STR_EMPTY);
	else
		code = change_finish(c, body);
	remote_close(c->remote);
	diag_fini(&d);
	mem_free(path);
	return code;
}

static int run(const struct invocation *in)
{
	const struct rollback_settings *s = in->settings;
	struct remote remote = { 0 };
	struct change c = { .cli = in->cli, .settings = &s->change, .remote = &remote };
	uint64_t to;
	int code = change_begin(&c);

	if (code)
		return code;
	if (in->word_count != 1)
		return cli_usage(in->cli, "rollback", "one revision is needed: weft rollback N");
	if (str_to_u64(str_from(in->words[0]), INT64_MAX, &to) < 0)
		return cli_usage(in->cli, "rollback", "\"%s\" is not the number of a revision",
				 in->words[0]);
	return roll_back(&c, to);
}

const struct command rollback_command = {
	.name = "rollback",
	.summary = "Go back to the documents of an earlier revision",
	.usage = "REVISION [flags]",
	.examples = {
		{ "weft rollback 418", "a new revision with the content of 418" },
		{ "weft rollback 418 --dry-run", "show what that would change" },
		{ "weft history", "which revisions there are" },
	},
	.settings = table,
	.settings_size = sizeof(struct rollback_settings),
	.notes = "What weft run registered stays as it is: no rollback ends a live workload.",
	.see_also = "weft history, weft diff",
	.takes_words = true,
	.first = true,
	.exits = EXITS_REMOTE | EXITS_WAIT,
	.words = COMPLETE_REVISIONS,
	.run = run,
};
