#include "mesh/check.h"

#include "mesh/attach.h"
#include "mesh/findings.h"
#include "mesh/index.h"

#define CANDIDATES_MAX 256 /* names that are looked through for "did you mean" */

struct checker {
	const struct document_index *index;
	struct pool *pool;
	struct findings *findings;
	const struct document *document; /* the one that is looked at */
};

static struct finding *add(struct checker *c, enum finding_severity severity, enum code code,
			   const struct node *node)
{
	struct finding *f = findings_add(c->findings, c->pool);

	*f = (struct finding){
		.severity = severity,
		.code = code,
		.document = c->document,
		.node = node,
		.parent_index = -1,
	};
	return f;
}

/* A field of the node where it is written, else the node. */
static const struct node *field_of(const struct node *n, struct str key)
{
	const struct node *field = node_get(n, key);

	return field ? field : n;
}

static struct str service_hint(const struct checker *c, struct str name_space, struct str name)
{
	struct documents services = document_index_namespace(c->index, KIND_SERVICE, name_space);
	const char *names[CANDIDATES_MAX + 1] = { NULL };
	const char *nearest;

	for (uint32_t i = 0; i < services.count && i < CANDIDATES_MAX; i++)
		names[i] = pool_strdup(c->pool, services.items[i]->name).ptr;
	nearest = str_nearest(name, names);
	return nearest ? pool_printf(c->pool, "did you mean \"%s\"?", nearest) : STR_EMPTY;
}

static struct str ports_hint(const struct checker *c, const struct service *s)
{
	struct buf text = BUF_INIT(0);
	struct str hint;

	buf_append_str(&text, STR("it has "));
	for (uint32_t i = 0; i < s->port_count; i++) {
		buf_printf(&text, "%s%u", i ? ", " : "", s->ports[i].port);
		if (s->ports[i].name.len)
			buf_printf(&text, " (%.*s)", STR_ARGS(s->ports[i].name));
	}
	hint = pool_strdup(c->pool, buf_str(&text));
	buf_fini(&text);
	return hint;
}

static struct str http_hint(const struct checker *c, const struct document *service,
			    const struct service_port *port)
{
	uint32_t number = port->target.number ? port->target.number : port->port;
	bool declared = port->protocol_origin != PROTOCOL_UNDECLARED;

	return pool_printf(c->pool,
			   "%sstart it with weft run --port %u/http, or write appProtocol: http in "
			   "Service %.*s/%.*s",
			   declared ? "if it is HTTP, " : "", number, STR_ARGS(service->name_space),
			   STR_ARGS(service->name));
}

static void add_not_http(struct checker *c, const struct node *node, const struct document *service,
			 const struct service_port *port, int parent_index)
{
	struct finding *f = add(c, FINDING_ERROR, CODE_PORT_NOT_HTTP, node);

	f->parent_index = parent_index;
	f->condition = parent_index < 0 ? "ResolvedRefs" : "Accepted";
	f->reason = parent_index < 0 ? "UnsupportedProtocol" : "UnsupportedValue";
	f->text = pool_printf(c->pool,
			      "port %u of Service %.*s/%.*s is tcp, and an HTTPRoute needs "
			      "http",
			      port->port, STR_ARGS(service->name_space), STR_ARGS(service->name));
	f->hint = http_hint(c, service, port);
}

/* Was this match reported for another port already? */
static bool is_reported(const struct checker *c, const struct node *node)
{
	for (uint32_t i = c->findings->count; i > 0; i--) {
		const struct finding *f = &c->findings->items[i - 1];

		if (f->document != c->document)
			return false;
		if (f->code == CODE_CONFLICTED && f->node == node)
			return true;
	}
	return false;
}

static void add_taken(struct checker *c, const struct attached_match *taken, int parent_index)
{
	const struct attached_match *by = taken->taken_by;
	struct str rule = by->rule->name;
	struct finding *f;

	if (is_reported(c, taken->match->node))
		return;
	f = add(c, FINDING_WARNING, CODE_CONFLICTED, taken->match->node);
	f->parent_index = parent_index;
	if (rule.len)
		rule = pool_printf(c->pool, "rule %.*s", STR_ARGS(rule));
	else
		rule = pool_printf(c->pool, "rules[%u]", by->rule_index);

	if (by->route == c->document) {
		f->text = pool_printf(c->pool, "never reached: %.*s takes the same requests",
				      STR_ARGS(rule));
		return;
	}
	f->condition = "Conflicted";
	f->reason = "OlderRouteWins";
	f->text = pool_printf(c->pool,
			      "never reached: %.*s of the older HTTPRoute %.*s/%.*s takes the same "
			      "requests",
			      STR_ARGS(rule), STR_ARGS(by->route->name_space),
			      STR_ARGS(by->route->name));
}

