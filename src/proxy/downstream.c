#include "proxy/downstream.h"

#include <assert.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/state.h"
#include "net/sni.h"
#include "net/socket_conn.h"
#include "net/tls.h"
#include "proxy/access_logger.h"
#include "proxy/http_manager.h"
#include "proxy/inspect.h"
#include "proxy/tcp_proxy.h"

#define TO(stage) STATE_TO(DOWNSTREAM_##stage)

/* Drawn in downstream.h. */
static const struct state_row downstream_stages[] = {
	[DOWNSTREAM_HELD] = { "held", TO(INSPECTING) | TO(HANDSHAKE) | TO(SERVING) | TO(CLOSED) },
	[DOWNSTREAM_INSPECTING] = { "inspecting", TO(HANDSHAKE) | TO(SERVING) | TO(CLOSED) },
	[DOWNSTREAM_HANDSHAKE] = { "handshake", TO(SERVING) | TO(CLOSED) },
	[DOWNSTREAM_SERVING] = { "serving", TO(CLOSED) },
	[DOWNSTREAM_CLOSED] = { "closed", 0 },
};

static void stage_move(struct downstream *d, enum downstream_stage to)
{
	state_move(downstream_stages, d->stage, to);
}

static void d_reap(struct deferred *deferred)
{
	struct downstream *d = container_of(deferred, struct downstream, reap);

	mem_free((char *)d->server_name.ptr);
	mem_free(d);
}

static void held_less(struct worker *w)
{
	w->held_count--;
	stat_dec(w->cells, SERVER_HELD);
}

void downstream_closed(struct downstream *d)
{
	struct worker *w = d->worker;

	if (d->stage == DOWNSTREAM_HELD && list_is_linked(&d->in_held))
		held_less(w);
	if (d->stage == DOWNSTREAM_INSPECTING || d->stage == DOWNSTREAM_HANDSHAKE)
		stat_dec(d->cells, LISTENER_PRE_CX_ACTIVE);
	stage_move(d, DOWNSTREAM_CLOSED);
	if (d->listener && d->listener->listener->access_log_count)
		access_logger_connection(d);
	d->conn = NULL;
	timer_stop(&d->timer);
	list_remove(&d->in_worker);
	list_remove(&d->in_held);
	if (d->listener) {
		stat_dec(d->cells, LISTENER_CX_ACTIVE);
		stat_inc(d->cells, LISTENER_CX_DESTROY);
		shared_release(&d->listener->shared, w->index);
	}
	loop_reap(w->loop, &d->reap, d_reap);
	worker_connections_add(w, -1);
	debug_check(w->downstream_count, worker_check(w));
}

static void log_refused(struct downstream *d, enum reason reason, const char *detail)
{
	const struct reason_row *row = reason_row(reason);

	d->reason = reason;
	if (!worker_may_log(d->worker))
		return;
	log_warn("connection.refused", "reason=%s detail=%s peer=%s listener=%s", row->word,
		 log_quote(str_from(detail)), address_text(&d->conn->peer),
		 log_quote(d->listener ? d->listener->listener->part.name : STR_EMPTY));
}

/* Ends a connection that nobody serves yet. */
static void refuse(struct downstream *d, enum reason reason, const char *detail)
{
	log_refused(d, reason, detail);
	conn_reset(d->conn);
}

/*
 * Serving
 */

static void serve(struct downstream *d)
{
	if (d->stage == DOWNSTREAM_INSPECTING || d->stage == DOWNSTREAM_HANDSHAKE)
		stat_dec(d->cells, LISTENER_PRE_CX_ACTIVE);
	stage_move(d, DOWNSTREAM_SERVING);
	timer_stop(&d->timer);
	if (d->chain->http)
		http_manager_open(d);
	else
		tcp_session_open(d);
}

/*
 * TLS
 */

