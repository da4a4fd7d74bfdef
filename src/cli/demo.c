/*
 * weft demo: a mesh that runs, on one machine, without root
 *
 *	directory ─▶ control plane ─▶ route ─▶ workloads ─▶ load ─▶ screen … ─▶ summary
 *
 * The course is written down step by step: a step turns the loop until its condition holds, and
 * signals, ends of processes and what the load prints arrive meanwhile. Nothing stays behind:
 * processes end with us, and the janitor removes the directory.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/random.h"
#include "cli/commands.h"
#include "cli/demo_facts.h"
#include "cli/demo_processes.h"
#include "cli/janitor.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "event/signal.h"

#define PROCESS_COUNT  (SHOP_WORKLOAD_COUNT + 2)
#define PORT_FIRST     8080
#define STEP_GUARD     DURATION_SECONDS(60)
#define STEP_PAUSE     DURATION_MS(20)
#define REFRESH        DURATION_SECONDS(1)
#define SETTLE_GUARD   DURATION_SECONDS(5) /* for the last reports of the proxies */
#define SETTLE_QUIET   DURATION_MS(1200)
#define END_GUARD      DURATION_SECONDS(15)
#define DIR_LEN_MAX    64 /* paths of sockets in it stay under 107 bytes */
#define WORKLOADS_PATH STR("/apis/weft.dev/v1alpha1/namespaces/default/workloads")
#define ROUTE_PATH     STR("/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes/reviews")

struct demo_settings {
	setting_duration time_limit; /* --for */
	setting_text output;
	setting_count rate;
};

// clang-format off
static const struct setting table[] = {
	/* By hand: a field cannot be called "for". */
	{ .name = "for", .kind = SETTING_KIND_duration,
	  .offset = offsetof(struct demo_settings, time_limit), .default_text = "0s",
	  .value_name = "DURATION", .text = "End by itself after so long; 0s: never." },
	SETTING_SHORT(struct demo_settings, output, text, 'o', "table", "FORM",
	              "table, or json: one object at the end."),
	SETTING(struct demo_settings, rate, count, "80", "COUNT", "Pages asked for per second."),
	{ 0 },
};
// clang-format on

struct demo {
	const struct cli *cli;
	const struct demo_settings *settings;
	struct remote remote;
	struct signal_source signals;
	struct janitor janitor;
	struct demo_place place;
	struct demo_process processes[PROCESS_COUNT];
	struct demo_facts facts;
	struct pool pool;
	struct diag diag;
	const char *weft_shown; /* as the person called us */
	char *half;             /* a file */
	char *note;
	struct instant began;
	struct instant ready;
	bool json;
	bool is_up;
	bool ending;
	unsigned interrupts;
	const struct demo_process *failed; /* ended before its time */

	struct {
		struct watch watch;
		int fd;
		struct buf line;
	} load;
};

static double seconds_between(struct instant later, struct instant earlier)
{
	return (double)instant_since(later, earlier).ns / 1e9;
}

/*
 * What happens meanwhile
 */

static void on_signal(struct signal_source *source, unused_arg int number)
{
	container_of(source, struct demo, signals)->interrupts++;
}

static void on_process_end(struct demo_process *p)
{
	/* Each knows its place in the array, and the array its demo. */
	struct demo_process *first = p;
	struct demo *d;

	while (first->role != DEMO_CONTROL)
		first--;
	d = container_of(first, struct demo, processes[0]);
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

static void on_load_ready(struct watch *w, unused_arg uint32_t events)
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

/* Turns the loop for so long; false: it is time to stop. */
static bool pause_for(struct demo *d, struct duration time)
{
	struct instant end = instant_after(time_monotonic_now(), time);

	while (!d->interrupts && !d->failed && time_monotonic_now().ns < end.ns)
		if (loop_turn(d->remote.loop, instant_since(end, time_monotonic_now())) < 0)
			return false;
	return !d->interrupts && !d->failed;
}

/*
 * Steps
 */

static void say_step(struct demo *d, const char *name, const char *format, ...) printf_like(3, 4);

static void say_step(struct demo *d, const char *name, const char *format, ...)
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
	buf_printf(&text, "  %.1fs\n", seconds_between(time_monotonic_now(), d->began));
	if (d->json)
		cli_err(d->cli, &text);
	else
		cli_out(d->cli, &text);
	buf_fini(&text);
}

