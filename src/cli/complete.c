/*
 * weft __complete -- WORD...: what may stand for the last word
 *
 * The scripts of `weft completion` ask it at each press of the key. A candidate is a line, its
 * text behind a tab; ":files" alone stands for the names of files. Commands, flags and choices
 * come from the tables; names come from the control plane, which has 300 ms. Whatever fails is
 * no candidate, and never a message: it would stand in the midst of what is being typed.
 */

#include "base/error.h"
#include "base/mem.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/object_ref.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "cli/shells.h"
#include "mesh/codes.h"

#define LIVE_TIMEOUT DURATION_MS(300)

struct completing {
	const struct invocation *in;
	const struct command *command; /* NULL: it is not there yet */
	char *const *words;            /* behind the command's name */
	size_t count;                  /* of them, in front of the last */
	struct str last;               /* what is typed of it */
	struct str fixed;              /* what stands in front of a candidate: "--by=", "svc/" */
	struct str name_space;
	struct str first;               /* word that is no flag */
	const struct setting *value_of; /* the last word is the value of this flag */
	bool behind_dashes;
	struct buf out;
};

/* A candidate, where it begins as what is typed. */
static void offer(struct completing *x, struct str word, const char *text)
{
	struct buf line = BUF_INIT(0);

	buf_append_str(&line, x->fixed);
	buf_append_str(&line, word);
	if (str_has_prefix(buf_str(&line), x->last))
		buf_printf(&x->out, "%.*s\t%s\n", STR_ARGS(buf_str(&line)), text);
	buf_fini(&line);
}

static void offer_files(struct completing *x)
{
	buf_clear(&x->out);
	buf_append_str(&x->out, STR(":files\n"));
}

/*
 * What the control plane knows
 */

/* NULL where it does not tell in time. The remote is to be closed. */
static struct node *ask(struct completing *x, struct remote *remote, struct str path)
{
	struct remote_request request = { .path = path, .timeout = LIVE_TIMEOUT };
	struct diag d = DIAG_INIT;
	struct node *body = NULL;

	if (remote_open(remote, x->in->cli, &d) < 0 || remote_try(remote, &request, &body, &d) < 0)
		body = NULL;
	diag_fini(&d);
	return body;
}

static void offer_names(struct completing *x, const struct kind *kind)
{
	struct object_ref all = { .kind = kind, .name_space = x->name_space };
	struct remote remote = { 0 };
	struct buf path = BUF_INIT(0);
	struct node *list;

	object_ref_path(&all, &path);
	list = node_get(ask(x, &remote, buf_str(&path)), STR("items"));
	node_for_each (object, list)
		offer(x, answer_text(object, "metadata.name"), kind->name);
	remote_close(&remote);
	buf_fini(&path);
}

/* Those of the Services, each once: the list is in their order. */
static void offer_namespaces(struct completing *x)
{
	struct object_ref all = { .kind = kind_of(KIND_SERVICE) };
	struct remote remote = { 0 };
	struct buf path = BUF_INIT(0);
	struct str last = STR_EMPTY;
	struct node *list;

	object_ref_path(&all, &path);
	list = node_get(ask(x, &remote, buf_str(&path)), STR("items"));
	node_for_each (object, list) {
		struct str name = answer_text(object, "metadata.namespace");

		if (!str_eq(name, last))
			offer(x, name, "namespace");
		last = name;
	}
	remote_close(&remote);
	buf_fini(&path);
}

static void offer_revisions(struct completing *x)
{
	struct remote remote = { 0 };
	struct node *body = ask(x, &remote, STR("/weft/v1/history?limit=20"));

	node_for_each (revision, node_get(body, STR("revisions"))) {
		char *text = mem_printf("%.*s, %.*s", STR_ARGS(answer_text(revision, "time")),
					STR_ARGS(answer_text(revision, "message")));

		offer(x, answer_text(revision, "revision"), text);
		mem_free(text);
	}
	remote_close(&remote);
}

static void offer_services(struct completing *x)
{
	offer_names(x, kind_of(KIND_SERVICE));
}

static void offer_workloads(struct completing *x)
{
	offer_names(x, kind_of(KIND_WORKLOAD));
}

