#include "proxy/listener_state.h"

#include <assert.h>

#include "base/mem.h"

// clang-format off
static const enum http_codec codecs[] = {
	[HTTP_MANAGER_AUTO]  = HTTP_CODEC_AUTO,
	[HTTP_MANAGER_HTTP1] = HTTP_CODEC_HTTP1,
	[HTTP_MANAGER_HTTP2] = HTTP_CODEC_HTTP2,
};
// clang-format on

/* Numbers the references. A part may be in several states: it gets the same numbers again, and
 * nothing is written then, because workers may be reading. */
static void refs_number(struct cluster_ref **refs, uint32_t count, struct slots *slots)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t slot = slots_get(slots, refs[i]->name);

		if (refs[i]->slot != slot)
			refs[i]->slot = slot;
	}
}

static void refs_unref(struct cluster_ref **refs, uint32_t count, struct slots *slots)
{
	for (uint32_t i = 0; i < count; i++)
		slots_unref(slots, refs[i]->slot);
}

static bool logs_ask(const struct http_manager *m, enum log_operator operator)
{
	for (uint32_t i = 0; i < m->access_log_count; i++)
		for (uint32_t k = 0; k < m->access_logs[i]->token_count; k++) {
			const struct log_token *t = &m->access_logs[i]->tokens[k];

			if ((t->kind == LOG_TOKEN_OPERATOR || t->kind == LOG_TOKEN_VALUE) &&
			    t->operator== operator)
				return true;
		}
	return false;
}

static struct http_state *http_state_new(const struct http_manager *m, struct stats *stats,
					 struct slots *route_slots)
{
	struct http_state *h = mem_new(struct http_state);

	h->manager = m;
	h->options = (struct http_server_options){
		.codec = codecs[m->codec],
		.headers_count_max = m->headers_count_max,
		.headers_bytes_max = m->headers_bytes_max,
		.streams_max = m->http2.streams_max,
		.stream_window_bytes = m->http2.stream_window_bytes,
		.connection_window_bytes = m->http2.connection_window_bytes,
		.idle_timeout = m->idle_timeout,
		/* As in Envoy: a head that stands still is a request that stands still. */
		.headers_timeout = m->request_headers_timeout.ns > 0 ? m->request_headers_timeout
								     : m->stream_idle_timeout,
		.trailers_enabled = m->trailers_enabled,
		.drain_timeout = m->drain_timeout,
		.close_timeout = m->delayed_close_timeout.ns > 0 ? m->delayed_close_timeout
								 : DURATION_NS(-1),
		.http10_refused = !m->http10_accepted,
		.default_host = m->http10_host,
	};
	filter_stack_init(&h->filters, m->filters, m->filter_count);
	h->stats = stat_scope_get(stats, STAT_HTTP, m->stat_prefix);
	h->routes_slot = m->inline_routes ? SLOT_NONE : slots_get(route_slots, m->routes_name);
	h->logs_response_headers = logs_ask(m, LOG_RESP);
	h->logs_response_trailers = logs_ask(m, LOG_TRAILER);
	h->logs_upstream_connection =
		logs_ask(m, LOG_UPSTREAM_LOCAL_ADDRESS) || logs_ask(m, LOG_UPSTREAM_PEER_URI_SAN);
	return h;
}

static void http_state_free(struct http_state *h, struct slots *route_slots)
{
	if (!h)
		return;
	if (h->routes_slot != SLOT_NONE)
		slots_unref(route_slots, h->routes_slot);
	stat_scope_unref(h->stats);
	filter_stack_fini(&h->filters);
	mem_free(h);
}

static void listener_state_free(struct shared *s)
{
	struct listener_state *l = container_of(s, struct listener_state, shared);

	for (uint32_t i = 0; i < l->chain_count; i++) {
		tls_slot_clear(&l->chains[i].tls);
		http_state_free(l->chains[i].http, l->route_slots);
		stat_scope_unref(l->chains[i].tcp_stats);
	}
	mem_free(l->chains);
	stat_scope_unref(l->stats);
	refs_unref(l->listener->clusters, l->listener->cluster_count, l->cluster_slots);
	part_unref(&l->listener->part);
	shared_fini(&l->shared);
	mem_free(l);
}