/* Asks; the answer is good until the next one. NULL: none yet. */
static struct node *ask(struct demo *d, struct str path)
{
	struct remote_request request = { .path = path, .timeout = DURATION_SECONDS(5) };
	struct node *body = NULL;
	struct diag problem = DIAG_INIT;

	if (remote_try(&d->remote, &request, &body, &problem) < 0)
		body = NULL;
	diag_fini(&problem);
	return body;
}

static bool control_answers(struct demo *d)
{
	return ask(d, STR("/weft/v1/info")) != NULL;
}

static uint32_t workloads_ready(struct demo *d)
{
	uint32_t count = 0;

	node_for_each (workload, node_get(ask(d, WORKLOADS_PATH), STR("items")))
		count += !str_eq(answer_text(workload, "spec.readiness"), STR("Starting"));
	return count;
}

static bool proxies_programmed(struct demo *d, uint32_t count)
{
	const struct node *status = ask(d, STR("/weft/v1/status"));

	return answer_count(status, "proxies.up") == count &&
	       answer_count(status, "proxies.programmed") == count;
}

static bool shop_is_up(struct demo *d)
{
	return workloads_ready(d) == SHOP_WORKLOAD_COUNT &&
	       proxies_programmed(d, SHOP_WORKLOAD_COUNT);
}

static bool load_has_answers(struct demo *d)
{
	return d->facts.load_requests > 0;
}

/* Requests that the proxy of the front service has told of. */
static uint64_t front_requests(const struct node *stat)
{
	node_for_each (row, node_get(stat, STR("rows")))
		if (str_eq(answer_text(row, "service"), STR(SHOP_FRONT)))
			return answer_count(row, "requests");
	return 0;
}

static bool front_has_told(struct demo *d)
{
	return front_requests(ask(d, STR("/weft/v1/stat?by=service&window=60s"))) > 0;
}