static void check_conflicts(struct checker *c, const struct document *service,
			    const struct service_port *port, int parent_index)
{
	struct attached_matches matches =
		attach_routes(c->index, service, port, c->document->name_space, c->pool);

	for (uint32_t i = 0; i < matches.count; i++)
		if (matches.items[i].route == c->document && matches.items[i].taken_by)
			add_taken(c, &matches.items[i], parent_index);
}

static void add_no_parent(struct checker *c, const struct parent_ref *p, int parent_index)
{
	struct finding *f = add(c, FINDING_ERROR, CODE_NO_PARENT, field_of(p->node, STR("name")));

	f->parent_index = parent_index;
	f->condition = "Accepted";
	f->reason = "NoMatchingParent";
	f->text = pool_printf(c->pool, "there is no Service %.*s/%.*s", STR_ARGS(p->name_space),
			      STR_ARGS(p->name));
	f->hint = service_hint(c, p->name_space, p->name);
}

static void add_no_parent_port(struct checker *c, const struct parent_ref *p,
			       const struct document *service, int parent_index)
{
	struct str key = p->port ? STR("port") : STR("sectionName");
	struct finding *f = add(c, FINDING_ERROR, CODE_NO_PORT, field_of(p->node, key));
	struct str port = p->port ? pool_printf(c->pool, "%u", p->port) : p->section_name;

	if (p->port && p->section_name.len)
		port = pool_printf(c->pool, "%u named %.*s", p->port, STR_ARGS(p->section_name));
	f->parent_index = parent_index;
	f->condition = "Accepted";
	f->reason = "NoMatchingParent";
	f->text = pool_printf(c->pool, "Service %.*s/%.*s has no port %.*s",
			      STR_ARGS(p->name_space), STR_ARGS(p->name), STR_ARGS(port));
	f->hint = ports_hint(c, service->service);
}

static void check_parent(struct checker *c, const struct parent_ref *p, int parent_index)
{
	const struct document *service =
		document_index_get(c->index, KIND_SERVICE, p->name_space, p->name);
	const struct service_port *other = NULL;
	bool http = false;

	if (!service) {
		add_no_parent(c, p, parent_index);
		return;
	}
	for (uint32_t i = 0; i < service->service->port_count; i++) {
		const struct service_port *port = &service->service->ports[i];

		if (!parent_ref_means(p, service, port))
			continue;
		if (port->protocol == PROTOCOL_HTTP) {
			http = true;
			check_conflicts(c, service, port, parent_index);
		} else if (!other) {
			other = port;
		}
	}
	/* Where no port is named, a route leaves those that are not HTTP alone. */
	if (!http && other)
		add_not_http(c, field_of(p->node, STR("port")), service, other, parent_index);
	else if (!http)
		add_no_parent_port(c, p, service, parent_index);
}

static void check_backend(struct checker *c, const struct backend_ref *b)
{
	const struct document *service =
		document_index_get(c->index, KIND_SERVICE, b->name_space, b->name);
	const struct service_port *port;
	struct finding *f;

	if (!service) {
		f = add(c, FINDING_ERROR, CODE_NO_BACKEND, field_of(b->node, STR("name")));
		f->text = pool_printf(c->pool, "there is no Service %.*s/%.*s",
				      STR_ARGS(b->name_space), STR_ARGS(b->name));
		f->hint = service_hint(c, b->name_space, b->name);
		f->condition = "ResolvedRefs";
		f->reason = "BackendNotFound";
		return;
	}
	port = service_port_by_number(service->service, b->port);
	if (!port) {
		f = add(c, FINDING_ERROR, CODE_NO_PORT, field_of(b->node, STR("port")));
		f->text = pool_printf(c->pool, "Service %.*s/%.*s has no port %u",
				      STR_ARGS(b->name_space), STR_ARGS(b->name), b->port);
		f->hint = ports_hint(c, service->service);
		f->condition = "ResolvedRefs";
		f->reason = "BackendNotFound";
		return;
	}
	if (port->protocol != PROTOCOL_HTTP)
		add_not_http(c, field_of(b->node, STR("port")), service, port, -1);
}

