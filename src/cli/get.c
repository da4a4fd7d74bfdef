/*
 * weft get: objects as they are, with their status
 */

#include "cli/commands.h"
#include "cli/object_ref.h"
#include "cli/selector.h"
#include "cli/view.h"

struct get_settings {
	struct scope_settings scope;
	struct output_settings output;
	struct watch_settings watch;
	setting_text selector;
};

static const struct setting table[] = {
	SETTING_SHORT(struct get_settings, selector, text, 'l', "", "SELECTOR",
		      "Those with these labels: app=web,version!=v2."),
	SCOPE_SETTINGS(struct get_settings, scope),
	OUTPUT_SETTINGS(struct get_settings, output),
	WATCH_SETTINGS(struct get_settings, watch),
	{ 0 },
};

/*
 * Tables: a row per kind, with what a person wants to see of it
 */

struct get_column {
	struct table_column head;
	void (*add)(struct table *t, const struct node *object);
};

static void add_programmed(struct table *t, const struct node *object)
{
	uint64_t ready = answer_count(object, "status.programmed.ready");
	uint64_t of = answer_count(object, "status.programmed.of");

	table_add_style(t, ready < of ? STYLE_YELLOW : STYLE_PLAIN, "%llu/%llu",
			(unsigned long long)ready, (unsigned long long)of);
}

/* The first condition that is not true, with its reason; "yes" when all are. */
static void add_condition(struct table *t, const struct node *conditions, const char *type)
{
	node_for_each (condition, conditions) {
		if (!str_eq(answer_text(condition, "type"), str_from(type)))
			continue;
		if (str_eq(answer_text(condition, "status"), STR("True")))
			table_add(t, "yes");
		else
			table_add_style(t, STYLE_RED, "%.*s",
					STR_ARGS(answer_text(condition, "reason")));
		return;
	}
	table_add(t, "-");
}

static void add_accepted(struct table *t, const struct node *object)
{
	const struct node *own = node_at(object, "status.conditions");

	add_condition(t, own ? own : node_at(object, "status.parents[0].conditions"), "Accepted");
}

static void add_references(struct table *t, const struct node *object)
{
	add_condition(t, node_at(object, "status.parents[0].conditions"), "ResolvedRefs");
}

/* "9080/http,9090/tcp" */
static void add_ports(struct table *t, const struct node *object)
{
	struct buf text = BUF_INIT(0);

	node_for_each (port, node_at(object, "spec.ports")) {
		struct str protocol = answer_text(port, "appProtocol");

		if (!protocol.len)
			protocol = answer_text(port, "protocol");
		if (str_eq(protocol, STR("TCP")) || !protocol.len)
			protocol = STR("tcp");
		buf_printf(&text, "%s%.*s/%.*s", buf_len(&text) ? "," : "",
			   STR_ARGS(answer_text(port, "port")), STR_ARGS(protocol));
	}
	table_add_str(t, buf_str(&text));
	buf_fini(&text);
}

/* "app=web,version=v1" */
static void add_pairs(struct table *t, const struct node *map)
{
	struct buf text = BUF_INIT(0);

	node_for_each (pair, map)
		buf_printf(&text, "%s%.*s=%.*s", buf_len(&text) ? "," : "", STR_ARGS(pair->key),
			   STR_ARGS(pair->text));
	table_add_str(t, buf_str(&text));
	buf_fini(&text);
}

static void add_selector(struct table *t, const struct node *object)
{
	add_pairs(t, node_at(object, "spec.selector"));
}

static void add_labels(struct table *t, const struct node *object)
{
	add_pairs(t, node_at(object, "metadata.labels"));
}

static void add_virtual_address(struct table *t, const struct node *object)
{
	table_add_str(t, answer_text(object, "status.virtualAddress"));
}

static void add_address(struct table *t, const struct node *object)
{
	table_add_str(t, answer_text(object, "spec.address"));
}

static void add_readiness(struct table *t, const struct node *object)
{
	struct str readiness = answer_text(object, "spec.readiness");

	table_add_str(t, readiness.len ? readiness : STR("Ready"));
}

static void add_parents(struct table *t, const struct node *object)
{
	struct buf text = BUF_INIT(0);

	node_for_each (parent, node_at(object, "spec.parentRefs"))
		buf_printf(&text, "%s%.*s", buf_len(&text) ? "," : "",
			   STR_ARGS(answer_text(parent, "name")));
	table_add_str(t, buf_str(&text));
	buf_fini(&text);
}

