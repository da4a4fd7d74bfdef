#pragma once

/*
 * Trees that a program writes: JSON bodies, bootstrap files, results
 *
 * Each adds to a mapping under a key, or to a list where the key is NULL. Text is borrowed.
 */

#include "codec/node.h"

void tree_text(struct pool *pool, struct node *owner, const char *key, struct str value);
void tree_number(struct pool *pool, struct node *owner, const char *key, int64_t value);
void tree_bool(struct pool *pool, struct node *owner, const char *key, bool value);
/* With so many digits behind the point. */
void tree_real(struct pool *pool, struct node *owner, const char *key, double value, int digits);
struct node *tree_map(struct pool *pool, struct node *owner, const char *key);
struct node *tree_list(struct pool *pool, struct node *owner, const char *key);
