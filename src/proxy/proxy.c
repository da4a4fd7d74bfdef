#include "proxy/proxy.h"

#include <signal.h>

#include "base/crash.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/state.h"
#include "proxy/admin.h"
#include "proxy/cpus.h"
#include "proxy/mesh_link.h"

#define CONFIG_BYTES_MAX (64 * 1024 * 1024)
#define CHUNKS_FREE_MAX  16

/* Drawn in proxy.h. */
static const struct state_row proxy_states[] = {
	[PROXY_STARTING] = { "starting", STATE_TO(PROXY_LIVE) | STATE_TO(PROXY_DRAINING) |
						 STATE_TO(PROXY_ENDED) },
	[PROXY_LIVE] = { "live", STATE_TO(PROXY_DRAINING) | STATE_TO(PROXY_ENDED) },
	[PROXY_DRAINING] = { "draining", STATE_TO(PROXY_ENDED) },
	[PROXY_ENDED] = { "ended", 0 },
};

int proxy_read_config(const char *path, struct bootstrap **ret_bootstrap, struct diag *d)
{
	struct buf text = BUF_INIT(0);
	int r = file_read(path, CONFIG_BYTES_MAX, &text);

	if (r < 0)
		r = diag_fail(d, r, "cannot read %s: %s", path, err_text(r));
	else
		r = bootstrap_parse(path, buf_str(&text), ret_bootstrap, d);
	buf_fini(&text);
	return r;
}

/*
 * Ending
 */

static void on_link_stopped(void *user)
{
	loop_stop(((struct proxy *)user)->loop);
}

/* The control plane is told in order; that takes half a second at most. Told to end once more,
 * the proxy does not wait for it. */
static void ended(struct proxy *p)
{
	if (p->state == PROXY_ENDED) {
		loop_stop(p->loop);
		return;
	}
	state_move(proxy_states, p->state, PROXY_ENDED);
	timer_stop(&p->drain_timer);
	mesh_link_stop(p->link, on_link_stopped, p);
}

static void ports_shut(struct proxy *p)
{
	const struct snapshot *s = p->snapshots.current;
	uint32_t count = s ? s->tables[SNAPSHOT_PORTS]->count : 0;

	for (uint32_t i = 0; i < count; i++) {
		struct port *port = port_of(snapshot_get(s, SNAPSHOT_PORTS, i));

		if (port)
			port_shut(port);
	}
}

static void on_accepting_ended(struct worker_group *g)
{
	ports_shut(container_of(g, struct proxy, workers));
}

static void on_drained(struct worker_group *g)
{
	struct proxy *p = container_of(g, struct proxy, workers);

	if (p->state != PROXY_DRAINING)
		return;
	log_info("proxy.drained", "");
	ended(p);
}

static void drain_due(struct timer *t)
{
	struct proxy *p = container_of(t, struct proxy, drain_timer);

	log_warn("proxy.drain_timeout", "connections are closed that did not end in time");
	ended(p);
}

void proxy_drain_listeners(struct proxy *p)
{
	worker_group_drain(&p->workers);
}

void proxy_quit(struct proxy *p)
{
	ended(p);
}

void proxy_terminate(struct proxy *p)
{
	if (p->state == PROXY_DRAINING || p->state == PROXY_ENDED) {
		log_info("proxy.ends", "without waiting any longer");
		ended(p);
		return;
	}
	state_move(proxy_states, p->state, PROXY_DRAINING);
	log_info("proxy.drains", "time=%llds", (long long)(p->options.drain_time.ns / 1000000000));
	timer_start(p->loop, &p->drain_timer, p->options.drain_time);
	worker_group_drain(&p->workers);
	/* They may have been told before, and have nothing left to tell. */
	if (p->workers.drained == p->workers.count)
		on_drained(&p->workers);
}

static void on_signal(struct signal_source *s, int number)
{
	struct proxy *p = container_of(s, struct proxy, signals);

	if (number == SIGUSR1)
		worker_group_reopen_logs(&p->workers);
	else
		proxy_terminate(p);
}

/*
 * Starting
 */

static void on_served(struct snapshots *s, uint64_t number)
{
	struct proxy *p = container_of(s, struct proxy, snapshots);

	if (p->state == PROXY_STARTING) {
		state_move(proxy_states, p->state, PROXY_LIVE);
		log_info("proxy.live", "workers=%u", p->workers.count);
	}
	resources_served(&p->resources, number);
}

static int workers_make(struct proxy *p)
{
	struct worker_group_options o = {
		.count = p->options.concurrency,
		.main_loop = p->loop,
		.domain = &p->domain,
		.stats = &p->stats,
		.metrics = &p->metrics,
		.limits = {
			.held_max = WORKER_HELD_MAX,
			.hold_timeout = WORKER_HOLD_TIMEOUT,
			.connections_max = WORKER_CONNECTIONS_MAX,
			.endpoint_idle_max = WORKER_ENDPOINT_IDLE_MAX,
			.drain_time = p->options.drain_time,
		},
	};
	int r = worker_group_init(&p->workers, &o);

	p->workers.on_accepting_ended = on_accepting_ended;
	p->workers.on_drained = on_drained;
	return r;
}

static void add_changes(struct resource_change *changes, size_t *count,
			const struct part_list *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		changes[(*count)++] = (struct resource_change){
			.kind = list->items[i]->kind,
			.name = list->items[i]->name,
			.part = list->items[i],
		};
}

