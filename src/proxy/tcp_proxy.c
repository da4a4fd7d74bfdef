#include "proxy/tcp_proxy.h"

#include <assert.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/state.h"
#include "net/tls.h"
#include "proxy/access_logger.h"
#include "proxy/retry.h"

/* So long a side may take to close after the last byte. */
#define LINGER DURATION_SECONDS(10)

/*
 *	CONNECTING ── an endpoint took the connection ──▶ OPEN ──▶ CLOSED
 *	     └────────── none did, or the client left ──────────────▶ ▲
 */
static const struct state_row tcp_states[] = {
	[TCP_CONNECTING] = { "connecting", STATE_TO(TCP_OPEN) | STATE_TO(TCP_CLOSED) },
	[TCP_OPEN] = { "open", STATE_TO(TCP_CLOSED) },
	[TCP_CLOSED] = { "closed", 0 },
};

static void connect_next(struct tcp_session *t);

static struct loop *loop_of(const struct tcp_session *t)
{
	return t->client->worker->loop;
}

static void session_reap(struct deferred *d)
{
	mem_free(container_of(d, struct tcp_session, reap));
}

/*
 * The endpoint's side
 */

/* What the connection counted is given back; its endpoint stays known for the log. */
static void uncount(struct tcp_session *t)
{
	struct upstream *u = t->upstream;

	if (!t->counted)
		return;
	t->counted = false;
	stat_dec(u->cluster->cells, CLUSTER_CX_ACTIVE);
	stat_inc(u->cluster->cells, CLUSTER_CX_DESTROY);
	breaker_give(u->state->breakers, 0, BREAKER_CONNECTIONS);
	atomic_fetch_sub_explicit(&u->host->load->connections, 1, memory_order_relaxed);
	atomic_fetch_sub_explicit(&u->host->load->requests, 1, memory_order_relaxed);
}

static void count(struct tcp_session *t)
{
	struct upstream *u = t->upstream;

	t->counted = true;
	stat_inc(u->cluster->cells, CLUSTER_CX_TOTAL);
	stat_inc(u->cluster->cells, CLUSTER_CX_ACTIVE);
	atomic_fetch_add_explicit(&u->host->load->connections, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&u->host->load->requests, 1, memory_order_relaxed);
}

static void upstream_set(struct tcp_session *t, struct upstream *u)
{
	if (u)
		upstream_ref(u);
	if (t->upstream)
		upstream_unref(t->upstream);
	t->upstream = u;
}

static void count_bytes(struct tcp_session *t)
{
	struct counter *cells = t->upstream->cluster->cells;

	stat_add(cells, CLUSTER_CX_RX_BYTES, t->up->bytes_received);
	stat_add(cells, CLUSTER_CX_TX_BYTES, t->up->bytes_sent);
}

static void nobody_closed(struct conn *c)
{
	(void)c;
}

static const struct conn_handler nobody = { .on_closed = nobody_closed };

/* Lets the endpoint's connection go: what was sent to it still gets there, unless reset. */
static void drop_up(struct tcp_session *t, bool reset)
{
	struct conn *up = TAKE(t->up);

	if (!up)
		return;
	uncount(t);
	up->handler = &nobody;
	up->user = NULL;
	conn_resume(up);
	if (reset || up->state != CONN_OPEN)
		conn_reset(up);
	else
		conn_close_after_sent(up, LINGER);
}

/*
 * The end
 */

static void note(struct tcp_session *t, enum reason reason)
{
	if (t->reason != REASON_NONE)
		return;
	t->reason = reason;
	t->flags |= response_flag_bit(reason_row(reason)->flag);
}

static void finish(struct tcp_session *t)
{
	state_move(tcp_states, t->state, TCP_CLOSED);
	timer_stop(&t->timer);
	defer_cancel(&t->again);
	t->bytes_received = t->client->conn->bytes_received;
	t->bytes_sent = t->client->conn->bytes_sent;
	stat_add(t->cells, TCP_CX_RX_BYTES, t->bytes_received);
	stat_add(t->cells, TCP_CX_TX_BYTES, t->bytes_sent);
	stat_dec(t->cells, TCP_CX_ACTIVE);
	if (t->settings->access_log_count)
		access_logger_tcp(t);
}

/* The client's connection is gone, and with it the session. */
static void down_closed(struct conn *c)
{
	struct tcp_session *t = c->user;
	struct downstream *d = t->client;

	if (t->up)
		count_bytes(t);
	drop_up(t, c->error != 0 && c->error != ERR_CLOSED);
	finish(t);
	upstream_set(t, NULL);
	loop_reap(loop_of(t), &t->reap, session_reap);
	d->tcp = NULL;
	downstream_closed(d);
}

