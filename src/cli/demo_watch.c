/*
 * The shop as it is seen: the screen, the last numbers, the summary
 */

#include "cli/demo_private.h"

#include "base/mem.h"

#define REFRESH      DURATION_SECONDS(1)
#define SETTLE_GUARD DURATION_SECONDS(5) /* for the last reports of the proxies */
#define SETTLE_QUIET DURATION_MS(1200)
#define ROUTE_PATH   STR("/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes/reviews")

static void collect(struct demo *d, const char *window)
{
	char *services = mem_printf("/weft/v1/stat?by=service&window=%s", window);
	char *versions = mem_printf("/weft/v1/stat?by=version&window=%s", window);

	pool_reset(&d->remote.pool);
	d->facts.services = demo_ask(d, str_from(services));
	d->facts.versions = demo_ask(d, str_from(versions));
	d->facts.status = demo_ask(d, STR("/weft/v1/status"));
	d->facts.route = demo_ask(d, ROUTE_PATH);
	mem_free(services);
	mem_free(versions);
}

static void draw(const struct demo *d, bool over)
{
	struct demo_screen s = {
		.terminal = &d->cli->out,
		.weft = d->weft_shown,
		.socket = d->place.socket,
		.half = d->half,
		.shop_port = d->place.shop_port,
		.note = d->note,
	};
	struct buf picture = BUF_INIT(0), out = BUF_INIT(0);

	demo_draw(&s, &d->facts, &picture);
	if (over)
		terminal_redraw(&d->cli->out, buf_str(&picture), &out);
	cli_out(d->cli, over ? &out : &picture);
	buf_fini(&picture);
	buf_fini(&out);
}

static bool is_over(const struct demo *d)
{
	int64_t wanted = d->settings->time_limit.ns;

	return wanted && instant_since(time_monotonic_now(), d->ready).ns >= wanted;
}

static struct duration until_refresh(const struct demo *d)
{
	int64_t wanted = d->settings->time_limit.ns;
	int64_t left = wanted - instant_since(time_monotonic_now(), d->ready).ns;

	if (!wanted || left > REFRESH.ns)
		return REFRESH;
	return DURATION_NS(max_of(left, INT64_C(0)));
}

static bool front_has_told(struct demo *d)
{
	return demo_front_requests(demo_ask(d, STR("/weft/v1/stat?by=service&window=60s"))) > 0;
}

void demo_watch(struct demo *d)
{
	bool screen = d->cli->out.is_tty && !d->json;
	struct buf clear = BUF_INIT(0);

	if (screen)
		buf_append_str(&clear, STR("\033[2J"));
	cli_out(d->cli, &clear);
	if (!screen && !d->json && !d->cli->look.quiet &&
	    demo_wait(d, front_has_told, "telemetry")) {
		collect(d, "60s");
		draw(d, false);
	}
	while (!is_over(d) && demo_pause(d, until_refresh(d))) {
		if (!screen)
			continue;
		collect(d, "60s");
		draw(d, true);
	}
	buf_fini(&clear);
}

static uint64_t all_requests(const struct node *stat)
{
	uint64_t sum = 0;

	node_for_each (row, node_get(stat, STR("rows")))
		sum += answer_count(row, "requests");
	return sum;
}

/* Each proxy reports every second: waits until what the load asked for has been told, and
 * nobody has had more to tell for longer than that. */
void demo_settle(struct demo *d)
{
	struct instant begin = time_monotonic_now(), changed = begin, now = begin;
	const struct demo_facts *f = &d->facts;
	uint64_t sum = 0;

	while (d->interrupts < 2 && instant_since(now, begin).ns < SETTLE_GUARD.ns &&
	       loop_turn(d->remote.loop, DURATION_MS(100)) == 0) {
		collect(d, "all");
		now = time_monotonic_now();
		if (all_requests(f->services) != sum)
			changed = now;
		sum = all_requests(f->services);
		if (demo_front_requests(f->services) >= f->load_requests &&
		    instant_since(now, changed).ns > SETTLE_QUIET.ns)
			return;
	}
}

void demo_say_logs(const struct demo *d)
{
	struct buf text = BUF_INIT(0);

	for (size_t i = 0; i < DEMO_PROCESS_COUNT; i++) {
		const struct demo_process *p = &d->processes[i];

		if (!p->name || (d->failed && d->failed != p))
			continue;
		buf_printf(&text, "--- %s\n", p->name);
		demo_process_log(p, &d->place, &text);
	}
	cli_err(d->cli, &text);
	buf_fini(&text);
}

int demo_summarize(struct demo *d)
{
	struct pool pool = POOL_INIT(0);
	struct buf text = BUF_INIT(0);
	uint64_t failures = demo_failures(&d->facts);

	if (d->json) {
		json_write(demo_summary(&d->facts, &pool), &text);
		buf_append_char(&text, '\n');
		cli_out(d->cli, &text);
	} else if (!d->cli->look.quiet) {
		draw(d, d->cli->out.is_tty);
	}
	if (failures)
		demo_say_logs(d);
	buf_fini(&text);
	pool_fini(&pool);
	return failures ? EXIT_FAILED : EXIT_DONE;
}
