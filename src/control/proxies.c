#include "control/proxies.h"

#include <assert.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/pb_message.h"
#include "control/resource_names.h"
#include "message/spiffe.h"
#include "net/tls.h"
#include "proto/weft.pb.h"

#define GRACE_DEFAULT       DURATION_SECONDS(10)
#define REFUSALS_MAX        64
/* The guard against withdrawing many at once. */
#define GUARD_ENDPOINTS_MIN 3
#define GUARD_PERCENT       20
#define FEATURE_EDS_CACHE   "weft.eds_cache"

struct proxies {
	struct loop *loop;
	struct state *state;
	struct duration grace;
	struct map by_id; /* of struct proxy */
	struct xds_server server;
	struct state_watch watch;
};

static const char *const state_words[] = { [PROXY_UP] = "up", [PROXY_LOST] = "lost" };

static void refusal_free(struct proxy_refusal *r)
{
	list_remove(&r->in_proxy);
	mem_free(r->name);
	mem_free(r->version);
	mem_free(r->reason);
	mem_free(r);
}

static struct str node_id_of(struct pool *pool, const struct document *workload)
{
	return pool_printf(pool, "%.*s/%.*s", STR_ARGS(workload->name_space),
			   STR_ARGS(workload->name));
}

struct proxy *proxies_find(const struct proxies *n, struct str id)
{
	return map_get(&n->by_id, id);
}

void proxies_each(const struct proxies *n, void (*on_proxy)(void *user, struct proxy *proxy),
		  void *user)
{
	map_for_each (entry, &n->by_id)
		on_proxy(user, entry->value);
}

static const struct state_object *proxy_object(const struct proxy *proxy)
{
	return state_get(proxy->owner->state, KIND_WORKLOAD, proxy->name_space, proxy->workload);
}

static void proxy_set_state(struct proxy *proxy, enum proxy_state state)
{
	proxy->state = state;
	proxy->since = loop_wall_now(proxy->owner->loop);
	log_info("proxy.state", "node=%s state=%s", proxy->id, state_words[state]);
}

static void proxy_free(struct proxy *proxy)
{
	timer_stop(&proxy->grace);
	list_for_each_safe (item, &proxy->refusals)
		refusal_free(container_of(item, struct proxy_refusal, in_proxy));
	map_remove(&proxy->owner->by_id, str_from(proxy->id));
	mem_free(proxy->identity);
	mem_free(proxy->version);
	mem_free(proxy->id);
	mem_free(proxy);
}

/*
 * Withdrawal
 */

static bool selects_node(const struct state_object *service, const struct document *workload)
{
	const struct document *doc = service->document;

	return str_eq(doc->name_space, workload->name_space) &&
	       text_map_selects(&doc->service->selector, &workload->labels);
}

/* How many Workloads of a Service there are, and how many of them are lost. */
struct guard {
	const struct proxies *proxies;
	const struct document *workload;    /* about to be withdrawn */
	const struct state_object *service; /* being counted */
	uint32_t count;
	uint32_t lost;
	bool hold;
};

static void guard_count(void *user, const struct state_object *o)
{
	struct guard *g = user;
	struct pool pool = POOL_INIT(256);
	const struct proxy *proxy;

	if (!selects_node(g->service, o->document))
		return;
	proxy = proxies_find(g->proxies, node_id_of(&pool, o->document));
	g->count++;
	if (!proxy || proxy->state == PROXY_LOST)
		g->lost++;
	pool_fini(&pool);
}

static void guard_service(void *user, const struct state_object *o)
{
	struct guard *g = user;

	if (!selects_node(o, g->workload))
		return;
	g->service = o;
	g->count = g->lost = 0;
	state_each(g->proxies->state, KIND_WORKLOAD, guard_count, g);
	if (g->count >= GUARD_ENDPOINTS_MIN && g->lost * 100 > g->count * GUARD_PERCENT &&
	    g->lost > 1)
		g->hold = true;
}

static bool withdrawal_is_held(const struct proxies *n, const struct document *workload)
{
	struct guard g = { .proxies = n, .workload = workload };

	state_each(n->state, KIND_SERVICE, guard_service, &g);
	return g.hold;
}

