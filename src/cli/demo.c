/*
 * weft demo: a mesh that runs, on one machine, without root
 *
 *	directory ─▶ control plane ─▶ route ─▶ workloads ─▶ load ─▶ screen … ─▶ summary
 *
 * The course is written down step by step: a step turns the loop until its condition holds, and
 * signals, ends of processes and what the load prints arrive meanwhile. Nothing stays behind:
 * processes end with us, and the janitor removes the directory.
 */

#include "cli/demo_private.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "cli/commands.h"

#define END_GUARD DURATION_SECONDS(15)

static const char *const forms[] = { "table", "json", NULL };

// clang-format off
static const struct setting table[] = {
	/* By hand: a field cannot be called "for". */
	{ .name = "for", .kind = SETTING_KIND_duration,
	  .offset = offsetof(struct demo_settings, time_limit), .default_text = "0s",
	  .value_name = "DURATION", .text = "End by itself after so long; 0s: never." },
	SETTING_CHOICE(struct demo_settings, output, 'o', "table", "FORM", forms,
	               "A screen, or one object at the end"),
	SETTING(struct demo_settings, rate, count, "80", "COUNT", "Pages asked for per second."),
	{ 0 },
};
// clang-format on

static bool all_ended(const struct demo *d, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (d->processes[i].child.pid)
			return false;
	return true;
}

/* SIGTERM to these; who has not ended within the guard is killed with us. */
static void end_processes(struct demo *d, size_t from, size_t to)
{
	struct instant guard = instant_after(time_monotonic_now(), END_GUARD);
	int r = 0;

	for (size_t i = from; i < to; i++)
		demo_process_signal(&d->processes[i], SIGTERM);
	while (r == 0 && !all_ended(d, from, to) && d->interrupts < 2 &&
	       time_monotonic_now().ns < guard.ns)
		r = loop_turn(d->remote.loop, instant_since(guard, time_monotonic_now()));
}

/* Why there is no mesh: an exit code. */
static int fail(struct demo *d)
{
	int code = EXIT_FAILED;

	if (d->interrupts)
		return EXIT_INTERRUPTED;
	if (d->failed)
		diag_fail(&d->diag, ERR_UNAVAILABLE, "%s ended before its time (%s %d)",
			  d->failed->name,
			  WIFSIGNALED(d->failed->status) ? "signal" : "exit status",
			  WIFSIGNALED(d->failed->status) ? WTERMSIG(d->failed->status)
							 : WEXITSTATUS(d->failed->status));
	(void)cli_problem(d->cli, &d->diag, STR_EMPTY);
	demo_say_logs(d);
	return code;
}

static void bring_down(struct demo *d)
{
	d->ending = true;
	if (d->remote.loop) {
		end_processes(d, 1, DEMO_PROCESS_COUNT);
		end_processes(d, 0, 1);
		for (size_t i = 0; i < DEMO_PROCESS_COUNT; i++)
			demo_process_fini(&d->processes[i]);
		watch_stop(&d->load.watch);
		signal_source_stop(&d->signals);
	}
	if (d->load.fd >= 0)
		close(d->load.fd);
	remote_close(&d->remote);
	janitor_finish(&d->janitor);
	buf_fini(&d->load.line);
	mem_free(d->half);
	mem_free(d->note);
	diag_fini(&d->diag);
	pool_fini(&d->pool);
}

static int demo(struct demo *d, const char *weft)
{
	int code;

	if (!demo_bring_up(d, weft)) {
		code = fail(d);
	} else {
		demo_watch(d);
		code = d->failed ? fail(d) : EXIT_DONE;
		/* The load first, so that no request meets a service that is ending. */
		d->ending = true;
		d->facts.load_seconds = demo_seconds(time_monotonic_now(), d->ready);
		end_processes(d, DEMO_LOAD_INDEX, DEMO_PROCESS_COUNT);
		demo_settle(d);
		if (code == EXIT_DONE)
			code = demo_summarize(d);
	}
	bring_down(d);
	return code;
}

static int run(const struct invocation *in)
{
	const struct demo_settings *s = in->settings;
	struct demo d = { .cli = in->cli, .settings = s, .weft_shown = in->path, .load.fd = -1 };
	char self[PATH_MAX] = { 0 };

	d.json = str_eq(str_from(s->output), STR("json"));
	d.began = time_monotonic_now();
	if (!s->rate || s->rate > 1000)
		return cli_usage(in->cli, "demo", "--rate must be from 1 to 1000");
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return cli_fail(in->cli, EXIT_FAILED, NULL, "cannot find this program: %s",
				err_text(-errno));
	return demo(&d, self);
}

const struct command demo_command = {
	.name = "demo",
	.summary = "Run a shop of seven services behind Weft, on this machine",
	.usage = "[flags]",
	.examples = {
		{ "weft demo", "until Ctrl-C, which leaves nothing behind" },
		{ "weft demo --for 30s", "end by itself" },
		{ "weft demo --for 30s -o json", "for scripts: 1 when a request failed" },
	},
	.settings = table,
	.settings_size = sizeof(struct demo_settings),
	.notes = "No root and no network are needed. The shop is a page at http://127.0.0.1:8080,\n"
		 "or at the next free port.",
	.see_also = "weft run, weft stat",
	.first = true,
	.exits = EXITS_WATCH,
	.run = run,
};
