#include "proxy/pool.h"

#include <assert.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/tls.h"
#include "proxy/pool_share.h"

/* A connection ends this share of the certificate's remaining life before its end. */
#define LIFETIME_MARGIN_PARTS 10

static struct worker_cluster *cluster_of_conn(const struct upstream_conn *uc)
{
	return uc->upstream->cluster;
}

static const struct cluster *settings_of(const struct upstream *u)
{
	return u->state->cluster;
}

static struct loop *loop_of(const struct upstream *u)
{
	return u->cluster->worker->loop;
}

/*
 * Lists
 */

static void move_to_ready(struct upstream_conn *uc)
{
	struct upstream *u = uc->upstream;

	if (uc->state == POOL_CONN_READY)
		return;
	list_remove(&uc->in_pool);
	list_push_front(&u->ready, &uc->in_pool);
	u->ready_count++;
	uc->state = POOL_CONN_READY;
}

static void move_to_others(struct upstream_conn *uc, int state)
{
	struct upstream *u = uc->upstream;

	if (uc->state == POOL_CONN_READY)
		u->ready_count--;
	if (uc->state == POOL_CONN_ARRIVING)
		u->arriving--;
	list_remove(&uc->in_pool);
	list_push_back(&u->others, &uc->in_pool);
	uc->state = state;
}

/* All that one end of a connection of HTTP/2 turned away may share the next one. */
static bool is_fresh(const struct upstream_conn *uc, const struct pool_request *r)
{
	return uc->requests == 0 || (uc->http2 && uc->dialled.ns >= r->fresh_since.ns);
}

bool pool_conn_fits(const struct upstream_conn *uc, const struct pool_request *r)
{
	if (r->fresh && !is_fresh(uc, r))
		return false;
	return r->codec == HTTP_CODEC_AUTO || uc->http2 == (r->codec == HTTP_CODEC_HTTP2);
}

static struct upstream_conn *ready_find(struct upstream *u, const struct pool_request *r)
{
	list_for_each (node, &u->ready) {
		struct upstream_conn *uc = container_of(node, struct upstream_conn, in_pool);

		if (pool_conn_fits(uc, r) && http_client_conn_available(uc->client))
			return uc;
	}
	return NULL;
}

/*
 * Ending connections
 */

static void end_conn(struct upstream_conn *uc)
{
	uc->local_close = true;
	if (uc->client)
		http_client_conn_close(uc->client);
}

/* No stream is begun any more; it closes when the last one ended. */
static void end_when_idle(struct upstream_conn *uc)
{
	if (uc->state == POOL_CONN_CONNECTING)
		return;
	if (uc->state != POOL_CONN_ENDING)
		move_to_others(uc, POOL_CONN_ENDING);
	if (http_client_conn_active(uc->client) == 0)
		end_conn(uc);
}

static bool has_had_its_day(const struct upstream_conn *uc)
{
	const struct upstream *u = uc->upstream;
	uint32_t requests_max = settings_of(u)->requests_per_connection_max;

	return uc->state == POOL_CONN_ENDING || u->retired || uc->generation != u->generation ||
	       (requests_max && uc->requests >= requests_max);
}

static void idle_timer_arm(struct upstream *u)
{
	struct duration idle = settings_of(u)->idle_timeout;
	struct upstream_conn *oldest = list_last(&u->ready, struct upstream_conn, in_pool);

	if (!oldest || idle.ns <= 0 || timer_is_running(&u->idle))
		return;
	timer_start(loop_of(u), &u->idle,
		    instant_since(instant_after(oldest->since, idle), loop_now(loop_of(u))));
}

static void idle_due(struct timer *t)
{
	struct upstream *u = container_of(t, struct upstream, idle);
	struct duration idle = settings_of(u)->idle_timeout;
	struct instant now = loop_now(loop_of(u));

	upstream_ref(u);
	list_for_each_safe (node, &u->ready) {
		struct upstream_conn *uc = container_of(node, struct upstream_conn, in_pool);

		if (http_client_conn_active(uc->client) > 0) {
			uc->since = now;
			continue;
		}
		if (instant_after(uc->since, idle).ns > now.ns)
			continue;
		stat_inc(u->cluster->cells, CLUSTER_CX_IDLE_TIMEOUT);
		end_conn(uc);
	}
	idle_timer_arm(u);
	upstream_unref(u);
}

