/*
 * weft diff: what an apply would change, or what changed between two revisions
 */

#include "base/error.h"
#include "base/mem.h"
#include "cli/change.h"
#include "cli/commands.h"
#include "cli/sources.h"
#include "cli/tree.h"
#include "codec/percent.h"

struct diff_settings {
	struct namespace_settings in;
	struct output_settings output;
	setting_list file;
};

static const struct setting table[] = {
	SETTING_SHORT(struct diff_settings, file, list, 'f', NULL, "FILE",
		      "A file, a directory of them, or - for standard input; repeatable."),
	SETTING_TABLE(struct diff_settings, in, namespace_table),
	OUTPUT_SETTINGS(struct diff_settings, output),
	{ 0 },
};

static const char *const counts[] = { "created", "changed", "deleted" };

static bool has_differences(const struct node *body)
{
	for (size_t i = 0; i < array_count(counts); i++)
		if (answer_count(body, counts[i]) > 0)
			return true;
	return false;
}

/* The plan is the answer of a dry run, or has its form. */
static int show(const struct invocation *in, enum output output, struct node *body,
		struct pool *pool)
{
	const struct diff_settings *s = in->settings;
	bool people = output == OUTPUT_TABLE || output == OUTPUT_WIDE;

	if (people && !has_differences(body))
		cli_say(in->cli, "No differences.");
	else
		change_show(in->cli, &s->output, body, pool);
	return has_differences(body) ? EXIT_FINDINGS : EXIT_DONE;
}

/*
 * Files against what holds
 */

static int ask_plan(const struct invocation *in, struct sources *sources, enum output output)
{
	const struct diff_settings *s = in->settings;
	struct buf path = BUF_INIT(0), list = BUF_INIT(0);
	struct remote_request request = { .method = METHOD_POST };
	struct diag d = DIAG_INIT;
	struct remote remote = { 0 };
	struct node *body;
	int code;

	buf_append_str(&path, STR("/apply?dryRun=true&namespace="));
	percent_encode(namespace_of(&s->in), PERCENT_COMPONENT, &path);
	sources_list(sources, &list);
	request.path = buf_str(&path);
	request.body = buf_str(&list);
	if (remote_open(&remote, in->cli, &d) < 0 || remote_try(&remote, &request, &body, &d) < 0) {
		sources_locate(sources, &d);
		code = sources_problem(sources, in->cli, &d);
	} else {
		code = show(in, output, body, &remote.pool);
	}
	remote_close(&remote);
	diag_fini(&d);
	buf_fini(&path);
	buf_fini(&list);
	return code;
}

static int diff_files(const struct invocation *in, enum output output)
{
	const struct diff_settings *s = in->settings;
	struct sources sources;
	struct diag d = DIAG_INIT;
	int code;

	sources_init(&sources);
	if (sources_read(&sources, &s->file, namespace_of(&s->in), &d) < 0)
		code = sources_problem(&sources, in->cli, &d);
	else
		code = ask_plan(in, &sources, output);
	diag_fini(&d);
	sources_fini(&sources);
	return code;
}

/*
 * One revision against another
 */

struct comparison {
	struct pool *pool;
	struct documents before;
	struct documents after;
	struct node *body;
	struct node *objects;
	int64_t totals[array_count(counts)];
};

static const struct document *find(const struct documents *all, const struct document *doc)
{
	for (uint32_t i = 0; i < all->count; i++)
		if (all->items[i]->kind == doc->kind && str_eq(all->items[i]->name, doc->name) &&
		    str_eq(all->items[i]->name_space, doc->name_space))
			return all->items[i];
	return NULL;
}

static struct node *value_node(struct comparison *x, const struct node *value)
{
	struct buf text = BUF_INIT(0);
	struct node *n;

	difference_value(value, &text);
	n = node_new_text(x->pool, pool_strdup(x->pool, buf_str(&text)));
	buf_fini(&text);
	return n;
}

static struct node *differences_node(struct comparison *x, const struct differences *differences)
{
	struct node *list = node_new(x->pool, NODE_LIST);

	for (uint32_t i = 0; i < differences->count; i++) {
		const struct difference *one = &differences->items[i];
		struct node *n = node_new(x->pool, NODE_MAP);

		tree_text(x->pool, n, "path", one->path);
		node_map_add(n, STR("before"), value_node(x, one->before));
		node_map_add(n, STR("after"), value_node(x, one->after));
		node_list_add(list, n);
	}
	return list;
}

enum { CREATED, CHANGED, DELETED };