// clang-format off
static const uint8_t tls_rows[TLS_FAILURE_COUNT] = {
	[TLS_FAILURE_NONE]           = LISTENER_TLS_CONNECTION_ERROR,
	[TLS_FAILURE_TIMEOUT]        = LISTENER_CX_TLS_TIMEOUT,
	[TLS_FAILURE_CONNECTION]     = LISTENER_TLS_CONNECTION_ERROR,
	[TLS_FAILURE_NO_CERTIFICATE] = LISTENER_TLS_FAIL_NO_CERT,
	[TLS_FAILURE_VERIFY]         = LISTENER_TLS_FAIL_ERROR,
	[TLS_FAILURE_SAN]            = LISTENER_TLS_FAIL_SAN,
	[TLS_FAILURE_TRUST_DOMAIN]   = LISTENER_TLS_FAIL_SAN,
	[TLS_FAILURE_NOT_SVID]       = LISTENER_TLS_FAIL_SAN,
	[TLS_FAILURE_ALERT]          = LISTENER_TLS_CONNECTION_ERROR,
	[TLS_FAILURE_PROTOCOL]       = LISTENER_TLS_CONNECTION_ERROR,
	[TLS_FAILURE_TRUNCATED]      = LISTENER_TLS_CONNECTION_ERROR,
};
// clang-format on

static struct downstream *downstream_of(struct conn *c)
{
	return c->user;
}

static void tls_opened(struct conn *c)
{
	struct downstream *d = downstream_of(c);

	stat_inc(d->cells, LISTENER_TLS_HANDSHAKE);
	if (!c->tls->mutual)
		stat_inc(d->cells, LISTENER_TLS_NO_CERTIFICATE);
	serve(d);
}

static void tls_failed(struct conn *c)
{
	struct downstream *d = downstream_of(c);
	enum tls_failure failure = c->tls->failure;

	stat_inc(d->cells, tls_rows[failure]);
	if (failure != TLS_FAILURE_NONE && failure != TLS_FAILURE_CONNECTION)
		log_refused(d, REASON_TLS_REFUSED, c->tls->failure_text);
	downstream_closed(d);
}

static const struct conn_handler tls_handler = {
	.on_open = tls_opened,
	.on_closed = tls_failed,
};

static void handshake(struct downstream *d)
{
	struct tls_conn_options o = {
		.context = d->chain->tls.context,
		.handshake_timeout = d->chain->chain->transport_timeout,
	};

	if (d->stage != DOWNSTREAM_INSPECTING)
		stat_inc(d->cells, LISTENER_PRE_CX_ACTIVE);
	stage_move(d, DOWNSTREAM_HANDSHAKE);
	timer_stop(&d->timer);
	d->conn = tls_conn_new_take(d->conn, &o, &tls_handler);
	d->conn->user = d;
}

/*
 * Choosing the chain
 */

static void chain_choose(struct downstream *d, const struct inspection *seen)
{
	struct chain_input input = {
		.local = &d->conn->local,
		.peer = &d->conn->peer,
	};

	if (seen) {
		input.tls = seen->tls;
		input.server_name = seen->tls ? seen->hello.sni : STR_EMPTY;
		input.application_protocols = seen->protocols;
		input.application_protocol_count = seen->protocol_count;
	}
	if (input.server_name.len)
		d->server_name = str_from(mem_strdup_str(input.server_name));
	d->chain = listener_state_chain(d->listener, &input);
	if (!d->chain) {
		stat_inc(d->cells, LISTENER_NO_CHAIN);
		refuse(d, REASON_NO_CHAIN, "no filter chain matches");
	} else if (d->chain->tls.context) {
		handshake(d);
	} else if (d->chain->tls.missing) {
		stat_inc(d->cells, LISTENER_NO_SECRETS);
		refuse(d, REASON_SECRETS_MISSING, "certificate or trust anchors are not there");
	} else {
		serve(d);
	}
}

