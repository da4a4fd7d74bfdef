#pragma once

/*
 * A listener as the workers see it
 *
 * The compiled listener, and for each of its filter chains what a connection needs ready: the
 * TLS context, the options of the HTTP connection, the filters, the counters, the slot of the
 * route table. Immutable; built anew by the main thread when the listener or one of its
 * secrets changes. Connections hold the state they were accepted under.
 */

#include "http/server.h"
#include "model/listener.h"
#include "proxy/filters.h"
#include "proxy/shared.h"
#include "proxy/slots.h"
#include "proxy/stats.h"
#include "proxy/tls_store.h"

struct http_state {
	const struct http_manager *manager;
	struct http_server_options options;
	struct filter_stack filters;
	struct stat_scope *stats;
	uint32_t routes_slot;          /* SLOT_NONE: manager->inline_routes */
	bool logs_response_headers;    /* an access log asks for them */
	bool logs_response_trailers;   /* the same */
	bool logs_upstream_connection; /* its local address, the peer's name */
};

struct chain_state {
	const struct filter_chain *chain;
	struct tls_slot tls;
	struct http_state *http;      /* or */
	struct stat_scope *tcp_stats; /* of chain->tcp */
};

struct listener_state {
	struct shared shared;
	struct listener *listener; /* a reference to its part */
	struct stat_scope *stats;
	struct chain_state *chains; /* of listener->chains, then the default chain if any */
	uint32_t chain_count;       /* with the default chain */
	uint32_t slot;
	/* private */
	struct slots *cluster_slots;
	struct slots *route_slots;
};

struct listener_state_input {
	struct shared_domain *domain;
	struct stats *stats;
	struct listener *listener;
	uint32_t slot;
	struct slots *cluster_slots; /* the references of the listener are numbered with these */
	struct slots *route_slots;
	const struct listener_state *before; /* of the same name; NULL: none */
	const struct tls_secrets *secrets;
};

/* Never NULL; one reference. What is wrong with secrets is in `d`; those chains refuse. */
struct listener_state *listener_state_new(const struct listener_state_input *in, struct diag *d);

static inline struct listener_state *listener_state_of(struct shared *s)
{
	return s ? container_of(s, struct listener_state, shared) : NULL;
}

/* The chain for a connection; NULL: none matches. */
const struct chain_state *listener_state_chain(const struct listener_state *l,
					       const struct chain_input *input);

/* A route table in a snapshot: the part, with its references numbered. */
struct route_state {
	struct shared shared;
	struct route_table *table; /* a reference to its part */
	struct slots *cluster_slots;
};

struct route_state *route_state_new(struct shared_domain *domain, struct route_table *table,
				    struct slots *cluster_slots);

static inline struct route_state *route_state_of(struct shared *s)
{
	return s ? container_of(s, struct route_state, shared) : NULL;
}
