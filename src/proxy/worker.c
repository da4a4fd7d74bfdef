#include "proxy/worker.h"

#include <assert.h>
#include <time.h>
#include <unistd.h>

#include "base/crash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/state.h"
#include "net/acceptor.h"
#include "net/socket.h"
#include "net/socket_conn.h"
#include "proxy/downstream.h"
#include "proxy/log_files.h"
#include "proxy/pool.h"
#include "proxy/ports.h"
#include "proxy/upstream.h"

#define CHUNKS_FREE_MAX    256

/* Connections in the backlog that a worker takes at the beginning of a drain. */
#define ACCEPT_WAITING_MAX 1024

/* Drawn in worker.h. */
static const struct state_row worker_states[] = {
	[WORKER_SERVING] = { "serving", STATE_TO(WORKER_DRAINING) | STATE_TO(WORKER_STOPPING) },
	[WORKER_DRAINING] = { "draining", STATE_TO(WORKER_DRAINED) | STATE_TO(WORKER_STOPPING) },
	[WORKER_DRAINED] = { "drained", STATE_TO(WORKER_STOPPING) },
	[WORKER_STOPPING] = { "stopping", 0 },
};

struct worker_port {
	struct acceptor acceptor;
	struct worker *worker;
	struct port *port; /* held */
	bool accepting;
};

/* An accepted connection on its way to another worker. */
struct handover {
	struct task task;
	struct worker *to;
	uint32_t listener_slot;
	int fd;
	struct address peer;
};

/*
 * Accepting
 */

static uint32_t load_of(const struct worker_group *g, uint32_t index)
{
	const struct worker_load *l = &g->loads[index];

	return atomic_load_explicit(&l->connections, memory_order_relaxed) +
	       atomic_load_explicit(&l->coming, memory_order_relaxed);
}

/* The worker itself, unless it has more than its share. */
static struct worker *choose_worker(struct worker *w)
{
	struct worker_group *g = w->group;
	uint64_t total = 0;
	uint32_t least = w->index;

	if (g->count == 1)
		return w;
	for (uint32_t i = 0; i < g->count; i++) {
		total += load_of(g, i);
		if (load_of(g, i) < load_of(g, least))
			least = i;
	}
	if ((uint64_t)load_of(g, w->index) * g->count <= total)
		return w;
	return g->workers[least];
}

/*
 * Counted before the group's flag is read, while a drain sets the flag before a worker looks
 * whether something is coming (check_drained): one of the two sees the other.
 */
static bool announce(struct worker *to)
{
	struct worker_group *g = to->group;

	atomic_fetch_add(&g->loads[to->index].coming, 1);
	if (likely(!atomic_load(&g->draining)))
		return true;
	atomic_fetch_sub(&g->loads[to->index].coming, 1);
	return false;
}

static void check_drained(struct worker *w);

static void handover_arrived(struct task *t)
{
	struct handover *h = container_of(t, struct handover, task);
	struct worker *w = h->to;

	if (w->state == WORKER_STOPPING)
		close(h->fd);
	else
		downstream_accept(w, h->listener_slot, h->fd, &h->peer);
	atomic_fetch_sub(&w->group->loads[w->index].coming, 1);
	mem_free(h);
	check_drained(w);
}

static void on_accept(struct acceptor *a, int fd, const struct address *peer)
{
	struct worker_port *p = container_of(a, struct worker_port, acceptor);
	struct worker *to = choose_worker(p->worker);
	struct handover *h;

	if (to == p->worker || !announce(to)) {
		downstream_accept(p->worker, p->port->listener_slot, fd, peer);
		return;
	}
	stat_inc(p->worker->cells, SERVER_HANDED_OVER);
	h = mem_new(struct handover);
	h->to = to;
	h->listener_slot = p->port->listener_slot;
	h->fd = fd;
	h->peer = *peer;
	loop_post(to->loop, &h->task, handover_arrived);
}

