/*
 * weft get: objects as they are, with their status
 */

#include "base/error.h"
#include "cli/commands.h"
#include "cli/object_ref.h"
#include "cli/output.h"
#include "cli/remote.h"

struct get_settings {
	struct scope_settings scope;
	struct output_settings output;
};

static const struct setting table[] = {
	SETTING_TABLE(struct get_settings, scope, scope_table),
	SETTING_TABLE(struct get_settings, output, output_table),
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

static void show_table(const struct invocation *in, const struct found *found)
{
	const struct get_settings *s = in->settings;
	struct table_column columns[COLUMNS_MAX + 2] = { { "NAME", false, false } };
	struct table t;

	for (size_t i = 0; kind_columns[found->kind->id][i].add; i++)
		columns[i + 1] = kind_columns[found->kind->id][i].head;
	table_init(&t, columns);
	for (size_t i = 0; i < found->count; i++)
		add_row(&t, found->kind, found->objects[i], s->scope.all_namespaces);
	output_rows(in->cli, &s->output, &t, "");
	table_fini(&t);
}

/* Everything that was asked for, by kind. */
struct collection {
	const struct invocation *in;
	struct remote *remote;
	struct node *items; /* all objects, as asked for */
	bool one;           /* one object by its name: shown by itself */
};

static int fetch(struct collection *c, const struct object_ref *ref)
{
	struct buf path = BUF_INIT(0);
	struct remote_request request = { 0 };
	struct node *body, *list;
	int code;

	object_ref_path(ref, &path);
	request.path = buf_str(&path);
	code = remote_call(c->remote, &request, &body);
	buf_fini(&path);
	if (code)
		return code;
	list = ref->name.len ? NULL : node_get(body, STR("items"));
	while (list && list->first) {
		struct node *object = list->first;

		node_remove(object);
		node_list_add(c->items, object);
	}
	if (ref->name.len)
		node_list_add(c->items, body);
	return EXIT_DONE;
}

static void show_names(const struct cli *c, const struct node *items)
{
	struct buf text = BUF_INIT(0);

	node_for_each (object, items) {
		const struct kind *kind = kind_by_word(answer_text(object, "kind"));

		buf_printf(&text, "%s/%.*s\n", kind ? kind->words[0] : "object",
			   STR_ARGS(answer_text(object, "metadata.name")));
	}
	cli_out(c, &text);
	buf_fini(&text);
}

static void show_tables(struct collection *c)
{
	struct pool *pool = &c->remote->pool;
	struct buf gap = BUF_INIT(0);
	bool shown = false;

	for (unsigned i = 0; i < KIND_COUNT; i++) {
		struct found found = { .kind = kind_of((enum kind_id)i) };

		found.objects = pool_new_array(pool, const struct node *, c->items->count + 1);
		node_for_each (object, c->items)
			if (kind_by_word(answer_text(object, "kind")) == found.kind)
				found.objects[found.count++] = object;
		if (!found.count)
			continue;
		if (shown)
			buf_append_char(&gap, '\n');
		cli_out(c->in->cli, &gap);
		show_table(c->in, &found);
		shown = true;
	}
	buf_fini(&gap);
	if (!shown)
		cli_say(c->in->cli, "Nothing is there.");
}

static void show(struct collection *c, enum output output)
{
	struct pool *pool = &c->remote->pool;
	struct node *body = c->items->first;

	if (output == OUTPUT_NAME) {
		show_names(c->in->cli, c->items);
		return;
	}
	if (output != OUTPUT_JSON && output != OUTPUT_YAML) {
		show_tables(c);
		return;
	}
	if (!c->one) {
		body = node_new(pool, NODE_MAP);
		node_map_add(body, STR("kind"), node_new_text(pool, STR("List")));
		node_map_add(body, STR("apiVersion"), node_new_text(pool, STR("v1")));
		node_map_add(body, STR("items"), c->items);
	}
	output_node(c->in->cli, output, body);
}

static int get(const struct invocation *in, const struct object_refs *refs, enum output output)
{
	struct diag d = DIAG_INIT;
	struct remote remote;
	struct collection c = { .in = in, .remote = &remote };
	int code = EXIT_DONE;

	if (remote_open(&remote, in->cli, &d) < 0)
		code = cli_problem(in->cli, &d, STR_EMPTY);
	c.items = node_new(&remote.pool, NODE_LIST);
	c.one = refs->count == 1 && refs->items[0].name.len > 0;
	for (size_t i = 0; code == EXIT_DONE && i < refs->count; i++)
		code = fetch(&c, &refs->items[i]);
	if (code == EXIT_DONE)
		show(&c, output);
	remote_close(&remote);
	diag_fini(&d);
	return code;
}

static int run(const struct invocation *in)
{
	const struct get_settings *s = in->settings;
	struct str scope = s->scope.all_namespaces ? STR_EMPTY : namespace_of(&s->scope.in);
	struct pool pool = POOL_INIT(0);
	struct object_refs refs;
	struct diag d = DIAG_INIT;
	enum output output;
	int code = output_read(in->cli, &s->output, &output);

	if (code)
		return code;
	if (!in->word_count) {
		code = cli_usage(in->cli, "get", "what to get is missing: weft get KIND[/NAME]");
	} else if (object_refs_parse(in->words, in->word_count, scope, &pool, &refs, &d) < 0) {
		(void)cli_problem(in->cli, &d, STR_EMPTY);
		code = EXIT_USAGE;
	} else {
		code = get(in, &refs, output);
	}
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
		{ "weft get workloads -A -o wide", "all namespaces, all columns" },
		{ "weft get all -o name", "names, for scripts" },
	},
	.settings = table,
	.settings_size = sizeof(struct get_settings),
	.see_also = "weft help kinds, weft apply",
	.takes_words = true,
	.first = true,
	.run = run,
};
