/*
 * YAML, through libyaml's events
 *
 * libyaml knows the grammar; what the text means is decided here: plain scalars by
 * yaml_plain.h, keys are text, duplicates and tags and merge keys are refused, aliases are
 * expanded as copies within a limit. Depth is limited here too: libyaml's time grows with the
 * square of the depth, and its events come early enough to stop it.
 *
 * Before libyaml sees the text, characters are checked, so that a message can point at them:
 * the text is UTF-8, without control characters and without the three that are line breaks in
 * YAML 1.1 and letters in 1.2. Marks come as line and character; a cursor that moves along
 * with them turns characters into bytes.
 */

#include "codec/node_build.h"

#include <yaml.h>

#include "codec/utf8.h"
#include "codec/yaml_plain.h"

#include "base/map.h"
#include "base/mem.h"

#define SHOWN_BYTES_MAX 60

struct yaml_reader {
	struct str text; /* without a byte order mark */
	yaml_parser_t parser;
	struct node_build build;
	struct map anchors; /* of this document: name to struct node */
	uint32_t alias_nodes;
	bool root_is_blank; /* the document holds nothing but comments */

	/* Where the last mark was found: marks mostly move forward. */
	struct {
		size_t line; /* from 0 */
		size_t line_start;
		size_t column; /* in characters */
		size_t offset;
	} cursor;

	struct node **documents; /* mem_realloc */
	size_t document_count;
	size_t document_capacity;
};

static size_t char_bytes(struct str text, size_t at)
{
	size_t next = at + 1;

	while (next < text.len && ((unsigned char)text.ptr[next] & 0xc0) == 0x80)
		next++;
	return next - at;
}

/* A mark of libyaml as line and byte. */
static struct position position_of(struct yaml_reader *y, yaml_mark_t mark)
{
	if (mark.line < y->cursor.line) {
		y->cursor.line = y->cursor.line_start = 0;
		y->cursor.column = y->cursor.offset = 0;
	}
	if (mark.line == y->cursor.line && mark.column < y->cursor.column) {
		y->cursor.column = 0;
		y->cursor.offset = y->cursor.line_start;
	}
	while (y->cursor.line < mark.line) {
		size_t end = str_find(y->text, y->cursor.offset, '\n');

		y->cursor.offset = y->cursor.line_start = min_of(end + 1, y->text.len);
		y->cursor.column = 0;
		y->cursor.line++;
	}
	while (y->cursor.column < mark.column && y->cursor.offset < y->text.len) {
		y->cursor.offset += char_bytes(y->text, y->cursor.offset);
		y->cursor.column++;
	}
	return (struct position){ (uint32_t)y->cursor.line + 1,
				  (uint32_t)(y->cursor.offset - y->cursor.line_start) + 1 };
}

static struct position event_at(struct yaml_reader *y, const yaml_event_t *event)
{
	return position_of(y, event->start_mark);
}

/* NULL, or why this character may not stand in a text. */
static const char *char_refused(struct str text, size_t at, uint32_t code)
{
	if (code == '\r')
		return at + 1 < text.len && text.ptr[at + 1] == '\n'
			       ? NULL
			       : "a carriage return without a line feed";
	if (code == '\t' || code == '\n')
		return NULL;
	if (code == 0x85 || code == 0x2028 || code == 0x2029)
		return "a line break only in YAML 1.1: write \\N, \\L or \\P in double quotes";
	if (code == 0xfeff)
		return "a byte order mark behind the beginning";
	if (code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0xfffe || code == 0xffff)
		return "a control character: write it as an escape in double quotes";
	return NULL;
}

static int check_characters(struct yaml_reader *y)
{
	struct position where = { 1, 1 };
	size_t line_start = 0;
	size_t at = 0;

	while (at < y->text.len) {
		size_t start = at;
		uint32_t code = 0;
		bool valid = utf8_next(y->text, &at, &code);
		const char *reason = valid ? char_refused(y->text, start, code) : NULL;

		where.column = (uint32_t)(start - line_start) + 1;
		if (!valid)
			return node_build_fail(&y->build, ERR_SYNTAX, where,
					       "the text is not UTF-8 here");
		if (reason)
			return node_build_fail(&y->build, ERR_SYNTAX, where, "U+%04X is %s", code,
					       reason);
		if (code == '\n') {
			where.line++;
			line_start = at;
		}
	}
	return 0;
}

