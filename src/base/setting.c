#include "base/setting.h"

#include <assert.h>

#include "base/error.h"
#include "base/mem.h"

/* A row and the field of the object that it describes. */
struct slot {
	const struct setting *row;
	void *field;
};

static void *field_at(const struct setting *row, void *object)
{
	return object ? (char *)object + row->offset : NULL;
}

/*
 * The kinds
 *
 * `read` parses a text into the field and returns 0 or an error; `expects` ends the sentence
 * "--name is not ...". `drop` frees what the field owns.
 */
struct kind {
	int (*read)(void *field, const char *text);
	void (*drop)(void *field);
	const char *expects;
};

static int flag_read(void *field, const char *text)
{
	setting_flag *flag = field;
	struct str s = str_from(text);

	if (!str_eq(s, STR("true")) && !str_eq(s, STR("false")))
		return ERR_SYNTAX;
	*flag = str_eq(s, STR("true"));
	return 0;
}

static int count_read(void *field, const char *text)
{
	return str_to_u64(str_from(text), UINT64_MAX, field);
}

static int duration_read(void *field, const char *text)
{
	return duration_parse(str_from(text), field);
}

static void text_drop(void *field)
{
	mem_freep(field);
}

static int text_read(void *field, const char *text)
{
	setting_text *value = field;

	text_drop(field);
	*value = mem_strdup(text);
	return 0;
}

static int list_read(void *field, const char *text)
{
	setting_list *list = field;

	list->items = mem_realloc(list->items, (list->count + 1) * sizeof(*list->items));
	list->items[list->count++] = mem_strdup(text);
	return 0;
}

static void list_drop(void *field)
{
	setting_list *list = field;

	for (size_t i = 0; i < list->count; i++)
		mem_free(list->items[i]);
	list->items = mem_free(list->items);
	list->count = 0;
}

// clang-format off
static const struct kind kinds[] = {
	[SETTING_KIND_flag]     = { flag_read,     NULL,      "true or false" },
	[SETTING_KIND_count]    = { count_read,    NULL,      "a whole number" },
	[SETTING_KIND_duration] = { duration_read, NULL,      "a duration such as 1500ms, 10s or 1h30m" },
	[SETTING_KIND_text]     = { text_read,     text_drop, NULL },
	[SETTING_KIND_list]     = { list_read,     list_drop, NULL },
};
// clang-format on

static size_t kind_size(enum setting_kind kind)
{
	static const size_t sizes[] = {
		[SETTING_KIND_flag] = sizeof(setting_flag),
		[SETTING_KIND_count] = sizeof(setting_count),
		[SETTING_KIND_duration] = sizeof(setting_duration),
		[SETTING_KIND_text] = sizeof(setting_text),
		[SETTING_KIND_list] = sizeof(setting_list),
	};

	return sizes[kind];
}

void settings_init(const struct setting *table, void *object)
{
	for (const struct setting *row = table; row->kind != SETTING_END; row++) {
		void *field = field_at(row, object);

		if (row->kind == SETTING_KIND_table) {
			settings_init(row->table, field);
			continue;
		}
		if (row->kind == SETTING_KIND_refused)
			continue;
		memset(field, 0, kind_size(row->kind));
		if (row->default_text) {
			int r = kinds[row->kind].read(field, row->default_text);

			assert(r == 0);
		}
	}
}

void settings_fini(const struct setting *table, void *object)
{
	for (const struct setting *row = table; row->kind != SETTING_END; row++) {
		void *field = field_at(row, object);

		if (row->kind == SETTING_KIND_table)
			settings_fini(row->table, field);
		else if (row->kind != SETTING_KIND_refused && kinds[row->kind].drop)
			kinds[row->kind].drop(field);
	}
}

/* The name as it stands on the command line, without the dashes in front. */
static char flag_char(char c)
{
	return c == '_' ? '-' : c;
}

static bool name_matches(const char *name, struct str word)
{
	size_t i = 0;

	while (i < word.len && name[i] && flag_char(name[i]) == flag_char(word.ptr[i]))
		i++;
	return i == word.len && !name[i];
}

/* By long name, or by letter where that is not 0. */
static bool slot_find(const struct setting *table, void *object, struct str name, char letter,
		      struct slot *ret_slot)
{
	for (const struct setting *row = table; row->kind != SETTING_END; row++) {
		void *field = field_at(row, object);

		if (row->kind == SETTING_KIND_table) {
			if (slot_find(row->table, field, name, letter, ret_slot))
				return true;
		} else if (letter ? row->letter == letter : name_matches(row->name, name)) {
			*ret_slot = (struct slot){ row, field };
			return true;
		}
	}
	return false;
}