/* Nothing more will come for the client. */
static void end_client(struct tcp_session *t, bool reset)
{
	struct conn *down = t->client->conn;

	conn_resume(down);
	if (reset)
		conn_reset(down);
	else
		conn_close_after_sent(down, LINGER);
}

void tcp_session_close(struct tcp_session *t, enum reason reason)
{
	note(t, reason);
	conn_close(t->client->conn);
}

/*
 * Moving bytes
 */

static struct conn *other_side(struct tcp_session *t, const struct conn *c)
{
	return c == t->up ? t->client->conn : t->up;
}

static void relay_data(struct conn *c)
{
	struct tcp_session *t = c->user;
	struct conn *to = other_side(t, c);
	struct str input = conn_input(c);
	enum send_result sent;

	t->active_at = loop_now(loop_of(t));
	sent = conn_send_str(to, input);
	if (sent == SEND_QUEUED)
		conn_pause(c);
	conn_consume(c, input.len);
}

static void relay_sent(struct conn *c)
{
	struct tcp_session *t = c->user;
	struct conn *from = other_side(t, c);

	t->active_at = loop_now(loop_of(t));
	if (from)
		conn_resume(from);
}

static void relay_eof(struct conn *c)
{
	struct tcp_session *t = c->user;
	struct conn *to = other_side(t, c);

	conn_shut_write(to);
	if (!to->eof_received)
		return;
	/* Both directions have ended. */
	end_client(t, false);
}

static void up_closed(struct conn *c)
{
	struct tcp_session *t = c->user;
	bool reset = c->error != 0 && c->error != ERR_CLOSED;

	count_bytes(t);
	uncount(t);
	t->up = NULL;
	if (reset)
		note(t, REASON_AFTER_CLOSED);
	end_client(t, reset);
}

static const struct conn_handler down_handler = {
	.on_data = relay_data,
	.on_eof = relay_eof,
	.on_sent = relay_sent,
	.on_closed = down_closed,
};

static const struct conn_handler up_handler = {
	.on_data = relay_data,
	.on_eof = relay_eof,
	.on_sent = relay_sent,
	.on_closed = up_closed,
};

/*
 * Connecting
 */

static void fail(struct tcp_session *t, enum reason reason)
{
	note(t, reason);
	end_client(t, true);
}

static void again_run(struct deferred *d)
{
	connect_next(container_of(d, struct tcp_session, again));
}

static bool may_try_another(const struct tcp_session *t)
{
	struct worker_cluster *wc = worker_cluster_at(t->client->worker, t->target->cluster.slot);

	if (t->attempts < t->settings->connect_attempts_max)
		return true;
	return t->attempts <= RETRY_UNREACHED_MAX && wc &&
	       worker_cluster_has_untried(wc, &t->tried);
}

static void connect_failed(struct tcp_session *t, enum reason reason)
{
	struct counter *cells = t->upstream->cluster->cells;

	stat_inc(cells, reason == REASON_CONNECT_TIMEOUT ? CLUSTER_CX_CONNECT_TIMEOUT
							 : CLUSTER_CX_CONNECT_FAIL);
	upstream_failed(t->upstream);
	tried_hosts_add(&t->tried, t->upstream->host);
	if (may_try_another(t)) {
		defer(loop_of(t), &t->again, again_run);
		return;
	}
	stat_inc(cells, CLUSTER_CX_ATTEMPTS);
	fail(t, reason);
}

static void connecting_closed(struct conn *c)
{
	struct tcp_session *t = c->user;
	enum reason reason = upstream_connect_reason(c, c->error);

	upstream_count_tls(t->upstream->cluster, c, false);
	snprintf(t->transport_failure, sizeof(t->transport_failure), "%s",
		 c->tls && c->tls->failure ? c->tls->failure_text : err_text(c->error));
	t->up = NULL;
	uncount(t);
	timer_stop(&t->timer);
	connect_failed(t, reason);
}

static void idle_arm(struct tcp_session *t)
{
	struct duration idle = t->settings->idle_timeout;
	struct instant due = instant_after(t->active_at, idle);

	if (idle.ns > 0)
		timer_start(loop_of(t), &t->timer, instant_since(due, loop_now(loop_of(t))));
}

static void timer_due(struct timer *timer)
{
	struct tcp_session *t = container_of(timer, struct tcp_session, timer);
	struct instant idle_at = instant_after(t->active_at, t->settings->idle_timeout);

	if (t->state == TCP_CONNECTING) {
		drop_up(t, true);
		connect_failed(t, REASON_CONNECT_TIMEOUT);
	} else if (idle_at.ns > loop_now(loop_of(t)).ns) {
		idle_arm(t);
	} else {
		stat_inc(t->cells, TCP_IDLE_TIMEOUT);
		tcp_session_close(t, REASON_TCP_IDLE);
	}
}