/*
 * Waiters
 */

static void waiter_remove(struct pool_request *r)
{
	struct upstream *u = r->upstream;

	list_remove(&r->in_waiters);
	u->waiter_count--;
	breaker_give(u->state->breakers, r->priority, BREAKER_PENDING);
	stat_dec(u->cluster->cells, CLUSTER_RQ_PENDING_ACTIVE);
	r->upstream = NULL;
}

static void fail_first_waiter(struct upstream *u, enum reason reason, struct str detail)
{
	struct pool_request *r = list_first(&u->waiters, struct pool_request, in_waiters);

	waiter_remove(r);
	r->on_failed(r, reason, detail);
	upstream_unref(u);
}

/* How many waiters the connections in the making, or asked for, can serve. */
static uint64_t capacity_coming(const struct upstream *u)
{
	uint64_t coming = u->connecting + u->arriving + pool_is_asking(u);

	return coming * (u->multiplexes ? POOL_STREAMS_EXPECTED : 1);
}

static void serve_waiters(struct upstream *u)
{
	struct pool_request *r;

	while ((r = list_first(&u->waiters, struct pool_request, in_waiters)) != NULL) {
		struct upstream_conn *uc = ready_find(u, r);

		if (!uc)
			return;
		waiter_remove(r);
		r->on_ready(r, uc);
		upstream_unref(u);
	}
}

/*
 * Opening connections
 */

static void connect_for_waiters(struct upstream *u);

static void conn_settled(struct upstream_conn *uc)
{
	struct upstream *u = uc->upstream;

	if (unlikely(has_had_its_day(uc))) {
		uint32_t requests_max = settings_of(u)->requests_per_connection_max;

		if (requests_max && uc->requests >= requests_max && uc->state != POOL_CONN_ENDING)
			stat_inc(u->cluster->cells, CLUSTER_CX_MAX_REQUESTS);
		end_when_idle(uc);
		return;
	}
	uc->since = loop_now(loop_of(u));
	move_to_ready(uc);
	if (unlikely(!list_is_empty(&u->waiters)))
		serve_waiters(u);
	if (unlikely(u->ready_count > u->idle_room) && !pool_room_take(u))
		end_when_idle(list_last(&u->ready, struct upstream_conn, in_pool));
	if (unlikely(!timer_is_running(&u->idle)))
		idle_timer_arm(u);
}

static void lifetime_due(struct timer *t)
{
	end_when_idle(container_of(t, struct upstream_conn, lifetime));
}

/* The identities at both ends were checked when the connection was made; it ends before the
 * peer's does. */
static void lifetime_arm(struct upstream_conn *uc)
{
	const struct conn *c = uc->conn;
	struct loop *l = loop_of(uc->upstream);
	int64_t left;

	if (!c->tls || !c->tls->peer)
		return;
	left = c->tls->peer->not_after.ns - loop_wall_now(l).ns;
	left -= left / LIFETIME_MARGIN_PARTS;
	timer_start(l, &uc->lifetime, DURATION_NS(max_of(left, (int64_t)0)));
}

static void on_ready(struct http_client_conn *hc)
{
	struct upstream_conn *uc = http_client_conn_user(hc);
	struct upstream *u = uc->upstream;
	struct worker_cluster *wc = u->cluster;

	timer_stop(&uc->connect_timer);
	u->connecting--;
	uc->state = POOL_CONN_BUSY;
	uc->http2 = http_client_conn_codec(hc) == HTTP_CODEC_HTTP2;
	u->multiplexes = uc->http2;
	stat_inc(wc->cells, uc->http2 ? CLUSTER_CX_HTTP2_TOTAL : CLUSTER_CX_HTTP1_TOTAL);
	histogram_record(&wc->times[CLUSTER_CX_CONNECT_TIME],
			 instant_since(loop_now(loop_of(u)), uc->since));
	upstream_count_tls(wc, uc->conn, true);
	lifetime_arm(uc);

	upstream_ref(u);
	conn_settled(uc);
	connect_for_waiters(u);
	debug_check(u->conn_count + u->waiter_count, pool_check(u));
	upstream_unref(u);
}

