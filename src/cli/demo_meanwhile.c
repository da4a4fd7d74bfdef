/*
 * While a step waits: signals, ends of processes, what the load prints
 */

#include "cli/demo_private.h"

#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"

#define STEP_GUARD DURATION_SECONDS(60)
#define STEP_PAUSE DURATION_MS(20)

void demo_on_signal(struct signal_source *source, unused_arg int number)
{
	container_of(source, struct demo, signals)->interrupts++;
}

void demo_on_process_end(struct demo_process *p)
{
	struct demo *d = p->user;

	if (d->ending)
		return;
	if (!d->is_up || p->role != DEMO_WORKLOAD)
		d->failed = p;
	mem_free(d->note);
	d->note = mem_printf("%s has ended", p->name);
}

/* "1200 0": requests and failures so far. */
static void load_line(struct demo *d, struct str line)
{
	size_t space = str_find(line, 0, ' ');
	uint64_t requests, failures;

	if (str_to_u64(str_slice(line, 0, space), UINT64_MAX, &requests) < 0 ||
	    str_to_u64(str_slice(line, space + 1, line.len), UINT64_MAX, &failures) < 0)
		return;
	d->facts.load_requests = requests;
	d->facts.load_failures = failures;
}

void demo_on_load_ready(struct watch *w, unused_arg uint32_t events)
{
	struct demo *d = container_of(w, struct demo, load.watch);
	char bytes[512];
	ssize_t n;

	while ((n = read(d->load.fd, bytes, sizeof(bytes))) > 0)
		buf_append(&d->load.line, bytes, (size_t)n);
	for (;;) {
		struct str text = buf_str(&d->load.line);
		size_t end = str_find(text, 0, '\n');

		if (end == text.len)
			return;
		load_line(d, str_slice(text, 0, end));
		buf_consume(&d->load.line, end + 1);
	}
}

bool demo_pause(struct demo *d, struct duration time)
{
	struct instant end = instant_after(time_monotonic_now(), time);

	while (!d->interrupts && !d->failed && time_monotonic_now().ns < end.ns)
		if (loop_turn(d->remote.loop, instant_since(end, time_monotonic_now())) < 0)
			return false;
	return !d->interrupts && !d->failed;
}

void demo_say(struct demo *d, const char *name, const char *format, ...)
{
	const struct terminal *t = d->json ? &d->cli->err : &d->cli->out;
	struct buf text = BUF_INIT(0);
	va_list args;

	if (d->cli->look.quiet)
		return;
	buf_append_char(&text, ' ');
	terminal_mark(t, MARK_OK, &text);
	buf_printf(&text, " %-14s  ", name);
	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	buf_printf(&text, "  %.1fs\n", demo_seconds(time_monotonic_now(), d->began));
	if (d->json)
		cli_err(d->cli, &text);
	else
		cli_out(d->cli, &text);
	buf_fini(&text);
}

struct node *demo_ask(struct demo *d, struct str path)
{
	struct remote_request request = { .path = path, .timeout = DURATION_SECONDS(5) };
	struct node *body = NULL;
	struct diag problem = DIAG_INIT;

	if (remote_try(&d->remote, &request, &body, &problem) < 0)
		body = NULL;
	diag_fini(&problem);
	return body;
}

uint64_t demo_front_requests(const struct node *stat)
{
	node_for_each (row, node_get(stat, STR("rows")))
		if (str_eq(answer_text(row, "service"), STR(SHOP_FRONT)))
			return answer_count(row, "requests");
	return 0;
}

bool demo_wait(struct demo *d, bool (*holds)(struct demo *d), const char *what)
{
	struct instant guard = instant_after(time_monotonic_now(), STEP_GUARD);

	while (!holds(d)) {
		pool_reset(&d->remote.pool);
		if (!demo_pause(d, STEP_PAUSE))
			return false;
		if (time_monotonic_now().ns > guard.ns) {
			diag_fail(&d->diag, ERR_TIMEOUT, "%s did not come up within a minute",
				  what);
			return false;
		}
	}
	pool_reset(&d->remote.pool);
	return true;
}
