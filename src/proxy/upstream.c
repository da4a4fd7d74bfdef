#include "proxy/upstream.h"

#include <assert.h>

#include "base/mem.h"
#include "net/tls.h"
#include "proxy/pool.h"

/* An endpoint that fails again and again is suspect for up to 8 seconds. */
#define SUSPECT_DOUBLINGS_MAX 4

static void wc_free_if_done(struct worker_cluster *wc)
{
	struct worker *w = wc->worker;

	if (!wc->detached || !list_is_empty(&wc->upstreams))
		return;
	shared_release(&wc->state->shared, w->index);
	mem_free(wc->by_index);
	mem_free(wc);
}

static void upstream_reap(struct deferred *d)
{
	struct upstream *u = container_of(d, struct upstream, reap);
	struct worker_cluster *wc = u->cluster;
	uint32_t worker = wc->worker->index;

	for (int i = 0; i < METRIC_TLS_COUNT; i++)
		request_series_unref(u->series[i], loop_now(wc->worker->loop));
	list_remove(&u->in_cluster);
	timer_stop(&u->idle);
	shared_release(&u->host->shared, worker);
	shared_release(&u->state->shared, worker);
	mem_free(u);
	wc_free_if_done(wc);
}

void upstream_ref(struct upstream *u)
{
	u->refs++;
}

void upstream_unref(struct upstream *u)
{
	assert(u->refs > 0);
	if (--u->refs == 0)
		loop_reap(u->cluster->worker->loop, &u->reap, upstream_reap);
}

static struct upstream *upstream_new(struct worker_cluster *wc, uint32_t index)
{
	struct upstream *u = mem_new(struct upstream);

	u->cluster = wc;
	u->state = wc->state;
	u->endpoint = &wc->state->endpoints->items[index];
	u->host = wc->state->hosts[index];
	u->refs = 1; /* of by_index */
	shared_hold(&u->state->shared, wc->worker->index);
	shared_hold(&u->host->shared, wc->worker->index);
	list_init(&u->in_cluster);
	list_push_back(&wc->upstreams, &u->in_cluster);
	pool_open(u);
	return u;
}

static void upstream_retire(struct upstream *u)
{
	pool_retire(u);
	upstream_unref(u);
}

/* The same endpoint in a newer state: metadata, limits and TLS may have changed. */
static void upstream_move(struct upstream *u, struct cluster_state *state, uint32_t index)
{
	uint32_t worker = u->cluster->worker->index;
	struct cluster_state *before = u->state;

	u->state = state;
	u->endpoint = &state->endpoints->items[index];
	shared_hold(&state->shared, worker);
	if (before->tls.context != state->tls.context || before->cluster != state->cluster)
		pool_renew(u);
	for (int i = 0; i < METRIC_TLS_COUNT; i++)
		u->series[i] =
			request_series_unref(u->series[i], loop_now(u->cluster->worker->loop));
	shared_release(&before->shared, worker);
}

/* Indexes of hosts in a state, by their pointers. */
struct host_map {
	const struct cluster_state *state;
	uint32_t *buckets; /* index + 1 */
	uint32_t mask;
};

static uint32_t host_hash(const struct host *h)
{
	return (uint32_t)(((uintptr_t)h >> 4) * 0x9e3779b1u);
}

static void host_map_init(struct host_map *m, const struct cluster_state *state)
{
	uint32_t size = 2;

	while (size < cluster_state_host_count(state) * 2)
		size *= 2;
	*m = (struct host_map){ state, mem_new_array(uint32_t, size), size - 1 };
	for (uint32_t i = 0; i < cluster_state_host_count(state); i++) {
		uint32_t at = host_hash(state->hosts[i]);

		while (m->buckets[at & m->mask])
			at++;
		m->buckets[at & m->mask] = i + 1;
	}
}

static uint32_t host_map_find(const struct host_map *m, const struct host *h)
{
	uint32_t found;

	for (uint32_t at = host_hash(h); (found = m->buckets[at & m->mask]) != 0; at++)
		if (m->state->hosts[found - 1] == h)
			return found - 1;
	return BALANCE_NONE;
}

/* Upstreams in use find their places among the new endpoints, or are retired. */
static void move_upstreams(struct worker_cluster *wc, struct upstream **before,
			   uint32_t before_count)
{
	struct host_map m;

	host_map_init(&m, wc->state);
	for (uint32_t i = 0; i < before_count; i++) {
		struct upstream *u = before[i];
		uint32_t index = u ? host_map_find(&m, u->host) : BALANCE_NONE;

		if (!u)
			continue;
		if (index == BALANCE_NONE || wc->by_index[index]) {
			upstream_retire(u);
			continue;
		}
		wc->by_index[index] = u;
		upstream_move(u, wc->state, index);
	}
	mem_free(m.buckets);
}

