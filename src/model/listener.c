#include "model/listener.h"

#include "base/map.h"
#include "model/compile.h"

#define BUFFER_LIMIT_ABSENT    (1 << 20)
#define INSPECT_TIMEOUT_ABSENT DURATION_SECONDS(15)
#define TRANSPORT_TIMEOUT      DURATION_SECONDS(15)

/* Names, ranges and ports in all matches of a listener: each is compared with each. */
#define MATCH_ENTRIES_MAX      16384

/* Listener filters */

static int tls_inspector(struct compile *c, const struct pb_message *m, void *object)
{
	struct listener *l = object;

	(void)c;
	(void)m;
	l->needs_tls_inspector = true;
	return 0;
}

static int http_inspector(struct compile *c, const struct pb_message *m, void *object)
{
	struct listener *l = object;

	(void)c;
	(void)m;
	l->needs_http_inspector = true;
	return 0;
}

static const struct extension listener_filters[] = {
	{ &pb_TlsInspector, "envoy.filters.listener.tls_inspector", tls_inspector },
	{ &pb_HttpInspector, "envoy.filters.listener.http_inspector", http_inspector },
};

static int listener_filters_read(struct compile *c, const struct pb_message *m, struct listener *l)
{
	for (uint32_t i = 0; i < pb_count(m, PB_Listener_listener_filters); i++) {
		const struct pb_message *filter = pb_sub_at(m, PB_Listener_listener_filters, i);
		const struct extension *row =
			compile_extension(listener_filters, array_count(listener_filters), filter,
					  PB_ListenerFilter_typed_config);
		struct pb_message *config;
		int r;

		if (!row)
			return compile_unsupported(c, filter, PB_ListenerFilter_name,
						   PB_ListenerFilter_typed_config,
						   "listener filter");
		r = compile_any(c, filter, PB_ListenerFilter_typed_config, &config);
		if (r < 0)
			return r;
		r = row->compile(c, config, l);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Network filters: each ends its chain. */

static int http_manager(struct compile *c, const struct pb_message *m, void *object)
{
	struct filter_chain *chain = object;

	return http_manager_compile(c, m, &chain->http);
}

static int tcp_proxy(struct compile *c, const struct pb_message *m, void *object)
{
	struct filter_chain *chain = object;

	return tcp_proxy_compile(c, m, &chain->tcp);
}

static const struct extension network_filters[] = {
	{ &pb_HttpConnectionManager, "envoy.filters.network.http_connection_manager",
	  http_manager },
	{ &pb_TcpProxy, "envoy.filters.network.tcp_proxy", tcp_proxy },
};

static const struct extension *network_filter(const struct pb_message *filter)
{
	return compile_extension(network_filters, array_count(network_filters), filter,
				 PB_Filter_typed_config);
}

static int network_filters_read(struct compile *c, const struct pb_message *m,
				struct filter_chain *chain)
{
	uint32_t count = pb_count(m, PB_FilterChain_filters);
	const struct pb_message *filter;
	struct pb_message *config;
	int r;

	for (uint32_t i = 0; i < count; i++) {
		filter = pb_sub_at(m, PB_FilterChain_filters, i);
		if (!network_filter(filter))
			return compile_unsupported(c, filter, PB_Filter_name,
						   PB_Filter_typed_config, "network filter");
	}
	if (count == 0)
		return pb_fail_field(c->d, m, PB_FilterChain_filters, ERR_CONFIG,
				     "a chain needs a network filter");
	filter = pb_sub_at(m, PB_FilterChain_filters, 0);
	if (count > 1)
		return pb_fail_field(c->d, m, PB_FilterChain_filters, ERR_CONFIG,
				     "\"%.*s\" takes the connection: no filter may stand behind it",
				     STR_ARGS(pb_text(filter, PB_Filter_name)));
	r = compile_any(c, filter, PB_Filter_typed_config, &config);
	if (r < 0)
		return r;
	return network_filter(filter)->compile(c, config, chain);
}

/* Chains */

static int chain_read(struct compile *c, const struct pb_message *m, struct filter_chain *chain)
{
	int r;

	chain->name = pb_text(m, PB_FilterChain_name);
	r = chain_match_compile(c, pb_sub(m, PB_FilterChain_filter_chain_match), chain);
	if (r < 0)
		return r;
	r = tls_downstream_compile(c, m, PB_FilterChain_transport_socket, &chain->tls);
	if (r < 0)
		return r;
	r = compile_duration(c, m, PB_FilterChain_transport_socket_connect_timeout,
			     TRANSPORT_TIMEOUT, &chain->transport_timeout);
	if (r < 0)
		return r;
	if (chain->transport_timeout.ns == 0)
		chain->transport_timeout = TRANSPORT_TIMEOUT; /* nobody may wait for ever */
	return network_filters_read(c, m, chain);
}

static uint32_t match_entries(const struct filter_chain *chain)
{
	return chain->match.server_name_count + chain->match.application_protocol_count +
	       chain->match.destination_range_count + chain->match.direct_source_range_count +
	       chain->match.source_range_count + chain->match.source_port_count;
}

/* Envoy puts a TLS inspector in where a match needs one. */
static bool needs_tls_inspector(const struct filter_chain *chain)
{
	if (chain->match.transport_protocol.len > 0)
		return str_eq(chain->match.transport_protocol, STR("tls"));
	return chain->match.server_name_count > 0 || chain->match.application_protocol_count > 0;
}

static int chains_check(struct compile *c, const struct pb_message *m, struct listener *l)
{
	uint32_t a, b, entries = 0;

	for (uint32_t i = 0; i < l->chain_count; i++) {
		entries += match_entries(&l->chains[i]);
		if (needs_tls_inspector(&l->chains[i]))
			l->needs_tls_inspector = true;
	}
	if (entries > MATCH_ENTRIES_MAX)
		return pb_fail_field(c->d, m, PB_Listener_filter_chains, ERR_LIMIT,
				     "the matches of the chains have more than %d entries",
				     MATCH_ENTRIES_MAX);
	if (chains_overlap(l->chains, l->chain_count, &a, &b))
		return compile_fail_at(c, m, PB_Listener_filter_chains, b,
				       "matches the same connections as filter_chains[%u]", a);
	return 0;
}

static int chains_read(struct compile *c, const struct pb_message *m, struct listener *l)
{
	int r;

	l->chain_count = pb_count(m, PB_Listener_filter_chains);
	if (l->chain_count > FILTER_CHAINS_MAX)
		return pb_fail_field(c->d, m, PB_Listener_filter_chains, ERR_LIMIT,
				     "has more than %d entries", FILTER_CHAINS_MAX);
	l->chains = pool_new_array(c->pool, struct filter_chain, l->chain_count);
	for (uint32_t i = 0; i < l->chain_count; i++) {
		r = chain_read(c, pb_sub_at(m, PB_Listener_filter_chains, i), &l->chains[i]);
		if (r < 0)
			return r;
	}
	if (pb_has(m, PB_Listener_default_filter_chain)) {
		l->default_chain = pool_new(c->pool, struct filter_chain);
		r = chain_read(c, pb_sub(m, PB_Listener_default_filter_chain), l->default_chain);
		if (r < 0)
			return r;
	}
	if (l->chain_count == 0 && !l->default_chain)
		return pb_fail_field(c->d, m, PB_Listener_filter_chains, ERR_CONFIG,
				     "a listener needs a filter chain");
	return chains_check(c, m, l);
}

/* References of all chains, the default one too */

static struct filter_chain *chain_at(struct listener *l, uint32_t i)
{
	return i < l->chain_count ? &l->chains[i] : l->default_chain;
}

static uint32_t chains_total(const struct listener *l)
{
	return l->chain_count + (l->default_chain ? 1 : 0);
}

/* With NULL it only counts. */
static uint32_t gather_clusters(struct listener *l, struct cluster_ref **items)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < chains_total(l); i++) {
		struct filter_chain *chain = chain_at(l, i);
		struct route_table *t = chain->http ? chain->http->inline_routes : NULL;

		for (uint32_t j = 0; t && j < t->cluster_count; j++, count++)
			if (items)
				items[count] = t->clusters[j];
		for (uint32_t j = 0; chain->tcp && j < chain->tcp->cluster_count; j++, count++)
			if (items)
				items[count] = &chain->tcp->clusters[j].cluster;
	}
	return count;
}

