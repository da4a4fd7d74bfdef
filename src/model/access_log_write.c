#include "model/access_log_format.h"

#include <assert.h>

/* Deeper than formats nest: the reader of messages allows 32. */
#define LEVELS_MAX 64

/* An object or a list being written. With omit_empty one without a value leaves nothing
 * behind, so its bracket waits for the first. */
struct level {
	struct str key; /* of the object or list itself */
	char bracket;
	bool opened;
	bool has_value;
};

struct line {
	const struct access_log *log;
	access_log_lookup *lookup;
	void *user;
	struct buf *out;
	struct str key; /* of the value that comes next; empty in a list */
	struct level levels[LEVELS_MAX];
	unsigned depth;
};

static struct str value_text(const struct log_token *t, const struct log_value *v,
			     struct buf *scratch)
{
	struct str text = v->text;

	if (v->kind == LOG_VALUE_NUMBER || v->kind == LOG_VALUE_TIME) {
		if (v->kind == LOG_VALUE_NUMBER)
			buf_printf(scratch, "%llu", (unsigned long long)v->number);
		else
			access_log_time(t->text, v->time, scratch);
		text = buf_str(scratch);
	}
	return t->length_max > 0 ? str_slice(text, 0, t->length_max) : text;
}

static bool is_control(char c)
{
	return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

static void plain_write(struct str text, struct buf *out)
{
	for (size_t from = 0; from < text.len;) {
		size_t to = from;

		while (to < text.len && !is_control(text.ptr[to]))
			to++;
		buf_append_str(out, str_slice(text, from, to));
		if (to < text.len)
			buf_append_char(out, '?');
		from = to + 1;
	}
}

/* A fact as part of a text. */
static void operator_write(struct line *l, const struct log_token *t)
{
	struct log_value v = l->lookup(t, l->user);
	struct buf scratch = BUF_INIT(0);
	struct str text;

	if (v.kind == LOG_VALUE_NONE) {
		if (!l->log->omit_empty)
			buf_append_char(l->out, '-');
		return;
	}
	text = value_text(t, &v, &scratch);
	if (l->log->json)
		json_write_escaped(text, l->out);
	else
		plain_write(text, l->out);
	buf_fini(&scratch);
}

static void member_begin(struct line *l, struct level *parent, struct str key)
{
	if (parent && parent->has_value)
		buf_append_char(l->out, ',');
	if (parent)
		parent->has_value = true;
	if (key.len > 0) {
		buf_append_str(l->out, key);
		buf_append_char(l->out, ':');
	}
}

/* Writes the brackets that still wait. */
static void levels_open(struct line *l)
{
	for (unsigned i = 0; i < l->depth; i++) {
		struct level *level = &l->levels[i];

		if (level->opened)
			continue;
		member_begin(l, i > 0 ? &l->levels[i - 1] : NULL, level->key);
		buf_append_char(l->out, level->bracket);
		level->opened = true;
	}
}

static void value_begin(struct line *l)
{
	levels_open(l);
	member_begin(l, l->depth > 0 ? &l->levels[l->depth - 1] : NULL, l->key);
	l->key = STR_EMPTY;
}

/* A fact as a JSON value of its own. */
static void value_write(struct line *l, const struct log_token *t)
{
	struct log_value v = l->lookup(t, l->user);
	struct buf scratch = BUF_INIT(0);

	if (v.kind == LOG_VALUE_NONE && l->log->omit_empty) {
		l->key = STR_EMPTY;
		return;
	}
	value_begin(l);
	if (v.kind == LOG_VALUE_NONE)
		buf_append_str(l->out, STR("null"));
	else if (v.kind == LOG_VALUE_NUMBER)
		buf_append_str(l->out, value_text(t, &v, &scratch));
	else
		json_write_text(value_text(t, &v, &scratch), l->out);
	buf_fini(&scratch);
}

static void literal_write(struct line *l, struct str text)
{
	if (l->log->omit_empty && str_eq(text, STR("null"))) {
		l->key = STR_EMPTY;
		return;
	}
	value_begin(l);
	buf_append_str(l->out, text);
}

static void container_begin(struct line *l, char bracket)
{
	assert(l->depth < LEVELS_MAX);
	l->levels[l->depth++] = (struct level){ .key = l->key, .bracket = bracket };
	l->key = STR_EMPTY;
	if (l->depth == 1 || !l->log->omit_empty)
		levels_open(l);
}

static void container_end(struct line *l, char bracket)
{
	if (l->levels[--l->depth].opened)
		buf_append_char(l->out, bracket);
}

static void token_write(struct line *l, const struct log_token *t)
{
	switch (t->kind) {
	case LOG_TOKEN_TEXT:
		buf_append_str(l->out, t->text);
		break;
	case LOG_TOKEN_OPERATOR:
		operator_write(l, t);
		break;
	case LOG_TOKEN_VALUE:
		value_write(l, t);
		break;
	case LOG_TOKEN_STRING_BEGIN:
		value_begin(l);
		buf_append_char(l->out, '"');
		break;
	case LOG_TOKEN_STRING_END:
		buf_append_char(l->out, '"');
		break;
	case LOG_TOKEN_LITERAL:
		literal_write(l, t->text);
		break;
	case LOG_TOKEN_KEY:
		l->key = t->text;
		break;
	case LOG_TOKEN_OBJECT_BEGIN:
		container_begin(l, '{');
		break;
	case LOG_TOKEN_OBJECT_END:
		container_end(l, '}');
		break;
	case LOG_TOKEN_LIST_BEGIN:
		container_begin(l, '[');
		break;
	case LOG_TOKEN_LIST_END:
		container_end(l, ']');
		break;
	}
}

void access_log_write(const struct access_log *log, access_log_lookup *lookup, void *user,
		      struct buf *out)
{
	struct line l = { .log = log, .lookup = lookup, .user = user, .out = out };

	for (uint32_t i = 0; i < log->token_count; i++)
		token_write(&l, &log->tokens[i]);
	if (log->json)
		buf_append_char(out, '\n');
}
