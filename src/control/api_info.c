/*
 * What the control plane knows: itself, its proxies, how the mesh does
 */

#include "control/api_request.h"

#include "base/error.h"
#include "codec/node.h"
#include "xds/types.h"

void api_healthz(struct api_request *q)
{
	api_answer_text(q, 200, STR("text/plain"), STR("ok\n"));
}

void api_info(struct api_request *q)
{
	struct node *body = api_map(q);
	struct buf socket = BUF_INIT(0);

	address_format(&q->stream->conn->local, &socket);
	api_add_text(q, body, "version", STR(WEFT_VERSION));
	api_add_text(q, body, "trustDomain", state_trust_domain(q->api->options.state));
	api_add_number(q, body, "revision", (int64_t)state_revision(q->api->options.state));
	api_add_text(q, body, "xdsAddress", q->api->options.xds_address);
	api_add_text(q, body, "socket", pool_strdup(&q->pool, buf_str(&socket)));
	api_add_time(q, body, "startedAt", q->api->started);
	api_answer(q, 200, body);
	buf_fini(&socket);
}

/*
 * Proxies
 */

static const char *state_word(const struct proxy *p)
{
	return p->state == PROXY_UP ? "up" : "lost";
}

static void add_refusals(struct api_request *q, struct node *owner, const struct proxy *p)
{
	struct node *list = api_add_list(q, owner, "refusals");

	list_for_each (item, &p->refusals) {
		const struct proxy_refusal *r = container_of(item, struct proxy_refusal, in_proxy);
		struct node *refusal;

		if (!proxy_refusal_holds(p, r))
			continue;
		refusal = api_add_map(q, list, NULL);
		api_add_text(q, refusal, "type", str_from(xds_types[r->type].short_name));
		api_add_text(q, refusal, "name", str_from(r->name));
		api_add_text(q, refusal, "version", str_from(r->version));
		api_add_text(q, refusal, "reason", str_from(r->reason));
	}
}

/* An answer that is filled proxy by proxy. */
struct proxy_list {
	struct api_request *q;
	struct node *list;
};

static void add_proxy(void *user, struct proxy *p)
{
	struct proxy_list *l = user;
	struct api_request *q = l->q;
	struct node *n = api_add_map(q, l->list, NULL);
	uint64_t sent = p->stream ? p->stream->delta.revision_sent : 0;

	api_add_text(q, n, "name", str_from(p->id));
	api_add_text(q, n, "namespace", p->name_space);
	api_add_text(q, n, "workload", p->workload);
	api_add_text(q, n, "state", str_from(state_word(p)));
	api_add_time(q, n, "since", p->since);
	api_add_text(q, n, "version", str_from(p->version));
	api_add_number(q, n, "revision", (int64_t)sent);
	api_add_number(q, n, "served", (int64_t)proxy_served(p));
	api_add_number(q, n, "unchanged", (int64_t)p->unchanged);
	api_add_bool(q, n, "programmed", proxy_is_programmed(p));
	add_refusals(q, n, p);
}

void api_proxies(struct api_request *q)
{
	struct node *body = api_map(q);
	struct proxy_list l = { .q = q, .list = api_add_list(q, body, "proxies") };

	proxies_each(q->api->options.proxies, add_proxy, &l);
	api_answer(q, 200, body);
}

/*
 * Status
 */

static void count_proxy(void *user, struct proxy *p)
{
	struct proxy_counts *counts = user;

	counts->of++;
	counts->up += p->state == PROXY_UP;
	counts->kept += p->kept;
	counts->programmed += proxy_is_programmed(p);
}

struct proxy_counts api_count_proxies(const struct api_request *q)
{
	struct proxy_counts counts = { 0 };

	proxies_each(q->api->options.proxies, count_proxy, &counts);
	return counts;
}

uint32_t api_count_documents(const struct api_request *q, enum kind_id kind)
{
	return document_index_kind(state_index(q->api->options.state), kind).count;
}

static void add_documents(struct api_request *q, struct node *body)
{
	struct node *documents = api_add_map(q, body, "documents");

	for (unsigned kind = 0; kind < KIND_COUNT; kind++)
		api_add_number(q, documents, kind_of((enum kind_id)kind)->name,
			       api_count_documents(q, (enum kind_id)kind));
}

static struct node *add_finding(struct api_request *q, struct node *list,
				enum finding_severity severity, enum code code, struct str document)
{
	struct node *n = api_add_map(q, list, NULL);

	api_add_text(q, n, "severity", severity == FINDING_ERROR ? STR("error") : STR("warning"));
	api_add_text(q, n, "code", str_from(code_text(code)->name));
	api_add_text(q, n, "document", document);
	return n;
}

static void add_kept(void *user, struct proxy *p)
{
	struct proxy_list *l = user;
	struct api_request *q = l->q;
	struct node *n;

	if (!p->kept)
		return;
	n = add_finding(q, l->list, FINDING_WARNING, CODE_ENDPOINTS_KEPT,
			pool_printf(&q->pool, "Workload %s", p->id));
	api_add_text(q, n, "text",
		     STR("its proxy is lost, and it is kept: many endpoints of its service were "
			 "lost at once"));
	api_add_text(q, n, "hint", str_from(code_text(CODE_ENDPOINTS_KEPT)->fix));
}

static void add_findings(struct api_request *q, struct node *body)
{
	const struct findings *all = state_findings(q->api->options.state);
	struct proxy_list l = { .q = q, .list = api_add_list(q, body, "findings") };

	for (uint32_t i = 0; i < all->count; i++) {
		const struct finding *f = &all->items[i];
		struct buf title = BUF_INIT(0);
		struct node *n;

		document_title(f->document, &title);
		n = add_finding(q, l.list, f->severity, f->code,
				pool_strdup(&q->pool, buf_str(&title)));
		api_add_text(q, n, "text", f->text);
		api_add_text(q, n, "hint", f->hint);
		buf_fini(&title);
	}
	proxies_each(q->api->options.proxies, add_kept, &l);
}

void api_status(struct api_request *q)
{
	struct node *body = api_map(q);
	const struct proxy_counts counts = api_count_proxies(q);
	struct node *proxies;

	api_add_text(q, body, "version", STR(WEFT_VERSION));
	api_add_text(q, body, "trustDomain", state_trust_domain(q->api->options.state));
	api_add_number(q, body, "revision", (int64_t)state_revision(q->api->options.state));
	proxies = api_add_map(q, body, "proxies");
	api_add_number(q, proxies, "up", counts.up);
	api_add_number(q, proxies, "of", counts.of);
	api_add_number(q, proxies, "programmed", counts.programmed);
	add_documents(q, body);
	add_findings(q, body);
	api_add_requests(q, body);
	api_answer(q, 200, body);
}