/* The slot of the same chain in the state before, where that is of the same part. */
static const struct tls_slot *tls_before(const struct listener_state_input *in, uint32_t i)
{
	const struct listener_state *before = in->before;

	return before && before->listener == in->listener ? &before->chains[i].tls : NULL;
}

static void chain_fill(struct listener_state *l, uint32_t i, const struct filter_chain *chain,
		       const struct listener_state_input *in, struct diag *d)
{
	struct chain_state *c = &l->chains[i];
	int r;

	c->chain = chain;
	r = tls_slot_fill(&c->tls, chain->tls, tls_before(in, i), in->secrets, d);
	assert(r == 0 || c->tls.missing || c->tls.context);
	if (chain->http)
		c->http = http_state_new(chain->http, in->stats, in->route_slots);
	else if (chain->tcp)
		c->tcp_stats = stat_scope_get(in->stats, STAT_TCP, chain->tcp->stat_prefix);
}

/* Envoy's name of a listener's counters: the address with "_" for ":". */
static struct stat_scope *listener_scope(struct stats *stats, const struct listener *l)
{
	struct buf name = BUF_INIT(0);
	struct stat_scope *scope;

	if (l->stat_prefix.len)
		buf_append_str(&name, l->stat_prefix);
	else if (l->address.len)
		address_format(&l->address, &name);
	else
		buf_append_str(&name, l->part.name);
	for (size_t i = name.start; i < name.end; i++)
		if (name.memory[i] == ':')
			name.memory[i] = '_';
	scope = stat_scope_get(stats, STAT_LISTENER, buf_str(&name));
	buf_fini(&name);
	return scope;
}

struct listener_state *listener_state_new(const struct listener_state_input *in, struct diag *d)
{
	struct listener_state *l = mem_new(struct listener_state);
	struct listener *listener = in->listener;

	shared_init(&l->shared, in->domain, SHARED_COLD, listener_state_free);
	part_ref(&listener->part);
	l->listener = listener;
	l->slot = in->slot;
	l->cluster_slots = in->cluster_slots;
	l->route_slots = in->route_slots;
	l->stats = listener_scope(in->stats, listener);
	refs_number(listener->clusters, listener->cluster_count, in->cluster_slots);
	l->chain_count = listener->chain_count + (listener->default_chain != NULL);
	l->chains = mem_new_array(struct chain_state, l->chain_count);
	for (uint32_t i = 0; i < listener->chain_count; i++)
		chain_fill(l, i, &listener->chains[i], in, d);
	if (listener->default_chain)
		chain_fill(l, listener->chain_count, listener->default_chain, in, d);
	return l;
}

const struct chain_state *listener_state_chain(const struct listener_state *l,
					       const struct chain_input *input)
{
	const struct filter_chain *chain = listener_chain(l->listener, input);

	if (!chain)
		return NULL;
	if (chain == l->listener->default_chain)
		return &l->chains[l->listener->chain_count];
	return &l->chains[chain - l->listener->chains];
}

static void route_state_free(struct shared *s)
{
	struct route_state *r = container_of(s, struct route_state, shared);

	refs_unref(r->table->clusters, r->table->cluster_count, r->cluster_slots);
	part_unref(&r->table->part);
	shared_fini(&r->shared);
	mem_free(r);
}

struct route_state *route_state_new(struct shared_domain *domain, struct route_table *table,
				    struct slots *cluster_slots)
{
	struct route_state *r = mem_new(struct route_state);

	shared_init(&r->shared, domain, SHARED_COLD, route_state_free);
	part_ref(&table->part);
	r->table = table;
	r->cluster_slots = cluster_slots;
	refs_number(table->clusters, table->cluster_count, cluster_slots);
	return r;
}