static void on_available(struct http_client_conn *hc)
{
	conn_settled(http_client_conn_user(hc));
}

static void on_draining(struct http_client_conn *hc)
{
	end_when_idle(http_client_conn_user(hc));
}

/* That an endpoint is not who it should be, and the like, is worth a line each time. */
static void log_refused(struct upstream *u, enum reason reason, struct str detail)
{
	if (reason != REASON_TLS || !worker_may_log(u->cluster->worker))
		return;
	log_warn("endpoint.refused", "reason=%s detail=%s endpoint=%s cluster=%s",
		 reason_row(reason)->word, log_quote(detail), address_text(&u->host->address),
		 log_quote(u->state->cluster->part.name));
}

/* Nothing was sent on it: the requests that it was opened for go elsewhere. */
static void connect_failed(struct upstream_conn *uc, int error)
{
	struct upstream *u = uc->upstream;
	const struct conn *c = uc->conn;
	enum reason reason =
		uc->timed_out ? REASON_CONNECT_TIMEOUT : upstream_connect_reason(c, error);
	struct str detail = str_from(err_text(error));

	if (c->tls && c->tls->failure != TLS_FAILURE_NONE)
		detail = str_from(c->tls->failure_text);
	u->connecting--;
	stat_inc(u->cluster->cells,
		 uc->timed_out ? CLUSTER_CX_CONNECT_TIMEOUT : CLUSTER_CX_CONNECT_FAIL);
	upstream_count_tls(u->cluster, c, false);
	log_refused(u, reason, detail);
	while (u->waiter_count > capacity_coming(u) && u->waiter_count > 0)
		fail_first_waiter(u, reason, detail);
}

static void count_end(struct upstream_conn *uc, int error)
{
	struct worker_cluster *wc = cluster_of_conn(uc);

	stat_dec(wc->cells, CLUSTER_CX_ACTIVE);
	stat_inc(wc->cells, CLUSTER_CX_DESTROY);
	stat_inc(wc->cells, uc->local_close ? CLUSTER_CX_DESTROY_LOCAL : CLUSTER_CX_DESTROY_REMOTE);
	if (error == ERR_PROTO)
		stat_inc(wc->cells, CLUSTER_CX_PROTOCOL_ERROR);
}

/* Its share of the limits is free for another one. */
static void give_back(struct upstream *u)
{
	breaker_give(u->state->breakers, 0, BREAKER_CONNECTIONS);
	atomic_fetch_sub_explicit(&u->host->load->connections, 1, memory_order_relaxed);
}

static void count_bytes(const struct upstream_conn *uc)
{
	struct counter *cells = cluster_of_conn(uc)->cells;

	stat_add(cells, CLUSTER_CX_RX_BYTES, uc->conn->bytes_received);
	stat_add(cells, CLUSTER_CX_TX_BYTES, uc->conn->bytes_sent);
}

static void conn_reap(struct deferred *d)
{
	mem_free(container_of(d, struct upstream_conn, reap));
}

static void on_closed(struct http_client_conn *hc, int error)
{
	struct upstream_conn *uc = http_client_conn_user(hc);
	struct upstream *u = uc->upstream;

	timer_stop(&uc->connect_timer);
	timer_stop(&uc->lifetime);
	count_bytes(uc);
	if (uc->state != POOL_CONN_CONNECTING)
		move_to_others(uc, POOL_CONN_ENDING);
	list_remove(&uc->in_pool);
	u->conn_count--;
	pool_room_trim(u);
	count_end(uc, error);
	give_back(u);
	if (uc->state == POOL_CONN_CONNECTING)
		connect_failed(uc, error);
	uc->client = NULL;
	uc->conn = NULL;
	connect_for_waiters(u);
	loop_reap(loop_of(u), &uc->reap, conn_reap);
	debug_check(u->conn_count + u->waiter_count, pool_check(u));
	upstream_unref(u);
}

static const struct http_client_handler client_handler = {
	.on_ready = on_ready,
	.on_available = on_available,
	.on_draining = on_draining,
	.on_closed = on_closed,
};

static void connect_due(struct timer *t)
{
	struct upstream_conn *uc = container_of(t, struct upstream_conn, connect_timer);

	uc->timed_out = true;
	end_conn(uc);
}

