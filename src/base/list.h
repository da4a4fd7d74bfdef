#pragma once

/*
 * Intrusive doubly linked list
 *
 * The node lives inside its object; container_of() leads back. A node that is in no list
 * points to itself, so list_remove() may be called twice and list_is_linked() tells.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"

struct list {
	struct list *prev;
	struct list *next;
};

static inline void list_init(struct list *l)
{
	l->prev = l->next = l;
}

static inline bool list_is_empty(const struct list *l)
{
	return l->next == l;
}

/* For a node: is it in some list? Also false for zeroed memory. */
static inline bool list_is_linked(const struct list *node)
{
	return node->next && node->next != node;
}

static inline void list_insert_before(struct list *place, struct list *node)
{
	node->prev = place->prev;
	node->next = place;
	place->prev->next = node;
	place->prev = node;
}

static inline void list_push_back(struct list *l, struct list *node)
{
	list_insert_before(l, node);
}

static inline void list_push_front(struct list *l, struct list *node)
{
	list_insert_before(l->next, node);
}

static inline void list_remove(struct list *node)
{
	if (!node->next)
		return;
	node->prev->next = node->next;
	node->next->prev = node->prev;
	node->prev = node->next = node;
}

/* The first node, removed; NULL when empty. */
static inline struct list *list_pop_front(struct list *l)
{
	struct list *node = l->next;

	if (node == l)
		return NULL;
	list_remove(node);
	return node;
}

/* Appends all nodes of `from` to `to`, in order; `from` is empty afterwards. */
static inline void list_move_all(struct list *to, struct list *from)
{
	if (list_is_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

#define list_first(l, type, member) \
	(list_is_empty(l) ? NULL : container_of((l)->next, type, member))

#define list_last(l, type, member) (list_is_empty(l) ? NULL : container_of((l)->prev, type, member))

/* `n` and `node` are a struct list *. The safe form allows removal of the current node. */
#define list_for_each(n, l)        for (struct list *n = (l)->next; n != (l); n = n->next)

#define list_for_each_safe(node, l)                                                    \
	for (struct list *node = (l)->next, *next_of_##node = node->next; node != (l); \
	     node = next_of_##node, next_of_##node = node->next)