static void wc_set_state(struct worker_cluster *wc, struct cluster_state *state)
{
	struct worker *w = wc->worker;
	struct cluster_state *state_before = wc->state;
	struct upstream **before = wc->by_index;
	uint32_t before_count = state_before ? cluster_state_host_count(state_before) : 0;

	shared_hold(&state->shared, w->index);
	wc->state = state;
	wc->cells = stat_scope_cells(state->stats, w->index);
	wc->times = stat_scope_times(state->stats, w->index);
	wc->by_index = mem_new_array(struct upstream *, cluster_state_host_count(state));
	move_upstreams(wc, before, before_count);
	mem_free(before);
	if (state_before)
		shared_release(&state_before->shared, w->index);
}

static struct worker_cluster *wc_new(struct worker *w, struct cluster_state *state)
{
	struct worker_cluster *wc = mem_new(struct worker_cluster);

	wc->worker = w;
	list_init(&wc->upstreams);
	/* Workers do not march in step. */
	wc->cursor.next = random_below(&w->random, 1 << 16);
	wc_set_state(wc, state);
	return wc;
}

static void wc_detach(struct worker_cluster *wc)
{
	for (uint32_t i = 0; i < cluster_state_host_count(wc->state); i++)
		if (wc->by_index[i])
			upstream_retire(wc->by_index[i]);
	wc->by_index = mem_free(wc->by_index);
	wc->detached = true;
	wc_free_if_done(wc);
}

struct worker_cluster *worker_cluster_update(struct worker *w, struct worker_cluster *wc,
					     struct cluster_state *state)
{
	if (wc && !state) {
		wc_detach(wc);
		return NULL;
	}
	if (!wc)
		return state ? wc_new(w, state) : NULL;
	if (wc->state != state)
		wc_set_state(wc, state);
	return wc;
}

struct worker_cluster *worker_cluster_stop(struct worker_cluster *wc)
{
	list_for_each_safe (node, &wc->upstreams)
		pool_close(container_of(node, struct upstream, in_cluster));
	wc_detach(wc);
	return NULL;
}

void tried_hosts_add(struct tried_hosts *t, struct host *h)
{
	if (tried_hosts_have(t, h) || t->count == TRIED_MAX)
		return;
	t->hosts[t->count++] = h;
}

bool tried_hosts_have(const struct tried_hosts *t, const struct host *h)
{
	for (uint32_t i = 0; i < t->count; i++)
		if (t->hosts[i] == h)
			return true;
	return false;
}

void upstream_failed(struct upstream *u)
{
	struct worker_cluster *wc = u->cluster;

	if (u->failures < SUSPECT_DOUBLINGS_MAX)
		u->failures++;
	u->suspect_until =
		instant_after(loop_now(wc->worker->loop), DURATION_SECONDS(1 << (u->failures - 1)));
	if (u->suspect_until.ns > wc->suspect_until.ns)
		wc->suspect_until = u->suspect_until;
}

void upstream_worked_again(struct upstream *u)
{
	u->failures = 0;
	u->suspect_until.ns = 0;
}

struct pick {
	const struct worker_cluster *wc;
	const struct tried_hosts *tried; /* may be NULL */
	struct instant now;              /* suspects are left out; 0: they are not */
};

static uint32_t pick_active(const void *user, uint32_t index)
{
	const struct pick *p = user;

	return atomic_load_explicit(&p->wc->state->hosts[index]->load->requests,
				    memory_order_relaxed);
}

static bool pick_left_out(const void *user, uint32_t index)
{
	const struct pick *p = user;
	const struct upstream *u = p->wc->by_index[index];

	if (p->now.ns && u && u->suspect_until.ns > p->now.ns)
		return true;
	return p->tried && tried_hosts_have(p->tried, p->wc->state->hosts[index]);
}

struct upstream *worker_cluster_pick(struct worker_cluster *wc, const struct tried_hosts *tried)
{
	struct cluster_state *state = wc->state;
	struct instant now = loop_now(wc->worker->loop);
	bool suspects = wc->suspect_until.ns > now.ns;
	struct pick p = { .wc = wc, .tried = tried, .now = suspects ? now : (struct instant){ 0 } };
	struct balance_input in = {
		.plan = &state->plan,
		.set = state->endpoints,
		.policy = state->cluster->policy,
		.choice_count = state->cluster->choice_count,
		.active = pick_active,
		.tried = suspects || (tried && tried->count) ? pick_left_out : NULL,
		.user = &p,
	};
	bool panic;
	uint32_t index = balance_pick(&in, &wc->cursor, &wc->worker->random, &panic);

	if (unlikely(index == BALANCE_NONE && suspects)) {
		p.now.ns = 0;
		index = balance_pick(&in, &wc->cursor, &wc->worker->random, &panic);
	}
	if (panic)
		stat_inc(wc->cells, CLUSTER_LB_PANIC);
	if (index == BALANCE_NONE)
		return NULL;
	if (unlikely(!wc->by_index[index]))
		wc->by_index[index] = upstream_new(wc, index);
	return wc->by_index[index];
}