/* KIND, then KIND/NAME or KIND NAME. */
static void offer_objects(struct completing *x)
{
	size_t slash = str_find(x->last, 0, '/');
	const struct kind *typed = kind_by_word(str_slice(x->last, 0, slash));
	const struct kind *before = kind_by_word(x->first);

	if (slash < x->last.len && typed) {
		x->fixed = str_slice(x->last, 0, slash + 1);
		offer_names(x, typed);
	} else if (before) {
		offer_names(x, before);
	} else {
		for (unsigned i = 0; i < KIND_COUNT; i++) {
			const struct kind *kind = kind_of((enum kind_id)i);

			offer(x, str_from(kind->words[0]), kind->text);
		}
	}
}

/*
 * What the tables know
 */

/* The first words of all commands, or the second ones of a group. */
static void offer_commands(struct completing *x, struct str group)
{
	struct str before = STR_EMPTY;

	for (size_t i = 0; commands[i]; i++) {
		struct str name = str_from(commands[i]->name);
		size_t space = str_find(name, 0, ' ');
		struct str first = str_slice(name, 0, space);

		if (commands[i]->hidden)
			continue;
		if (group.len && space < name.len && str_eq(first, group))
			offer(x, str_slice(name, space + 1, name.len), commands[i]->summary);
		else if (!group.len && !str_eq(first, before))
			offer(x, first, commands[i]->summary);
		before = first;
	}
}

static void offer_all_commands(struct completing *x)
{
	offer_commands(x, x->first);
}

static void offer_help(struct completing *x)
{
	offer_commands(x, x->first);
	if (x->first.len)
		return;
	for (size_t i = 0; i < topic_count; i++)
		offer(x, str_from(topics[i].name), topics[i].summary);
	for (unsigned i = 0; i < KIND_COUNT; i++)
		offer(x, str_from(kind_of((enum kind_id)i)->words[0]),
		      kind_of((enum kind_id)i)->text);
	for (unsigned i = 0; i < CODE_COUNT; i++)
		offer(x, str_from(code_text((enum code)i)->name), code_text((enum code)i)->title);
}

static void offer_shells(struct completing *x)
{
	for (size_t i = 0; i < shell_count; i++)
		offer(x, str_from(shells[i].name), "shell");
}

static void (*const offers[])(struct completing *x) = {
	[COMPLETE_OBJECTS] = offer_objects,       [COMPLETE_SERVICES] = offer_services,
	[COMPLETE_WORKLOADS] = offer_workloads,   [COMPLETE_REVISIONS] = offer_revisions,
	[COMPLETE_COMMANDS] = offer_all_commands, [COMPLETE_HELP] = offer_help,
	[COMPLETE_SHELLS] = offer_shells,         [COMPLETE_FILES] = offer_files,
};

/*
 * Flags
 */

static const struct setting no_flags[] = { { 0 } };

static const struct setting *own_flags(const struct completing *x)
{
	return x->command && x->command->settings ? x->command->settings : no_flags;
}

static const struct setting *flag_of(const struct completing *x, struct str word)
{
	const struct setting *row = settings_row(own_flags(x), word);

	return row ? row : settings_row(look_table, word);
}

static void offer_flag(const struct setting *row, unused_arg const char *heading, void *user)
{
	struct buf name = BUF_INIT(0), text = BUF_INIT(0);
	char *described;

	setting_flag_name(row, &name);
	setting_describe(row, &text);
	described = buf_take_text(&text);
	offer(user, buf_str(&name), described);
	mem_free(described);
	buf_fini(&name);
}

// clang-format off
/* By what a value is called. */
static const struct {
	const char *name;
	void (*offer)(struct completing *x);
} values[] = {
	{ "NAMESPACE", offer_namespaces },
	{ "FILE",      offer_files },
	{ "DIR",       offer_files },
	{ "PATH",      offer_files },
};
// clang-format on

static void offer_value(struct completing *x, const struct setting *row)
{
	for (size_t i = 0; row->choices && row->choices[i]; i++) {
		struct str word = str_from(row->choices[i]);
		size_t equals = str_find(word, 0, '=');

		offer(x, str_slice(word, 0, equals + 1), row->text);
	}
	for (size_t i = 0; row->value_name && i < array_count(values); i++)
		if (str_eq(str_from(row->value_name), str_from(values[i].name)))
			values[i].offer(x);
}