/* libyaml's own complaint, with the two mistakes that people make most put plainly. */
static int fail_parser(struct yaml_reader *y)
{
	const yaml_parser_t *p = &y->parser;
	struct position at = position_of(y, p->problem_mark);
	const char *problem = p->problem ?: "it does not parse";

	if (p->error == YAML_MEMORY_ERROR)
		return node_build_fail(&y->build, ERR_LIMIT, at, "out of memory");
	if (y->cursor.offset < y->text.len && y->text.ptr[y->cursor.offset] == '\t' &&
	    strstr(problem, "cannot start any token"))
		return node_build_fail(&y->build, ERR_SYNTAX, at,
				       "a tab indents this line: YAML indents with spaces");
	if (p->context)
		return node_build_fail(&y->build, ERR_SYNTAX, at, "%s %s that began at line %zu",
				       problem, p->context, p->context_mark.line + 1);
	return node_build_fail(&y->build, ERR_SYNTAX, at, "%s", problem);
}

static struct str event_text(const yaml_event_t *event)
{
	return str_of((const char *)event->data.scalar.value, event->data.scalar.length);
}

static int fail_surprise(struct yaml_reader *y, struct position at, struct str text)
{
	struct buf advice = BUF_INIT(0);
	int r;

	r = node_build_fail(&y->build, ERR_CONFIG, at,
			    "%.*s without quotes means different things to different YAML readers",
			    STR_ARGS(str_slice(text, 0, SHOWN_BYTES_MAX)));
	yaml_plain_advise(str_slice(text, 0, SHOWN_BYTES_MAX), &advice);
	diag_hint(y->build.diag, "%.*s", STR_ARGS(buf_str(&advice)));
	buf_fini(&advice);
	return r;
}