/* "reviews-v1:90,reviews-v2:10", of the first rule */
static void add_backends(struct table *t, const struct node *object)
{
	struct buf text = BUF_INIT(0);

	node_for_each (backend, node_at(object, "spec.rules[0].backendRefs")) {
		struct str weight = answer_text(backend, "weight");

		buf_printf(&text, "%s%.*s:%.*s", buf_len(&text) ? "," : "",
			   STR_ARGS(answer_text(backend, "name")),
			   STR_ARGS(weight.len ? weight : STR("1")));
	}
	table_add_str(t, buf_str(&text));
	buf_fini(&text);
}

static void add_trust_domain(struct table *t, const struct node *object)
{
	table_add_str(t, answer_text(object, "spec.trustDomain"));
}

#define COLUMNS_MAX 8

static const struct get_column kind_columns[KIND_COUNT][COLUMNS_MAX] = {
	[KIND_SERVICE] = {
		{ { "PORTS", false, false }, add_ports },
		{ { "SELECTOR", false, false }, add_selector },
		{ { "ADDRESS", false, true }, add_virtual_address },
		{ { "ACCEPTED", false, false }, add_accepted },
		{ { "PROGRAMMED", true, false }, add_programmed },
	},
	[KIND_WORKLOAD] = {
		{ { "ADDRESS", false, false }, add_address },
		{ { "PORTS", false, false }, add_ports },
		{ { "READINESS", false, false }, add_readiness },
		{ { "LABELS", false, false }, add_labels },
	},
	[KIND_HTTP_ROUTE] = {
		{ { "PARENTS", false, false }, add_parents },
		{ { "BACKENDS", false, false }, add_backends },
		{ { "ACCEPTED", false, false }, add_accepted },
		{ { "RESOLVED", false, false }, add_references },
		{ { "PROGRAMMED", true, false }, add_programmed },
	},
	[KIND_MESH_CONFIG] = {
		{ { "TRUST-DOMAIN", false, false }, add_trust_domain },
		{ { "ACCEPTED", false, false }, add_accepted },
	},
};

static void add_row(struct table *t, const struct kind *kind, const struct node *object,
		    bool with_namespace)
{
	struct str name = answer_text(object, "metadata.name");
	struct str name_space = answer_text(object, "metadata.namespace");

	if (with_namespace && name_space.len)
		table_add(t, "%.*s/%.*s", STR_ARGS(name_space), STR_ARGS(name));
	else
		table_add_str(t, name);
	for (size_t i = 0; kind_columns[kind->id][i].add; i++)
		kind_columns[kind->id][i].add(t, object);
}

/* What was found of one kind. */
struct found {
	const struct kind *kind;
	const struct node **objects;
	size_t count;
};

/* What is asked for. */
struct get {
	struct view view;
	struct object_refs refs;
	struct node *items; /* all objects, as asked for */
	struct str selector;
	bool all_namespaces;
};

/* One object by its name is shown by itself. */
static bool is_one(const struct get *x)
{
	return x->refs.count == 1 && x->refs.items[0].name.len > 0;
}

static int fetch_one(struct get *x, struct str path, struct diag *d)
{
	struct remote_request request = { .path = path };
	struct node *body;
	int r = remote_try(&x->view.remote, &request, &body, d);

	if (r == 0)
		node_list_add(x->items, body);
	return r;
}

static int fetch(struct get *x, const struct object_ref *ref, struct diag *d)
{
	struct buf path = BUF_INIT(0);
	int r;

	object_ref_path(ref, &path);
	if (ref->name.len)
		r = fetch_one(x, buf_str(&path), d);
	else
		r = remote_list(&x->view.remote, buf_str(&path), x->items, d);
	buf_fini(&path);
	return r;
}

static void drop_unselected(struct get *x)
{
	struct node *next;

	for (struct node *object = x->items->first; object; object = next) {
		next = object->next;
		if (!selector_fits(x->selector, node_at(object, "metadata.labels")))
			node_remove(object);
	}
}

