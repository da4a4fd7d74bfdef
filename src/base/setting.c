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
	return (char *)object + row->offset;
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
		else if (kinds[row->kind].drop)
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

static void flag_put(struct buf *out, const char *name)
{
	buf_append_str(out, STR("--"));
	for (; *name; name++)
		buf_append_char(out, flag_char(*name));
}

#define FLAGS_MAX 128

static size_t flags_collect(const struct setting *table, char **names, size_t count)
{
	for (const struct setting *row = table; row->kind != SETTING_END; row++) {
		struct buf name = BUF_INIT(0);

		if (row->kind == SETTING_KIND_table) {
			count = flags_collect(row->table, names, count);
			continue;
		}
		assert(count < FLAGS_MAX);
		flag_put(&name, row->name);
		names[count++] = buf_take_text(&name);
	}
	return count;
}

static int fail_unknown(const struct setting *table, struct str flag, struct diag *d)
{
	char *names[FLAGS_MAX + 1];
	size_t count = flags_collect(table, names, 0);

	names[count] = NULL;

	const char *nearest = str_nearest(flag, (const char *const *)names);
	int r = diag_fail(d, ERR_CONFIG, "unknown flag %.*s", STR_ARGS(flag));

	if (nearest)
		diag_hint(d, "did you mean %s?", nearest);
	for (size_t i = 0; i < count; i++)
		mem_free(names[i]);
	return r;
}

static int slot_set(struct slot slot, struct str flag, const char *value, struct diag *d)
{
	const struct kind *kind = &kinds[slot.row->kind];
	int r = kind->read(slot.field, value);

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

	if (!slot_find(table, object, name, 0, &slot))
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

static int read_letter(struct walk *w, const char *argument)
{
	struct str flag = str_of(argument, 2);
	struct slot slot;

	if (!slot_find(w->table, w->object, STR_EMPTY, argument[1], &slot))
		return diag_fail(w->d, ERR_CONFIG, "unknown flag %s", argument);
	if (slot.row->kind == SETTING_KIND_flag) {
		if (argument[2])
			return diag_fail(w->d, ERR_CONFIG, "%.*s takes no value", STR_ARGS(flag));
		return slot_set(slot, flag, "true", w->d);
	}
	if (argument[2])
		return slot_set(slot, flag, argument + 2, w->d);
	return take_value(w, slot, flag);
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
		r = class == ARGUMENT_LONG ? read_long(w, argument) : read_letter(w, argument);
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

/* "  -n, --namespace NAME", the column on the left. */
static void help_flag(const struct setting *row, struct buf *out)
{
	if (row->letter)
		buf_printf(out, "  -%c, ", row->letter);
	else
		buf_append_str(out, STR("      "));
	flag_put(out, row->name);
	if (row->value_name)
		buf_printf(out, " %s", row->value_name);
}

static size_t help_width(const struct setting *table)
{
	size_t width = 0;

	for (const struct setting *row = table; row->kind != SETTING_END; row++) {
		struct buf flag = BUF_INIT(0);

		if (row->kind == SETTING_KIND_table) {
			width = max_of(width, help_width(row->table));
			continue;
		}
		help_flag(row, &flag);
		width = max_of(width, buf_len(&flag));
		buf_fini(&flag);
	}
	return width;
}

static void help_rows(const struct setting *table, size_t width, struct buf *out)
{
	for (const struct setting *row = table; row->kind != SETTING_END; row++) {
		size_t before = buf_len(out);

		if (row->kind == SETTING_KIND_table) {
			help_rows(row->table, width, out);
			continue;
		}
		help_flag(row, out);
		buf_printf(out, "%*s   %s", (int)(width - (buf_len(out) - before)), "", row->text);
		if (row->default_text && row->kind != SETTING_KIND_flag)
			buf_printf(out, " (default %s)", row->default_text);
		buf_append_char(out, '\n');
	}
}

void settings_help(const struct setting *table, struct buf *out)
{
	help_rows(table, help_width(table), out);
}