static bool takes_value(const struct setting *row)
{
	return row->kind != SETTING_KIND_flag;
}

/* "-n" of what is typed, by either of its names. */
static bool is_namespace(const struct setting *row)
{
	return row->value_name && str_eq(str_from(row->value_name), STR("NAMESPACE"));
}

/* Reads a flag in front of the last word; true when the next word is its value. */
static bool read_flag(struct completing *x, struct str word)
{
	const struct setting *row = flag_of(x, word);
	size_t equals = str_find(word, 0, '=');
	bool is_long = str_has_prefix(word, STR("--"));
	bool attached = is_long ? equals < word.len : word.len > 2;

	if (!row || !takes_value(row))
		return false;
	if (attached && is_namespace(row))
		x->name_space = str_slice(word, is_long ? equals + 1 : 2, word.len);
	x->value_of = attached ? NULL : row;
	return !attached;
}

/* What the words in front of the last one say. */
static void read_words(struct completing *x)
{
	for (size_t i = 0; i < x->count && !x->behind_dashes; i++) {
		struct str word = str_from(x->words[i]);

		if (x->value_of) {
			if (is_namespace(x->value_of))
				x->name_space = word;
			x->value_of = NULL;
		} else if (str_eq(word, STR("--"))) {
			x->behind_dashes = true;
		} else if (word.len > 1 && word.ptr[0] == '-') {
			(void)read_flag(x, word);
		} else if (!x->first.len) {
			x->first = word;
		}
	}
}

static void offer_last(struct completing *x)
{
	size_t equals = str_find(x->last, 0, '=');
	bool is_flag = x->last.len > 0 && x->last.ptr[0] == '-';
	const struct setting *row = is_flag ? flag_of(x, x->last) : NULL;

	if (x->behind_dashes) {
		offer_files(x);
	} else if (x->value_of) {
		offer_value(x, x->value_of);
	} else if (row && equals < x->last.len) {
		x->fixed = str_slice(x->last, 0, equals + 1);
		offer_value(x, row);
	} else if (is_flag) {
		settings_each(own_flags(x), offer_flag, x);
		settings_each(look_table, offer_flag, x);
	} else if (x->command && offers[x->command->words]) {
		offers[x->command->words](x);
	}
}

/*
 * The command
 */

/* Flags in front of it that every command has. */
static void skip_front(struct completing *x)
{
	while (x->count > 0 && x->words[0][0] == '-') {
		struct str word = str_from(x->words[0]);
		bool value = read_flag(x, word) && x->count > 1;

		x->words += value ? 2 : 1;
		x->count -= value ? 2 : 1;
		if (value)
			x->value_of = NULL;
	}
}

/* Finds the command of the first or the first two words, and offers what its name may be. */
static void read_command(struct completing *x)
{
	char *two = x->count > 1 ? mem_printf("%s %s", x->words[0], x->words[1]) : NULL;
	const struct command *command = two ? command_find(str_from(two)) : NULL;
	size_t used = command ? 2 : 1;

	mem_free(two);
	if (!x->count) {
		if (!x->value_of)
			offer_commands(x, STR_EMPTY);
		return;
	}
	if (x->count == 1)
		offer_commands(x, str_from(x->words[0]));
	x->command = command ? command : command_find(str_from(x->words[0]));
	x->words += used;
	x->count -= used;
}

static int run(const struct invocation *in)
{
	struct completing x = { .in = in, .words = in->program };

	if (!in->program || !in->program[0])
		return EXIT_DONE;
	while (in->program[x.count + 1])
		x.count++;
	x.last = str_from(in->program[x.count]);
	x.name_space = namespace_of(&(struct namespace_settings){ 0 });
	skip_front(&x);
	read_command(&x);
	read_words(&x);
	offer_last(&x);
	cli_out(in->cli, &x.out);
	buf_fini(&x.out);
	return EXIT_DONE;
}

const struct command complete_command = {
	.name = "__complete",
	.summary = "Say what may stand for the last word",
	.usage = "-- WORD...",
	.takes_program = true,
	.hidden = true,
	.run = run,
};