static int ask(struct view *v, struct diag *d)
{
	struct get *x = container_of(v, struct get, view);
	struct pool *pool = &v->remote.pool;

	x->items = node_new(pool, NODE_LIST);
	for (size_t i = 0; i < x->refs.count; i++) {
		int r = fetch(x, &x->refs.items[i], d);

		if (r < 0)
			return r;
	}
	drop_unselected(x);
	if (is_one(x)) {
		v->body = x->items->first;
		return 0;
	}
	v->rows = "items";
	v->body = node_new(pool, NODE_MAP);
	node_map_add(v->body, STR("kind"), node_new_text(pool, STR("List")));
	node_map_add(v->body, STR("apiVersion"), node_new_text(pool, STR("v1")));
	node_map_add(v->body, str_from(v->rows), x->items);
	return 0;
}

static void show_table(struct get *x, const struct found *found, struct buf *out)
{
	struct table_column columns[COLUMNS_MAX + 2] = { { "NAME", false, false } };
	struct table t;

	for (size_t i = 0; kind_columns[found->kind->id][i].add; i++)
		columns[i + 1] = kind_columns[found->kind->id][i].head;
	table_init(&t, columns);
	for (size_t i = 0; i < found->count; i++)
		add_row(&t, found->kind, found->objects[i], x->all_namespaces);
	output_rows(&x->view.cli, x->view.output, &t, out);
	table_fini(&t);
}

/* A table for each kind, a blank line between them. */
static void show(struct view *v, struct buf *out)
{
	struct get *x = container_of(v, struct get, view);
	struct pool *pool = &v->remote.pool;

	for (unsigned i = 0; i < KIND_COUNT; i++) {
		struct found found = { .kind = kind_of((enum kind_id)i) };

		found.objects = pool_new_array(pool, const struct node *, x->items->count + 1);
		node_for_each (object, x->items)
			if (kind_by_word(answer_text(object, "kind")) == found.kind)
				found.objects[found.count++] = object;
		if (!found.count)
			continue;
		if (buf_len(out))
			buf_append_char(out, '\n');
		show_table(x, &found, out);
	}
}

static void name(struct view *v, const struct node *object, struct buf *out)
{
	bool all = container_of(v, struct get, view)->all_namespaces;
	struct object_ref ref = {
		.kind = kind_by_word(answer_text(object, "kind")),
		.name_space = all ? answer_text(object, "metadata.namespace") : STR_EMPTY,
		.name = answer_text(object, "metadata.name"),
	};

	if (ref.kind)
		object_ref_name(&ref, out);
}

static const struct view_ops ops = {
	.empty = "Nothing is there.",
	.ask = ask,
	.show = show,
	.name = name,
};

static bool names_one(const struct object_refs *refs)
{
	for (size_t i = 0; i < refs->count; i++)
		if (refs->items[i].name.len)
			return true;
	return false;
}

static int run(const struct invocation *in)
{
	const struct get_settings *s = in->settings;
	struct get x = {
		.view = { .ops = &ops, .in = in, .output = &s->output, .watch = &s->watch },
		.selector = str_from(s->selector),
		.all_namespaces = s->scope.all_namespaces,
	};
	struct pool pool = POOL_INIT(0);
	struct diag d = DIAG_INIT;
	int code;

	if (!in->word_count)
		return cli_usage(in->cli, "get", "what to get is missing: weft get KIND[/NAME]");
	if (selector_check(x.selector, &d) < 0 ||
	    object_refs_parse(in->words, in->word_count, scope_of(&s->scope), &pool, &x.refs, &d) <
		    0)
		code = cli_misuse(in->cli, &d);
	else if (x.selector.len && names_one(&x.refs))
		code = cli_usage(in->cli, "get", "-l selects from all of a kind, not by name");
	else
		code = view_run(&x.view);
	diag_fini(&d);
	pool_fini(&pool);
	return code;
}

const struct command get_command = {
	.name = "get",
	.summary = "Show documents and their status",
	.usage = "KIND[/NAME]... | KIND NAME... | all [flags]",
	.examples = {
		{ "weft get services", "the Services of the namespace" },
		{ "weft get httproute/reviews -o yaml", "one document, as it may be applied" },
		{ "weft get workloads -A -l app=web -o wide", "by label, all columns" },
		{ "weft get all -A -o name", "names, for scripts: KIND/NAMESPACE/NAME" },
		{ "weft get routes -o json=metadata.name,status", "some of the fields" },
		{ "weft get workloads -w", "drawn anew every two seconds" },
	},
	.settings = table,
	.settings_size = sizeof(struct get_settings),
	.see_also = "weft help kinds, weft apply",
	.takes_words = true,
	.first = true,
	.exits = EXITS_REMOTE | EXITS_WATCH,
	.words = COMPLETE_OBJECTS,
	.run = run,
};