static void compare(struct comparison *x, const struct document *before,
		    const struct document *after)
{
	const struct document *doc = after ? after : before;
	struct differences differences = { 0 };
	unsigned action = !before ? CREATED : after ? CHANGED : DELETED;
	struct node *n;

	if (before && after) {
		differences = document_diff(before, after, x->pool);
		if (!differences.count)
			return;
	}
	n = node_new(x->pool, NODE_MAP);
	tree_text(x->pool, n, "kind", str_from(doc->kind->name));
	tree_text(x->pool, n, "namespace", doc->name_space);
	tree_text(x->pool, n, "name", doc->name);
	tree_text(x->pool, n, "action", str_from(counts[action]));
	node_map_add(n, STR("differences"), differences_node(x, &differences));
	node_list_add(x->objects, n);
	x->totals[action]++;
}

static void compare_all(struct comparison *x, uint64_t to)
{
	x->body = node_new(x->pool, NODE_MAP);
	x->objects = node_new(x->pool, NODE_LIST);
	for (uint32_t i = 0; i < x->after.count; i++)
		compare(x, find(&x->before, x->after.items[i]), x->after.items[i]);
	for (uint32_t i = 0; i < x->before.count; i++)
		if (!find(&x->after, x->before.items[i]))
			compare(x, x->before.items[i], NULL);
	tree_number(x->pool, x->body, "revision", (int64_t)to);
	for (size_t i = 0; i < array_count(counts); i++)
		node_map_add(x->body, str_from(counts[i]), node_new_number(x->pool, x->totals[i]));
	node_map_add(x->body, STR("objects"), x->objects);
}

static int revision_read(struct remote *remote, uint64_t revision, struct documents *documents,
			 struct diag *d)
{
	char *path = mem_printf("/weft/v1/revisions/%llu", (unsigned long long)revision);
	struct remote_request request = { .path = str_from(path) };
	struct document_options options = { 0 };
	struct node *body;
	int r;

	r = remote_try(remote, &request, &body, d);
	if (r == 0)
		r = documents_read(body, &options, &remote->pool, documents, d);
	mem_free(path);
	return r;
}

static int revisions_of(const struct invocation *in, uint64_t numbers[2])
{
	for (size_t i = 0; i < in->word_count; i++)
		if (str_to_u64(str_from(in->words[i]), INT64_MAX, &numbers[i]) < 0)
			return cli_usage(in->cli, "diff", "\"%s\" is not the number of a revision",
					 in->words[i]);
	return EXIT_DONE;
}

static int present_revision(struct remote *remote, uint64_t *ret_revision, struct diag *d)
{
	struct remote_request request = { .path = STR("/weft/v1/info") };
	struct node *body;
	int r = remote_try(remote, &request, &body, d);

	if (r == 0)
		*ret_revision = answer_count(body, "revision");
	return r;
}

static int diff_revisions(const struct invocation *in, enum output output)
{
	uint64_t numbers[2] = { 0 };
	struct diag d = DIAG_INIT;
	struct remote remote = { 0 };
	struct comparison x = { .pool = &remote.pool };
	int code = revisions_of(in, numbers);
	int r;

	if (code)
		return code;
	r = remote_open(&remote, in->cli, &d);
	if (r == 0 && in->word_count == 1)
		r = present_revision(&remote, &numbers[1], &d);
	if (r == 0)
		r = revision_read(&remote, numbers[0], &x.before, &d);
	if (r == 0)
		r = revision_read(&remote, numbers[1], &x.after, &d);
	if (r < 0) {
		code = cli_problem(in->cli, &d, STR_EMPTY);
	} else {
		compare_all(&x, numbers[1]);
		code = show(in, output, x.body, &remote.pool);
	}
	remote_close(&remote);
	diag_fini(&d);
	return code;
}

static int run(const struct invocation *in)
{
	const struct diff_settings *s = in->settings;
	enum output output;
	int code = output_read(in->cli, &s->output, &output);

	if (code)
		return code;
	if (s->file.count && in->word_count)
		return cli_usage(in->cli, "diff", "either -f FILE or revisions");
	if (s->file.count)
		return diff_files(in, output);
	if (in->word_count < 1 || in->word_count > 2)
		return cli_usage(in->cli, "diff", "-f FILE or one or two revisions are needed");
	return diff_revisions(in, output);
}

const struct command diff_command = {
	.name = "diff",
	.summary = "Show what an apply would change, or what changed between revisions",
	.usage = "-f FILE|DIR|- | REVISION [REVISION] [flags]",
	.examples = {
		{ "weft diff -f reviews.yaml", "what weft apply would change" },
		{ "weft diff 418", "what has changed since revision 418" },
		{ "weft diff 418 420", "what changed from one to the other" },
	},
	.settings = table,
	.settings_size = sizeof(struct diff_settings),
	.notes = "The exit code is 3 when there are differences.",
	.see_also = "weft apply, weft history",
	.takes_words = true,
	.exits = EXITS_REMOTE | EXITS_FINDINGS,
	.words = COMPLETE_REVISIONS,
	.run = run,
};