static void check_rule(struct checker *c, const struct route_rule *rule)
{
	uint64_t weight = 0;
	struct finding *f;

	for (uint32_t i = 0; i < rule->backend_count; i++) {
		check_backend(c, &rule->backends[i]);
		weight += rule->backends[i].weight;
	}
	if (rule->backend_count && !weight) {
		f = add(c, FINDING_WARNING, CODE_WEIGHTS_ZERO,
			field_of(rule->node, STR("backendRefs")));
		f->text = STR("all weights are zero: every request is answered with 500");
	}
	if (!rule->backend_count &&
	    !route_filter_find(rule->filters, rule->filter_count, ROUTE_FILTER_REDIRECT)) {
		f = add(c, FINDING_WARNING, CODE_NO_BACKENDS, rule->node);
		f->text =
			STR("the rule has no backendRefs and no RequestRedirect: every request is "
			    "answered with 500");
	}
}

static void check_route(struct checker *c)
{
	const struct http_route *route = c->document->http_route;

	for (uint32_t i = 0; i < route->parent_count; i++)
		check_parent(c, &route->parents[i], (int)i);
	for (uint32_t i = 0; i < route->rule_count; i++)
		check_rule(c, &route->rules[i]);
}

static void check_targets(struct checker *c, const struct service_port *port,
			  const struct documents *workloads)
{
	for (uint32_t i = 0; i < workloads->count; i++) {
		const struct document *w = workloads->items[i];
		struct finding *f;

		if (workload_port_for(w->workload, &port->target))
			continue;
		f = add(c, FINDING_WARNING, CODE_NO_TARGET_PORT,
			field_of(port->node, node_get(port->node, STR("targetPort"))
						     ? STR("targetPort")
						     : STR("port")));
		if (port->target.number)
			f->text = pool_printf(c->pool, "Workload %.*s/%.*s has no port %u",
					      STR_ARGS(w->name_space), STR_ARGS(w->name),
					      port->target.number);
		else
			f->text = pool_printf(c->pool, "Workload %.*s/%.*s has no port named %.*s",
					      STR_ARGS(w->name_space), STR_ARGS(w->name),
					      STR_ARGS(port->target.name));
		return; /* one is enough to see what is wrong */
	}
}

static void check_service(struct checker *c)
{
	const struct service *s = c->document->service;
	struct documents workloads = document_index_selected(c->index, c->document, c->pool);
	struct finding *f;

	for (uint32_t i = 0; i < s->port_count; i++)
		check_targets(c, &s->ports[i], &workloads);
	if (workloads.count)
		return;
	f = add(c, FINDING_WARNING, CODE_SELECTS_NOTHING, field_of(s->node, STR("selector")));
	f->text = s->selector.count ? STR("no workload has the labels of the selector")
				    : STR("the Service has no selector: nothing serves it");
}

void check_document(const struct document_index *x, const struct document *doc,
		    struct findings *findings, struct pool *pool)
{
	static void (*const checks[KIND_COUNT])(struct checker * c) = {
		[KIND_SERVICE] = check_service,
		[KIND_HTTP_ROUTE] = check_route,
	};
	struct checker c = { .index = x, .pool = pool, .findings = findings, .document = doc };

	if (checks[doc->kind->id])
		checks[doc->kind->id](&c);
}

void finding_diag(const struct finding *f, struct diag *d)
{
	const struct node *n = f->node ? f->node : f->document->root;
	struct buf title = BUF_INIT(0);

	document_title(f->document, &title);
	node_fail(d, n, ERR_CONFIG, "%.*s in %.*s", STR_ARGS(f->text), STR_ARGS(buf_str(&title)));
	diag_code(d, code_text(f->code)->name);
	if (f->hint.len)
		diag_hint(d, "%.*s", STR_ARGS(f->hint));
	if (f->document->file)
		diag_file(d, f->document->file);
	buf_fini(&title);
}