static void inspect_input(struct conn *c)
{
	struct downstream *d = downstream_of(c);
	const struct listener *l = d->listener->listener;
	struct inspection seen;

	switch (inspect(conn_input(c), l->needs_tls_inspector, l->needs_http_inspector, &seen)) {
	case INSPECT_MORE:
		return;
	case INSPECT_BROKEN:
		stat_inc(d->cells, LISTENER_TLS_CONNECTION_ERROR);
		refuse(d, REASON_TLS_REFUSED, "no well-formed ClientHello");
		return;
	default:
		chain_choose(d, &seen);
	}
}

static void early_closed(struct conn *c)
{
	downstream_closed(downstream_of(c));
}

static const struct conn_handler inspect_handler = {
	.on_data = inspect_input,
	.on_closed = early_closed,
};

static void stage_due(struct timer *t)
{
	struct downstream *d = container_of(t, struct downstream, timer);

	if (d->stage == DOWNSTREAM_HELD) {
		stat_inc(d->worker->cells, SERVER_HOLD_TIMEOUT);
		refuse(d, REASON_NOT_CONFIGURED, "the listener did not come in time");
		return;
	}
	stat_inc(d->cells, LISTENER_PRE_CX_TIMEOUT);
	if (d->listener->listener->continue_on_inspect_timeout)
		chain_choose(d, NULL);
	else
		refuse(d, REASON_INSPECT_TIMEOUT, "nothing to inspect came in time");
}

static void begin(struct downstream *d, struct listener_state *l)
{
	struct worker *w = d->worker;

	/* What ended already is told at the end of the turn. */
	if (d->conn->state != CONN_OPEN)
		return;
	d->listener = l;
	shared_hold(&l->shared, w->index);
	d->cells = stat_scope_cells(l->stats, w->index);
	stat_inc(d->cells, LISTENER_CX_TOTAL);
	stat_inc(d->cells, LISTENER_CX_ACTIVE);
	d->conn->limits.input_bytes_max = l->listener->buffer_limit_bytes;
	if (!l->listener->needs_tls_inspector && !l->listener->needs_http_inspector) {
		chain_choose(d, NULL);
		return;
	}
	stage_move(d, DOWNSTREAM_INSPECTING);
	stat_inc(d->cells, LISTENER_PRE_CX_ACTIVE);
	timer_start(w->loop, &d->timer, l->listener->inspect_timeout);
}

/*
 * Holding
 */

static void hold(struct downstream *d)
{
	struct worker *w = d->worker;

	if (d->conn->state != CONN_OPEN)
		return;
	if (w->held_count >= w->group->options.held_max) {
		stat_inc(w->cells, SERVER_HOLD_OVERFLOW);
		refuse(d, REASON_NOT_CONFIGURED, "too many connections wait for the listener");
		return;
	}
	conn_pause(d->conn);
	list_push_back(&w->held, &d->in_held);
	w->held_count++;
	stat_inc(w->cells, SERVER_HELD);
	timer_start(w->loop, &d->timer, w->group->options.hold_timeout);
}

static void release_held(struct worker *w)
{
	list_for_each_safe (node, &w->held) {
		struct downstream *d = container_of(node, struct downstream, in_held);
		struct listener_state *l = worker_listener_at(w, d->listener_slot);

		if (!l)
			continue;
		list_remove(&d->in_held);
		held_less(w);
		timer_stop(&d->timer);
		conn_resume(d->conn);
		begin(d, l);
	}
}

void downstream_snapshot_changed(struct worker *w)
{
	release_held(w);
	list_for_each_safe (node, &w->downstreams) {
		struct downstream *d = container_of(node, struct downstream, in_worker);
		struct listener_state *l;

		if (!d->listener || d->stage != DOWNSTREAM_SERVING)
			continue;
		l = worker_listener_at(w, d->listener_slot);
		if (!l || l->listener != d->listener->listener)
			downstream_drain(d);
	}
}

