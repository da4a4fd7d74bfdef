#pragma once

/*
 * Fields of documents: tables
 *
 * A kind is a tree of tables, each table the fields of one object, each row one field: its
 * name, type, place in the struct, limits, default and text. Reading, defaults, canonical form,
 * differences and JSON Schema are walks over these rows, and nothing else knows them.
 *
 *	static const struct field backend_fields[] = {
 *		FIELD(struct backend_ref, name, text, "name", .required = true,
 *		      .format = &format_dns_label, .text = "Name of the Service."),
 *		FIELD(struct backend_ref, weight, count, "weight", .max = 1000000,
 *		      .default_text = "1", .text = "Share of the requests; 0 takes none."),
 *		{ 0 }
 *	};
 *
 * The offset is taken through _Generic, so that a member of the wrong type does not compile.
 * A struct that a table fills begins with `const struct node *node`. What rows cannot say
 * (fields that exclude each other, values that depend on others) is the object's check().
 */

#include "base/diag.h"
#include "base/pool.h"
#include "base/time.h"
#include "codec/node.h"
#include "mesh/codes.h"
#include "mesh/format.h"
#include "mesh/kind.h"
#include "mesh/mesh_config.h"
#include "mesh/port_name.h"
#include "mesh/text_map.h"

struct reader {
	struct pool *pool;
	struct diag *diag;
	struct str name_space; /* of the document, once its metadata is read */
	struct str name;
	const struct kind *kind;
};

struct field;
struct field_type;

struct object {
	size_t size;
	const struct field *fields; /* ends with { 0 } */
	/* After all fields are read and defaulted: 0, or reader_fail(). NULL: nothing to check. */
	int (*check)(struct reader *r, void *value);
};

/* A word of an enum, by its value. */
struct choice {
	const char *word;
	const char *unsupported; /* why this version refuses it, and what to do; NULL: it is fine */
};

struct field {
	const char *name;
	const struct field_type *type;
	size_t offset;
	size_t count_offset; /* of a list, whose entries are of the type; 0: no list */
	size_t entry_size;
	bool required;            /* a list: at least one entry */
	bool defaulted;           /* an object that is there even when absent */
	const char *default_text; /* of a scalar; NULL: zero or empty */
	const struct format *format;
	const struct choice *choices; /* ends with { 0 } */
	const struct object *object;
	uint64_t min;
	uint64_t max;         /* of a number; 0: none */
	const uint16_t *only; /* the numbers that are allowed; ends with 0 */
	uint32_t entries_max;
	const char *key;         /* of a list: the field by which a person tells entries apart */
	bool unique;             /* and no two entries have the same */
	bool passing;            /* for this write only: no part of the canonical form */
	const char *unsupported; /* known by name and refused: why, and what to do */
	const char *text;
};

/* Member types, for _Generic: that of a value, and of an entry of a list. */
typedef struct str field_member_text;
typedef uint32_t field_member_count;
typedef uint32_t field_member_choice;
typedef struct duration field_member_duration;
typedef struct text_map field_member_text_map;
typedef struct port_target field_member_port_target;
typedef struct address field_member_ip;
typedef struct address_range field_member_range;

#define FIELD(struct_, member, kind, name_, ...)                               \
	{                                                                      \
		.name = (name_), .type = &field_##kind,                        \
		.offset = _Generic(((struct_ *)0)->member, field_member_##kind \
				   : offsetof(struct_, member)),               \
		.entry_size = sizeof(((struct_ *)0)->member), __VA_ARGS__      \
	}
#define FIELD_LIST(struct_, member, count_, kind, name_, ...)                    \
	{                                                                        \
		.name = (name_), .type = &field_##kind,                          \
		.offset = _Generic(((struct_ *)0)->member, field_member_##kind * \
				   : offsetof(struct_, member)),                 \
		.count_offset = offsetof(struct_, count_),                       \
		.entry_size = sizeof(*((struct_ *)0)->member), __VA_ARGS__       \
	}
/* An object of a table, by pointer (NULL when absent), and a list of them. */
#define FIELD_OBJECT(struct_, member, object_, name_, ...)                                       \
	{                                                                                        \
		.name = (name_), .type = &field_object, .offset = offsetof(struct_, member),     \
		.entry_size = sizeof(*((struct_ *)0)->member), .object = &(object_), __VA_ARGS__ \
	}
#define FIELD_OBJECTS(struct_, member, count_, object_, name_, ...)                              \
	{                                                                                        \
		.name = (name_), .type = &field_object, .offset = offsetof(struct_, member),     \
		.count_offset = offsetof(struct_, count_),                                       \
		.entry_size = sizeof(*((struct_ *)0)->member), .object = &(object_), __VA_ARGS__ \
	}
/* Written by the control plane and shown to people: accepted, and not kept. */
#define FIELD_READ_ONLY(name_, text_)                                     \
	{                                                                 \
		.name = (name_), .type = &field_read_only, .text = text_, \
	}
/* Part of the standard and refused by name. */
#define FIELD_UNSUPPORTED(name_, why_)                                            \
	{                                                                         \
		.name = (name_), .type = &field_read_only, .unsupported = (why_), \
	}

struct field_type {
	const char *name; /* for help: "text", "number" */
	/* One value from a node of any kind. */
	int (*read)(struct reader *r, const struct field *f, const struct node *n, void *ret_value);
	/* The value where nothing is written; NULL: zero. */
	int (*fill)(struct reader *r, const struct field *f, const struct node *parent,
		    void *ret_value);
	/* NULL: the node as it is. */
	struct node *(*canonical)(const struct field *f, const struct node *n, struct pool *pool);
	/* Adds to the schema of the value. */
	void (*schema)(const struct field *f, struct node *schema, struct pool *pool);
};

extern const struct field_type field_text;
extern const struct field_type field_count;
extern const struct field_type field_choice;
extern const struct field_type field_duration;
extern const struct field_type field_text_map;
extern const struct field_type field_port_target;
extern const struct field_type field_ip;
extern const struct field_type field_range;
extern const struct field_type field_object;
extern const struct field_type field_read_only;

#define field_for_each(f, object) for (const struct field *f = (object)->fields; f->name; f++)

/* NULL when the object has no such field. */
const struct field *field_find(const struct object *object, struct str name);

/* Reads the map `n` into `value`, zeroed memory of object->size. */
must_check int object_read(struct reader *r, const struct object *object, const struct node *n,
			   void *value);

/* Fails at a node, and at its key; hints are added with diag_hint(). */
int reader_fail(struct reader *r, const struct node *n, enum code code, const char *format, ...)
	printf_like(4, 5);
int reader_fail_key(struct reader *r, const struct node *n, enum code code, const char *format, ...)
	printf_like(4, 5);

/* For types: adds the code to what node_read_…() said; cuts a text for a message; checks a form. */
int reader_wrong_type(struct reader *r, int error);
struct str reader_shown(struct str text);
must_check int reader_check_format(struct reader *r, const struct format *format,
				   const struct node *n, struct str text);
void schema_set(struct node *schema, struct str key, const char *text, struct pool *pool);

/* Canonical tree of a map that was read with the same table. */
struct node *object_canonical(const struct object *object, const struct node *n, struct pool *pool);
struct node *object_schema(const struct object *object, struct pool *pool);