// clang-format off
static const enum http_codec codecs[] = {
	[UPSTREAM_HTTP1]         = HTTP_CODEC_HTTP1,
	[UPSTREAM_HTTP2]         = HTTP_CODEC_HTTP2,
	[UPSTREAM_AUTO]          = HTTP_CODEC_AUTO,
	[UPSTREAM_AS_DOWNSTREAM] = HTTP_CODEC_AUTO,
};
// clang-format on

static void open_conn(struct upstream *u, enum http_codec codec)
{
	const struct cluster *settings = settings_of(u);
	struct http_client_options options = {
		.codec = codec == HTTP_CODEC_AUTO ? codecs[settings->protocol] : codec,
		.headers_count_max = settings->headers_count_max,
		.stream_window_bytes = settings->http2.stream_window_bytes,
		.connection_window_bytes = settings->http2.connection_window_bytes,
		.trailers_enabled = settings->trailers_enabled,
	};
	struct upstream_conn *uc = mem_new(struct upstream_conn);

	uc->upstream = u;
	uc->conn = upstream_dial(u);
	assert(uc->conn);
	uc->generation = u->generation;
	uc->since = uc->dialled = loop_now(loop_of(u));
	list_init(&uc->in_pool);
	list_push_back(&u->others, &uc->in_pool);
	u->conn_count++;
	u->connecting++;
	upstream_ref(u);
	atomic_fetch_add_explicit(&u->host->load->connections, 1, memory_order_relaxed);
	stat_inc(u->cluster->cells, CLUSTER_CX_TOTAL);
	stat_inc(u->cluster->cells, CLUSTER_CX_ACTIVE);
	timer_init(&uc->connect_timer, connect_due);
	timer_init(&uc->lifetime, lifetime_due);
	timer_start(loop_of(u), &uc->connect_timer, settings->connect_timeout);
	uc->client = http_client_conn_open_take(uc->conn, &options, &client_handler, uc);
}

/* Always one connection, however many the others have, unless one may come from them: what waits
 * must be able to go on. */
static bool may_open(struct upstream *u, bool again)
{
	struct breakers *b = u->state->breakers;

	if (breaker_take(b, &settings_of(u)->breakers[0], 0, BREAKER_CONNECTIONS))
		return true;
	if (!again)
		stat_inc(u->cluster->cells, CLUSTER_CX_OVERFLOW);
	if (u->conn_count > 0 || pool_is_asking(u))
		return false;
	breaker_take_anyway(b, 0, BREAKER_CONNECTIONS);
	return true;
}

/* again: nothing happened but that time passed or an ask was answered. */
static void open_for_waiters(struct upstream *u, bool again)
{
	while (!u->retired && u->waiter_count > capacity_coming(u)) {
		struct pool_request *r = list_first(&u->waiters, struct pool_request, in_waiters);

		if (!u->state->tls.context && u->state->cluster->tls) {
			fail_first_waiter(u, REASON_NO_SECRETS, STR_EMPTY);
			continue;
		}
		if (pool_ask(u, r))
			continue;
		if (!may_open(u, again)) {
			pool_ask_later(u);
			return;
		}
		open_conn(u, r->codec);
	}
}

static void connect_for_waiters(struct upstream *u)
{
	open_for_waiters(u, false);
}

void pool_look_again(struct upstream *u)
{
	open_for_waiters(u, true);
}

/*
 * From worker to worker; see pool_share.h
 */

void pool_conn_leave(struct upstream_conn *uc)
{
	struct upstream *u = uc->upstream;

	assert(uc->state == POOL_CONN_READY);
	timer_stop(&uc->lifetime);
	move_to_others(uc, POOL_CONN_BUSY);
	list_remove(&uc->in_pool);
	u->conn_count--;
	pool_room_trim(u);
	uc->upstream = NULL;
	upstream_unref(u);
}

/* It cannot enter our loop: it ends where it is. */
static void conn_lost(struct upstream_conn *uc)
{
	struct upstream *u = uc->upstream;

	uc->local_close = true;
	count_bytes(uc);
	count_end(uc, 0);
	give_back(u);
	http_client_conn_discard(uc->client);
	mem_free(uc);
}