static void withdraw(struct proxy *proxy)
{
	struct proxies *n = proxy->owner;
	const struct state_object *o = proxy_object(proxy);
	struct state_write write;
	struct state_change change = { .writes = &write, .write_count = 1 };
	struct state_result result = { 0 };
	struct diag d = DIAG_INIT;

	if (!o) {
		proxy_free(proxy);
		return;
	}
	if (withdrawal_is_held(n, o->document)) {
		log_warn("proxy.kept",
			 "node=%s reason=\"many endpoints of its service were lost "
			 "at once\"",
			 proxy->id);
		timer_start(n->loop, &proxy->grace, n->grace);
		return;
	}
	log_warn("proxy.withdrawn", "node=%s", proxy->id);
	write = (struct state_write){
		.kind = KIND_WORKLOAD,
		.name_space = proxy->name_space,
		.name = proxy->workload,
	};
	change.origin = STATE_REGISTERED;
	change.actor = STR("control");
	change.message = STR("proxy lost");
	/* The node goes with its Workload, in on_object(). */
	if (state_apply(n->state, &change, &result, &d) < 0)
		log_error("proxy.withdraw_failed", "node=%s reason=%s", proxy->id,
			  log_quote(str_from(d.text)));
	diag_fini(&d);
}

static void on_grace_over(struct timer *t)
{
	withdraw(container_of(t, struct proxy, grace));
}

static struct proxy *proxy_new(struct proxies *n, struct str id)
{
	struct proxy *proxy = mem_new(struct proxy);
	size_t slash = str_find(id, 0, '/');

	proxy->owner = n;
	proxy->id = mem_strdup_str(id);
	proxy->name_space = str_slice(str_of(proxy->id, id.len), 0, slash);
	proxy->workload = str_slice(str_of(proxy->id, id.len), slash + 1, id.len);
	proxy->state = PROXY_LOST;
	proxy->since = loop_wall_now(n->loop);
	list_init(&proxy->refusals);
	timer_init(&proxy->grace, on_grace_over);
	map_set(&n->by_id, id, proxy);
	return proxy;
}

/*
 * The source of the xDS server
 */

static struct proxies *proxies_of(struct xds_stream *s)
{
	return s->server->user;
}

/* The identity that the stream's certificate proves. */
static int stream_identity(struct xds_stream *s, struct spiffe_id *ret_id, struct diag *d)
{
	struct conn *conn = grpc_call_conn(s->call);
	const struct tls_info *tls = conn ? conn->tls : NULL;

	if (!tls || !tls->mutual || !tls->peer)
		return diag_fail(d, ERR_DENIED, "xDS needs mutual TLS with an SVID");
	if (spiffe_id_parse(certificate_spiffe_id(tls->peer), ret_id) < 0)
		return diag_fail(d, ERR_DENIED, "the certificate carries no SPIFFE ID");
	return 0;
}

static int identity_check(struct proxies *n, struct str id, const struct spiffe_id *identity,
			  struct diag *d)
{
	size_t slash = str_find(id, 0, '/');
	struct str name_space = str_slice(id, 0, slash);
	struct str name = str_slice(id, slash + 1, id.len);
	const struct state_object *o;

	if (!name_is_dns_label(name_space) || !name_is_dns_label(name))
		return diag_fail(d, ERR_DENIED, "node id \"%.*s\" is not NAMESPACE/WORKLOAD",
				 STR_ARGS(id));
	o = state_get(n->state, KIND_WORKLOAD, name_space, name);
	if (!o)
		return diag_fail(d, ERR_DENIED, "there is no Workload %.*s", STR_ARGS(id));
	if (!str_eq(identity->name_space, name_space) ||
	    !str_eq(identity->account, o->document->workload->account))
		return diag_fail(d, ERR_DENIED,
				 "Workload %.*s belongs to account %.*s, not to %.*s/%.*s",
				 STR_ARGS(id), STR_ARGS(o->document->workload->account),
				 STR_ARGS(identity->name_space), STR_ARGS(identity->account));
	return 0;
}

static void proxy_up(struct proxy *proxy, struct xds_stream *s, const struct pb_message *message)
{
	struct proxies *n = proxy->owner;

	if (proxy->stream) {
		/* The proxy was started anew, or came back before its old connection was missed. */
		proxy->stream->user = NULL;
		grpc_finish(proxy->stream->call, GRPC_ABORTED,
			    STR("another stream took this node over"));
	}
	timer_stop(&proxy->grace);
	proxy->stream = s;
	s->user = proxy;
	mem_free(proxy->version);
	proxy->version = mem_strdup_str(pb_text(message, PB_Node_user_agent_version));
	proxy_set_state(proxy, PROXY_UP);
	if (proxy_object(proxy))
		state_live_changed(n->state, proxy_object(proxy));
}

