/*
 * The end of Workloads whose proxies were lost
 *
 * When a machine goes, many graces are over within a moment. They are gathered for a moment, and
 * withdrawn as one change: one transaction, one compilation.
 */

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/proxies_private.h"

#define GATHER_TIME         DURATION_MS(100)

/* The guard against withdrawing many at once. */
#define GUARD_ENDPOINTS_MIN 3
#define GUARD_PERCENT       20

/* Endpoints of a Service: the Workloads that it selects and that take requests. */
struct guard {
	uint32_t count;
	uint32_t lost;
};

/* One round of withdrawals. */
struct round {
	struct proxies *proxies;
	struct pool pool;
	struct map guards; /* "NS/NAME" of a Service → struct guard */
	struct state_write *writes;
	size_t count;
};

static bool guard_holds(const struct guard *g)
{
	return g->count >= GUARD_ENDPOINTS_MIN && g->lost > 1 &&
	       g->lost * 100 > g->count * GUARD_PERCENT;
}

static struct guard *guard_of(struct round *r, const struct document *service)
{
	const struct document_index *index = state_index(r->proxies->state);
	struct str key = pool_printf(&r->pool, "%.*s/%.*s", STR_ARGS(service->name_space),
				     STR_ARGS(service->name));
	struct guard *g = map_get(&r->guards, key);
	struct documents selected;

	if (g)
		return g;
	g = pool_new(&r->pool, struct guard);
	map_set(&r->guards, key, g);
	selected = document_index_selected(index, service, &r->pool);
	for (uint32_t i = 0; i < selected.count; i++) {
		const struct proxy *p = proxies_of_workload(r->proxies, selected.items[i]);

		if (!p || !p->live)
			continue;
		g->count++;
		g->lost += p->state == PROXY_LOST;
	}
	return g;
}

static bool is_held(struct round *r, const struct document *workload)
{
	struct documents services =
		document_index_selecting(state_index(r->proxies->state), workload, &r->pool);

	for (uint32_t i = 0; i < services.count; i++)
		if (guard_holds(guard_of(r, services.items[i])))
			return true;
	return false;
}

static void keep(struct proxy *proxy)
{
	if (!proxy->kept)
		log_warn("proxy.kept", "node=%s reason=%s", proxy->id,
			 log_quote(STR("many endpoints of its service were lost at once")));
	proxy->kept = true;
	proxy_grace_begin(proxy);
}

static void withdraw_registered(struct round *r, const struct proxy *proxy)
{
	log_warn("proxy.withdrawn", "node=%s", proxy->id);
	/* The proxy goes with its Workload, in on_object(), so its names are copied. */
	r->writes[r->count++] = (struct state_write){
		.kind = KIND_WORKLOAD,
		.name_space = pool_strdup(&r->pool, proxy->name_space),
		.name = pool_strdup(&r->pool, proxy->workload),
	};
}

/* What a person wrote is not ours to delete. */
static void withdraw_applied(struct proxy *proxy, const struct state_object *o)
{
	proxy->kept = false;
	if (!proxy->live)
		return;
	log_warn("proxy.withdrawn", "node=%s stays=yes", proxy->id);
	proxy->owner->counters.withdrawn++;
	proxy->live = false;
	state_live_changed(proxy->owner->state, o);
}

static void withdraw(struct round *r, struct proxy *proxy)
{
	const struct state_object *o = proxy_object(proxy);

	if (!o)
		proxy_free(proxy);
	else if (proxy->live && is_held(r, o->document))
		keep(proxy);
	else if (o->origin == STATE_APPLIED)
		withdraw_applied(proxy, o);
	else
		withdraw_registered(r, proxy);
}

/* Those that could not be deleted are tried again. */
static void begin_again(struct round *r)
{
	for (size_t i = 0; i < r->count; i++) {
		struct str id =
			pool_printf(&r->pool, "%.*s/%.*s", STR_ARGS(r->writes[i].name_space),
				    STR_ARGS(r->writes[i].name));
		struct proxy *proxy = proxies_find(r->proxies, id);

		if (proxy)
			proxy_grace_begin(proxy);
	}
}

static void commit(struct round *r)
{
	struct state_change change = {
		.writes = r->writes,
		.write_count = r->count,
		.origin = STATE_REGISTERED,
		.actor = STR("control"),
		.message = STR("proxy lost"),
	};
	struct state_result result;
	struct diag d = DIAG_INIT;

	if (!r->count)
		return;
	if (state_apply(r->proxies->state, &change, &result, &d) < 0) {
		log_error("proxy.withdraw_failed", "count=%zu reason=%s", r->count,
			  log_quote(str_from(d.text)));
		begin_again(r);
	} else {
		r->proxies->counters.withdrawn += result.deleted;
	}
	diag_fini(&d);
}

static void on_withdrawal(struct timer *t)
{
	struct proxies *p = container_of(t, struct proxies, withdrawal);
	struct round r = { .proxies = p };
	struct list *node;

	map_init(&r.guards);
	r.writes = pool_new_array(&r.pool, struct state_write, list_count(&p->due));
	while ((node = list_pop_front(&p->due)))
		withdraw(&r, container_of(node, struct proxy, in_due));
	commit(&r);
	map_fini(&r.guards);
	pool_fini(&r.pool);
}

static void on_grace_over(struct timer *t)
{
	struct proxy *proxy = container_of(t, struct proxy, grace);
	struct proxies *p = proxy->owner;

	list_push_back(&p->due, &proxy->in_due);
	if (!timer_is_running(&p->withdrawal))
		timer_start(p->loop, &p->withdrawal, GATHER_TIME);
}

void proxies_withdraw_init(struct proxies *p)
{
	list_init(&p->due);
	timer_init(&p->withdrawal, on_withdrawal);
}

void proxy_grace_init(struct proxy *proxy)
{
	timer_init(&proxy->grace, on_grace_over);
}

void proxy_grace_begin(struct proxy *proxy)
{
	list_remove(&proxy->in_due);
	timer_start(proxy->owner->loop, &proxy->grace, proxy->owner->grace);
}

void proxy_grace_end(struct proxy *proxy)
{
	list_remove(&proxy->in_due);
	timer_stop(&proxy->grace);
}