/* Nobody waited for it any more: it is not younger for having come. */
static void conn_keeps_its_age(struct upstream_conn *uc, struct instant since)
{
	struct upstream *u = uc->upstream;

	uc->since = since;
	list_remove(&uc->in_pool);
	list_push_back(&u->ready, &uc->in_pool);
	timer_stop(&u->idle);
	idle_timer_arm(u);
}

static void arrived(struct deferred *d)
{
	struct upstream_conn *uc = container_of(d, struct upstream_conn, reap);
	struct upstream *u = uc->upstream;
	struct instant since = uc->since;

	if (uc->state != POOL_CONN_ARRIVING || !http_client_conn_available(uc->client))
		return;
	stat_inc(u->cluster->cells, CLUSTER_CX_HANDED_OVER);
	u->multiplexes = uc->http2;
	lifetime_arm(uc);
	upstream_ref(u);
	move_to_others(uc, POOL_CONN_BUSY);
	conn_settled(uc);
	if (uc->state == POOL_CONN_READY && http_client_conn_active(uc->client) == 0)
		conn_keeps_its_age(uc, since);
	pool_look_again(u);
	upstream_unref(u);
}

/*
 * What the peer said on the way is read first, in the next turn: an end, or an answer to a
 * question that nobody asked, which must not be taken for that to the next request.
 */
void pool_conn_enter(struct upstream *u, struct upstream_conn *uc, bool fits)
{
	struct worker *w = u->cluster->worker;

	uc->upstream = u;
	if (http_client_conn_attach(uc->client, w->loop, &w->chunks, uc) < 0) {
		conn_lost(uc);
		return;
	}
	upstream_ref(u);
	uc->generation = u->generation;
	u->conn_count++;
	list_push_back(&u->others, &uc->in_pool);
	if (!fits) {
		end_conn(uc);
		return;
	}
	uc->state = POOL_CONN_ARRIVING;
	u->arriving++;
	defer_to_next_turn(w->loop, &uc->reap, arrived);
}

/*
 * Public
 */

void pool_open(struct upstream *u)
{
	list_init(&u->ready);
	list_init(&u->others);
	list_init(&u->waiters);
	timer_init(&u->idle, idle_due);
	pool_share_init(u);
	/* Until the first connection tells, one in the making is enough where it may be HTTP/2. */
	u->multiplexes = settings_of(u)->protocol != UPSTREAM_HTTP1;
}

enum pool_result pool_get(struct upstream *u, struct pool_request *r,
			  struct upstream_conn **ret_conn)
{
	struct upstream_conn *uc = ready_find(u, r);

	if (likely(uc)) {
		*ret_conn = uc;
		return POOL_READY;
	}
	if (!u->state->tls.context && u->state->cluster->tls)
		return POOL_NO_TLS;
	if (!breaker_take(u->state->breakers, &settings_of(u)->breakers[r->priority], r->priority,
			  BREAKER_PENDING))
		return POOL_FULL;
	stat_inc(u->cluster->cells, CLUSTER_RQ_PENDING_TOTAL);
	stat_inc(u->cluster->cells, CLUSTER_RQ_PENDING_ACTIVE);
	r->upstream = u;
	upstream_ref(u);
	list_init(&r->in_waiters);
	list_push_back(&u->waiters, &r->in_waiters);
	u->waiter_count++;
	connect_for_waiters(u);
	debug_check(u->conn_count + u->waiter_count, pool_check(u));
	return POOL_WAIT;
}

void pool_cancel(struct pool_request *r)
{
	struct upstream *u = r->upstream;

	if (!u)
		return;
	waiter_remove(r);
	upstream_unref(u);
}

struct stream *pool_begin(struct upstream_conn *uc, const struct stream_handler *handler,
			  void *user)
{
	struct stream *s = http_client_conn_begin(uc->client, handler, user);

	if (unlikely(!s))
		return NULL;
	uc->requests++;
	if (!http_client_conn_available(uc->client) && uc->state == POOL_CONN_READY)
		move_to_others(uc, POOL_CONN_BUSY);
	debug_check(uc->upstream->conn_count, pool_check(uc->upstream));
	return s;
}

