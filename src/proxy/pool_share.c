#include "proxy/pool_share.h"

#include <assert.h>

#include "base/mem.h"

/* Connections that a giver looks at for one ask. */
#define LOOKED_AT_MAX 16
/* Workers beyond have no bit: they ask, and are not asked. */
#define HOLDER_BITS   64

struct pool_ask {
	struct task task;
	struct upstream *upstream; /* the asker's: referenced, and never looked into by the giver */
	struct worker *asker;
	struct worker *giver;
	struct cluster_state *state; /* held by the asker */
	struct host *host;
	uint32_t index;              /* of the endpoint in the state */
	uint32_t generation;         /* of the asker's upstream */
	struct pool_request wanted;  /* what it must fit */
	bool urgent;                 /* the breaker stands at its limit */
	bool late;                   /* nobody waits for it any more */
	struct upstream_conn *given; /* NULL: none */
};

static struct worker *worker_of(const struct upstream *u)
{
	return u->cluster->worker;
}

static struct loop *loop_of(const struct upstream *u)
{
	return worker_of(u)->loop;
}

/*
 * Room
 */

static uint64_t holder_bit(const struct worker *w)
{
	return w->index < HOLDER_BITS ? (uint64_t)1 << w->index : 0;
}

bool pool_room_take(struct upstream *u)
{
	struct host_load *l = u->host->load;
	uint32_t max = worker_of(u)->group->options.endpoint_idle_max;
	uint32_t taken = atomic_load_explicit(&l->idle_room, memory_order_relaxed);

	do {
		if (taken >= max)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
		&l->idle_room, &taken, taken + 1, memory_order_relaxed, memory_order_relaxed));
	if (u->idle_room++ == 0)
		atomic_fetch_or_explicit(&l->holders, holder_bit(worker_of(u)),
					 memory_order_relaxed);
	return true;
}

void pool_room_trim(struct upstream *u)
{
	struct host_load *l = u->host->load;
	uint32_t surplus = u->idle_room > u->conn_count ? u->idle_room - u->conn_count : 0;

	if (surplus == 0)
		return;
	u->idle_room -= surplus;
	atomic_fetch_sub_explicit(&l->idle_room, surplus, memory_order_relaxed);
	if (u->idle_room == 0)
		atomic_fetch_and_explicit(&l->holders, ~holder_bit(worker_of(u)),
					  memory_order_relaxed);
}

/*
 * Giving
 */

static bool at_limit(const struct upstream *u)
{
	return breaker_value(u->state->breakers, 0, BREAKER_CONNECTIONS) >=
	       u->state->cluster->breakers[0].connections_max;
}

/* The giver's upstream of the same endpoint in the same state; NULL: it has none. */
static struct upstream *giving_upstream(const struct pool_ask *a)
{
	struct worker_cluster *wc = worker_cluster_at(a->giver, a->state->slot);
	struct upstream *u = wc && wc->state == a->state ? wc->by_index[a->index] : NULL;

	return u && u->host == a->host && !u->retired ? u : NULL;
}

static bool is_to_spare(const struct upstream_conn *uc, const struct pool_ask *a)
{
	const struct upstream *u = uc->upstream;
	uint32_t requests_max = u->state->cluster->requests_per_connection_max;
	struct instant now = loop_now(loop_of(u));

	if (uc->generation != u->generation || !pool_conn_fits(uc, &a->wanted) ||
	    (requests_max && uc->requests >= requests_max) ||
	    http_client_conn_active(uc->client) > 0)
		return false;
	return a->urgent || instant_after(uc->since, POOL_SPARE_AGE).ns <= now.ns;
}

/* The one that was not used for the longest time. */
static struct upstream_conn *take_spare(struct upstream *u, const struct pool_ask *a)
{
	struct list *node = u->ready.prev;

	if (!list_is_empty(&u->waiters) || (at_limit(u) && u->conn_count == 1))
		return NULL;
	for (int i = 0; i < LOOKED_AT_MAX && node != &u->ready; i++, node = node->prev) {
		struct upstream_conn *uc = container_of(node, struct upstream_conn, in_pool);

		if (is_to_spare(uc, a) && http_client_conn_detach(uc->client) == 0) {
			pool_conn_leave(uc);
			return uc;
		}
	}
	return NULL;
}

/*
 * The answer
 */

static void answered(struct task *t)
{
	struct pool_ask *a = container_of(t, struct pool_ask, task);
	struct upstream *u = a->upstream;

	u->ask = NULL;
	timer_stop(&u->ask_timer);
	if (a->given)
		pool_conn_enter(u, a->given, !u->retired && a->generation == u->generation);
	else
		u->ask_again = instant_after(loop_now(loop_of(u)), POOL_ASK_AGAIN);
	shared_release(&a->state->shared, a->asker->index);
	mem_free(a);
	pool_look_again(u);
	upstream_unref(u);
}

static void asked(struct task *t)
{
	struct pool_ask *a = container_of(t, struct pool_ask, task);
	struct upstream *u = giving_upstream(a);

	a->given = u ? take_spare(u, a) : NULL;
	loop_post(a->asker->loop, &a->task, answered);
}

/*
 * Asking
 */

static void ask_due(struct timer *t)
{
	struct upstream *u = container_of(t, struct upstream, ask_timer);

	if (u->ask)
		u->ask->late = true;
	pool_look_again(u);
}

/* One of the workers that may have a connection, each in its turn; NULL: there is none. */
static struct worker *choose_giver(struct upstream *u)
{
	struct worker *w = worker_of(u);
	struct worker_group *g = w->group;
	uint64_t holders = atomic_load_explicit(&u->host->load->holders, memory_order_relaxed);

	holders &= ~holder_bit(w);
	for (uint32_t i = 0; holders && i < g->count; i++) {
		uint32_t at = (u->ask_next + i) % g->count;

		if (holders & holder_bit(g->workers[at])) {
			u->ask_next = at + 1;
			return g->workers[at];
		}
	}
	return NULL;
}

bool pool_ask(struct upstream *u, const struct pool_request *r)
{
	bool urgent = at_limit(u);
	struct worker *giver;
	struct pool_ask *a;

	if (worker_of(u)->group->count == 1 || u->ask || r->fresh ||
	    !(urgent || u->state->cluster->tls) || loop_now(loop_of(u)).ns < u->ask_again.ns)
		return false;
	giver = choose_giver(u);
	if (!giver)
		return false;
	a = mem_new(struct pool_ask);
	a->upstream = u;
	a->asker = worker_of(u);
	a->giver = giver;
	a->state = u->state;
	a->host = u->host;
	a->index = (uint32_t)(u->endpoint - u->state->endpoints->items);
	a->generation = u->generation;
	a->wanted.codec = r->codec;
	a->urgent = urgent;
	upstream_ref(u);
	shared_hold(&a->state->shared, a->asker->index);
	u->ask = a;
	timer_start(loop_of(u), &u->ask_timer, POOL_ASK_WAIT);
	loop_post(giver->loop, &a->task, asked);
	return true;
}

bool pool_is_asking(const struct upstream *u)
{
	return u->ask && !u->ask->late;
}

void pool_ask_later(struct upstream *u)
{
	if (worker_of(u)->group->count > 1 && !timer_is_running(&u->ask_timer))
		timer_start(loop_of(u), &u->ask_timer, POOL_ASK_AGAIN);
}

void pool_share_init(struct upstream *u)
{
	timer_init(&u->ask_timer, ask_due);
}

void pool_share_stop(struct upstream *u)
{
	timer_stop(&u->ask_timer);
	assert(!u->ask || u->refs > 0);
}