static bool has_feature(const struct pb_message *node, const char *feature)
{
	for (uint32_t i = 0; i < pb_count(node, PB_Node_client_features); i++)
		if (str_eq(pb_text_at(node, PB_Node_client_features, i), str_from(feature)))
			return true;
	return false;
}

static int on_node(struct delta_stream *delta, struct str bytes, struct diag *d)
{
	struct xds_stream *s = xds_stream_of(delta);
	struct proxies *n = proxies_of(s);
	struct pool pool = POOL_INIT(4096);
	struct pb_message *message = NULL;
	struct spiffe_id identity;
	struct proxy *proxy;
	struct str id;
	int r;

	r = pb_decode(&pb_Node, bytes, &pool, &message, NULL, d);
	if (r == 0)
		r = stream_identity(s, &identity, d);
	id = pb_text(message, PB_Node_id);
	if (r == 0)
		r = identity_check(n, id, &identity, d);
	if (r < 0) {
		log_warn("proxy.refused", "node=%s reason=%s", log_quote(id),
			 log_quote(str_from(d->text)));
		pool_fini(&pool);
		return ERR_DENIED;
	}
	delta->eds_cache = has_feature(message, FEATURE_EDS_CACHE);
	proxy = proxies_find(n, id);
	if (!proxy)
		proxy = proxy_new(n, id);
	proxy_up(proxy, s, message);
	pool_fini(&pool);
	return 0;
}

static bool on_lookup(struct delta_stream *delta, enum xds_type type, struct str name,
		      struct delta_content *ret_content)
{
	struct xds_stream *s = xds_stream_of(delta);
	struct proxy *proxy = s->user;

	if (!proxy)
		return false;
	return graph_lookup(state_graph(proxies_of(s)->state), type, name, proxy->name_space,
			    ret_content);
}

static void refusal_forget(struct proxy *proxy, enum xds_type type, struct str name)
{
	list_for_each_safe (item, &proxy->refusals) {
		struct proxy_refusal *r = container_of(item, struct proxy_refusal, in_proxy);

		if (r->type == type && str_eq(str_from(r->name), name))
			refusal_free(r);
	}
}

static void refusal_add(struct proxy *proxy, enum xds_type type, struct str name,
			struct str version, struct str reason)
{
	struct proxy_refusal *r = mem_new(struct proxy_refusal);
	size_t count = 0;

	r->type = type;
	r->name = mem_strdup_str(name);
	r->version = mem_strdup_str(version);
	r->reason = mem_strdup_str(str_slice(reason, 0, 1024));
	list_push_back(&proxy->refusals, &r->in_proxy);
	list_for_each (item, &proxy->refusals)
		count++;
	if (count > REFUSALS_MAX)
		refusal_free(list_first(&proxy->refusals, struct proxy_refusal, in_proxy));
}

static void on_answer(struct delta_stream *delta, enum xds_type type, struct str name,
		      struct str version, bool accepted, struct str reason)
{
	struct proxy *proxy = xds_stream_of(delta)->user;

	if (!proxy)
		return;
	refusal_forget(proxy, type, name);
	if (accepted)
		return;
	log_warn("proxy.nack", "node=%s type=%s name=%s reason=%s", proxy->id,
		 xds_types[type].short_name, log_quote(name), log_quote(reason));
	refusal_add(proxy, type, name, version, reason);
}

static uint64_t revision(struct delta_stream *delta)
{
	return state_revision(proxies_of(xds_stream_of(delta))->state);
}

static void on_closed(struct xds_stream *s)
{
	struct proxy *proxy = s->user;

	if (!proxy)
		return;
	proxy->stream = NULL;
	proxy_set_state(proxy, PROXY_LOST);
	timer_start(proxy->owner->loop, &proxy->grace, proxy->owner->grace);
}

/* Without on_list: a proxy knows only what it uses, and says what that is. */
static const struct xds_server_callbacks server_callbacks = {
	.source = {
		.on_node = on_node,
		.on_lookup = on_lookup,
		.on_answer = on_answer,
		.revision = revision,
	},
	.on_closed = on_closed,
};

/*
 * The state
 */

static void on_object(struct state_watch *w, const struct state_object *before,
		      const struct state_object *after)
{
	struct proxies *n = container_of(w, struct proxies, watch);
	const struct state_object *o = after ? after : before;
	struct pool pool = POOL_INIT(256);
	struct proxy *proxy;
	struct str id;

	if (o->document->kind->id != KIND_WORKLOAD)
		return;
	id = node_id_of(&pool, o->document);
	proxy = proxies_find(n, id);
	if (after && !proxy) {
		proxy = proxy_new(n, id);
		timer_start(n->loop, &proxy->grace, n->grace);
	}
	if (!after && proxy) {
		struct xds_stream *s = proxy->stream;

		proxy_free(proxy);
		if (s) {
			s->user = NULL;
			grpc_finish(s->call, GRPC_OK, STR("the Workload was deleted"));
		}
	}
	pool_fini(&pool);
}