static bool scalar_is_plain(const yaml_event_t *event)
{
	return event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

/* A map waits for a key: it is the current container, and none is pending. */
static bool key_expected(const struct yaml_reader *y)
{
	return y->build.current && y->build.current->kind == NODE_MAP && !y->build.key_pending;
}

static int read_key(struct yaml_reader *y, const yaml_event_t *event)
{
	struct position at = event_at(y, event);
	struct str text = event_text(event);
	enum yaml_plain meaning = scalar_is_plain(event) ? yaml_plain_resolve(text) : YAML_TEXT;
	int r;

	if (scalar_is_plain(event) && str_eq(text, STR("<<")))
		return node_build_fail(&y->build, ERR_CONFIG, at,
				       "merge keys (<<) are not supported: repeat the fields");
	if (meaning != YAML_TEXT) {
		r = node_build_fail(&y->build, ERR_CONFIG, at, "a key must be text");
		diag_hint(y->build.diag, "write \"%.*s\"",
			  STR_ARGS(str_slice(text, 0, SHOWN_BYTES_MAX)));
		return r;
	}
	return node_build_key(&y->build, pool_strdup(y->build.pool, text), at);
}

static const enum node_kind kinds[] = {
	[YAML_TEXT] = NODE_TEXT,  [YAML_NULL] = NODE_NULL,     [YAML_TRUE] = NODE_BOOL,
	[YAML_FALSE] = NODE_BOOL, [YAML_NUMBER] = NODE_NUMBER,
};

static void anchor_set(struct yaml_reader *y, const yaml_char_t *name, struct node *n)
{
	if (name)
		map_set(&y->anchors, str_from((const char *)name), n);
}

static int read_value(struct yaml_reader *y, const yaml_event_t *event)
{
	struct position at = event_at(y, event);
	struct str text = event_text(event);
	enum yaml_plain meaning = scalar_is_plain(event) ? yaml_plain_resolve(text) : YAML_TEXT;
	struct node *n;
	int r;

	if (meaning == YAML_SURPRISE)
		return fail_surprise(y, at, text);
	if (!y->build.current)
		y->root_is_blank = scalar_is_plain(event) && text.len == 0;
	r = node_build_value(&y->build, kinds[meaning], at, &n);
	if (r < 0)
		return r;
	n->text = pool_strdup(y->build.pool, text);
	n->boolean = meaning == YAML_TRUE;
	anchor_set(y, event->data.scalar.anchor, n);
	return 0;
}

static int fail_tag(struct yaml_reader *y, struct position at, const yaml_char_t *tag)
{
	return node_build_fail(&y->build, ERR_CONFIG, at, "tags (%.*s) are not supported",
			       SHOWN_BYTES_MAX, (const char *)tag);
}

static int on_scalar(struct yaml_reader *y, const yaml_event_t *event)
{
	if (event->data.scalar.tag)
		return fail_tag(y, event_at(y, event), event->data.scalar.tag);
	if (str_find(event_text(event), 0, 0) < event->data.scalar.length)
		return node_build_fail(&y->build, ERR_SYNTAX, event_at(y, event),
				       "text must not contain the character U+0000");
	if (!key_expected(y))
		return read_value(y, event);
	if (event->data.scalar.anchor)
		return node_build_fail(&y->build, ERR_CONFIG, event_at(y, event),
				       "a key must not have an anchor");
	return read_key(y, event);
}

static int open(struct yaml_reader *y, const yaml_event_t *event, enum node_kind kind,
		const yaml_char_t *tag, const yaml_char_t *anchor)
{
	struct position at = event_at(y, event);
	int r;

	if (tag)
		return fail_tag(y, at, tag);
	if (key_expected(y))
		return node_build_fail(&y->build, ERR_CONFIG, at, "a key must be text, not a %s",
				       node_kind_text(kind));
	r = node_build_open(&y->build, kind, at);
	if (r < 0)
		return r;
	anchor_set(y, anchor, y->build.current);
	return 0;
}

static int on_sequence_start(struct yaml_reader *y, const yaml_event_t *event)
{
	return open(y, event, NODE_LIST, event->data.sequence_start.tag,
		    event->data.sequence_start.anchor);
}

static int on_mapping_start(struct yaml_reader *y, const yaml_event_t *event)
{
	return open(y, event, NODE_MAP, event->data.mapping_start.tag,
		    event->data.mapping_start.anchor);
}

static int on_end(struct yaml_reader *y, const yaml_event_t *event unused_arg)
{
	node_build_close(&y->build);
	return 0;
}

/* A copy of what the anchor named, as if it had been written out here. */
static int expand(struct yaml_reader *y, const struct node *source, struct position alias_at)
{
	struct node *n;
	int r;

	if (y->alias_nodes++ == y->build.limits.aliases_max)
		return node_build_fail(&y->build, ERR_LIMIT, alias_at,
				       "aliases expand to more than %u values",
				       y->build.limits.aliases_max);
	if (source->kind != NODE_MAP && source->kind != NODE_LIST) {
		r = node_build_value(&y->build, source->kind, source->at, &n);
		if (r < 0)
			return r;
		n->text = source->text;
		n->boolean = source->boolean;
		return 0;
	}

	r = node_build_open(&y->build, source->kind, source->at);
	if (r < 0)
		return r;
	node_for_each (child, source) {
		if (source->kind == NODE_MAP) {
			r = node_build_key(&y->build, child->key, child->key_at);
			if (r < 0)
				return r;
		}
		r = expand(y, child, alias_at);
		if (r < 0)
			return r;
	}
	node_build_close(&y->build);
	return 0;
}

static int on_alias(struct yaml_reader *y, const yaml_event_t *event)
{
	const char *name = (const char *)event->data.alias.anchor;
	const struct node *source = map_get(&y->anchors, str_from(name));
	struct position at = event_at(y, event);

	if (key_expected(y))
		return node_build_fail(&y->build, ERR_CONFIG, at, "a key must not be an alias");
	if (!source)
		return node_build_fail(&y->build, ERR_CONFIG, at,
				       "no anchor \"&%.*s\" stands before this alias",
				       SHOWN_BYTES_MAX, name);
	for (const struct node *up = y->build.current; up; up = up->parent)
		if (up == source)
			return node_build_fail(&y->build, ERR_CONFIG, at,
					       "the alias \"*%.*s\" contains itself",
					       SHOWN_BYTES_MAX, name);
	return expand(y, source, at);
}

static int on_document_start(struct yaml_reader *y, const yaml_event_t *event)
{
	const yaml_version_directive_t *version = event->data.document_start.version_directive;

	node_build_next(&y->build);
	map_fini(&y->anchors);
	map_init(&y->anchors);
	y->root_is_blank = false;

	if (version && !(version->major == 1 && version->minor == 2))
		return node_build_fail(&y->build, ERR_CONFIG, event_at(y, event),
				       "YAML %d.%d is not supported: this is read as YAML 1.2",
				       version->major, version->minor);
	if (event->data.document_start.tag_directives.start !=
	    event->data.document_start.tag_directives.end)
		return node_build_fail(&y->build, ERR_CONFIG, event_at(y, event),
				       "tags (%%TAG) are not supported");
	return 0;
}

static int on_document_end(struct yaml_reader *y, const yaml_event_t *event unused_arg)
{
	if (y->root_is_blank)
		return 0;
	if (y->document_count == y->document_capacity) {
		y->document_capacity = y->document_capacity ? y->document_capacity * 2 : 8;
		y->documents =
			mem_realloc(y->documents, y->document_capacity * sizeof(y->documents[0]));
	}
	y->documents[y->document_count++] = y->build.root;
	return 0;
}

static int on_nothing(struct yaml_reader *y unused_arg, const yaml_event_t *event unused_arg)
{
	return 0;
}

static int (*const handlers[])(struct yaml_reader *y, const yaml_event_t *event) = {
	[YAML_NO_EVENT] = on_nothing,
	[YAML_STREAM_START_EVENT] = on_nothing,
	[YAML_STREAM_END_EVENT] = on_nothing,
	[YAML_DOCUMENT_START_EVENT] = on_document_start,
	[YAML_DOCUMENT_END_EVENT] = on_document_end,
	[YAML_ALIAS_EVENT] = on_alias,
	[YAML_SCALAR_EVENT] = on_scalar,
	[YAML_SEQUENCE_START_EVENT] = on_sequence_start,
	[YAML_SEQUENCE_END_EVENT] = on_end,
	[YAML_MAPPING_START_EVENT] = on_mapping_start,
	[YAML_MAPPING_END_EVENT] = on_end,
};

static int read_events(struct yaml_reader *y)
{
	yaml_event_t event;
	bool more = true;
	int r;

	while (more) {
		if (!yaml_parser_parse(&y->parser, &event))
			return fail_parser(y);
		more = event.type != YAML_STREAM_END_EVENT;
		r = handlers[event.type](y, &event);
		yaml_event_delete(&event);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_all(struct yaml_reader *y)
{
	int r;

	r = check_characters(y);
	if (r < 0)
		return r;
	if (!yaml_parser_initialize(&y->parser))
		return node_build_fail(&y->build, ERR_LIMIT, (struct position){ 1, 1 },
				       "out of memory");
	yaml_parser_set_encoding(&y->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&y->parser, (const unsigned char *)(y->text.ptr ?: ""),
				     y->text.len);
	r = read_events(y);
	yaml_parser_delete(&y->parser);
	return r;
}

int yaml_parse(struct str text, const struct node_limits *limits, struct pool *pool,
	       struct node_documents *ret_documents, struct diag *d)
{
	static const struct str mark = STR_INIT("\xef\xbb\xbf");
	struct yaml_reader y = { .text = text };
	int r;

	if (str_has_prefix(text, mark))
		y.text = str_slice(text, mark.len, text.len);
	node_build_init(&y.build, limits, pool, d);
	map_init(&y.anchors);

	r = read_all(&y);
	if (r == 0) {
		ret_documents->items = pool_new_array(pool, struct node *, y.document_count);
		ret_documents->count = y.document_count;
		if (y.document_count)
			memcpy(ret_documents->items, y.documents,
			       y.document_count * sizeof(y.documents[0]));
	}
	map_fini(&y.anchors);
	mem_free(y.documents);
	node_build_fini(&y.build);
	return r;
}
