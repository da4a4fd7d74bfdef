#pragma once

/*
 * A tree of what a person wrote
 *
 * YAML and JSON become the same tree: mappings, sequences and scalars, each with its place
 * in the text. The readers refuse what people do not mean: duplicate keys, YAML 1.1 surprises
 * (`no`, `010`, `1_000`, sexagesimals) in plain scalars, tags, merge keys, too many aliases,
 * too deep nesting. All memory comes from one pool.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/pool.h"
#include "base/str.h"

enum node_kind {
	NODE_NULL,
	NODE_BOOL,
	NODE_NUMBER, /* text keeps the digits as written; JSON grammar */
	NODE_TEXT,
	NODE_LIST,
	NODE_MAP,
};

struct node {
	enum node_kind kind;
	struct position at;
	struct node *parent;
	struct str key; /* in a map: its key */
	struct position key_at;
	uint32_t index;    /* in a list: its place from 0 */
	struct node *next; /* sibling */
	/* NODE_LIST, NODE_MAP */
	struct node *first;
	struct node *last;
	uint32_t count;
	/* scalars */
	struct str text; /* decoded; for NODE_NUMBER the digits */
	bool boolean;
};

struct node_limits {
	uint32_t depth_max;   /* 0: 64 */
	uint32_t nodes_max;   /* 0: 1,000,000 */
	uint32_t aliases_max; /* of nodes that aliases expand to; 0: 10,000 */
};

/* A document of a YAML stream. */
struct node_documents {
	struct node **items; /* in the pool; a document of only comments is left out */
	size_t count;
};

/*
 * Both readers fail with line and column in the diag: ERR_SYNTAX for what is not JSON or YAML,
 * not UTF-8 or holds U+0000; ERR_CONFIG for what readers take differently (duplicate keys,
 * surprises, tags, merge keys); ERR_LIMIT. Nothing is borrowed from the text.
 */

/* One JSON value (RFC 8259). */
must_check int json_parse(struct str text, const struct node_limits *limits, struct pool *pool,
			  struct node **ret_root, struct diag *d);

/* All documents of a YAML 1.2 stream; a byte order mark in front is skipped. */
must_check int yaml_parse(struct str text, const struct node_limits *limits, struct pool *pool,
			  struct node_documents *ret_documents, struct diag *d);

/* For building a tree: values for writers, defaults, tests. Text is borrowed. */
struct node *node_new(struct pool *pool, enum node_kind kind);
struct node *node_new_text(struct pool *pool, struct str text);
struct node *node_new_number(struct pool *pool, int64_t value);
struct node *node_new_bool(struct pool *pool, bool value);
void node_map_add(struct node *map, struct str key, struct node *value);
void node_list_add(struct node *list, struct node *value);
/* A deep copy in another pool. */
struct node *node_copy(struct pool *pool, const struct node *n);
/* Equal as values: order of map keys and positions do not matter. */
bool node_eq(const struct node *a, const struct node *b);

/* NULL when absent or when `map` is no map (or NULL). */
struct node *node_get(const struct node *map, struct str key);
/* Through maps and lists: node_at(n, "spec.rules[0].name"). */
struct node *node_at(const struct node *n, const char *path);
/* Removes from its map or list. */
void node_remove(struct node *n);

/* `child` is a struct node *. */
#define node_for_each(child, n) \
	for (struct node *child = (n) ? (n)->first : NULL; child; child = child->next)

/* "mapping", "number": for messages. */
const char *node_kind_text(enum node_kind kind);
/* "static_resources.listeners[0].name", from the root of the tree; a key that is no word stands
 * as labels["app.kubernetes.io/name"]. node_at() reads what this writes. */
void node_path(const struct node *n, struct buf *out);

/* Fails at this node: records position and path, then diag_fail(). */
int node_fail(struct diag *d, const struct node *n, int error, const char *format, ...)
	printf_like(4, 5);
/* The same, pointing at the key of a map's child. */
int node_fail_key(struct diag *d, const struct node *n, int error, const char *format, ...)
	printf_like(4, 5);

/* Checked reading of scalars: ERR_CONFIG with a message that says what was expected. */
must_check int node_read_text(const struct node *n, struct str *ret_text, struct diag *d);
must_check int node_read_u64(const struct node *n, uint64_t max, uint64_t *ret_value,
			     struct diag *d);
must_check int node_read_bool(const struct node *n, bool *ret_value, struct diag *d);

/* Writers: compact JSON on one line, indented JSON (two spaces), YAML block style. */
void json_write(const struct node *n, struct buf *out);
void json_write_pretty(const struct node *n, struct buf *out);
void yaml_write(const struct node *n, struct buf *out);
/* A JSON string with quotes and escapes; invalid UTF-8 becomes U+FFFD. */
void json_write_text(struct str text, struct buf *out);
/* The same without the quotes: a part of a string. */
void json_write_escaped(struct str text, struct buf *out);