bool worker_cluster_has_untried(const struct worker_cluster *wc, const struct tried_hosts *tried)
{
	const struct balance_plan *plan = &wc->state->plan;

	for (uint32_t i = 0; i < plan->group_count; i++)
		for (uint32_t k = 0; k < plan->groups[i].count; k++) {
			uint32_t index = plan->order[plan->groups[i].first + k];

			if (!tried_hosts_have(tried, wc->state->hosts[index]))
				return true;
		}
	return false;
}

/* Between a constructor and the user that takes the connection over in the same turn. */
static void nobody_closed(struct conn *c)
{
	(void)c;
}

static const struct conn_handler nobody = { .on_closed = nobody_closed };

struct conn *upstream_dial(struct upstream *u)
{
	const struct cluster *settings = u->state->cluster;
	struct worker *w = u->cluster->worker;
	struct tls_conn_options o = {
		.context = u->state->tls.context,
		.handshake_timeout = settings->connect_timeout,
	};
	struct conn *c;

	if (settings->tls && !o.context)
		return NULL;
	c = w->group->dial(w, &u->host->address);
	if (!settings->tls)
		return c;
	o.sni = settings->tls->sni;
	return tls_conn_new_take(c, &o, &nobody);
}

enum reason upstream_connect_reason(const struct conn *c, int error)
{
	if (error == ERR_TIMEOUT)
		return REASON_CONNECT_TIMEOUT;
	if (c && c->tls && c->tls->failure != TLS_FAILURE_NONE &&
	    c->tls->failure != TLS_FAILURE_CONNECTION)
		return REASON_TLS;
	return REASON_CONNECT;
}

// clang-format off
static const uint8_t tls_rows[TLS_FAILURE_COUNT] = {
	[TLS_FAILURE_NONE]           = CLUSTER_TLS_CONNECTION_ERROR,
	[TLS_FAILURE_TIMEOUT]        = CLUSTER_TLS_CONNECTION_ERROR,
	[TLS_FAILURE_CONNECTION]     = CLUSTER_TLS_CONNECTION_ERROR,
	[TLS_FAILURE_NO_CERTIFICATE] = CLUSTER_TLS_FAIL_NO_CERT,
	[TLS_FAILURE_VERIFY]         = CLUSTER_TLS_FAIL_ERROR,
	[TLS_FAILURE_SAN]            = CLUSTER_TLS_FAIL_SAN,
	[TLS_FAILURE_TRUST_DOMAIN]   = CLUSTER_TLS_FAIL_SAN,
	[TLS_FAILURE_NOT_SVID]       = CLUSTER_TLS_FAIL_SAN,
	[TLS_FAILURE_ALERT]          = CLUSTER_TLS_CONNECTION_ERROR,
	[TLS_FAILURE_PROTOCOL]       = CLUSTER_TLS_CONNECTION_ERROR,
	[TLS_FAILURE_TRUNCATED]      = CLUSTER_TLS_CONNECTION_ERROR,
};
// clang-format on

void upstream_count_tls(struct worker_cluster *wc, const struct conn *c, bool opened)
{
	if (!c || !c->tls)
		return;
	if (!opened) {
		if (c->tls->failure != TLS_FAILURE_NONE)
			stat_inc(wc->cells, tls_rows[c->tls->failure]);
		return;
	}
	stat_inc(wc->cells, CLUSTER_TLS_HANDSHAKE);
	if (!c->tls->mutual)
		stat_inc(wc->cells, CLUSTER_TLS_NO_CERTIFICATE);
}

/*
 * Looking inside
 */

void worker_cluster_check(const struct worker_cluster *wc)
{
	assert(wc->worker);
	assert(wc->state);
	assert(!wc->detached == !!wc->by_index);
	list_check(&wc->upstreams);
	list_for_each (node, &wc->upstreams) {
		const struct upstream *u = container_of(node, struct upstream, in_cluster);

		assert(u->cluster == wc);
		assert(u->retired || !wc->detached);
		pool_check(u);
	}
	for (uint32_t i = 0; !wc->detached && i < cluster_state_host_count(wc->state); i++) {
		assert(!wc->by_index[i] || wc->by_index[i]->host == wc->state->hosts[i]);
		assert(!wc->by_index[i] || wc->by_index[i]->state == wc->state);
	}
}

void worker_cluster_dump(const struct worker_cluster *wc, struct dump *d)
{
	cluster_state_dump(wc->state, d);
	dump_enter(d);
	list_for_each (node, &wc->upstreams) {
		if (dump_is_full(d))
			break;
		pool_dump(container_of(node, struct upstream, in_cluster), d);
	}
	dump_leave(d);
}