/* Until the condition holds. False: interrupted, something ended, or it takes too long. */
static bool wait_until(struct demo *d, bool (*holds)(struct demo *d), const char *what)
{
	struct instant guard = instant_after(time_monotonic_now(), STEP_GUARD);

	while (!holds(d)) {
		pool_reset(&d->remote.pool);
		if (!pause_for(d, STEP_PAUSE))
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

static bool start(struct demo *d, size_t index, enum demo_role role, int output)
{
	struct demo_process *p = &d->processes[index];

	p->role = role;
	p->workload = role == DEMO_WORKLOAD ? &shop_workloads[index - 1] : NULL;
	p->on_end = on_process_end;
	return demo_process_start(d->remote.loop, p, &d->place, output, &d->diag) == 0;
}

static bool control_start(struct demo *d)
{
	if (!start(d, 0, DEMO_CONTROL, -1) || !wait_until(d, control_answers, "the control plane"))
		return false;
	say_step(d, "control plane", "trust domain demo.internal, a new root key");
	return true;
}

/* Before there is anybody to be split: a client that sees both versions sees the split. */
static bool route_apply(struct demo *d)
{
	struct remote_request request = {
		.method = METHOD_POST,
		.path = STR("/apply?allowDangling=true"),
	};
	struct node_documents documents;
	struct buf text = BUF_INIT(0), body = BUF_INIT(0);
	struct node *answer;
	int r;

	shop_route(90, 10, &text);
	r = yaml_parse(buf_str(&text), NULL, &d->pool, &documents, &d->diag);
	if (r == 0) {
		json_write(documents.items[0], &body);
		request.body = buf_str(&body);
		r = remote_try(&d->remote, &request, &answer, &d->diag);
	}
	buf_fini(&text);
	buf_fini(&body);
	return r == 0;
}

static bool workloads_start(struct demo *d)
{
	for (size_t i = 1; i <= SHOP_WORKLOAD_COUNT; i++)
		if (!start(d, i, DEMO_WORKLOAD, -1))
			return false;
	if (!wait_until(d, shop_is_up, "the shop"))
		return false;
	say_step(d, "services", "%d services, %d workloads, a proxy and an identity for each",
		 SHOP_SERVICE_COUNT, SHOP_WORKLOAD_COUNT);
	return true;
}

static bool load_start(struct demo *d)
{
	int fds[2];
	bool started;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return diag_fail(&d->diag, -errno, "cannot make a pipe") == 0;
	d->load.fd = fds[0];
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	started =
		watch_start(d->remote.loop, &d->load.watch, fds[0], EPOLLIN, on_load_ready) == 0 &&
		start(d, PROCESS_COUNT - 1, DEMO_LOAD, fds[1]);
	close(fds[1]);
	if (!started || !wait_until(d, load_has_answers, "the load"))
		return false;
	d->ready = time_monotonic_now();
	d->facts.startup_seconds = seconds_between(d->ready, d->began);
	d->is_up = true;
	say_step(d, "load", "%llu pages a second at http://127.0.0.1:%u",
		 (unsigned long long)d->place.rate, d->place.shop_port);
	return true;
}

/*
 * The screen
 */

static void collect(struct demo *d, const char *window)
{
	char *services = mem_printf("/weft/v1/stat?by=service&window=%s", window);
	char *versions = mem_printf("/weft/v1/stat?by=version&window=%s", window);

	pool_reset(&d->remote.pool);
	d->facts.services = ask(d, str_from(services));
	d->facts.versions = ask(d, str_from(versions));
	d->facts.status = ask(d, STR("/weft/v1/status"));
	d->facts.route = ask(d, ROUTE_PATH);
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
	struct str rest, line;

	demo_draw(&s, &d->facts, &picture);
	rest = buf_str(&picture);
	/* Over the last picture, line by line, so that nothing flickers. */
	if (over)
		buf_append_str(&out, STR("\033[H"));
	while (str_split(&rest, '\n', &line))
		buf_printf(&out, "%.*s%s\n", STR_ARGS(line), over ? "\033[K" : "");
	if (over)
		buf_append_str(&out, STR("\033[J"));
	cli_out(d->cli, &out);
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

static void watch_shop(struct demo *d)
{
	bool screen = d->cli->out.is_tty && !d->json;
	struct buf clear = BUF_INIT(0);

	if (screen)
		buf_append_str(&clear, STR("\033[2J"));
	cli_out(d->cli, &clear);
	if (!screen && !d->json && !d->cli->look.quiet &&
	    wait_until(d, front_has_told, "telemetry")) {
		collect(d, "60s");
		draw(d, false);
	}
	while (!is_over(d) && pause_for(d, until_refresh(d))) {
		if (!screen)
			continue;
		collect(d, "60s");
		draw(d, true);
	}
	buf_fini(&clear);
}

/*
 * The end
 */

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

static uint64_t all_requests(const struct node *stat)
{
	uint64_t sum = 0;

	node_for_each (row, node_get(stat, STR("rows")))
		sum += answer_count(row, "requests");
	return sum;
}

/* Each proxy reports every second: waits until what the load asked for has been told, and
 * nobody has had more to tell for longer than that. */
static void settle(struct demo *d)
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
		if (front_requests(f->services) >= f->load_requests &&
		    instant_since(now, changed).ns > SETTLE_QUIET.ns)
			return;
	}
}

static void say_logs(const struct demo *d)
{
	struct buf text = BUF_INIT(0);

	for (size_t i = 0; i < PROCESS_COUNT; i++) {
		const struct demo_process *p = &d->processes[i];

		if (!p->name || (d->failed && d->failed != p))
			continue;
		buf_printf(&text, "--- %s\n", p->name);
		demo_process_log(p, &d->place, &text);
	}
	cli_err(d->cli, &text);
	buf_fini(&text);
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
	say_logs(d);
	return code;
}

static int summarize(struct demo *d)
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
		say_logs(d);
	buf_fini(&text);
	pool_fini(&pool);
	return failures ? EXIT_FAILED : EXIT_DONE;
}

