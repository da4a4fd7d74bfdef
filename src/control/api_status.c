/*
 * The status of an object, as Gateway API clients read it
 *
 * Accepted and ResolvedRefs come from the findings over all documents, Programmed from the
 * proxies that want one of the object's resources. For a route the conditions stand once per
 * parent. Beside them stands `programmed: {ready, of, revision}`.
 */

#include "control/api_request.h"

#include "base/error.h"
#include "codec/node.h"

/* The first error about a condition of the document (of a parent of it; -1: any). */
static const struct finding *finding_of(const struct state *s, const struct document *doc,
					const char *condition, int parent_index)
{
	const struct findings *all = state_findings(s);

	for (uint32_t i = 0; i < all->count; i++) {
		const struct finding *f = &all->items[i];

		if (f->document != doc || !f->condition || f->severity != FINDING_ERROR ||
		    !str_eq(str_from(f->condition), str_from(condition)))
			continue;
		if (parent_index < 0 || f->parent_index < 0 || f->parent_index == parent_index)
			return f;
	}
	return NULL;
}

static struct node *add_condition(struct api_request *q, struct node *list, const char *type,
				  const char *status, const char *reason)
{
	struct node *c = api_add_map(q, list, NULL);

	api_add_text(q, c, "type", str_from(type));
	api_add_text(q, c, "status", str_from(status));
	api_add_text(q, c, "reason", str_from(reason));
	return c;
}

static void add_found(struct api_request *q, struct node *list, const struct document *doc,
		      const char *type, int parent_index)
{
	const struct finding *f = finding_of(q->api->options.state, doc, type, parent_index);
	struct node *c;

	if (!f) {
		add_condition(q, list, type, "True", type);
		return;
	}
	c = add_condition(q, list, type, "False", f->reason ? f->reason : "Invalid");
	api_add_text(q, c, "message", f->text);
	api_add_text(q, c, "code", str_from(code_text(f->code)->name));
}

static void add_programmed(struct api_request *q, struct node *list, const struct programmed *p)
{
	struct node *c;

	if (p->refusal) {
		c = add_condition(q, list, "Programmed", "False", "Refused");
		api_add_text(q, c, "message",
			     pool_printf(&q->pool, "proxy %s: %s", p->refused_by->id,
					 p->refusal->reason));
		return;
	}
	c = add_condition(q, list, "Programmed", p->ready == p->of ? "True" : "False",
			  p->ready == p->of ? "Programmed" : "Pending");
	api_add_text(q, c, "message", pool_printf(&q->pool, "%u of %u proxies", p->ready, p->of));
}

static void add_conditions(struct api_request *q, struct node *owner, const struct document *doc,
			   const struct programmed *p, int parent_index)
{
	struct node *list = api_add_list(q, owner, "conditions");

	add_found(q, list, doc, "Accepted", parent_index);
	add_found(q, list, doc, "ResolvedRefs", parent_index);
	add_programmed(q, list, p);
}

static void add_parents(struct api_request *q, struct node *status, const struct document *doc,
			const struct programmed *p)
{
	struct node *parents = api_add_list(q, status, "parents");

	for (uint32_t i = 0; i < doc->http_route->parent_count; i++) {
		const struct parent_ref *ref = &doc->http_route->parents[i];
		struct node *parent = api_add_map(q, parents, NULL);
		struct node *to = api_add_map(q, parent, "parentRef");

		api_add_text(q, to, "group", ref->group);
		api_add_text(q, to, "kind", ref->kind);
		api_add_text(q, to, "namespace", ref->name_space);
		api_add_text(q, to, "name", ref->name);
		if (ref->port)
			api_add_number(q, to, "port", ref->port);
		api_add_text(q, parent, "controllerName", STR("weft.dev/mesh"));
		add_conditions(q, parent, doc, p, (int)i);
	}
}

static void add_metadata(struct api_request *q, struct node *root, const struct state_object *o)
{
	struct node *metadata = node_get(root, STR("metadata"));

	if (!metadata)
		metadata = api_add_map(q, root, "metadata");
	api_add_text(q, metadata, "resourceVersion", state_object_version(o, &q->pool));
}

struct node *api_object_node(struct api_request *q, const struct state_object *o)
{
	const struct document *doc = o->document;
	struct node *root = document_canonical(doc, &q->pool);
	struct programmed p = proxies_programmed(q->api->options.proxies, doc);
	struct node *status, *programmed;

	add_metadata(q, root, o);
	status = api_add_map(q, root, "status");
	if (doc->kind->id == KIND_HTTP_ROUTE)
		add_parents(q, status, doc, &p);
	else
		add_conditions(q, status, doc, &p, -1);
	programmed = api_add_map(q, status, "programmed");
	api_add_number(q, programmed, "ready", p.ready);
	api_add_number(q, programmed, "of", p.of);
	api_add_number(q, programmed, "revision", (int64_t)state_revision(q->api->options.state));
	api_add_text(q, status, "origin",
		     o->origin == STATE_APPLIED ? STR("applied") : STR("registered"));
	if (o->virtual_address)
		api_add_text(q, status, "virtualAddress", str_from(o->virtual_address));
	return root;
}