void setting_flag_name(const struct setting *row, struct buf *out)
{
	buf_append_str(out, STR("--"));
	for (const char *c = row->name; *c; c++)
		buf_append_char(out, flag_char(*c));
}

static void each(const struct setting *table, const char *heading, setting_visit *visit, void *user)
{
	for (const struct setting *row = table; row->kind != SETTING_END; row++)
		if (row->kind == SETTING_KIND_table)
			each(row->table, row->text ? row->text : heading, visit, user);
		else if (row->kind != SETTING_KIND_refused)
			visit(row, heading, user);
}

void settings_each(const struct setting *table, setting_visit *visit, void *user)
{
	each(table, NULL, visit, user);
}

#define FLAGS_MAX 128

struct flag_names {
	char *items[FLAGS_MAX + 1];
	size_t count;
};

static void flag_collect(const struct setting *row, unused_arg const char *heading, void *user)
{
	struct flag_names *names = user;
	struct buf name = BUF_INIT(0);

	assert(names->count < FLAGS_MAX);
	setting_flag_name(row, &name);
	names->items[names->count++] = buf_take_text(&name);
}

/* What was meant by "--windw", or by "-window". */
static void hint_nearest(const struct setting *table, struct str flag, struct diag *d)
{
	struct flag_names names = { 0 };
	struct buf word = BUF_INIT(0);
	const char *nearest;

	settings_each(table, flag_collect, &names);
	if (!str_has_prefix(flag, STR("--")))
		buf_append_char(&word, '-');
	buf_append_str(&word, flag);
	nearest = str_nearest(buf_str(&word), (const char *const *)names.items);
	if (nearest)
		diag_hint(d, "did you mean %s?", nearest);
	for (size_t i = 0; i < names.count; i++)
		mem_free(names.items[i]);
	buf_fini(&word);
}

static int fail_unknown(const struct setting *table, struct str flag, struct diag *d)
{
	int r = diag_fail(d, ERR_CONFIG, "unknown flag %.*s", STR_ARGS(flag));

	hint_nearest(table, flag, d);
	return r;
}

/*
 * Choices
 */

static bool is_choice(struct str value, const char *choice)
{
	struct str word = str_from(choice);
	size_t equals = str_find(word, 0, '=');

	return equals < word.len ? str_has_prefix(value, str_slice(word, 0, equals + 1))
				 : str_eq(value, word);
}

static bool is_choice_of(const struct setting *row, const char *value)
{
	for (size_t i = 0; row->choices && row->choices[i]; i++)
		if (is_choice(str_from(value), row->choices[i]))
			return true;
	return !row->choices;
}

/* "table, wide or json" */
static void choices_put(const struct setting *row, struct buf *out)
{
	for (size_t i = 0; row->choices[i]; i++) {
		const char *between = !i ? "" : row->choices[i + 1] ? ", " : " or ";

		buf_printf(out, "%s%s", between, row->choices[i]);
	}
}

static int fail_choice(const struct setting *row, struct str flag, const char *value,
		       struct diag *d)
{
	const char *nearest = str_nearest(str_from(value), row->choices);
	struct buf words = BUF_INIT(0);
	int r;

	choices_put(row, &words);
	r = diag_fail(d, ERR_CONFIG, "%.*s: \"%s\" is not %.*s", STR_ARGS(flag), value,
		      STR_ARGS(buf_str(&words)));
	if (nearest)
		diag_hint(d, "did you mean %s?", nearest);
	buf_fini(&words);
	return r;
}

static int slot_set(struct slot slot, struct str flag, const char *value, struct diag *d)
{
	const struct kind *kind = &kinds[slot.row->kind];
	int r;

	if (!is_choice_of(slot.row, value))
		return fail_choice(slot.row, flag, value, d);
	r = kind->read(slot.field, value);
	if (r == ERR_LIMIT)
		return diag_fail(d, ERR_CONFIG, "%.*s: %s is too large", STR_ARGS(flag), value);
	if (r < 0)
		return diag_fail(d, ERR_CONFIG, "%.*s: \"%s\" is not %s", STR_ARGS(flag), value,
				 kind->expects);
	return 0;
}

int settings_set(const struct setting *table, void *object, struct str name, const char *value,
		 struct diag *d)
{
	struct slot slot;

	if (!slot_find(table, object, name, 0, &slot) || slot.row->kind == SETTING_KIND_refused)
		return ERR_NOT_FOUND;
	return slot_set(slot, name, value, d);
}

/* The walk over argv. */
struct walk {
	const struct setting *table;
	void *object;
	int argc;
	char **argv;
	int next; /* index of the argument to be read next */
	struct diag *d;
};