static void on_resource(struct state_watch *w, enum xds_type type, struct str name)
{
	xds_server_changed(&container_of(w, struct proxies, watch)->server, type, name);
}

static void on_existing(void *user, const struct state_object *o)
{
	struct proxies *n = user;

	on_object(&n->watch, NULL, o);
}

struct proxies *proxies_new(const struct proxies_options *options)
{
	struct proxies *n = mem_new(struct proxies);

	n->loop = options->loop;
	n->grace = options->grace.ns ? options->grace : GRACE_DEFAULT;
	map_init(&n->by_id);
	xds_server_init(&n->server, n->loop, &server_callbacks, n);
	return n;
}

struct proxies *proxies_free(struct proxies *n)
{
	if (!n)
		return NULL;
	xds_server_fini(&n->server);
	if (n->state)
		state_watch_remove(&n->watch);
	map_for_each (entry, &n->by_id)
		proxy_free(entry->value);
	map_fini(&n->by_id);
	mem_free(n);
	return NULL;
}

/* Before the state is there (its first compilation), every Workload has its grace. */
bool proxies_is_live(void *user, const struct document *workload)
{
	const struct proxies *n = user;
	struct pool pool = POOL_INIT(256);
	const struct proxy *proxy = proxies_find(n, node_id_of(&pool, workload));

	pool_fini(&pool);
	if (workload->workload->readiness != WORKLOAD_READY)
		return false;
	return !n->state || proxy;
}

void proxies_start(struct proxies *n, struct state *state)
{
	assert(!n->state);
	n->state = state;
	n->watch = (struct state_watch){ .on_object = on_object, .on_resource = on_resource };
	state_watch_add(state, &n->watch);
	state_each(state, KIND_WORKLOAD, on_existing, n);
}

void proxies_accept(struct proxies *n, struct grpc_call *call)
{
	xds_server_accept(&n->server, call);
}

void proxies_close(struct proxies *n)
{
	xds_server_close(&n->server);
}

void proxy_report(struct proxy *proxy, uint64_t revision_served, uint64_t unchanged)
{
	proxy->reports++;
	proxy->revision_served = revision_served;
	proxy->unchanged = unchanged;
}

bool proxy_is_programmed(const struct proxy *proxy)
{
	return proxy->stream && delta_stream_is_settled(&proxy->stream->delta) &&
	       proxy->revision_served >= proxy->stream->delta.revision_sent;
}

/*
 * What became of an object: over the names of its resources
 */

struct programmed proxies_programmed(const struct proxies *n, const struct document *doc)
{
	struct pool pool = POOL_INIT(4096);
	struct resource_names names = resource_names_of(n->state, doc, &pool);
	struct programmed p = { 0 };

	map_for_each (entry, &n->by_id) {
		const struct proxy *proxy = entry->value;
		bool wants = false;

		for (uint32_t i = 0; proxy->stream && !wants && i < names.count; i++)
			wants = delta_stream_wants(&proxy->stream->delta, names.items[i].type,
						   names.items[i].name);
		if (!wants)
			continue;
		p.of++;
		if (proxy_is_programmed(proxy))
			p.ready++;
	}
	pool_fini(&pool);
	return p;
}

static const struct proxy_refusal *refusal_among(const struct proxy *proxy,
						 const struct resource_names *names)
{
	list_for_each (item, &proxy->refusals) {
		const struct proxy_refusal *r = container_of(item, struct proxy_refusal, in_proxy);

		for (uint32_t i = 0; i < names->count; i++)
			if (r->type == names->items[i].type &&
			    str_eq(str_from(r->name), names->items[i].name))
				return r;
	}
	return NULL;
}

const struct proxy_refusal *proxies_refusal(const struct proxies *n, const struct document *doc,
					    const struct proxy **ret_proxy)
{
	struct pool pool = POOL_INIT(4096);
	struct resource_names names = resource_names_of(n->state, doc, &pool);
	const struct proxy_refusal *found = NULL;

	map_for_each (entry, &n->by_id) {
		if (found)
			break;
		found = refusal_among(entry->value, &names);
		if (found)
			*ret_proxy = entry->value;
	}
	pool_fini(&pool);
	return found;
}