void downstream_open_take(struct worker *w, uint32_t listener_slot, struct conn *c)
{
	struct downstream *d = mem_new(struct downstream);
	struct listener_state *l = worker_listener_at(w, listener_slot);

	d->worker = w;
	d->conn = c;
	d->listener_slot = listener_slot;
	d->id = (uint64_t)w->index << 48 | ++w->connection_id;
	d->since = loop_now(w->loop);
	d->wall_since = loop_wall_now(w->loop);
	timer_init(&d->timer, stage_due);
	list_init(&d->in_worker);
	list_init(&d->in_held);
	list_push_back(&w->downstreams, &d->in_worker);
	c->handler = &inspect_handler;
	c->user = d;
	worker_connections_add(w, 1);
	if (w->downstream_count > w->group->options.connections_max) {
		stat_inc(w->cells, SERVER_CX_OVERFLOW);
		refuse(d, REASON_CX_OVERFLOW, "too many connections");
	} else if (l) {
		begin(d, l);
	} else {
		hold(d);
	}
	debug_check(w->downstream_count, worker_check(w));
}

void downstream_accept(struct worker *w, uint32_t listener_slot, int fd, const struct address *peer)
{
	downstream_open_take(w, listener_slot,
			     socket_conn_new_take(w->loop, &w->chunks, fd, peer, &inspect_handler));
}

void downstream_drain(struct downstream *d)
{
	if (d->stage == DOWNSTREAM_HELD)
		conn_close(d->conn);
	else if (d->stage == DOWNSTREAM_SERVING && d->chain->http)
		http_manager_drain(d);
}

void downstream_close(struct downstream *d)
{
	if (d->stage == DOWNSTREAM_CLOSED)
		return;
	if (d->stage == DOWNSTREAM_SERVING && d->chain->http)
		http_server_conn_close(d->http.server);
	else if (d->stage == DOWNSTREAM_SERVING)
		tcp_session_close(d->tcp, REASON_LOCAL_CLOSED);
	else
		conn_close(d->conn);
}

struct str downstream_peer_name(const struct downstream *d)
{
	const struct tls_info *tls = d->conn ? d->conn->tls : NULL;
	struct str id;

	if (!tls || !tls->mutual || !tls->peer)
		return STR_EMPTY;
	id = certificate_spiffe_id(tls->peer);
	if (id.len == 0 && tls->peer->dns_san_count)
		id = tls->peer->dns_sans[0];
	return id;
}

enum metric_tls downstream_tls(const struct downstream *d)
{
	if (!d->conn || !d->conn->tls)
		return METRIC_PLAINTEXT;
	return d->conn->tls->mutual ? METRIC_MUTUAL_TLS : METRIC_TLS;
}

/*
 * Looking inside
 */

void downstream_check(const struct downstream *d)
{
	assert(d->stage < DOWNSTREAM_CLOSED);
	assert(d->conn);
	assert(!list_is_linked(&d->in_held) || d->stage == DOWNSTREAM_HELD);
	assert(!d->chain || d->listener);
	assert(d->stage != DOWNSTREAM_SERVING || d->chain);
	assert(!d->tcp || d->stage == DOWNSTREAM_SERVING);
	assert(!d->http.server || d->stage == DOWNSTREAM_SERVING);
	assert(!d->tcp || !d->http.server);
	if (d->tcp)
		tcp_session_check(d->tcp);
	else if (d->http.server)
		http_server_conn_check(d->http.server);
	else
		conn_check(d->conn);
}

void downstream_dump(const struct downstream *d, struct dump *out)
{
	dump_line(out, "downstream");
	dump_number(out, "id", d->id);
	dump_word(out, "stage", downstream_stages[d->stage].name);
	if (d->listener)
		dump_str(out, "listener", d->listener->listener->part.name);
	if (d->http.server) {
		dump_number(out, "requests", d->http.requests);
		dump_number(out, "active", d->http.active);
		dump_flag(out, "draining", d->http.draining);
	}
	dump_enter(out);
	if (d->http.server)
		http_server_conn_dump(d->http.server, out);
	else if (d->conn)
		conn_dump(d->conn, out);
	if (d->tcp)
		tcp_session_dump(d->tcp, out);
	dump_leave(out);
}