/* The next argument is the value of `flag`, unless it looks like a flag itself. */
static int take_value(struct walk *w, struct slot slot, struct str flag)
{
	const char *value = w->next < w->argc ? w->argv[w->next] : NULL;

	if (!value || (value[0] == '-' && value[1])) {
		int r = diag_fail(w->d, ERR_CONFIG, "%.*s needs a value (%s)", STR_ARGS(flag),
				  slot.row->value_name ? slot.row->value_name : "VALUE");

		if (value && flag.len > 2)
			diag_hint(w->d, "if \"%s\" is meant, write %.*s=%s", value, STR_ARGS(flag),
				  value);
		return r;
	}
	w->next++;
	return slot_set(slot, flag, value, w->d);
}

static int fail_refused(const struct setting *row, struct str flag, struct diag *d)
{
	int r = diag_fail(d, ERR_CONFIG, "%.*s is not there", STR_ARGS(flag));

	diag_hint(d, "%s", row->text);
	return r;
}

/* -x VALUE, -xVALUE; of flags without a value several: -Aw. */
static int read_letters(struct walk *w, const char *argument)
{
	struct slot long_one;

	/* "-namespace x" is no namespace "amespace". */
	if (argument[2] && slot_find(w->table, w->object, str_from(argument + 1), 0, &long_one))
		return fail_unknown(w->table, str_from(argument), w->d);
	for (const char *letter = argument + 1; *letter; letter++) {
		char text[] = { '-', *letter, 0 };
		struct str flag = str_of(text, 2);
		struct slot slot;
		int r;

		if (!slot_find(w->table, w->object, STR_EMPTY, *letter, &slot))
			return fail_unknown(
				w->table, letter == argument + 1 ? str_from(argument) : flag, w->d);
		if (slot.row->kind != SETTING_KIND_flag)
			return letter[1] ? slot_set(slot, flag, letter + 1, w->d)
					 : take_value(w, slot, flag);
		r = slot_set(slot, flag, "true", w->d);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_long(struct walk *w, const char *argument)
{
	struct str flag = str_from(argument);
	size_t equals = str_find(flag, 0, '=');
	const char *value = equals < flag.len ? argument + equals + 1 : NULL;
	struct slot slot;

	flag.len = equals;

	struct str name = str_slice(flag, 2, flag.len);

	if (slot_find(w->table, w->object, name, 0, &slot)) {
		if (slot.row->kind == SETTING_KIND_refused)
			return fail_refused(slot.row, flag, w->d);
		if (value)
			return slot_set(slot, flag, value, w->d);
		if (slot.row->kind == SETTING_KIND_flag)
			return slot_set(slot, flag, "true", w->d);
		return take_value(w, slot, flag);
	}
	if (!value && str_has_prefix(name, STR("no-")) &&
	    slot_find(w->table, w->object, str_slice(name, 3, name.len), 0, &slot) &&
	    slot.row->kind == SETTING_KIND_flag)
		return slot_set(slot, flag, "false", w->d);
	return fail_unknown(w->table, flag, w->d);
}

enum argument { ARGUMENT_END, ARGUMENT_WORD, ARGUMENT_LETTER, ARGUMENT_LONG };

static enum argument argument_class(const char *argument)
{
	if (argument[0] != '-' || !argument[1])
		return ARGUMENT_WORD;
	if (argument[1] != '-')
		return ARGUMENT_LETTER;
	return argument[2] ? ARGUMENT_LONG : ARGUMENT_END;
}

/* Reads flags up to the next word. 0 with next at it, or behind "--" or the last argument. */
static int read_flags(struct walk *w, bool *ret_at_word)
{
	int r = 0;

	*ret_at_word = false;
	while (r == 0 && w->next < w->argc) {
		const char *argument = w->argv[w->next];
		enum argument class = argument_class(argument);

		*ret_at_word = class == ARGUMENT_WORD;
		if (*ret_at_word)
			return 0;
		w->next++;
		if (class == ARGUMENT_END)
			return 0;
		r = class == ARGUMENT_LONG ? read_long(w, argument) : read_letters(w, argument);
	}
	return r;
}

int settings_parse_front(const struct setting *table, void *object, int argc, char **argv,
			 int *ret_rest, struct diag *d)
{
	struct walk w = { table, object, argc, argv, 1, d };
	bool at_word;
	int r = read_flags(&w, &at_word);

	if (r < 0)
		return r;
	*ret_rest = w.next;
	return 0;
}

int settings_parse(const struct setting *table, void *object, int argc, char **argv,
		   struct setting_words *ret_words, struct diag *d)
{
	struct walk w = { table, object, argc, argv, 1, d };
	struct setting_words words = { .items = mem_new_array(char *, (size_t)argc + 1) };
	bool at_word;
	int r;

	for (;;) {
		r = read_flags(&w, &at_word);
		if (r < 0 || !at_word)
			break;

		char *word = argv[w.next++];

		if (!ret_words) {
			r = diag_fail(d, ERR_CONFIG, "unexpected argument \"%s\"", word);
			break;
		}
		words.items[words.count++] = word;
	}
	words.rest = w.next;
	if (r < 0 || !ret_words)
		mem_free(words.items);
	else
		*ret_words = words;
	return r;
}

/*
 * What is derived
 */

const struct setting *settings_row(const struct setting *table, struct str argument)
{
	struct str name = str_slice(argument, 2, str_find(argument, 0, '='));
	struct slot slot;
	bool found;

	if (!str_has_prefix(argument, STR("--")))
		found = argument.len > 1 && argument.ptr[0] == '-' &&
			slot_find(table, NULL, STR_EMPTY, argument.ptr[1], &slot);
	else
		found = slot_find(table, NULL, name, 0, &slot) ||
			(str_has_prefix(name, STR("no-")) &&
			 slot_find(table, NULL, str_slice(name, 3, name.len), 0, &slot));
	return found && slot.row->kind != SETTING_KIND_refused ? slot.row : NULL;
}

void setting_synopsis(const struct setting *row, struct buf *out)
{
	if (row->letter)
		buf_printf(out, "-%c, ", row->letter);
	setting_flag_name(row, out);
	if (row->value_name)
		buf_printf(out, " %s", row->value_name);
}

void setting_describe(const struct setting *row, struct buf *out)
{
	buf_append_str(out, str_from(row->text));
	if (row->choices) {
		buf_append_str(out, STR(": "));
		choices_put(row, out);
		buf_append_char(out, '.');
	}
	if (row->default_text && *row->default_text && row->kind != SETTING_KIND_flag)
		buf_printf(out, " (default %s)", row->default_text);
}

#define GROUPS_MAX 8

/* The groups of a table, and what is told of one of them at a time. */
struct groups {
	const char *headings[GROUPS_MAX]; /* the first is NULL: of rows without a heading */
	size_t count;
	const char *heading;
	setting_visit *visit;
	void *user;
};

static void group_note(unused_arg const struct setting *row, const char *heading, void *user)
{
	struct groups *g = user;

	for (size_t i = 0; i < g->count; i++)
		if (g->headings[i] == heading)
			return;
	assert(g->count < GROUPS_MAX);
	g->headings[g->count++] = heading;
}

static void group_visit(const struct setting *row, const char *heading, void *user)
{
	struct groups *g = user;

	if (heading == g->heading)
		g->visit(row, heading, g->user);
}

void settings_each_grouped(const struct setting *table, setting_visit *visit, void *user)
{
	struct groups g = { .count = 1, .visit = visit, .user = user };

	settings_each(table, group_note, &g);
	for (size_t i = 0; i < g.count; i++) {
		g.heading = g.headings[i];
		settings_each(table, group_visit, &g);
	}
}

#define HELP_COLUMNS   100
#define HELP_FLAGS_MAX 34 /* a wider flag has a line of its own */

/* Help under way. */
struct help {
	const char *heading; /* of the row before */
	size_t width;        /* of the column on the left */
	struct buf *out;
};

/* "  -n, --namespace NAME", the column on the left. */
static void help_flag(const struct setting *row, struct buf *out)
{
	buf_append_str(out, row->letter ? STR("  ") : STR("      "));
	setting_synopsis(row, out);
}

static void help_measure(const struct setting *row, unused_arg const char *heading, void *user)
{
	struct help *h = user;
	struct buf flag = BUF_INIT(0);

	help_flag(row, &flag);
	if (buf_len(&flag) <= HELP_FLAGS_MAX)
		h->width = max_of(h->width, buf_len(&flag));
	buf_fini(&flag);
}

static void help_row(const struct setting *row, const char *heading, void *user)
{
	struct help *h = user;
	struct buf text = BUF_INIT(0);
	size_t before, used;

	if (heading != h->heading)
		buf_printf(h->out, "\n%s\n", heading);
	h->heading = heading;
	before = buf_len(h->out);
	help_flag(row, h->out);
	used = buf_len(h->out) - before;
	if (used > h->width)
		buf_printf(h->out, "\n%*s", (int)h->width + 3, "");
	else
		buf_printf(h->out, "%*s", (int)(h->width + 3 - used), "");
	setting_describe(row, &text);
	buf_append_wrapped(h->out, buf_str(&text), h->width + 3, HELP_COLUMNS);
	buf_append_char(h->out, '\n');
	buf_fini(&text);
}

void settings_help(const struct setting *table, struct buf *out)
{
	struct help h = { .out = out };

	settings_each(table, help_measure, &h);
	settings_each_grouped(table, help_row, &h);
}
