#include "control/proxies_private.h"

#include <assert.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/state.h"
#include "codec/pb_message.h"
#include "control/resource_names.h"
#include "control/scope.h"
#include "message/spiffe.h"
#include "net/tls.h"
#include "proto/weft.pb.h"

#define GRACE_DEFAULT     DURATION_SECONDS(10)
#define REFUSALS_MAX      64
#define REASON_BYTES_MAX  1024
#define VERSION_BYTES_MAX 64
#define FEATURE_EDS_CACHE "weft.eds_cache"
#define FEATURE_PROXY     "weft.proxy"

/* Drawn in proxies.h; a stream may take the place of one that was not seen to end. */
static const struct state_row proxy_states[] = {
	[PROXY_UP] = { "up", STATE_TO(PROXY_UP) | STATE_TO(PROXY_LOST) },
	[PROXY_LOST] = { "lost", STATE_TO(PROXY_UP) | STATE_TO(PROXY_LOST) },
};

static void refusal_free(struct proxy_refusal *r)
{
	list_remove(&r->in_proxy);
	mem_free(r->name);
	mem_free(r->version);
	mem_free(r->reason);
	mem_free(r);
}

struct proxy *proxies_find(const struct proxies *n, struct str id)
{
	return map_get(&n->by_id, id);
}

struct proxy *proxies_of_workload(const struct proxies *n, const struct document *workload)
{
	struct pool pool = POOL_INIT(512);
	struct proxy *proxy =
		proxies_find(n, pool_printf(&pool, "%.*s/%.*s", STR_ARGS(workload->name_space),
					    STR_ARGS(workload->name)));

	pool_fini(&pool);
	return proxy;
}

void proxies_each(const struct proxies *n, void (*on_proxy)(void *user, struct proxy *proxy),
		  void *user)
{
	map_for_each (entry, &n->by_id)
		on_proxy(user, entry->value);
}

struct proxies_counters proxies_counters(const struct proxies *n)
{
	struct proxies_counters counters = n->counters;

	counters.streams = n->server.stream_count;
	return counters;
}

const struct state_object *proxy_object(const struct proxy *proxy)
{
	return state_get(proxy->owner->state, KIND_WORKLOAD, proxy->name_space, proxy->workload);
}

struct str proxy_service(const struct proxy *proxy)
{
	const struct state_object *o = proxy_object(proxy);
	const struct str *app = o ? text_map_get(&o->document->labels, STR("app")) : NULL;

	return app ? *app : STR_EMPTY;
}

static void proxy_set_state(struct proxy *proxy, enum proxy_state state)
{
	state_move(proxy_states, proxy->state, state);
	proxy->since = loop_wall_now(proxy->owner->loop);
	log_info("proxy.state", "node=%s state=%s", proxy->id, proxy_states[state].name);
}

static void refusals_forget(struct proxy *proxy)
{
	list_for_each_safe (item, &proxy->refusals)
		refusal_free(container_of(item, struct proxy_refusal, in_proxy));
}

