#pragma once

/*
 * Protobuf messages by table
 *
 * proto/generate.py reads our .proto subset and writes one descriptor per message (build
 * directory, proto/weft.pb.h and .c). With it, one walker serves all cold messages:
 *
 *	binary ──pb_decode──▶ struct pb_message ◀──pb_from_node── YAML, JSON
 *	binary ◀─pb_encode──      (a tree)      ──pb_to_node───▶ JSON dumps
 *
 * Decoding enforces the annotations of the fields: what is unknown or unsupported is refused,
 * warned about or counted by its class (design §5, controlplane.md §2.4), text is UTF-8,
 * lists and texts have limits, duplicate singular fields in security messages are refused.
 * Encoding is canonical: ascending field numbers, defaults left out, so equal messages have
 * equal bytes and equal hashes.
 *
 * Fields are addressed by the generated enum of indexes: pb_text(m, PB_Listener_name).
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/pool.h"
#include "base/time.h"
#include "codec/node.h"
#include "codec/pb.h"

enum pb_type {
	PB_TYPE_BOOL,
	PB_TYPE_INT32,
	PB_TYPE_INT64,
	PB_TYPE_UINT32,
	PB_TYPE_UINT64,
	PB_TYPE_SFIXED64,
	PB_TYPE_FIXED64,
	PB_TYPE_FLOAT,
	PB_TYPE_DOUBLE,
	PB_TYPE_ENUM,
	PB_TYPE_STRING,
	PB_TYPE_BYTES,
	PB_TYPE_MESSAGE,
};

/* What an unknown or unsupported field means (the option weft.class). */
enum pb_class {
	PB_OPEN,     /* may be ignored; counted */
	PB_DEGRADE,  /* may be ignored with a warning */
	PB_SEMANTIC, /* refused */
	PB_CLOSED,   /* security-relevant: refused, duplicates too */
};

/* How JSON writes a well-known message. */
enum pb_wellknown {
	PB_PLAIN,
	PB_WELLKNOWN_DURATION,
	PB_WELLKNOWN_TIMESTAMP,
	PB_WELLKNOWN_WRAPPER, /* UInt32Value, BoolValue, …: the bare value */
	PB_WELLKNOWN_STRUCT,
	PB_WELLKNOWN_VALUE,
	PB_WELLKNOWN_LIST_VALUE,
	PB_WELLKNOWN_ANY, /* {"@type": …, fields} */
	PB_WELLKNOWN_EMPTY,
};

struct pb_enum_value {
	const char *name;
	int32_t number;
	bool unsupported; /* known, but refused or warned about by the field's class */
};

struct pb_enum_desc {
	const char *name; /* full: "envoy.config.cluster.v3.Cluster.LbPolicy" */
	const struct pb_enum_value *values;
	uint16_t value_count;
};

struct pb_desc;

struct pb_field_desc {
	const char *name;      /* "connect_timeout" */
	const char *json_name; /* "connectTimeout"; both are read */
	uint32_t number;
	uint8_t type;  /* enum pb_type */
	uint8_t klass; /* enum pb_class */
	bool repeated;
	bool map;         /* repeated entry message {key=1, value=2} written as a JSON object */
	bool presence;    /* zero differs from absent: messages, members of a oneof, optional */
	bool required;    /* absent is refused (weft.required) */
	bool unsupported; /* known by name and number; present is treated by class
			     (weft.unsupported) */
	bool sensitive;   /* shown as "[redacted]" in dumps */
	int16_t oneof;    /* index of the oneof in the message, -1 for none */
	uint32_t limit;   /* most entries, or most bytes of text; 0: the general limit */
	uint64_t max;     /* largest number; 0: none (weft.max) */
	const struct pb_desc *message;
	const struct pb_enum_desc *enumeration;
	const char *text; /* documentation (weft.text) */
};

struct pb_desc {
	const char *name;                   /* full: "envoy.config.listener.v3.Listener" */
	uint8_t wellknown;                  /* enum pb_wellknown */
	uint8_t klass;                      /* of unknown field numbers */
	bool entry;                         /* entry of a map: key is field 0, value field 1 */
	bool unsupported;                   /* known by name alone (weft.unsupported_message) */
	const struct pb_field_desc *fields; /* ascending by number */
	uint16_t field_count;
	const char *const *oneofs; /* names, for messages */
	uint8_t oneof_count;
	uint32_t oneofs_required; /* bit per oneof: one member must be set */
	const char *text;
};

/* All descriptors that may stand in an Any, for @type and type_url; NULL when unknown. The
 * type URL is "type.googleapis.com/NAME". */
const struct pb_desc *pb_desc_by_name(struct str full_name);
const struct pb_desc *pb_desc_by_type_url(struct str type_url);

union pb_value {
	int64_t number; /* bools, all integers and enums */
	uint64_t unsigned_number;
	double real;
	struct str text; /* string, bytes */
	struct pb_message *message;
};

struct pb_slot {
	uint32_t count; /* 0: absent; singular: 1 */
	uint32_t capacity;
	union {
		union pb_value one; /* singular */
		union pb_value *many;
	};
};

struct pb_message {
	const struct pb_desc *desc;
	struct pool *pool;
	struct position at;            /* where a person wrote it; 0 when it came as binary */
	struct pb_message *parent;     /* NULL for the root */
	uint16_t parent_field;         /* which field of the parent it is in … */
	uint32_t parent_index;         /* … and at which place, where that is a list */
	struct pb_message *any_opened; /* of an Any that a person wrote: what it holds */
	struct pb_slot slots[];        /* one per field of desc */
};

