/*
 * weft control, weft control backup: the control plane as a process, and a copy of its state
 */

#include "control/server.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "codec/percent.h"

struct control_command_settings {
	struct control_settings control;
	setting_text log_level;
	setting_text log_format;
};

static const char *const log_forms[] = { "text", "json", NULL };

static const struct setting table[] = {
	SETTING_TABLE(struct control_command_settings, control, control_settings_table),
	SETTING_CHOICE(struct control_command_settings, log_level, 0, "info", "LEVEL",
		       log_level_words, "Log from this level on"),
	SETTING_CHOICE(struct control_command_settings, log_format, 0, "text", "FORM", log_forms,
		       "Lines of the log as"),
	{ 0 },
};

static void log_start(const struct control_command_settings *s)
{
	enum log_level level;

	if (log_level_parse(str_from(s->log_level), &level) == 0)
		log_set_level(level);
	log_set_json(str_eq(str_from(s->log_format), STR("json")));
}

static int run(const struct invocation *in)
{
	const struct control_command_settings *s = in->settings;
	struct diag d = DIAG_INIT;
	int code = EXIT_DONE;

	log_start(s);
	if (control_run(&s->control, &d) < 0)
		code = cli_problem(in->cli, &d, STR_EMPTY);
	diag_fini(&d);
	return code;
}

const struct command control_command = {
	.name = "control",
	.summary = "Run the control plane",
	.usage = "[flags]",
	.examples = {
		{ "weft control", "on this machine, until Ctrl-C" },
		{ "weft control --trust-domain shop.internal", "fixed at the first start" },
		{ "weft control --listen 0.0.0.0:15012", "proxies of other machines may connect" },
		{ "weft control --state DIR --run DIR", "directories of its own" },
	},
	.settings = table,
	.settings_size = sizeof(struct control_command_settings),
	.see_also = "weft run, weft status, weft control backup",
	.first = true,
	.run = run,
};

/* The control plane has a working directory of its own. */
static char *absolute(const char *path)
{
	char here[PATH_MAX];

	if (path[0] == '/' || !getcwd(here, sizeof(here)))
		return mem_strdup(path);
	return mem_printf("%s/%s", here, path);
}

static int backup(const struct invocation *in)
{
	struct remote remote = { 0 };
	struct remote_request request = { .method = METHOD_POST };
	struct diag d = DIAG_INIT;
	struct buf path = BUF_INIT(0);
	struct node *body;
	char *file;
	int code = EXIT_DONE;

	if (in->word_count != 1)
		return cli_usage(in->cli, "control backup", "one file is needed");
	file = absolute(in->words[0]);
	buf_append_str(&path, STR("/weft/v1/backup?path="));
	percent_encode(str_from(file), PERCENT_COMPONENT, &path);
	request.path = buf_str(&path);
	if (remote_open(&remote, in->cli, &d) < 0 || remote_try(&remote, &request, &body, &d) < 0)
		code = cli_problem(in->cli, &d, STR_EMPTY);
	else
		cli_say(in->cli, "%s holds everything up to revision %llu.", file,
			(unsigned long long)answer_count(body, "revision"));
	remote_close(&remote);
	diag_fini(&d);
	buf_fini(&path);
	mem_free(file);
	return code;
}

const struct command control_backup_command = {
	.name = "control backup",
	.summary = "Copy the control plane's state to a file while it runs",
	.usage = "FILE [flags]",
	.examples = {
		{ "weft control backup mesh.db", "documents, history and certificate authority" },
	},
	.notes = "The file holds the authority's keys: keep it as secret as them.",
	.see_also = "weft control",
	.takes_words = true,
	.exits = EXITS_REMOTE,
	.words = COMPLETE_FILES,
	.run = backup,
};