void proxy_free(struct proxy *proxy)
{
	proxy_grace_end(proxy);
	scope_free(proxy->scope);
	refusals_forget(proxy);
	map_remove(&proxy->owner->by_id, str_from(proxy->id));
	map_for_each (entry, &proxy->reported)
		mem_free(entry->value);
	map_fini(&proxy->reported);
	mem_free(proxy->version);
	mem_free(proxy->id);
	mem_free(proxy);
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
	proxy->since = proxy->known = loop_wall_now(n->loop);
	list_init(&proxy->refusals);
	map_init(&proxy->reported);
	proxy_grace_init(proxy);
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

static bool may_speak_for(const struct spiffe_id *identity, const struct state_object *o)
{
	return str_eq(identity->name_space, o->document->name_space) &&
	       str_eq(identity->account, o->document->workload->account);
}

static int identity_check(struct proxies *n, struct str id, const struct spiffe_id *identity,
			  struct diag *d)
{
	size_t slash = str_find(id, 0, '/');
	struct str name_space = str_slice(id, 0, slash);
	struct str name = str_slice(id, slash + 1, id.len);
	const struct state_object *o;

	if (!str_eq(identity->trust_domain, state_trust_domain(n->state)))
		return diag_fail(d, ERR_DENIED, "trust domain %.*s is not ours",
				 STR_ARGS(identity->trust_domain));
	if (!name_is_dns_label(name_space) || !name_is_dns_label(name))
		return diag_fail(d, ERR_DENIED, "node id \"%.*s\" is not NAMESPACE/WORKLOAD",
				 STR_ARGS(str_slice(id, 0, 256)));
	o = state_get(n->state, KIND_WORKLOAD, name_space, name);
	if (!o)
		return diag_fail(d, ERR_DENIED, "there is no Workload %.*s", STR_ARGS(id));
	if (!may_speak_for(identity, o))
		return diag_fail(d, ERR_DENIED,
				 "Workload %.*s belongs to account %.*s, not to %.*s/%.*s",
				 STR_ARGS(id), STR_ARGS(o->document->workload->account),
				 STR_ARGS(identity->name_space), STR_ARGS(identity->account));
	return 0;
}

/* Ends a stream that is the proxy's no more. */
static void stream_leave(struct xds_stream *s, enum grpc_status status, struct str text)
{
	s->user = NULL;
	grpc_finish(s->call, status, text);
}

/* Our proxy and most others say it as text, Envoy as numbers. */
static char *version_of(const struct pb_message *node)
{
	const struct pb_message *build = pb_sub(node, PB_Node_user_agent_build_version);
	const struct pb_message *numbers = pb_sub(build, PB_BuildVersion_version);

	if (numbers)
		return mem_printf("%lld.%lld.%lld",
				  (long long)pb_number(numbers, PB_SemanticVersion_major_number),
				  (long long)pb_number(numbers, PB_SemanticVersion_minor_number),
				  (long long)pb_number(numbers, PB_SemanticVersion_patch));
	return mem_strdup_str(
		str_slice(pb_text(node, PB_Node_user_agent_version), 0, VERSION_BYTES_MAX));
}

/* What comes with the stream, and goes with it. */
struct arrival {
	struct xds_stream *stream;
	const struct pb_message *node;
	struct scope *scope;
	bool tells_served;
};

static void proxy_up(struct proxy *proxy, const struct arrival *a)
{
	struct xds_stream *s = a->stream;

	/* The proxy was started anew, or came back before its old connection was missed. */
	if (proxy->stream)
		stream_leave(proxy->stream, GRPC_ABORTED,
			     STR("another stream took this node over"));
	proxy_grace_end(proxy);
	refusals_forget(proxy);
	scope_free(proxy->scope);
	proxy->scope = a->scope;
	if (proxy->scope)
		scope_follow(proxy->scope, &s->server->interests, &s->delta);
	proxy->tells_served = a->tells_served;
	proxy->stream = s;
	proxy->kept = false;
	s->user = proxy;
	mem_free(proxy->version);
	proxy->version = version_of(a->node);
	proxy_set_state(proxy, PROXY_UP);
	if (proxy->live)
		return;
	proxy->live = true;
	state_live_changed(proxy->owner->state, proxy_object(proxy));
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
	struct arrival a = { .stream = s };
	struct pb_message *message = NULL;
	struct spiffe_id identity;
	struct proxy *proxy;
	struct str id;
	int r;

	r = pb_decode(&pb_Node, bytes, &pool, &message, NULL, d);
	if (r == 0)
		r = stream_identity(s, &identity, d);
	id = r == 0 ? pb_text(message, PB_Node_id) : STR_EMPTY;
	if (r == 0)
		r = identity_check(n, id, &identity, d);
	a.node = message;
	a.tells_served = r == 0 && has_feature(message, FEATURE_PROXY);
	if (r == 0 && !a.tells_served)
		r = scope_read(message, &a.scope, d);
	if (r < 0) {
		n->counters.refused++;
		log_warn("proxy.refused", "node=%s reason=%s", log_quote(id),
			 log_quote(str_from(d->text)));
		pool_fini(&pool);
		return r;
	}
	delta->eds_cache = has_feature(message, FEATURE_EDS_CACHE);
	proxy = proxies_find(n, id);
	if (!proxy)
		proxy = proxy_new(n, id);
	proxy_up(proxy, &a);
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
	if (!graph_lookup(state_graph(proxies_of(s)->state), type, name, proxy->name_space,
			  ret_content))
		return false;
	if (proxy->scope)
		scope_content(proxy->scope, type, name, ret_content);
	return true;
}

static void on_list(struct delta_stream *delta, enum xds_type type)
{
	struct xds_stream *s = xds_stream_of(delta);
	const struct proxy *proxy = s->user;

	if (proxy && proxy->scope)
		scope_list(proxy->scope, state_graph(proxies_of(s)->state), proxy->name_space,
			   delta, type);
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
	r->reason = mem_strdup_str(str_slice(reason, 0, REASON_BYTES_MAX));
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
	proxy->owner->counters.nacks++;
	log_warn("proxy.nack", "node=%s type=%s name=%s reason=%s", proxy->id,
		 xds_types[type].short_name, log_quote(name), log_quote(reason));
	refusal_add(proxy, type, name, version, reason);
}

static uint64_t revision(struct delta_stream *delta)
{
	return state_revision(proxies_of(xds_stream_of(delta))->state);
}

/* Its stream is gone. */
static void proxy_lose(struct proxy *proxy)
{
	proxy->scope = scope_free(proxy->scope);
	proxy_set_state(proxy, PROXY_LOST);
	proxy_grace_begin(proxy);
}

static void on_closed(struct xds_stream *s)
{
	struct proxy *proxy = s->user;

	if (!proxy)
		return;
	proxy->stream = NULL;
	proxy_lose(proxy);
}

static const struct xds_server_callbacks server_callbacks = {
	.source = {
		.on_node = on_node,
		.on_lookup = on_lookup,
		.on_list = on_list,
		.on_answer = on_answer,
		.revision = revision,
	},
	.on_closed = on_closed,
};

/*
 * The state
 */

static void workload_came(struct proxies *n, const struct document *doc, bool live)
{
	struct pool pool = POOL_INIT(512);
	struct proxy *proxy = proxy_new(
		n, pool_printf(&pool, "%.*s/%.*s", STR_ARGS(doc->name_space), STR_ARGS(doc->name)));

	proxy->live = live;
	proxy_grace_begin(proxy);
	pool_fini(&pool);
}

static void workload_went(struct proxy *proxy)
{
	struct xds_stream *s = proxy->stream;

	proxy_free(proxy);
	if (s)
		stream_leave(s, GRPC_NOT_FOUND, STR("the Workload was deleted"));
}

/* The stream was let in for an account that is the Workload's no more. */
static void account_changed(struct proxy *proxy)
{
	struct xds_stream *s = TAKE(proxy->stream);

	if (!s)
		return;
	proxy_lose(proxy);
	stream_leave(s, GRPC_PERMISSION_DENIED, STR("the Workload belongs to another account now"));
}

static void on_object(struct state_watch *w, const struct state_object *before,
		      const struct state_object *after)
{
	struct proxies *n = container_of(w, struct proxies, watch);
	const struct state_object *o = after ? after : before;
	struct proxy *proxy;

	if (o->document->kind->id != KIND_WORKLOAD)
		return;
	proxy = proxies_of_workload(n, o->document);
	if (after && !proxy)
		workload_came(n, after->document, false);
	else if (!after && proxy)
		workload_went(proxy);
	else if (after && before &&
		 !str_eq(before->document->workload->account, after->document->workload->account))
		account_changed(proxy);
}

static void on_resource(struct state_watch *w, enum xds_type type, struct str name)
{
	xds_server_changed(&container_of(w, struct proxies, watch)->server, type, name);
}

static void on_existing(void *user, const struct state_object *o)
{
	workload_came(user, o->document, true);
}

struct proxies *proxies_new(const struct proxies_options *options)
{
	struct proxies *n = mem_new(struct proxies);

	n->loop = options->loop;
	n->grace = options->grace.ns ? options->grace : GRACE_DEFAULT;
	map_init(&n->by_id);
	proxies_withdraw_init(n);
	xds_server_init(&n->server, n->loop, &server_callbacks, n);
	return n;
}

struct proxies *proxies_free(struct proxies *n)
{
	if (!n)
		return NULL;
	xds_server_fini(&n->server);
	timer_stop(&n->withdrawal);
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
	const struct proxy *proxy;

	if (workload->workload->readiness != WORKLOAD_READY)
		return false;
	if (!n->state)
		return true;
	proxy = proxies_of_workload(n, workload);
	return proxy && proxy->live;
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
	proxy->revision_served = revision_served;
	proxy->unchanged = unchanged;
}

bool proxy_refusal_holds(const struct proxy *proxy, const struct proxy_refusal *r)
{
	return proxy->stream &&
	       delta_stream_refuses(&proxy->stream->delta, r->type, str_from(r->name));
}

uint64_t proxy_served(const struct proxy *proxy)
{
	const struct delta_stream *delta = proxy->stream ? &proxy->stream->delta : NULL;

	if (proxy->tells_served || !delta)
		return proxy->revision_served;
	return delta_stream_is_settled(delta) ? delta->revision_sent : 0;
}

bool proxy_is_programmed(const struct proxy *proxy)
{
	return proxy->stream && delta_stream_is_settled(&proxy->stream->delta) &&
	       proxy_served(proxy) >= proxy->stream->delta.revision_sent;
}

/*
 * What became of an object: over the names of its resources, and those who want them
 */

struct counting {
	struct proxies *proxies;
	const struct resource_name *name;
	struct programmed programmed;
};

static const struct proxy_refusal *refusal_of(const struct proxy *proxy,
					      const struct resource_name *name)
{
	list_for_each (item, &proxy->refusals) {
		const struct proxy_refusal *r = container_of(item, struct proxy_refusal, in_proxy);

		if (r->type == name->type && str_eq(str_from(r->name), name->name) &&
		    proxy_refusal_holds(proxy, r))
			return r;
	}
	return NULL;
}

static void count_interested(void *user, struct delta_stream *delta)
{
	struct counting *c = user;
	struct proxy *proxy = xds_stream_of(delta)->user;
	struct programmed *p = &c->programmed;

	if (!proxy || !delta_stream_wants(delta, c->name->type, c->name->name))
		return;
	if (!p->refusal) {
		p->refusal = refusal_of(proxy, c->name);
		p->refused_by = proxy;
	}
	if (proxy->counted == c->proxies->count_last)
		return;
	proxy->counted = c->proxies->count_last;
	p->of++;
	p->ready += proxy_is_programmed(proxy);
}

struct programmed proxies_programmed(struct proxies *n, const struct document *doc)
{
	struct pool pool = POOL_INIT(4096);
	struct resource_names names = resource_names_of(n->state, doc, &pool);
	struct counting c = { .proxies = n };

	n->count_last++;
	for (uint32_t i = 0; i < names.count; i++) {
		c.name = &names.items[i];
		interests_each(&n->server.interests, c.name->type, c.name->name, count_interested,
			       &c);
	}
	pool_fini(&pool);
	return c.programmed;
}

/*
 * Looking inside
 */

static void proxy_check(const struct proxies *n, const struct proxy *p)
{
	assert(p->owner == n);
	assert((p->state == PROXY_UP) == (p->stream != NULL));
	assert(p->state == PROXY_LOST || !timer_is_running(&p->grace));
	list_check(&p->refusals);
	if (p->stream)
		delta_stream_check(&p->stream->delta);
}

void proxies_check(const struct proxies *n)
{
	map_check(&n->by_id);
	list_check(&n->due);
	map_for_each (entry, &n->by_id) {
		const struct proxy *p = entry->value;

		assert(str_eq(entry->key, str_from(p->id)));
		proxy_check(n, p);
	}
}

void proxies_dump(const struct proxies *n, struct dump *d)
{
	dump_line(d, "proxies");
	dump_number(d, "count", n->by_id.count);
	dump_number(d, "due", list_count(&n->due));
	dump_enter(d);
	map_for_each (entry, &n->by_id) {
		const struct proxy *p = entry->value;

		if (dump_is_full(d))
			break;
		dump_line(d, "proxy");
		dump_str(d, "id", entry->key);
		dump_word(d, "state", proxy_states[p->state].name);
		dump_number(d, "served", p->revision_served);
		dump_flag(d, "live", p->live);
		dump_flag(d, "kept", p->kept);
		dump_enter(d);
		if (p->stream)
			delta_stream_dump(&p->stream->delta, d);
		dump_leave(d);
	}
	dump_leave(d);
}
