#pragma once

/*
 * What the readers of binary and of nodes have in common
 *
 * Both build a tree of messages in a pool and judge each field alike: what is unknown or
 * unsupported goes by its class, texts, lists, depth and memory have limits, and when the
 * tree is whole, what is required must be there. Only the way to say where differs: a node
 * has a position, a message has its parents.
 */

#include "codec/pb_message.h"

#define PB_DEPTH_MAX  32
#define PB_LIST_MAX   100000
#define PB_TEXT_MAX   (4u << 20)
#define PB_MEMORY_MAX ((size_t)256 << 20) /* of the tree of one resource */

struct pb_reader {
	struct pool *pool;
	size_t pool_bytes_before;
	struct pb_report *report; /* NULL: nobody asks */
	struct diag *d;
};

/* Where something is wrong. A node says it best; else the message and, with a name, its field. */
struct pb_place {
	const struct pb_message *m;
	const struct pb_field_desc *field; /* may be NULL */
	const struct node *node;           /* may be NULL */
	bool key;                          /* it is about the node's key */
};

struct pb_reader pb_reader_of(struct pool *pool, struct pb_report *report, struct diag *d);

/* Records what is wrong there and returns `error`. */
int pb_reader_fail(struct pb_reader *r, const struct pb_place *place, int error, const char *format,
		   ...) printf_like(4, 5);

/*
 * Something that this version does not know or serve: 0 when its class lets it pass (it is
 * then counted and not kept), ERR_UNSUPPORTED otherwise.
 */
must_check int pb_reader_refuse(struct pb_reader *r, const struct pb_place *place,
				enum pb_class klass, const char *format, ...) printf_like(4, 5);

/* A new sub-message of a field, and room for a value in it; ERR_LIMIT for lists and memory. */
must_check int pb_reader_message(struct pb_reader *r, const struct pb_place *place,
				 struct pb_message *m, unsigned field,
				 struct pb_message **ret_message);
must_check int pb_reader_room(struct pb_reader *r, const struct pb_place *place,
			      const struct pb_message *m, unsigned field);

/*
 * Judges a value. *ret_keep is false when it is tolerated but not kept: an enum value that is
 * unknown or unsupported, in a field whose class lets it pass.
 */
must_check int pb_reader_number(struct pb_reader *r, const struct pb_place *place, int64_t number,
				bool *ret_keep);
must_check int pb_reader_text(struct pb_reader *r, const struct pb_place *place, struct str text);

/* Puts a judged value into its field: appended where it is repeated. */
void pb_put(struct pb_message *m, unsigned field, union pb_value value);
/* The singular field, or another member of its oneof, that was put before; NULL for none. */
const struct pb_field_desc *pb_seen_before(const struct pb_message *m, unsigned field);
/* Zero means the same as absent. */
bool pb_is_default(const struct pb_field_desc *f, const union pb_value *value);

/*
 * When the tree is whole: what is required is there, durations and wrapped numbers are in
 * range, maps are sorted by key and of entries with equal keys the last stays (in a field of
 * class closed they are refused).
 */
must_check int pb_reader_finish(struct pb_reader *r, struct pb_message *m);

/* Order of two entries of a map by key; those of equal keys as they came. For qsort(). */
int pb_entry_compare(const void *a, const void *b);
bool pb_entry_keys_equal(const struct pb_message *a, const struct pb_message *b);

/* The fields of an Any, as pb_message.h promises for google.protobuf.Any. */
enum { PB_ANY_TYPE_URL, PB_ANY_VALUE };
