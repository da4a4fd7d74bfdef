#include "cli/output.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"
#include "cli/fields.h"

static const char *const output_words[] = {
	[OUTPUT_TABLE] = "table", [OUTPUT_WIDE] = "wide", [OUTPUT_JSON] = "json",
	[OUTPUT_YAML] = "yaml",   [OUTPUT_NAME] = "name", NULL,
};

static const char *const list_forms[] = { "table", "wide", "json", "json=FIELD,FIELD",
					  "yaml",  "name", NULL };
static const char *const report_forms[] = { "table", "json", "json=FIELD,FIELD", "yaml", NULL };

// clang-format off
/* docs/decisions/0016-fields-not-jq.md */
static const struct setting refused_table[] = {
	SETTING_REFUSED("jq", "pick fields by -o json=FIELD,FIELD, or pipe -o json into jq"),
	SETTING_REFUSED("template", "pick fields by -o json=FIELD,FIELD, or pipe -o json into jq"),
	{ 0 }
};

const struct setting output_table[] = {
	SETTING_CHOICE(struct output_settings, output, 'o', "table", "FORM", list_forms,
	               "Form of the result"),
	SETTING(struct output_settings, no_headers, flag, NULL, NULL, "Leave the first line of a table out."),
	SETTING_TABLE(struct output_settings, output, refused_table),
	{ 0 }
};

const struct setting report_table[] = {
	SETTING_CHOICE(struct output_settings, output, 'o', "table", "FORM", report_forms,
	               "Form of the result"),
	SETTING_TABLE(struct output_settings, output, refused_table),
	{ 0 }
};

const struct setting namespace_table[] = {
	SETTING_SHORT(struct namespace_settings, namespace, text, 'n', NULL, "NAMESPACE",
	              "Namespace (default: WEFT_NAMESPACE, else \"default\")."),
	{ 0 }
};

const struct setting scope_table[] = {
	SETTING_TABLE(struct scope_settings, in, namespace_table),
	SETTING_SHORT(struct scope_settings, all_namespaces, flag, 'A', NULL, NULL, "All namespaces."),
	{ 0 }
};
// clang-format on

#define FIELDS_PREFIX STR("json=")

static struct str fields_of(const struct output_settings *s)
{
	struct str word = str_from(s->output);

	return str_has_prefix(word, FIELDS_PREFIX) ? str_slice(word, FIELDS_PREFIX.len, word.len)
						   : STR_EMPTY;
}

int output_parse(const struct output_settings *s, enum output *ret_output, struct diag *d)
{
	struct str word = str_from(s->output);
	enum output output = OUTPUT_TABLE;

	if (str_has_prefix(word, FIELDS_PREFIX) && !fields_of(s).len) {
		diag_fail(d, ERR_CONFIG, "-o: no field stands behind json=");
		diag_hint(d, "for example -o json=metadata.name,status.programmed");
		return ERR_CONFIG;
	}
	word = str_slice(word, 0, str_find(word, 0, '='));
	for (size_t i = 0; output_words[i]; i++)
		if (str_eq(word, str_from(output_words[i])))
			output = (enum output)i;
	*ret_output = output;
	return 0;
}

int output_read(const struct cli *c, const struct output_settings *s, enum output *ret_output)
{
	struct diag d = DIAG_INIT;
	int code = EXIT_DONE;

	if (output_parse(s, ret_output, &d) < 0)
		code = cli_misuse(c, &d);
	diag_fini(&d);
	return code;
}

static void put_schema(struct node *map, const char *name, struct pool *pool)
{
	struct node *schema = node_new_text(pool, str_from(name));

	schema->key = STR("schema");
	schema->parent = map;
	schema->next = map->first;
	map->first = schema;
	if (!map->last)
		map->last = schema;
	map->count++;
}

static void say_missing(const struct cli *c, struct str field)
{
	cli_say(c, "warning: there is no field \"%.*s\" in the result", STR_ARGS(field));
}

/* What stands beside the list stays. */
static struct node *pick(const struct cli *c, struct str fields, const struct output_tree *t,
			 struct pool *pool)
{
	struct node *body, *list = t->rows ? node_get(t->body, str_from(t->rows)) : NULL;
	struct str missing;