static void end_list(struct list *conns, void (*end)(struct upstream_conn *uc))
{
	list_for_each_safe (node, conns)
		end(container_of(node, struct upstream_conn, in_pool));
}

static void end_if_connecting(struct upstream_conn *uc)
{
	if (uc->state == POOL_CONN_CONNECTING)
		end_conn(uc);
}

void pool_retire(struct upstream *u)
{
	upstream_ref(u);
	u->retired = true;
	timer_stop(&u->idle);
	pool_share_stop(u);
	while (!list_is_empty(&u->waiters))
		fail_first_waiter(u, REASON_CONNECT, STR("the endpoint was removed"));
	end_list(&u->others, end_if_connecting);
	end_list(&u->ready, end_when_idle);
	end_list(&u->others, end_when_idle);
	upstream_unref(u);
}

void pool_renew(struct upstream *u)
{
	u->generation++;
	end_list(&u->ready, end_when_idle);
}

void pool_close(struct upstream *u)
{
	upstream_ref(u);
	u->retired = true;
	timer_stop(&u->idle);
	pool_share_stop(u);
	end_list(&u->ready, end_conn);
	end_list(&u->others, end_conn);
	upstream_unref(u);
}

/*
 * Looking inside
 */

static const char *const conn_state_names[] = {
	[POOL_CONN_CONNECTING] = "connecting",
	[POOL_CONN_READY] = "ready",
	[POOL_CONN_BUSY] = "busy",
	[POOL_CONN_ENDING] = "ending",
	[POOL_CONN_ARRIVING] = "arriving",
};

/* Returns how many of the list are in the state. */
static uint32_t conns_check(const struct upstream *u, const struct list *conns, int state)
{
	uint32_t count = 0;

	list_check(conns);
	list_for_each (node, conns) {
		const struct upstream_conn *uc = container_of(node, struct upstream_conn, in_pool);

		assert(uc->upstream == u);
		assert((uc->state == POOL_CONN_READY) == (conns == &u->ready));
		count += (int)uc->state == state;
	}
	return count;
}

void pool_check(const struct upstream *u)
{
	assert(u->refs > 0);
	assert(conns_check(u, &u->ready, POOL_CONN_READY) == u->ready_count);
	assert(conns_check(u, &u->others, POOL_CONN_CONNECTING) == u->connecting);
	assert(conns_check(u, &u->others, POOL_CONN_ARRIVING) == u->arriving);
	assert(list_count(&u->ready) + list_count(&u->others) == u->conn_count);
	list_check(&u->waiters);
	list_for_each (node, &u->waiters)
		assert(container_of(node, struct pool_request, in_waiters)->upstream == u);
	assert(list_count(&u->waiters) == u->waiter_count);
	assert(!u->retired || u->waiter_count == 0);
}

static void conns_dump(const struct list *conns, struct dump *d)
{
	list_for_each (node, conns) {
		const struct upstream_conn *uc = container_of(node, struct upstream_conn, in_pool);

		if (dump_is_full(d))
			return;
		dump_line(d, "pooled");
		dump_word(d, "state", conn_state_names[uc->state]);
		dump_number(d, "requests", uc->requests);
		dump_number(d, "generation", uc->generation);
		dump_flag(d, "http2", uc->http2);
		dump_flag(d, "local_close", uc->local_close);
		dump_enter(d);
		if (uc->client)
			http_client_conn_dump(uc->client, d);
		dump_leave(d);
	}
}

void pool_dump(const struct upstream *u, struct dump *d)
{
	dump_line(d, "upstream");
	dump_str(d, "address", str_from(address_text(&u->host->address)));
	dump_number(d, "refs", u->refs);
	dump_number(d, "conns", u->conn_count);
	dump_number(d, "ready", u->ready_count);
	dump_number(d, "connecting", u->connecting);
	dump_number(d, "arriving", u->arriving);
	dump_number(d, "waiters", u->waiter_count);
	dump_number(d, "failures", u->failures);
	dump_flag(d, "retired", u->retired);
	dump_flag(d, "multiplexes", u->multiplexes);
	dump_flag(d, "asks", u->ask != NULL);
	dump_enter(d);
	conns_dump(&u->ready, d);
	conns_dump(&u->others, d);
	dump_leave(d);
}