/* What was tolerated while reading: for counters and for the status of a resource. */
struct pb_report {
	uint32_t ignored; /* open fields */
	uint32_t warnings;
	char first_warning[256];
};

/*
 * Readers. Text is borrowed from the input when it came as binary, copied into the pool when it
 * came as a node. Any values are left as messages of google.protobuf.Any with `type_url` and
 * `value` bytes; pb_from_node() encodes what stands beside @type and keeps it for
 * pb_open_any(), with its positions. An Any of a type that is not known keeps only its
 * type_url: whoever opens it decides what that means.
 *
 * ERR_PROTO: malformed. ERR_CONFIG: a value is wrong or missing. ERR_UNSUPPORTED: unknown or
 * not implemented, and its class does not let it pass. ERR_LIMIT: too much of something. The
 * diag has the path and, for nodes, the position. report may be NULL.
 */
must_check int pb_decode(const struct pb_desc *desc, struct str bytes, struct pool *pool,
			 struct pb_message **ret_message, struct pb_report *report, struct diag *d);
must_check int pb_from_node(const struct pb_desc *desc, const struct node *n, struct pool *pool,
			    struct pb_message **ret_message, struct pb_report *report,
			    struct diag *d);

/* Writers. Canonical bytes; a JSON tree (proto names, as Envoy dumps), secrets redacted, Any
 * opened where its type is known. */
void pb_encode(const struct pb_message *m, struct buf *out);
struct node *pb_to_node(const struct pb_message *m, struct pool *pool);

/* Building. */
struct pb_message *pb_new(const struct pb_desc *desc, struct pool *pool);
void pb_set_bool(struct pb_message *m, unsigned field, bool value);
void pb_set_number(struct pb_message *m, unsigned field, int64_t value);
void pb_set_real(struct pb_message *m, unsigned field, double value);
void pb_set_text(struct pb_message *m, unsigned field, struct str value); /* borrowed */
/* The new sub-message of a singular field; of a repeated one, appended. */
struct pb_message *pb_add_message(struct pb_message *m, unsigned field);
void pb_add_text(struct pb_message *m, unsigned field, struct str value);
void pb_add_number(struct pb_message *m, unsigned field, int64_t value);
void pb_add_real(struct pb_message *m, unsigned field, double value);
/* The value of a new entry of a map whose values are messages. */
struct pb_message *pb_add_entry(struct pb_message *m, unsigned field, struct str key);
/* Sets an Any field to the encoding of `value`, or appends where it is repeated. */
void pb_set_any(struct pb_message *m, unsigned field, const struct pb_message *value);
/* Wrapper and Duration fields. */
void pb_set_wrapped(struct pb_message *m, unsigned field, uint64_t value);
void pb_set_wrapped_bool(struct pb_message *m, unsigned field, bool value);
void pb_set_duration(struct pb_message *m, unsigned field, struct duration d);

/* Reading: absent gives zero, empty or NULL. m may be NULL. */
bool pb_has(const struct pb_message *m, unsigned field);
bool pb_bool(const struct pb_message *m, unsigned field);
int64_t pb_number(const struct pb_message *m, unsigned field);
double pb_real(const struct pb_message *m, unsigned field);
struct str pb_text(const struct pb_message *m, unsigned field);
struct pb_message *pb_sub(const struct pb_message *m, unsigned field);
uint32_t pb_count(const struct pb_message *m, unsigned field);
struct pb_message *pb_sub_at(const struct pb_message *m, unsigned field, uint32_t i);
struct str pb_text_at(const struct pb_message *m, unsigned field, uint32_t i);
int64_t pb_number_at(const struct pb_message *m, unsigned field, uint32_t i);
double pb_real_at(const struct pb_message *m, unsigned field, uint32_t i);
/* The entry of a map with this key, or NULL: key is its field 0, value its field 1. */
struct pb_message *pb_entry(const struct pb_message *m, unsigned field, struct str key);
/* The name of the value of an enum field; NULL for a number without a name. */
const char *pb_enum_name(const struct pb_message *m, unsigned field);
/* Which member of a oneof is set: its field index, or -1. */
int pb_which(const struct pb_message *m, const char *oneof);
/* Wrappers and durations with the value that an absent field means. */
uint64_t pb_wrapped(const struct pb_message *m, unsigned field, uint64_t absent);
bool pb_wrapped_bool(const struct pb_message *m, unsigned field, bool absent);
struct duration pb_duration(const struct pb_message *m, unsigned field, struct duration absent);

/*
 * Opens an Any field. ERR_UNSUPPORTED for an unknown type, naming it. NULL *ret_message when
 * absent.
 */
must_check int pb_open_any(const struct pb_message *any, struct pool *pool,
			   struct pb_message **ret_message, struct pb_report *report,
			   struct diag *d);

/* "filter_chains[0].filters[1].typed_config", from the root of the message. */
void pb_path(const struct pb_message *m, struct buf *out);

/* Fails at a message, or at a field of it: diag_fail() with path, and position where known. */
int pb_fail(struct diag *d, const struct pb_message *m, int error, const char *format, ...)
	printf_like(4, 5);
int pb_fail_field(struct diag *d, const struct pb_message *m, unsigned field, int error,
		  const char *format, ...) printf_like(5, 6);
