#pragma once

/*
 * What all compilers of resources share
 *
 * A resource is decoded into a tree of messages in `scratch`, whose texts lie in the raw bytes
 * that the part keeps; so a compiled text is a slice of them, and only what is changed or read
 * from elsewhere is allocated in `pool`. Each compiler fails in one line that names the field.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/pool.h"
#include "base/time.h"
#include "codec/pb_message.h"
#include "message/address.h"
#include "message/text_match.h"
#include "proto/weft.pb.h"

struct compile {
	struct pool *pool;    /* of the part: what stays */
	struct pool *scratch; /* gone when the part is compiled */
	struct pb_report *report;
	struct diag *d;
};

/* Fails at one entry of a list with ERR_CONFIG; pb_fail_field() serves the other cases. */
int compile_fail_at(struct compile *c, const struct pb_message *m, unsigned field, uint32_t index,
		    const char *format, ...) printf_like(5, 6);

/* Notes at `m` that something is less than asked for, but can be enforced. */
void compile_warn(struct compile *c, const struct pb_message *m, const char *format, ...)
	printf_like(3, 4);

/* A copy in lower case. */
struct str compile_lower(struct compile *c, struct str s);

/* Can it stand in a message (RFC 9110 §5.1, §5.5)? */
bool compile_is_header_name(struct str s);
bool compile_is_header_value(struct str s);

/* Not negative. */
must_check int compile_duration(struct compile *c, const struct pb_message *m, unsigned field,
				struct duration absent, struct duration *ret_duration);

/* A field of type Address: IP and port, or a Unix socket. It must be there. */
must_check int compile_address(struct compile *c, const struct pb_message *m, unsigned field,
			       struct address *ret_address);

/* A field of type DataSource: what it holds, or the content of the file it names. Absent is
 * empty. The one place where compiling reads a file. */
must_check int compile_data(struct compile *c, const struct pb_message *m, unsigned field,
			    size_t bytes_max, struct str *ret_data);

/* A StringMatcher. */
must_check int compile_text_match(struct compile *c, const struct pb_message *m,
				  struct text_match *ret_match);

/* A ConfigSource field: only `ads` can be meant, what else there is was refused before. */
must_check int compile_ads(struct compile *c, const struct pb_message *m, unsigned field);

/* A text of a Metadata message under "weft.dev"; empty when it is not there. */
struct str compile_fact(const struct pb_message *metadata, const char *key);

/* What kind of configuration an Any field holds; NULL when absent or unknown. */
const struct pb_desc *compile_any_type(const struct pb_message *m, unsigned field);

/* Opens an Any field. It must be there and of a known type. */
must_check int compile_any(struct compile *c, const struct pb_message *m, unsigned field,
			   struct pb_message **ret_message);

/*
 * Extensions: one row per type that a place takes. compile_extension() finds the row for an
 * Any field; NULL when the type is unknown there.
 */
struct extension {
	const struct pb_desc *type;
	const char *name; /* Envoy's: "envoy.filters.network.tcp_proxy" */
	int (*compile)(struct compile *c, const struct pb_message *config, void *object);
};

const struct extension *compile_extension(const struct extension *table, size_t count,
					  const struct pb_message *m, unsigned field);

/* Fails for an extension that is in no table: `what` says what it would be ("network filter"),
 * `name` and `config` are the fields with its name and its Any. */
int compile_unsupported(struct compile *c, const struct pb_message *m, unsigned name,
			unsigned config, const char *what);
