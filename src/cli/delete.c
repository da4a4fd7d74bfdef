/*
 * weft delete: objects by name and those of files, in one transaction
 */

#include "base/error.h"
#include "cli/change.h"
#include "cli/commands.h"
#include "cli/object_ref.h"
#include "cli/sources.h"

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

/* The body of POST /apply: what is to go, as paths. */
static void write_deletions(const struct object_refs *refs, struct buf *out)
{
	buf_append_str(out, STR("{\"kind\":\"List\",\"apiVersion\":\"v1\",\"deletions\":["));
	for (size_t i = 0; i < refs->count; i++) {
		/* Nothing in a path needs an escape. */
		buf_append_str(out, i ? STR(",\"") : STR("\""));
		object_ref_path(&refs->items[i], out);
		buf_append_char(out, '"');
	}
	buf_append_str(out, STR("]}"));
}

static int delete_all(struct change *c, const struct delete_settings *s,
		      const struct object_refs *refs)
{
	struct buf path = BUF_INIT(0), body = BUF_INIT(0);
	struct remote_request request = { .method = METHOD_POST };
	struct diag d = DIAG_INIT;
	struct node *answer;
	int code;

	buf_printf(&path, "/apply?dryRun=%s&ignoreMissing=%s", s->change.dry_run ? "true" : "false",
		   s->ignore_missing ? "true" : "false");
	write_deletions(refs, &body);
	request.path = buf_str(&path);
	request.body = buf_str(&body);
	if (remote_try(c->remote, &request, &answer, &d) < 0)
		code = cli_problem(c->cli, &d, STR_EMPTY);
	else
		code = change_finish(c, answer);
	diag_fini(&d);
	buf_fini(&path);
	buf_fini(&body);
	return code;
}

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

static void refs_add(struct object_refs *refs, const struct sources *sources, struct pool *pool)
{
	uint32_t count = sources->documents.count;
	struct object_ref *items = pool_new_array(pool, struct object_ref, refs->count + count);

	for (size_t i = 0; i < refs->count; i++)
		items[i] = refs->items[i];
	refs->items = items;
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
	struct diag d = DIAG_INIT;
	int code = EXIT_DONE;

	if (in->word_count &&
	    object_refs_parse(in->words, in->word_count, name_space, pool, ret_refs, &d) < 0) {
		code = cli_misuse(in->cli, &d);
	} else if (sources_read(sources, &s->file, name_space, &d) < 0) {
		code = sources_problem(sources, in->cli, &d);
	} else {
		refs_add(ret_refs, sources, pool);
	}
	diag_fini(&d);
	return code ? code : check_refs(in, ret_refs);
}

static int run(const struct invocation *in)
{
	const struct delete_settings *s = in->settings;
	struct remote remote = { 0 };
	struct change c = { .cli = in->cli, .settings = &s->change, .remote = &remote };
	struct pool pool = POOL_INIT(0);
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
		code = delete_all(&c, s, &refs);
	remote_close(&remote);
	sources_fini(&sources);
	pool_fini(&pool);
	diag_fini(&d);
	return code;
}

const struct command delete_command = {
	.name = "delete",
	.summary = "Delete documents, as one revision",
	.usage = "[KIND/NAME...] [-f FILE|DIR|-] [flags]",
	.examples = {
		{ "weft delete httproute/reviews", "one object" },
		{ "weft delete httproute/reviews svc/reviews", "several, all or none" },
		{ "weft delete -f reviews.yaml", "the objects of a file" },
		{ "weft delete httproute/reviews --dry-run", "show what would go" },
	},
	.settings = table,
	.settings_size = sizeof(struct delete_settings),
	.notes = "All of it is one transaction: where one object cannot go, none does.\n"
		 "What weft run registered makes no revision; no rollback brings it back.",
	.see_also = "weft get, weft rollback",
	.takes_words = true,
	.exits = EXITS_REMOTE | EXITS_WAIT,
	.words = COMPLETE_OBJECTS,
	.run = run,
};