static void port_stop(struct worker_port *p)
{
	if (p->accepting)
		acceptor_stop(&p->acceptor);
	p->accepting = false;
}

static struct worker_port *port_close(struct worker_port *p)
{
	if (!p)
		return NULL;
	port_stop(p);
	shared_release(&p->port->shared, p->worker->index);
	mem_free(p);
	return NULL;
}

static struct worker_port *port_open_here(struct worker *w, struct port *port)
{
	struct worker_port *p = mem_new(struct worker_port);
	int r;

	p->worker = w;
	p->port = port;
	shared_hold(&port->shared, w->index);
	if (w->state != WORKER_SERVING)
		return p;
	r = acceptor_start(w->loop, &p->acceptor, port->fd, on_accept);
	p->accepting = r == 0;
	if (r < 0)
		log_error("listener.accept_failed", "listener=%s address=%s reason=\"%s\"",
			  port->name, address_text(&port->address), err_text(r));
	return p;
}

static void ports_update(struct worker *w, const struct snapshot *s)
{
	uint32_t count = s->tables[SNAPSHOT_PORTS]->count;

	if (count > w->port_count) {
		w->ports = mem_realloc(w->ports, count * sizeof(*w->ports));
		memset(w->ports + w->port_count, 0, (count - w->port_count) * sizeof(*w->ports));
		w->port_count = count;
	}
	for (uint32_t i = 0; i < w->port_count; i++) {
		struct port *port = port_of(snapshot_get(s, SNAPSHOT_PORTS, i));

		if (w->ports[i] && w->ports[i]->port == port)
			continue;
		w->ports[i] = port_close(w->ports[i]);
		if (port)
			w->ports[i] = port_open_here(w, port);
	}
}

/*
 * Snapshots
 */

static void clusters_update(struct worker *w, const struct snapshot *s)
{
	uint32_t count = s->tables[SNAPSHOT_CLUSTERS]->count;

	if (count > w->cluster_count) {
		w->clusters = mem_realloc(w->clusters, count * sizeof(*w->clusters));
		memset(w->clusters + w->cluster_count, 0,
		       (count - w->cluster_count) * sizeof(*w->clusters));
		w->cluster_count = count;
	}
	for (uint32_t i = 0; i < w->cluster_count; i++) {
		struct cluster_state *c = cluster_state_of(snapshot_get(s, SNAPSHOT_CLUSTERS, i));

		if (w->clusters[i] ? w->clusters[i]->state != c : c != NULL)
			w->clusters[i] = worker_cluster_update(w, w->clusters[i], c);
	}
}

static void on_snapshot(struct snapshot_reader *r, struct snapshot *before, struct snapshot *next)
{
	struct worker *w = container_of(r, struct worker, reader);

	(void)before;
	if (w->state == WORKER_STOPPING)
		return;
	stat_inc(w->cells, SERVER_SNAPSHOTS);
	clusters_update(w, next);
	downstream_snapshot_changed(w);
	ports_update(w, next);
}

struct worker_cluster *worker_cluster_at(const struct worker *w, uint32_t slot)
{
	return slot < w->cluster_count ? w->clusters[slot] : NULL;
}

struct listener_state *worker_listener_at(const struct worker *w, uint32_t slot)
{
	if (!w->reader.current)
		return NULL;
	return listener_state_of(snapshot_get(w->reader.current, SNAPSHOT_LISTENERS, slot));
}

struct str worker_date(struct worker *w)
{
	int64_t second = loop_wall_now(w->loop).ns / 1000000000;
	time_t t = (time_t)second;
	struct tm tm;