	if (!list) {
		body = fields_pick(t->body, fields, pool, &missing);
	} else {
		body = node_new(pool, NODE_MAP);
		node_for_each (child, t->body)
			node_map_add(body, child->key,
				     child == list ? fields_pick(list, fields, pool, &missing)
						   : node_copy(pool, child));
	}
	if (missing.len)
		say_missing(c, missing);
	return body;
}

void output_tree(const struct cli *c, const struct output_settings *s, const struct output_tree *t,
		 struct pool *pool, struct buf *out)
{
	struct str fields = fields_of(s);
	struct node *body = fields.len ? pick(c, fields, t, pool) : t->body;

	if (t->schema)
		put_schema(body, t->schema, pool);
	if (t->one_line) {
		json_write(body, out);
		buf_append_char(out, '\n');
	} else if (str_eq(str_from(s->output), str_from(output_words[OUTPUT_YAML]))) {
		yaml_write(body, out);
	} else {
		json_write_pretty(body, out);
	}
}

void output_rows(const struct cli *c, const struct output_settings *s, const struct table *t,
		 struct buf *out)
{
	struct table_options options = {
		.terminal = &c->out,
		.wide = str_eq(str_from(s->output), str_from(output_words[OUTPUT_WIDE])),
		.no_headers = s->no_headers,
	};

	if (table_row_count(t) > 0)
		table_write(t, &options, out);
}

struct str namespace_of(const struct namespace_settings *s)
{
	const char *variable = getenv("WEFT_NAMESPACE");

	if (s->namespace)
		return str_from(s->namespace);
	return variable && *variable ? str_from(variable) : STR("default");
}

struct str scope_of(const struct scope_settings *s)
{
	return s->all_namespaces ? STR_EMPTY : namespace_of(&s->in);
}

struct str answer_text(const struct node *n, const char *path)
{
	const struct node *at = node_at(n, path);

	return at && (at->kind == NODE_TEXT || at->kind == NODE_NUMBER) ? at->text : STR_EMPTY;
}

uint64_t answer_count(const struct node *n, const char *path)
{
	uint64_t value = 0;

	if (str_to_u64(answer_text(n, path), UINT64_MAX, &value) < 0)
		return 0;
	return value;
}

double answer_real(const struct node *n, const char *path)
{
	char *text = mem_strdup_str(answer_text(n, path));
	double value = strtod(text, NULL);

	mem_free(text);
	return isfinite(value) ? value : 0;
}

bool answer_flag(const struct node *n, const char *path)
{
	const struct node *at = node_at(n, path);

	return at && at->kind == NODE_BOOL && at->boolean;
}

void short_duration(struct duration d, struct buf *out)
{
	static const struct {
		const char *unit;
		int64_t seconds;
	} units[] = { { "d", 86400 }, { "h", 3600 }, { "m", 60 } };
	int64_t seconds = d.ns / 1000000000;

	for (size_t i = 0; i < array_count(units); i++) {
		int64_t rest = seconds % units[i].seconds;

		if (seconds < units[i].seconds)
			continue;
		buf_printf(out, "%lld%s", (long long)(seconds / units[i].seconds), units[i].unit);
		if (i + 1 < array_count(units) && rest >= units[i + 1].seconds)
			buf_printf(out, "%lld%s", (long long)(rest / units[i + 1].seconds),
				   units[i + 1].unit);
		else if (i + 1 == array_count(units) && rest)
			buf_printf(out, "%llds", (long long)rest);
		return;
	}
	if (seconds >= 10)
		buf_printf(out, "%llds", (long long)seconds);
	else if (seconds >= 1)
		buf_printf(out, "%.1fs", (double)d.ns / 1e9);
	else if (d.ns >= 10000000 || d.ns == 0)
		buf_printf(out, "%lldms", (long long)(d.ns / 1000000));
	else
		buf_printf(out, "%.1fms", (double)d.ns / 1e6);
}

void percent_text(double share, bool counted, struct buf *out)
{
	if (!counted)
		buf_append_char(out, '-');
	else if (share >= 1)
		buf_append_str(out, STR("100%"));
	else
		/* Rounded down: 100% is said of nothing that failed once. */
		buf_printf(out, "%.2f%%", floor(share * 10000) / 100);
}