static int apply_static(struct proxy *p, struct diag *d)
{
	const struct bootstrap *b = p->bootstrap;
	size_t count = 0;
	struct resource_change *changes = mem_new_array(
		struct resource_change, b->secrets.count + b->clusters.count + b->listeners.count);
	int r;

	add_changes(changes, &count, &b->secrets);
	add_changes(changes, &count, &b->clusters);
	add_changes(changes, &count, &b->listeners);
	r = resources_apply(&p->resources, changes, count, 0, d);
	mem_free(changes);
	return r;
}

static int bind_all(struct proxy *p, struct diag *d)
{
	const struct bootstrap *b = p->bootstrap;

	for (uint32_t i = 0; i < b->binding_count; i++) {
		const struct bootstrap_binding *binding = &b->bindings[i];
		int fd = -1, r;

		if (binding->inherited_name.len) {
			fd = inherited_find(&p->inherited, binding->inherited_name);
			if (fd < 0)
				return diag_fail(d, ERR_CONFIG,
						 "no descriptor named \"%.*s\" was passed",
						 STR_ARGS(binding->inherited_name));
		}
		r = resources_bind(&p->resources, binding->listener_name, &binding->address, fd, d);
		if (r < 0)
			return r;
	}
	return 0;
}

static int signals_start(struct proxy *p)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGUSR1 };

	signal(SIGPIPE, SIG_IGN);
	return signal_source_start(p->loop, &p->signals, numbers, array_count(numbers), on_signal);
}

static int link_make(struct proxy *p, struct diag *d)
{
	struct mesh_link_options o = {
		.loop = p->loop,
		.chunks = &p->chunks,
		.random = &p->random,
		.bootstrap = p->bootstrap,
		.resources = &p->resources,
		.metrics = &p->metrics,
	};

	return mesh_link_new(&o, &p->link, d);
}

static int init(struct proxy *p)
{
	int r;

	shared_domain_init(&p->domain, p->options.concurrency);
	stats_init(&p->stats, p->options.concurrency);
	metrics_init(&p->metrics, p->options.concurrency);
	p->metrics.own_version = p->bootstrap->service_version;
	timer_init(&p->drain_timer, drain_due);
	chunk_stock_init(&p->chunks, CHUNKS_FREE_MAX);
	random_init_from_kernel(&p->random);
	r = loop_new(&p->loop);
	if (r < 0)
		return r;
	p->started = loop_now(p->loop);
	p->wall_started = loop_wall_now(p->loop);
	r = signals_start(p);
	if (r < 0)
		return r;
	r = workers_make(p);
	if (r < 0)
		return r;
	snapshots_init(&p->snapshots, p->loop, &p->domain, p->workers.readers);
	p->snapshots.on_served = on_served;
	resources_init(&p->resources, &(struct resources_options){
					      .loop = p->loop,
					      .domain = &p->domain,
					      .stats = &p->stats,
					      .snapshots = &p->snapshots,
					      .inherited = &p->inherited,
				      });
	return 0;
}

static void dump_crashed(const void *proxy, struct dump *d)
{
	proxy_dump(proxy, d);
}

int proxy_open_take(struct proxy *p, struct bootstrap *bootstrap,
		    const struct proxy_options *options, struct diag *d)
{
	int r;

	*p = (struct proxy){ .bootstrap = bootstrap, .options = *options };
	if (p->options.concurrency == 0)
		p->options.concurrency = cpus_allowed();
	r = inherited_read(&p->inherited, d);
	if (r < 0)
		return r;
	r = init(p);
	if (r < 0)
		return diag_fail(d, r, "cannot start: %s", err_text(r));
	r = link_make(p, d);
	if (r < 0)
		return r;
	r = bind_all(p, d);
	if (r < 0)
		return r;
	r = apply_static(p, d);
	if (r < 0)
		return r;
	r = admin_open(p, &bootstrap->admin, &p->admin, d);
	if (r < 0)
		return r;
	r = worker_group_start(&p->workers);
	if (r < 0)
		return diag_fail(d, r, "cannot start a thread: %s", err_text(r));
	mesh_link_start(p->link);
	crash_watch_thread(dump_crashed, p);
	return 0;
}

bool proxy_is_ready(const struct proxy *p)
{
	return p->state == PROXY_LIVE && mesh_link_is_ready(p->link);
}

int proxy_run(struct proxy *p)
{
	return loop_run(p->loop);
}

void proxy_close(struct proxy *p)
{
	if (!p->workers.workers)
		return;
	crash_watch_thread(NULL, NULL);
	worker_group_stop(&p->workers);
	worker_group_join(&p->workers);
	ports_shut(p);
	admin_close(p->admin);
}

/*
 * Looking inside
 */

void proxy_check(const struct proxy *p)
{
	loop_check(p->loop);
	chunk_stock_check(&p->chunks);
	snapshots_check(&p->snapshots);
	for (int i = 0; i < PART_KIND_COUNT; i++)
		map_check(&p->resources.by_name[i]);
	mesh_link_check(p->link);
}

void proxy_dump(const struct proxy *p, struct dump *d)
{
	dump_line(d, "main");
	dump_word(d, "state", proxy_states[p->state].name);
	dump_number(d, "workers", p->workers.count);
	dump_number(d, "revision", p->resources.revision_applied);
	dump_enter(d);
	loop_dump(p->loop, d);
	chunk_stock_dump(&p->chunks, d);
	snapshots_dump(&p->snapshots, d);
	if (p->link)
		mesh_link_dump(p->link, d);
	dump_leave(d);
}