	if (unlikely(second != w->date_second)) {
		gmtime_r(&t, &tm);
		strftime(w->date, sizeof(w->date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
		w->date_second = second;
	}
	return str_from(w->date);
}

bool worker_may_log(struct worker *w)
{
	int64_t second = loop_now(w->loop).ns / 1000000000;

	if (second != w->logged_second) {
		if (w->unlogged_count)
			log_warn("log.left_out", "count=%u", w->unlogged_count);
		w->logged_second = second;
		w->logged_count = 0;
		w->unlogged_count = 0;
	}
	if (w->logged_count >= WORKER_LOGGED_MAX) {
		w->unlogged_count++;
		return false;
	}
	w->logged_count++;
	return true;
}

/*
 * Draining and stopping
 */

static void drained(struct task *t)
{
	struct worker_group *g = container_of(t, struct worker, drained_task)->group;

	if (++g->drained == g->count && g->on_drained)
		g->on_drained(g);
}

static void check_drained(struct worker *w)
{
	if (w->state != WORKER_DRAINING || w->downstream_count > 0 ||
	    atomic_load(&w->group->loads[w->index].coming) > 0)
		return;
	state_move(worker_states, w->state, WORKER_DRAINED);
	loop_post(w->group->main_loop, &w->drained_task, drained);
}

void worker_connections_add(struct worker *w, int n)
{
	w->downstream_count += n;
	atomic_store_explicit(&w->group->loads[w->index].connections, w->downstream_count,
			      memory_order_relaxed);
	stat_add(w->cells, SERVER_CONNECTIONS, (uint64_t)(int64_t)n);
	if (unlikely(w->state == WORKER_DRAINING))
		check_drained(w);
}

static void close_downstreams(struct worker *w)
{
	list_for_each_safe (node, &w->downstreams)
		downstream_close(container_of(node, struct downstream, in_worker));
}

static void stop_due(struct timer *t)
{
	close_downstreams(container_of(t, struct worker, stop_timer));
}

/* Who got through the handshake with the kernel is served still, when nobody else takes over. */
static void accept_waiting(struct worker *w, const struct port *port)
{
	struct address peer;
	int fd;

	for (int i = 0; i < ACCEPT_WAITING_MAX && !port->inherited; i++) {
		if (socket_accept(port->fd, &peer, &fd) < 0)
			return;
		downstream_accept(w, port->listener_slot, fd, &peer);
	}
}

static void accepting_ended(struct task *t)
{
	struct worker_group *g = container_of(t, struct worker, accepting_ended_task)->group;

	if (++g->accepting_ended == g->count && g->on_accepting_ended)
		g->on_accepting_ended(g);
}

static void drain(struct worker *w)
{
	if (w->state != WORKER_SERVING)
		return;
	/* While it serves still: drained is who has the last connection behind it. */
	for (uint32_t i = 0; i < w->port_count; i++) {
		if (!w->ports[i])
			continue;
		port_stop(w->ports[i]);
		accept_waiting(w, w->ports[i]->port);
	}
	state_move(worker_states, w->state, WORKER_DRAINING);
	loop_post(w->group->main_loop, &w->accepting_ended_task, accepting_ended);
	list_for_each_safe (node, &w->downstreams)
		downstream_drain(container_of(node, struct downstream, in_worker));
	timer_start(w->loop, &w->stop_timer, w->group->options.drain_time);
	check_drained(w);
}

static void stop_turn(struct deferred *d)
{
	struct worker *w = container_of(d, struct worker, stop_later);

	w->logs = log_files_free(w->logs);
	loop_stop(w->loop);
}

static void stop(struct worker *w)
{
	if (w->state == WORKER_STOPPING)
		return;
	state_move(worker_states, w->state, WORKER_STOPPING);
	timer_stop(&w->stop_timer);
	for (uint32_t i = 0; i < w->port_count; i++)
		w->ports[i] = port_close(w->ports[i]);
	close_downstreams(w);
	for (uint32_t i = 0; i < w->cluster_count; i++)
		if (w->clusters[i])
			w->clusters[i] = worker_cluster_stop(w->clusters[i]);
	snapshot_reader_leave(&w->reader);
	defer_to_next_turn(w->loop, &w->stop_later, stop_turn);
}

struct command {
	struct task task;
	struct worker *worker;
	void (*run)(struct worker *w);
};

static void command_arrived(struct task *t)
{
	struct command *c = container_of(t, struct command, task);

	c->run(c->worker);
	mem_free(c);
}

static void tell_all(struct worker_group *g, void (*run)(struct worker *w))
{
	for (uint32_t i = 0; i < g->count; i++) {
		struct command *c = mem_new(struct command);

		c->worker = g->workers[i];
		c->run = run;
		loop_post(c->worker->loop, &c->task, command_arrived);
	}
}

static void reopen_logs(struct worker *w)
{
	log_files_reopen(w->logs);
}

void worker_group_drain(struct worker_group *g)
{
	atomic_store(&g->draining, true);
	tell_all(g, drain);
}

void worker_group_stop(struct worker_group *g)
{
	tell_all(g, stop);
}

void worker_group_reopen_logs(struct worker_group *g)
{
	tell_all(g, reopen_logs);
}

/*
 * The group
 */

static struct conn *dial_socket(struct worker *w, const struct address *peer)
{
	static const struct conn_handler nobody = { 0 };

	return socket_conn_connect(w->loop, &w->chunks,
				   &(struct socket_connect_options){ .peer = peer }, &nobody);
}

static int worker_new(struct worker_group *g, const struct worker_group_options *o, uint32_t index)
{
	struct worker *w = mem_new(struct worker);
	int r;

	g->workers[index] = w;
	w->group = g;
	w->index = index;
	w->loop = o->one_loop;
	if (!w->loop) {
		r = loop_new(&w->loop);
		if (r < 0)
			return r;
	}
	chunk_stock_init(&w->chunks, CHUNKS_FREE_MAX);
	if (o->seed)
		random_init(&w->random, o->seed + index);
	else
		random_init_from_kernel(&w->random);
	w->reader = (struct snapshot_reader){ .loop = w->loop,
					      .index = index,
					      .on_snapshot = on_snapshot };
	g->readers[index] = &w->reader;
	w->cells = stat_scope_cells(g->server_stats, index);
	w->logs = log_files_new(w);
	list_init(&w->downstreams);
	list_init(&w->held);
	timer_init(&w->stop_timer, stop_due);
	return 0;
}

int worker_group_init(struct worker_group *g, const struct worker_group_options *o)
{
	*g = (struct worker_group){
		.workers = mem_new_array(struct worker *, o->count),
		.readers = mem_new_array(struct snapshot_reader *, o->count),
		.loads = mem_new_array(struct worker_load, o->count),
		.count = o->count,
		.options = o->limits,
		.domain = o->domain,
		.stats = o->stats,
		.server_stats = stat_scope_get(o->stats, STAT_SERVER, STR_EMPTY),
		.metrics = o->metrics,
		.main_loop = o->main_loop,
		.dial = dial_socket,
	};
	for (uint32_t i = 0; i < o->count; i++) {
		int r = worker_new(g, o, i);

		if (r < 0)
			return r;
	}
	return 0;
}

static void worker_free(struct worker *w, bool own_loop)
{
	if (!w)
		return;
	mem_free(w->clusters);
	mem_free(w->ports);
	log_files_free(w->logs);
	chunk_stock_fini(&w->chunks);
	if (own_loop)
		loop_free(w->loop);
	mem_free(w);
}

void worker_group_fini(struct worker_group *g)
{
	for (uint32_t i = 0; i < g->count; i++)
		worker_free(g->workers[i], g->workers[i] && g->workers[i]->loop != g->main_loop);
	stat_scope_unref(g->server_stats);
	mem_free(g->workers);
	mem_free(g->readers);
	mem_free(g->loads);
}

static void dump_crashed(const void *worker, struct dump *d)
{
	worker_dump(worker, d);
}

static void *thread_main(void *user)
{
	struct worker *w = user;
	char name[16];
	int r;

	snprintf(name, sizeof(name), "worker %u", w->index);
	pthread_setname_np(pthread_self(), name);
	crash_watch_thread(dump_crashed, w);
	r = loop_run(w->loop);
	crash_unwatch_thread();
	if (r < 0) {
		log_error("worker.failed", "worker=%u reason=\"%s\"", w->index, err_text(r));
		abort();
	}
	return NULL;
}

int worker_group_start(struct worker_group *g)
{
	for (uint32_t i = 0; i < g->count; i++) {
		struct worker *w = g->workers[i];
		int r = pthread_create(&w->thread, NULL, thread_main, w);

		if (r != 0)
			return -r;
		w->thread_started = true;
	}
	return 0;
}

/* What was on its way between workers when they ended: an ask, its answer, what it closed. */
#define LAST_TURNS 4

struct last_turn {
	struct task task;
	struct loop *loop;
};

static void last_turn(struct task *t)
{
	loop_stop(container_of(t, struct last_turn, task)->loop);
}

/* Each loop turns once, here. */
static void finish_tasks(struct worker_group *g)
{
	for (uint32_t i = 0; i < g->count; i++) {
		struct last_turn turn = { .loop = g->workers[i]->loop };

		loop_post(turn.loop, &turn.task, last_turn);
		if (loop_run(turn.loop) < 0)
			return;
	}
}

void worker_group_join(struct worker_group *g)
{
	for (uint32_t i = 0; i < g->count; i++) {
		if (!g->workers[i]->thread_started)
			continue;
		pthread_join(g->workers[i]->thread, NULL);
		g->workers[i]->thread_started = false;
	}
	for (int i = 0; i < LAST_TURNS; i++)
		finish_tasks(g);
}

/*
 * Looking inside
 */

void worker_check(const struct worker *w)
{
	uint32_t held = 0;

	assert(w->group->workers[w->index] == w);
	list_check(&w->downstreams);
	assert(list_count(&w->downstreams) == w->downstream_count);
	list_for_each (node, &w->downstreams) {
		const struct downstream *d = container_of(node, struct downstream, in_worker);

		assert(d->worker == w);
		downstream_check(d);
	}
	list_check(&w->held);
	list_for_each (node, &w->held) {
		assert(container_of(node, struct downstream, in_held)->stage == DOWNSTREAM_HELD);
		held++;
	}
	assert(w->held_count == held);
	chunk_stock_check(&w->chunks);
	assert(w->state != WORKER_DRAINED || w->downstream_count == 0);
}

static void ports_dump(const struct worker *w, struct dump *d)
{
	for (uint32_t i = 0; i < w->port_count && !dump_is_full(d); i++) {
		if (!w->ports[i])
			continue;
		dump_line(d, "port");
		dump_str(d, "listener", str_from(w->ports[i]->port->name));
		dump_str(d, "address", str_from(address_text(&w->ports[i]->port->address)));
		dump_flag(d, "accepting", w->ports[i]->accepting);
	}
}

void worker_dump(const struct worker *w, struct dump *d)
{
	dump_line(d, "worker");
	dump_number(d, "index", w->index);
	dump_number(d, "downstreams", w->downstream_count);
	dump_number(d, "held", w->held_count);
	if (w->reader.current)
		dump_number(d, "snapshot", w->reader.current->number);
	dump_word(d, "state", worker_states[w->state].name);
	dump_enter(d);
	loop_dump(w->loop, d);
	chunk_stock_dump(&w->chunks, d);
	ports_dump(w, d);
	for (uint32_t i = 0; i < w->cluster_count && !dump_is_full(d); i++)
		if (w->clusters[i])
			worker_cluster_dump(w->clusters[i], d);
	list_for_each (node, &w->downstreams) {
		if (dump_is_full(d))
			break;
		downstream_dump(container_of(node, struct downstream, in_worker), d);
	}
	dump_leave(d);
}