/* Each name once. */
static void gather_routes(struct compile *c, struct listener *l)
{
	struct map seen;

	map_init(&seen);
	l->route_names = pool_new_array(c->pool, struct str, chains_total(l));
	for (uint32_t i = 0; i < chains_total(l); i++) {
		struct filter_chain *chain = chain_at(l, i);

		if (!chain->http || chain->http->routes_name.len == 0)
			continue;
		if (!map_set(&seen, chain->http->routes_name, chain))
			l->route_names[l->route_name_count++] = chain->http->routes_name;
	}
	map_fini(&seen);
}

static void gather(struct compile *c, struct listener *l)
{
	l->cluster_count = gather_clusters(l, NULL);
	l->clusters = pool_new_array(c->pool, struct cluster_ref *, l->cluster_count);
	(void)gather_clusters(l, l->clusters);
	gather_routes(c, l);
}

static int head_read(struct compile *c, const struct pb_message *m, struct listener *l)
{
	static const enum traffic_direction directions[] = {
		[PB_TrafficDirection_UNSPECIFIED] = TRAFFIC_UNSPECIFIED,
		[PB_TrafficDirection_INBOUND] = TRAFFIC_INBOUND,
		[PB_TrafficDirection_OUTBOUND] = TRAFFIC_OUTBOUND,
	};
	const struct pb_message *metadata = pb_sub(m, PB_Listener_metadata);
	int r;

	r = compile_address(c, m, PB_Listener_address, &l->address);
	if (r < 0)
		return r;
	l->part.name = pb_text(m, PB_Listener_name);
	if (l->part.name.len == 0)
		l->part.name = pool_strdup(c->pool, str_from(address_text(&l->address)));
	l->stat_prefix = pb_text(m, PB_Listener_stat_prefix);
	if (l->stat_prefix.len == 0)
		l->stat_prefix = pool_strdup(c->pool, str_from(address_text(&l->address)));
	l->bind_to_port = pb_wrapped_bool(m, PB_Listener_bind_to_port, true);
	l->direction = directions[pb_number(m, PB_Listener_traffic_direction)];
	l->buffer_limit_bytes = (uint32_t)pb_wrapped(
		m, PB_Listener_per_connection_buffer_limit_bytes, BUFFER_LIMIT_ABSENT);
	l->continue_on_inspect_timeout =
		pb_bool(m, PB_Listener_continue_on_listener_filters_timeout);
	l->service = compile_fact(metadata, "service");
	l->service_namespace = compile_fact(metadata, "namespace");
	l->service_version = compile_fact(metadata, "version");
	return compile_duration(c, m, PB_Listener_listener_filters_timeout, INSPECT_TIMEOUT_ABSENT,
				&l->inspect_timeout);
}

int listener_compile(struct compile *c, const struct pb_message *m, struct part *p)
{
	struct listener *l = listener_of(p);
	struct access_log_list logs = { 0 };
	int r;

	r = head_read(c, m, l);
	if (r < 0)
		return r;
	r = listener_filters_read(c, m, l);
	if (r < 0)
		return r;
	r = chains_read(c, m, l);
	if (r < 0)
		return r;
	r = access_logs_compile(c, m, PB_Listener_access_log, &logs);
	if (r < 0)
		return r;
	l->access_logs = logs.items;
	l->access_log_count = logs.count;
	gather(c, l);
	return 0;
}