static void connecting_opened(struct conn *c)
{
	struct tcp_session *t = c->user;
	struct worker_cluster *wc = t->upstream->cluster;
	struct conn *down = t->client->conn;

	timer_stop(&t->timer);
	state_move(tcp_states, t->state, TCP_OPEN);
	t->active_at = loop_now(loop_of(t));
	c->handler = &up_handler;
	upstream_count_tls(wc, c, true);
	upstream_worked(t->upstream);
	idle_arm(t);
	conn_resume(down);
	if (down->eof_received)
		conn_shut_write(c);
}

static const struct conn_handler connecting_handler = {
	.on_open = connecting_opened,
	.on_closed = connecting_closed,
};

/* An endpoint, with one of the breaker's connections; NULL: the session was ended. */
static struct upstream *endpoint_take(struct tcp_session *t)
{
	struct worker_cluster *wc = worker_cluster_at(t->client->worker, t->target->cluster.slot);
	struct upstream *u;

	if (!wc) {
		stat_inc(t->cells, TCP_CX_NO_ROUTE);
		fail(t, REASON_NO_CLUSTER);
		return NULL;
	}
	u = worker_cluster_pick(wc, &t->tried);
	if (!u && t->tried.count)
		u = worker_cluster_pick(wc, NULL);
	if (!u) {
		stat_inc(wc->cells, CLUSTER_CX_NONE_HEALTHY);
		fail(t, REASON_NO_HEALTHY);
		return NULL;
	}
	if (!breaker_take(u->state->breakers, &u->state->cluster->breakers[0], 0,
			  BREAKER_CONNECTIONS)) {
		stat_inc(wc->cells, CLUSTER_CX_OVERFLOW);
		fail(t, REASON_OVERFLOW);
		return NULL;
	}
	return u;
}

static void connect_next(struct tcp_session *t)
{
	struct upstream *u = endpoint_take(t);
	struct conn *up;

	if (!u)
		return;
	t->attempts++;
	upstream_set(t, u);
	up = upstream_dial(u);
	if (!up) {
		breaker_give(u->state->breakers, 0, BREAKER_CONNECTIONS);
		fail(t, REASON_NO_SECRETS);
		return;
	}
	count(t);
	t->up = up;
	up->handler = &connecting_handler;
	up->user = t;
	up->limits.input_bytes_max = u->state->cluster->buffer_limit_bytes;
	timer_start(loop_of(t), &t->timer, u->state->cluster->connect_timeout);
	/* In memory a connection may be open from the start. */
	if (up->state == CONN_OPEN)
		connecting_opened(up);
}

static const struct weighted_cluster *choose_target(const struct tcp_proxy *p,
						    struct random *random)
{
	uint64_t at;

	if (p->cluster_count == 1)
		return &p->clusters[0];
	at = random_below(random, p->weight_total);
	for (uint32_t i = 0; i + 1 < p->cluster_count; i++) {
		if (at < p->clusters[i].weight)
			return &p->clusters[i];
		at -= p->clusters[i].weight;
	}
	return &p->clusters[p->cluster_count - 1];
}

void tcp_session_open(struct downstream *d)
{
	struct worker *w = d->worker;
	struct tcp_session *t = mem_new(struct tcp_session);

	t->client = d;
	t->settings = d->chain->chain->tcp;
	t->cells = stat_scope_cells(d->chain->tcp_stats, w->index);
	t->target = choose_target(t->settings, &w->random);
	t->active_at = loop_now(w->loop);
	timer_init(&t->timer, timer_due);
	stat_inc(t->cells, TCP_CX_TOTAL);
	stat_inc(t->cells, TCP_CX_ACTIVE);
	d->tcp = t;
	d->conn->handler = &down_handler;
	d->conn->user = t;
	d->conn->limits.input_bytes_max = d->listener->listener->buffer_limit_bytes;
	conn_pause(d->conn);
	connect_next(t);
}

/*
 * Looking inside
 */

void tcp_session_check(const struct tcp_session *t)
{
	assert(t->client);
	assert(t->settings);
	assert(t->state != TCP_OPEN || t->upstream);
	assert(!t->up || t->up->user == t);
	assert(!t->counted || t->up);
	assert(t->tried.count <= TRIED_MAX);
}

void tcp_session_dump(const struct tcp_session *t, struct dump *d)
{
	dump_line(d, "tcp");
	dump_word(d, "state", tcp_states[t->state].name);
	dump_number(d, "attempts", t->attempts);
	if (t->upstream)
		dump_str(d, "endpoint", str_from(address_text(&t->upstream->host->address)));
	dump_enter(d);
	if (t->up)
		conn_dump(t->up, d);
	dump_leave(d);
}
