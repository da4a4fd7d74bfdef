/*
 * weft delete: objects by name, or those of a file
 */

#include "base/error.h"
#include "cli/change.h"
#include "cli/commands.h"
#include "cli/object_ref.h"
#include "cli/sources.h"
#include "cli/tree.h"

struct delete_settings {
	struct namespace_settings in;
	struct change_settings change;
	setting_list file;
	setting_flag ignore_missing;
};

static const struct setting table[] = {
	SETTING_SHORT(struct delete_settings, file, list, 'f', NULL, "FILE",
		      "Delete the objects of a file or directory; - is standard input."),
	SETTING_TABLE(struct delete_settings, in, namespace_table),
	SETTING(struct delete_settings, ignore_missing, flag, NULL, NULL,
		"What does not exist is no failure."),
	SETTING_TABLE(struct delete_settings, change, change_table),
	{ 0 },
};

/* A deletion under way; `body` is the answer that apply would have given for all of it. */
struct deletion {
	const struct delete_settings *settings;
	struct change *change;
	struct pool *pool;
	struct node *objects;
	int64_t first_revision; /* 0: none of what was deleted had one */
	int64_t revision;
	uint32_t count;
};

static void note(struct deletion *x, const struct object_ref *ref, const struct node *answer)
{
	struct node *object = node_new(x->pool, NODE_MAP);
	int64_t revision = (int64_t)answer_count(answer, "revision");

	tree_text(x->pool, object, "kind", str_from(ref->kind->name));
	tree_text(x->pool, object, "namespace", ref->name_space);
	tree_text(x->pool, object, "name", ref->name);
	tree_text(x->pool, object, "action", STR("deleted"));
	node_list_add(x->objects, object);
	x->count++;
	if (!x->first_revision)
		x->first_revision = revision;
	x->revision = max_of(x->revision, revision);
}

static int delete_one(struct deletion *x, const struct object_ref *ref)
{
	struct remote_request request = { .method = METHOD_DELETE };
	struct buf path = BUF_INIT(0);
	struct diag d = DIAG_INIT;
	struct node *answer;
	int code = EXIT_DONE;
	int r;

	object_ref_path(ref, &path);
	if (x->settings->change.dry_run)
		buf_append_str(&path, STR("?dryRun=true"));
	request.path = buf_str(&path);
	r = remote_try(x->change->remote, &request, &answer, &d);
	if (r == 0)
		note(x, ref, answer);
	else if (r != ERR_NOT_FOUND || !x->settings->ignore_missing)
		code = cli_problem(x->change->cli, &d, STR_EMPTY);
	diag_fini(&d);
	buf_fini(&path);
	return code;
}

static struct node *summary(const struct deletion *x)
{
	struct node *body = node_new(x->pool, NODE_MAP);
	bool counts = x->first_revision > 0;

	tree_text(x->pool, body, "kind", STR("Change"));
	tree_bool(x->pool, body, "dryRun", x->settings->change.dry_run);
	tree_number(x->pool, body, "revision", x->revision);
	tree_number(x->pool, body, "previous", counts ? x->first_revision - 1 : 0);
	tree_number(x->pool, body, "deleted", x->count);
	node_map_add(body, STR("objects"), x->objects);
	return body;
}

static int delete_all(struct deletion *x, const struct object_refs *refs)
{
	int code = EXIT_DONE;
	int shown;

	x->objects = node_new(x->pool, NODE_LIST);
	for (size_t i = 0; code == EXIT_DONE && i < refs->count; i++)
		code = delete_one(x, &refs->items[i]);
	if (code != EXIT_DONE && !x->count)
		return code;
	shown = change_finish(x->change, summary(x));
	return code ? code : shown;
}

/* Workloads and what else is registered end by their own means. */
static int check_refs(const struct invocation *in, const struct object_refs *refs)
{
	for (size_t i = 0; i < refs->count; i++)
		if (!refs->items[i].name.len)
			return cli_usage(in->cli, "delete",
					 "which %s? name it: weft delete %s/NAME",
					 refs->items[i].kind->name, refs->items[i].kind->words[0]);
	if (!refs->count)
		return cli_usage(in->cli, "delete", "what to delete is missing");
	return EXIT_DONE;
}

static void refs_from(const struct sources *sources, struct object_refs *refs, struct pool *pool)
{
	uint32_t count = sources->documents.count;

	refs->items = pool_new_array(pool, struct object_ref, count);
	for (uint32_t i = 0; i < count; i++) {
		const struct document *doc = sources->documents.items[i];

		refs->items[refs->count++] = (struct object_ref){
			.kind = doc->kind,
			.name_space = doc->name_space,
			.name = doc->name,
		};
	}
}

static int refs_read(const struct invocation *in, struct sources *sources,
		     struct object_refs *ret_refs, struct pool *pool)
{
	const struct delete_settings *s = in->settings;
	struct str name_space = namespace_of(&s->in);
	struct object_refs refs = { 0 };
	struct diag d = DIAG_INIT;
	int code = EXIT_DONE;

	if (s->file.count && in->word_count)
		return cli_usage(in->cli, "delete", "either -f FILE or names");
	if (s->file.count && sources_read(sources, &s->file, name_space, &d) < 0) {
		code = sources_problem(sources, in->cli, &d);
	} else if (s->file.count) {
		refs_from(sources, &refs, pool);
	} else if (object_refs_parse(in->words, in->word_count, name_space, pool, &refs, &d) < 0) {
		(void)cli_problem(in->cli, &d, STR_EMPTY);
		code = EXIT_USAGE;
	}
	diag_fini(&d);
	*ret_refs = refs;
	return code ? code : check_refs(in, &refs);
}

static int run(const struct invocation *in)
{
	const struct delete_settings *s = in->settings;
	struct remote remote = { 0 };
	struct change c = { .cli = in->cli, .settings = &s->change, .remote = &remote };
	struct pool pool = POOL_INIT(0);
	struct deletion x = { .settings = s, .change = &c, .pool = &pool };
	struct object_refs refs = { 0 };
	struct sources sources;
	struct diag d = DIAG_INIT;
	int code = change_begin(&c);

	if (code)
		return code;
	sources_init(&sources);
	code = refs_read(in, &sources, &refs, &pool);
	if (code == EXIT_DONE && remote_open(&remote, in->cli, &d) < 0)
		code = cli_problem(in->cli, &d, STR_EMPTY);
	if (code == EXIT_DONE)
		code = delete_all(&x, &refs);
	remote_close(&remote);
	sources_fini(&sources);
	pool_fini(&pool);
	diag_fini(&d);
	return code;
}

const struct command delete_command = {
	.name = "delete",
	.summary = "Delete documents",
	.usage = "KIND/NAME... | -f FILE|DIR|- [flags]",
	.examples = {
		{ "weft delete httproute/reviews", "one object" },
		{ "weft delete -f reviews.yaml", "the objects of a file" },
		{ "weft delete httproute/reviews --dry-run", "show what would go" },
	},
	.settings = table,
	.settings_size = sizeof(struct delete_settings),
	.notes = "Each object is a revision of its own; undo with the one before them all.",
	.see_also = "weft get, weft rollback",
	.takes_words = true,
	.run = run,
};
