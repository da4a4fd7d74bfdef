#include "cli/output.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"

// clang-format off
const struct setting output_table[] = {
	SETTING_SHORT(struct output_settings, output, text, 'o', "table", "FORM",
	              "Form of the result: table, wide, json, yaml or name."),
	SETTING(struct output_settings, no_headers, flag, NULL, NULL, "Leave the first line of a table out."),
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

static const char *const output_words[] = {
	[OUTPUT_TABLE] = "table", [OUTPUT_WIDE] = "wide", [OUTPUT_JSON] = "json",
	[OUTPUT_YAML] = "yaml",   [OUTPUT_NAME] = "name", NULL,
};

int output_parse(const struct output_settings *s, enum output *ret_output, struct diag *d)
{
	struct str word = str_from(s->output);
	const char *nearest;

	for (size_t i = 0; output_words[i]; i++) {
		if (!str_eq(word, str_from(output_words[i])))
			continue;
		*ret_output = (enum output)i;
		return 0;
	}
	diag_fail(d, ERR_CONFIG, "-o: \"%s\" is not table, wide, json, yaml or name", s->output);
	nearest = str_nearest(word, output_words);
	if (nearest)
		diag_hint(d, "did you mean -o %s?", nearest);
	return ERR_CONFIG;
}

int output_read(const struct cli *c, const struct output_settings *s, enum output *ret_output)
{
	struct diag d = DIAG_INIT;
	int r = output_parse(s, ret_output, &d);

	if (r < 0)
		(void)cli_problem(c, &d, STR_EMPTY);
	diag_fini(&d);
	return r < 0 ? EXIT_USAGE : EXIT_DONE;
}

void output_schema(struct node *map, const char *name, struct pool *pool)
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

void output_node(const struct cli *c, enum output output, const struct node *n)
{
	struct buf text = BUF_INIT(0);

	if (output == OUTPUT_YAML)
		yaml_write(n, &text);
	else
		json_write_pretty(n, &text);
	cli_out(c, &text);
	buf_fini(&text);
}

void output_rows(const struct cli *c, const struct output_settings *s, const struct table *t,
		 const char *empty)
{
	struct table_options options = {
		.terminal = &c->out,
		.wide = str_eq(str_from(s->output), STR("wide")),
		.no_headers = s->no_headers,
	};
	struct buf text = BUF_INIT(0);

	if (!table_row_count(t)) {
		cli_say(c, "%s", empty);
		return;
	}
	table_write(t, &options, &text);
	cli_out(c, &text);
	buf_fini(&text);
}

struct str namespace_of(const struct namespace_settings *s)
{
	const char *variable = getenv("WEFT_NAMESPACE");

	if (s->namespace)
		return str_from(s->namespace);
	return variable && *variable ? str_from(variable) : STR("default");
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
