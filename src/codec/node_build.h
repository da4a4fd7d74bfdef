#pragma once

/*
 * Building a tree while reading it: what the JSON and the YAML reader share
 *
 * A reader reports keys and values in the order of the text. The builder hangs them into the
 * tree, counts nodes and depth against the limits and refuses duplicate keys. The stack of
 * open containers is the tree itself: each node knows its parent.
 *
 * Duplicates in small maps are found by looking through them. From KEYS_LINEAR_MAX keys on, a
 * map's keys also stand in one hash table of the builder, so that a map with a hundred
 * thousand keys costs no more per key than a small one.
 */

#include "codec/node.h"

struct node_build {
	struct pool *pool;
	struct node_limits limits; /* without zeros */
	struct diag *diag;

	struct node *root;
	struct node *current; /* the innermost open container */
	uint32_t depth;
	uint32_t node_count;

	bool key_pending;
	struct str key;
	struct position key_at;

	struct {
		struct node **slots; /* open addressing, by map and key */
		size_t capacity;     /* a power of two, or 0 */
		size_t count;
	} seen;
};

void node_build_init(struct node_build *b, const struct node_limits *limits, struct pool *pool,
		     struct diag *d);
/* The tree stays: it is the pool's. */
void node_build_fini(struct node_build *b);
/* For the next document: forgets the tree, keeps what was counted against the limits. */
void node_build_next(struct node_build *b);

/* Fails at a place in the text. */
int node_build_fail(struct node_build *b, int error, struct position at, const char *format, ...)
	printf_like(4, 5);

/* The key of the next value in the current map; `key` lives in the pool. */
must_check int node_build_key(struct node_build *b, struct str key, struct position at);
/* A node without children yet; ret_node->at is set. */
must_check int node_build_value(struct node_build *b, enum node_kind kind, struct position at,
				struct node **ret_node);
/* The same, and what follows goes into it until node_build_close(). */
must_check int node_build_open(struct node_build *b, enum node_kind kind, struct position at);
void node_build_close(struct node_build *b);