/*
 * The course
 */

static bool dir_fits(const char *path)
{
	return path && path[0] == '/' && strlen(path) <= DIR_LEN_MAX && access(path, W_OK) == 0;
}

/* Keys lie in it, so it should be memory where it can be. */
static const char *dir_parent(void)
{
	const char *const places[] = { getenv("TMPDIR"), getenv("XDG_RUNTIME_DIR"), "/dev/shm" };

	for (size_t i = 0; i < array_count(places); i++)
		if (dir_fits(places[i]))
			return places[i];
	return "/tmp";
}

static bool place_make(struct demo *d, const char *weft)
{
	char *dir = mem_printf("%s/weft-demo-XXXXXX", dir_parent());
	struct random random;
	int r = 0;

	random_init_from_kernel(&random);
	if (!mkdtemp(dir))
		r = diag_fail(&d->diag, -errno, "cannot make the directory %s", dir);
	if (r == 0)
		r = janitor_start(&d->janitor, dir);
	if (r < 0)
		diag_fail(&d->diag, r, "cannot begin: %s", err_text(r));
	d->place = (struct demo_place){
		.weft = weft,
		.dir = pool_strdup(&d->pool, str_from(dir)).ptr,
		.socket = pool_printf(&d->pool, "%s/r/control.sock", dir).ptr,
		.network = demo_free_network(random_u64(&random)),
		.shop_port = demo_free_port(PORT_FIRST),
		.rate = d->settings->rate,
	};
	mem_free(dir);
	if (r == 0 && (!d->place.network || !d->place.shop_port))
		r = diag_fail(&d->diag, -EADDRINUSE, "no free ports from 127.0.0.1:%d on",
			      PORT_FIRST);
	return r == 0;
}

/* What shifts the canary. */
static bool half_write(struct demo *d)
{
	struct buf text = BUF_INIT(0);
	int r;

	d->half = mem_printf("%s/half.yaml", d->place.dir);
	shop_route(50, 50, &text);
	r = file_write_atomic(d->half, buf_str(&text), 0600);
	buf_fini(&text);
	return r < 0 ? diag_fail(&d->diag, r, "cannot write %s", d->half) == 0 : true;
}

static bool remote_begin(struct demo *d)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

	setenv("WEFT_ADDR", d->place.socket, 1);
	return remote_open(&d->remote, d->cli, &d->diag) == 0 &&
	       signal_source_start(d->remote.loop, &d->signals, signals, array_count(signals),
				   on_signal) == 0;
}

static bool bring_up(struct demo *d, const char *weft)
{
	return place_make(d, weft) && half_write(d) && remote_begin(d) && control_start(d) &&
	       route_apply(d) && workloads_start(d) && load_start(d);
}

static void bring_down(struct demo *d)
{
	d->ending = true;
	if (d->remote.loop) {
		end_processes(d, 1, PROCESS_COUNT);
		end_processes(d, 0, 1);
		for (size_t i = 0; i < PROCESS_COUNT; i++)
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

	if (!bring_up(d, weft)) {
		code = fail(d);
	} else {
		watch_shop(d);
		code = d->failed ? fail(d) : EXIT_DONE;
		/* The load first, so that no request meets a service that is ending. */
		d->ending = true;
		d->facts.load_seconds = seconds_between(time_monotonic_now(), d->ready);
		end_processes(d, PROCESS_COUNT - 1, PROCESS_COUNT);
		settle(d);
		if (code == EXIT_DONE)
			code = summarize(d);
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
	if (!d.json && !str_eq(str_from(s->output), STR("table")))
		return cli_usage(in->cli, "demo", "-o: \"%s\" is not table or json", s->output);
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
	.run = run,
};
