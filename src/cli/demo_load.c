/*
 * weft demo-load: the people in the shop
 *
 * Asks for pages at a steady rate, however long the answers take: a slow shop does not slow its
 * customers down. Prints "REQUESTS FAILURES" at the first answer, each second and at the end.
 * SIGTERM: nothing new, and an end when what is open has been answered.
 */

#include <signal.h>
#include <stdio.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/random.h"
#include "cli/call.h"
#include "cli/commands.h"
#include "cli/demo_pages.h"
#include "event/signal.h"

#define CHUNKS_KEPT  64
#define OPEN_MAX     256 /* requests under way; more are not begun until some have ended */
#define CALL_TIMEOUT DURATION_SECONDS(15)
#define REPORT_EVERY DURATION_SECONDS(1)
#define STOP_TIMEOUT DURATION_SECONDS(5)
#define RATE_MAX     10000

struct load_settings {
	setting_text target;
	setting_count rate;
};

static const struct setting table[] = {
	SETTING(struct load_settings, target, text, NULL, "ADDRESS:PORT", "Where the shop is."),
	SETTING(struct load_settings, rate, count, "80", "COUNT", "Requests per second."),
	{ 0 },
};

struct load {
	struct loop *loop;
	struct chunk_stock chunks;
	struct random random;
	struct signal_source signals;
	struct line line;
	struct timer tick;
	struct timer report;
	struct timer stop;
	struct duration interval;
	struct instant next;
	uint32_t open_count;
	uint64_t requests;
	uint64_t failures;
	bool stopping;
};

/* A page that somebody asks for. */
struct ask {
	struct call call;
	struct load *load;
	char path[16];
};

static void check_stopped(struct load *l)
{
	if (l->stopping && l->open_count == 0)
		loop_stop(l->loop);
}

static void print_report(const struct load *l)
{
	printf("%llu %llu\n", (unsigned long long)l->requests, (unsigned long long)l->failures);
	fflush(stdout);
}

static void on_answer(struct call *c)
{
	struct ask *a = container_of(c, struct ask, call);
	struct load *l = a->load;

	l->requests++;
	if (c->error || c->status != 200) {
		l->failures++;
		fprintf(stderr, "%.*s %s: %u %s %.*s\n", STR_ARGS(method_text(c->method)), a->path,
			c->status, c->error ? err_text(c->error) : "",
			STR_ARGS(str_slice(buf_str(&c->response), 0, 200)));
	}
	/* The first answer is when the shop is open. */
	if (l->requests == 1)
		print_report(l);
	l->open_count--;
	call_fini(c);
	mem_free(a);
	check_stopped(l);
}

/* Most look at the front page, some at an item, and one of ten buys. */
static void choose(struct load *l, struct ask *a)
{
	uint64_t dice = random_below(&l->random, 10);

	a->call.method = dice == 0 ? METHOD_POST : METHOD_GET;
	if (dice == 0)
		snprintf(a->path, sizeof(a->path), "/checkout");
	else if (dice <= 3)
		snprintf(a->path, sizeof(a->path), "/items/%u",
			 (unsigned)random_below(&l->random, SHOP_ITEMS) + 1);
	else
		snprintf(a->path, sizeof(a->path), "/");
	a->call.path = str_from(a->path);
}

static void ask(struct load *l)
{
	struct ask *a;

	if (l->open_count >= OPEN_MAX)
		return;
	a = mem_new(struct ask);
	a->load = l;
	a->call.timeout = CALL_TIMEOUT;
	a->call.on_done = on_answer;
	choose(l, a);
	l->open_count++;
	call_start(&l->line, &a->call);
}

static void on_tick(struct timer *t)
{
	struct load *l = container_of(t, struct load, tick);
	struct instant now = loop_now(l->loop);

	while (l->next.ns <= now.ns) {
		ask(l);
		l->next = instant_after(l->next, l->interval);
	}
	timer_start(l->loop, t, instant_since(l->next, now));
}

static void on_report(struct timer *t)
{
	struct load *l = container_of(t, struct load, report);

	print_report(l);
	timer_start(l->loop, t, REPORT_EVERY);
}

static void on_stop_due(struct timer *t)
{
	loop_stop(container_of(t, struct load, stop)->loop);
}

static void on_signal(struct signal_source *source, unused_arg int number)
{
	struct load *l = container_of(source, struct load, signals);

	l->stopping = true;
	timer_stop(&l->tick);
	timer_start(l->loop, &l->stop, STOP_TIMEOUT);
	check_stopped(l);
}

static int load_open(struct load *l, const struct load_settings *s, struct diag *d)
{
	static const int signals[] = { SIGTERM, SIGINT };
	struct line_options options = { .chunks = &l->chunks,
					.host = STR("shop"),
					.idle_max = OPEN_MAX };
	int r;

	if (!s->target || address_parse(str_from(s->target), &options.address) < 0)
		return diag_fail(d, ERR_CONFIG, "--target ADDRESS:PORT is needed");
	if (!s->rate || s->rate > RATE_MAX)
		return diag_fail(d, ERR_CONFIG, "--rate must be from 1 to %d", RATE_MAX);
	r = loop_new(&l->loop);
	if (r == 0)
		r = signal_source_start(l->loop, &l->signals, signals, array_count(signals),
					on_signal);
	if (r < 0)
		return diag_fail(d, r, "cannot begin: %s", err_text(r));
	options.loop = l->loop;
	line_init(&l->line, &options);
	l->interval = DURATION_NS(1000000000 / (int64_t)s->rate);
	l->next = loop_now(l->loop);
	timer_start(l->loop, &l->tick, DURATION_NS(0));
	timer_start(l->loop, &l->report, REPORT_EVERY);
	return 0;
}

static void load_close(struct load *l)
{
	int r = 0;

	if (!l->loop)
		return;
	timer_stop(&l->tick);
	timer_stop(&l->report);
	timer_stop(&l->stop);
	/* What is open after all that time has failed. */
	line_close(&l->line);
	while (r == 0 && !line_is_closed(&l->line))
		r = loop_turn(l->loop, DURATION_FOREVER);
	signal_source_stop(&l->signals);
	if (loop_turn(l->loop, DURATION_NS(0)) == 0)
		loop_free(l->loop);
	print_report(l);
	chunk_stock_fini(&l->chunks);
}

static int run(const struct invocation *in)
{
	struct load l = { 0 };
	struct diag d = DIAG_INIT;
	int code = EXIT_DONE;
	int r;

	random_init_from_kernel(&l.random);
	chunk_stock_init(&l.chunks, CHUNKS_KEPT);
	timer_init(&l.tick, on_tick);
	timer_init(&l.report, on_report);
	timer_init(&l.stop, on_stop_due);
	r = load_open(&l, in->settings, &d);
	if (r == 0)
		r = loop_run(l.loop);
	if (r < 0) {
		diag_fail(&d, r, "%s", err_text(r));
		code = cli_problem(in->cli, &d, STR_EMPTY);
	}
	load_close(&l);
	diag_fini(&d);
	return l.failures ? EXIT_FAILED : code;
}

const struct command demo_load_command = {
	.name = "demo-load",
	.summary = "The load of the demo's shop",
	.usage = "--target ADDRESS:PORT [flags]",
	.settings = table,
	.settings_size = sizeof(struct load_settings),
	.hidden = true,
	.run = run,
};
